"""What a bank of other texts says: how probable it is that none of the typed rows is shown. Numbers only, no torch.

Let z_c = s · cosine / τ be the logit of typed row c (N rows) and of text j of the bank (M texts, those that mean the
same as a typed row left out). With π the share of time in which something untyped is expected, spread evenly over the
bank, and the rest spread evenly over the rows, Bayes' rule gives

    p(c)               ∝  (1 − π) / N · exp(z_c)
    p(something else)  ∝  π · [1/M Σ_j exp(β z_j)]^(1/β)

With β = 1 this is exact where a softmax over rows and bank is calibrated. The division by M keeps a long bank from
swamping a few rows: where all logits are equal, the row gets π, however many rows and texts there are. A power mean
with β above 1 listens to the few best texts of the bank; β → ∞ to the best alone.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ElseSettings:
    """What tunes the row; each may be overruled for a model by the JSON file beside its concepts.

    Attributes
    ----------
    untyped_share : float
        π, 0 to 1: how often something untyped is expected to be shown. Moves the row's probability as a whole.
    sharpness : float
        β, above 0: 1 sums the bank's texts, larger numbers listen to its best ones.
    same_meaning : float
        A text of the bank that is at least this like a typed row (see `likeness`) is taken for the same and left out.
    unknown_below : float
        A row whose likeness to every concept of a model's world is below this is not known to that model.
    """

    untyped_share: float = 0.5
    sharpness: float = 1.0
    same_meaning: float = 0.6
    unknown_below: float = 0.45

    def __post_init__(self) -> None:
        for name, low, high in (
            ("untyped_share", 0.0, 1.0),
            ("sharpness", 0.0, math.inf),
            ("same_meaning", -1.0, math.inf),
            ("unknown_below", -math.inf, 1.0),
        ):
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, int | float) or not low < number < high:
                raise ValueError(f"{name} is {number!r}; it must be a number between {low} and {high}")


DEFAULTS = ElseSettings()


def read_settings(file: Path) -> ElseSettings:
    """Read the settings that stand in a JSON object; those that are missing keep their defaults.

    Raises
    ------
    OSError, ValueError
        The file cannot be read, or holds something else.
    """
    given = json.loads(file.read_text(encoding="utf-8"))
    known = {field.name for field in fields(ElseSettings)}
    if not isinstance(given, dict) or not given.keys() <= known:
        raise ValueError(f"it must be one object with no other names than {', '.join(sorted(known))}")
    return ElseSettings(**given)


def with_something_else(
    row_logits: npt.ArrayLike, bank_logits: npt.ArrayLike, settings: ElseSettings = DEFAULTS
) -> Numbers:
    """Give the probabilities of the rows and, last, of something else: see the equation above.

    Parameters
    ----------
    row_logits : float (N,), N > 0
    bank_logits : float (M,)
        Without the texts that mean the same as a row. With none at all, something else has probability 0.

    Returns
    -------
    float64 (N + 1,), sums to 1
    """
    rows, bank = np.asarray(row_logits, np.float64), np.asarray(bank_logits, np.float64)
    share, sharpness = settings.untyped_share, settings.sharpness
    weighted = np.empty(len(rows) + 1)
    weighted[:-1] = rows + math.log((1 - share) / len(rows))
    weighted[-1] = -math.inf
    if len(bank):
        best = bank.max()
        spread = np.exp(sharpness * (bank - best)).mean()
        weighted[-1] = best + math.log(spread) / sharpness + math.log(share)
    exponentials = np.exp(weighted - weighted.max())
    probabilities: Numbers = exponentials / exponentials.sum()
    return probabilities


def likeness(rows: npt.ArrayLike, bank: npt.ArrayLike) -> Numbers:
    """Give how alike typed rows and texts of the bank are in meaning, (N, M), 1 for the same text.

    The cosine of their features after the mean feature of the bank is taken from both: what all texts share (the
    template's words above all) says nothing of their meaning.

    Parameters
    ----------
    rows : float (N, C)
    bank : float (M, C), M > 0
        Unit vectors, both made with the same template.
    """
    centre = np.asarray(bank, np.float64).mean(0)
    alike: Numbers = _unit(np.asarray(rows, np.float64) - centre) @ _unit(np.asarray(bank, np.float64) - centre).T
    return alike


def _unit(vectors: Numbers) -> Numbers:
    unit: Numbers = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-9)
    return unit
