"""Zero-shot and few-shot figures on the paper's data sets, on others, and on your own recordings.

    uv run python -m experiments.evaluate --dataset n-mnist --root DIR --model ViT-B-16 --pretrained openai \
        --shots 1 2 4 8 16 --method adapter tip --seeds 5

Features are made once and kept on disk; a run that was interrupted goes on where it was. With several GPUs, or
machines that share the --cache: ``uv run torchrun --nproc-per-node N -m experiments.evaluate ...``.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import platformdirs
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from experiments.datasets.errors import DatasetError
from experiments.evaluation.feature_store import StoreError
from experiments.evaluation.options import DATASETS, METHODS, EvaluationOptions
from pipeline.events import Resolution
from pipeline.few_shot.errors import FewShotError
from pipeline.model_errors import ModelError
from pipeline.preprocessing import NORMALISATIONS, VIEWS
from pipeline.prompts import PromptError, parse_prompt_lines

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130
LINE_EVERY_S = 10.0
"""Without a terminal progress is a line now and then."""


def parse_options(arguments: Sequence[str]) -> tuple[EvaluationOptions, Path, Path | None]:
    """Read the command line; gives options, cache folder, and output folder where one was given."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    data = parser.add_argument_group("data set")
    data.add_argument("--dataset", choices=DATASETS, required=True)
    data.add_argument("--root", type=Path, required=True, help="its folder; for 'folder', one sub-folder a class")
    data.add_argument("--timesteps", type=_count, default=10, help="T, parts of equal event count (10)")
    data.add_argument("--threshold", type=_natural, help="θ (0; 1 for cifar10-dvs, as in the paper)")
    data.add_argument("--normalisation", choices=NORMALISATIONS, default="reference")
    data.add_argument("--view", choices=VIEWS, default="stretch")
    data.add_argument("--sensor", type=_sensor, help="WIDTHxHEIGHT of .bin files in a folder of your own")
    data.add_argument("--frame-folders", action="store_true", help="read spikingjelly's folder of integrated frames")
    data.add_argument("--test-samples", type=_count, help="judge at most so many of each class")
    model = parser.add_argument_group("model and prompts")
    model.add_argument("--model", default="auto")
    model.add_argument("--pretrained")
    model.add_argument("--device", default="auto")
    model.add_argument("--precision", default="auto")
    model.add_argument("--template", help="a preset or a text with {}; the paper's where there is one")
    model.add_argument("--class-names", type=Path, help="a file with other words for the classes, one a line")
    few = parser.add_argument_group("few-shot")
    few.add_argument("--shots", type=_count, nargs="+", default=[], help="examples of each class")
    few.add_argument("--method", choices=METHODS, nargs="+", default=["adapter"])
    few.add_argument("--seeds", type=_count, default=5)
    few.add_argument("--epochs", type=_count, help="of the adapter (250)")
    few.add_argument("--turned-copies", type=_natural, default=0, help="of each example: rotated, flipped, sheared")
    few.add_argument("--post-search", action="store_true", help="zero-shot with weighted timesteps too")
    run = parser.add_argument_group("running")
    run.add_argument("--cache", type=Path, default=platformdirs.user_cache_path("neuroclip-live") / "features")
    run.add_argument("--output", type=Path, help="folder for figures (results/DATASET/MODEL-TAG)")
    run.add_argument("--workers", type=_count, help="threads that read samples")
    chosen = parser.parse_args(arguments)
    options = EvaluationOptions(
        dataset=chosen.dataset,
        root=chosen.root,
        model=chosen.model,
        pretrained=chosen.pretrained,
        device=chosen.device,
        precision=chosen.precision,
        shots=tuple(sorted(set(chosen.shots))),
        methods=tuple(dict.fromkeys(chosen.method)),
        seeds=chosen.seeds,
        timesteps=chosen.timesteps,
        normalisation=chosen.normalisation,
        view=chosen.view,
        threshold=chosen.threshold,
        template=chosen.template,
        class_names=_class_names(parser, chosen.class_names),
        post_search=chosen.post_search,
        turned_copies=chosen.turned_copies,
        test_samples=chosen.test_samples,
        epochs=chosen.epochs,
        frame_folders=chosen.frame_folders,
        sensor=chosen.sensor,
        **({} if chosen.workers is None else {"workers": chosen.workers}),
    )
    return options, chosen.cache, chosen.output


