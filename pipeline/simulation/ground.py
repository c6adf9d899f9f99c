"""What lies behind the things: one shade, or a texture made from a seed."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.events import Resolution

Ground: TypeAlias = float | npt.NDArray[np.float32]
"""Share of the light that is thrown back, above 0 and up to 1: the same everywhere, or (H, W), a tile that repeats."""

_COARSEST, _FINEST = 3, 40
"""Waves across the shorter side."""


def textured_ground(
    resolution: Resolution, seed: int = 0, shade: float = 0.25, contrast: float = 0.35
) -> npt.NDArray[np.float32]:
    """Make a ground like a wall, a carpet or a lawn: blots of every size, the larger the stronger.

    Parameters
    ----------
    resolution : Resolution
    seed : int
    shade : float
        In the (geometric) mean.
    contrast : float
        Standard deviation of the shade's natural logarithm.

    Returns
    -------
    float32 (H, W)
        Between 0.02 and 1; it goes on over its edges.
    """
    width, height = resolution
    random = np.random.default_rng([seed, width, height])
    waves = np.fft.rfft2(random.standard_normal((height, width)))
    shorter = min(width, height)
    down = np.fft.fftfreq(height)[:, None] * shorter
    across = np.fft.rfftfreq(width)[None, :] * shorter
    often = np.hypot(down, across)
    strength = np.where((often >= _COARSEST) & (often <= _FINEST), 1 / np.maximum(often, 1), 0)
    blots = np.fft.irfft2(waves * strength, s=(height, width))
    blots *= contrast / max(float(blots.std()), 1e-12)
    return np.clip(shade * np.exp(blots), 0.02, 1).astype(np.float32)
