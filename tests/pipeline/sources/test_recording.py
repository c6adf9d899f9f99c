"""Recordings: whole, from anywhere, with several streams, and whatever else a file may be."""

import os
import shutil
from pathlib import Path

import dv_processing as dv
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.events import EVENT_DTYPE, EventArray, Resolution, joined
from pipeline.sources.aedat4_packets import HEAD, PacketFile
from pipeline.sources.base import RecordingSpec, SourceError
from pipeline.sources.recording import RecordingSource
from tests.pipeline.sources.contract import check_message, error_of, read_all, read_until
from tests.pipeline.sources.damage import header_end, never_closed, table_start
from tests.pipeline.sources.made_recordings import (
    SMALL,
    START_US,
    made_events,
    moving_square,
    packets_of,
    store_of,
    write_packets,
    write_recording,
)
from tests.programs import PERSON

needs_person = pytest.mark.skipif(not PERSON.exists(), reason="the real recording beside the repository is absent")


def opened(path: Path, stream: str | None = None) -> RecordingSource:
    return RecordingSource(RecordingSpec(path, stream))


def opening_error(path: Path, stream: str | None = None) -> str:
    message = error_of(lambda: opened(path, stream))
    check_message(message)
    assert path.name in message
    return message


def whole(path: Path, stream: str | None = None) -> EventArray:
    source = opened(path, stream)
    events = read_all(source)
    source.close()
    return events


def read_to_the_complaint(source: RecordingSource) -> tuple[EventArray, str]:
    """Give the events before the error, and the error's sentence."""
    parts = []

    def read() -> None:
        while (batch := source.read()) is not None:
            parts.append(batch.events)

    complaint = error_of(read)
    check_message(complaint)
    events = np.empty(sum(map(len, parts)), EVENT_DTYPE)
    np.concatenate(parts or [events], out=events)
    return events, complaint


def test_every_event_is_read(recording_file: Path) -> None:
    assert (whole(recording_file) == moving_square()).all()


def test_it_tells_what_the_file_says(recording_file: Path) -> None:
    source = opened(recording_file)
    info = source.info
    assert (info.kind, info.name, info.resolution) == ("recording", "square.aedat4", SMALL)
    assert (info.camera, info.serial) == ("DVXplorer", "TEST0001")
    assert (info.start_us, info.end_us) == (START_US, int(moving_square()["timestamp"][-1]) + 1)
    assert (info.streams, info.stream) == (("events",), "events")
    source.close()


@pytest.mark.parametrize("time_us", [0, 1, 9_999, 10_000, 10_001, 500_000, 1_199_389, 1_199_390, 1_199_391, 10**12])
def test_it_goes_on_from_any_time(recording_file: Path, time_us: int) -> None:
    source = opened(recording_file)
    events = moving_square()
    source.read()
    for _ in range(2):
        source.seek(START_US + time_us)
        assert (read_all(source) == events[events["timestamp"] >= START_US + time_us]).all()
    source.close()


def test_packets_larger_than_a_stretch_of_time_are_wound_too(tmp_path: Path) -> None:
    events = moving_square(300_000)
    source = opened(write_recording(tmp_path / "large.aedat4", events, packet_us=150_000))
    for time_us in (1, 149_999, 150_000, 222_222):
        source.seek(START_US + time_us)
        assert (read_all(source) == events[events["timestamp"] >= START_US + time_us]).all()
    source.close()


def test_an_hour_without_events_is_wound_over(tmp_path: Path) -> None:
    events = made_events([START_US, START_US + 10, START_US + 3_600_000_000])
    source = opened(write_recording(tmp_path / "still.aedat4", events))
    assert (read_all(source) == events).all()
    source.seek(START_US + 11)
    assert (read_all(source) == events[2:]).all()
    source.close()


def test_a_batch_is_at_most_a_second_however_large_the_packets_are(tmp_path: Path) -> None:
    source = opened(write_recording(tmp_path / "large.aedat4", moving_square(), packet_us=1_200_000))
    batch = source.read()
    assert batch is not None
    assert len(batch.events) == 40_000
    source.close()


