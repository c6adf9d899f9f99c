"""Values that move: bars glide to a new value, digits change only now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from collections.abc import Set as AbstractSet
from typing import Generic, TypeVar

from app.theme import BAR_MS

TICK_MS = 34
"""Animated widgets tick at most this often: under 30 Hz."""
DIGITS_S = 0.25
"""Digits change at most this often, so that they can be read."""

Clock = Callable[[], float]
Key = TypeVar("Key", bound=Hashable)


def out_cubic(progress: float) -> float:
    """Fast, then slow; `progress` and the result run from 0 to 1."""
    return 1 - (1 - min(1.0, max(0.0, progress))) ** 3


def in_out_cubic(progress: float) -> float:
    """Slow, fast, slow; `progress` and the result run from 0 to 1."""
    progress = min(1.0, max(0.0, progress))
    return 4 * progress**3 if progress < 0.5 else 1 - (2 - 2 * progress) ** 3 / 2


def percent_text(probability: float) -> str:
    """``87%``; ``<1%`` for what would read 0%."""
    percent = round(probability * 100)
    return f"{percent}%" if percent >= 1 else "<1%"


def percent_words(probability: float) -> str:
    """The same for a screen reader: ``87 percent``."""
    percent = round(probability * 100)
    return f"{percent} percent" if percent >= 1 else "less than 1 percent"


class Glides(Generic[Key]):
    """Many values, each gliding to its target with `out_cubic`; read lazily, so that unseen ones cost nothing.

    Parameters
    ----------
    clock : callable
        Seconds, monotonic.
    milliseconds : int
        Length of a glide; 0 jumps.
    """

    def __init__(self, clock: Clock = time.monotonic, milliseconds: int = BAR_MS) -> None:
        self._clock = clock
        self.milliseconds = milliseconds
        self._glides: dict[Key, tuple[float, float, float]] = {}  # start, target, began
        self._moving_until = 0.0

    def move(self, key: Key, target: float) -> None:
        """Glide to `target` from where the value is now; a new key starts at 0."""
        old = self._glides.get(key)
        if old is not None and old[1] == target:
            return
        now = self._clock()
        self._glides[key] = (self.value(key), target, now)
        self._moving_until = now + self.milliseconds / 1000

    def jump(self, key: Key, value: float) -> None:
        """Be there at once."""
        self._glides[key] = (value, value, self._clock())

    def value(self, key: Key) -> float:
        """The value now."""
        start, target, began = self._glides.get(key, (0.0, 0.0, 0.0))
        if start == target or self.milliseconds <= 0:
            return target
        return start + (target - start) * out_cubic((self._clock() - began) * 1000 / self.milliseconds)

    def target(self, key: Key) -> float:
        """Where the value is going."""
        return self._glides.get(key, (0.0, 0.0, 0.0))[1]

    def moving(self) -> bool:
        """Whether a value may still change."""
        return self._clock() < self._moving_until

    def keep(self, keys: AbstractSet[Key]) -> None:
        """Forget all others."""
        self._glides = {key: glide for key, glide in self._glides.items() if key in keys}

    def clear(self) -> None:
        """Forget all."""
        self._glides.clear()


class Readings(Generic[Key]):
    """What digits show: newly offered values come out together, at most once in `DIGITS_S`."""

    def __init__(self, clock: Clock = time.monotonic, interval_s: float = DIGITS_S) -> None:
        self._clock = clock
        self._interval = interval_s
        self._waiting: dict[Key, float] = {}
        self._changed_at = float("-inf")
        self.shown: dict[Key, float] = {}

    def offer(self, values: dict[Key, float]) -> bool:
        """Take the newest values; whether `shown` changed."""
        self.hold(values)
        return self.flush()

    def hold(self, values: dict[Key, float]) -> None:
        """Take the newest values for the next `flush`."""
        self._waiting = values

    def flush(self) -> bool:
        """Show what waits if enough time has passed; whether `shown` changed."""
        if self._waiting == self.shown or self.wait_s() > 0:
            return False
        self.shown = dict(self._waiting)
        self._changed_at = self._clock()
        return True

    def wait_s(self) -> float:
        """Seconds until digits may change again; 0 when they may now."""
        return max(0.0, self._changed_at + self._interval - self._clock())

    @property
    def pending(self) -> bool:
        """Whether newer values wait."""
        return self._waiting != self.shown

    def reset(self) -> None:
        """Show nothing, and let the next values out at once."""
        self._waiting, self.shown, self._changed_at = {}, {}, float("-inf")
