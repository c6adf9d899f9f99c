"""A CLIP that torch computes."""

from __future__ import annotations

import hashlib
from functools import cached_property

import torch

from pipeline.clip import ClipModel
from pipeline.cuda_frames import SingleFrames
from pipeline.image_encoder import ImageEncoder
from pipeline.model_choice import ModelPlan
from pipeline.prediction import Floats
from pipeline.preprocessing import Frames, Preprocessing
from pipeline.text_encoding import TextEncoder


class TorchClip(ClipModel):
    """A CLIP whose towers are torch modules, on any device; something else may compute the frames.

    Attributes
    ----------
    single_frames : SingleFrames or None
        On a CUDA GPU, what encodes frames that come one by one; None: they are encoded as several together are.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        texts: TextEncoder,
        preprocessing: Preprocessing,
        plan: ModelPlan,
        *,
        logit_scale: float,
        precision: str,
        notice: str = "",
    ) -> None:
        self._module = module
        self._torch_tower: torch.nn.Module = module.visual  # type: ignore[assignment]
        parameter = next(module.parameters())
        self.device = str(parameter.device)
        self._images = ImageEncoder(module, preprocessing, parameter.device, parameter.dtype)
        super().__init__(texts, preprocessing, plan, logit_scale=logit_scale, precision=precision, notice=notice)
        self.single_frames = SingleFrames(self._images, self.width) if parameter.device.type == "cuda" else None

    @property
    def module(self) -> torch.nn.Module:
        return self._module

    @property
    def torch_tower(self) -> torch.nn.Module:
        return self._torch_tower

    def use_image_tower(self, tower: torch.nn.Module, precision: str) -> None:
        """Let something else compute the frames from now on, float32 (N, 3, S, S) to (N, C), on the CPU.

        May be called while another thread encodes frames.
        """
        # In this order: the new tower takes frames in any number format, the old one only in its own.
        self._module.visual = tower
        self._images.dtype, self.precision = torch.float32, precision

    @cached_property
    def weights_sha256(self) -> str:
        if self.has_weights_file:
            return super().weights_sha256
        digest = hashlib.sha256()
        for _, tensor in sorted(self._module.state_dict().items()):
            digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def _encoded(self, frames: Frames, normalisation: str, view: str) -> Floats:
        encoded = None
        if len(frames) == 1 and self.single_frames is not None:
            encoded = self.single_frames.encode(frames, normalisation, view)
        if encoded is None:
            encoded = self._images.features(frames, normalisation, view)
        features: Floats = encoded.numpy()
        return features
