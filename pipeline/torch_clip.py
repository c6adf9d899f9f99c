"""A CLIP that torch computes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property

import torch

from pipeline.clip import ClipModel
from pipeline.cuda_frames import SingleFrames
from pipeline.image_encoder import ImageEncoder
from pipeline.model_choice import ModelPlan
from pipeline.model_errors import Following
from pipeline.prediction import Floats
from pipeline.preprocessing import Frames, Preprocessing, rings
from pipeline.text_encoding import TextEncoder
from pipeline.threads import giving_way
from pipeline.traced_images import traced_images


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
        self._tower: Callable[[Floats], Floats] | None = None
        """What computes the frames in torch's place."""
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
        return self._module.visual  # type: ignore[return-value]

    @cached_property
    def weights_sha256(self) -> str:
        if self.has_weights_file:
            return super().weights_sha256
        digest = hashlib.sha256()
        for _, tensor in sorted(self._module.state_dict().items()):
            digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def use_image_tower(self, tower: Callable[[Floats], Floats], precision: str) -> None:
        self._tower, self.precision = tower, precision

    def use_one_call(self, following: Following) -> None:
        if self.device == "cpu" and self._tower is None:
            probe = self._images.pixels(rings(self.image_size)[None])
            self._images.one_call = giving_way(lambda: traced_images(self._module, probe, following))

    def _encoded(self, frames: Frames, normalisation: str, view: str) -> Floats:
        tower = self._tower
        if tower is not None:
            return tower(self.preprocessing.pictures(frames, normalisation=normalisation, view=view))
        encoded = None
        if len(frames) == 1 and self.single_frames is not None:
            encoded = self.single_frames.encode(frames, normalisation, view)
        if encoded is None:
            encoded = self._images.features(frames, normalisation, view)
        features: Floats = encoded.numpy()
        return features
