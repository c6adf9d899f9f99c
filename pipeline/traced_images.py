"""A CLIP's image tower as one call.

Taken step by step from Python, hundreds of steps wait for Python's lock whenever the window paints: a third of a
frame's time. TorchScript takes them all in one call, with the same outcome.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable

import torch

from pipeline.model_errors import first_line

logger = logging.getLogger(__name__)

Encode = Callable[[torch.Tensor], torch.Tensor]
SEVERAL = 3
"""Pictures in a call: a tower that was followed for one must serve several as well."""


class _Images(torch.nn.Module):
    def __init__(self, clip: torch.nn.Module) -> None:
        super().__init__()
        self.clip = clip

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.clip.encode_image(pixels, normalize=False)  # type: ignore[operator]
        return features


def traced_images(module: torch.nn.Module, probe: torch.Tensor) -> Encode | None:
    """Give what encodes pictures as ``module.encode_image`` does, to the digit; None where it cannot be had.

    Parameters
    ----------
    module : torch.nn.Module
        A CLIP; its weights are used, not copied.
    probe : tensor (1, 3, S, S)
        A picture as the tower takes it.
    """
    images = _Images(module).eval()
    several = torch.cat([probe * scale for scale in torch.linspace(1, -1, SEVERAL, dtype=probe.dtype)])
    try:
        with torch.inference_mode(), warnings.catch_warnings():
            # torch says that it will not be developed further, and which numbers were taken as fixed: those are tried.
            warnings.simplefilter("ignore")
            traced: Encode = torch.jit.trace(images, probe, check_trace=False)  # type: ignore[no-untyped-call]
            agrees = all(torch.equal(traced(pixels), images(pixels)) for pixels in (several, probe))
    # What an architecture that cannot be followed raises has no common class; it is taken step by step.
    except Exception as error:
        logger.info("%s is computed step by step: %s", type(module).__name__, first_line(error))
        return None
    return traced if agrees else None
