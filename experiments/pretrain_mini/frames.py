"""Event frames of moving drawings, made on the fly: what one timestep of a simulated sensor shows the encoder.

The pixel is that of ESIM (Rebecq et al., CoRL 2018) and v2e (Hu et al., CVPRW 2021): log light, a low pass, an ON and
an OFF threshold with mismatch, noise. Only the sensor's pixels that the encoder's bilinear resizing reads are computed
(four for each pixel of its picture), and of those only the ones that an edge passes: everything else can have nothing
but noise. Counts become grey values by the event-frame module's rule (NeuroCLIP, section 3.1), as in
`pipeline.event_framing`.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

TEXTURE_SIDE = 256
_WARM = -0.4
"""Where the simulation starts, in timesteps before the one that counts: the low pass has forgotten its start."""
_DARKEST = 0.02
_LOG_STEPS = 8192
_LOG = np.log(np.maximum(np.arange(2 * _LOG_STEPS + 2) / _LOG_STEPS, _DARKEST)).astype(np.float32)


class Pyramid(NamedTuple):
    """Bitmaps at three sizes and, coarsely, how far each place is from an edge."""

    large: Bytes
    """Coverage and lightness, (N, 2, 128, 128)."""
    middle: Bytes
    """(N, 2, 64, 64)."""
    small: Bytes
    """(N, 2, 32, 32)."""
    distance: Bytes
    """px of the large bitmap, (N, 32, 32)."""


PARAMETERS = (
    "scale",  # sensor pixels per pixel of the encoder's picture
    "x", "y", "half",  # middle and half side of the drawing's square, sensor px
    "turn", "narrow",  # rad; 1 is seen from the front, -1 mirrored
    "dx", "dy", "dturn", "growth",  # per timestep: px, px, rad, share
    "ground", "ink", "tinted",  # light of ground and ink, 0 to 1; 1 when the drawing has its own lightness
    "paper", "paper_w", "paper_h",  # light of a sheet behind (negative: none), its half sides in drawing halves
    "on", "off", "mismatch",  # thresholds in log light and their deviation
    "follow",  # low pass: share of the way that the pixel goes in a sub-step
    "noise_on", "noise_off", "hot",  # chance of noise in a timestep; share of hot pixels
    "count",  # the event frame's threshold
    "texture", "grain", "drift_x", "drift_y",  # which texture, its depth in log light, its own motion, px
    "steps", "thing",  # sub-steps; 0: nothing but noise
)  # fmt: skip

(
    SCALE, X, Y, HALF, TURN, NARROW, DX, DY, DTURN, GROWTH, GROUND, INK, TINTED, PAPER, PAPER_W, PAPER_H, ON, OFF,
    MISMATCH, FOLLOW, NOISE_ON, NOISE_OFF, HOT, COUNT, TEXTURE, GRAIN, DRIFT_X, DRIFT_Y, STEPS, THING,
) = range(len(PARAMETERS))  # fmt: skip


@numba.njit(cache=True, inline="always")
def _next(state: np.uint32) -> np.uint32:
    state ^= np.uint32(state << np.uint32(13))
    state ^= np.uint32(state >> np.uint32(17))
    state ^= np.uint32(state << np.uint32(5))
    return state


@numba.njit(cache=True, inline="always")
def _bilinear(plane: Bytes, u: float, v: float, side: int) -> float:
    x = (u + 1.0) * 0.5 * side - 0.5
    y = (v + 1.0) * 0.5 * side - 0.5
    if x < 0.0 or y < 0.0 or x >= side - 1 or y >= side - 1:
        return 0.0
    i, j = int(x), int(y)
    a, b = x - i, y - j
    top = plane[j, i] * (1 - a) + plane[j, i + 1] * a
    bottom = plane[j + 1, i] * (1 - a) + plane[j + 1, i + 1] * a
    return float((top * (1 - b) + bottom * b) * (1.0 / 255.0))


@numba.njit(cache=True, inline="always")
def _soft(distance: float) -> float:
    return min(1.0, max(0.0, distance + 0.5))


@numba.njit(cache=True, nogil=True, fastmath=True)
def draw_frames(
    large: Bytes, middle: Bytes, small: Bytes, distance: Bytes, textures: Floats,
    which: npt.NDArray[np.int64], parameters: Floats, seed: int, out: Floats,
) -> None:  # fmt: skip
    """Fill `out`, float32 (B, S, S), with event frames (0 to 255) resized bilinearly; `parameters` is (B, 30)."""
    side = out.shape[1]
    poses = np.empty((32, 6))
    mask = TEXTURE_SIDE - 1
    for sample in range(len(which)):
        p = parameters[sample]
        picture = which[sample]
        state = np.uint32((seed * 2654435761 + sample * 40503 + 12345) & 0xFFFFFFFF) | np.uint32(1)
        for _ in range(4):
            state = _next(state)
        sensor = int(side * p[SCALE] + 0.5)
        half = p[HALF]
        coverage, lightness = large[picture, 0], large[picture, 1]
        width = 128
        if half < 20.0:
            coverage, lightness, width = small[picture, 0], small[picture, 1], 32
        elif half < 40.0:
            coverage, lightness, width = middle[picture, 0], middle[picture, 1], 64
        steps = int(p[STEPS])
        total = steps + int(-_WARM * steps + 0.5)
        moving_ground = p[GRAIN] > 0.0 and (p[DRIFT_X] != 0.0 or p[DRIFT_Y] != 0.0)
        texture = textures[int(p[TEXTURE])]
        noise_on = np.uint32(min(p[NOISE_ON], 0.99) * 4294967295.0)
        noise_off = np.uint32(min(p[NOISE_OFF], 0.99) * 4294967295.0)
        hot = np.uint32(min(p[HOT], 0.99) * 4294967295.0)
        speed = (abs(p[DX]) + abs(p[DY])) * 0.8
        cos_mid, sin_mid = np.cos(p[TURN] + 0.5 * p[DTURN]), np.sin(p[TURN] + 0.5 * p[DTURN])
        for step in range(total + 1):
            time = (step - (total - steps)) / steps
            angle, size = p[TURN] + p[DTURN] * time, half * (1.0 + p[GROWTH] * time)
            poses[step, 0], poses[step, 1] = p[X] + p[DX] * time, p[Y] + p[DY] * time
            poses[step, 2], poses[step, 3] = np.cos(angle) / (size * p[NARROW]), np.sin(angle) / (size * p[NARROW])
            poses[step, 4], poses[step, 5] = -np.sin(angle) / size, np.cos(angle) / size
        for row in range(side):
            sy = (row + 0.5) * p[SCALE] - 0.5
            y0 = int(np.floor(sy))
            fy = sy - y0
            for column in range(side):
                sx = (column + 0.5) * p[SCALE] - 0.5
                x0 = int(np.floor(sx))
                fx = sx - x0
                # May an edge come by here in this timestep?
                ox, oy = sx - p[X] - 0.5 * p[DX], sy - p[Y] - 0.5 * p[DY]
                u = (cos_mid * ox + sin_mid * oy) / (half * p[NARROW])
                v = (-sin_mid * ox + cos_mid * oy) / half
                reach_px = speed + 2.0 + np.sqrt(ox * ox + oy * oy) * (abs(p[DTURN]) + abs(p[GROWTH])) * 0.8
                reach = reach_px / (half * abs(p[NARROW]))
                active = moving_ground
                if p[THING] > 0.0 and not active:
                    if abs(u) < 1.0 + reach and abs(v) < 1.0 + reach:
                        i = min(31, max(0, int((u + 1.0) * 16.0)))
                        j = min(31, max(0, int((v + 1.0) * 16.0)))
                        active = distance[picture, j, i] < reach * 64.0 + 6.0
                    if p[PAPER] >= 0.0 and not active:
                        near = abs(abs(u) - p[PAPER_W]) < reach and abs(v) < p[PAPER_H] + reach
                        near = near or (abs(abs(v) - p[PAPER_H]) < reach and abs(u) < p[PAPER_W] + reach)
                        active = near
                value = 0.0
                for corner in range(4):
                    nx, ny = x0 + (corner & 1), y0 + (corner >> 1)
                    weight = (fx if corner & 1 else 1.0 - fx) * (fy if corner >> 1 else 1.0 - fy)
                    if weight < 1e-4:
                        continue
                    nx, ny = min(max(nx, 0), sensor - 1), min(max(ny, 0), sensor - 1)
                    n_on, n_off = 0, 0
                    state = _next(state)
                    if state < noise_on:
                        n_on = 1 + int(p[COUNT] > 0.0 and (state & np.uint32(3)) == 0)
                    state = _next(state)
                    if state < noise_off:
                        n_off = 1 + int(p[COUNT] > 0.0 and (state & np.uint32(3)) == 0)
                    if hot > 0:
                        state = _next(state)
                        if state < hot:
                            n_on += 3
                    if active:
                        state = _next(state)
                        spread_on = (state >> np.uint32(16)) * (1.0 / 32768.0) - 1.0
                        spread_off = (state & np.uint32(0xFFFF)) * (1.0 / 32768.0) - 1.0
                        on = p[ON] * max(0.3, 1.0 + 1.7 * p[MISMATCH] * spread_on)
                        off = p[OFF] * max(0.3, 1.0 + 1.7 * p[MISMATCH] * spread_off)
                        state = _next(state)
                        phase = (state >> np.uint32(8)) * (1.0 / 16777216.0)
                        seen, reference = 0.0, 0.0
                        for step in range(total + 1):
                            time = (step - (total - steps)) / steps
                            ex, ey = nx - poses[step, 0], ny - poses[step, 1]
                            uu = poses[step, 2] * ex + poses[step, 3] * ey
                            vv = poses[step, 4] * ex + poses[step, 5] * ey
                            light = p[GROUND]
                            if p[GRAIN] > 0.0:
                                tx = int(nx + 4096.0 - p[DRIFT_X] * time) & mask
                                ty = int(ny + 4096.0 - p[DRIFT_Y] * time) & mask
                                light *= texture[ty, tx] * p[GRAIN] + 1.0
                            if p[PAPER] >= 0.0:
                                sheet = _soft((p[PAPER_W] - abs(uu)) * half) * _soft((p[PAPER_H] - abs(vv)) * half)
                                light += (p[PAPER] - light) * sheet
                            if p[THING] > 0.0:
                                covered = _bilinear(coverage, uu, vv, width)
                                if covered > 0.0:
                                    ink = p[INK]
                                    if p[TINTED] > 0.0:
                                        shade = _bilinear(lightness, uu, vv, width)
                                        ink = shade if p[TINTED] < 1.5 else 1.0 - shade
                                    light += (ink - light) * covered
                            log_light = _LOG[int(min(max(light, _DARKEST), 2.0) * _LOG_STEPS)]
                            if step == 0:
                                seen = log_light
                            else:
                                seen += (log_light - seen) * p[FOLLOW]
                            if time <= 1e-6:
                                reference = seen + (phase * (on + off) - on)
                            else:
                                while seen - reference >= on:
                                    reference += on
                                    n_on += 1
                                while reference - seen >= off:
                                    reference -= off
                                    n_off += 1
                    grey = 127.0
                    if n_off > p[COUNT]:
                        grey = 255.0
                    if n_on > p[COUNT]:
                        grey = 0.0
                    value += weight * grey
                out[sample, row, column] = value


def make_textures(count: int, seed: int) -> Floats:
    """Give smooth random grounds, values -1 to 1, tiling, float32 (count, 256, 256)."""
    rng = np.random.default_rng(seed)
    frequency = np.fft.fftfreq(TEXTURE_SIDE)
    radius = np.hypot(frequency[:, None], frequency[None]) + 1.0 / TEXTURE_SIDE
    textures = np.empty((count, TEXTURE_SIDE, TEXTURE_SIDE), np.float32)
    for texture in textures:
        spectrum = np.fft.fft2(rng.standard_normal((TEXTURE_SIDE, TEXTURE_SIDE))) / radius ** rng.uniform(0.6, 2.0)
        drawn = np.fft.ifft2(spectrum).real
        if rng.random() < 0.4:
            drawn = np.where(drawn > np.quantile(drawn, rng.uniform(0.3, 0.7)), drawn.std(), -drawn.std())
        texture[:] = (drawn - drawn.mean()) / np.abs(drawn - drawn.mean()).max()
    return textures


def draw_parameters(
    rng: np.random.Generator, side: int, tinted: npt.NDArray[np.bool_], things: npt.NDArray[np.bool_]
) -> Floats:
    """Draw how each of B drawings is shown, float32 (B, 30): the ranges that live use shows."""
    n = len(tinted)
    p = np.zeros((n, len(PARAMETERS)), np.float32)

    def uniform(low: float, high: float) -> npt.NDArray[np.float64]:
        return rng.uniform(low, high, n)

    def log_uniform(low: float, high: float) -> npt.NDArray[np.float64]:
        return np.exp(rng.uniform(np.log(low), np.log(high), n))

    def chance(share: float) -> npt.NDArray[np.bool_]:
        return rng.random(n) < share

    # Sensors with 110 to 560 px across the square that the encoder sees.
    p[:, SCALE] = np.maximum(log_uniform(110, 560) / side, 1.02)
    sensor = side * p[:, SCALE]
    share = np.where(chance(0.75), uniform(0.45, 1.0), uniform(0.22, 1.25))
    p[:, HALF] = 0.5 * share * sensor
    room = np.abs(1 - np.minimum(share, 1.0) * 0.8) * 0.5
    p[:, X] = sensor * (0.5 + room * uniform(-1, 1))
    p[:, Y] = sensor * (0.5 + room * uniform(-1, 1))
    p[:, TURN] = np.where(chance(0.8), rng.normal(0, 0.14, n), uniform(-0.6, 0.6))
    p[:, NARROW] = np.where(chance(0.7), 1.0, uniform(0.65, 1.0))
    way = uniform(0, 2 * np.pi)
    distance = log_uniform(0.003, 0.1) * sensor
    p[:, DX], p[:, DY] = np.cos(way) * distance, np.sin(way) * distance
    p[:, DTURN] = np.where(chance(0.6), rng.normal(0, 0.05, n), 0.0)
    p[:, GROWTH] = np.where(chance(0.4), rng.normal(0, 0.03, n), 0.0)
    bright_ground = chance(0.5)
    dark, bright = log_uniform(0.03, 0.3), uniform(0.45, 1.0)
    p[:, GROUND] = np.where(bright_ground, bright, dark)
    p[:, INK] = np.where(bright_ground, dark, bright)
    p[:, TINTED] = np.where(tinted, np.where(chance(0.85), 1.0, 2.0), 0.0)
    p[:, GROUND] = np.where(tinted, log_uniform(0.04, 1.0), p[:, GROUND])
    p[:, PAPER] = np.where(chance(0.2), np.where(bright_ground, uniform(0.5, 1.0), log_uniform(0.03, 0.3)), -1.0)
    with_paper = p[:, PAPER] >= 0
    p[:, GROUND] = np.where(with_paper, log_uniform(0.05, 1.0), p[:, GROUND])
    p[:, PAPER_W], p[:, PAPER_H] = uniform(1.0, 1.7), uniform(1.0, 1.7)
    p[:, ON] = log_uniform(0.12, 0.5)
    p[:, OFF] = p[:, ON] * log_uniform(0.7, 1.4)
    p[:, MISMATCH] = uniform(0.0, 0.12)
    p[:, FOLLOW] = np.where(chance(0.5), 1.0, uniform(0.3, 1.0))
    noise = np.where(chance(0.25), log_uniform(0.01, 0.12), log_uniform(1e-4, 0.012))
    uneven = uniform(0.2, 0.8)
    p[:, NOISE_ON], p[:, NOISE_OFF] = noise * uneven, noise * (1 - uneven)
    p[:, HOT] = np.where(chance(0.3), log_uniform(1e-5, 1e-3), 0.0)
    p[:, COUNT] = np.where(chance(0.12), 1.0, 0.0)
    p[:, TEXTURE] = rng.integers(0, 64, n)
    p[:, GRAIN] = np.where(chance(0.3), uniform(0.1, 0.8), 0.0)
    drifting = chance(0.12)
    p[:, DRIFT_X] = np.where(drifting, rng.normal(0, 0.008, n) * sensor, 0.0)
    p[:, DRIFT_Y] = np.where(drifting, rng.normal(0, 0.008, n) * sensor, 0.0)
    p[:, STEPS] = np.clip(np.ceil(distance / (p[:, SCALE] * 2.0)) + 2, 3, 8)
    p[:, THING] = things
    quiet = ~things
    # Where nothing is shown, the noise itself is the picture, and there is no passing sheet.
    p[quiet, PAPER], p[quiet, DRIFT_X], p[quiet, DRIFT_Y] = -1.0, 0.0, 0.0
    p[quiet, NOISE_ON] = log_uniform(5e-4, 0.2)[quiet] * uneven[quiet]
    p[quiet, NOISE_OFF] = p[quiet, NOISE_ON] * (1 - uneven[quiet]) / uneven[quiet]
    return p
