"""What can be wrong with a data set on disk."""

from __future__ import annotations


class DatasetError(Exception):
    """A data set cannot be used. The text says what is expected where, and where it comes from."""


class SampleError(Exception):
    """One sample cannot be read; the others can. One sentence."""
