"""Whether bf16 serves a model of two graphs better on this processor, and letting it. Imports torch only where it may.

Such a model starts in fp32 without torch, and goes on in bf16 as soon as torch is there and its weights are laid out.
"""

from __future__ import annotations

import logging
import math
import platform
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from pipeline.graph_clip import GraphClip
from pipeline.mapped_weights import MappedWeights
from pipeline.model_choice import ModelPlan
from pipeline.model_errors import first_line
from pipeline.precision import MUST_GAIN
from pipeline.prediction import Floats
from pipeline.preprocessing import rings
from pipeline.processor import may_have_bf16
from pipeline.threads import giving_way
from pipeline.vit_sizes import vit_sizes

if TYPE_CHECKING:
    from pipeline.clip import ClipModel
    from pipeline.packed_vit import PackedVit

logger = logging.getLogger(__name__)

BF16_MUST_AGREE = 0.999
"""Least cosine between a frame's features in bf16 and in fp32."""
TIMINGS = 7
Tower = Callable[[Floats], Floats]


def may_pack() -> bool:
    """Tell whether this processor may multiply matrices in bf16 by weights that are laid out for it; without torch."""
    return platform.machine().lower() in ("amd64", "x86_64") and may_have_bf16()


def packed_tower(plan: ModelPlan) -> PackedVit | None:
    """Lay out a model's image tower in bf16, on threads that give way; None where that cannot be."""
    sizes = vit_sizes(plan) if may_pack() else None
    if sizes is None or plan.weights is None:
        return None
    try:
        from pipeline.packed_vit import PackedVit

        held = MappedWeights(plan.weights)
        tower = giving_way(lambda: PackedVit(sizes, held.arrays))
        held.put_away()
    # What torch's operators raise where there are none has no common class; the model goes on as it is.
    except Exception as error:
        logger.warning("%s is not computed in bf16: %s", plan.name, first_line(error))
        return None
    return tower


def use_bf16(model: ClipModel, *, wanted: bool = False) -> bool:
    """Let bf16 compute a model's frames where that agrees and is faster here; False where it does not.

    Parameters
    ----------
    model : ClipModel
    wanted : bool
        The user wants bf16, however fast it is.
    """
    if not isinstance(model, GraphClip) or model.precision != "fp32":
        return False
    tower = packed_tower(model.plan)
    if tower is None:
        return False
    frame = rings(model.image_size)
    probe = model.preprocessing.pictures(frame[None], normalisation="clip", view="crop")
    try:
        cosine, gain = giving_way(lambda: _compared(tower, model.images, probe))
    except RuntimeError as error:
        logger.warning("%s is not computed in bf16: %s", model.name, first_line(error))
        return False
    logger.info("%s: bf16 is %.1f times as fast, cosine %.5f", model.name, gain, cosine)
    if not cosine >= BF16_MUST_AGREE or (gain < MUST_GAIN and not wanted):
        return False
    model.use_image_tower(tower, "bf16")
    return True


def _compared(tower: Tower, exact: Tower, probe: Floats) -> tuple[float, float]:
    """Give the cosine between both towers' features, and how many times as fast the first is."""
    one, other = tower(probe)[0], exact(probe)[0]
    cosine = float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))
    least = [math.inf, math.inf]
    for _ in range(TIMINGS):  # in turn: what else the machine does hits both
        for place, each in enumerate((tower, exact)):
            start = time.perf_counter()
            each(probe)
            least[place] = min(least[place], time.perf_counter() - start)
    return cosine, least[1] / least[0]
