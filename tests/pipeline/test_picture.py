"""The picture of the last events."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.capture.messages import Palette, Rendering
from pipeline.events import EVENT_DTYPE, NO_EVENTS, EventArray, Resolution
from pipeline.picture import MAX_DISORDER_US, PictureRenderer

RESOLUTION = Resolution(6, 4)
START_US = 1_605_537_493_000_000
DARK = Palette()
LIGHT = Palette(background=0xFCFCFB, on=0xC45C00, off=0x1856D6)
PALETTES = pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
BY_EVENTS = pytest.mark.parametrize("rendering", [Rendering.DECAY, Rendering.POLARITY, Rendering.RECENCY])


def events_at(*times: int, x: int = 2, y: int = 1, polarity: int = 1) -> EventArray:
    events = np.zeros(len(times), EVENT_DTYPE)
    events["timestamp"] = np.array(times) + START_US
    events["x"], events["y"], events["polarity"] = x, y, polarity
    return events


def drawn(renderer: PictureRenderer, now: int) -> npt.NDArray[np.int64]:
    """Red, green, blue of each pixel, (H, W, 3), `now` µs after the start."""
    out = np.zeros((RESOLUTION.height, RESOLUTION.width, 4), np.uint8)
    renderer.render(START_US + now, out)
    assert np.all(out[..., 3] == 255)
    return out[..., 2::-1].astype(np.int64)


def rgb(colour: int) -> npt.NDArray[np.int64]:
    return np.array([colour >> 16, colour >> 8 & 255, colour & 255])


def distance(pixel: npt.NDArray[np.int64], colour: int) -> int:
    return int(np.abs(pixel - rgb(colour)).max())


def contrast(pixel: npt.NDArray[np.int64], palette: Palette) -> int:
    return int(np.abs(pixel - rgb(palette.background)).sum())


@BY_EVENTS
@PALETTES
def test_where_nothing_happened_there_is_the_background(rendering: Rendering, palette: Palette) -> None:
    renderer = PictureRenderer(RESOLUTION, rendering, palette)
    assert np.all(drawn(renderer, 0) == rgb(palette.background))
    renderer.push(events_at(0))
    picture = drawn(renderer, 0)
    shown = np.any(picture != rgb(palette.background), axis=-1)
    assert list(zip(*np.nonzero(shown), strict=True)) == [(1, 2)]


@BY_EVENTS
@PALETTES
def test_what_is_long_ago_has_gone(rendering: Rendering, palette: Palette) -> None:
    renderer = PictureRenderer(RESOLUTION, rendering, palette)
    renderer.push(events_at(0, 1000, 2000))
    assert np.all(drawn(renderer, 400_000) == rgb(palette.background))


@PALETTES
def test_decay_reaches_the_full_colour_with_a_few_events_and_then_fades(palette: Palette) -> None:
    for polarity, colour in ((1, palette.on), (0, palette.off)):
        renderer = PictureRenderer(RESOLUTION, Rendering.DECAY, palette)
        renderer.push(events_at(0, polarity=polarity))
        first = contrast(drawn(renderer, 0)[1, 2], palette)
        renderer.push(events_at(500, 1000, polarity=polarity))
        assert distance(drawn(renderer, 1000)[1, 2], colour) <= 1
        faded = [contrast(drawn(renderer, now)[1, 2], palette) for now in range(1000, 200_000, 20_000)]
        assert faded == sorted(faded, reverse=True)
        assert first < faded[0]
        assert faded[-1] < faded[0] / 8


@PALETTES
def test_decay_shows_both_polarities_together_as_a_neutral_far_from_the_background(palette: Palette) -> None:
    renderer = PictureRenderer(RESOLUTION, Rendering.DECAY, palette)
    for polarity in (0, 1, 0, 1):
        renderer.push(events_at(0, polarity=polarity))
    both = drawn(renderer, 0)[1, 2]
    assert np.ptp(both) < 40
    assert contrast(both, palette) > max(contrast(rgb(palette.on), palette), contrast(rgb(palette.off), palette))


@PALETTES
def test_polarity_shows_the_newest_event_of_the_last_30_ms(palette: Palette) -> None:
    renderer = PictureRenderer(RESOLUTION, Rendering.POLARITY, palette)
    renderer.push(events_at(0, polarity=1))
    renderer.push(events_at(10, polarity=0))
    renderer.push(events_at(20, x=3, polarity=1))
    assert np.all(drawn(renderer, 30)[1, 2] == rgb(palette.off))
    assert np.all(drawn(renderer, 30)[1, 3] == rgb(palette.on))
    assert np.all(drawn(renderer, 30_009)[1, 2] == rgb(palette.off))
    assert np.all(drawn(renderer, 30_010)[1, 2] == rgb(palette.background))


@PALETTES
def test_recency_goes_from_far_from_the_background_to_near_it(palette: Palette) -> None:
    renderer = PictureRenderer(RESOLUTION, Rendering.RECENCY, palette)
    renderer.push(events_at(0))
    ages = [contrast(drawn(renderer, now)[1, 2], palette) for now in range(0, 200_000, 10_000)]
    assert ages == sorted(ages, reverse=True)
    assert len(set(ages)) == len(ages)
    assert np.all(drawn(renderer, 200_000) == rgb(palette.background))


def test_recency_does_not_ask_for_the_polarity() -> None:
    pictures = []
    for polarity in (0, 1):
        renderer = PictureRenderer(RESOLUTION, Rendering.RECENCY, DARK)
        renderer.push(events_at(0, polarity=polarity))
        pictures.append(drawn(renderer, 5000))
    np.testing.assert_array_equal(pictures[0], pictures[1])


@PALETTES
def test_model_frame_is_the_event_frame_in_grey(palette: Palette) -> None:
    renderer = PictureRenderer(RESOLUTION, Rendering.MODEL_FRAME, palette)
    assert np.all(drawn(renderer, 0) == 127)
    frame = np.random.default_rng(0).choice(np.array([0, 127, 255], np.uint8), (RESOLUTION.height, RESOLUTION.width))
    renderer.set_model_frame(frame)
    wanted = frame.copy()
    frame[:] = 127
    np.testing.assert_array_equal(drawn(renderer, 0), np.repeat(wanted[..., None], 3, axis=-1))


def test_another_rendering_shows_at_once_without_new_events() -> None:
    switched = PictureRenderer(RESOLUTION, Rendering.MODEL_FRAME, LIGHT)
    switched.push(events_at(0, 100))
    for rendering in (Rendering.DECAY, Rendering.POLARITY, Rendering.RECENCY):
        from_the_start = PictureRenderer(RESOLUTION, rendering, DARK)
        from_the_start.push(events_at(0, 100))
        switched.set_rendering(rendering, DARK)
        np.testing.assert_array_equal(drawn(switched, 5000), drawn(from_the_start, 5000))


@BY_EVENTS
def test_when_the_stream_is_wound_back_what_was_seen_is_forgotten(rendering: Rendering) -> None:
    renderer = PictureRenderer(RESOLUTION, rendering, DARK)
    renderer.push(events_at(1_000_000))
    assert np.all(drawn(renderer, 500_000) == rgb(DARK.background))
    renderer.push(events_at(500_000, x=4))
    picture = drawn(renderer, 500_000)
    assert contrast(picture[1, 4], DARK) > 0
    assert contrast(picture[1, 2], DARK) == 0


@BY_EVENTS
def test_time_that_jumps_back_among_the_events_forgets_those_before(rendering: Rendering) -> None:
    renderer = PictureRenderer(RESOLUTION, rendering, DARK)
    renderer.push(np.concatenate([events_at(1_000_000), events_at(0, x=4), events_at(10, x=5)], dtype=EVENT_DTYPE))
    shown = [contrast(pixel, DARK) > 0 for pixel in drawn(renderer, 10)[1]]
    assert shown == [False, False, False, False, True, True]


@BY_EVENTS
def test_a_little_disorder_is_no_jump(rendering: Rendering) -> None:
    renderer = PictureRenderer(RESOLUTION, rendering, DARK)
    renderer.push(np.concatenate([events_at(MAX_DISORDER_US), events_at(0, x=4)], dtype=EVENT_DTYPE))
    picture = drawn(renderer, 0)
    assert contrast(picture[1, 2], DARK) > 0
    assert contrast(picture[1, 4], DARK) > 0


def test_clear_forgets_events_and_the_model_s_frame() -> None:
    renderer = PictureRenderer(RESOLUTION, Rendering.DECAY, DARK)
    renderer.push(events_at(0))
    renderer.set_model_frame(np.zeros((RESOLUTION.height, RESOLUTION.width), np.uint8))
    renderer.clear()
    assert np.all(drawn(renderer, 0) == rgb(DARK.background))
    renderer.set_rendering(Rendering.MODEL_FRAME, DARK)
    assert np.all(drawn(renderer, 0) == 127)


def test_no_events_change_nothing() -> None:
    renderer = PictureRenderer(RESOLUTION, Rendering.DECAY, DARK)
    renderer.push(events_at(0))
    before = drawn(renderer, 0)
    renderer.push(NO_EVENTS)
    np.testing.assert_array_equal(drawn(renderer, 0), before)


@given(
    st.lists(
        st.tuples(st.integers(0, 30_000), st.integers(0, 5), st.integers(0, 3), st.integers(0, 1)),
        min_size=1,
        max_size=60,
    ),
    st.integers(0, 60),
    st.sampled_from(Rendering),
)
@settings(deadline=None)
def test_how_the_stream_was_cut_makes_no_difference(
    rows: list[tuple[int, int, int, int]], cut: int, rendering: Rendering
) -> None:
    events = np.array([(0, x, y, p) for _, x, y, p in rows], EVENT_DTYPE)
    events["timestamp"] = START_US + np.cumsum([step for step, *_ in rows])
    now = int(events["timestamp"][-1]) - START_US + 1000
    whole, cut_up = (PictureRenderer(RESOLUTION, rendering, DARK) for _ in range(2))
    whole.push(events)
    for part in (events[:cut], events[cut:]):
        cut_up.push(part)
    np.testing.assert_array_equal(drawn(whole, now), drawn(cut_up, now))
