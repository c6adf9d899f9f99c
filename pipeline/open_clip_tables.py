"""What open_clip knows of its models, without its import, which brings torch and takes seconds.

Its architectures lie in files of their own. Its published weights stand in its code: they are asked for once, and kept
in the user's cache for the version that is installed.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import logging
import os
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from pipeline.cache_folder import cache_folder
from pipeline.model_errors import ModelError

PublishedWeights: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Of one architecture, by tag: where they are, and mean, standard deviation and activation that belong to them."""

logger = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def open_clip_folder() -> Path:
    """Give the folder of the package.

    Raises
    ------
    ModelError
        It is not installed.
    """
    found = importlib.util.find_spec("open_clip")
    if found is None or not found.submodule_search_locations:
        raise ModelError("The package open_clip_torch is not installed: install this program again.")
    return Path(found.submodule_search_locations[0])


def architecture_names() -> tuple[str, ...]:
    """Give all architectures that open_clip knows; does not import it, but asks it where that has happened."""
    if "open_clip" in sys.modules:
        return tuple(sys.modules["open_clip"].list_models())
    return tuple(sorted(file.stem for file in _configs().glob("*.json")))


def architecture_config(name: str) -> dict[str, Any]:
    """Give an architecture's description, open_clip's ``model_cfg``, for a name that is known."""
    if "open_clip" in sys.modules:
        known: dict[str, Any] = sys.modules["open_clip"].get_model_config(name)
        return known
    read: dict[str, Any] = json.loads((_configs() / f"{name}.json").read_text(encoding="utf-8"))
    return read


def _configs() -> Path:
    return open_clip_folder() / "model_configs"


def published_weights(architecture: str) -> PublishedWeights:
    """Give the published weights of one architecture; none where it is not known."""
    return _published().get(architecture, {})


@lru_cache(maxsize=1)
def _published() -> Mapping[str, PublishedWeights]:
    file = cache_folder() / f"open_clip-{importlib.metadata.version('open_clip_torch')}.json"
    try:
        kept: dict[str, PublishedWeights] = json.loads(file.read_text(encoding="utf-8"))
        if all(isinstance(tags, dict) for tags in kept.values()):
            return kept
    except (OSError, ValueError, AttributeError):
        pass  # not kept yet, or damaged: it is written anew
    asked = _asked()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(f".{os.getpid()}")
        unfinished.write_text(json.dumps(asked), encoding="utf-8")
        unfinished.replace(file)
    except OSError as error:
        logger.warning("what open_clip knows is not kept: %s", error)
    return asked


def _asked() -> Mapping[str, PublishedWeights]:
    import open_clip

    return {
        name: {tag: open_clip.get_pretrained_cfg(name, tag) for tag in open_clip.list_pretrained_tags_by_model(name)}
        for name in open_clip.list_models()
    }
