"""Everything between a source of events and a prediction.

What stands in `__all__` is the stable interface for notebooks and other programs: usable without a window and
without the capture process. It is loaded at first use, so that the capture process and the window start without torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from pipeline.events import EVENT_DTYPE, Recording, Resolution
from pipeline.version import __version__

if TYPE_CHECKING:
    from pipeline.clip import ClipModel, ModelError, load_model, mean_cosine
    from pipeline.event_framing import event_frames
    from pipeline.few_shot.adapter import InterTimestepAdapter, adapter_logits
    from pipeline.reading import read_recording
    from pipeline.sources.base import SourceError

_WHERE = {
    "ClipModel": "pipeline.clip",
    "InterTimestepAdapter": "pipeline.few_shot.adapter",
    "ModelError": "pipeline.clip",
    "SourceError": "pipeline.sources.base",
    "adapter_logits": "pipeline.few_shot.adapter",
    "event_frames": "pipeline.event_framing",
    "load_model": "pipeline.clip",
    "mean_cosine": "pipeline.clip",
    "read_recording": "pipeline.reading",
}

__all__ = [
    "EVENT_DTYPE",
    "ClipModel",
    "InterTimestepAdapter",
    "ModelError",
    "Recording",
    "Resolution",
    "SourceError",
    "__version__",
    "adapter_logits",
    "event_frames",
    "load_model",
    "mean_cosine",
    "read_recording",
]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return __all__
