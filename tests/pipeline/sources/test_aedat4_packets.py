"""Packets of .aedat4 files: the events that dv-processing reads, whatever is beside them, and never a full memory."""

import struct
import tracemalloc
from pathlib import Path

import cramjam
import dv_processing as dv
import numpy as np
import pytest

from pipeline.bundled import BUNDLED_RECORDINGS
from pipeline.events import EventArray, joined
from pipeline.sources.aedat4 import Compression, read_file_header
from pipeline.sources.aedat4_contents import EVENTS, Bytes, DamageError, Unpacker, events_of
from pipeline.sources.aedat4_packets import HEAD, CutOffError, NoPacketError, PacketFile
from pipeline.sources.aedat4_table import read_table, rows_of
from pipeline.sources.base import SourceError
from tests.pipeline.sources.damage import header_end, never_closed, table_start, with_table_at
from tests.pipeline.sources.made_recordings import SMALL, made_events, moving_square, packets_of, write_packets

COMPRESSIONS = list(dv.CompressionType.__members__.values())
ENOUGH_BYTES = 40_000_000


def content(events: EventArray, *, gap: int = 0, said: int | None = None, kind: bytes = EVENTS) -> Bytes:
    """A packet's FlatBuffer: root table, its layout before it, and `gap` bytes more before the events."""
    vector = 24 + gap
    body = struct.pack("<I4sHHHHi", 16, kind, 6, 8, 4, 0, 8) + struct.pack("<I", vector - 20) + bytes(gap)
    body += struct.pack("<I", len(events) if said is None else said) + events.tobytes()
    return np.frombuffer(struct.pack("<I", len(body)) + body, np.uint8)


def packed(kind: Compression, raw: Bytes) -> Bytes:
    compress = {Compression.LZ4: cramjam.lz4.compress, Compression.ZSTD: cramjam.zstd.compress}[kind]
    return np.frombuffer(bytes(compress(raw.tobytes())), np.uint8)


def all_of(packets: PacketFile) -> EventArray:
    parts = []
    while (events := packets.read()) is not None:
        parts.append(events.copy())
    return joined(parts)


def opened(path: Path, stream: int = 0) -> PacketFile:
    header = read_file_header(path)
    return PacketFile(path, header, header.streams[stream].number)


def read_by_dv(path: Path, stream: str) -> EventArray:
    reader, parts = dv.io.MonoCameraRecording(str(path)), []
    while (store := reader.getNextEventBatch(stream)) is not None:
        parts.append(store.numpy())
    return joined(parts)


@pytest.mark.parametrize("path", sorted(BUNDLED_RECORDINGS.glob("*.aedat4")), ids=lambda path: path.stem)
def test_bundled_recordings_hold_what_dv_processing_reads_in_them(path: Path) -> None:
    packets = opened(path)
    assert (all_of(packets) == read_by_dv(path, "events")).all()
    packets.close()


@pytest.mark.parametrize("compression", COMPRESSIONS, ids=lambda compression: compression.name)
def test_streams_are_told_apart_whatever_is_beside_them(tmp_path: Path, compression: dv.CompressionType) -> None:
    first, second = moving_square(300_000), made_events(range(500, 30_000, 500), x=60)
    path = write_packets(
        tmp_path / "several.aedat4",
        {"events": packets_of(first), "filtered": packets_of(second)},
        compression=compression,
        triggers=range(0, 100_000, 1000),
    )
    header = read_file_header(path)
    assert len(header.numbers) == 3
    for stream, (name, events) in enumerate({"events": first, "filtered": second}.items()):
        packets = opened(path, stream)
        found = all_of(packets)
        assert (found == events).all()
        assert (found == read_by_dv(path, name)).all()
        rows = read_table(path, header, header.streams[stream].number)
        assert rows is not None
        assert rows["place"].tolist() == packets.places()
        for row, packet in zip(rows, packets_of(events), strict=True):
            assert (packets.read_at(int(row["place"])) == packet).all()
            assert row[["count", "first_us", "last_us"]].tolist() == (
                len(packet), packet[0]["timestamp"], packet[-1]["timestamp"]
            )  # fmt: skip
        packets.close()


@pytest.mark.parametrize("kind", [Compression.NONE, Compression.LZ4, Compression.ZSTD])
@pytest.mark.parametrize("gap", [0, 4, 8])
def test_events_lie_where_they_were_unpacked_however_they_are_laid_out(kind: Compression, gap: int) -> None:
    events = moving_square(20_000)
    raw = content(events, gap=gap)
    unpacker = Unpacker(kind)
    for _ in range(2):
        found = events_of(unpacker.unpack(raw if kind == Compression.NONE else packed(kind, raw), EVENTS))
        assert (found == events).all()
        assert found.flags.aligned
        assert found.ctypes.data % 8 == 0


