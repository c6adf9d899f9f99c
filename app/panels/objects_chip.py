"""The chip that says which objects a simulation shows, and its menu, which stays open while they are ticked."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent, QMouseEvent
from PyQt6.QtWidgets import QMenu, QWidget

from app.panels.buttons import FaceButton
from app.panels.chips import CHIP, RADIUS
from app.panels.menu import Menu

ALL = "In turn"


def chosen_text(objects: Sequence[str], chosen: Sequence[str]) -> str:
    """Say in few words what is shown: ``In turn``, ``Umbrella``, ``3 in turn``."""
    if len(chosen) == 1:
        return chosen[0].capitalize()
    return ALL if len(chosen) in (0, len(objects)) else f"{len(chosen)} in turn"


class ObjectsChip(FaceButton):
    """Offers a simulation's objects; each can be ticked, and those that are come in turn."""

    chosen = pyqtSignal(list)
    """Names (str) of those ticked, in the order of the menu; all of them where none is."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Objects", "chip", icon="cube", text=ALL, caret=True, size=(None, CHIP), parent=parent)
        self.objects: tuple[str, ...] = ()
        """What is offered."""
        self.ticked: tuple[str, ...] = ()
        """What is shown in turn."""
        self.set_look(pixels=12, weight=500, radius=RADIUS, icon_size=16)
        self.setToolTip("Objects to show. Drag in the picture to move one about.")
        self.set_menu(self._make_menu_of_objects)

    def set_objects(self, objects: Sequence[str], chosen: Sequence[str]) -> None:
        """Offer these, those chosen ticked; none chosen: all."""
        self.objects = tuple(objects)
        self.ticked = tuple(name for name in objects if name in chosen) or self.objects
        self._show()

    def tick(self, name: str) -> None:
        """Show one more, or one less; from all of them, only this one."""
        ticked = {name} if self._whole else set(self.ticked) ^ {name}
        self._choose(ticked)

    def tick_all(self) -> None:
        """Show all in turn."""
        self._choose(set(self.objects))

    def _choose(self, names: set[str]) -> None:
        self.ticked = tuple(name for name in self.objects if name in names) or self.objects
        self._show()
        self.chosen.emit(list(self.ticked))

    def _show(self) -> None:
        text = chosen_text(self.objects, self.ticked)
        self.set_content(text=text, name=f"Objects: {text}")

    def _make_menu_of_objects(self) -> QMenu:
        menu = StayingMenu(self._theme, self)
        entries = {"": menu.add("All in turn")}
        menu.addSeparator()
        for name in self.objects:
            entries[name] = menu.add(name.capitalize())

        def show() -> None:
            for name, entry in entries.items():
                menu.set_checked(entry, name in self.ticked if not self._whole else not name)

        def choose(name: str) -> None:
            if name:
                self.tick(name)
            else:
                self.tick_all()
            show()

        for name, entry in entries.items():
            entry.triggered.connect(lambda _, name=name: choose(name))
        show()
        return menu

    @property
    def _whole(self) -> bool:
        return len(self.ticked) == len(self.objects)


class StayingMenu(Menu):
    """A menu that stays open when an entry is chosen."""

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Choose the entry under the pointer."""
        assert event is not None
        action = self.actionAt(event.position().toPoint())
        if action is not None and action.isEnabled() and not action.isSeparator():
            self.setActiveAction(action)
            action.trigger()
        else:
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Space and Enter choose, too."""
        assert event is not None
        action = self.activeAction()
        if action is not None and event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            action.trigger()
        else:
            super().keyPressEvent(event)
