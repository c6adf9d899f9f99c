"""From what was downloaded to one .npz a sample, by spikingjelly's own conversion.

spikingjelly's constructors would do it too, but start downloads of many gigabytes unasked, delete files whose checksum
differs, and refuse to go on after an interruption. Here everything is looked at first, and only files that were made
from others are ever removed.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.datasets.errors import DatasetError
from experiments.datasets.layouts import Layout
from pipeline.model_errors import first_line

DOWNLOADED, EXTRACTED, CONVERTED = "download", "extract", "events_np"
PARTIAL_SUFFIX = ".building"
"""spikingjelly's own mark beside a folder that is not complete."""
_SHOWN = 3
_NOT_UNPACKED = (OSError, ValueError, RuntimeError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError)

Say = Callable[[str], None]


def prepare(layout: Layout, dataset_class: Any, root: Path, say: Say) -> None:
    """Make sure that ``root/events_np`` is there and complete.

    Parameters
    ----------
    layout : Layout
    dataset_class : type
        spikingjelly's class for the data set.
    root : Path
        Absolute: conversions make links to the extracted files.
    say : callable
        Told what takes long.

    Raises
    ------
    DatasetError
        What is expected is not there.
    """
    if not root.is_dir():
        raise DatasetError(f"There is no folder {root}: {_how_to_get(layout, root)}")
    converted = root / CONVERTED
    mark = converted.with_name(f"{CONVERTED}{PARTIAL_SUFFIX}")
    if converted.is_dir() and not mark.exists():
        return
    _check_extracted(layout, dataset_class, root, say)
    if converted.exists():
        say(f"{layout.title}: a conversion was interrupted; {converted} is made anew")
        shutil.rmtree(converted)
    say(f"{layout.title}: converting to one file a sample in {converted}; once, and it may take long")
    mark.touch()
    converted.mkdir()
    try:
        dataset_class.create_raw_from_extracted(root / EXTRACTED, converted)
    except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
        raise DatasetError(
            f"{layout.title} in {root / EXTRACTED} cannot be converted ({first_line(error)}): unpack there again what "
            f"{layout.page} offers, and nothing else."
        ) from error
    mark.unlink()


def _check_extracted(layout: Layout, dataset_class: Any, root: Path, say: Say) -> None:
    extracted = root / EXTRACTED
    if not extracted.is_dir():
        _extract(layout, dataset_class, root, say)
    missing = [name for name in layout.extracted if not (extracted / name).exists()]
    if missing:
        raise DatasetError(
            f"{layout.title} in {extracted} is not complete, {_listed(missing)} is missing: {_how_to_get(layout, root)}"
        )


def _extract(layout: Layout, dataset_class: Any, root: Path, say: Say) -> None:
    """Check what was downloaded, and unpack it."""
    downloaded = root / DOWNLOADED
    resources = [(name, md5) for name, _, md5 in dataset_class.resource_url_md5()]
    missing = [name for name, _ in resources if not (downloaded / name).is_file()]
    if len(missing) == len(resources):
        raise DatasetError(f"{layout.title} is not in {root}: {_how_to_get(layout, root)}")
    if missing:
        raise DatasetError(
            f"{layout.title} in {downloaded} is not complete, {_listed(missing)} is missing: get it from {layout.page}."
        )
    for name, md5 in resources:
        say(f"{layout.title}: checking {name}")
        with (downloaded / name).open("rb") as stream:
            found = hashlib.file_digest(stream, "md5").hexdigest()
        if found != md5:
            raise DatasetError(
                f"{downloaded / name} is damaged or of another version (its MD5 is {found} and not {md5}): get it "
                f"again from {layout.page}."
            )
    say(f"{layout.title}: unpacking into {root / EXTRACTED}")
    part = root / f"{EXTRACTED}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        dataset_class.extract_downloaded_files(downloaded, part)
        part.rename(root / EXTRACTED)
    except ModuleNotFoundError as error:
        raise DatasetError(
            f"Unpacking {layout.title} needs the Python package {error.name}: install it, or unpack {downloaded} "
            f"into {root / EXTRACTED} yourself."
        ) from error
    except _NOT_UNPACKED as error:
        raise DatasetError(
            f"{layout.title} cannot be unpacked ({first_line(error)}): make room, or get it again from {layout.page}."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _how_to_get(layout: Layout, root: Path) -> str:
    expected = _listed([str(Path(EXTRACTED) / name) for name in layout.extracted])
    return (
        f"get {layout.title} from {layout.page} and put the downloaded files into {root / DOWNLOADED}, or unpack them "
        f"so that {root} holds {expected}."
    )


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
