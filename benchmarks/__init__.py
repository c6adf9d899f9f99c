"""How fast each stage is, from an event to a label, beside its peers in the same run."""
