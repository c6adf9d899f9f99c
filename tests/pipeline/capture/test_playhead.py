"""Cutting a recording into pieces, and their pace."""

from itertools import pairwise
from pathlib import Path

import dv_processing as dv
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.capture.event_rate import EventRate
from pipeline.capture.overview import BINS, OverviewScan
from pipeline.capture.pace import Pace
from pipeline.capture.playhead import Piece, Playhead
from pipeline.events import EVENT_DTYPE, EventArray, Resolution
from pipeline.sources.base import EventBatch, Source, SourceError, SourceInfo
from tests.pipeline.capture.made_sources import START_US, DamagedRecording, MadeRecording, made_events
from tests.pipeline.reading_back import joined

MAX_GAP_US = 2_000_000


class TimesRecording(Source):
    """Events at these times, in batches as given; seeking starts it again at the batch that reaches there."""

    def __init__(self, *batches: list[int]) -> None:
        self._all = batches
        self._left = list(batches)
        times = [time for batch in batches for time in batch]
        self.info = SourceInfo(
            "recording", "times", Resolution(1, 1), live=False, start_us=min(times), end_us=max(times) + 1
        )

    def read(self) -> EventBatch | None:
        if not self._left:
            return None
        times = self._left.pop(0)
        events = np.zeros(len(times), EVENT_DTYPE)
        events["timestamp"] = times
        return EventBatch(events, times[-1] + 1)

    def seek(self, time_us: int) -> None:
        self._left = [batch for batch in self._all if batch[-1] >= time_us]

    def close(self) -> None:
        return


def pieces(playhead: Playhead, step_us: int | None) -> list[Piece]:
    found = []
    while (piece := playhead.next(step_us)) is not None:
        found.append(piece)
    return found


def times_of(piece: Piece) -> list[int]:
    times: list[int] = piece.batch.events["timestamp"].tolist()
    return times


@given(
    st.lists(st.lists(st.integers(0, 5_000_000), min_size=1, max_size=20).map(sorted), min_size=1, max_size=5),
    st.none() | st.integers(1000, 10_000_000),
)
def test_every_event_is_in_one_piece_in_its_order(batches: list[list[int]], step_us: int | None) -> None:
    found = pieces(Playhead(TimesRecording(*batches), MAX_GAP_US), step_us)
    assert [time for piece in found for time in times_of(piece)] == [time for batch in batches for time in batch]
    for piece in found:
        assert all(time < piece.batch.until_us for time in times_of(piece))
        assert step_us is None or piece.batch.until_us <= piece.start_us + step_us
    for before, after in pairwise(found):
        assert after.jumped or after.start_us == before.batch.until_us


def test_a_gap_is_cut_into_pieces_without_events() -> None:
    found = pieces(Playhead(TimesRecording([0, 1], [30, 31]), MAX_GAP_US), 10)
    assert [(piece.start_us, piece.batch.until_us, len(piece.batch.events)) for piece in found] == [
        (0, 2, 2),
        (2, 12, 0),
        (12, 22, 0),
        (22, 32, 2),
    ]


@pytest.mark.parametrize("second", [[5_000_000], [50], [(1 << 63) - 1], [1 << 62, (1 << 63) - 1]])
def test_a_jump_in_time_is_not_played(second: list[int]) -> None:
    playhead = Playhead(TimesRecording([1_000_000, 1_000_001], second), MAX_GAP_US)
    found = pieces(playhead, 5000)
    assert len(found) <= 4
    assert [piece.jumped for piece in found][:2] == [True, True]
    assert [time for piece in found for time in times_of(piece)] == [1_000_000, 1_000_001, *second]


def test_seek_gives_the_history_and_goes_on_at_the_place(tmp_path: Path) -> None:
    playhead = Playhead(MadeRecording(tmp_path), MAX_GAP_US)
    place = START_US + 303_250
    history = playhead.seek(place, 50_000)
    events = made_events(1_000_000)
    times = events["timestamp"]
    np.testing.assert_array_equal(history, events[(times >= START_US + 253_250) & (times < place)])
    rest = joined([piece.batch.events for piece in pieces(playhead, 5000)])
    np.testing.assert_array_equal(rest, events[times >= place])


