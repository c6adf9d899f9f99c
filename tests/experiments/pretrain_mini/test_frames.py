"""Event frames made on the fly for training: the event-frame module's grey values, of a moving drawing."""

import numpy as np
import numpy.typing as npt
import pytest

from experiments.pretrain_mini.frames import (
    DX,
    DY,
    GROUND,
    HALF,
    INK,
    NOISE_OFF,
    NOISE_ON,
    PAPER,
    PARAMETERS,
    SCALE,
    Pyramid,
    X,
    Y,
    draw_frames,
    draw_parameters,
    make_textures,
)

SIDE = 64
TEXTURES = make_textures(64, 0)


def square_picture() -> Pyramid:
    """A filled square in the middle, 64 of 128 px wide, far from an edge only where it is far from one."""
    large = np.zeros((1, 2, 128, 128), np.uint8)
    large[0, 0, 32:96, 32:96] = 255
    rows, columns = np.mgrid[:128, :128]
    away = np.maximum(abs(rows - 63.5), abs(columns - 63.5)) - 32
    distance = abs(away).astype(np.uint8).reshape(1, 32, 4, 32, 4).min((2, 4))
    return Pyramid(large, large[:, :, ::2, ::2].copy(), large[:, :, ::4, ::4].copy(), distance)


def still() -> npt.NDArray[np.float32]:
    """A square in the middle of a sensor of two pixels for one of the picture; no noise, no motion."""
    values = dict.fromkeys(PARAMETERS, 0.0)
    values |= {
        "scale": 2.0,
        "x": 63.5,
        "y": 63.5,
        "half": 60.0,
        "narrow": 1.0,
        "ground": 0.2,
        "ink": 0.9,
        "paper": -1.0,
    }
    values |= {"on": 0.3, "off": 0.3, "follow": 1.0, "steps": 6.0, "thing": 1.0}
    return np.array([[values[name] for name in PARAMETERS]], np.float32)


def shown(parameters: npt.NDArray[np.float32], seed: int = 0) -> npt.NDArray[np.float32]:
    frames = np.empty((len(parameters), SIDE, SIDE), np.float32)
    draw_frames(*square_picture(), TEXTURES, np.zeros(len(parameters), np.int64), parameters, seed, frames)
    return frames


def test_what_stands_still_makes_no_event() -> None:
    np.testing.assert_array_equal(shown(still()), 127)


def test_a_light_thing_makes_on_events_ahead_and_off_events_behind() -> None:
    moving = still()
    moving[0, DX] = 6.0
    frame = shown(moving)[0]
    middle = frame[SIDE // 2]
    (on,), (off,) = np.nonzero(middle < 60), np.nonzero(middle > 200)
    assert on.min() > SIDE // 2 > off.max()
    assert 2 <= len(on) <= 4
    assert 2 <= len(off) <= 4


def test_a_dark_thing_turns_the_polarity_round() -> None:
    moving = still()
    moving[0, DX] = 6.0
    dark = moving.copy()
    dark[0, GROUND], dark[0, INK] = moving[0, INK], moving[0, GROUND]
    light_frame, dark_frame = shown(moving)[0], shown(dark)[0]
    assert np.corrcoef(light_frame.ravel(), dark_frame.ravel())[0, 1] < -0.8


def test_only_edges_across_the_motion_are_seen() -> None:
    moving = still()
    moving[0, DY] = 6.0
    frame = shown(moving)[0]
    assert (frame[SIDE // 2] == 127).all()
    assert (frame[:, SIDE // 2] != 127).sum() >= 4


def test_noise_comes_as_often_as_asked_for_and_twice_the_same_for_a_seed() -> None:
    noisy = still()
    noisy[0, SCALE], noisy[0, NOISE_ON], noisy[0, NOISE_OFF] = 1.0, 0.05, 0.10
    noisy[0, [X, Y, HALF]] = 32, 32, 30
    frame = shown(noisy)[0]
    assert np.mean(frame == 0) == pytest.approx(0.05, abs=0.02)
    assert np.mean(frame == 255) == pytest.approx(0.095, abs=0.03)
    np.testing.assert_array_equal(frame, shown(noisy)[0])
    assert (frame != shown(noisy, seed=1)[0]).any()


def test_drawn_parameters_stay_within_what_live_use_shows() -> None:
    things = np.arange(2_000) % 4 > 0
    p = draw_parameters(np.random.default_rng(1), 96, np.zeros(2_000, bool), things)
    assert p.shape == (2_000, len(PARAMETERS))
    assert np.isfinite(p).all()
    assert (p[:, SCALE] * 96 <= 561).all()
    assert (p[~things, PAPER] < 0).all()
    share = 2 * p[:, HALF] / (p[:, SCALE] * 96)
    assert share.min() >= 0.2
    assert share.max() <= 1.3


def test_textures_tile_and_fill_their_range() -> None:
    assert np.abs(TEXTURES).max(axis=(1, 2)) == pytest.approx(1.0)
    assert np.abs(TEXTURES.mean(axis=(1, 2))).max() < 0.05
