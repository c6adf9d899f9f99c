"""The settings of framer and model's input, in a small dialog; each change acts at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QWidget

from app.panels.buttons import FaceButton
from app.panels.dialogs import NumberField, SmallDialog
from app.panels.picture_canvas import Crop
from app.panels.segmented import Segmented
from app.theme import Theme, system_theme

Normalisation: TypeAlias = Literal["clip", "reference"]
VIEWS: list[tuple[str, str]] = [("crop", "Crop"), ("stretch", "Stretch"), ("fit", "Fit")]
NORMALISATIONS: list[tuple[str, str]] = [("clip", "CLIP’s own"), ("reference", "Reference")]


@dataclass(frozen=True)
class SettingsValues:
    """What the dialog sets.

    Attributes
    ----------
    timestep_ms : float
        Length of a timestep.
    timesteps : int
        T, timesteps a window.
    threshold : int
        Events a pixel needs in a timestep beyond this many.
    view : "crop", "stretch" or "fit"
        How the sensor's rectangle becomes the model's square.
    normalisation : "clip" or "reference"
    """

    timestep_ms: float = 30.0
    timesteps: int = 10
    threshold: int = 0
    view: Crop = "crop"
    normalisation: Normalisation = "clip"


class SettingsDialog(SmallDialog):
    """Shows the settings and says each change.

    Parameters
    ----------
    values : SettingsValues
        What holds now.
    parent : QWidget, optional
    theme : Theme, optional
        The system's by default.
    """

    changed = pyqtSignal(object)
    """SettingsValues, whenever one of them differs."""

    def __init__(self, values: SettingsValues, parent: QWidget | None = None, theme: Theme | None = None) -> None:
        theme = theme or _theme_of(parent)
        super().__init__("Settings", "Changes act at once. A window is judged as one.", theme, parent, 520)
        self._values = values
        self._filling = True
        self.timestep = NumberField("Timestep", theme, 1, 1000, 5, " ms", decimals=0)
        self.timesteps = NumberField("Timesteps a window", theme, 1, 64, 1)
        self.threshold = NumberField("Threshold", theme, 0, 50, 1)
        self.view = Segmented(VIEWS, "Model’s view")
        self.normalisation = Segmented(NORMALISATIONS, "Normalisation")
        for control in (self.view, self.normalisation):
            control.set_theme(theme)
            control.chosen.connect(self._take)
        self._add_rows()
        self._fill(values)
        for number in (self.timestep, self.timesteps, self.threshold):
            number.changed.connect(self._take)
        reset = FaceButton("Reset to the defaults", "ghost", text="Reset")
        done = FaceButton("Done", "primary", text="Done")
        reset.clicked.connect(lambda: self.set_values(SettingsValues()))
        done.clicked.connect(self.accept)
        self.add_buttons(reset, done)
        self.timestep.setFocus()

    def _add_rows(self) -> None:
        self.add_row("Timestep", "Time that becomes one event frame.", self.timestep)
        self.add_row("Timesteps a window", "Event frames that are judged together.", self.timesteps)
        self.add_row("Threshold", "A pixel counts when it has more events than this in a timestep.", self.threshold)
        self.add_row("Model’s view", "How the picture becomes a square: cut, stretched, or padded.", self.view)
        self.add_row(
            "Normalisation", "CLIP’s own mean and deviation, or the reference’s: value / 255 − 0.5.", self.normalisation
        )

    @property
    def values(self) -> SettingsValues:
        """What the dialog shows."""
        return self._values

    def set_values(self, values: SettingsValues) -> None:
        """Show these; `changed` is emitted once when they differ."""
        self._fill(values)
        self._take()

    def _fill(self, values: SettingsValues) -> None:
        self._filling = True
        # A whole number of ms is the rule, but what was set on the command line is shown as it is.
        self.timestep.box.setDecimals(0 if float(values.timestep_ms).is_integer() else 2)
        self.timestep.set_value(values.timestep_ms)
        self.timesteps.set_value(values.timesteps)
        self.threshold.set_value(values.threshold)
        self.view.set_current(values.view)
        self.normalisation.set_current(values.normalisation)
        self._filling = False

    def _take(self) -> None:
        if self._filling:
            return
        values = SettingsValues(
            timestep_ms=self.timestep.value,
            timesteps=round(self.timesteps.value),
            threshold=round(self.threshold.value),
            view=_view(self.view.current),
            normalisation="clip" if self.normalisation.current == "clip" else "reference",
        )
        if values != self._values:
            self._values = values
            self.changed.emit(values)


def _view(key: str) -> Crop:
    return "stretch" if key == "stretch" else "fit" if key == "fit" else "crop"


def _theme_of(parent: QWidget | None) -> Theme:
    """The theme of the window that opens the dialog, where it has one."""
    theme = getattr(parent, "theme", None)
    return theme if isinstance(theme, Theme) else system_theme()
