"""The trial of OpenVINO with one model: candidates are made, compared with fp32, timed. A process of its own runs it.

What counts as agreement is judged on event frames, those of the bundled recordings, made and preprocessed as live.
"""

from __future__ import annotations

import copy
import json
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil
import torch

from pipeline.bf16_tower import BF16_MUST_AGREE, may_pack
from pipeline.bundled import bundled_recordings, default_prompts
from pipeline.capture.messages import FramerSettings
from pipeline.clip import ClipModel, mean_cosine
from pipeline.events import Recording
from pipeline.framer import Framer
from pipeline.model_choice import ModelPlan
from pipeline.model_errors import Following, first_line
from pipeline.openvino_store import BF16, INT8, Candidate, Outcome, ir_file
from pipeline.openvino_tower import NEEDS, can_compute, converted, quantised, save, tower_from
from pipeline.precision import MUST_GAIN, WORTH_A_TRIAL_S, matrices_gain_from_bf16
from pipeline.prediction import EventFrame, Floats
from pipeline.processor import may_have_bf16
from pipeline.prompts import PRESETS, PromptList
from pipeline.reading import read_recording
from pipeline.recogniser import FEWEST_EVENTS, PIXELS_PER_EVENT
from pipeline.threads import prepare_threads
from pipeline.vit_graph_clip import vit_graph_clip

EXAMPLES = 32
"""Event frames that int8 takes its ranges from."""
INT8_MUST_AGREE = 0.99
"""Part of the windows that must get the same answer in int8 and in fp32."""
TIMINGS = 15
TIMESTEPS = FramerSettings().timesteps
AT_ONCE = 16

Encode = Callable[[torch.Tensor], torch.Tensor]


def serve(plan: str, folder: str, in_background: bool) -> None:
    """Be the child: try what the plan names, and write the outcome into a new folder."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if in_background:
        _stand_back()
    prepare_threads()
    from pipeline.model_building import build_model

    described = json.loads(plan)
    weights = Path(described.pop("weights"))
    model = build_model(
        ModelPlan(weights=weights, **described),
        torch.device("cpu"),
        "fp32",
        deterministic=True,
        following=Following(),
    )
    Path(folder).mkdir()
    try_openvino(model, Path(folder)).write(Path(folder))


def _stand_back() -> None:
    """Let everything else that the machine does go first."""
    if sys.platform == "win32":
        psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS)
    else:
        psutil.Process().nice(19)


def _end_with_parent() -> None:
    """Wait for the end of standard input, which the parent never writes to, and holds open as long as it lives."""
    os.read(0, 1)  # not sys.stdin: its lock is taken when the interpreter ends
    os._exit(1)


@dataclass(frozen=True)
class Stretch:
    """A bundled recording, and what fp32 makes of it.

    Attributes
    ----------
    recording : Recording
    events : int (N,)
        Of each of its event frames.
    texts : float32 (P, C)
        Features of its prompts.
    exact : float32 (N, C)
        Features of its event frames in fp32.
    """

    recording: Recording
    events: npt.NDArray[np.int64]
    texts: torch.Tensor
    exact: torch.Tensor

    def answers(self, features: torch.Tensor) -> list[int]:
        """Give the best prompt of each window in which enough happens to be judged."""
        width, height = self.recording.resolution
        fewest = max(FEWEST_EVENTS, width * height // PIXELS_PER_EVENT)
        return [
            int(mean_cosine(features[start : start + TIMESTEPS], self.texts).argmax())
            for start in range(len(features) - TIMESTEPS + 1)
            if self.events[start : start + TIMESTEPS].sum() >= fewest
        ]


def try_openvino(model: ClipModel, folder: Path) -> Outcome:
    """Make bf16 and int8 of a model in fp32, keep in `folder` those that agree, and give what was found out."""
    visual = model.torch_tower
    recordings = [read_recording(bundled.path) for bundled in bundled_recordings()]
    events = [np.array([frame.events for frame in event_frames_of(recording)]) for recording in recordings]
    examples = [images_of(model, [frame]) for frame in example_frames(recordings, events, EXAMPLES)]
    plain, towers = _best_without(model, examples[0])
    stretches = [
        Stretch(recording, counts, model.encode_texts(_texts_of(bundled.path)), _features(model, recording, visual))
        for bundled, recording, counts in zip(bundled_recordings(), recordings, events, strict=True)
    ]
    candidates: dict[str, Candidate] = {}
    chosen, best_gain, plain_ms = "", 1.0, math.inf
    for precision in (BF16, INT8):
        candidate, beside_ms = _tried(model, precision, folder, examples, stretches, towers)
        candidates[precision], plain_ms = candidate, min(plain_ms, beside_ms)
        gain = beside_ms / candidate.ms if candidate.ms else 0.0
        if not candidate.refused and gain > best_gain * MUST_GAIN:
            chosen, best_gain = precision, gain
    if plain_ms < WORTH_A_TRIAL_S * 1e3:
        chosen = ""
    return Outcome(chosen, plain, plain_ms if math.isfinite(plain_ms) else 0.0, candidates)


def _tried(
    model: ClipModel,
    precision: str,
    folder: Path,
    examples: Sequence[torch.Tensor],
    stretches: Sequence[Stretch],
    plain: Encode,
) -> tuple[Candidate, float]:
    """Make a candidate, keep it where it agrees; gives it, and how long it takes without it at the same time, in ms."""
    if not can_compute(precision):
        return Candidate(refused=f"this processor has no instructions for {NEEDS[precision]}"), math.inf
    file = ir_file(folder, precision)
    try:
        network = converted(model.torch_tower, examples[0])
        if precision == INT8:
            network = quantised(network, examples, transformer=hasattr(model.torch_tower, "transformer"))
        save(network, file)
        del network
        tower = _in_torch(tower_from(file))
        ms, plain_ms = _interleaved_ms(lambda: tower(examples[0]), lambda: plain(examples[0]))
        rough = [_features(model, stretch.recording, tower) for stretch in stretches]
    except (OSError, MemoryError):  # of this machine now, not of the model
        raise
    # Whatever OpenVINO and nncf raise for an architecture that they do not know.
    except Exception as error:
        _remove(folder, precision)
        return Candidate(refused=f"OpenVINO does not take it: {first_line(error)[:200]}"), math.inf
    candidate = judged(precision, ms, stretches, rough)
    if candidate.refused:
        _remove(folder, precision)
    return candidate, plain_ms


def _remove(folder: Path, precision: str) -> None:
    for made in folder.glob(f"{precision}.*"):
        made.unlink()


def judged(precision: str, ms: float, stretches: Sequence[Stretch], rough: Sequence[torch.Tensor]) -> Candidate:
    """Compare a candidate's features of all recordings with those in fp32."""
    pairs = list(zip(stretches, rough, strict=True))
    cosine = min(float(torch.cosine_similarity(stretch.exact, features).min()) for stretch, features in pairs)
    same = [
        exact == other
        for stretch, features in pairs
        for exact, other in zip(stretch.answers(stretch.exact), stretch.answers(features), strict=True)
    ]
    share = sum(same) / max(1, len(same))
    refused = ""
    if not all(features.isfinite().all() for features in rough):
        refused = "it gives no numbers"
    elif precision == BF16 and not cosine >= BF16_MUST_AGREE:
        refused = f"its features' cosine to those in fp32 goes down to {cosine:.4f}, below {BF16_MUST_AGREE}"
    elif precision == INT8 and share < INT8_MUST_AGREE:
        refused = (
            f"it gives the answer of fp32 for {share:.2%} of {len(same)} windows of the bundled recordings, "
            f"fewer than {INT8_MUST_AGREE:.0%}"
        )
    return Candidate(ms, cosine, share, refused)


