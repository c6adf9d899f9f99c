"""What a frame of a real CLIP's tower would cost without its empty patches: random weights, bf16, one core."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.machine import one_core, one_torch_thread
from benchmarks.measuring import Contender, Effort, Figure, compare
from benchmarks.random_models import random_folder
from experiments.empty_patches.agreement import Shown
from experiments.empty_patches.tower import Flags, patches_with_events, picture_without_events
from pipeline.mapped_weights import MappedWeights
from pipeline.model_choice import ModelPlan, plan_model
from pipeline.model_errors import Following
from pipeline.packed_vit import PackedVit, Weights, _linear, _norm
from pipeline.prediction import EventFrame, Floats
from pipeline.preprocessing import Preprocessing
from pipeline.vit_graph import PREFIX
from pipeline.vit_sizes import VitSizes, vit_sizes

MODELS = ("ViT-B-32", "ViT-B-16")
QUARTILES = {25: "a quarter of the frames leave fewer", 50: "the median", 75: "a quarter of the frames leave more"}
_ROUND_S = 0.5
"""About how long one contender computes in a round."""
_QUICKLY = 2


class FewerTokens(PackedVit):
    """The program's tower, but for the patches of a frame that hold no event; one frame at a time.

    Its weights are laid out for all tokens: how many there are is only known with the frame.
    """

    def __init__(self, sizes: VitSizes, weights: Weights, nothing: Floats) -> None:
        super().__init__(sizes, weights)
        self._nothing = nothing

    def __call__(self, pictures: Floats) -> Floats:
        shown = patches_with_events(pictures, self._nothing, self._patch)[0]
        with torch.inference_mode():
            features: Floats = self._of_shown(torch.from_numpy(pictures), shown).float().numpy()
            return features

    def _of_shown(self, pictures: torch.Tensor, shown: Flags) -> torch.Tensor:
        kept = torch.from_numpy(np.flatnonzero(shown))
        x = _linear(self._cut(pictures.bfloat16())[kept], self._patches)
        places = torch.cat((self._places[:1], self._places[1:][kept]))
        x = _norm(torch.cat((self._class[None], x)) + places, self._before, self._sizes.epsilon)
        x = self._through(x, 1, self._blocks, self._sizes)
        return _linear(_norm(x[:1], self._after, self._sizes.epsilon), self._out)


def measure_speed(recordings: Sequence[Shown], effort: Effort) -> list[Figure]:
    """Time a frame with all tokens, and frames with as many as the recordings' frames leave."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in MODELS:
            plan = plan_model(f"local-dir:{random_folder(name, Path(folder) / name)}", None, following=Following())
            figures += _measured(name, plan, recordings, effort)
    return figures


def _measured(name: str, plan: ModelPlan, recordings: Sequence[Shown], effort: Effort) -> list[Figure]:
    sizes = vit_sizes(plan)
    assert sizes is not None, "a plain Vision Transformer"
    assert plan.weights is not None, "written just now"
    preprocessing = Preprocessing.of(sizes.side, plan.preprocessing)
    nothing = picture_without_events(preprocessing)
    counts, pictures = _at_quartiles(recordings, preprocessing, nothing, sizes.patch)
    with one_core(), one_torch_thread():
        arrays = MappedWeights(plan.weights, prefix=PREFIX).arrays
        dense, fewer = PackedVit(sizes, arrays), FewerTokens(sizes, arrays, nothing)
        _check(dense, fewer, sizes)
        times = effort.size(_times(lambda: dense(pictures[0])), 1)
        contenders = [Contender(f"all {(sizes.side // sizes.patch) ** 2 + 1} tokens", _run(dense, pictures[0], times))]
        for count, picture, told in zip(counts, pictures, QUARTILES.values(), strict=True):
            contenders.append(Contender(f"{count} tokens: {told}", _run(fewer, picture, times)))
        return compare(
            f"{name}, one frame of the recordings, bf16, one core",
            contenders,
            effort,
            unit="ms",
            of_seconds=lambda seconds: seconds * 1e3 / times,
            more_is_better=False,
        )


def _at_quartiles(
    recordings: Sequence[Shown], preprocessing: Preprocessing, nothing: Floats, patch: int
) -> tuple[list[int], list[Floats]]:
    """Give numbers of tokens at the quartiles, and a frame that leaves as many, float32 (1, 3, S, S), each."""

    def picture_of(frame: EventFrame) -> Floats:
        return preprocessing.pictures(frame.pixels[None], normalisation="clip", view="crop")

    places: list[tuple[int, Shown, int]] = []
    for shown in recordings:
        for number, frame in enumerate(shown.frames):
            tokens = int(patches_with_events(picture_of(frame), nothing, patch).sum()) + 1
            places.append((tokens, shown, number))
    places.sort(key=lambda place: place[0])
    counts, pictures = [], []
    for percent in QUARTILES:
        count, shown, number = places[(len(places) - 1) * percent // 100]
        counts.append(count)
        pictures.append(picture_of(shown.frames[number]))
    return counts, pictures


def _check(dense: PackedVit, fewer: FewerTokens, sizes: VitSizes) -> None:
    """Make sure that both compute the same where every patch holds an event."""
    full = np.random.default_rng(0).uniform(1, 2, (1, 3, sizes.side, sizes.side)).astype(np.float32)
    ours, exact = fewer(full)[0], dense(full)[0]
    cosine = float(ours @ exact / (np.linalg.norm(ours) * np.linalg.norm(exact)))
    assert cosine > 0.999, f"the features differ although nothing was left out: their cosine is {cosine:.4f}"


def _times(work: Callable[[], object]) -> int:
    from pipeline.precision import quickest_s

    return max(1, round(_ROUND_S / quickest_s(work, _QUICKLY)))


def _run(tower: Callable[[Floats], Floats], picture: Floats, times: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(times):
            tower(picture)

    return run
