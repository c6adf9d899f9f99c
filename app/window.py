"""The main window: places the panels and follows the theme. It knows no pipeline object."""

from __future__ import annotations

from typing import Protocol

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QCloseEvent, QGuiApplication, QResizeEvent, QShowEvent
from PyQt6.QtWidgets import QApplication, QFrame, QHBoxLayout, QMainWindow, QSplitter, QVBoxLayout, QWidget

from app.panels.banner import Banner
from app.panels.camera import CameraPanel
from app.panels.classes import ClassesPanel
from app.panels.events_view import EventsView
from app.panels.help_overlay import HelpOverlay
from app.panels.hero import Hero
from app.panels.history import HistoryPanel
from app.panels.notice import Notice
from app.panels.status import StatusBar
from app.panels.teach_cover import TeachCover
from app.panels.teaching import TeachingPanel
from app.panels.top_bar import TopBar
from app.panels.transport import TransportBar
from app.style import style_sheet
from app.theme import GAP, LARGE, Measures, Theme, measures, system_theme

START_SIZE = (1600, 1000)
MINIMUM_SIZE = (960, 640)
FRAME = QSize(8, 40)
"""Room for a title bar and borders on a small screen."""


class Panel(Protocol):
    """What every panel can do."""

    def set_theme(self, theme: Theme) -> None: ...

    def set_measures(self, measures: Measures) -> None: ...


class Card(QFrame):
    """A rounded surface that holds panels one below the other."""

    def __init__(self, *panels: QWidget) -> None:
        super().__init__()
        self.setObjectName("card")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for panel in panels:
            layout.addWidget(panel)


class MainWindow(QMainWindow):
    """Events at the left with history and transport below, the answer and the classes at the right."""

    theme_changed = pyqtSignal(object)
    closing = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("NeuroCLIP Live")
        self.setMinimumSize(*MINIMUM_SIZE)
        self.top_bar = TopBar()
        self.view = EventsView()
        self.banner = Banner(self.view)
        self.banner.covers.connect(self.view.keep_below)
        self.history = HistoryPanel()
        self.transport = TransportBar()
        self.hero = Hero()
        self.notice = Notice()
        self.classes = ClassesPanel()
        self.teaching = TeachingPanel()
        self.teach_cover = TeachCover(self.view)
        self.camera = CameraPanel()
        self.status = StatusBar()
        self._measures = LARGE
        self._place()
        self.help = HelpOverlay(self)
        self.theme = system_theme()
        hints = QGuiApplication.styleHints()
        if hints is not None:
            hints.colorSchemeChanged.connect(self._follow_system_theme)
        self.resize(self._size_that_fits())
        self.set_theme(self.theme)

    @property
    def panels(self) -> tuple[Panel, ...]:
        return (
            self.top_bar, self.view, self.banner, self.history, self.transport,
            self.hero, self.notice, self.classes, self.teaching, self.teach_cover, self.camera, self.status, self.help,
        )  # fmt: skip

    def _place(self) -> None:
        self._left = QSplitter(Qt.Orientation.Vertical)
        self._lower = Card(self.history, self.transport)
        self._left.addWidget(self.view)
        self._left.addWidget(self._lower)
        self._left.setStretchFactor(0, 1)
        self._right = QWidget()
        right = QVBoxLayout(self._right)
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(GAP)
        self._answer = Card(self.hero)
        right.addWidget(self._answer)
        right.addWidget(self.notice)
        self._classes = Card(self.classes)
        right.addWidget(self._classes, 1)
        self._examples = Card(self.teaching)
        self._examples.hide()
        self.classes.teach_button.toggled.connect(self._examples.setVisible)
        right.addWidget(self._examples)
        self._camera = Card(self.camera)
        self._camera.hide()
        right.addWidget(self._camera, 1)
        self._columns = QSplitter(Qt.Orientation.Horizontal)
        self._columns.addWidget(self._left)
        self._columns.addWidget(self._right)
        self._columns.setStretchFactor(0, 1)
        for splitter in (self._left, self._columns):
            splitter.setHandleWidth(GAP)
            splitter.setChildrenCollapsible(False)
        middle = QWidget()
        margins = QHBoxLayout(middle)
        margins.setContentsMargins(GAP, 0, GAP, 0)
        margins.addWidget(self._columns)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top_bar)
        column.addWidget(middle, 1)
        column.addWidget(self.status)
        self.setCentralWidget(centre)

    def _size_that_fits(self) -> QSize:
        screen = QGuiApplication.primaryScreen()
        wanted = QSize(*START_SIZE)
        return wanted if screen is None else wanted.boundedTo(screen.availableSize() - FRAME)

    def show_camera(self, shown: bool) -> None:
        """Show the camera's settings in place of the classes, or the classes again."""
        if shown == self._camera.isVisibleTo(self):
            return
        self._classes.setVisible(not shown)
        self._examples.setVisible(not shown and self.classes.teach_button.isChecked())
        self._camera.setVisible(shown)
        self.transport.set_camera_shown(shown)
        if shown:
            self.camera.close_button.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.transport.camera_button.setFocus(Qt.FocusReason.OtherFocusReason)

    # --- theme and size ---

    def _follow_system_theme(self) -> None:
        self.set_theme(system_theme())

    def set_theme(self, theme: Theme) -> None:
        """Repaint everything in this form; the controller hears it too, for the colours of the picture."""
        self.theme = theme
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.setStyleSheet(style_sheet(theme))
        for panel in self.panels:
            panel.set_theme(theme)
        self.theme_changed.emit(theme)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._apply_measures(measures(self.width()))

    def _apply_measures(self, sizes: Measures) -> None:
        if sizes is self._measures:
            return
        self._measures = sizes
        self._set_sizes(sizes)

    def _set_sizes(self, sizes: Measures) -> None:
        for panel in self.panels:
            panel.set_measures(sizes)
        self._right.setMinimumWidth(sizes.right_column - 80)
        self._columns.setSizes([self.width() - sizes.right_column - 3 * GAP, sizes.right_column])
        lower = sizes.history + sizes.transport
        self._left.setSizes([self._left.height() - lower - GAP, lower])

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self._set_sizes(self._measures)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        self.closing.emit()
        super().closeEvent(event)
