"""The panels of the window: plain values in, signals out."""
