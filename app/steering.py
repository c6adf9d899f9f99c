"""The simulation as the user has it: which things, what ground, light and noise, and pictures of one's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import QObject
from PyQt6.QtWidgets import QFileDialog

from app.preferences import Preferences
from app.window import MainWindow
from app.wording import split_message
from pipeline.capture.messages import ChangeScene, ChooseObjects, Command, DragObject
from pipeline.sources.base import SimulationSpec, SourceInfo, SourceSpec

ADD = "Add as a class"
_PICTURES = "Pictures (*.png *.jpg *.jpeg *.webp *.bmp *.gif *.svg)"


class Steering(QObject):
    """Joins the chip of a simulation's things and the simulation.

    Parameters
    ----------
    window : MainWindow
    send : callable
        Takes commands to the capture process.
    opened : callable
        Gives what is open.
    keep : callable
        Takes what is to be opened again instead.
    preferences : Preferences
    """

    def __init__(
        self,
        window: MainWindow,
        send: Callable[[Command], None],
        opened: Callable[[], SourceSpec],
        keep: Callable[[SimulationSpec], None],
        preferences: Preferences,
    ) -> None:
        super().__init__(window)
        self._window, self._send, self._spec_now, self._keep = window, send, opened, keep
        self._preferences = preferences
        self._folder = ""
        self._offered: dict[str, str] = {}
        """Class that each message offers, by its title."""
        view = window.view
        view.objects_chosen.connect(self._choose_objects)
        view.object_dragged.connect(lambda x, y, held: send(DragObject(x, y, held)))
        view.scene_chosen.connect(self._choose_scene)
        view.picture_clicked.connect(self.choose_picture)

    def remembered(self, spec: SimulationSpec) -> SimulationSpec:
        """Give the scene with what it leaves open as it was the last time."""
        kept = self._preferences
        return replace(
            spec, ground=spec.ground or kept.ground, light=spec.light or kept.light, noise=spec.noise or kept.noise
        )

    def source_opened(self, info: SourceInfo) -> None:
        """Show what a simulation can show; of other sources nothing."""
        spec = self._spec_now()
        self._window.view.set_objects(info.objects, info.shown)
        if isinstance(spec, SimulationSpec):
            self._window.view.set_scene(spec.ground or "plain", spec.light or "day", spec.noise or "usual")

    def offers(self, title: str) -> bool:
        """Add the class that the message of this title offers; False where it offers none."""
        if title not in self._offered:
            return False
        self._window.classes.add_class(self._offered.pop(title))
        self._window.banner.dismiss(title)
        return True

    def choose_picture(self) -> None:
        """Ask for a picture, and show it."""
        path, _ = QFileDialog.getOpenFileName(
            self._window, "Show a picture", self._folder, f"{_PICTURES};;All files (*)"
        )
        if path:
            self._folder = str(Path(path).parent)
            self.show_picture(Path(path))

    def show_picture(self, path: Path) -> None:
        """Let the simulation show this picture from now on, and offer what it is called as a class."""
        # Brings numba: 80 MB and half a second that the window does without until then.
        from pipeline.simulation.picture_file import PictureError, picture_names, read_thing

        spec = self._spec_now()
        if not isinstance(spec, SimulationSpec):
            return
        pictures = (*(each for each in spec.pictures if each != path), path)
        name = picture_names(pictures)[-1]
        try:
            thing = read_thing(path, name)
        except PictureError as error:
            self._window.banner.show_message("error", *split_message(str(error)))
            return
        spec = replace(spec, pictures=pictures, objects=(name,))
        self._change(spec)
        objects = (*self._window.view.objects.objects, name)
        self._window.view.set_objects(tuple(dict.fromkeys(objects)), (name,))
        if thing.label not in [text for _, text in self._window.classes.rows()]:
            title = f"{name.capitalize()} is shown"
            self._offered[title] = thing.label
            self._window.banner.show_message("info", title, f"As a class it would be “{thing.label}”.", ADD)

    def _choose_objects(self, names: list[str]) -> None:
        """Let the simulation show these in turn, also when it is opened again."""
        spec = self._spec_now()
        if isinstance(spec, SimulationSpec):
            self._keep(replace(spec, objects=tuple(names)))
        self._send(ChooseObjects(tuple(names)))

    def _choose_scene(self, what: str, value: str) -> None:
        """Take another ground, light or noise, now and the next time."""
        kept, spec = self._preferences, self._spec_now()
        setattr(kept, what, value)
        if not isinstance(spec, SimulationSpec):
            return
        match what:
            case "ground":
                spec = replace(spec, ground=kept.ground)
            case "light":
                spec = replace(spec, light=kept.light)
            case _:
                spec = replace(spec, noise=kept.noise)
        self._change(spec)

    def _change(self, spec: SimulationSpec) -> None:
        self._keep(spec)
        self._send(ChangeScene(spec))