def test_rewind_begins_at_the_beginning(tmp_path: Path) -> None:
    playhead = Playhead(MadeRecording(tmp_path), MAX_GAP_US)
    pieces(playhead, None)
    playhead.rewind()
    first = playhead.next(5000)
    assert first is not None
    assert first.jumped
    assert first.start_us == START_US


def test_native_events_are_cut_with_the_others() -> None:
    store = dv.EventStore()
    for time in range(0, 10_000, 100):
        store.push_back(time, 0, 0, True)

    class Native(TimesRecording):
        def read(self) -> EventBatch | None:
            return EventBatch(store.numpy(), 10_000, store) if super().read() else None

    found = pieces(Playhead(Native([0, 9_999]), MAX_GAP_US), 950)
    assert all(piece.batch.store is not None for piece in found if len(piece.batch.events))
    for piece in found:
        native: EventArray = piece.batch.store.numpy() if piece.batch.store else piece.batch.events
        np.testing.assert_array_equal(native, piece.batch.events)


# --- pace ---


def test_a_piece_is_due_when_its_end_is() -> None:
    pace = Pace(2.0)
    assert pace.wait_s(5_000_000, 5_010_000, now_s=100.0) == pytest.approx(0.005)
    assert pace.wait_s(5_000_000, 5_010_000, now_s=100.004) == pytest.approx(0.001)
    assert pace.wait_s(5_010_000, 5_020_000, now_s=100.004) == pytest.approx(0.006)


def test_little_delays_do_not_add_up() -> None:
    pace, now_s = Pace(1.0), 0.0
    for number in range(1000):
        now_s += pace.wait_s(number * 5000, number * 5000 + 5000, now_s) + 0.001
    assert now_s == pytest.approx(5.0, abs=0.01)


def test_after_a_long_delay_it_does_not_hurry() -> None:
    pace = Pace(1.0)
    pace.wait_s(0, 5000, now_s=0.0)
    assert pace.wait_s(5000, 10_000, now_s=60.0) == 0.0
    assert pace.wait_s(10_000, 15_000, now_s=60.0) == pytest.approx(0.005)


def test_another_speed_counts_from_now() -> None:
    pace = Pace(1.0)
    pace.wait_s(0, 5000, now_s=0.0)
    pace.set_speed(0.1)
    assert pace.wait_s(5000, 6000, now_s=7.0) == pytest.approx(0.01)
    pace.set_speed(None)
    assert pace.wait_s(6000, 10**12, now_s=7.0) == 0.0


# --- overview and rate ---


def whole(scan: OverviewScan) -> list[int]:
    while scan.step():
        pass
    counts: list[int] = scan.counts.tolist()
    return counts


@pytest.mark.parametrize("file_bytes", [1000, 10**10])
def test_the_overview_is_the_rate_whether_counted_or_sampled(tmp_path: Path, file_bytes: int) -> None:
    assert whole(OverviewScan(MadeRecording(tmp_path, ms=4000), file_bytes)) == BINS * [20]


def test_the_overview_of_a_damaged_file_is_that_of_its_readable_part(tmp_path: Path) -> None:
    counts = whole(OverviewScan(DamagedRecording(tmp_path, ms=4000), 1000))
    assert counts == BINS // 2 * [20] + BINS // 2 * [0]


def test_events_outside_the_told_span_are_left_out() -> None:
    source = TimesRecording([1000], [2000], [1 << 62])
    source.info = SourceInfo("recording", "times", Resolution(1, 1), live=False, start_us=1000, end_us=1400)
    assert whole(OverviewScan(source, 1000)) == [1] + (BINS - 1) * [0]


def test_the_rate_forgets_what_is_older_than_a_second() -> None:
    rate = EventRate()
    for number in range(300):
        rate.add(10, number / 100)
    assert rate.value(3.0) == pytest.approx(1000, rel=0.06)
    assert rate.value(3.5) == pytest.approx(500, rel=0.12)
    assert rate.value(9.0) == 0.0


def test_what_cannot_be_wound_says_so(tmp_path: Path) -> None:
    class Torn(MadeRecording):
        def seek(self, time_us: int) -> None:
            raise SourceError("made cannot be wound.")

    with pytest.raises(SourceError, match="cannot be wound"):
        Playhead(Torn(tmp_path), MAX_GAP_US).seek(START_US, 0)