def test_events_that_are_kept_are_not_written_over() -> None:
    unpacker, kept = Unpacker(Compression.LZ4), []
    sizes = [10, 10_000, 500, 10_000, 3, 30_000, 30_000, 30_000, 30_000, 10]
    for number, size in enumerate(sizes):
        events = made_events(range(size), x=number)
        kept.append((events, events_of(unpacker.unpack(packed(Compression.LZ4, content(events)), EVENTS))[size // 3 :]))
    for (events, part), size in zip(kept, sizes, strict=True):
        assert (part == events[size // 3 :]).all()


def test_a_packet_without_events_is_none() -> None:
    assert len(events_of(content(made_events([])))) == 0


@pytest.mark.parametrize(
    "raw",
    [
        content(made_events(range(3)), said=4),
        content(made_events(range(3)), said=0xFFFF_FFFF),
        content(made_events(range(3)))[:30],
        content(made_events(range(3)))[:10],
        content(made_events(range(3)), kind=b"IMUS"),
        np.zeros(100, np.uint8),
        np.full(100, 0xFF, np.uint8),
    ],
    ids=["one too many", "far too many", "cut off", "a beginning", "something else", "zeros", "ones"],
)
@pytest.mark.parametrize("kind", [Compression.NONE, Compression.LZ4, Compression.ZSTD])
def test_contents_that_do_not_fit_are_damage(kind: Compression, raw: Bytes) -> None:
    with pytest.raises(DamageError):
        events_of(Unpacker(kind).unpack(raw if kind == Compression.NONE else packed(kind, raw), EVENTS))


@pytest.mark.parametrize("kind", [Compression.LZ4, Compression.ZSTD])
@pytest.mark.parametrize("honest", [False, True], ids=["of zeros", "that says so"])
def test_a_small_packet_cannot_fill_the_memory(kind: Compression, honest: bool) -> None:
    size = 300_000_000
    raw = np.zeros(size, np.uint8)
    if honest:
        raw[:12] = np.frombuffer(struct.pack("<II4s", size - 4, 16, EVENTS), np.uint8)
    bomb = packed(kind, raw)[:100_000]
    del raw
    tracemalloc.start()
    with pytest.raises(DamageError):
        Unpacker(kind).unpack(bomb, EVENTS)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < ENOUGH_BYTES


@pytest.mark.parametrize("size", [-1, 0, 7, 0x7FFF_FFFF])
@pytest.mark.parametrize("number", [0, 77, -1])
def test_a_head_that_cannot_be_is_damage(recording_file: Path, tmp_path: Path, number: int, size: int) -> None:
    raw = bytearray(recording_file.read_bytes())
    place = header_end(raw)
    place += HEAD.size + HEAD.unpack_from(raw, place)[1]
    HEAD.pack_into(raw, place, number, size)
    path = tmp_path / "head.aedat4"
    path.write_bytes(raw)
    packets = opened(path)
    assert packets.read() is not None
    with pytest.raises(DamageError):
        packets.read()
    assert packets.places() == [header_end(raw)]
    with pytest.raises(NoPacketError):
        packets.read_at(place)
    packets.close()


def test_where_a_file_ends_too_early_tells_whether_it_was_closed(recording_file: Path, tmp_path: Path) -> None:
    raw = recording_file.read_bytes()
    middle = (header_end(raw) + table_start(raw)) // 2
    cut, still_open = tmp_path / "cut.aedat4", tmp_path / "open.aedat4"
    cut.write_bytes(raw[:middle])
    still_open.write_bytes(never_closed(raw)[:middle])
    packets = opened(cut)
    with pytest.raises(CutOffError):
        all_of(packets)
    packets.close()
    packets = opened(still_open)
    assert 10_000 < len(all_of(packets)) < len(moving_square())
    packets.close()


def test_a_table_that_is_no_table_is_none(recording_file: Path, tmp_path: Path) -> None:
    raw = bytearray(recording_file.read_bytes())
    raw[table_start(raw) + 20 :] = bytes(len(raw) - table_start(raw) - 20)
    path = tmp_path / "table.aedat4"
    path.write_bytes(raw)
    header = read_file_header(path)
    assert not header.table_missing, "it begins like one"
    assert read_table(path, header, 0) is None


@pytest.mark.parametrize("place", [2**45, 2**63 - 1])
def test_a_table_that_would_lie_far_outside_is_missing(recording_file: Path, tmp_path: Path, place: int) -> None:
    """Further away than the system can seek."""
    path = tmp_path / "far.aedat4"
    path.write_bytes(with_table_at(recording_file.read_bytes(), place))
    assert read_file_header(path).table_missing


def test_a_file_whose_writer_ended_before_it_said_where_the_table_is_is_whole(
    recording_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "unsaid.aedat4"
    path.write_bytes(with_table_at(recording_file.read_bytes(), -1))
    packets = opened(path)
    assert (all_of(packets) == moving_square()).all()
    packets.close()


@pytest.mark.parametrize("at", range(0, 60, 4))
def test_rows_that_lie_outside_are_damage_or_other_rows(at: int) -> None:
    """Whatever number is wrong in a table, nothing outside it is read."""
    rows = struct.pack("<I4sHHHHi", 16, b"FTAB", 6, 8, 4, 0, 8) + struct.pack("<II", 4, 1) + struct.pack("<I", 20)
    rows += struct.pack("<7H2x", 14, 44, 4, 12, 20, 28, 36) + struct.pack("<iqiiqqq", 16, 100, 0, 50, 3, 10, 20)
    raw = np.frombuffer(struct.pack("<I", len(rows)) + rows, np.uint8).copy()
    assert rows_of(raw).tolist() == [(100, 0, 3, 10, 20)]
    raw[4 + at : 8 + at] = 0xF0
    try:
        assert len(rows_of(raw)) <= len(raw)
    except DamageError:
        return


def test_an_unknown_compression_is_a_damaged_header(recording_file: Path, tmp_path: Path) -> None:
    raw = bytearray(recording_file.read_bytes())
    at = raw.index(struct.pack("<iI", Compression.LZ4, 16), 0, header_end(raw))
    raw[at] = 9
    path = tmp_path / "compression.aedat4"
    path.write_bytes(raw)
    with pytest.raises(SourceError, match="header"):
        read_file_header(path)


def test_the_resolution_is_of_the_stream(tmp_path: Path) -> None:
    path = write_packets(tmp_path / "one.aedat4", {"events": packets_of(moving_square(20_000))})
    [stream] = read_file_header(path).streams
    assert (stream.number, stream.resolution) == (0, SMALL)
