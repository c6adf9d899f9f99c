"""Rules of the layout: who may import whom, and what stays light."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
QT = {"PyQt6", "pyqtgraph", "superqt", "qtawesome", "qtpy"}
HEAVY = {"torch", "torchvision", "open_clip", "timm", "spikingjelly"}
LIGHT = (
    "sources", "capture", "simulation", "events.py", "framer.py", "event_framing.py", "picture.py", "recorder.py",
    "aedat4_writer.py", "writing_behind.py", "reading.py", "feed.py", "prediction.py", "prompts.py", "options.py",
    "bundled.py",
)  # fmt: skip


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def imports(path: Path) -> Iterator[str]:
    """Yield every module that a file imports, at its top or inside a function, `TYPE_CHECKING` blocks aside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for block in [node for node in ast.walk(tree) if isinstance(node, ast.If)]:
        if isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING":
            block.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def packages(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


@pytest.mark.parametrize("path", modules("pipeline", "experiments", "benchmarks"), ids=lambda path: str(path.name))
def test_only_the_app_imports_qt(path: Path) -> None:
    assert not packages(path) & QT


@pytest.mark.parametrize("path", modules("pipeline"), ids=lambda path: str(path.name))
def test_the_pipeline_imports_neither_app_nor_main(path: Path) -> None:
    assert not packages(path) & {"app", "main"}


@pytest.mark.parametrize("path", modules("app"), ids=lambda path: str(path.name))
def test_the_app_does_not_import_main(path: Path) -> None:
    assert "main" not in packages(path)


@pytest.mark.parametrize("path", modules("app/panels"), ids=lambda path: str(path.name))
def test_panels_know_no_pipeline_object(path: Path) -> None:
    assert "pipeline" not in packages(path)


def light_modules() -> list[Path]:
    found = [ROOT / "pipeline" / name for name in LIGHT]
    return [module for path in found for module in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]


@pytest.mark.parametrize("path", light_modules(), ids=lambda path: str(path.name))
def test_capture_code_imports_neither_torch_nor_qt(path: Path) -> None:
    assert not packages(path) & (HEAVY | QT)


def loaded_with(module: str, *looked_for: str) -> list[str]:
    code = f"import sys, {module}; print(*[name for name in {looked_for} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize("module", ["main", "pipeline", "pipeline.capture.child", "pipeline.worker", "app.controller"])
def test_what_comes_first_is_loaded_without_torch(module: str) -> None:
    """The window and the capture process start before torch, which takes seconds to import."""
    assert loaded_with(module, "torch", "open_clip", "timm") == []


@pytest.mark.parametrize("module", ["main", "pipeline", "pipeline.worker", "app.controller"])
def test_what_only_the_capture_process_needs_is_not_loaded_by_the_window(module: str) -> None:
    """numba alone takes 80 MB and half a second."""
    assert loaded_with(module, "numba", "dv_processing", "av") == []


def test_the_capture_process_is_loaded_without_qt() -> None:
    code = (
        "import sys, main, pipeline.capture.child; print(*[name for name in sys.modules if name.startswith('PyQt6')])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert loaded.split() == []
