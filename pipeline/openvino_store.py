"""Whether OpenVINO serves a model's image tower better on this machine: found out once, kept on disk.

OpenVINO and nncf are an extra (`pip install .[fast]`). Converting, quantising and comparing take a minute or more, so
a process of its own does that, at low priority: the stream never waits for it, and none of its memory stays. Importing
this module imports neither torch nor OpenVINO.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import logging
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.cache_folder import cache_folder
from pipeline.model_choice import CONFIG_FILE, ModelPlan
from pipeline.model_errors import Following, LoadingCancelled, ModelError, first_line
from pipeline.threads import usable_cores
from pipeline.weights import fingerprint_of

if TYPE_CHECKING:
    from pipeline.clip import ClipModel

logger = logging.getLogger(__name__)

BF16, INT8 = "openvino-bf16", "int8"
OPENVINO_PRECISIONS = (BF16, INT8)
TRIAL = 4
"""Number of the way in which candidates are made and judged: what another way has found out does not count."""
MOST_KEPT = 4
"""Outcomes kept on disk: one has up to 300 MB for a ViT-B."""
LOOK_S = 0.1
LONGEST_TRIAL_S = 86_400.0
_TRIAL = "trial-"
_PACKAGES = ("openvino", "nncf", "torch")
_OUTCOME = "outcome.json"
_CHILD = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from pipeline.openvino_trial import serve; serve(*json.loads(sys.argv[2]))"
)


@dataclass(frozen=True)
class Candidate:
    """One way to compute the image tower, tried.

    Attributes
    ----------
    ms : float
        Of one frame.
    cosine : float
        Least cosine between a frame's features and those in fp32, over the bundled recordings.
    same_answers : float
        Part of the windows of the bundled recordings whose best prompt is that of fp32.
    refused : str
        Why it is not used, a clause; empty where it agrees.
    """

    ms: float = 0.0
    cosine: float = 0.0
    same_answers: float = 0.0
    refused: str = ""


@dataclass(frozen=True)
class Outcome:
    """What was found out for one model on this machine.

    Attributes
    ----------
    chosen : str
        ``openvino-bf16`` or ``int8``, the fastest that agrees; empty where what there is serves as well.
    plain, plain_ms : str, float
        The best without it, and how long one frame takes, in ms.
    candidates : mapping
        By precision.
    failure : str
        Why nothing could be tried; empty where it was. In the background that is not tried again.
    """

    chosen: str = ""
    plain: str = "fp32"
    plain_ms: float = 0.0
    candidates: Mapping[str, Candidate] = field(default_factory=dict)
    failure: str = ""

    @classmethod
    def read(cls, folder: Path) -> Outcome | None:
        """Read what lies in a folder; None where there is none, or it makes no sense."""
        try:
            held: dict[str, Any] = json.loads((folder / _OUTCOME).read_text(encoding="utf-8"))
            held["candidates"] = {name: Candidate(**each) for name, each in held["candidates"].items()}
            outcome = cls(**held)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None
        return outcome if all(ir_file(folder, name).is_file() for name in outcome.usable) else None

    def write(self, folder: Path) -> None:
        """Keep this."""
        (folder / _OUTCOME).write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @property
    def usable(self) -> tuple[str, ...]:
        """Precisions whose network is kept."""
        return tuple(name for name, candidate in self.candidates.items() if not candidate.refused)

    def sentences(self, name: str) -> list[str]:
        """Say for the log what was found out of a model."""
        said = [f"{name}: one frame takes {self.plain_ms:.1f} ms in {self.plain}"]
        for precision, each in self.candidates.items():
            found = f"{name}: {precision} takes {each.ms:.1f} ms, cosine {each.cosine:.4f}, "
            found += f"the same answer for {each.same_answers:.2%} of the windows"
            said.append(f"{name}: {precision} is not used: {each.refused}" if each.refused else found)
        return [*said, f"{name}: {self.chosen or self.plain} is used"]


def ir_file(folder: Path, precision: str) -> Path:
    """Give where a candidate's network is kept; its weights lie beside it."""
    return folder / f"{precision}.xml"


