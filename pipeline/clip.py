"""A CLIP by name, tag, file or folder: event frames and texts to features.

Importing this module is cheap: torch is imported when a model is loaded, open_clip when one needs it.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from pipeline.model_choice import (
    AUTO,
    CONFIG_FILE,
    ListedModel,
    ModelPlan,
    check_name,
    list_models,
    plan_model,
    plans_for_auto,
)
from pipeline.model_errors import Following, LoadingCancelled, ModelError, OnProgress, first_line
from pipeline.open_clip_tables import architecture_names
from pipeline.precision import chosen_device, may_have_gpu
from pipeline.prediction import Floats
from pipeline.preprocessing import Frames, Preprocessing, checked_frames, known_normalisation, known_view
from pipeline.text_bank import TextBank, bank_of
from pipeline.weights import fingerprint_of, sha256_of

if TYPE_CHECKING:
    import torch

    from pipeline.text_encoding import TextTower

__all__ = [
    "ClipModel",
    "ListedModel",
    "LoadingCancelled",
    "ModelError",
    "architecture_names",
    "list_models",
    "load_model",
    "mean_cosine",
]

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
FRAMES_TOGETHER = 16
"""Encoded in one call at most, so that a long recording does not fill the memory."""


class ClipModel(ABC):
    """A frozen CLIP. Belongs to one thread at a time.

    `encode_frames` and `encode_texts` give features as ``torch.Tensor``, float32 on the CPU, whatever the model
    computes in; `frame_features` and `text_features` give the same as arrays, and import torch only where the model
    needs it.

    Attributes
    ----------
    name, tag : str
        Architecture; pretrained tag, weights file's name, ``bundled``, ``folder`` or ``untrained``.
    preprocessing : Preprocessing
        From event frames to what the image encoder takes.
    width : int
        C, the length of a feature.
    image_size : int
        Side of the square that the image encoder sees, px.
    logit_scale : float
        The learned parameter; ``scale`` is its exponential, the factor of a cosine in a logit.
    device, precision : str
        Where it runs and in what frames are computed: ``fp32``, ``bf16`` or ``fp16``; ``openvino-bf16`` or ``int8``
        where OpenVINO does that. Texts may be computed in another precision, `text_precision`.
    trained : bool
        False: random weights, so that labels mean nothing.
    context_length : int
        Tokens of a text that are seen.
    text_precision : str
        In what texts are computed, whatever computes the frames.
    notice : str
        What the user should be told about the choice, one sentence; mostly empty.
    """

    device: str

    def __init__(
        self,
        texts: TextTower,
        preprocessing: Preprocessing,
        plan: ModelPlan,
        *,
        logit_scale: float,
        precision: str,
        notice: str = "",
    ) -> None:
        self.preprocessing, self.precision, self.notice = preprocessing, precision, notice
        self._texts, self._plan = texts, plan
        self.logit_scale = logit_scale
        self.text_precision = precision
        feature = self.text_features(["a photo of a cup"])
        if not np.isfinite(feature).all():
            raise ModelError(f"The texts of {self.name} give no numbers in {precision}: choose --precision fp32.")
        self.width = int(feature.shape[1])
        self.bank  # noqa: B018 (a damaged file is said now)

    def __repr__(self) -> str:
        return f"ClipModel({self.name}, {self.tag}, {self.device}, {self.precision})"

    @property
    @abstractmethod
    def module(self) -> torch.nn.Module:
        """open_clip's model itself, or the same function in plain torch; in evaluation mode."""

    @property
    @abstractmethod
    def torch_tower(self) -> torch.nn.Module:
        """The image tower in torch, also where something else computes the frames."""

    @abstractmethod
    def _encoded(self, frames: Frames, normalisation: str, view: str) -> Floats:
        """Give features, float32 (T, C), of at most `FRAMES_TOGETHER` event frames, uint8 (T, H, W)."""

    @abstractmethod
    def use_image_tower(self, tower: Callable[[Floats], Floats], precision: str) -> None:
        """Let something else compute the frames from now on, float32 (N, 3, S, S) to (N, C), on the CPU.

        May be called while another thread encodes frames.
        """

    def use_one_call(self, following: Following) -> None:  # noqa: B027 - for models that torch computes
        """Take no step of the image tower from Python from now on, where that can be; the numbers stay.

        Takes seconds. May be called while another thread encodes frames.

        Raises
        ------
        LoadingCancelled
            The model goes on as it is.
        """

    @property
    def plan(self) -> ModelPlan:
        """What was loaded."""
        return self._plan

    @property
    def name(self) -> str:
        return self._plan.name

    @property
    def tag(self) -> str:
        return self._plan.tag

    @property
    def trained(self) -> bool:
        return self._plan.trained

    @property
    def image_size(self) -> int:
        return self.preprocessing.size

    @property
    def scale(self) -> float:
        """Factor of a cosine in a logit, s = exp(logit_scale)."""
        return math.exp(self.logit_scale)

    @property
    def context_length(self) -> int:
        return self._texts.context_length

    @property
    def folder(self) -> Path | None:
        """The folder that the model was opened from, where it was."""
        return self._plan.folder

    @property
    def has_weights_file(self) -> bool:
        """False: the weights are random."""
        return self._plan.weights is not None

    @cached_property
    def weights_sha256(self) -> str:
        """SHA-256 of the weights file; of the numbers themselves where they are random."""
        assert self._plan.weights is not None, "only torch draws weights"
        return sha256_of(self._plan.weights)

    @cached_property
    def weights_fingerprint(self) -> str:
        """What tells these weights from others, found within milliseconds: see `fingerprint_of`."""
        return fingerprint_of(self._plan.weights) if self._plan.weights is not None else self.weights_sha256

    @cached_property
    def text_identity(self) -> str:
        """What tells its features of texts from another model's, but for rounding: a number in hexadecimal digits."""
        plan = self._plan
        told = [self.weights_fingerprint, plan.quick_gelu]
        if plan.folder is None:
            told.append(plan.architecture)
        else:
            described = [plan.folder / name for name in (CONFIG_FILE, *TOKENIZER_FILES)]
            told += [sha256_of(file) for file in described if file.is_file()]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    @cached_property
    def bank(self) -> TextBank:
        """The concepts that lie in the model's folder, or common nouns: what may be shown besides the typed rows."""
        return bank_of(self._plan.folder)

    def token_count(self, text: str) -> int:
        """Give the tokens of a text, start and end included; above `context_length` its end is not seen."""
        return self._texts.token_count(text)

    def frame_features(self, frames: npt.ArrayLike, normalisation: str = "clip", view: str = "crop") -> Floats:
        """Give the feature of each event frame.

        Parameters
        ----------
        frames : uint8 (T, H, W)
            127, 255 and 0, as `event_frames` makes them.
        normalisation : "clip" or "reference"
            The model's own mean and deviation, or E/255 - 0.5 as NeuroCLIP's code does.
        view : "crop", "stretch" or "fit"
            How a frame fills the encoder's square: its centre; stretched; padded with 127.

        Returns
        -------
        float32 (T, C), not normalised

        Raises
        ------
        ValueError
            Frames of another shape or type, an unknown view or normalisation.
        ModelError
            Not enough memory.
        """
        known_view(view)
        known_normalisation(normalisation)
        array = checked_frames(frames)
        parts: list[Floats] = [np.empty((0, self.width), np.float32)]
        try:
            for start in range(0, len(array), FRAMES_TOGETHER):
                parts.append(self._encoded(array[start : start + FRAMES_TOGETHER], normalisation, view))
        except (RuntimeError, MemoryError) as error:
            raise_if_out_of_memory(error, self.name, self.device)
            raise
        return parts[1] if len(parts) == 2 else np.concatenate(parts)

    def text_features(self, texts: Sequence[str]) -> Floats:
        """Give the feature of each text as it stands, float32 (N, C), not normalised.

        Raises
        ------
        ModelError
            Not enough memory.
        """
        if not texts:
            return np.empty((0, self.width), np.float32)
        try:
            return self._texts.encode(texts)
        except (RuntimeError, MemoryError) as error:
            raise_if_out_of_memory(error, self.name, self.device)
            raise

    def encode_frames(self, frames: npt.ArrayLike, normalisation: str = "clip", view: str = "crop") -> torch.Tensor:
        """Give what `frame_features` gives, as a tensor."""
        import torch

        return torch.from_numpy(self.frame_features(frames, normalisation, view))

    def encode_texts(self, texts: Sequence[str]) -> torch.Tensor:
        """Give what `text_features` gives, as a tensor."""
        import torch

        return torch.from_numpy(self.text_features(texts))


