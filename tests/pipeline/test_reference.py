"""The streaming pipeline against the mathematics of NeuroCLIP, computed here in another way and in float64."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch

import pipeline as nc
from pipeline.capture.messages import FramerSettings
from pipeline.event_framing import event_frames
from pipeline.events import EVENT_DTYPE, EventArray, Resolution
from pipeline.framer import Framer
from pipeline.prediction import EventFrame
from pipeline.prompts import PRESETS, PromptList, Template
from pipeline.recogniser import Recogniser, Scale
from tests.pipeline.tiny_clip import MEAN, STD, in_portions, save_folder

Doubles = npt.NDArray[np.float64]

T, TIMESTEP_US, THRESHOLD = 5, 2_000, 1
RESOLUTION = Resolution(70, 45)
ROWS = ("star", "cup", "dog = the drawing of a dog, red, green", "nothing but noise")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> nc.ClipModel:
    return nc.load_model(f"local-dir:{save_folder(tmp_path_factory.mktemp('tiny'))}", device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def events() -> EventArray:
    random = np.random.default_rng(7)
    events = np.zeros(9_000, EVENT_DTYPE)
    events["timestamp"] = 1_000_000 + np.sort(random.integers(0, 25_000, len(events)))
    events["x"] = np.clip(random.normal(30 + events["timestamp"] % 1_000 / 50, 6), 0, 69)
    events["y"] = np.clip(random.normal(22, 8, len(events)), 0, 44)
    events["polarity"] = random.integers(0, 2, len(events))
    return events


def streamed_frames(events: EventArray, portion: int) -> list[EventFrame]:
    framer = Framer(RESOLUTION, FramerSettings(TIMESTEP_US, threshold=THRESHOLD, timesteps=T))
    return [
        replace(frame, pixels=frame.pixels.copy())
        for start in range(0, len(events), portion)
        for frame in framer.push(events[start : start + portion])
    ]


# --- the mathematics, from the paper's formulas ---


def reference_frame(events: EventArray, start_us: int, threshold: int) -> npt.NDArray[np.uint8]:
    """E(y, x) = 127; 255 where n_0 > θ; then 0 where n_1 > θ."""
    counts = np.zeros((2, RESOLUTION.height, RESOLUTION.width), int)
    for event in events:
        if start_us <= event["timestamp"] < start_us + TIMESTEP_US:
            counts[event["polarity"], event["y"], event["x"]] += 1
    frame = np.full(counts.shape[1:], 127, np.uint8)
    frame[counts[0] > threshold] = 255
    frame[counts[1] > threshold] = 0
    return frame


def reference_square(frame: npt.NDArray[np.uint8], view: str) -> Doubles:
    height, width = frame.shape
    grey = frame.astype(float)
    if view == "crop":
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        return grey[top : top + side, left : left + side]
    if view == "fit":
        side = max(height, width)
        square = np.full((side, side), 127.0)
        top, left = (side - height) // 2, (side - width) // 2
        square[top : top + height, left : left + width] = grey
        return square
    return grey


def interpolation(size: int, wanted: int) -> Doubles:
    """Weights of bilinear resizing along one side, (wanted, size): centres of pixels on centres, edges held."""
    weights = np.zeros((wanted, size))
    for place in range(wanted):
        position = min(max((place + 0.5) * size / wanted - 0.5, 0), size - 1)
        below = int(position)
        weights[place, below] += 1 - (position - below)
        weights[place, min(below + 1, size - 1)] += position - below
    return weights


def reference_features(
    model: nc.ClipModel, frames: list[npt.NDArray[np.uint8]], normalisation: str, view: str
) -> Doubles:
    size = model.image_size
    pictures = []
    for frame in frames:
        square = reference_square(frame, view)
        height, width = square.shape
        small = interpolation(height, size) @ square @ interpolation(width, size).T / 255
        mean, std = (MEAN, STD) if normalisation == "clip" else ((0.5, 0.5, 0.5), (1.0, 1.0, 1.0))
        pictures.append([(small - m) / s for m, s in zip(mean, std, strict=True)])
    exact = copy.deepcopy(model.module).double()
    with torch.no_grad():
        return np.asarray(exact.encode_image(torch.tensor(np.array(pictures))))  # type: ignore[operator]


def reference_texts(model: nc.ClipModel, template: Template) -> Doubles:
    """Feature of each row: the mean of its texts' unit vectors. All 77 positions are computed."""
    from open_clip import SimpleTokenizer

    exact = copy.deepcopy(model.module).double()
    rows = []
    for row in ROWS:
        label, _, prompt = row.partition(" = ")
        texts = [prompt] if prompt else [text.replace("{}", label) for text in template.texts]
        with torch.no_grad():
            features = np.asarray(exact.encode_text(SimpleTokenizer()(texts)))  # type: ignore[operator]
        rows.append((features / np.linalg.norm(features, axis=1, keepdims=True)).mean(0))
    return np.array(rows)


def reference_logits(f: Doubles, g: Doubles, s: float, scale: str) -> Doubles:
    if scale == "reference":
        # As the reference writes it: T unit vectors side by side, against the text's vector repeated and normalised.
        side_by_side = (f / np.linalg.norm(f, axis=1, keepdims=True)).reshape(-1)
        repeated = np.tile(g, (1, len(f)))
        repeated /= np.linalg.norm(repeated, axis=1, keepdims=True)
        logits: Doubles = s * repeated @ side_by_side
        return logits
    cosines = [np.mean([frame @ text / np.linalg.norm(frame) / np.linalg.norm(text) for frame in f]) for text in g]
    return np.array(cosines) * s


