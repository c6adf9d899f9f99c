"""Text in its own direction, and the biggest size at which it fits."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QFont, QFontMetricsF, QPainter, QStaticText, QTextLayout, QTextOption, QTransform

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


@lru_cache(maxsize=1024)
def text_width(text: str, face: QFont) -> float:
    """Give how wide the text is in this font, px."""
    return float(QFontMetricsF(face).horizontalAdvance(text))


@lru_cache(maxsize=256)
def ink_box(text: str, face: QFont) -> QRectF:
    """Give where the text leaves ink, px from its start on the baseline; shared, so not to be changed."""
    return QFontMetricsF(face).tightBoundingRect(text)


@lru_cache(maxsize=64)
def _cap_height(face: QFont) -> float:
    return float(QFontMetricsF(face).capHeight())


@lru_cache(maxsize=1024)
def _laid_out(text: str, face: QFont, rtl: bool) -> tuple[QStaticText, float]:
    """Give the text as it is drawn, and how far its baseline lies below its top, px."""
    # Laying out takes several times as long as drawing, and the same few texts are drawn again and again.
    made = QStaticText(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
    option = QTextOption()
    option.setTextDirection(Qt.LayoutDirection.RightToLeft if rtl else Qt.LayoutDirection.LeftToRight)
    option.setWrapMode(QTextOption.WrapMode.NoWrap)
    made.setTextOption(option)
    made.prepare(QTransform(), face)
    layout = QTextLayout(text, face)  # the font's own ascent is less, where letters come from another font
    layout.setTextOption(option)
    layout.beginLayout()
    line = layout.createLine()
    if line.isValid():
        line.setLineWidth(made.size().width() + 1)  # it has no height before
    ascent = line.ascent() if line.isValid() else 0.0
    layout.endLayout()
    return made, ascent


def draw_line(
    painter: QPainter,
    face: QFont,
    text: str,
    left: float,
    right: float,
    baseline: float,
    *,
    rtl: bool = False,
    at_right: bool | None = None,
) -> None:
    """Draw one line between `left` and `right` in this font.

    It stands at the left, or at the right when it runs from right to left (`rtl`) or when `at_right` says so.
    """
    x = right - text_width(text, face) if (rtl if at_right is None else at_right) else left
    painter.setFont(face)
    laid_out, ascent = _laid_out(text, face, rtl)
    painter.drawStaticText(QPointF(x, baseline - ascent), laid_out)


def draw_fitted(painter: QPainter, fitted: FittedText, left: float, right: float, bottom: float) -> None:
    """Draw the lines so that the last one's baseline is at `bottom`."""
    for above, line in enumerate(reversed(fitted.lines)):
        baseline = bottom - above * fitted.pixels * LINE_HEIGHT
        draw_line(painter, fitted.font, line, left, right, baseline, rtl=fitted.rtl)


def middle_baseline(face: QFont, box: QRectF) -> float:
    """Baseline of text whose capitals stand in the middle of the box."""
    return box.center().y() + _cap_height(face) / 2


def elided(text: str, face: QFont, width: float) -> str:
    """The text, its end replaced by an ellipsis where it is wider than `width` px."""
    return QFontMetricsF(face).elidedText(text[:LONGEST], Qt.TextElideMode.ElideRight, max(0.0, width))
