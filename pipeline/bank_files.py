"""What a model made of its bank of texts, kept in files: encoding more than a thousand texts takes half a minute.

A model's folder may bring the features for one template; others are kept in the user's cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from pathlib import Path

import numpy as np

from pipeline.cache_folder import cache_folder
from pipeline.clip import ClipModel
from pipeline.few_shot.shots import unit
from pipeline.prediction import Floats
from pipeline.prompts import Template

FEATURES_FILE = "concept_features.safetensors"
"""In a model's folder, beside its concepts."""
FILES_KEPT = 16
"""In the cache; a file has about 3 MB."""
_TENSOR, _KEY = "features", "of"

log = logging.getLogger(__name__)


def read_features(model: ClipModel, template: Template) -> Floats | None:
    """Give the unit vectors of a model's bank that were saved, float32 (M, C).

    None where there are none for exactly this model, these texts and this precision. Those in the model's folder serve
    every precision.
    """
    if not model.has_weights_file:
        return None
    try:
        file, key = _cached(model, template), _key(model, template)
    except OSError as error:
        log.warning("the files of %s cannot be read any more: %s", model.name, error)
        return None
    kept = _read(file, key)
    if kept is None and model.folder is not None:
        kept = _read(model.folder / FEATURES_FILE, key)
    return kept


def keep_features(model: ClipModel, template: Template, features: Floats) -> None:
    """Keep what `read_features` gives at the next start; where the disk refuses, the log says so."""
    if not model.has_weights_file:
        return
    try:
        file = _cached(model, template)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_features(file, model, template, features)
        newest_first = sorted(file.parent.glob("*.safetensors"), key=lambda each: each.stat().st_mtime, reverse=True)
        for old in newest_first[FILES_KEPT:]:
            old.unlink(missing_ok=True)
    except OSError as error:
        log.warning("features of the bank are not kept: %s", error)


def write_features(file: Path, model: ClipModel, template: Template, features: Floats) -> None:
    """Write features (M, C) with what they are of; whole or not at all.

    Raises
    ------
    OSError
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        save_file({_TENSOR: np.ascontiguousarray(features)}, unfinished, {_KEY: _key(model, template)})
        unfinished.chmod(0o644)  # safetensors leaves it to its owner alone
        unfinished.replace(file)
    except SafetensorError as error:
        raise OSError(str(error)) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _cached(model: ClipModel, template: Template) -> Path:
    name = hashlib.sha256(f"{_key(model, template)} {model.text_precision}".encode()).hexdigest()[:32]
    return cache_folder() / "banks" / f"{name}.safetensors"


def _key(model: ClipModel, template: Template) -> str:
    """What the features depend on, as a number in hexadecimal digits."""
    told = json.dumps([model.text_identity, model.bank.names, template.texts])
    return hashlib.sha256(told.encode()).hexdigest()


def _read(file: Path, key: str) -> Floats | None:
    from safetensors import SafetensorError, safe_open

    with contextlib.suppress(OSError, SafetensorError), safe_open(file, framework="np") as opened:
        if (opened.metadata() or {}).get(_KEY) == key:
            features: Floats = opened.get_tensor(_TENSOR)
            whole = features.dtype == np.float32  # others lost some digits, and with them their length
            return features if whole else unit(features.astype(np.float32))
    return None