def raise_if_out_of_memory(error: BaseException, name: str, device: str) -> None:
    """Turn the many ways in which memory runs out into one sentence; other errors are left alone."""
    text = str(error).lower()
    if isinstance(error, MemoryError) or "out of memory" in text or "not enough memory" in text:
        raise ModelError(
            f"There is not enough memory for {name} on {device}: choose a smaller model, or close other programs."
        ) from error


def load_model(
    name: str = AUTO,
    pretrained: str | None = None,
    device: str = "auto",
    precision: str = "auto",
    *,
    deterministic: bool = True,
    soon: bool = False,
    on_progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
) -> ClipModel:
    """Load a CLIP.

    Parameters
    ----------
    name : str
        ``auto``: a real CLIP whose weights are on this machine, else the bundled small model, else an untrained
        architecture. Otherwise an architecture of open_clip, ``local-dir:FOLDER`` (or a folder's path),
        ``hf-hub:OWNER/NAME``, or ``untrained``.
    pretrained : str, optional
        A tag, or a file (.safetensors, or a state dict as .pt, .pth, .bin). None: the best tag, cached ones first.
    device : "auto", "cuda", "mps" or "cpu"
    precision : "auto", "fp32", "bf16", "fp16", "openvino-bf16" or "int8"
        ``auto``: fp16 on cuda, fp32 on mps. On a CPU fp32; with ``deterministic=False`` bf16 where a short timing
        says that it is faster here, or what OpenVINO does better still where that is known (the window finds it out
        in the background). The last two need the extra ``fast``, and minutes when they are first asked for.
    deterministic : bool
        Nothing is decided by a timing: the same call on the same machine gives the same numbers.
    soon : bool
        With ``deterministic=False``: give the model as soon as it can compute, in fp32 where bf16 may be faster; the
        window lets it go on in bf16 later.
    on_progress : callable, optional
        Called with a sentence and the part that is done (None: not known). What it raises ends the loading.
    cancel : threading.Event, optional
        Ends the loading soon after it is set.

    Raises
    ------
    ModelError
        In one sentence what is wrong and what to do; random weights are never taken silently.
    LoadingCancelled
    """
    following = Following(on_progress, cancel or threading.Event())
    explicit = name != AUTO or pretrained is not None
    if explicit:
        check_name(name)
    place = _Place(device, following)
    on_cpu = place.is_cpu

    def build(plan: ModelPlan, notice: str = "") -> ClipModel:
        model = None
        if on_cpu:
            model = _of_graphs(plan, precision, following, notice, deterministic=deterministic, soon=soon)
        if model is not None:
            return model
        torch_device = place.in_torch
        from pipeline.model_building import build_model

        return build_model(
            plan, torch_device, precision, deterministic=deterministic, following=following, notice=notice
        )

    if explicit:
        return build(plan_model(name, pretrained, following=following))
    notice = ""
    *plans, last = plans_for_auto(gpu=not on_cpu)
    for plan in plans:
        try:
            return build(plan, notice)
        except ModelError as error:
            notice = notice or str(error)
    return build(last, notice)


