"""A CLIP's image tower as one call.

Taken step by step from Python, hundreds of steps wait for Python's lock whenever the window paints: a third of a
frame's time. TorchScript takes them all in one call, with the same outcome.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable

import torch

from pipeline.model_errors import Following, LoadingCancelled, first_line

logger = logging.getLogger(__name__)

Encode = Callable[[torch.Tensor], torch.Tensor]
SEVERAL = 2
"""Pictures in a call: a tower that was followed for one must serve several as well."""
LOOKED_AT = 2
"""Calls with each: the first ones are taken otherwise than those that follow."""


def traced_images(module: torch.nn.Module, probe: torch.Tensor, following: Following) -> Encode | None:
    """Give what encodes pictures as ``module.encode_image`` does, to the digit; None where it cannot be had.

    Takes as long as encoding some ten pictures.

    Parameters
    ----------
    module : torch.nn.Module
        A CLIP; its weights are used, not copied.
    probe : tensor (1, 3, S, S)
        A picture as the tower takes it.
    following : Following

    Raises
    ------
    LoadingCancelled
    """
    name = type(module).__name__
    try:
        with torch.inference_mode():
            traced = _traced(module.visual, probe)  # type: ignore[arg-type]
            for pixels in (torch.cat([probe] + [-probe] * (SEVERAL - 1)), probe):
                following.stop_if_cancelled()
                exact = module.encode_image(pixels, normalize=False)  # type: ignore[operator]
                for _ in range(LOOKED_AT):
                    following.stop_if_cancelled()
                    if not torch.equal(traced(pixels), exact):
                        logger.info("%s is computed step by step: one call gives other numbers", name)
                        return None
    except LoadingCancelled:
        raise
    # What an architecture that cannot be followed raises has no common class; it is taken step by step.
    except Exception as error:
        logger.info("%s is computed step by step: %s", name, first_line(error))
        return None
    return traced


def _traced(tower: torch.nn.Module, probe: torch.Tensor) -> Encode:
    with warnings.catch_warnings():
        # torch says that it will not be developed further, and which numbers were taken as fixed: those are tried.
        warnings.simplefilter("ignore")
        traced: Encode = torch.jit.trace(tower, probe, check_trace=False)  # type: ignore[no-untyped-call]
    return traced
