"""The chip that says which objects a simulation shows, and its menu, which stays open while they are ticked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QAction, QKeyEvent, QMouseEvent
from PyQt6.QtWidgets import QMenu, QWidget

from app.panels.buttons import FaceButton
from app.panels.chips import CHIP, RADIUS
from app.panels.menu import Menu
from app.theme import Theme

ALL = "In turn"
SCENE = (
    ("ground", "textured", "plain", "Textured ground"),
    ("light", "dark", "day", "In the dark"),
    ("noise", "none", "usual", "Without noise"),
    ("noise", "strong", "usual", "Strong noise"),
)
"""What of the scene can be ticked: the setting, its value where it is ticked and where it is not, and the words."""


def chosen_text(objects: Sequence[str], chosen: Sequence[str]) -> str:
    """Say in few words what is shown: ``In turn``, ``Umbrella``, ``3 in turn``."""
    if len(chosen) == 1:
        return chosen[0].capitalize()
    return ALL if len(chosen) in (0, len(objects)) else f"{len(chosen)} in turn"


class ObjectsChip(FaceButton):
    """Offers a simulation's objects; each can be ticked, and those that are come in turn."""

    chosen = pyqtSignal(list)
    """Names (str) of those ticked, in the order of the menu; all of them where none is."""

    scene_chosen = pyqtSignal(str, str)
    """A setting of the scene (``ground``, ``light``, ``noise``) and its value."""
    picture_clicked = pyqtSignal()
    """A picture from a file is wanted."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Objects", "chip", icon="cube", text=ALL, caret=True, size=(None, CHIP), parent=parent)
        self.objects: tuple[str, ...] = ()
        """What is offered."""
        self.ticked: tuple[str, ...] = ()
        """What is shown in turn."""
        self.scene = {"ground": "plain", "light": "day", "noise": "usual"}
        self.set_look(pixels=12, weight=500, radius=RADIUS, icon_size=16)
        self.setToolTip("Objects to show. Drag in the picture to move one about.")
        self.set_menu(self._make_menu_of_objects)

    def set_objects(self, objects: Sequence[str], chosen: Sequence[str]) -> None:
        """Offer these, those chosen ticked; none chosen: all."""
        self.objects = tuple(objects)
        self.ticked = tuple(name for name in objects if name in chosen) or self.objects
        self._show()

    def set_scene(self, ground: str, light: str, noise: str) -> None:
        """Show how the scene is set."""
        self.scene = {"ground": ground, "light": light, "noise": noise}

    def tick_scene(self, what: str, ticked: str, otherwise: str) -> None:
        """Give a setting of the scene this value, or the other one where it has it already."""
        self.scene[what] = otherwise if self.scene[what] == ticked else ticked
        self.scene_chosen.emit(what, self.scene[what])

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
        menu.closing.add(menu.add("Picture from file…", self.picture_clicked.emit, icon="image"))
        menu.addSeparator()
        settings = [(*setting[:3], menu.add(setting[3])) for setting in SCENE]

        def show_scene() -> None:
            for what, ticked, _, entry in settings:
                menu.set_checked(entry, self.scene[what] == ticked)

        def choose_scene(what: str, ticked: str, otherwise: str) -> None:
            self.tick_scene(what, ticked, otherwise)
            show_scene()

        for what, ticked, otherwise, entry in settings:
            entry.triggered.connect(partial(_without_state, partial(choose_scene, what, ticked, otherwise)))
        show_scene()

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


def _without_state(choose: Callable[[], None], _checked: bool) -> None:
    choose()


class StayingMenu(Menu):
    """A menu that stays open when an entry is chosen, but for those in `closing`."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.closing: set[QAction] = set()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Choose the entry under the pointer."""
        assert event is not None
        action = self.actionAt(event.position().toPoint())
        if action is not None and action.isEnabled() and not action.isSeparator() and action not in self.closing:
            self.setActiveAction(action)
            action.trigger()
        else:
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Space and Enter choose, too."""
        assert event is not None
        action = self.activeAction()
        if action not in (None, *self.closing) and event.key() in (
            Qt.Key.Key_Space,
            Qt.Key.Key_Return,
            Qt.Key.Key_Enter,
        ):
            assert action is not None
            action.trigger()
        else:
            super().keyPressEvent(event)
