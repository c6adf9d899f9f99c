"""Rows of the camera's settings: a title, what it does, and a control that fits its kind."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QFontMetricsF
from PyQt6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QMenu, QVBoxLayout, QWidget

from app.panels.buttons import FaceButton
from app.panels.dialogs import NumberField, colour, label
from app.panels.menu import Menu
from app.panels.segmented import Segmented
from app.panels.switch import Switch
from app.theme import DARK, LARGE, SMALL, Measures, Theme, font

Value: TypeAlias = bool | int | str | tuple[int, ...]
_MOST_SEGMENTS = 3
_BOX_ROOM = 26
"""Of a number's box beside its text, px."""
_LEAST_BOX = 84


@dataclass(frozen=True)
class SettingRow:
    """What a row shows.

    Attributes
    ----------
    kind : "switch", "number", "choice" or "region"
    value, default : bool, int, str (key of a choice) or (x, y, width, height)
    choices : tuple of (key, text)
    active : bool
        False: it has no effect beside the other settings, and is not shown.
    """

    key: str
    title: str
    group: str
    kind: Literal["switch", "number", "choice", "region"]
    value: Value
    default: Value
    least: int = 0
    most: int = 0
    step: int = 1
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    explanation: str = ""
    active: bool = True

    @property
    def shape(self) -> tuple[object, ...]:
        """What another widget is needed for when it changes."""
        return self.key, self.title, self.group, self.kind, self.least, self.most, self.step, self.choices


