"""The panel of the camera's settings, built from what the connected device offers."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.panels.buttons import FaceButton
from app.panels.dialogs import colour, label
from app.panels.fitting import elided
from app.panels.setting_rows import RowWidget, SettingRow, row_widget
from app.theme import DARK, LARGE, SMALL, Measures, Theme, font

COVER = "Cover the lens first. Takes three seconds."
_GROUP_GAP = 18
_ROW_GAP = 8
_NAME, _NAME_SMALL = 190, 110
"""Room for the camera's name in a window of each size, px."""


class CameraPanel(QWidget):
    """Paints no card: the window puts it on one."""

    setting_changed = pyqtSignal(str, object)
    """Key and wanted value."""
    reset_clicked = pyqtSignal()
    save_clicked = pyqtSignal()
    find_clicked = pyqtSignal()
    forget_clicked = pyqtSignal()
    close_clicked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._measures = DARK, LARGE
        self._camera = ""
        self.rows: dict[str, RowWidget] = {}
        self.headings: list[QLabel] = []
        self._shape: tuple[object, ...] = ()
        self._title = label("Camera settings", DARK, pixels=15, weight=600)
        self._title.setWordWrap(False)
        self._name = label("", DARK, token="text2")
        self._name.setWordWrap(False)
        self.close_button = FaceButton("Close the camera’s settings", "ghost", icon="x", size=(36, 36))
        self._make_hot_pixels()
        self._message = label("", DARK, pixels=12, token="text2")
        self.reset_button = FaceButton("Reset all to the camera’s own", "filled", text="Reset")
        self.save_button = FaceButton("Save as file", "filled", text="Save as file…")
        self._scroll = QScrollArea()
        self._build()
        self._connect()
        self.set_measures(LARGE)
        self.set_theme(DARK)
        self.set_hot_pixels(0, searching=False)
        self.say("")

    def _make_hot_pixels(self) -> None:
        self._hot_title = label("Hot pixels", DARK, weight=550)
        self._hot_detail = label(COVER, DARK, pixels=12, token="text2")
        self.find_button = FaceButton("Find hot pixels", "filled", text="Find hot pixels")
        self.forget_button = FaceButton("Clear: let all pixels count again", "ghost", text="Clear")
        self._hot = QWidget()
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(self._hot_title)
        words.addWidget(self._hot_detail)
        line = QHBoxLayout(self._hot)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(0)
        line.addLayout(words, 1)
        line.addWidget(self.forget_button)
        line.addWidget(self.find_button)

    def _build(self) -> None:
        self._column = QVBoxLayout(self)
        self._column.setSpacing(8)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._title)
        head.addWidget(self._name, 1)
        head.addWidget(self.close_button)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        self._list = QVBoxLayout(inner)
        self._list.setContentsMargins(0, 0, 8, 0)
        self._list.setSpacing(0)
        self._list.addStretch(1)
        self._scroll.setWidget(inner)
        viewport = self._scroll.viewport()
        if viewport is not None:
            viewport.setAutoFillBackground(False)
        inner.setAutoFillBackground(False)
        foot = QHBoxLayout()
        foot.setSpacing(0)
        foot.addWidget(self._message, 1)
        foot.addWidget(self.reset_button)
        foot.addWidget(self.save_button)
        self._column.addLayout(head)
        self._column.addWidget(self._scroll, 1)
        self._column.addLayout(foot)

    def _connect(self) -> None:
        self.close_button.clicked.connect(self.close_clicked)
        self.reset_button.clicked.connect(self.reset_clicked)
        self.save_button.clicked.connect(self.save_clicked)
        self.find_button.clicked.connect(self.find_clicked)
        self.forget_button.clicked.connect(self.forget_clicked)

    # --- what it shows ---

    @property
    def message(self) -> str:
        """The sentence beside the buttons."""
        return self._message.text()

    @property
    def hot_pixels(self) -> str:
        """What it says of hot pixels."""
        return self._hot_detail.text()

    def set_camera(self, name: str) -> None:
        """Show which camera is set."""
        self._camera = name
        self._show_name()
        self.setAccessibleName(f"Settings of {name}")

    def _show_name(self) -> None:
        room = _NAME_SMALL if self._measures.row <= SMALL.row else _NAME
        self._name.setText(elided(self._camera, font(13), room))

    def set_rows(self, rows: Sequence[SettingRow]) -> None:
        """Show these settings, group by group."""
        shape = tuple(row.shape for row in rows)
        if shape != self._shape:
            self._shape = shape
            self._rebuild(rows)
        for row in rows:
            self.rows[row.key].set_row(row)
        self.reset_button.setEnabled(any(row.value != row.default for row in rows))

    def set_hot_pixels(self, count: int, *, searching: bool) -> None:
        """Show how many pixels are left out, or that they are being looked for."""
        self.find_button.setEnabled(not searching)
        self.find_button.set_content(text="Counting…" if searching else "Find hot pixels")
        self.forget_button.setVisible(count > 0)
        left_out = f"{count:,} left out." if count else ""
        self._hot_detail.setText(left_out or COVER)
        self._hot.setAccessibleName(f"Hot pixels: {self._hot_detail.text()}")

    def say(self, text: str, *, failed: bool = False) -> None:
        """Show one sentence beside the buttons."""
        self._message.setText(text)
        self._message.setAccessibleName(text)
        colour(self._message, self._theme, "error" if failed else "text2")

    def _rebuild(self, rows: Sequence[SettingRow]) -> None:
        for widget in (*self.rows.values(), *self.headings):
            self._list.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
        self._list.removeWidget(self._hot)
        self.rows, self.headings = {}, []
        while self._list.count() > 1:  # spaces; the stretch at the end stays
            self._list.takeAt(0)
        group = ""
        for row in rows:
            if row.group != group:
                self._add_heading(row.group)
                group = row.group
            widget = row_widget(row, self._theme, self._measures)
            widget.changed.connect(self.setting_changed)
            self.rows[row.key] = widget
            self._add(widget)
        self._add(self._hot)

    def _add_heading(self, text: str) -> None:
        heading = label(text, self._theme, pixels=12, weight=600, token="text3")
        if self.headings:
            self._list.insertSpacing(self._list.count() - 1, _GROUP_GAP - _ROW_GAP)
        self.headings.append(heading)
        self._add(heading)

    def _add(self, widget: QWidget) -> None:
        self._list.insertWidget(self._list.count() - 1, widget)
        self._list.insertSpacing(self._list.count() - 1, _ROW_GAP)

    # --- looks ---

    def set_theme(self, theme: Theme) -> None:
        """Take the window's colours."""
        self._theme = theme
        for button in (self.close_button, self.reset_button, self.save_button, self.find_button, self.forget_button):
            button.set_theme(theme)
        for text, token in (
            (self._title, "text1"), (self._name, "text2"), (self._message, "text2"),
            (self._hot_title, "text1"), (self._hot_detail, "text2"),
        ):  # fmt: skip
            colour(text, theme, token)
        for heading in self.headings:
            colour(heading, theme, "text3")
        for row in self.rows.values():
            row.set_theme(theme)

    def set_measures(self, measures: Measures) -> None:
        """Take the window's sizes."""
        self._measures = measures
        self._show_name()
        side = measures.padding
        self._column.setContentsMargins(side, side - 12, side - 8, side - 8)
        for row in self.rows.values():
            row.set_measures(measures)
