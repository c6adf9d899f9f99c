"""What the processor can do, told without torch."""

from pathlib import Path

import pytest

from pipeline.processor import CPU_INFO, may_have_bf16

X86 = "processor\t: 0\nmodel name\t: Some Processor\nflags\t\t: fpu sse2 avx2 {}\nbugs\t\t: bf16\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd {}\n"


@pytest.fixture
def on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Linux")


@pytest.mark.usefixtures("on_linux")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (X86.format("avx512f"), False),
        (X86.format("avx512f avx512_bf16"), True),
        (X86.format("amx_bf16"), True),
        (ARM.format("sve"), False),
        (ARM.format("bf16"), True),
        ("nothing that is known\n", True),
    ],
)
def test_linux_names_what_it_can_do(tmp_path: Path, text: str, expected: bool) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(text, encoding="utf-8")
    assert may_have_bf16(file) is expected


@pytest.mark.usefixtures("on_linux")
def test_where_nothing_is_told_it_may_have(tmp_path: Path) -> None:
    assert may_have_bf16(tmp_path / "none")


@pytest.mark.parametrize(
    ("found", "expected"), [(["X86_V3"], False), (["X86_V3", "X86_V4"], True), (["AVX512F"], True)]
)
def test_elsewhere_numpy_knows_the_family(monkeypatch: pytest.MonkeyPatch, found: list[str], expected: bool) -> None:
    monkeypatch.setattr("platform.system", lambda: "Windows")
    monkeypatch.setattr("platform.machine", lambda: "AMD64")
    monkeypatch.setattr("numpy.show_config", lambda mode: {"SIMD Extensions": {"found": found}})
    assert may_have_bf16() is expected


def test_numpy_tells_what_is_looked_for() -> None:
    import numpy as np

    assert isinstance(np.show_config(mode="dicts")["SIMD Extensions"]["found"], list)


@pytest.mark.skipif(not CPU_INFO.is_file(), reason="only Linux has such a file")
def test_where_torch_finds_bf16_it_is_not_denied() -> None:
    import torch

    has = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    assert may_have_bf16() or not has