class RowWidget(QWidget):
    """A row; sub-classes make the control."""

    changed = pyqtSignal(str, object)
    """Key and wanted value."""

    def __init__(self, row: SettingRow, theme: Theme = DARK) -> None:
        super().__init__()
        self.row, self._theme = row, theme
        self._filling = False
        self.title = label(row.title, theme, weight=550)
        self.explanation = label(row.explanation, theme, pixels=12, token="text2")
        self.control = self.make_control()
        self.back = FaceButton(
            f"{row.title}: back to the default", "ghost", icon="arrow-counter-clockwise", size=(28, 28)
        )
        self.back.set_look(icon_size=14)
        self.back.clicked.connect(lambda: self.changed.emit(self.row.key, self.row.default))
        policy = self.back.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.back.setSizePolicy(policy)
        self._place()
        self.set_row(row)

    def _place(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addStretch(1)
        words.addWidget(self.title)
        words.addWidget(self.explanation)
        words.addStretch(1)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(4)
        line.addLayout(words, 1)
        line.addWidget(self.back, 0, Qt.AlignmentFlag.AlignVCenter)
        line.addWidget(self.control, 0, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    @abstractmethod
    def make_control(self) -> QWidget:
        """Make what is at the right."""

    @abstractmethod
    def fill(self, value: Value) -> None:
        """Show this value; nothing is emitted."""

    @abstractmethod
    def theme_control(self, theme: Theme) -> None:
        """Paint the control in this theme."""

    def set_row(self, row: SettingRow) -> None:
        """Show how it is set; only values, explanation and whether it is shown may differ from before."""
        self.row = row
        self._filling = True
        self.fill(row.value)
        self._filling = False
        self.back.setVisible(row.value != row.default)
        self.setVisible(row.active)

    def set_theme(self, theme: Theme) -> None:
        """Paint in this theme."""
        self._theme = theme
        colour(self.title, theme, "text1")
        colour(self.explanation, theme, "text2")
        self.back.set_theme(theme)
        self.theme_control(theme)

    def set_measures(self, measures: Measures) -> None:
        """In a small window what a setting does is a tool tip."""
        small = measures.row <= SMALL.row
        self.explanation.setVisible(bool(self.row.explanation) and not small)
        self.setToolTip(self.row.explanation if small else "")

    def want(self, value: Value) -> None:
        """Ask for a value that the user has chosen."""
        if not self._filling and value != self.row.value:
            self.changed.emit(self.row.key, value)


class SwitchRow(RowWidget):
    """On or off."""

    def make_control(self) -> QWidget:
        self.switch = Switch(self.row.title)
        self.switch.toggled.connect(self.want)
        return self.switch

    def fill(self, value: Value) -> None:
        self.switch.setChecked(value is True)

    def theme_control(self, theme: Theme) -> None:
        self.switch.set_theme(theme)


class NumberRow(RowWidget):
    """A whole number with its unit."""

    def make_control(self) -> QWidget:
        self.number = _number_field(self.row.title, self.row.least, self.row.most, self.row.step, self.row.unit)
        self.number.changed.connect(lambda value: self.want(round(value)))
        return self.number

    def fill(self, value: Value) -> None:
        if isinstance(value, int):
            self.number.set_value(value)

    def theme_control(self, theme: Theme) -> None:
        _theme_number(self.number, theme)


class ChoiceRow(RowWidget):
    """One of a few things; many are a menu."""

    def make_control(self) -> QWidget:
        choices = list(self.row.choices)
        self.segments: Segmented | None = None
        self.button: FaceButton | None = None
        if len(choices) <= _MOST_SEGMENTS and sum(len(text) for _, text in choices) <= 22:
            self.segments = Segmented(choices, self.row.title)
            self.segments.chosen.connect(self.want)
            return self.segments
        self.button = FaceButton(self.row.title, "filled", text=choices[0][1], caret=True)
        self.button.set_look(weight=500, longest=150)
        self.button.set_menu(self.make_menu)
        return self.button

    def make_menu(self) -> QMenu:
        """Make the menu of the choices."""
        menu = Menu(self._theme, self)
        for key, text in self.row.choices:
            menu.add(text, partial(self.want, key), checked=key == self.row.value)
        return menu

    def fill(self, value: Value) -> None:
        key = str(value)
        if self.segments is not None:
            self.segments.set_current(key)
        elif self.button is not None:
            text = dict(self.row.choices)[key]
            self.button.set_content(text=text, name=f"{self.row.title}: {text}")

    def theme_control(self, theme: Theme) -> None:
        for part in (self.segments, self.button):
            if part is not None:
                part.set_theme(theme)


class RegionRow(RowWidget):
    """A rectangle of the sensor: where it begins, and how large it is."""

    def make_control(self) -> QWidget:
        whole = self.row.default
        assert isinstance(whole, tuple)
        self._size = whole[2:]
        across, down = self._size
        spans = (("x", 0, across - 1), ("y", 0, down - 1), ("Width", 1, across), ("Height", 1, down))
        self.numbers = [
            _number_field(f"{self.row.title}, {name.lower()}", least, most, 1, "") for name, least, most in spans
        ]
        self._names = [QLabel(name) for name, _, _ in spans]
        box = QWidget()
        grid = QGridLayout(box)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2)
        for place, (name, number) in enumerate(zip(self._names, self.numbers, strict=True)):
            name.setFont(font(12))
            grid.addWidget(name, place, 0, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(number, place, 1)
            number.changed.connect(self._edited)
        return box

    def _edited(self) -> None:
        if self._filling:
            return
        x, y, width, height = (round(number.value) for number in self.numbers)
        self.want((x, y, min(width, self._size[0] - x), min(height, self._size[1] - y)))

    def fill(self, value: Value) -> None:
        if isinstance(value, tuple):
            for number, part in zip(self.numbers, value, strict=True):
                number.set_value(part)

    def theme_control(self, theme: Theme) -> None:
        for number in self.numbers:
            _theme_number(number, theme)
        for name in self._names:
            colour(name, theme, "text2")


_KINDS: dict[str, type[RowWidget]] = {
    "switch": SwitchRow,
    "number": NumberRow,
    "choice": ChoiceRow,
    "region": RegionRow,
}


def row_widget(row: SettingRow, theme: Theme, measures: Measures = LARGE) -> RowWidget:
    """Make the row that fits the setting's kind."""
    made = _KINDS[row.kind](row, theme)
    made.set_theme(theme)
    made.set_measures(measures)
    return made


def _number_field(name: str, least: int, most: int, step: int, unit: str) -> NumberField:
    field = NumberField(name, DARK, least, most, step, f" {unit}" if unit else "")
    box = field.box
    texts = (f"{most}{box.suffix()}", f"{least}{box.suffix()}")
    widest = max(QFontMetricsF(font(13, 500)).horizontalAdvance(text) for text in texts)
    box.setFixedWidth(max(_LEAST_BOX, round(widest) + _BOX_ROOM))
    return field


def _theme_number(field: NumberField, theme: Theme) -> None:
    for button in field.findChildren(FaceButton):
        button.set_theme(theme)