def test_events_of_one_microsecond_stay_together_across_packets(tmp_path: Path) -> None:
    times = [[5, 6, 7], [7, 7], [7, 8], [9], [9, 10]]
    path = write_packets(tmp_path / "cut.aedat4", {"events": [made_events(packet) for packet in times]})
    source = opened(path)
    parts = []
    while (batch := source.read()) is not None:
        parts.append(batch.events["timestamp"].tolist())
    assert parts == [[5, 6], [7, 7, 7, 7], [8], [9, 9], [10]]
    source.close()


def test_one_of_several_event_streams_is_chosen(tmp_path: Path) -> None:
    first, second = made_events(range(1000, 90_000, 1000)), made_events(range(500, 30_000, 500), x=60)
    path = write_packets(tmp_path / "two.aedat4", {"events": packets_of(first), "filtered": packets_of(second)})
    for stream, events in ((None, first), ("events", first), ("filtered", second)):
        source = opened(path, stream)
        assert source.info.streams == ("events", "filtered")
        assert source.info.stream == (stream or "events")
        assert (source.info.start_us, source.info.end_us) == (events["timestamp"][0], events["timestamp"][-1] + 1)
        assert (read_all(source) == events).all()
        source.seek(20_000)
        assert (read_all(source) == events[events["timestamp"] >= 20_000]).all()
        source.close()
    assert "choose one of events, filtered" in opening_error(path, "frames")


def test_the_streams_of_two_cameras_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "stereo.aedat4"
    config = dv.io.MonoCameraWriter.EventOnlyConfig
    writer = dv.io.StereoCameraWriter(str(path), config("DVXplorer_L1", (64, 48)), config("DVXplorer_R2", (32, 24)))
    left, right = made_events(range(1000, 90_000, 1000)), made_events(range(5000, 50_000, 700))
    writer.left.writeEventPacket(store_of(left).toPacket())
    writer.right.writeEventPacket(store_of(right).toPacket())
    del writer
    names = ("events (DVXplorer_L1)", "events (DVXplorer_R2)")
    for name, serial, events, size in zip(names, ("L1", "R2"), (left, right), ((64, 48), (32, 24)), strict=True):
        source = opened(path, name)
        info = source.info
        assert (info.streams, info.stream, info.serial, info.resolution) == (names, name, serial, size)
        assert (info.start_us, info.end_us) == (events["timestamp"][0], events["timestamp"][-1] + 1)
        assert (read_all(source) == events).all()
        source.close()


@needs_person
def test_a_real_recording_is_read_and_wound() -> None:
    source = opened(PERSON)
    info = source.info
    assert info.resolution == Resolution(320, 240)
    assert (info.camera, info.serial) == ("DVXplorer", "DXB00010")
    assert info.streams == ("events",), "the motion sensor's and the trigger's streams are no event streams"
    events = read_all(source)
    assert len(events) == 111_954
    assert (events["timestamp"][0], events["timestamp"][-1] + 1) == (info.start_us, info.end_us)
    for time_us in range(info.start_us, info.end_us, 47_111):
        source.seek(time_us)
        assert (read_all(source) == events[events["timestamp"] >= time_us]).all()
    source.close()


@pytest.mark.parametrize("within", [False, True], ids=["between two packets, then zeros", "in a packet"])
def test_a_recording_that_was_never_closed_is_read(recording_file: Path, tmp_path: Path, within: bool) -> None:
    """As after a power cut: the header knows no table, and the file ends anywhere, or in zeros."""
    raw = never_closed(recording_file.read_bytes())
    end = header_end(raw)
    while end < len(raw) // 2:
        end += HEAD.size + HEAD.unpack_from(raw, end)[1]
    path = tmp_path / "open.aedat4"
    path.write_bytes(raw[: end + 1000] if within else raw[:end] + bytes(100_000))
    source = opened(path)
    events = read_all(source)
    assert len(events) > 10_000
    assert (events == moving_square()[: len(events)]).all()
    assert source.info.end_us == events["timestamp"][-1] + 1
    for time_us in range(START_US + 1, source.info.end_us, 77_777):
        source.seek(time_us)
        assert (read_all(source) == events[events["timestamp"] >= time_us]).all()
    source.close()


