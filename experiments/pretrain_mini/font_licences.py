"""Whose a font is and under which licence, read from what Debian puts into each package.

Most of those files follow https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/, with a paragraph for each
group of files; the older ones are prose, in which what is usual there is looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_FONT_FILES = (".ttf", ".otf", ".sfd", ".pfb")
_YEARS = re.compile(r"^(?:\(c\)|©|copyright\b|by\b|(?:19|20)\d\d|[\s,:–-])+", re.IGNORECASE)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_NOT_A_HOLDER = re.compile(r"is a trademark|^all rights reserved|public domain", re.IGNORECASE)
_ADDRESS = re.compile(r"\s*(?:<[^>]*>|\([^()]*(?:@|www\.|https?:|\.com)[^()]*\)|https?://\S+)")
_PROSE = (
    (re.compile(r"Open\s+Font\s+License,?\s+Version\s+(1\.\d)"), "OFL-{}"),
    (re.compile(r"GNU\s+GPL\s+(\d)\s+or\s+OFL\s+1\.1"), "GPL-{} or OFL-1.1"),
    (re.compile(r"GNU\s+General\s+Public\s+License\s+v\.(\d)\s+with\s+the\s+exceptions"), "GPL-{} with exceptions"),
)


class LicenceError(Exception):
    """A package does not say whose it is: says which, and what to do."""


@dataclass(frozen=True)
class FontLicence:
    """What a package says: its name without `fonts-`, licences as Debian calls them, and who holds the rights."""

    name: str
    licence: str
    holders: str


def licence_of(package: Path) -> FontLicence:
    """Read the licence of an unpacked font package.

    Raises
    ------
    LicenceError
        There is no such package, it has no copyright file, or that names no licence or nobody.
    """
    if not package.is_dir():
        raise LicenceError(f"The package {package.name} is not in {package.parent}: fetch it again.")
    files = sorted(package.glob("usr/share/doc/*/copyright"))
    if not files:
        raise LicenceError(f"{package} has no copyright file: remove the folder and fetch the package again.")
    text = files[0].read_text(encoding="utf-8", errors="replace")
    is_format = any(line.startswith("Format") for line in text.splitlines()[:3])
    licences, holders = _listed(text) if is_format else _told(text)
    if not licences or not holders:
        raise LicenceError(f"{files[0]} names no licence or nobody: look into it and write the row by hand.")
    return FontLicence(package.name.removeprefix("fonts-"), ", ".join(licences), "; ".join(holders))


def _listed(text: str) -> tuple[list[str], list[str]]:
    """Licences and holders of the fonts themselves, not of what Debian added or what builds them."""
    about = [fields for fields in map(_fields, re.split(r"\n\s*\n", text)) if "files" in fields]
    patterns = [fields["files"].split() for fields in about]
    fonts = [f for f, names in zip(about, patterns, strict=True) if any(map(_is_font, names))]
    if not fonts:
        fonts = [f for f, names in zip(about, patterns, strict=True) if not all(map(_is_debians, names))]
    licences = dict.fromkeys(fields["license"].strip().splitlines()[0].strip() for fields in fonts)
    return list(licences), _holders(line for fields in fonts for line in fields["copyright"].splitlines())


def _fields(paragraph: str) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in paragraph.splitlines():
        if (begun := re.match(r"([A-Za-z-]+):(.*)", line)) is not None:
            name = begun[1].lower()
            found[name] = begun[2]
        elif name:
            found[name] += "\n" + line
    return found


def _is_font(pattern: str) -> bool:
    return pattern == "*" or pattern.endswith(_FONT_FILES)


def _is_debians(pattern: str) -> bool:
    return pattern.startswith("debian/")


def _told(text: str) -> tuple[list[str], list[str]]:
    """Licences and holders in prose: the first lines that begin with "Copyright", and the usual sentences."""
    licences = dict.fromkeys(name.format(found[1]) for sign, name in _PROSE for found in sign.finditer(text))
    if not licences and (said := re.search(r"License:\s+(.+?\.)\s", text, re.DOTALL)) is not None:
        licences = {" ".join(said[1].split()): None}
    begun = re.search(r"Copyright:?\s*(?:\(c\)|©)", text, re.IGNORECASE)
    paragraph = re.split(r"\n\s*\n", text[begun.start() :])[0] if begun is not None else ""
    return list(licences), _holders(paragraph.splitlines())


def _holders(lines: Iterable[str]) -> list[str]:
    """Each once, with the years of its first line."""
    found: dict[str, str] = {}
    for line in _plain(lines):
        found.setdefault(_YEARS.sub("", line), line)
    named = [line for name, line in found.items() if name and not _NOT_A_HOLDER.search(name)]
    dated = [line for line in named if _YEAR.search(line)]
    return dated or named  # where some have years, the rest is prose


def _plain(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        plain = re.sub(r",?\s*with Reserved Font Names?.*", "", _ADDRESS.sub("", line), flags=re.IGNORECASE)
        plain = re.sub(r"\bAll rights reserved\.?", "", plain, flags=re.IGNORECASE)
        plain = re.sub(r"^.*?(?:Copyright:?\s*)?(?:\((?:c|C)\)|©)\s*(?:by\s+)?", "", plain.strip())
        plain = re.sub(r"\s+", " ", re.sub(r"^Copyright\s+", "", plain)).strip(" ,")
        yield re.sub(r"(?<=\w{4})\.$|^\.$", "", plain)  # a sentence's, not that of "Inc."
