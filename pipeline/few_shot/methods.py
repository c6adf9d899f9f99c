"""The methods by name, as command lines and files name them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pipeline.few_shot.class_means import NearestClassMean
from pipeline.few_shot.classifier import FewShotClassifier
from pipeline.few_shot.errors import FewShotError
from pipeline.few_shot.linear_probe import LinearProbe
from pipeline.few_shot.spiking import SpikingClassifier
from pipeline.few_shot.tip_adapter import TipAdapter
from pipeline.few_shot.zero_shot import ZeroShot

METHODS: Mapping[str, type[FewShotClassifier]] = MappingProxyType(
    {method.name: method for method in (ZeroShot, NearestClassMean, LinearProbe, TipAdapter, SpikingClassifier)}
)


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
    method = METHODS[name]
    return method(scale, method.Settings(**settings))
