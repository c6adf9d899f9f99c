"""The panel of the examples: what was shown, training, and what was taught against the texts alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QMenu, QScrollArea, QVBoxLayout, QWidget

from app.panels.buttons import FaceButton
from app.panels.example_grid import ExampleGrid, Tile
from app.panels.menu import Menu
from app.panels.segmented import Segmented
from app.panels.training_curve import TrainingCurve
from app.theme import DARK, LARGE, SMALL, Measures, Theme, font

METHODS = (
    ("", "What suits the examples"),
    ("probe", "Linear probe"),
    ("adapter", "Spiking adapter (NeuroCLIP)"),
    ("tip", "Tip-Adapter"),
    ("mean", "Nearest class mean"),
)
"""Ways to train, by name."""
HINT = "Hold Teach on a class and show it; then train."
_MOST_GRID, _MOST_GRID_SMALL = 104, 56
"""Two rows of tiles, in a small window one, px; more are scrolled to."""
_INSET = 4
"""Of what has no room for a focus ring of its own."""


class TeachingPanel(QWidget):
    """Paints no card: the window puts it on one."""

    train_clicked = pyqtSignal()
    cancel_clicked = pyqtSignal()
    undo_clicked = pyqtSignal()
    save_clicked = pyqtSignal()
    load_clicked = pyqtSignal()
    export_clicked = pyqtSignal()
    clear_clicked = pyqtSignal()
    removed = pyqtSignal(int)
    """Id of an example."""
    compared = pyqtSignal(bool)
    """True: judge by what was taught; False: by the texts alone."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._measures = DARK, LARGE
        self._training = self._can_undo = self._taught = False
        self.method = ""
        """How to train, of `METHODS`."""
        self._title, self._count, self._message = QLabel("Examples"), QLabel(), QLabel(HINT)
        self.compare = Segmented([("taught", "Taught"), ("text", "Zero-shot")], "Judge by")
        self.grid = ExampleGrid()
        self._scroll = QScrollArea()
        self.curve = TrainingCurve()
        self.train = FaceButton("Train", "primary", icon="student", text="Train")
        self.undo = FaceButton("Undo", "ghost", icon="arrow-counter-clockwise", size=(36, 36))
        self.more = FaceButton("Method, save, load, export, clear", "ghost", icon="dots-three", size=(36, 36))
        self._build()
        self._connect()
        self.set_measures(LARGE)
        self.set_theme(DARK)
        self.set_examples([], can_undo=False)
        self.set_taught(False)

    def _build(self) -> None:
        self._column = QVBoxLayout(self)
        self._column.setSpacing(8)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.setContentsMargins(_INSET, 0, 0, 0)
        for part in (self._title, self._count):
            head.addWidget(part)
        head.addStretch(1)
        head.addWidget(self.compare)
        self._scroll.setWidget(self.grid)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        viewport = self._scroll.viewport()
        if viewport is not None:
            viewport.setAutoFillBackground(False)
        self.grid.setAutoFillBackground(False)
        foot = QHBoxLayout()
        foot.setSpacing(0)
        foot.addWidget(self.train)
        foot.addSpacing(4)
        foot.addWidget(self._message, 1)
        foot.addWidget(self.undo)
        foot.addWidget(self.more)
        self._message.setWordWrap(True)
        self._column.addLayout(head)
        self._column.addWidget(self._scroll)
        middle = QHBoxLayout()
        middle.setContentsMargins(_INSET, 0, _INSET, 0)
        middle.addWidget(self.curve)
        self._column.addLayout(middle)
        self._column.addLayout(foot)

    def _connect(self) -> None:
        self.train.clicked.connect(self._train_or_cancel)
        self.undo.clicked.connect(self.undo_clicked)
        self.more.set_menu(self.make_menu)
        self.grid.removed.connect(self.removed)
        self.grid.current_changed.connect(lambda top, bottom: self._scroll.ensureVisible(0, (top + bottom) // 2, 0, 28))
        self.compare.chosen.connect(lambda key: self.compared.emit(key == "taught"))

    def _train_or_cancel(self) -> None:
        (self.cancel_clicked if self._training else self.train_clicked).emit()

    def make_menu(self) -> QMenu:
        """Give the menu behind the dots."""
        menu = Menu(self._theme, self)
        menu.add_header("Train by")
        for name, words in METHODS:
            menu.add(words, partial(self._choose_method, name), checked=name == self.method)
        menu.addSeparator()
        save = menu.add("Save what was taught…", self.save_clicked.emit, icon="floppy-disk")
        save.setEnabled(self._taught)
        menu.add("Load…", self.load_clicked.emit, icon="folder-open")
        export = menu.add("Export examples…", self.export_clicked.emit, icon="export")
        export.setEnabled(bool(self.grid.tiles))
        menu.addSeparator()
        menu.add("Clear", self.clear_clicked.emit, icon="trash")
        return menu

    def _choose_method(self, name: str) -> None:
        self.method = name

    # --- what it shows ---

    @property
    def message(self) -> str:
        """The sentence beside the button."""
        return self._message.text()

    def set_examples(self, tiles: Sequence[Tile], *, can_undo: bool) -> None:
        """Show these examples."""
        self.grid.set_tiles(tiles)
        self._count.setText(str(len(tiles)) if tiles else "")
        self._can_undo = can_undo
        self._make_room()
        self._enable()

    def set_training(self, training: bool) -> None:
        """Show that a training begins or has ended."""
        if training:
            self.curve.begin()
        else:
            self.curve.end()
        self._training = training
        self._make_room()
        self.train.set_content(
            icon="x" if training else "student", text="Cancel" if training else "Train",
            name="Cancel the training" if training else "Train",
        )  # fmt: skip
        self._enable()

    def set_progress(self, share: float, loss: float) -> None:
        """Show how far it is."""
        self.curve.add(share, loss)

    def set_taught(self, taught: bool) -> None:
        """Offer the comparison, beginning with what was taught, or take the offer away."""
        self._taught = taught
        self.compare.setVisible(taught)
        if taught:
            self.compare.set_current("taught")

    def say(self, text: str) -> None:
        """Show one sentence; the hint where it is empty."""
        self._message.setText(text or HINT)
        self._message.setAccessibleName(text or HINT)

    def _make_room(self) -> None:
        """Show tiles and curve; in a small window the curve takes the tiles' place while it grows."""
        small, tiles = self._measures.row <= SMALL.row, bool(self.grid.tiles)
        self._scroll.setVisible(tiles and not (small and self._training))
        most = _MOST_GRID_SMALL if small else _MOST_GRID
        self._scroll.setFixedHeight(min(most, self.grid.sizeHint().height()))
        self.curve.setVisible(self._training or (bool(self.curve.losses) and not small))

    def _enable(self) -> None:
        can_train = self._training or bool(self.grid.tiles)
        self.train.setEnabled(can_train)
        self.train.set_face("primary" if can_train else "filled")
        self.undo.setEnabled(self._can_undo and not self._training)

    # --- looks ---

    def set_theme(self, theme: Theme) -> None:
        """Take the window's colours."""
        self._theme = theme
        for part in (self.compare, self.grid, self.curve, self.train, self.undo, self.more):
            part.set_theme(theme)
        self._title.setFont(font(15, 600))
        self._title.setStyleSheet(f"color: {theme.text1}; font-size: 15px; font-weight: 600;")
        self._count.setStyleSheet(f"color: {theme.text2}; font-size: 13px;")
        self._message.setStyleSheet(f"color: {theme.text2}; font-size: 12px;")

    def set_measures(self, measures: Measures) -> None:
        """Take the window's sizes."""
        padding, self._measures = measures.padding, measures
        self._make_room()
        self._column.setContentsMargins(padding - 4, 10, padding - 4, 10)
