"""The kinds of scenes: waved on any ground, in a crowd, looked at with saccades."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.events import EventArray, Resolution
from pipeline.simulation.ground import textured_ground
from pipeline.simulation.pixel_model import DAYLIGHT, PixelModel, PixelSettings
from pipeline.simulation.saccades import SaccadeScene, SaccadeStyle
from pipeline.simulation.scene import PaintedScene
from pipeline.simulation.simulation import Simulation
from pipeline.simulation.things import thing
from pipeline.simulation.waving import CrowdedScene, WavingScene, WavingStyle

RESOLUTION = Resolution(96, 64)
GROUND = textured_ground(RESOLUTION, 3)
QUIET = PixelSettings(noise_hz=0, hot_pixels=0, mismatch=0)
SEVEN = thing(np.array([[1, 1, 1], [0, 0, 1], [0, 1, 0], [0, 1, 0]]), "a seven")

SCENES: dict[str, Callable[[], PaintedScene]] = {
    "waving": lambda: WavingScene(RESOLUTION, ("fish", "house"), 1, WavingStyle(period_us=1_000_000)),
    "textured": lambda: WavingScene(RESOLUTION, ("fish",), 1, WavingStyle(background=GROUND)),
    "dark": lambda: WavingScene(RESOLUTION, ("fish",), 1, WavingStyle(dark_on_light=True, spin_hz=0.7, reach=2)),
    "crowded": lambda: CrowdedScene(RESOLUTION, ("star", "cup", SEVEN), 1),
    "saccades": lambda: SaccadeScene(RESOLUTION, (SEVEN, "key"), 1),
    "saccades on a texture": lambda: SaccadeScene(RESOLUTION, (SEVEN,), 1, SaccadeStyle(background=GROUND)),
}


@pytest.fixture(params=SCENES)
def made(request: pytest.FixtureRequest) -> Callable[[], PaintedScene]:
    return SCENES[str(request.param)]


def picture() -> npt.NDArray[np.float32]:
    return np.zeros((RESOLUTION.height, RESOLUTION.width), np.float32)


def render(scene: PaintedScene, time_us: int) -> npt.NDArray[np.float32]:
    out = picture()
    scene.render(time_us, out)
    return out


def events_of(scene: PaintedScene, until_us: int = 800_000, settings: PixelSettings = QUIET) -> EventArray:
    return Simulation(scene, PixelModel(RESOLUTION, settings)).up_to(until_us)


def test_a_picture_drawn_after_another_is_the_same_as_one_drawn_at_once(made: Callable[[], PaintedScene]) -> None:
    scene, out = made(), picture()
    for time_us in (500_000, 503_000, 900_000, 999_000, 1_001_000, 1_700_000, 20_000):
        before = out.copy()
        region = scene.render(time_us, out)
        np.testing.assert_array_equal(out, render(made(), time_us))
        outside = np.ones(out.shape, bool)
        outside[region.top : region.bottom, region.left : region.right] = False
        np.testing.assert_array_equal(out[outside], before[outside])


def test_the_same_seed_gives_the_same_events(made: Callable[[], PaintedScene]) -> None:
    first, again = (events_of(made(), settings=DAYLIGHT) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert len(first) > 1000
    assert len(np.unique(first["timestamp"])) > 0.5 * min(len(first), 800_000)


def test_a_ground_that_rests_makes_no_events() -> None:
    events = events_of(WavingScene(RESOLUTION, ("cup",), 0, WavingStyle(background=GROUND)))
    at_the_rim = (events["x"] < 8) | (events["x"] >= 88) | (events["y"] < 4)
    assert len(events) > 1000
    assert not at_the_rim.any()


def test_a_ground_that_moves_with_the_sensor_makes_events_everywhere() -> None:
    moving = events_of(SaccadeScene(RESOLUTION, (SEVEN,), 0, SaccadeStyle(background=GROUND)))
    plain = events_of(SaccadeScene(RESOLUTION, (SEVEN,), 0))
    corner = [np.count_nonzero((events["x"] < 12) & (events["y"] < 12)) for events in (moving, plain)]
    assert corner[0] > 100
    assert corner[1] == 0


def test_dark_on_light_turns_the_polarities_round() -> None:
    style = WavingStyle(enter_us=100_000)
    light, dark = (
        events_of(WavingScene(RESOLUTION, ("arrow",), 0, replace(style, dark_on_light=dark)), 90_000)
        for dark in (False, True)
    )
    assert light["polarity"].mean() > 0.6
    assert dark["polarity"].mean() < 0.4


def test_a_textured_ground_is_rough_and_goes_on_over_its_edges() -> None:
    contrast = float(np.log(GROUND).std())
    assert contrast == pytest.approx(0.35, rel=0.1)
    assert np.exp(np.log(GROUND).mean()) == pytest.approx(0.25, rel=0.05)
    inside = np.abs(np.diff(GROUND, axis=1)).mean()
    assert np.abs(GROUND[:, 0] - GROUND[:, -1]).mean() < 3 * inside
    assert not np.array_equal(GROUND, textured_ground(RESOLUTION, 4))


def test_in_a_crowd_all_are_seen_and_none_is_the_truth() -> None:
    crowd = CrowdedScene(RESOLUTION, ("star", "cup", SEVEN), 1)
    assert crowd.labels(123_456) == ("a star", "a cup", "a seven")
    assert crowd.truth(123_456) == ""
    assert CrowdedScene(RESOLUTION, ("star",), 1).truth(5) == "a star"
    lit = render(crowd, 0) > np.log(0.5)
    for shown in crowd.shown(0):
        half = shown.pose.scale
        top, left = int(shown.pose.y - half), int(shown.pose.x - half)
        assert lit[max(top, 0) : int(top + 2 * half), max(left, 0) : int(left + 2 * half)].mean() > 0.1


def test_many_things_all_have_a_place_in_the_picture() -> None:
    crowd = CrowdedScene(Resolution(320, 240), (), 5)
    for time_us in range(0, 3_000_000, 250_000):
        for shown in crowd.shown(time_us):
            assert 0 < shown.pose.x < 320
            assert 0 < shown.pose.y < 240


def test_saccades_go_round_a_triangle_and_come_back() -> None:
    style = SaccadeStyle(rounds=2, amplitude=0.2)
    scene = SaccadeScene(RESOLUTION, (SEVEN,), 0, style)
    corners = [scene.ground_shift(style.fade_us + k * style.saccade_us) for k in range(7)]
    np.testing.assert_allclose(corners[0], corners[3], atol=1e-9)
    np.testing.assert_allclose(corners[:3], corners[3:6], atol=1e-9)
    sides = [np.hypot(*np.subtract(a, b)) for a, b in pairwise(corners)]
    assert np.allclose(sides, sides[0], rtol=0.15)
    assert sides[2] == pytest.approx(0.2 * 0.7 * 64, rel=0.01)


def test_each_picture_is_known_while_the_sensor_trembles() -> None:
    style = SaccadeStyle()
    scene = SaccadeScene(RESOLUTION, (SEVEN, "key"), 0, style)
    assert scene.truth(0) == ""
    assert scene.truth(style.fade_us) == "a seven"
    assert scene.truth(style.period_us - style.fade_us) == ""
    assert scene.truth(style.period_us + style.period_us // 2) == "a key"


def test_each_saccade_makes_its_events() -> None:
    style = SaccadeStyle()
    times = events_of(SaccadeScene(RESOLUTION, (SEVEN,), 0, style), style.period_us)["timestamp"]
    moving = np.histogram(times, bins=9, range=(style.fade_us, style.period_us - style.fade_us))[0]
    assert np.all(moving > 100)
