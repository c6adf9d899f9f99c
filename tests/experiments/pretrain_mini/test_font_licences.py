"""Whose a font is, read from the two kinds of files that Debian's packages have."""

from pathlib import Path

import pytest

from experiments.pretrain_mini.font_licences import FontLicence, LicenceError, licence_of

LISTED = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Example

Files: *
Copyright: © 2009-2013 Ann Drawer <ann@example.org>
           2012 Huge Foundry, Inc. All Rights Reserved.
License: OFL-1.1 or LGPL-2.1

Files: extra/symbols.ttf
Copyright: 2015, Ann Drawer
License: CC0-1.0

Files: scripts/*
Copyright: 2001 Some Programmer
License: BSD-3-clause

Files: debian/*
Copyright: 2020 A. Packager <packager@example.org>
License: GPL-2+
 This package is free software.
"""
TOLD = """This package was debianized by A. Packager <packager@example.org> on Mon, 1 Jan 2007.

Upstream Author: Bob Drawer

This Font Software is Copyright (c) 2006, Bob Drawer (www.example.org | bob@example.org),
with Reserved Font Name "Bob". All Rights Reserved.

This Font Software is licensed under the SIL Open Font License, Version 1.0.

The packaging is Copyright (c) 2007, A. Packager.
"""
FREE = """Copyright:

    Copyright (C) 2007-2015 Bob Drawer

License:

    Fonts are free for any use; they may be
    edited and given away.
"""
MIXED = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: This design is like that of another company, whose notice was:
 (c) 1989-1992, Other Company Inc.
 SIL is the owner of all rights.
 1997-2022, SIL
License: OFL-1.1
"""


def package(folder: Path, said: str) -> Path:
    place = folder / "fonts-example" / "usr/share/doc/fonts-example"
    place.mkdir(parents=True)
    (place / "copyright").write_text(said, encoding="utf-8")
    return folder / "fonts-example"


@pytest.mark.parametrize(
    ("said", "licence", "holders"),
    [
        (LISTED, "OFL-1.1 or LGPL-2.1, CC0-1.0", "2009-2013 Ann Drawer; 2012 Huge Foundry, Inc."),
        (TOLD, "OFL-1.0", "2006, Bob Drawer"),
        (FREE, "Fonts are free for any use; they may be edited and given away.", "2007-2015 Bob Drawer"),
        (MIXED, "OFL-1.1", "1989-1992, Other Company Inc.; 1997-2022, SIL"),
    ],
)
def test_it_tells_who_holds_the_rights_of_the_font_itself(
    tmp_path: Path, said: str, licence: str, holders: str
) -> None:
    assert licence_of(package(tmp_path, said)) == FontLicence("example", licence, holders)


def test_a_package_that_does_not_say_whose_it_is_costs_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LicenceError, match=r"fonts-example is not in .*: fetch it again\.$"):
        licence_of(tmp_path / "fonts-example")
    silent = package(tmp_path, "Nothing is said here.\n")
    with pytest.raises(LicenceError, match="names no licence or nobody"):
        licence_of(silent)
    (silent / "usr/share/doc/fonts-example/copyright").unlink()
    with pytest.raises(LicenceError, match="has no copyright file"):
        licence_of(silent)
