"""The top bar: what plays, which model judges it, settings and help."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PyQt6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QWidget

from app.icons import paint_logo
from app.panels.buttons import FaceButton
from app.panels.focus import RING_ROOM
from app.panels.menu import Menu
from app.theme import DARK, GAP, LARGE, Measures, Theme, font

TITLE = "NeuroCLIP Live"
KINDS = {
    "recording": ("film-strip", "Recording"),
    "camera": ("video-camera", "Camera"),
    "network": ("share-network", "Network"),
    "simulation": ("cube", "Simulation"),
    "video": ("monitor-play", "Film"),
    "webcam": ("camera", "Webcam"),
}
"""Icon and word of each kind of source."""
_LOGO = 28
_LONGEST_NAME = 300
_LONGEST_NAME_SMALL = 200


class _Brand(QWidget):
    """The logo, with the name beside it where there is room."""

    def __init__(self) -> None:
        super().__init__()
        self._theme, self._with_name = DARK, True
        self.setAccessibleName(TITLE)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def set_with_name(self, with_name: bool) -> None:
        self._with_name = with_name
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        name = QFontMetricsF(font(15, 600)).horizontalAdvance(TITLE) + 10 if self._with_name else 0
        return QSize(round(_LOGO + name), 36)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        theme = self._theme
        box = QRectF(0, (self.height() - _LOGO) / 2, _LOGO, _LOGO)
        paint_logo(painter, box, theme.colour("inverse"), theme.colour("bg0"))
        if self._with_name:
            painter.setFont(font(15, 600))
            painter.setPen(theme.colour("text1"))
            row = QRectF(_LOGO + 10, 0, self.width(), self.height())
            painter.drawText(row, Qt.AlignmentFlag.AlignVCenter, TITLE)
        painter.end()


class TopBar(QWidget):
    """Source and model at the left, settings and help at the right."""

    source_menu_opening = pyqtSignal()
    """Time to look for cameras: `set_cameras` fills the open menu, as often as it is called."""
    camera_chosen = pyqtSignal(str)
    """Key of a camera."""
    open_recording = pyqtSignal()
    recording_chosen = pyqtSignal(str)
    """Key of a recording that `set_recordings` offers."""
    listen_network = pyqtSignal()
    simulate = pyqtSignal()
    choose_webcam = pyqtSignal()
    model_chosen = pyqtSignal(str)
    load_weights = pyqtSignal()
    settings_clicked = pyqtSignal()
    help_clicked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._measures = DARK, LARGE
        self._cameras: list[tuple[str, str, str]] | None = None
        self._recordings: list[tuple[str, str, str]] = []
        self._models: list[tuple[str, str, str]] = []
        self._current_model = ""
        self._source, self._model = ("", ""), ("", "")
        self._source_menu: Menu | None = None
        self._brand = _Brand()
        self._source_button = FaceButton("Source", "card", icon="film-strip", text="No source", caret=True)
        self._source_button.set_menu(self._make_source_menu)
        self._model_button = FaceButton("Model", "card", icon="brain", text="No model", caret=True)
        self._model_button.set_menu(self._make_model_menu)
        self._settings_button = FaceButton("Settings", "ghost", icon="gear-six", size=(36, 36))
        self._settings_button.clicked.connect(self.settings_clicked)
        self._help_button = FaceButton("Help and keyboard shortcuts (F1)", "ghost", icon="question", size=(36, 36))
        self._help_button.clicked.connect(self.help_clicked)
        for button in (self._settings_button, self._help_button):
            button.set_look(icon_size=20)
        for button in (self._source_button, self._model_button):
            button.set_look(weight=550)
        self._place()
        self._show()

    def _place(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GAP, 0, GAP - RING_ROOM, 0)
        layout.setSpacing(0)
        layout.addWidget(self._brand)
        layout.addSpacing(12 - RING_ROOM)
        layout.addWidget(self._source_button)
        layout.addSpacing(GAP - 2 * RING_ROOM)
        layout.addWidget(self._model_button)
        layout.addStretch(1)
        layout.addWidget(self._settings_button)
        layout.addSpacing(-2 * RING_ROOM)
        layout.addWidget(self._help_button)

    @property
    def _buttons(self) -> tuple[FaceButton, ...]:
        return (self._source_button, self._model_button, self._settings_button, self._help_button)

    # --- what it shows ---

    def set_source(self, name: str, kind: str) -> None:
        """Show what plays; kind is a key of `KINDS`."""
        self._source = (name, kind)
        self._show()

    def set_model(self, name: str, tag: str) -> None:
        """Show the model that judges, and its weights' tag."""
        self._model = (name, tag)
        self._show()

    def set_cameras(self, cameras: Sequence[tuple[str, str, str]]) -> None:
        """Offer these cameras, each (label, detail, key); a source menu that is open shows at once what has changed."""
        if self._cameras == (found := list(cameras)):
            return
        self._cameras = found
        if (menu := self._source_menu) is not None:
            chosen = menu.active_words()
            self._fill_source_menu(menu)
            menu.set_active(chosen)

    @property
    def source_menu_open(self) -> bool:
        """Whether the user sees the source menu."""
        return self._source_menu is not None and self._source_menu.isVisible()

    def set_recordings(self, recordings: Sequence[tuple[str, str, str]]) -> None:
        """Offer these recordings (bundled or recent) in the source menu, each (label, detail, key)."""
        self._recordings = list(recordings)

    def set_models(self, models: Sequence[tuple[str, str, str]], current: str = "") -> None:
        """Offer these models, each (label, detail, key); `current` is ticked."""
        self._models, self._current_model = list(models), current

    def open_source_menu(self) -> None:
        """Open the source menu, as Ctrl+L does."""
        self._source_button.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._source_button.click()

    def open_model_menu(self) -> None:
        """Open the model menu, as Ctrl+M does."""
        self._model_button.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._model_button.click()

    def set_theme(self, theme: Theme) -> None:
        """Paint in this theme."""
        self._theme = theme
        self._brand.set_theme(theme)
        for button in self._buttons:
            button.set_theme(theme)

    def set_measures(self, measures: Measures) -> None:
        """Take the window's sizes: the small one shows neither the program's name nor kinds and tags."""
        self._measures = measures
        self._brand.set_with_name(measures.top_bar >= LARGE.top_bar)
        self.updateGeometry()
        self._show()

    def sizeHint(self) -> QSize:
        """Give the bar's height."""
        return QSize(super().sizeHint().width(), self._measures.top_bar)

    def minimumSizeHint(self) -> QSize:
        """Give the bar's height."""
        return QSize(super().minimumSizeHint().width(), self._measures.top_bar)

    def _show(self) -> None:
        large = self._measures.top_bar >= LARGE.top_bar
        self.setFixedHeight(self._measures.top_bar)
        name, kind = self._source
        icon, word = KINDS.get(kind, ("film-strip", ""))
        self._source_button.set_content(
            icon=icon,
            text=name or "No source",
            detail=word if large else "",
            name=f"Source: {name}, {word.lower()}" if name else "Source: none",
        )
        self._source_button.set_look(longest=_LONGEST_NAME if large else _LONGEST_NAME_SMALL)
        self._source_button.setToolTip(name if len(name) > 30 else "")
        model, tag = self._model
        self._model_button.set_content(
            text=model or "No model",
            detail=tag if large else "",
            name=f"Model: {model} {tag}".strip() if model else "Model: none",
        )
        self._model_button.set_look(longest=_LONGEST_NAME if large else _LONGEST_NAME_SMALL)

    # --- menus ---

    def _make_source_menu(self) -> QMenu:
        menu = Menu(self._theme, self)
        self._source_menu = menu
        menu.destroyed.connect(self._source_menu_gone)
        self._cameras = None
        self._fill_source_menu(menu)
        self.source_menu_opening.emit()
        return menu

    def _source_menu_gone(self) -> None:
        self._source_menu = None

    def _fill_source_menu(self, menu: Menu) -> None:
        menu.empty()
        menu.setMinimumWidth(400)
        menu.add_header("Cameras")
        if self._cameras is None:
            menu.add("Looking for cameras…", icon="video-camera").setEnabled(False)
        elif not self._cameras:
            menu.add("No camera found", icon="video-camera-slash").setEnabled(False)
        for label, detail, key in self._cameras or []:
            menu.add(label, partial(self.camera_chosen.emit, key), icon="video-camera", detail=detail)
        menu.addSeparator()
        for label, detail, key in self._recordings:
            menu.add(label, partial(self.recording_chosen.emit, key), icon="film-strip", detail=detail)
        menu.add("Open a recording or a film…", self.open_recording.emit, icon="folder-open", detail="Ctrl O")
        menu.add("Listen on the network…", self.listen_network.emit, icon="share-network", detail="host : port")
        menu.add("Webcam…", self.choose_webcam.emit, icon="camera", detail="its pictures as events")
        menu.add("Simulation", self.simulate.emit, icon="cube", detail="moving shapes")

    def _make_model_menu(self) -> QMenu:
        menu = Menu(self._theme, self)
        menu.setMinimumWidth(340)
        menu.add_header("Models")
        for label, detail, key in self._models:
            menu.add(label, partial(self.model_chosen.emit, key), detail=detail, checked=key == self._current_model)
        if not self._models:
            menu.add("No other model on this machine").setEnabled(False)
        menu.addSeparator()
        menu.add("Load weights…", self.load_weights.emit, icon="folder-open")
        return menu
