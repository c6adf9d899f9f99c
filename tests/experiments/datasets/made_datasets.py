"""Small data sets in their original formats and layouts, written by hand: classes are bars at different angles."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from experiments.datasets.dataset import event_array
from pipeline.events import EventArray

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def made_events(label: int, seed: int, side: int, count: int = 600, *, classes: int = 10) -> EventArray:
    """Events of a bar that moves across its own direction; ON on one side of it, OFF on the other."""
    random = np.random.default_rng([label, seed])
    angle = np.pi * label / classes
    along = random.uniform(-0.42, 0.42, count)
    times = np.sort(random.integers(0, 100_000, count))
    polarity = random.integers(0, 2, count)
    across = 0.2 * np.sin(2 * np.pi * times / 100_000) + np.where(polarity, 0.04, -0.04)
    x = (0.5 + along * np.cos(angle) - across * np.sin(angle)) * (side - 1)
    y = (0.5 + along * np.sin(angle) + across * np.cos(angle)) * (side - 1)
    return event_array(times, np.rint(x.clip(0, side - 1)), np.rint(y.clip(0, side - 1)), polarity)


# --- N-MNIST and N-Caltech101: five bytes an event ---


def write_atis(path: Path, events: EventArray) -> None:
    """8 bits x, 8 bits y, 1 bit polarity, 23 bits time in µs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = np.empty((len(events), 5), np.uint8)
    times = events["timestamp"].astype(np.int64)
    rows[:, 0], rows[:, 1] = events["x"], events["y"]
    rows[:, 2] = (events["polarity"].astype(int) << 7) | (times >> 16)
    rows[:, 3], rows[:, 4] = (times >> 8) & 0xFF, times & 0xFF
    path.write_bytes(rows.tobytes())


def write_n_mnist(root: Path, *, train: int = 3, test: int = 2) -> Path:
    """``extract/Train/0/00001.bin`` and so on."""
    number = 0
    for part, count, first in (("Train", train, 0), ("Test", test, 1000)):
        for label in range(10):
            for seed in range(count):
                number += 1
                path = root / "extract" / part / str(label) / f"{number:05}.bin"
                write_atis(path, made_events(label, first + seed, 34))
    return root


def write_n_caltech101(root: Path, *, each: int = 10) -> Path:
    """Three of the 102 folders, 240 x 180 px."""
    for label, name in enumerate(("BACKGROUND_Google", "Faces_easy", "airplanes")):
        for seed in range(each):
            path = root / "extract" / "Caltech101" / name / f"image_{seed + 1:04}.bin"
            write_atis(path, made_events(label, seed, 180, classes=3))
    return root


# --- CIFAR10-DVS: jAER's AEDAT 2.0 ---


def write_aedat2(path: Path, events: EventArray) -> None:
    """Big-endian pairs of address and time; the sensor counts x and y from the other side, and ON is bit 0 = 0."""
    path.parent.mkdir(parents=True, exist_ok=True)
    address = (
        ((127 - events["x"].astype(np.uint32)) << 8)
        | ((127 - events["y"].astype(np.uint32)) << 1)
        | (1 - events["polarity"].astype(np.uint32))
    )
    pairs = np.empty((len(events), 2), ">u4")
    pairs[:, 0], pairs[:, 1] = address, events["timestamp"]
    header = b"#!AER-DAT2.0\r\n# This is a raw AE data file - do not edit\r\n# Timestamps tick is 1 us\r\n"
    path.write_bytes(header + pairs.tobytes())


def write_cifar10_dvs(root: Path, *, each: int = 20) -> Path:
    for label, name in enumerate(CIFAR10):
        for seed in range(each):
            write_aedat2(root / "extract" / name / f"cifar10_{name}_{seed}.aedat", made_events(label, seed, 128))
    return root


# --- ES-ImageNet: rows of (row, column, timestep) for each polarity ---


def write_es_npz(path: Path, events: EventArray) -> None:
    """Eight times, 1 to 8; uint8; the events of one time and polarity by row and column."""
    path.parent.mkdir(parents=True, exist_ok=True)
    steps = 1 + events["timestamp"] * 8 // 100_000
    rows = np.unique(np.stack([events["polarity"], steps, events["y"], events["x"]], axis=1), axis=0)
    pos, neg = (rows[rows[:, 0] == polarity][:, [2, 3, 1]].astype(np.uint8) for polarity in (1, 0))
    np.savez_compressed(path, pos=pos, neg=neg)


def write_es_imagenet(root: Path, labels: Iterable[int] = range(1000), *, train: int = 1) -> Path:
    """``train/class0/class0_1.npz``; the test samples lie together, with a list of their classes."""
    base = root / "extract" / "ES-imagenet-0.18"
    lines = []
    for number, label in enumerate(labels):
        for seed in range(train):
            path = base / "train" / f"class{label}" / f"class{label}_{seed + 1}.npz"
            write_es_npz(path, made_events(label, seed, 256, 80, classes=1000))
        name = f"ILSVRC2012_val_{number + 1:08}.npz"
        write_es_npz(base / "val" / name, made_events(label, 900, 256, 80, classes=1000))
        lines.append(f"{name} {label} 254 190")
    (base / "vallabel.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


# --- DVS128 Gesture: AEDAT 3.1 and a list of times a recording ---


def write_aedat3(path: Path, events: EventArray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = bytearray(b"#!AER-DAT3.1\r\n#Format: RAW\r\n#!END-HEADER\r\n")
    for start in range(0, len(events), 4096):
        packet = events[start : start + 4096]
        content += struct.pack("<HHIIIIII", 1, 1, 8, 4, 0, len(packet), len(packet), len(packet))
        rows = np.empty((len(packet), 2), "<u4")
        rows[:, 0] = (
            (packet["x"].astype(np.uint32) << 17) | (packet["y"].astype(np.uint32) << 2)
            | (packet["polarity"].astype(np.uint32) << 1) | 1
        )  # fmt: skip
        rows[:, 1] = packet["timestamp"]
        content += rows.tobytes()
    path.write_bytes(content)


def write_dvs128_gesture(root: Path) -> Path:
    """One recording for training and one for the test, each with all eleven gestures one after another."""
    base = root / "extract" / "DvsGesture"
    for part, name, seed in (("train", "user01_fluorescent", 0), ("test", "user24_fluorescent", 1)):
        gestures, lines = [], ["class,startTime_usec,endTime_usec"]
        for label in range(11):
            events = made_events(label, seed, 128, 300, classes=11)
            events["timestamp"] += 1_000 + label * 200_000
            gestures.append(events)
            lines.append(f"{label + 1},{1_000 + label * 200_000},{150_000 + label * 200_000}")
        write_aedat3(base / f"{name}.aedat", np.concatenate(gestures))
        (base / f"{name}_labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (base / f"trials_to_{part}.txt").write_text(f"{name}.aedat\n", encoding="utf-8")
    return root


def zip_folder(folder: Path, archive: Path) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(folder.rglob("*.bin")):
            packed.write(path, path.relative_to(folder.parent))
