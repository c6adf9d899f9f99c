"""The panel of classes: what the user types, with a live bar for each."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from PyQt6.QtCore import QEvent, QMimeData, QObject, QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
    QShortcut,
)
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.icons import icon
from app.panels.class_add_row import AddRow, Suggestions
from app.panels.class_else_row import ElseRow
from app.panels.class_list_model import ClassListModel
from app.panels.class_list_view import ClassListView
from app.panels.class_rows import MOST_ROWS, ClassRows, list_lines
from app.panels.drop_cover import DropCover
from app.panels.easing import Clock
from app.panels.paste_dialog import PasteDialog, list_summary, read_list
from app.panels.segmented import Segmented
from app.panels.template_field import TemplateField
from app.theme import DARK, LARGE, SMALL, Measures, Theme, font

SEARCH_FROM = 20
"""From so many rows on there is a search field."""
LARGEST_LIST = 1_000_000
"""Bytes of a list file that are read: no list of classes is larger."""
HINT = "Paste a list or drop a text file, one class a line"
SAYS_S = 6
"""What happened stays under the list so long."""
SUGGESTIONS = ("a person", "a hand waving", "an umbrella", "a cup of coffee", "a bicycle", "a keyboard")


class ClassesPanel(QWidget):
    """Owns the user's rows, their order and their history, and the choice of the template.

    It paints no card: the window puts it on one.

    Parameters
    ----------
    parent : QWidget, optional
    clock : callable
        Seconds, monotonic.
    """

    rows_changed = pyqtSignal(list)
    """(id, text) of every row, after any change by the user."""
    template_chosen = pyqtSignal(str)
    """A key of `set_templates`, or a free template."""
    else_toggled = pyqtSignal(bool)
    """The user switched the row "something else" on or off."""

    def __init__(self, parent: QWidget | None = None, clock: Clock = time.monotonic) -> None:
        super().__init__(parent)
        self._theme, self._measures = DARK, LARGE
        self._searching = False
        self._rows = ClassRows(self)
        self.model = ClassListModel(self._rows, self, clock)
        self.view = ClassListView(self.model, clock=clock)
        self.else_row = ElseRow(self.model, self.view.rows_delegate)
        self.add_row = AddRow()
        self.suggestions = Suggestions()
        self.template = TemplateField()
        self.search = QLineEdit()
        self.order = Segmented([("mine", "Mine"), ("ranked", "Ranked")], "Order")
        self.paste_button, self.teach_button = QToolButton(), QToolButton()
        self._title, self._count, self._nothing, self._hint = QLabel("Classes"), QLabel(), QLabel(), QLabel(HINT)
        self._dialog: PasteDialog | None = None
        self._hint_timer = QTimer(self)
        self._hint_timer.setSingleShot(True)
        self._hint_timer.timeout.connect(lambda: self.say(HINT, stay=True))
        self._cover = DropCover(self)
        self.setAcceptDrops(True)
        self._build()
        self._connect()
        self.suggestions.set_texts(SUGGESTIONS)
        self.set_measures(LARGE)
        self.set_theme(DARK)
        self._content_changed()

    def _build(self) -> None:
        self._head = QHBoxLayout()
        self._head.setSpacing(0)
        self._head.addWidget(self._title)
        self._head.addSpacing(8)
        self._head.addWidget(self._count)
        self._head.addStretch(1)
        self._head.addWidget(self.order)
        self._head.addSpacing(4)
        self._head.addWidget(self.teach_button)
        self._head.addWidget(self.paste_button)
        self._search_place = QWidget()
        self._search_line = QHBoxLayout(self._search_place)
        self._search_line.addWidget(self.search)
        self._column = QVBoxLayout(self)
        self._column.setSpacing(0)
        self._column.addLayout(self._head)
        self._column.addSpacing(2)
        self._column.addWidget(self.template)
        self._column.addWidget(self._search_place)
        self._column.addSpacing(6)
        self._column.addWidget(self.view)
        self._column.addWidget(self._nothing)
        self._column.addWidget(self.else_row)
        self._column.addWidget(self.add_row)
        self._column.addWidget(self.suggestions)
        self._column.addStretch(1)
        self._column.addWidget(self._hint)
        self._hint.setWordWrap(True)
        self._nothing.setWordWrap(True)
        self._nothing.hide()
        self.search.setClearButtonEnabled(False)
        self.search.setAccessibleName("Find a class")
        self.search.installEventFilter(self)
        self.paste_button.setAccessibleName("Paste a list of classes")
        self.paste_button.setToolTip("Paste a list")
        self.teach_button.setAccessibleName("Examples and training")
        self.teach_button.setToolTip("Examples and training")
        self.teach_button.setCheckable(True)
        for button in (self.teach_button, self.paste_button):
            button.setFixedSize(32, 32)
        self.view.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)

    def _connect(self) -> None:
        self._rows.edited.connect(lambda: self.rows_changed.emit(self.rows()))
        self._rows.changed.connect(self._content_changed)
        self.add_row.field.added.connect(self._add)
        self.add_row.field.list_pasted.connect(self.paste_list)
        self.add_row.field.left_above.connect(lambda: self.view.focus_row(-1))
        self.add_row.field.undo_asked.connect(self.undo)
        self.suggestions.chosen.connect(self._add)
        self.view.left_below.connect(self.focus_add_row)
        self.view.ticked.connect(self.else_row.follow)
        self.else_row.toggled.connect(self.else_toggled)
        self.view.list_pasted.connect(self.paste_list)
        self.template.template_chosen.connect(self.template_chosen)
        self.order.chosen.connect(self._set_order)
        self.search.textChanged.connect(self._find)
        self.paste_button.clicked.connect(lambda: self.paste_list(""))
        for keys, act in (("Ctrl+Z", self.undo), ("Ctrl+Shift+Z", self.redo), ("Ctrl+Y", self.redo)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)

    # Rows

    def rows(self) -> list[tuple[int, str]]:
        """(id, text) of every row, in the user's order."""
        return [(row.id, row.text) for row in self._rows.rows]

    def set_rows(self, texts: Sequence[str], *, undoable: bool = False) -> None:
        """Replace all rows; a text that is there already keeps its id and its colour.

        Parameters
        ----------
        texts : sequence of str
            One a row; empty ones are left out.
        undoable : bool
            As if the user had done it: a step to undo, and `rows_changed` is emitted. Else the history starts afresh
            and nothing is emitted.
        """
        self._rows.reset(texts, undoable=undoable)

    def colour_number(self, row_id: int) -> int:
        """Stable colour of a row, 0 to 7, or 8 for the grey that further rows share."""
        row = self._rows.find(row_id)
        return 8 if row is None else row.number

    def undo(self) -> None:
        """Take the last change back."""
        self._rows.undo_stack.undo()

    def redo(self) -> None:
        """Do again what was taken back."""
        self._rows.undo_stack.redo()

    def add_class(self, text: str) -> None:
        """Add a class at the end, as if the user had typed it."""
        self._add(text)

    def _add(self, text: str) -> None:
        if not self._rows.add([text]):
            self.say(f"The list holds {MOST_ROWS} classes at most.")
            return
        self._scroll_to_end()

    def _scroll_to_end(self) -> None:
        if self.model.movable:
            QTimer.singleShot(0, self.view.scrollToBottom)

    def _content_changed(self) -> None:
        count = len(self._rows)
        self._count.setText(str(count))
        self._count.setVisible(count > 0)
        self.suggestions.setVisible(count == 0)
        self.else_row.setVisible(count > 0)
        self.search.setPlaceholderText(f"Find among {count}")
        searchable = count >= SEARCH_FROM or self._searching
        if not searchable and self.search.text():
            self.search.clear()
        self._search_place.setVisible(searchable)
        self._say_nothing_found()
        self._make_room()

    def _say_nothing_found(self) -> None:
        lost = bool(self.model.filter) and not self.model.order
        self._nothing.setText(f"No class holds “{self.search.text().strip()}”." if lost else "")
        self._nothing.setVisible(lost)

    # Lists

    def paste_list(self, text: str) -> None:
        """Show a list in the dialog, where its duplicates are named; one new class alone is added at once."""
        lines = list_lines(text)
        if len(lines) == 1:
            self._add(lines[0])
            return
        self._ask(text)

    def _ask(self, text: str, detail: str = "") -> None:
        if self._dialog is None or self._dialog.parentWidget() is not self.window():
            window = self.window()
            assert window is not None
            self._dialog = PasteDialog(window)
            self._dialog.accepted.connect(self._take_list)
        self._dialog.set_theme(self._theme)
        self._dialog.set_measures(self._measures)
        self._dialog.ask("\n".join(list_lines(text)), self._rows.keys(), detail)

    def _take_list(self, classes: list[str], replace: bool) -> None:
        if replace:
            self._rows.reset(classes, undoable=True)
            added = len(self._rows)
        else:
            added = len(self._rows.add(classes))
            self._scroll_to_end()
        self.say(list_summary(added, len(classes)))

    def paste_file(self, path: Path) -> None:
        """Show the list in a text file, one class a line; what cannot be read is said under the classes."""
        try:
            with path.open("rb") as file:
                raw = file.read(LARGEST_LIST + 1)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            self.say(f"{path.name} cannot be read: {reason}. Choose another text file.")
            return
        if len(raw) > LARGEST_LIST:
            self.say(f"{path.name} is larger than a megabyte, too large for a list of classes; paste a part of it.")
        elif b"\0" in raw and raw[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            self.say(f"{path.name} is not a text file. A list of classes has one class a line.")
        elif not list_lines(text := read_list(raw)):
            self.say(f"{path.name} holds no classes. Write one a line.")
        else:
            self._ask(text, f"From {path.name}. One class a line; commas stay part of a class.")

    def say(self, text: str, *, stay: bool = False) -> None:
        """Show one sentence under the classes for a while."""
        self._hint.setText(text)
        self._hint.setAccessibleName(text)
        self._hint_timer.stop()
        if not stay:
            self._hint_timer.start(SAYS_S * 1000)
        self._style_hint()
        self._make_room()

    @property
    def said(self) -> str:
        """The sentence under the classes."""
        return self._hint.text()

    # Live values

    def set_probabilities(self, probabilities: Mapping[int, float] | None) -> None:
        """Show a prediction.

        Parameters
        ----------
        probabilities : mapping of int to float, optional
            Probability by row id, 0 to 1, that of something else by `ELSE_ID`. None: there is no answer, rows show
            dashes.
        """
        self.view.values_changed(self.model.set_probabilities(probabilities))

    def set_notices(self, notices: Mapping[int, str]) -> None:
        """Show what is to be known about rows, by id; rows that are not named have nothing to say."""
        if dict(notices) != dict(self.model.notices):
            self.model.notices = dict(notices)
            self.model.refresh()

    def set_examples(self, counts: Mapping[int, int]) -> None:
        """Show how many examples classes have, by id."""
        if dict(counts) != dict(self.model.examples):
            self.model.examples = dict(counts)
            self.model.refresh()

    def set_else(self, on: bool) -> None:
        """Show the row "something else" as judged or not; nothing is emitted."""
        self.else_row.set_on(on)

    def set_untrained(self, untrained: bool) -> None:
        """Grey everything: the percentages mean nothing."""
        if untrained != self.model.untrained:
            self.model.untrained = untrained
            self.model.refresh()
            self.else_row.follow()

    # Template

    def set_templates(self, templates: Sequence[tuple[str, str, str]]) -> None:
        """Fill the menu of templates: (key, title, preview) each; ``{}`` stands for the class."""
        self.template.set_templates(templates)

    def set_template(self, key: str) -> None:
        """Show this template: a key of `set_templates` or a free template. Nothing is emitted."""
        self.template.set_template(key)

    def set_suggestions(self, texts: Sequence[str]) -> None:
        """Offer these under the field while there are no classes."""
        self.suggestions.set_texts(texts)

    # Finding and ordering

    def focus_add_row(self) -> None:
        """Let the user type a class."""
        self.add_row.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def focus_search(self) -> None:
        """Let the user find a class."""
        self._searching = True
        self._content_changed()
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def _find(self, words: str) -> None:
        self.model.set_filter(words)
        self._say_nothing_found()

    def _set_order(self, key: str) -> None:
        self.model.set_ranked(key == "ranked")
        self.view.scrollToTop()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if watched is self.search and event is not None:
            if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
                return self._search_key(event)
            if event.type() == QEvent.Type.FocusOut and not self.search.text():
                self._searching = False
                QTimer.singleShot(0, self._content_changed)
        return False

    def _search_key(self, event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Escape:
            self.search.clear()
            self.view.focus_row(0) if self.model.order else self.focus_add_row()
            return True
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.view.focus_row(0)
            return True
        return False

    # Dropping a list

    def _list_name(self, mime: QMimeData | None) -> tuple[str, Path | None] | None:
        """What is dropped, if it is a list of classes: what to call it, and its file."""
        if mime is None:
            return None
        files = [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
        if files:
            return (files[0].name, files[0]) if files[0].suffix.lower() == ".txt" else None
        return ("the text", None) if mime.hasText() and mime.text().strip() else None

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        dropped = None if event is None else self._list_name(event.mimeData())
        if event is None or dropped is None:
            return
        event.acceptProposedAction()
        self._cover.show_name(dropped[0])

    def dragLeaveEvent(self, event: QDragLeaveEvent | None) -> None:
        self._cover.hide()

    def dropEvent(self, event: QDropEvent | None) -> None:
        self._cover.hide()
        mime = None if event is None else event.mimeData()
        dropped = self._list_name(mime)
        if event is None or mime is None or dropped is None:
            return
        event.acceptProposedAction()
        if dropped[1] is not None:
            self.paste_file(dropped[1])
        else:
            self.paste_list(mime.text())

    # Looks

    def set_theme(self, theme: Theme) -> None:
        """Take the window's colours."""
        self._theme = theme
        self.view.set_theme(theme)
        self.else_row.set_theme(theme)
        self.add_row.set_theme(theme)
        self.suggestions.set_theme(theme)
        self.template.set_theme(theme)
        self.order.set_theme(theme)
        self._cover.set_theme(theme)
        if self._dialog is not None:
            self._dialog.set_theme(theme)
        self._title.setFont(font(15, 600))
        self._title.setStyleSheet(f"color: {theme.text1}; font-size: 15px; font-weight: 600;")
        self._count.setFont(font(13))
        self._count.setStyleSheet(f"color: {theme.text2}; font-size: 13px;")
        self._nothing.setStyleSheet(f"color: {theme.text2}; font-size: 13px;")
        self._style_hint()
        for button, name in ((self.teach_button, "stack"), (self.paste_button, "clipboard-text")):
            button.setIcon(icon(name, theme.colour("text1")))
            button.setIconSize(QSize(18, 18))
            button.setStyleSheet(
                "QToolButton { background: transparent; border: 2px solid transparent;"
                " border-radius: 8px; padding: 0; }"
                f"QToolButton:hover, QToolButton:checked {{ background: {theme.bg3}; }}"
                f"QToolButton:focus {{ border-color: {theme.focus}; }}"
            )
        for action in self.search.actions():
            self.search.removeAction(action)
        self.search.addAction(icon("magnifying-glass", theme.colour("text2")), QLineEdit.ActionPosition.LeadingPosition)
        self.search.setFont(font(13))
        self.search.setStyleSheet(
            f"QLineEdit {{ background: {theme.bg2}; color: {theme.text1}; border: 2px solid {theme.bg2};"
            f" border-radius: 8px; padding: 0 6px; font-size: 13px; min-height: 32px; max-height: 32px;"
            f" placeholder-text-color: {theme.text2}; }}"
            f"QLineEdit:focus {{ border-color: {theme.focus}; padding: 0 6px; }}"
        )

    def _style_hint(self) -> None:
        colour = self._theme.text3 if self._hint.text() == HINT else self._theme.text1
        self._hint.setStyleSheet(f"color: {colour}; font-size: 12px;")

    def set_measures(self, measures: Measures) -> None:
        """Take the window's sizes."""
        self._measures = measures
        for part in (self.view, self.else_row, self.add_row, self.suggestions, self.template):
            part.set_measures(measures)
        padding = measures.padding
        self._column.setContentsMargins(0, 10, 0, 16)
        # The picture's places: title at 28, template 52 to 88, first row at 100 px from the card's top.
        self._head.setContentsMargins(padding, 0, padding - 8, 0)
        self._search_line.setContentsMargins(padding, 8, padding, 4)
        self._hint.setContentsMargins(padding, 8, padding, 0)
        self._nothing.setContentsMargins(padding, 8, padding, 8)
        self._make_room()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._cover.setGeometry(self.rect())
        self._make_room()

    def _make_room(self) -> None:
        """The hint gives its place to rows, and a small window has none; what happened is always said."""
        fixed = (self.template, self.suggestions, self._search_place, self._nothing)
        above = sum(part.height() for part in fixed if part.isVisibleTo(self)) + 54
        rows = self.view.sizeHint().height() + self.add_row.height()
        rows += self.else_row.height() if self.else_row.isVisibleTo(self) else 0
        spare = self.height() - above - rows
        self._hint.setVisible(self._hint.text() != HINT or (self._measures.row > SMALL.row and spare > 44))