def softmax(logits: Doubles) -> Doubles:
    powers = np.exp(logits - logits.max())
    probabilities: Doubles = powers / powers.sum()
    return probabilities


# --- agreement ---


@pytest.mark.parametrize("threshold", [0, 1])
def test_event_frames_are_exactly_the_papers(events: EventArray, threshold: int) -> None:
    frames = event_frames(events, RESOLUTION, timestep_us=TIMESTEP_US, threshold=threshold)
    first_us = int(events["timestamp"][0])
    expected = [reference_frame(events, first_us + n * TIMESTEP_US, threshold) for n in range(len(frames))]
    assert len(frames) == 13
    assert np.array_equal(frames, np.array(expected))
    assert {0, 127, 255} == set(np.unique(frames))


@pytest.mark.parametrize("portion", [313, 9_000])
def test_streamed_frames_are_exactly_the_papers(events: EventArray, portion: int) -> None:
    streamed = streamed_frames(events, portion)
    assert len(streamed) == 12
    for frame in streamed:
        assert np.array_equal(frame.pixels, reference_frame(events, frame.start_us, THRESHOLD))


@pytest.mark.parametrize("view", ["crop", "stretch", "fit"])
@pytest.mark.parametrize("normalisation", ["clip", "reference"])
@pytest.mark.parametrize("scale", ["window", "reference"])
def test_streamed_logits_and_probabilities_are_the_papers(
    model: nc.ClipModel, events: EventArray, view: str, normalisation: str, scale: Scale
) -> None:
    template = PRESETS["cifar10-dvs"]
    recogniser = Recogniser(model, timesteps=T, normalisation=normalisation, view=view, scale=scale)
    recogniser.set_prompts(PromptList.of(ROWS, template))
    predictions = []
    for portion in in_portions(streamed_frames(events, 500), 3, 1, 4):
        predictions += recogniser.analyse(portion)
    predictions += recogniser.finish()

    first_us = int(events["timestamp"][0])
    frames = [reference_frame(events, first_us + n * TIMESTEP_US, THRESHOLD) for n in range(12)]
    features = reference_features(model, frames, normalisation, view)
    texts = reference_texts(model, template)
    s = math.exp(3.0)
    assert len(predictions) == 12 - T + 1
    for number, prediction in enumerate(predictions):
        logits = reference_logits(features[number : number + T], texts, s, scale)
        factor = s * (math.sqrt(T) if scale == "reference" else 1)
        assert prediction.cosines * factor == pytest.approx(logits, abs=1e-3)
        assert prediction.probabilities == pytest.approx(softmax(logits), abs=1e-3)
        assert prediction.best == int(logits.argmax())
        assert prediction.start_us == first_us + number * TIMESTEP_US
    # The comparison would mean little if every row had the same logit.
    assert np.ptp(logits) > 0.5


def test_an_ensembles_row_is_the_mean_of_its_texts_directions(model: nc.ClipModel, events: EventArray) -> None:
    template = PRESETS["drawings"]
    recogniser = Recogniser(model, timesteps=T)
    recogniser.set_prompts(PromptList.of(ROWS, template))
    frames = streamed_frames(events, 1_000)[:T]
    prediction = recogniser.push(frames)
    assert prediction is not None
    features = reference_features(model, [frame.pixels for frame in frames], "clip", "crop")
    logits = reference_logits(features, reference_texts(model, template), math.exp(3.0), "window")
    assert prediction.cosines * math.exp(3.0) == pytest.approx(logits, abs=1e-3)


def test_the_two_scalings_have_one_argmax_and_differ_by_the_root_of_t(model: nc.ClipModel) -> None:
    random = np.random.default_rng(0)
    f, g = random.normal(size=(T, 24)), random.normal(size=(6, 24))
    plain, reference = (reference_logits(f, g, 20.0, scale) for scale in ("window", "reference"))
    assert reference == pytest.approx(plain * math.sqrt(T))
    assert nc.mean_cosine(f, g) * 20 == pytest.approx(plain)


def test_features_kept_from_earlier_windows_give_the_logits_of_a_window_encoded_afresh(
    model: nc.ClipModel, events: EventArray
) -> None:
    prompts = PromptList.of(ROWS, PRESETS["plain"])
    frames = streamed_frames(events, 700)
    sliding = Recogniser(model, timesteps=T)
    sliding.set_prompts(prompts)
    compared = 0
    for end, frame in enumerate(frames, start=1):
        kept = sliding.push([frame])
        if end < T:
            assert kept is None
            continue
        fresh_recogniser = Recogniser(model, timesteps=T)
        fresh_recogniser.set_prompts(prompts)
        fresh = fresh_recogniser.push(frames[end - T : end])
        assert kept is not None
        assert fresh is not None
        assert kept.cosines * model.scale == pytest.approx(fresh.cosines * model.scale, abs=1e-4)
        assert (kept.start_us, kept.end_us, kept.events) == (fresh.start_us, fresh.end_us, fresh.events)
        compared += 1
    assert compared == len(frames) - T + 1