def _count(text: str) -> int:
    return _at_least(text, 1)


def _natural(text: str) -> int:
    return _at_least(text, 0)


def _at_least(text: str, least: int) -> int:
    if not re.fullmatch(r"\d{1,9}", text) or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text} is no whole number from {least}")
    return int(text)


def _sensor(text: str) -> Resolution:
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if found is None or "0" in found.groups():
        raise argparse.ArgumentTypeError(f"{text} is not WIDTHxHEIGHT")
    return Resolution(int(found[1]), int(found[2]))


def _class_names(parser: argparse.ArgumentParser, file: Path | None) -> tuple[str, ...] | None:
    if file is None:
        return None
    try:
        return parse_prompt_lines(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        parser.error(f"--class-names {file} cannot be read: {error}")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit status: 0, 1 failed, 2 wrong usage, 130 interrupted."""
    options, cache, output = parse_options(sys.argv[1:] if arguments is None else arguments)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        return _evaluate(options, cache, output, console)
    except (DatasetError, StoreError, FewShotError, ModelError, PromptError) as error:
        console.print(f"error: {error}", markup=False)
        return FAILED
    except OSError as error:
        console.print(f"error: the figures cannot be written ({error}): choose another --output.", markup=False)
        return FAILED
    except KeyboardInterrupt:
        console.print("interrupted; the same command goes on where it was", markup=False)
        return INTERRUPTED


def _evaluate(options: EvaluationOptions, cache: Path, output: Path | None, console: Console) -> int:
    # torch takes seconds: a wrong command line is told before.
    import torch

    from experiments.evaluation.ranks import joined
    from experiments.evaluation.report import MARKDOWN_FILE, write_report
    from experiments.evaluation.run import Evaluator

    options.prompt_template  # noqa: B018 (one that has no place for the class is told now)
    with joined(gpu=torch.cuda.is_available()) as ranks:

        def say(text: str) -> None:
            if ranks.first or text.startswith("left out"):
                console.print(text, markup=False)

        with _progress(console, shown=ranks.first, processes=ranks.world) as on_sample:
            evaluation = Evaluator(options, cache, ranks, say, on_sample).run()
        if evaluation is None:
            return 0
        name = re.sub(r"[^A-Za-z0-9.-]+", "_", f"{evaluation.key.model}-{evaluation.key.tag}")
        folder = output or Path("results") / options.dataset / name
        write_report(folder, evaluation)
        print((folder / MARKDOWN_FILE).read_text(encoding="utf-8"))
        console.print(f"figures and pictures: {folder}", markup=False)
    return 0


@contextlib.contextmanager
def _progress(console: Console, *, shown: bool, processes: int) -> Iterator[Callable[[int, int], None] | None]:
    """Give what shows how many samples are encoded: a bar in a terminal, lines elsewhere."""
    if not shown:
        yield None
        return
    others = f" (of {processes} processes, this one's share)" if processes > 1 else ""
    if not console.is_terminal:
        said = time.monotonic()

        def lines(done: int, total: int) -> None:
            nonlocal said
            if done == total or time.monotonic() - said > LINE_EVERY_S:
                said = time.monotonic()
                console.print(f"encoded {done:,} of {total:,} samples{others}", markup=False)

        yield lines
        return
    columns = (TextColumn("encoding"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task("encoding", total=None, rate="", visible=False)

        def bar(done: int, total: int) -> None:
            speed = progress.tasks[0].speed
            rate = "" if speed is None else f"{speed:.1f} samples/s{others}"
            progress.update(task, completed=done, total=total, rate=rate, visible=True)

        yield bar


if __name__ == "__main__":
    sys.exit(run())
