"""Contrast between colours, and the fills of rows that keep their text readable."""

from __future__ import annotations

from functools import lru_cache

from PyQt6.QtGui import QColor

from app.theme import CLASS_COLOURS, Theme

ROW_TEXT_CONTRAST = 5.6
"""text1 keeps at least this contrast on the fill of a row."""
TEXT_CONTRAST = 4.6
"""Any text keeps at least this contrast on its surface."""


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def luminance(colour: QColor) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2, definition of relative luminance)."""
    red, green, blue = (_linear(c) for c in (colour.redF(), colour.greenF(), colour.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: QColor, b: QColor) -> float:
    """Contrast ratio, 1 to 21 (WCAG 2.2, definition of contrast ratio)."""
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


def mixed(base: QColor, over: QColor, share: float) -> QColor:
    """Mix `share` (0 to 1) of `over` into `base`, opaque."""
    return QColor(
        round(base.red() + (over.red() - base.red()) * share),
        round(base.green() + (over.green() - base.green()) * share),
        round(base.blue() + (over.blue() - base.blue()) * share),
    )


@lru_cache(maxsize=256)
def row_fill(theme: Theme, number: int, winner: bool, surface: str = "bg2") -> QColor:
    """Fill of a row: the class colour mixed into the row's surface.

    The theme's share, reduced until text1 keeps `ROW_TEXT_CONTRAST`.
    """
    base, text, hue = theme.colour(surface), theme.colour("text1"), theme.class_colour(min(number, CLASS_COLOURS))
    share = theme.fill_winner if winner else theme.fill
    fill = mixed(base, hue, share)
    while share > 0 and contrast(text, fill) < ROW_TEXT_CONTRAST:
        share = max(0.0, share - 0.01)
        fill = mixed(base, hue, share)
    return fill


@lru_cache(maxsize=1024)
def _readable(theme: Theme, token: str, surface: int) -> QColor:
    colour = theme.colour(token)
    return colour if contrast(colour, QColor.fromRgb(surface)) >= TEXT_CONTRAST else theme.colour("text1")


def readable(theme: Theme, token: str, surface: QColor) -> QColor:
    """The token's colour where it keeps `TEXT_CONTRAST` on the surface, else text1."""
    return _readable(theme, token, surface.rgb())