def _texts_of(recording: Path) -> list[str]:
    return list(PromptList.of(default_prompts(recording), PRESETS["plain"]).texts())


def event_frames_of(recording: Recording) -> Iterator[EventFrame]:
    """Give the event frames of a recording as they come live."""
    framer = Framer(recording.resolution, FramerSettings())
    yield from framer.push(recording.events)
    last = framer.flush()
    if last is not None:
        yield last


def example_frames(
    recordings: Sequence[Recording], events: Sequence[npt.NDArray[np.int64]], count: int
) -> list[EventFrame]:
    """Give so many event frames that lie evenly over the recordings, as many of each as can be.

    Parameters
    ----------
    recordings : sequence of Recording
    events : sequence of int (N,)
        Of each recording's event frames: those with very few are no examples.
    count : int
    """
    found = []
    for place, (recording, counts) in enumerate(zip(recordings, events, strict=True)):
        wanted = count * (place + 1) // len(recordings) - count * place // len(recordings)
        full = np.flatnonzero(counts >= FEWEST_EVENTS)
        chosen = {int(full[len(full) * number // wanted]) for number in range(wanted)}
        found += [frame for number, frame in enumerate(event_frames_of(recording)) if number in chosen]
    return found


def images_of(model: ClipModel, frames: Sequence[EventFrame]) -> torch.Tensor:
    """Give frames as the encoder takes them live, float32 (N, 3, S, S)."""
    return model.preprocessing(
        np.stack([frame.pixels for frame in frames]),
        normalisation="clip",
        view="crop",
        device=torch.device("cpu"),
        dtype=torch.float32,
    )


def _features(model: ClipModel, recording: Recording, tower: Encode) -> torch.Tensor:
    features, waiting = [], []
    for frame in event_frames_of(recording):
        waiting.append(frame)
        if len(waiting) == AT_ONCE:
            features.append(_encoded(tower, images_of(model, waiting)))
            waiting = []
    if waiting:
        features.append(_encoded(tower, images_of(model, waiting)))
    return torch.cat(features)


def _encoded(tower: Encode, images: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return tower(images)


def _in_torch(tower: Callable[[Floats], Floats]) -> Encode:
    def encode(images: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(tower(images.numpy()))

    return encode


def _best_without(model: ClipModel, image: torch.Tensor) -> tuple[str, Encode]:
    """Give the precision in which a model is computed without OpenVINO, and what encodes a frame in it."""
    visual = model.torch_tower

    def exact(images: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return visual(images)  # type: ignore[no-any-return]

    if may_pack() or not may_have_bf16():
        graph = vit_graph_clip(model.plan, "auto", Following(), deterministic=False)
        if graph is not None:
            return graph.precision, _in_torch(graph.images)
    if not may_have_bf16():
        return "fp32", exact
    if not matrices_gain_from_bf16():
        return "fp32", exact
    rough = copy.deepcopy(visual).bfloat16()

    def in_bf16(images: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return rough(images.bfloat16())  # type: ignore[no-any-return]

    rough_ms, exact_ms = _interleaved_ms(lambda: in_bf16(image), lambda: exact(image))
    return ("bf16", in_bf16) if rough_ms * MUST_GAIN < exact_ms else ("fp32", exact)


def _interleaved_ms(one: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """Give the least time of each, measured in turn: what else the machine does hits both."""
    least = [math.inf, math.inf]
    for _ in range(TIMINGS):
        for place, call in enumerate((one, other)):
            start = time.perf_counter()
            call()
            least[place] = min(least[place], (time.perf_counter() - start) * 1e3)
    return least[0], least[1]
