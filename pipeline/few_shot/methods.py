"""The methods by name, as command lines and files name them. Torch is imported by the one that needs it."""

from __future__ import annotations

import importlib
from typing import Any

from pipeline.few_shot.classifier import FewShotClassifier
from pipeline.few_shot.errors import FewShotError

_WHERE = {
    "zero-shot": ("zero_shot", "ZeroShot"),
    "mean": ("class_means", "NearestClassMean"),
    "probe": ("linear_probe", "LinearProbe"),
    "tip": ("tip_adapter", "TipAdapter"),
    "adapter": ("spiking", "SpikingClassifier"),
}
METHODS = tuple(_WHERE)


def make_classifier(name: str, scale: float, **settings: Any) -> FewShotClassifier:
    """Give a classifier that was taught nothing yet.

    Parameters
    ----------
    name : str
        One of `METHODS`: ``zero-shot``, ``mean``, ``probe``, ``tip``, ``adapter``.
    scale : float
        s = exp(logit_scale) of the CLIP.
    **settings
        Fields of the method's settings.

    Raises
    ------
    FewShotError
        There is no such method.
    """
    if name not in METHODS:
        raise FewShotError(f'There is no method "{name}": choose {", ".join(METHODS)}.')
    module, title = _WHERE[name]
    method: type[FewShotClassifier] = getattr(importlib.import_module(f"pipeline.few_shot.{module}"), title)
    return method(scale, method.Settings(**settings))
