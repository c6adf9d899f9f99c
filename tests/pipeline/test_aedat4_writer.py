"""Files written without dv-processing: laid out as its own, and the same events to every reader."""

import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import cramjam
import dv_processing as dv
import faery
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.aedat4_writer import PACKET_EVENTS, Aedat4File, Packet, header_of
from pipeline.events import EVENT_DTYPE, EventArray, Resolution, joined
from pipeline.sources.aedat4 import MAGIC, read_file_header
from pipeline.sources.aedat4_packets import HEAD, PacketFile
from pipeline.sources.aedat4_table import read_table
from tests.pipeline.reading_back import events_in
from tests.pipeline.sources.damage import header_end, never_closed, table_start
from tests.pipeline.sources.made_recordings import store_of

SIZE = Resolution(640, 480)
START_US = 1_700_000_000_000_000
PACKED_DTYPE = np.dtype([("polarity", "?"), ("x", "<u2"), ("y", "<u2"), ("timestamp", "<u8")])


def some_events(count: int, start_us: int = START_US, seed: int = 0) -> EventArray:
    rng = np.random.default_rng(seed)
    events = np.zeros(count, EVENT_DTYPE)
    events["timestamp"] = start_us + np.sort(rng.integers(0, max(count, 1), count))
    events["x"], events["y"] = rng.integers(0, SIZE.width, count), rng.integers(0, SIZE.height, count)
    events["polarity"] = rng.integers(0, 2, count)
    return events


def packet_of(events: EventArray) -> Packet:
    packet = Packet()
    assert packet.add(events) == len(events)
    return packet


def write(path: Path, packets: list[EventArray], camera: str = "DVXplorer_DX7", close: bool = True) -> Path:
    raw = path.open("xb", 0)
    file = Aedat4File(raw, camera, SIZE)
    for events in packets:
        file.write(packet_of(events))
    if close:
        file.close()
    raw.close()
    assert path.stat().st_size == file.bytes
    return path


def write_by_dv(path: Path, packets: list[EventArray], camera: str = "DVXplorer_DX7") -> Path:
    writer = dv.io.MonoCameraWriter(str(path), dv.io.MonoCameraWriter.EventOnlyConfig(camera, tuple(SIZE)))
    for events in packets:
        writer.writeEventPacket(store_of(events).toPacket())
    return path


def contents(raw: bytes) -> list[bytes]:
    """Unpack each packet's FlatBuffer."""
    found, place, end = [], header_end(raw), table_start(raw)
    while place < end:
        _, size = HEAD.unpack_from(raw, place)
        found.append(bytes(cramjam.lz4.decompress(raw[place + HEAD.size : place + HEAD.size + size])))
        place += HEAD.size + size
    return found


def events_of(path: Path) -> EventArray:
    """All events as this program reads them."""
    reader, parts = PacketFile(path, read_file_header(path), 0), []
    while (events := reader.read()) is not None:
        parts.append(events)
    reader.close()
    return joined(parts)


def in_ranges(path: Path) -> EventArray:
    """All events as dv-processing finds them by its table, in ranges of time."""
    reader = dv.io.MonoCameraRecording(str(path))
    first, last = reader.getTimeRange()
    cuts = np.linspace(first, last + 1, 6).astype(int)
    stores = [reader.getEventsTimeRange(int(a), int(b)) for a, b in pairwise(cuts)]
    return joined([store.numpy() for store in stores if store is not None])


@pytest.mark.parametrize("letters", range(9))
def test_the_header_is_dv_processings_own(tmp_path: Path, letters: int) -> None:
    """Byte for byte, whatever the length makes of the places of what stands in it."""
    camera = "DAVIS346_é"[: letters + 1] + "_1"
    ours = write(tmp_path / "ours.aedat4", [], camera).read_bytes()
    theirs = write_by_dv(tmp_path / "theirs.aedat4", [], camera).read_bytes()
    end = header_end(theirs)
    assert table_start(ours) == table_start(theirs) == end == header_end(ours)
    assert ours[:end] == theirs[:end]


