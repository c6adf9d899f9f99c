"""What the processor can do, found out without torch."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np

CPU_INFO = Path("/proc/cpuinfo")
_FLAGS = ("flags", "Features")
_WITH_BF16 = {"avx512_bf16", "amx_bf16", "bf16"}
"""As Linux names what multiplies in bf16, on x86-64 and on aarch64."""


def may_have_bf16(file: Path = CPU_INFO) -> bool:
    """Tell whether matrices may be multiplied in bf16 here; False only where they cannot."""
    if platform.system() == "Linux":
        try:
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return True
        flags = [line.partition(":")[2].split() for line in lines if line.partition(":")[0].strip() in _FLAGS]
        return not flags or any(_WITH_BF16 & set(each) for each in flags)
    if platform.machine().lower() not in ("amd64", "x86_64"):
        return True
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return any(name.startswith(("AVX512", "X86_V4")) for name in found)
