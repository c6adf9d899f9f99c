"""What one model makes of its bank of texts, encoded in small portions between other work."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from pipeline.clip import ClipModel
from pipeline.prompts import Template

if TYPE_CHECKING:
    import torch

TEMPLATES_KEPT = 8


class BankFeatures:
    """Features of a model's bank, once for each template. Belongs to the model's thread."""

    def __init__(self, model: ClipModel) -> None:
        self._model = model
        self._known: OrderedDict[tuple[str, ...], torch.Tensor] = OrderedDict()
        self._begun: tuple[str, ...] = ()
        self._texts: list[str] = []
        self._units: list[torch.Tensor] = []

    def of(self, template: Template) -> torch.Tensor | None:
        """Give the unit vectors, float32 (M, C): of each concept's texts the mean; None until all are encoded."""
        return self._known.get(template.texts)

    def encode(self, template: Template, at_most: int | None = None) -> int:
        """Encode texts that are left for this template, but no more than `at_most`; gives how many are still left."""
        import torch

        if template.texts in self._known:
            self._known.move_to_end(template.texts)
            return 0
        names = self._model.bank.names
        if template.texts != self._begun:
            self._begun = template.texts
            self._texts = [text for name in names for text in template.fill(name)]
            self._units = []
        done = sum(map(len, self._units))
        portion = self._texts[done:] if at_most is None else self._texts[done : done + at_most]
        self._units.append(torch.nn.functional.normalize(self._model.encode_texts(portion), dim=1))
        left = len(self._texts) - done - len(portion)
        if not left:
            units = torch.cat(self._units).reshape(len(names), len(template.texts), -1)
            self._known[template.texts] = torch.nn.functional.normalize(units.mean(1), dim=1)
            self._begun, self._texts, self._units = (), [], []
            while len(self._known) > TEMPLATES_KEPT:
                self._known.popitem(last=False)
        return left
