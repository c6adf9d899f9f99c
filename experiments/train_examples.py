"""Train on examples that were taught and exported in the window, from the command line.

    uv run python -m experiments.train_examples FOLDER --output taught.safetensors

With the features of the folder, as the window had them, the outcome is the window's own to the last bit, and no model
is loaded. With --encode, or another model, the event frames are made of the .aedat4 files again, and encoded.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.few_shot.errors import FewShotError
from pipeline.few_shot.example_set import ExampleSet, read_example_set, window_frames
from pipeline.few_shot.shots import unit
from pipeline.few_shot.taught import FeatureSetting
from pipeline.few_shot.training import Lesson, taught_by
from pipeline.model_errors import ModelError

METHODS = ("adapter", "tip", "probe", "mean")


def encoded_anew(examples: ExampleSet, model: str, pretrained: str | None, device: str, precision: str) -> Lesson:
    """Give the lesson with features of this model, made from the files."""
    from pipeline.clip import load_model

    lesson, clip = examples.lesson, load_model(model, pretrained, device, precision)
    setting = lesson.setting
    features = [
        np.asarray(clip.encode_frames(window_frames(examples, each), setting.normalisation, setting.view), np.float32)
        for each in examples.examples
    ]
    texts = [
        unit(np.asarray(clip.encode_texts(list(each.prompts)), np.float32)).mean(axis=0) for each in lesson.classes
    ]
    of_model = FeatureSetting.of(clip, setting.timesteps)
    return replace(
        lesson,
        features=np.stack(features),
        texts=np.stack(texts),
        scale=float(clip.scale),
        setting=replace(
            setting,
            model=of_model.model,
            tag=of_model.tag,
            weights_sha256=of_model.weights_sha256,
            width=of_model.width,
        ),
    )


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.train_examples",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("folder", type=Path, help="what was exported")
    parser.add_argument("--output", type=Path, default=Path("taught.safetensors"), help="can be loaded in the window")
    parser.add_argument("--method", choices=METHODS, help="default: as the window chooses")
    parser.add_argument("--encode", action="store_true", help="encode the files again")
    parser.add_argument("--model", help="another model than the window's")
    parser.add_argument("--pretrained")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    chosen = parser.parse_args(arguments)
    try:
        examples = read_example_set(chosen.folder)
        lesson = examples.lesson
        if chosen.encode or chosen.model is not None:
            model = chosen.model or lesson.setting.model
            lesson = encoded_anew(examples, model, chosen.pretrained, chosen.device, chosen.precision)
        from pipeline.few_shot.saving import save_taught  # imports torch

        taught = taught_by(lesson, chosen.method)
        save_taught(chosen.output, taught)
    except (FewShotError, ModelError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    figures = taught.classifier.figures
    right = "" if figures.accuracy is None else f", {figures.accuracy:.0%} of them right"
    print(f"{taught.classifier.name}: {len(lesson.labels)} examples of {len(lesson.classes)} classes{right}")
    print(f"written: {chosen.output}")
    return 0


if __name__ == "__main__":
    sys.exit(run())
