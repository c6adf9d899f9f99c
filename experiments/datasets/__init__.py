"""Data sets of event recordings, one shape for all: classes, and parts whose samples become event frames."""
