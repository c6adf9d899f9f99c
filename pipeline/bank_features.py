"""What one model makes of its bank of texts: from a file, or encoded in small portions between other work."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from pipeline.bank_files import keep_features, read_features
from pipeline.clip import ClipModel
from pipeline.few_shot.shots import unit
from pipeline.prediction import Floats
from pipeline.prompts import Template

TEMPLATES_KEPT = 8


class BankFeatures:
    """Features of a model's bank, once for each template. Belongs to the model's thread."""

    def __init__(self, model: ClipModel) -> None:
        self._model = model
        self._known: OrderedDict[tuple[str, ...], Floats] = OrderedDict()
        self._looked_for: set[tuple[str, ...]] = set()
        self._begun: tuple[str, ...] = ()
        self._texts: list[str] = []
        self._units: list[Floats] = []

    def of(self, template: Template) -> Floats | None:
        """Give the unit vectors, float32 (M, C): of each concept's texts the mean; None until all are encoded."""
        texts = template.texts
        if texts not in self._known and texts not in self._looked_for:
            self._looked_for.add(texts)
            saved = read_features(self._model, template)
            if saved is not None:
                self._remember(texts, saved)
        return self._known.get(texts)

    def encode(self, template: Template, at_most: int | None = None) -> int:
        """Encode texts that are left for this template, but no more than `at_most`; gives how many are still left."""
        if self.of(template) is not None:
            self._known.move_to_end(template.texts)
            return 0
        names = self._model.bank.names
        if template.texts != self._begun:
            self._begun = template.texts
            self._texts = [text for name in names for text in template.fill(name)]
            self._units = []
        done = sum(map(len, self._units))
        portion = self._texts[done:] if at_most is None else self._texts[done : done + at_most]
        self._units.append(unit(self._model.text_features(portion)))
        left = len(self._texts) - done - len(portion)
        if not left:
            features = _of_concepts(np.concatenate(self._units), len(names))
            self._remember(template.texts, features)
            keep_features(self._model, template, features)
            self._begun, self._texts, self._units = (), [], []
        return left

    def _remember(self, texts: tuple[str, ...], features: Floats) -> None:
        self._known[texts] = features
        while len(self._known) > TEMPLATES_KEPT:
            forgotten, _ = self._known.popitem(last=False)
            self._looked_for.discard(forgotten)


def encode_bank(model: ClipModel, template: Template) -> Floats:
    """Give the unit vectors of a model's bank, float32 (M, C), encoded now; takes about half a minute."""
    texts = [text for name in model.bank.names for text in template.fill(name)]
    return _of_concepts(unit(model.text_features(texts)), len(model.bank.names))


def _of_concepts(units: Floats, concepts: int) -> Floats:
    """Of each concept's texts, which follow each other, the mean, with length 1."""
    return unit(units.reshape(concepts, -1, units.shape[1]).mean(1))
