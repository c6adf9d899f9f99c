"""Windows a second in steady state: each window has one frame that the one before had not."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch

import pipeline as nc
from benchmarks.machine import read_bandwidth
from benchmarks.made_events import real_events
from benchmarks.measuring import OWN, Contender, Effort, Figure, StageResult, compare, is_own
from benchmarks.peers import contender
from benchmarks.random_models import random_folder
from pipeline.model_building import build_model
from pipeline.model_choice import BUNDLED
from pipeline.model_errors import Following
from pipeline.openvino_store import BF16, INT8
from pipeline.precision import matrices_gain_from_bf16
from pipeline.prediction import EventFrame
from pipeline.processor import may_have_bf16
from pipeline.prompts import PRESETS, PromptList
from pipeline.recogniser import Recogniser

TITLE = "Windows judged a second in steady state, T = 10"
TIMESTEPS = 10
PROMPTS = ("a person", "a cup", "a star", "a hand", "a dog", "a bicycle", "an umbrella", "a key", "a fish", "a tree")
ARCHITECTURES = ("ViT-B-32", "ViT-B-16")
OPEN_CLIP = "torch's own layers in bf16"
REFERENCE = "the reference's way: T frames, fp32"
FEWEST_WINDOWS = 3
LONG_ENOUGH_S = 1.5
NO_BF16 = "this processor has no bf16 instructions"


def measure(effort: Effort) -> StageResult:
    """Measure the bundled model and, unless quick, ViT-B-32 and ViT-B-16 with random weights."""
    frames = _event_frames(effort.size(60, 14))
    bandwidth = read_bandwidth(effort.quick)
    figures: list[Figure] = []
    remarks: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        names = (BUNDLED.name,) if effort.quick else (BUNDLED.name, *ARCHITECTURES)
        for name in names:
            place = BUNDLED if name == BUNDLED.name else random_folder(name, Path(folder) / name)
            work = _Work(str(place), frames, Path(folder) / f"{name}.onnx", effort)
            measured = compare(
                f"{name}, {len(PROMPTS)} prompts", work.contenders(), effort, unit="windows/s", of_seconds=_per_second
            )
            figures += measured
            remarks += [work.floor(name, bandwidth), *work.remarks, *_against_reference(name, measured)]
    return StageResult(
        TITLE,
        tuple(figures),
        (
            *remarks,
            "The reference's way encodes all T frames of each window; the others encode the new one and keep the "
            "features of the rest, as this program does, unless their name says otherwise.",
        ),
    )


def _per_second(seconds: float) -> float:
    return 1 / seconds


def _against_reference(name: str, figures: list[Figure]) -> list[str]:
    """Say how many times the reference's way this program is, in each of its own ways."""
    reference = next((figure.median for figure in figures if figure.contender == REFERENCE), None)
    own = [
        f"{figure.contender}: {figure.median / reference:.1f} x"
        for figure in figures
        if is_own(figure.contender) and figure.median and reference
    ]
    return [f"{name}, against the reference's way: {'; '.join(own)}."] if own else []


def _event_frames(number: int) -> list[EventFrame]:
    tour = real_events(2_000_000)
    pixels = nc.event_frames(tour.events, tour.resolution, timestep_us=30_000)[:number]
    return [EventFrame(i, 0, 30_000 * i, 30_000 * (i + 1), 10_000, frame) for i, frame in enumerate(pixels)]


