"""Other packages that do the same work. None is needed: what is not installed is said to be so."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable
from typing import Any

from benchmarks.measuring import NOT_INSTALLED, Contender, failure


def peer(module: str) -> Any | None:
    """Import a peer's module; None where its package is not installed, or lacks one of its own."""
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def contender(name: str, modules: str | tuple[str, ...], make: Callable[..., Callable[[], float | None]]) -> Contender:
    """Make a contender of a package's modules.

    Parameters
    ----------
    name : str
    modules : str or tuple of str
        Given to `make`, imported.
    make : callable
        Prepares the work, and gives what does it once.
    """
    names = (modules,) if isinstance(modules, str) else modules
    if any(importlib.util.find_spec(module.partition(".")[0]) is None for module in names):
        return Contender(name, None, NOT_INSTALLED)
    try:
        return Contender(name, make(*map(importlib.import_module, names)))
    # Somebody else's code: whatever goes wrong in it costs its row, not the run.
    except Exception as error:
        return Contender(name, None, failure(error))


def versions(*packages: str) -> dict[str, str]:
    """Give the installed versions of these packages."""
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