def is_installed() -> bool:
    """Tell whether the extra is installed."""
    return all(importlib.util.find_spec(package) is not None for package in ("openvino", "nncf"))


def check_wanted(precision: str, device: str) -> None:
    """Find out before anything is loaded whether a precision of OpenVINO can be had at all.

    Raises
    ------
    ModelError
        The extra is not installed; another device.
    """
    if precision not in OPENVINO_PRECISIONS:
        return
    if device != "cpu":
        raise ModelError(f"{precision} is computed by the processor, not by {device}: choose --device cpu.")
    if not is_installed():
        raise ModelError(
            f"{precision} needs OpenVINO, which is not installed: "
            "install it with `uv sync --extra fast` or `pip install openvino nncf`, or choose --precision auto."
        )


def place_of(plan: ModelPlan) -> Path:
    """Give the folder of what is known of a model here: its weights, this processor, these versions."""
    assert plan.weights is not None
    key = {
        "trial": TRIAL,
        "weights": fingerprint_of(plan.weights),
        "architecture": (plan.folder / CONFIG_FILE).read_text("utf-8") if plan.folder else plan.architecture,
        "quick_gelu": plan.quick_gelu,
        "preprocessing": plan.preprocessing,
        "processor": _processor(),
        "cores": usable_cores(),
        "versions": [_version(package) for package in _PACKAGES],
    }
    digest = hashlib.sha256(json.dumps(key, sort_keys=True, default=str).encode()).hexdigest()
    return cache_folder() / "openvino" / digest[:24]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    """Name the processor with what it can do: virtual machines call many kinds the same."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    wanted = ("model name", "model", "stepping", "flags", "Features")
    # All cores' lines are alike, but for their numbers.
    return " ".join(sorted({line for line in lines if line.partition(":")[0].strip() in wanted}))


def may_gain(model: ClipModel) -> bool:
    """Tell whether OpenVINO may serve a model better than what computes it. The bundled one is fast as it is."""
    from pipeline.small_clip_sizes import small_clip_sizes

    return (
        model.device == "cpu"
        and model.has_weights_file
        and small_clip_sizes(model.plan) is None
        and model.precision not in OPENVINO_PRECISIONS
        and is_installed()
    )


def find_out(plan: ModelPlan, cancel: threading.Event, *, in_background: bool) -> Outcome:
    """Try OpenVINO with a model in a process of its own, and keep the outcome; what is known is not tried again.

    Parameters
    ----------
    plan : ModelPlan
    cancel : threading.Event
    in_background : bool
        Nobody waits for it: everything else that the machine does goes first.

    Raises
    ------
    ModelError
        It could not be tried.
    LoadingCancelled
        `cancel` was set; the process is ended.
    """
    place = place_of(plan)
    known = Outcome.read(place)
    if known is not None and (in_background or not known.failure):
        return known
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=_TRIAL, dir=place.parent, ignore_cleanup_errors=True) as made:
            outcome = _tried_in(Path(made) / "made", plan, cancel, in_background=in_background)
            shutil.rmtree(place, ignore_errors=True)
            (Path(made) / "made").rename(place)
    except OSError as error:
        raise ModelError(
            f"What OpenVINO needs cannot be kept in {place.parent} ({first_line(error)}): make room there, "
            "or choose --precision auto."
        ) from error
    _forget_old(place.parent)
    if outcome.failure:
        raise ModelError(outcome.failure)
    for sentence in outcome.sentences(plan.name):
        logger.info("%s", sentence)
    for precision, candidate in outcome.candidates.items():
        if candidate.refused:
            logger.warning("%s: %s is not used: %s", plan.name, precision, candidate.refused)
    return outcome


def _tried_in(made: Path, plan: ModelPlan, cancel: threading.Event, *, in_background: bool) -> Outcome:
    """Let a child process fill a folder with what it finds out, or with why it cannot."""
    try:
        _run_trial(plan, made, cancel, in_background=in_background)
        outcome = Outcome.read(made)
        failure = f"OpenVINO could not be tried with {plan.name}: choose --precision auto."
    except ModelError as error:
        outcome, failure = None, str(error)
    if outcome is None:
        outcome = Outcome(failure=failure)
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        outcome.write(made)
    return outcome


def _run_trial(plan: ModelPlan, made: Path, cancel: threading.Event, *, in_background: bool) -> None:
    """Let a child process fill a folder."""
    described = {**asdict(plan), "preprocessing": dict(plan.preprocessing)}
    arguments = json.dumps(described, default=str), str(made), in_background
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD, json.dumps(sys.path), json.dumps(arguments)],
            stdin=subprocess.PIPE,  # closed by the system when this process ends: the child ends then too
            stdout=subprocess.DEVNULL,
            stderr=said,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            start_new_session=os.name == "posix",  # Ctrl-C is this process's business, which then ends it
        )
        try:
            while child.poll() is None:
                if cancel.wait(LOOK_S):
                    raise LoadingCancelled
        finally:
            child.kill()
            child.wait()
            if child.stdin is not None:
                child.stdin.close()
        said.seek(0)
        lines = said.read().decode("utf-8", "replace").strip().splitlines()
    if child.returncode:
        reason = lines[-1].rstrip(". ") if lines else f"it ended with {child.returncode}"
        raise ModelError(f"OpenVINO could not be tried with {plan.name} ({reason}): choose --precision auto.")


def _forget_old(folder: Path) -> None:
    """Remove what was not used for longest, beyond the newest few, and trials that were broken off long ago."""
    used: dict[Path, float] = {}
    for place in folder.iterdir():
        with contextlib.suppress(OSError):  # another program's trial that is over
            used[place] = place.stat().st_mtime
    trials = {place for place in used if place.name.startswith(_TRIAL)}
    broken_off = {place for place in trials if time.time() - used[place] > LONGEST_TRIAL_S}
    for place in (*sorted(used.keys() - trials, key=lambda place: -used[place])[MOST_KEPT:], *broken_off):
        shutil.rmtree(place, ignore_errors=True)


def use_best(model: ClipModel, outcome: Outcome | None = None) -> bool:
    """Let OpenVINO compute a model's frames where it is known to serve better; False where it does not.

    What is kept and cannot be loaded is removed, and will be made again: the model goes on as it is.
    """
    place = place_of(model.plan)
    outcome = outcome or Outcome.read(place)
    if outcome is None or not outcome.chosen:
        return False
    try:
        _use(model, place, outcome.chosen)
    except (ModelError, OSError) as error:
        logger.warning("%s goes on in %s: %s", model.name, model.precision, first_line(error))
        shutil.rmtree(place, ignore_errors=True)
        return False
    return True


def use_wanted(model: ClipModel, precision: str, following: Following) -> None:
    """Let OpenVINO compute a model's frames as the user asked, having tried whether it agrees.

    Raises
    ------
    ModelError
        It does not, or cannot be had; one sentence.
    LoadingCancelled
    """
    if not model.has_weights_file:
        raise ModelError(f"{precision} is for trained weights: choose --precision auto.")
    following.say(f"Preparing {precision} with OpenVINO, once for these weights; this takes minutes")
    outcome = find_out(model.plan, following.cancel, in_background=False)
    candidate = outcome.candidates.get(precision)
    if candidate is None or candidate.refused:
        reason = candidate.refused if candidate is not None else "it was not tried"
        raise ModelError(f"{model.name} cannot be had in {precision} ({reason}): choose --precision auto.")
    _use(model, place_of(model.plan), precision)


def _use(model: ClipModel, place: Path, precision: str) -> None:
    from pipeline.openvino_tower import tower_from

    try:
        tower = tower_from(ir_file(place, precision))
    except RuntimeError as error:  # all that OpenVINO raises
        raise ModelError(
            f"OpenVINO cannot load {place} ({first_line(error)}): remove that folder, or choose --precision fp32."
        ) from error
    with contextlib.suppress(OSError):  # a cache that may only be read
        os.utime(place)
    model.use_image_tower(tower, precision)
