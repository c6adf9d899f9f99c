"""Whether bf16 serves a model of two graphs better on this processor, and letting it. Imports torch only where it may.

In the window such a model starts in fp32 without torch, and goes on in bf16 as soon as torch is there and its weights
are laid out.
"""

from __future__ import annotations

import ctypes
import logging
import math
import platform
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from pipeline.graph_clip import GraphClip
from pipeline.mapped_weights import MappedWeights
from pipeline.model_choice import ModelPlan
from pipeline.model_errors import Following, LoadingCancelled, first_line
from pipeline.precision import MUST_GAIN, WORTH_A_TRIAL_S, matrices_gain_from_bf16, quickest_s
from pipeline.prediction import Floats
from pipeline.preprocessing import rings
from pipeline.processor import may_have_bf16
from pipeline.small_clip_sizes import small_clip_sizes
from pipeline.threads import giving_way

if TYPE_CHECKING:
    from pipeline.clip import ClipModel
    from pipeline.packed_vit import PackedVit

logger = logging.getLogger(__name__)

BF16_MUST_AGREE = 0.999
"""Least cosine between a frame's features in bf16 and in fp32."""
TIMINGS = 7
LONG_ENOUGH_S = 2.0
"""Of timing, where a frame takes long."""
LET_GO_S = 5.0
"""Longest wait for a prediction that still uses what computed before."""
LOOK_S = 0.02
Tower = Callable[[Floats], Floats]


def may_pack() -> bool:
    """Tell whether this processor may multiply matrices in bf16 by weights that are laid out for it; without torch."""
    return platform.machine().lower() in ("amd64", "x86_64") and may_have_bf16()


def packed_tower(plan: ModelPlan, following: Following) -> PackedVit | None:
    """Lay out a model's image tower in bf16; None where that cannot be.

    The products' own threads are started by a thread that gives way, and do so too.

    Raises
    ------
    LoadingCancelled
    """
    from pipeline.vit_sizes import vit_sizes

    sizes = vit_sizes(plan) if may_pack() else None
    if sizes is None or plan.weights is None:
        return None
    try:
        from pipeline.packed_vit import PackedVit
        from pipeline.vit_graph import PREFIX

        following.stop_if_cancelled()
        held = MappedWeights(plan.weights, prefix=PREFIX)
        tower = giving_way(lambda: PackedVit(sizes, held.arrays, following.stop_if_cancelled))
        held.put_away()
    except LoadingCancelled:
        raise
    # What torch's operators raise where there are none has no common class; the model goes on as it is.
    except Exception as error:
        logger.warning("%s is not computed in bf16: %s", plan.name, first_line(error))
        return None
    return tower


def use_bf16(model: ClipModel, following: Following, *, wanted: bool = False) -> bool:
    """Let bf16 compute a model's frames where that agrees and is faster here; False where it does not.

    Parameters
    ----------
    model : ClipModel
    following : Following
    wanted : bool
        The user wants bf16, however fast it is.

    Raises
    ------
    LoadingCancelled
        The model goes on as it is.
    """
    if not isinstance(model, GraphClip) or model.precision != "fp32" or not may_pack() or small_clip_sizes(model.plan):
        return False
    frame = rings(model.image_size)
    probe = model.preprocessing.pictures(frame[None], normalisation="clip", view="crop")
    try:
        if not wanted and not _may_gain(model.images, probe):
            return False
        tower = packed_tower(model.plan, following)
        if tower is None or not giving_way(lambda: _serves(tower, model, probe, following, wanted=wanted)):
            return False
    except LoadingCancelled:
        raise
    except Exception as error:
        logger.warning("%s is not computed in bf16: %s", model.name, first_line(error))
        return False
    following.stop_if_cancelled()
    before = weakref.ref(model.images)
    model.use_image_tower(tower, "bf16")
    _give_back(before, following)
    return True


def _give_back(before: weakref.ref[Tower], following: Following) -> None:
    """Give the memory back to the system of what has computed before, once the thread that still uses it is done.

    glibc keeps what is freed in pieces: 0.4 GB of a ViT-B-32.
    """
    deadline = time.monotonic() + LET_GO_S
    while before() is not None and time.monotonic() < deadline and not following.cancel.wait(LOOK_S):
        pass
    with suppress(OSError, AttributeError, TypeError):  # another library for memory, another system
        ctypes.CDLL(None).malloc_trim(0)


def _may_gain(exact: Tower, probe: Floats) -> bool:
    """Tell whether a frame takes long enough in fp32, and matrices gain from bf16, which torch is asked for."""
    if quickest_s(lambda: exact(probe), 2) < WORTH_A_TRIAL_S:
        return False
    return giving_way(matrices_gain_from_bf16)


def _serves(tower: Tower, model: GraphClip, probe: Floats, following: Following, *, wanted: bool) -> bool:
    """Tell whether a tower agrees with the one that a model has, and, unless it is `wanted` anyway, is faster."""
    ours, exact = tower(probe)[0], model.images(probe)[0]
    cosine = float(ours @ exact / (np.linalg.norm(ours) * np.linalg.norm(exact)))
    if not cosine >= BF16_MUST_AGREE:
        logger.warning("%s is not computed in bf16: its features' cosine to fp32 is %.4f", model.name, cosine)
        return False
    if wanted:
        return True
    gain = gain_of(tower, model.images, probe, following)
    logger.info("%s: bf16 is %.1f times as fast, cosine %.5f", model.name, gain, cosine)
    return gain >= MUST_GAIN


def gain_of(tower: Tower, other: Tower, probe: Floats, following: Following) -> float:
    """Tell how many times as fast the first of two towers is, timed in turn: what else the machine does hits both."""
    least, began = [math.inf, math.inf], time.perf_counter()
    for number in range(TIMINGS):
        for place, each in enumerate((tower, other)):
            following.stop_if_cancelled()
            least[place] = min(least[place], quickest_s(lambda each=each: each(probe), 1))  # type: ignore[misc]
        if number and time.perf_counter() - began > LONG_ENOUGH_S:
            break
    return least[1] / least[0]
