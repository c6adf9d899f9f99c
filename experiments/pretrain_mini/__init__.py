"""Training of the bundled model from nothing: the words, the pictures, the events, the two towers."""