def test_a_recording_that_was_cut_off_is_read_as_far_as_it_goes(recording_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.aedat4"
    raw = recording_file.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    source = opened(path)
    events, complaint = read_to_the_complaint(source)
    assert len(events) > 10_000
    assert (events == moving_square()[: len(events)]).all()
    assert "cut.aedat4" in complaint
    assert f"{(source.info.end_us - START_US) / 1e6:.2f} s" in complaint
    assert source.read() is None, "it is said once"
    source.seek(START_US + 100_000)
    assert (read_all(source) == events[events["timestamp"] >= START_US + 100_000]).all()
    source.close()


@pytest.mark.parametrize("left", ["a part", "nothing", "other bytes"])
def test_of_a_file_whose_table_is_damaged_nothing_is_lost(recording_file: Path, tmp_path: Path, left: str) -> None:
    raw = recording_file.read_bytes()
    start = table_start(raw)
    path = tmp_path / "table.aedat4"
    path.write_bytes({"a part": raw[:-100], "nothing": raw[:start]}.get(left, raw[:start] + b"\xff" * 300))
    source = opened(path)
    events = moving_square()
    assert source.info.end_us == events["timestamp"][-1] + 1
    assert (read_all(source) == events).all()
    for time_us in range(START_US + 1, source.info.end_us, 77_777):
        source.seek(time_us)
        assert (read_all(source) == events[events["timestamp"] >= time_us]).all()
    source.close()


def test_a_table_that_does_not_tell_the_truth_is_not_believed(tmp_path: Path) -> None:
    events = moving_square(200_000)
    path = write_packets(tmp_path / "lies.aedat4", {"events": packets_of(events)}, compression=dv.CompressionType.NONE)
    raw = bytearray(path.read_bytes())
    last_us = int(events[-1]["timestamp"]).to_bytes(8, "little")
    at = raw.index(last_us, table_start(raw))
    raw[at + 4] ^= 0x40
    path.write_bytes(raw)
    source = opened(path)
    assert source.info.end_us == events["timestamp"][-1] + 1
    for time_us in range(START_US + 1, source.info.end_us, 33_333):
        source.seek(time_us)
        assert (read_all(source) == events[events["timestamp"] >= time_us]).all()
    source.close()


def test_what_lies_behind_a_damaged_packet_can_be_wound_to(recording_file: Path, tmp_path: Path) -> None:
    raw = bytearray(recording_file.read_bytes())
    middle = (header_end(raw) + table_start(raw)) // 2
    raw[middle : middle + 500] = b"\xff" * 500
    path = tmp_path / "hole.aedat4"
    path.write_bytes(raw)
    source = opened(path)
    events, complaint = read_to_the_complaint(source)
    whole = moving_square()
    assert 10_000 < len(events) < len(whole)
    assert (events == whole[: len(events)]).all()
    assert "is damaged" in complaint
    assert f"first {(events['timestamp'][-1] - START_US) / 1e6:.2f} s" in complaint
    source.seek(START_US + 1_000_000)
    assert (read_all(source) == whole[whole["timestamp"] >= START_US + 1_000_000]).all()
    source.close()


@given(
    times=st.lists(st.lists(st.integers(0, 400), min_size=1, max_size=30), min_size=1, max_size=12),
    compression=st.sampled_from(list(dv.CompressionType.__members__.values())),
    triggers=st.lists(st.integers(0, 400), max_size=3),
)
@settings(deadline=None, max_examples=30)
def test_what_was_written_is_read_and_wound(
    tmp_path_factory: pytest.TempPathFactory,
    times: list[list[int]],
    compression: dv.CompressionType,
    triggers: list[int],
) -> None:
    events = made_events(sorted(time_us for packet in times for time_us in packet))
    packets = np.split(events, np.cumsum([len(packet) for packet in times])[:-1])
    path = tmp_path_factory.mktemp("written") / "written.aedat4"
    write_packets(path, {"events": packets}, compression=compression, triggers=sorted(triggers))
    source = opened(path)
    assert (read_all(source) == events).all()
    for time_us in (0, 1, 200, 399, int(events[-1]["timestamp"])):
        source.seek(time_us)
        assert (read_all(source) == events[events["timestamp"] >= time_us]).all()
    source.close()


class SmallFiles:
    """A file with each compression."""

    EVENTS = moving_square(50_000)
    PACKETS = packets_of(EVENTS, 2_500)
    COMPRESSIONS = tuple(dv.CompressionType.__members__.values())

    def __init__(self, folder: Path) -> None:
        self.path = folder / "damaged.aedat4"
        """For a damaged copy."""
        self.raw: list[bytes] = []
        self.ends: list[list[int]] = []
        """The byte where each packet ends."""
        for number, compression in enumerate(self.COMPRESSIONS):
            path = folder / f"{number}.aedat4"
            raw = write_packets(path, {"events": self.PACKETS}, compression=compression).read_bytes()
            place, ends = header_end(raw), []
            while place < table_start(raw):
                place += HEAD.size + HEAD.unpack_from(raw, place)[1]
                ends.append(place)
            self.raw.append(raw)
            self.ends.append(ends)


@pytest.fixture(scope="module")
def small_files(tmp_path_factory: pytest.TempPathFactory) -> SmallFiles:
    return SmallFiles(tmp_path_factory.mktemp("small"))


@given(
    number=st.integers(0, len(SmallFiles.COMPRESSIONS) - 1),
    part=st.sampled_from(["anywhere", "packets", "table"]),
    first=st.floats(0, 1, exclude_max=True),
    values=st.binary(min_size=1, max_size=40),
    cut=st.booleans(),
)
@settings(deadline=None, max_examples=200)
def test_whatever_was_damaged_what_is_before_it_is_read(
    small_files: SmallFiles, number: int, part: str, first: float, values: bytes, cut: bool
) -> None:
    whole, ends = small_files.raw[number], small_files.ends[number]
    begin = {"anywhere": 0, "packets": header_end(whole), "table": ends[-1]}[part]
    end = ends[-1] if part == "packets" else len(whole)
    at = begin + int(first * (end - begin))
    raw = bytearray(whole)
    raw[at : at + len(values)] = values[: len(raw) - at]
    if cut:
        del raw[at:]
    small_files.path.write_bytes(raw)
    good = sum(len(packet) for packet, end in zip(small_files.PACKETS, ends, strict=True) if end <= at)
    events = read_what_can_be_read(small_files.path)
    if at < header_end(whole):
        return
    if events is None:
        assert not good
    else:
        assert len(events) >= good
        assert (events[:good] == small_files.EVENTS[:good]).all()
    if at >= ends[-1]:
        assert events is not None
        assert len(events) == good


def read_what_can_be_read(path: Path) -> EventArray | None:
    """Read and wind a damaged file; gives what was read first, None when it could not be opened."""
    try:
        source = opened(path)
    except SourceError as error:
        check_message(str(error))
        return None
    found = read_some(source)
    for part in (0.2, 0.9):
        source.seek(source.info.start_us + int(part * (source.info.end_us - source.info.start_us)))
        read_some(source)
    source.close()
    return found


def read_some(source: RecordingSource) -> EventArray:
    parts = []
    try:
        while (batch := source.read()) is not None:
            parts.append(batch.events)
    except SourceError as error:
        check_message(str(error))
    return joined(parts)


@pytest.mark.parametrize("readable", [0, 5])
def test_a_disk_that_cannot_be_read_is_told(
    recording_file: Path, monkeypatch: pytest.MonkeyPatch, readable: int
) -> None:
    read, left = PacketFile.read, [readable]

    def read_some_packets(packets: PacketFile) -> EventArray | None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(5, "Input/output error")
        return read(packets)

    monkeypatch.setattr(PacketFile, "read", read_some_packets)
    if not readable:
        assert "cannot be read (Input/output error)" in error_of(lambda: opened(recording_file))
        return
    source = opened(recording_file)
    events, complaint = read_to_the_complaint(source)
    assert "cannot be read (Input/output error)" in complaint
    assert (events == joined(packets_of(moving_square())[:readable])).all()
    assert source.read() is None, "it is said once"
    source.close()


def test_events_outside_the_sensor_are_left_out_and_told_at_the_end(tmp_path: Path) -> None:
    packets = [made_events([1, 2]), made_events([3], x=SMALL.width), made_events([4], y=-1), made_events([5])]
    source = opened(write_packets(tmp_path / "outside.aedat4", {"events": packets}))
    events, complaint = read_to_the_complaint(source)
    assert events["timestamp"].tolist() == [1, 2, 5]
    assert source.outside == 2
    assert "2 of its events" in complaint
    assert source.read() is None
    source.close()


def test_what_is_no_recording_is_told(tmp_path: Path, recording_file: Path) -> None:
    assert "no file" in opening_error(tmp_path / "missing.aedat4")
    assert "a folder" in opening_error(tmp_path)
    empty, text, older = (tmp_path / name for name in ("empty.aedat4", "text.aedat4", "older.aedat4"))
    empty.write_bytes(b"")
    text.write_text("These are not events.\n" * 10, encoding="utf-8")
    older.write_bytes(b"#!AER-DAT2.0\r\n# This is a raw AE data file\r\n")
    assert "is empty" in opening_error(empty)
    assert ".aedat4" in opening_error(text)
    assert "AEDAT 2.0" in opening_error(older)
    renamed = tmp_path / "square.bin"
    shutil.copy(recording_file, renamed)
    assert "rename it to square.aedat4" in opening_error(renamed)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.aedat4"
    os.mkfifo(pipe)
    assert "not a file" in opening_error(pipe)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read_is_told(recording_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "private.aedat4"
    shutil.copy(recording_file, path)
    path.chmod(0)
    assert "may not be read" in opening_error(path)


@pytest.mark.parametrize("name", ["nul\0.aedat4", "x" * 300 + ".aedat4"])
def test_a_name_that_no_file_can_have_is_told(name: str) -> None:
    assert "cannot be read" in opening_error(Path(name))


@pytest.mark.parametrize("damage", ["length", "identifier", "table", "text", "cut"])
def test_a_damaged_header_is_told(recording_file: Path, tmp_path: Path, damage: str) -> None:
    raw = bytearray(recording_file.read_bytes())
    end = header_end(raw)
    match damage:
        case "length":
            raw[17] = 0x7F
        case "identifier":
            raw[22] ^= 0xFF
        case "table":
            raw[18:22] = b"\xff\xff\xff\x7f"
        case "text":
            raw[end - 40 : end - 10] = b"<" * 30
        case "cut":
            del raw[end // 2 :]
    path = tmp_path / "header.aedat4"
    path.write_bytes(raw)
    assert "header" in opening_error(path)


def test_a_recording_without_events_is_told(tmp_path: Path) -> None:
    assert "no events" in opening_error(write_recording(tmp_path / "none.aedat4", made_events([])))


def test_a_recording_without_an_event_stream_is_told(tmp_path: Path) -> None:
    config = dv.io.MonoCameraWriter.Config("DVXplorer_TEST0001")
    config.addImuStream()
    path = tmp_path / "motion.aedat4"
    writer = dv.io.MonoCameraWriter(str(path), config)
    del writer
    assert "no event stream" in opening_error(path)


def test_a_recording_without_a_resolution_is_told(recording_file: Path, tmp_path: Path) -> None:
    raw = recording_file.read_bytes()
    path = tmp_path / "size.aedat4"
    path.write_bytes(raw.replace(b'key="sizeX"', b'key="sizeQ"', 1))
    assert "how many pixels" in opening_error(path)


def test_an_impossible_resolution_is_damage(recording_file: Path, tmp_path: Path) -> None:
    raw = recording_file.read_bytes()
    path = tmp_path / "size.aedat4"
    path.write_bytes(raw.replace(b'key="sizeX" type="int">128<', b'key="sizeX" type="int">-28<', 1))
    assert "header" in opening_error(path)


def test_a_closed_source_says_so(recording_file: Path) -> None:
    source = opened(recording_file)
    read_until(source, lambda batch, count: True)
    source.close()
    check_message(error_of(source.read))
    check_message(error_of(lambda: source.seek(START_US)))
