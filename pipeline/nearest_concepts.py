"""What a small model makes of a text it was not taught: moved towards those it was. Numbers only, no torch.

A small text encoder puts "it keeps the rain off" somewhere near "umbrella", and the image encoder has learnt to meet
"umbrella" itself. Let t be the unit vector of a row and c_j those of the concepts of the model's world, and
m_j their likeness (`pipeline.something_else.likeness`). With w = softmax(β m), the row is judged by

    t' = unit((1 − a) · t + a · unit(Σ_j w_j c_j))

This is a soft form of the nearest-prototype reading of unseen words in zero-shot learning (Norouzi et al., Zero-shot
learning by convex combination of semantic embeddings, ICLR 2014), of which a part only is taken: what a row says beyond
its nearest concept ("a big cup") stays.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.something_else import Numbers, likeness

SHARE = 0.5
"""a: how far a row is moved."""
SHARPNESS = 24.0
"""β: how much more the nearest concept counts than the next."""


def towards_concepts(rows: npt.ArrayLike, bank: npt.ArrayLike) -> Numbers:
    """Move texts towards the concepts that mean most nearly the same; what is a concept itself hardly moves.

    Parameters
    ----------
    rows : float (N, C)
    bank : float (M, C), M > 0
        Unit vectors, both made with the same template.

    Returns
    -------
    float64 (N, C), unit vectors
    """
    texts, concepts = np.asarray(rows, np.float64), np.asarray(bank, np.float64)
    powers = SHARPNESS * likeness(texts, concepts)
    weights = np.exp(powers - powers.max(axis=1, keepdims=True))
    return _unit((1 - SHARE) * texts + SHARE * _unit(weights @ concepts))


def _unit(vectors: Numbers) -> Numbers:
    unit: Numbers = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
