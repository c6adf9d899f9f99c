"""A hand that can be led: it shows things in turn, shows others when asked, and goes where it is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.events import Resolution
from pipeline.simulation.scene import LogImage, PaintedScene, Region, Shown
from pipeline.simulation.shapes import SHAPES
from pipeline.simulation.things import Thing, thing
from pipeline.simulation.waving import Motion, WavingStyle, come, hand_reach, waved

_FOLLOWING_US = 45_000
"""The thing follows the pointer by 63 % of the way in this time."""
_ARRIVED_PX = 0.05


class LedScene(PaintedScene):
    """Things in turn, as `WavingScene` shows them, until somebody interferes.

    Its time goes on with `render`; a time before the last one begins it anew. Unlike other scenes it is a function
    of time and of what was asked of it, and when.

    Parameters
    ----------
    resolution : Resolution
    names : sequence of str
        Of `SHAPES`, shown at first; none: all.
    seed : int
    style : WavingStyle
    others : mapping of str to Thing
        Besides `SHAPES`, each by its name.

    Attributes
    ----------
    now_us : int
        Time of the last picture.

    Raises
    ------
    ValueError
        There is no drawing of a name.
    """

    def __init__(
        self,
        resolution: Resolution,
        names: Sequence[str] = (),
        seed: int = 0,
        style: WavingStyle | None = None,
        others: Mapping[str, Thing] | None = None,
    ) -> None:
        self._style = style or WavingStyle()
        others = others or {}
        self.names = (*SHAPES, *others)
        """Of everything that can be shown."""
        self._check(names)
        half = self._style.size / 2 * min(resolution)
        super().__init__(
            resolution, (*SHAPES, *others.values()), half, self._style.background, dark=self._style.dark_on_light
        )
        self._seed = seed
        self._chosen = self._numbers(names)
        self._next = 0
        """Which of the chosen comes next."""
        self._turn = -1
        self.now_us = self._since_us = 0
        self._end_us: int | None = None
        """When the thing shown is gone; None: it stays."""
        self._held = False
        self._middle = self._goal = 0.0, 0.0
        """What it is waved around, and where that is going."""
        self._take_next(0)

    @property
    def chosen(self) -> tuple[str, ...]:
        """Names of what is shown in turn."""
        return tuple(self.names[number] for number in self._chosen)

    def choose(self, names: Sequence[str]) -> None:
        """Show these in turn from now on; none: all. What is shown now goes away, unless it is among them.

        Raises
        ------
        ValueError
            There is no drawing of a name.
        """
        self._check(names)
        self._chosen = self._numbers(names)
        self._next = 0
        if self._leaving:
            return
        if self._shown not in self._chosen:
            self._end_us = self.now_us + self._style.leave_us
            return
        self._next = self._chosen.index(self._shown) + 1
        if len(self._chosen) == 1:
            self._end_us = None
        elif self._end_us is None:
            self._end_us = self.now_us + self._style.period_us - self._style.enter_us

    def hold(self, x: float, y: float) -> None:
        """Draw the thing to this place (px); it comes after the pointer, and does not leave while it is held."""
        width, height = self.resolution
        if not self._held:
            pose = self.shown(self.now_us)[0].pose
            self._held = True
            self._middle = pose.x, pose.y
            if self._leaving:  # held back
                self._end_us = self.now_us + self._style.period_us
        self._goal = min(max(x, 0.0), float(width)), min(max(y, 0.0), float(height))

    def let_go(self) -> None:
        """Let it be waved on from where it was drawn to."""
        if self._held:
            self._held = False
            wave, reach = self._motion.wave(self._seconds(self.now_us)), self._reach
            away = reach[0] * wave.across, reach[1] * wave.up
            self._middle = self._middle[0] - away[0], self._middle[1] - away[1]
            self._goal = self._goal[0] - away[0], self._goal[1] - away[1]

    def labels(self, time_us: int) -> tuple[str, ...]:
        """The thing that is at least half way near; none in between."""
        since_us = time_us - self._since_us
        left_us = None if self._end_us is None else self._end_us - time_us
        near = since_us >= self._style.enter_us // 2 and (left_us is None or left_us > self._style.leave_us // 2)
        return (self.things[self._shown].label,) if near else ()

    def shown(self, time_us: int) -> Sequence[Shown]:
        """The one thing; of the time after the last picture, what will be there if nobody interferes."""
        style = self._style
        near = come(time_us - self._since_us, style.enter_us)
        if self._end_us is not None:
            near = min(near, come(self._end_us - time_us, style.leave_us))
        seconds = self._seconds(time_us)
        wave = self._motion.wave(seconds)
        if self._held:
            wave = wave._replace(across=0.0, up=0.0)
        middle = self._middle_at(time_us)
        pose = waved(wave, style, middle, hand_reach(self.resolution), self._half * near, seconds)
        return (Shown(self._shown, pose),)

    def render(self, time_us: int, out: LogImage) -> Region:
        """Go on to this time, and draw it."""
        self._go_on(time_us)
        return super().render(time_us, out)

    # --- time ---

    def _begin_anew(self) -> None:
        self._turn, self._next, self._held = -1, 0, False
        self._take_next(0)

    def _go_on(self, time_us: int) -> None:
        if time_us < self.now_us:
            self._begin_anew()
        self._middle = self._middle_at(time_us)
        if self._held and self._end_us is not None:
            self._end_us += time_us - self.now_us
        while self._end_us is not None and time_us >= self._end_us:
            self._take_next(self._end_us)
        self.now_us = time_us

    def _take_next(self, time_us: int) -> None:
        """The next thing comes, to the middle."""
        self._turn += 1
        self._shown = self._chosen[self._next % len(self._chosen)]
        self._next += 1
        self._since_us = time_us
        self._end_us = time_us + self._style.period_us if len(self._chosen) > 1 else None
        self._motion = Motion(self._seed, self._turn)
        self._middle = self._goal = self.resolution.width / 2, self.resolution.height / 2

    def _middle_at(self, time_us: int) -> tuple[float, float]:
        """What it is waved around, on its way to where it was drawn."""
        left = float(np.exp(-(time_us - self.now_us) / _FOLLOWING_US))
        x, y = (goal + (middle - goal) * left for goal, middle in zip(self._goal, self._middle, strict=True))
        return (x, y) if np.hypot(x - self._goal[0], y - self._goal[1]) > _ARRIVED_PX else self._goal

    @property
    def _reach(self) -> tuple[float, float]:
        x, y = hand_reach(self.resolution)
        return x * self._style.pace * self._style.reach, y * self._style.pace * self._style.reach

    @property
    def _leaving(self) -> bool:
        return self._end_us is not None and self._end_us - self.now_us <= self._style.leave_us

    def _seconds(self, time_us: int) -> float:
        return (time_us - self._since_us) / 1e6

    def _numbers(self, names: Sequence[str]) -> tuple[int, ...]:
        return tuple(self.names.index(name) for name in dict.fromkeys(names)) or tuple(range(len(self.names)))

    def _check(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self.names:
                thing(name)  # which says what there is