@dataclass
class _Work:
    """One model and a stream of frames that has no end."""

    model_name: str
    frames: list[EventFrame]
    onnx_file: Path
    effort: Effort

    def __post_init__(self) -> None:
        # As it is without the extra: what that adds is measured beside it.
        precision = "auto" if may_have_bf16() else "fp32"
        self.model = nc.load_model(self.model_name, device="cpu", precision=precision, deterministic=False)
        exact = self.model.precision == "fp32"
        self.exact = self.model if exact else nc.load_model(self.model_name, device="cpu", precision="fp32")
        self.texts = self.exact.encode_texts(PROMPTS)
        self.exported = False
        self.remarks: list[str] = []
        """Of what was seen while contenders were made."""

    def floor(self, name: str, bandwidth: float) -> str:
        """Say how fast the weights alone can be read."""
        visual: Any = self.model.torch_tower
        numbers = sum(int(parameter.numel()) for parameter in visual.parameters())
        weights = numbers * (2 if self.model.precision == "bf16" else 4)
        return (
            f"{name} in {self.model.precision}: the image tower's {weights / 1e6:.0f} MB of weights are read in "
            f"{weights / bandwidth * 1e3:.1f} ms by one core at {bandwidth / 1e9:.1f} GB/s, so that no encoder "
            f"of one frame at a time exceeds {bandwidth / weights:,.0f} windows/s on one core."
        )

    def contenders(self) -> list[Contender]:
        """Give this program and the other ways."""
        bf16 = matrices_gain_from_bf16()
        return [
            Contender(OWN, self._own(self.model), self.model.precision),
            self._own_with_openvino("bf16", BF16) if bf16 else Contender(f"{OWN}, OpenVINO bf16", None, NO_BF16),
            self._own_with_openvino("static int8", INT8),
            Contender(REFERENCE, self._reference()),
            contender("Hugging Face, T frames, bf16", "transformers", self._hugging_face)
            if bf16
            else Contender("Hugging Face, T frames, bf16", None, NO_BF16),
            self._torch_in_bf16() if bf16 else Contender(OPEN_CLIP, None, NO_BF16),
            contender("ONNX Runtime, fp32", "onnxruntime", self._onnx),
            contender("OpenVINO, fp32", "openvino", lambda openvino: self._openvino(openvino, "f32")),
            contender("OpenVINO, bf16", "openvino", lambda openvino: self._openvino(openvino, "bf16"))
            if bf16
            else Contender("OpenVINO, bf16", None, NO_BF16),
            contender("OpenVINO, static int8", ("openvino", "nncf"), self._int8),
        ]

    def _own_with_openvino(self, title: str, precision: str) -> Contender:
        """Let OpenVINO compute the frames, as the extra does, whether or not these random weights would agree."""

        def make(*_: Any) -> Callable[[], float]:
            from pipeline.openvino_tower import converted, quantised, tower_from

            visual, exact = self.exact.torch_tower, self.exact
            examples = [self._images([frame]) for frame in self.frames[:32]]
            network = converted(visual, examples[0])
            if precision == INT8:
                network = quantised(network, examples, transformer=hasattr(visual, "transformer"))
            model = build_model(
                self.model.plan, torch.device("cpu"), self.model.precision, deterministic=True, following=Following()
            )
            model.use_image_tower(tower_from(network), precision)
            pixels = np.stack([frame.pixels for frame in self.frames])
            cosine = torch.cosine_similarity(exact.encode_frames(pixels), model.encode_frames(pixels)).min()
            self.remarks.append(
                f"{exact.name}: {len(pixels)} event frames' features by OpenVINO in {title} have a cosine of "
                f"{float(cosine):.5f} or more to those in fp32."
            )
            return self._own(model)

        return contender(f"{OWN}, OpenVINO {title}", ("openvino", "nncf"), make)

    def _torch_in_bf16(self) -> Contender:
        """Cast the weights, as is usual, and encode each frame once."""
        model = build_model(self.model.plan, torch.device("cpu"), "bf16", deterministic=True, following=Following())
        return Contender(OPEN_CLIP, self._own(model))

    def _own(self, model: nc.ClipModel) -> Callable[[], float]:
        recogniser = Recogniser(model, timesteps=TIMESTEPS)
        recogniser.set_prompts(PromptList.of(PROMPTS, PRESETS["class"]))
        stream = self._stream()
        for _ in range(TIMESTEPS):
            recogniser.push([next(stream)])
        return self._timed(lambda: _judged(recogniser.push([next(stream)])))

    def _stream(self) -> Iterator[EventFrame]:
        """Give the frames again and again, numbered on."""
        for index in count():
            frame = self.frames[index % len(self.frames)]
            yield EventFrame(index, 0, 30_000 * index, 30_000 * (index + 1), frame.events, frame.pixels)

    def _timed(self, judge: Callable[[], object]) -> Callable[[], float]:
        """Judge some windows, fewer where one takes long; gives the seconds of one."""
        most, fewest = self.effort.size(20, 2), self.effort.size(FEWEST_WINDOWS, 2)

        def run() -> float:
            start, judged = time.perf_counter(), 0
            while judged < fewest or (judged < most and time.perf_counter() - start < LONG_ENOUGH_S):
                judge()
                judged += 1
            return (time.perf_counter() - start) / judged

        return run

    def _images(self, frames: list[EventFrame]) -> torch.Tensor:
        return self.exact.preprocessing(
            np.stack([frame.pixels for frame in frames]),
            normalisation="clip",
            view="crop",
            device=torch.device("cpu"),
            dtype=torch.float32,
        )

    def _all_frames(self, encode: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[], float]:
        """Encode all T frames of each window, and compare them as the reference does."""
        texts = torch.nn.functional.normalize(self.texts.repeat(1, TIMESTEPS), dim=1)
        start = count()

        def judge() -> torch.Tensor:
            first = next(start)
            window = [self.frames[(first + step) % len(self.frames)] for step in range(TIMESTEPS)]
            features = torch.nn.functional.normalize(encode(self._images(window)), dim=1)
            joined = features.reshape(1, -1)
            return self.exact.scale * math.sqrt(TIMESTEPS) * joined @ texts.T

        return self._timed(judge)

    def _reference(self) -> Callable[[], float]:
        def encode(images: torch.Tensor) -> torch.Tensor:
            with torch.inference_mode():
                return self.exact.torch_tower(images)  # type: ignore[no-any-return]

        return self._all_frames(encode)

    def _hugging_face(self, transformers: Any) -> Callable[[], float]:
        visual: Any = self.exact.torch_tower
        if not hasattr(visual, "conv1"):
            raise RuntimeError("no such architecture there")
        side, patch = self.exact.image_size, int(visual.conv1.kernel_size[0])
        config = transformers.CLIPVisionConfig(image_size=side, patch_size=patch, projection_dim=self.exact.width)
        tower = transformers.CLIPVisionModelWithProjection(config).eval().to(torch.bfloat16)

        def encode(images: torch.Tensor) -> torch.Tensor:
            with torch.inference_mode():
                return tower(images.bfloat16()).image_embeds.float()  # type: ignore[no-any-return]

        return self._all_frames(encode)

    # --- other engines: one frame a window, features kept ---

    def _streaming(self, encode: Callable[[Any], Any]) -> Callable[[], float]:
        texts = torch.nn.functional.normalize(self.texts, dim=1).numpy()
        kept: list[Any] = []
        stream = self._stream()

        def judge() -> Any:
            feature = encode(self._images([next(stream)]).numpy())[0]
            kept.append(feature / np.linalg.norm(feature))
            del kept[:-TIMESTEPS]
            logits = self.exact.scale * np.mean(kept, axis=0) @ texts.T
            shifted = np.exp(logits - logits.max())
            return shifted / shifted.sum()

        return self._timed(judge)

    def _export(self) -> Path:
        if not self.exported:
            visual: Any = self.exact.torch_tower
            image = self._images(self.frames[:1])
            # Torch's own fused attention, which it takes where nothing is learned, has no form in ONNX.
            fused = torch.backends.mha.get_fastpath_enabled()
            torch.backends.mha.set_fastpath_enabled(False)
            try:
                torch.onnx.export(
                    visual,
                    (image,),
                    str(self.onnx_file),
                    dynamo=False,
                    input_names=["images"],
                    output_names=["features"],
                    dynamic_axes={"images": {0: "count"}},
                )
            finally:
                torch.backends.mha.set_fastpath_enabled(fused)
            self.exported = True
        return self.onnx_file

    def _onnx(self, onnxruntime: Any) -> Callable[[], float]:
        session = onnxruntime.InferenceSession(str(self._export()), providers=["CPUExecutionProvider"])
        return self._streaming(lambda images: session.run(None, {"images": images})[0])

    def _openvino(self, openvino: Any, precision: str) -> Callable[[], float]:
        settings = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        network = openvino.Core().compile_model(openvino.convert_model(str(self._export())), "CPU", settings)
        return self._streaming(lambda images: network(images)[0])

    def _int8(self, openvino: Any, nncf: Any) -> Callable[[], float]:
        examples = [self._images([frame]).numpy() for frame in self.frames[:32]]
        quantised = nncf.quantize(
            openvino.convert_model(str(self._export())),
            nncf.Dataset(examples),
            subset_size=len(examples),
            model_type=nncf.ModelType.TRANSFORMER if hasattr(self.exact.torch_tower, "transformer") else None,
        )
        network = openvino.Core().compile_model(quantised, "CPU", {"PERFORMANCE_HINT": "LATENCY"})
        return self._streaming(lambda images: network(images)[0])


def _judged(prediction: object) -> None:
    if prediction is None:
        raise RuntimeError("no window was complete")
