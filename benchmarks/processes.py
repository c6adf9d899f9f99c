"""Programs that are measured from outside."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pipeline.bundled import ROOT

PATIENCE_S = 600.0
"""Much longer than anything takes, also on a busy machine."""
MAIN = ROOT / "main.py"


def python(*arguments: str | Path) -> list[str]:
    """Give a command line of this very Python."""
    return [sys.executable, *map(str, arguments)]


def probe(module: str, *arguments: object, environment: dict[str, str] | None = None, seconds: float) -> Any:
    """Run a probe for so many seconds and give what it wrote.

    Raises
    ------
    RuntimeError
        It ended otherwise than it should.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "seen.json"
        command = python("-m", module, "--to", file, "--seconds", str(seconds), *map(str, arguments))
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_S + seconds
        )
        if done.returncode or not file.is_file():
            last = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
            raise RuntimeError(f"{module} ended with status {done.returncode}: {last}")
        return json.loads(file.read_text(encoding="utf-8"))
