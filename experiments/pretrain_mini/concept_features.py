"""The concepts' features for the template that the program starts with, in the model's folder.

python -m experiments.pretrain_mini.concept_features FOLDER

Without them the program encodes the concepts beside the stream, and "something else" is judged half a minute late.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from pipeline.bank_features import encode_bank
from pipeline.bank_files import FEATURES_FILE, write_features
from pipeline.clip import load_model
from pipeline.prompts import PRESETS

TEMPLATE = PRESETS["plain"]


def write_concept_features(folder: Path) -> None:
    """Write them in half precision, as the weights are."""
    file = folder / FEATURES_FILE
    model = load_model(str(folder), device="cpu", precision="fp32")
    write_features(file, model, TEMPLATE, encode_bank(model, TEMPLATE).astype(np.float16))


if __name__ == "__main__":
    write_concept_features(Path(sys.argv[1]))
