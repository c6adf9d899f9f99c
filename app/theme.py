"""Colours, type and measures of the window, in its dark and its light form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication

FONT_FILE = Path(__file__).parent / "fonts" / "InterVariable.ttf"
FAMILY = "Inter Variable"
CLASS_COLOURS = 8
"""Classes after these share the last, grey colour."""


@dataclass(frozen=True)
class Theme:
    """One form of the window. Chrome is neutral; hue means data or status."""

    dark: bool
    bg0: str
    bg1: str
    bg2: str
    bg3: str
    line: str
    canvas: str
    chip: str
    text1: str
    text2: str
    text3: str
    inverse: str
    focus: str
    record: str
    warning: str
    error: str
    ok: str
    on: str
    off: str
    classes: tuple[str, ...]
    fill: float
    """Share of the class colour in a row's fill."""
    fill_winner: float

    def colour(self, token: str, alpha: int = 255) -> QColor:
        """The token's colour, e.g. ``theme.colour("text2")``; shared, so not to be changed."""
        return _colour(getattr(self, token), alpha)

    def class_colour(self, number: int) -> QColor:
        """Colour of the class with this stable number (0, 1, ...); from the ninth on the grey one. Shared, too."""
        return _colour(self.classes[min(number, CLASS_COLOURS)])


@lru_cache(maxsize=512)
def _colour(name: str, alpha: int = 255) -> QColor:
    # Every painting asks for several: reading the name anew each time costs more than what is painted with it.
    colour = QColor(name)
    colour.setAlpha(alpha)
    return colour


DARK = Theme(
    dark=True, bg0="#0D0F13", bg1="#15181E", bg2="#1D2129", bg3="#282D37", line="#2B313B", canvas="#090B0E",
    chip="#1A1E25", text1="#EEF1F5", text2="#AEB6C2", text3="#8C95A3", inverse="#EEF1F5", focus="#FFFFFF",
    record="#FF6B62", warning="#F5C04A", error="#FF857D", ok="#6FD3A8", on="#FFC478", off="#428CFF",
    classes=("#65C0FA", "#FAA817", "#2B988A", "#FAFA6A", "#9D74E2", "#D06E11", "#94FAE3", "#B0B7A3", "#6B7482"),
    fill=0.26, fill_winner=0.42,
)  # fmt: skip
LIGHT = Theme(
    dark=False, bg0="#EEF0F3", bg1="#FFFFFF", bg2="#F3F5F8", bg3="#E5E9EE", line="#DADFE6", canvas="#FCFCFB",
    chip="#FFFFFF", text1="#12151A", text2="#474F5C", text3="#606977", inverse="#171B21", focus="#12151A",
    record="#C8241C", warning="#8A5A00", error="#B3261E", ok="#0B7A4F", on="#C45C00", off="#1856D6",
    classes=("#2E8BE8", "#8A5F12", "#145E6C", "#89920A", "#421B85", "#7A1805", "#05172D", "#CB6294", "#7D8794"),
    fill=0.20, fill_winner=0.32,
)  # fmt: skip


@dataclass(frozen=True)
class Measures:
    """Sizes in px; `SMALL` below 1200 px of window width."""

    top_bar: int
    status_bar: int
    right_column: int
    padding: int
    hero: int
    history: int
    transport: int
    row: int
    hero_sizes: tuple[int, ...]
    hero_percentage: int


LARGE = Measures(56, 32, 432, 24, 208, 192, 64, 44, (72, 56, 48, 40), 36)
SMALL = Measures(48, 28, 328, 16, 152, 116, 56, 36, (52, 44, 36, 30), 28)
SMALL_BELOW = 1200
GAP = 8
ROW_GAP = 4
CARD_RADIUS = 12
BAR_MS = 120
"""Bars and percentages move this long, OutCubic."""


def measures(window_width: int) -> Measures:
    """The sizes for a window this wide."""
    return SMALL if window_width < SMALL_BELOW else LARGE


def system_theme() -> Theme:
    """Dark or light as the system has it; dark where it does not say."""
    hints = QGuiApplication.styleHints()
    light = hints is not None and hints.colorScheme() == Qt.ColorScheme.Light
    return LIGHT if light else DARK


def load_fonts() -> None:
    """Register the bundled font; call once, after the QGuiApplication is there."""
    QFontDatabase.addApplicationFont(str(FONT_FILE))
    font.cache_clear()


@lru_cache(maxsize=256)
def font(pixels: int, weight: int = 400, tracking: float = 0.0, *, tabular: bool = True) -> QFont:
    """The interface font, by default with tabular figures; shared, so not to be changed.

    Parameters
    ----------
    pixels : int
        Size in px.
    weight : int
        100 to 900. Set as a variable axis too: the weight alone stays regular with this font.
    tracking : float
        Letter spacing in per cent of the size, e.g. -2.2.
    tabular : bool
        Figures, and hyphens too, as wide as each other: for numbers that change in place, not for words.
    """
    result = QFont(FAMILY)
    result.setPixelSize(pixels)
    result.setWeight(QFont.Weight(min(900, max(100, round(weight / 100) * 100))))
    result.setVariableAxis(QFont.Tag("wght"), float(weight))
    result.setVariableAxis(QFont.Tag("opsz"), float(min(32, max(14, pixels))))  # display shapes for large type
    result.setFeature(QFont.Tag("tnum"), int(tabular))  # 0 too: else the device's font decides
    if tracking:
        result.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, pixels * tracking / 100)
    return result