def _of_graphs(
    plan: ModelPlan, precision: str, following: Following, notice: str, *, deterministic: bool, soon: bool
) -> ClipModel | None:
    """Build a model that needs no open_clip; None where it does."""
    from pipeline.small_graph_clip import small_graph_clip
    from pipeline.vit_graph_clip import vit_graph_clip

    small = small_graph_clip(plan, precision, following, notice)
    return small or vit_graph_clip(plan, precision, following, notice, deterministic=deterministic, soon=soon)


class _Place:
    """Where a model is to run. Asks torch only where that is not known without it."""

    def __init__(self, wanted: str, following: Following) -> None:
        self._wanted, self._following = wanted, following

    @cached_property
    def is_cpu(self) -> bool:
        if self._wanted == "cpu" or (self._wanted == "auto" and not may_have_gpu()):
            return True
        return self.in_torch.type == "cpu"

    @cached_property
    def in_torch(self) -> torch.device:
        """The device; raises ModelError where there is no such one, or torch does not start."""
        self._following.say("Starting PyTorch")
        try:
            return chosen_device(self._wanted)
        except (ImportError, OSError) as error:
            raise ModelError(f"PyTorch does not start ({first_line(error)}): install this program again.") from error


@overload
def mean_cosine(f: torch.Tensor, g: torch.Tensor, timestep_weights: Sequence[float] | None = None) -> torch.Tensor: ...
@overload
def mean_cosine(
    f: npt.NDArray[np.floating], g: npt.NDArray[np.floating], timestep_weights: Sequence[float] | None = None
) -> npt.NDArray[np.floating]: ...
def mean_cosine(f, g, timestep_weights=None):  # type: ignore[no-untyped-def]
    """Give the mean over a window's timesteps of the cosine between frame and text features.

    With s = exp(logit_scale), NeuroCLIP's zero-shot logit is s * sqrt(T) * mean_cosine (arXiv 2306.12073, whose
    code concatenates the T unit vectors), CLIP's is s * mean_cosine.

    Parameters
    ----------
    f : float (T, C)
        Features of the window's frames, of any length.
    g : float (N, C)
        Features of the texts, of any length.
    timestep_weights : T floats, optional
        The mean is weighted with them.

    Returns
    -------
    float (N,)
        A tensor for tensors, an array for arrays.

    Raises
    ------
    ValueError
        Shapes that do not fit, weights below 0 or all 0.
    """
    if f.ndim != 2 or g.ndim != 2 or f.shape[1] != g.shape[1] or not f.shape[0]:
        raise ValueError(f"Features must be (T, C) and (N, C) with one C, not {tuple(f.shape)} and {tuple(g.shape)}.")
    cosines = _unit(f) @ _unit(g).T
    if timestep_weights is None:
        return cosines.mean(0)
    weights: Any = np.asarray(checked_weights(timestep_weights, f.shape[0]), np.float32)
    if not isinstance(f, np.ndarray):
        weights = f.new_tensor(weights)
    return (cosines * weights[:, None]).sum(0)


def _unit(vectors: Any) -> Any:
    lengths = (vectors * vectors).sum(1) ** 0.5
    return vectors / lengths.clip(1e-12)[:, None]


def checked_weights(weights: Sequence[float], timesteps: int) -> list[float]:
    """Give the weights scaled to a sum of 1; raises ValueError where they are not T numbers from 0, some above."""
    numbers = [float(weight) for weight in weights]
    total = sum(numbers)
    if len(numbers) != timesteps or not math.isfinite(total) or total <= 0 or min(numbers) < 0:
        raise ValueError(f"timestep_weights must be {timesteps} numbers from 0, not all 0, and not {numbers}.")
    return [number / total for number in numbers]