def test_packets_are_dv_processings_own(tmp_path: Path) -> None:
    packets = [some_events(count, START_US + 100_000 * count) for count in (1, 2, 3, 5000)]
    ours = write(tmp_path / "ours.aedat4", packets).read_bytes()
    theirs = write_by_dv(tmp_path / "theirs.aedat4", packets).read_bytes()
    assert contents(ours) == contents(theirs)


@pytest.mark.parametrize("count", [1, 2, 3, 10, 77])
def test_the_table_tells_every_reader_where_which_time_lies(tmp_path: Path, count: int) -> None:
    packets = [some_events(1 + 100 * number, START_US + 10_000 * number, number) for number in range(count)]
    path = write(tmp_path / "walk.aedat4", packets)
    header = read_file_header(path)
    rows = read_table(path, header, 0)
    assert rows is not None
    reader = PacketFile(path, header, 0)
    assert rows["place"].tolist() == reader.places()
    reader.close()
    assert rows["count"].tolist() == [len(events) for events in packets]
    assert rows["first_us"].tolist() == [events["timestamp"][0] for events in packets]
    assert rows["last_us"].tolist() == [events["timestamp"][-1] for events in packets]
    events = joined(packets)
    assert dv.io.MonoCameraRecording(str(path)).getTimeRange() == (events["timestamp"][0], events["timestamp"][-1])
    assert (in_ranges(path) == events).all()


def test_events_are_the_same_to_faery(tmp_path: Path) -> None:
    events = some_events(200_000)
    path = write(tmp_path / "walk.aedat4", np.array_split(events, 7))
    stream = faery.events_stream_from_file(path)
    assert stream.dimensions() == tuple(SIZE)
    found = stream.to_array()
    np.testing.assert_array_equal(found["t"], events["timestamp"])
    np.testing.assert_array_equal(found["x"], events["x"])
    np.testing.assert_array_equal(found["y"], events["y"])
    np.testing.assert_array_equal(found["on"], events["polarity"] == 1)


@pytest.mark.parametrize("camera", ["", "DVXplorer_DX7", "<&\"'>", "Kamera größer 日本", "{width}", "a\x00b\udcffc\n"])
def test_any_name_of_a_camera_is_one(tmp_path: Path, camera: str) -> None:
    path = write(tmp_path / "walk.aedat4", [some_events(10)], camera)
    shown = camera.replace("\x00", "_").replace("\udcff", "_").replace("\n", "_")
    [stream] = read_file_header(path).streams
    assert (stream.camera, stream.resolution, stream.name) == (shown, SIZE, "events")
    reader = dv.io.MonoCameraRecording(str(path))
    assert reader.getCameraName() == shown
    assert tuple(reader.getEventResolution()) == SIZE


def test_a_header_is_no_longer_than_it_says() -> None:
    raw = header_of("camera", SIZE)
    assert struct.unpack_from("<I", raw) == (len(raw) - 4,)
    assert len(MAGIC + raw) % 8 == len(MAGIC) % 8


def test_a_packet_that_is_full_takes_no_more() -> None:
    events, packet = some_events(PACKET_EVENTS + 7), Packet()
    taken = [(packet.add(part), packet.full) for part in (events[:10], events[10:], events)]
    assert taken == [(10, False), (PACKET_EVENTS - 10, True), (0, True)]
    assert (packet.events == events[:PACKET_EVENTS]).all()


