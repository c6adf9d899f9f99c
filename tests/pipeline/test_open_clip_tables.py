"""What open_clip knows, with and without its import."""

import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import open_clip
import pytest

from pipeline import open_clip_tables
from pipeline.cache_folder import VARIABLE
from pipeline.open_clip_tables import architecture_config, architecture_names, published_weights

ALL = "from pipeline.open_clip_tables import *; import sys, json\n"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache, also for what is remembered in this process."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    open_clip_tables._published.cache_clear()
    yield tmp_path
    open_clip_tables._published.cache_clear()


def alone(code: str) -> str:
    """Run this in a process that has not imported open_clip; gives what it prints."""
    code = f"{ALL}{code}\nassert 'torch' not in sys.modules"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_architectures_are_open_clips() -> None:
    names, config = json.loads(alone("print(json.dumps([architecture_names(), architecture_config('ViT-B-32')]))"))
    assert set(names) <= set(open_clip.list_models()) == set(architecture_names())
    assert config == open_clip.get_model_config("ViT-B-32") == architecture_config("ViT-B-32")


def test_published_weights_are_open_clips(cache: Path) -> None:
    tags = published_weights("ViT-B-16")
    assert sorted(tags) == sorted(open_clip.list_pretrained_tags_by_model("ViT-B-16"))
    assert dict(tags["openai"]) == open_clip.get_pretrained_cfg("ViT-B-16", "openai")
    assert published_weights("no such model") == {}


def test_they_are_kept_so_that_the_next_start_needs_no_import(cache: Path) -> None:
    asked = json.loads(json.dumps({name: published_weights(name) for name in ("ViT-B-32", "RN50")}))
    assert json.loads(alone("print(json.dumps({n: published_weights(n) for n in ('ViT-B-32', 'RN50')}))")) == asked


@pytest.mark.parametrize("held", ["", "{", "[]", '{"ViT-B-32": 3}'])
def test_what_is_damaged_is_written_anew(cache: Path, held: str) -> None:
    file = cache / f"open_clip-{importlib.metadata.version('open_clip_torch')}.json"
    file.write_text(held, encoding="utf-8")
    assert "openai" in published_weights("ViT-B-32")
    assert "openai" in json.loads(file.read_text(encoding="utf-8"))["ViT-B-32"]


def test_a_cache_that_cannot_be_written_is_done_without(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cache / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(cache / "file"))
    assert "openai" in published_weights("ViT-B-32")
