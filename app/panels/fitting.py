"""Text in its own direction, and the biggest size at which it fits."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QFont, QFontMetricsF, QPainter, QTextLayout, QTextOption

from app.theme import font

LINE_HEIGHT = 1.0
"""Of display text, in multiples of its size."""
LONGEST = 300
"""Characters of a text that are ever measured: more never fit a line."""


def is_rtl(text: str) -> bool:
    """Whether the first strong character runs from right to left (Unicode UAX 9, rule P2)."""
    for character in text:
        direction = unicodedata.bidirectional(character)
        if direction == "L":
            return False
        if direction in ("R", "AL"):
            return True
    return False


@dataclass(frozen=True)
class FittedText:
    """Lines of text that fit, in one font."""

    lines: tuple[str, ...]
    font: QFont
    pixels: int
    rtl: bool

    @property
    def height(self) -> float:
        """From the top of the first line to the bottom of the last, px."""
        return len(self.lines) * self.pixels * LINE_HEIGHT


def _wrapped(text: str, face: QFont, width: float, anywhere: bool) -> list[str]:
    option = QTextOption()
    option.setTextDirection(Qt.LayoutDirection.RightToLeft if is_rtl(text) else Qt.LayoutDirection.LeftToRight)
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere if anywhere else QTextOption.WrapMode.WordWrap)
    layout = QTextLayout(text, face)
    layout.setTextOption(option)
    layout.beginLayout()
    lines = []
    units = text.encode("utf-16-le")  # Qt counts UTF-16 units
    while (line := layout.createLine()).isValid():
        line.setLineWidth(width)
        start, length = 2 * line.textStart(), 2 * line.textLength()
        lines.append(units[start : start + length].decode("utf-16-le", "replace").strip())
    layout.endLayout()
    return lines


def fit_text(
    text: str, sizes: Sequence[int], width: float, height: float, *, weight: int = 650, tracking: float = 0.0
) -> FittedText:
    """The first of `sizes` (px, falling) at which the text fits in two lines; at the last, the end is elided."""
    text = text[:LONGEST]
    rtl = is_rtl(text)
    for pixels in sizes:
        face = font(pixels, weight, tracking, tabular=False)
        metrics = QFontMetricsF(face)
        lines = _wrapped(text, face, width, anywhere=False)
        fits = len(lines) <= 2 and len(lines) * pixels * LINE_HEIGHT <= height
        if fits and all(metrics.horizontalAdvance(line) <= width for line in lines):
            return FittedText(tuple(lines), face, pixels, rtl)
    allowed = max(1, min(2, int(height // (sizes[-1] * LINE_HEIGHT))))
    face = font(sizes[-1], weight, tracking, tabular=False)
    lines = _wrapped(text, face, width, anywhere=True)
    if len(lines) > allowed:
        rest = " ".join(lines[allowed - 1 :])
        lines = [*lines[: allowed - 1], QFontMetricsF(face).elidedText(rest, Qt.TextElideMode.ElideRight, width)]
    return FittedText(tuple(lines), face, sizes[-1], rtl)


def draw_line(
    painter: QPainter,
    text: str,
    left: float,
    right: float,
    baseline: float,
    *,
    rtl: bool = False,
    at_right: bool | None = None,
) -> None:
    """Draw one line between `left` and `right` in the painter's font.

    It stands at the left, or at the right when it runs from right to left (`rtl`) or when `at_right` says so.
    """
    painter.setLayoutDirection(Qt.LayoutDirection.RightToLeft if rtl else Qt.LayoutDirection.LeftToRight)
    x = (
        right - QFontMetricsF(painter.font()).horizontalAdvance(text)
        if (rtl if at_right is None else at_right)
        else left
    )
    painter.drawText(QPointF(x, baseline), text)
    painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)


def draw_fitted(painter: QPainter, fitted: FittedText, left: float, right: float, bottom: float) -> None:
    """Draw the lines so that the last one's baseline is at `bottom`."""
    painter.setFont(fitted.font)
    for above, line in enumerate(reversed(fitted.lines)):
        baseline = bottom - above * fitted.pixels * LINE_HEIGHT
        draw_line(painter, line, left, right, baseline, rtl=fitted.rtl)


def middle_baseline(face: QFont, box: QRectF) -> float:
    """Baseline of text whose capitals stand in the middle of the box."""
    return box.center().y() + QFontMetricsF(face).capHeight() / 2


def elided(text: str, face: QFont, width: float) -> str:
    """The text, its end replaced by an ellipsis where it is wider than `width` px."""
    return QFontMetricsF(face).elidedText(text[:LONGEST], Qt.TextElideMode.ElideRight, max(0.0, width))