@st.composite
def arrays(draw: st.DrawFn) -> list[tuple[EventArray, EventArray]]:
    """Batches as somebody may give them, in order of time, and the events that they are."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng, now, given = np.random.default_rng(seed), draw(st.sampled_from([0, 5, START_US])), []
    for count in draw(st.lists(st.sampled_from([0, 1, 2, 3, 50, 1000, PACKET_EVENTS + 1]), max_size=6)):
        events = some_events(count, now, seed % 1000)
        if draw(st.booleans()):
            events["timestamp"] = now
        now = int(events["timestamp"][-1]) if count else now
        given.append((draw(st.sampled_from([plain, littered, packed, every_third, backwards]))(events, rng), events))
    return given


def plain(events: EventArray, _: np.random.Generator) -> EventArray:
    return events


def littered(events: EventArray, rng: np.random.Generator) -> EventArray:
    """Anything between the events, and any number for ON."""
    made = np.frombuffer(rng.bytes(events.nbytes), EVENT_DTYPE).copy()
    for name in ("timestamp", "x", "y"):
        made[name] = events[name]
    made["polarity"] = events["polarity"] * rng.integers(-128, 0, len(events))
    return made


def packed(events: EventArray, _: np.random.Generator) -> Any:
    made = np.empty(len(events), PACKED_DTYPE)
    for name in PACKED_DTYPE.names or ():
        made[name] = events[name]
    return made


def every_third(events: EventArray, rng: np.random.Generator) -> EventArray:
    made = np.frombuffer(rng.bytes(3 * events.nbytes), EVENT_DTYPE).copy()
    made[::3] = events
    return made[::3]


def backwards(events: EventArray, _: np.random.Generator) -> EventArray:
    return events[::-1].copy()[::-1]


def in_packets(batches: list[EventArray]) -> list[Packet]:
    packets = [Packet()]
    for events in batches:
        while len(events):
            events = events[packets[-1].add(events) :]
            if packets[-1].full:
                packets.append(Packet())
    return [packet for packet in packets if len(packet)]


def written(path: Path, batches: list[tuple[Any, EventArray]], close: bool) -> list[tuple[int, EventArray]]:
    """Write what was given anew; gives where each packet ends, and its events."""
    path.unlink(missing_ok=True)
    raw = path.open("xb", 0)
    file, ends = Aedat4File(raw, "camera", SIZE), []
    for packet in in_packets([batch for batch, _ in batches]):
        file.write(packet)
        ends.append((file.bytes, packet.events))
    if close:
        file.close()
    raw.close()
    return ends


often = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@often
@given(batches=arrays(), close=st.booleans())
def test_what_is_written_is_read(tmp_path: Path, batches: list[tuple[Any, EventArray]], close: bool) -> None:
    """By dv-processing and by this program, closed or not."""
    path, events = tmp_path / "walk.aedat4", joined([events for _, events in batches])
    written(path, batches, close)
    if len(events):
        assert (events_of(path) == events).all()
        assert (events_in(path) == events).all()


@often
@given(batches=arrays())
def test_between_events_are_zeros(tmp_path: Path, batches: list[tuple[Any, EventArray]]) -> None:
    """Whatever lies there in memory: as dv-processing writes them."""
    path, events = tmp_path / "walk.aedat4", joined([events for _, events in batches])
    written(path, batches, close=True)
    clean = np.zeros(len(events), EVENT_DTYPE)
    for name in EVENT_DTYPE.names or ():
        clean[name] = events[name]
    assert b"".join(content[32:] for content in contents(path.read_bytes())) == clean.tobytes()


@often
@given(batches=arrays(), share=st.floats(0, 1))
def test_a_crash_leaves_whole_packets(tmp_path: Path, batches: list[tuple[Any, EventArray]], share: float) -> None:
    """A file that ends anywhere behind its header holds what was whole by then."""
    path = tmp_path / "walk.aedat4"
    ends = written(path, batches, close=False)
    raw = path.read_bytes()
    size = header_end(raw) + round(share * (len(raw) - header_end(raw)))
    path.write_bytes(raw[:size])
    whole = [events for end, events in ends if end <= size]
    if whole:
        assert (events_of(path) == joined(whole)).all()


def test_a_file_that_was_never_closed_is_one_whose_table_was_taken_away(tmp_path: Path) -> None:
    packets = np.array_split(some_events(50_000), 5)
    closed = write(tmp_path / "closed.aedat4", packets).read_bytes()
    still_open = write(tmp_path / "open.aedat4", packets, close=False).read_bytes()
    assert still_open == never_closed(closed)[: table_start(closed)]
