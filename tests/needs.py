"""Skips for what a machine cannot run, each with its reason; where everything is installed such a skip is a failure."""

import os
import shutil

import pytest

ALL_PACKAGES = "NEUROCLIP_ALL_PACKAGES"
"""Set where every system package was installed: nothing may then be skipped for want of one."""


def skip_for_package(package: str) -> None:
    """Skip the running test because this system package is not installed, or fail where it must be."""
    if os.environ.get(ALL_PACKAGES):
        pytest.fail(f"the system package {package} is missing though all should be installed")
    pytest.skip(f"needs the system package {package}")


def need_program(program: str, package: str) -> str:
    """Give the program's path, or skip."""
    path = shutil.which(program)
    if path is None:
        skip_for_package(package)
    assert path is not None
    return path
