"""Tells a still scene from a dead stream, sense from nonsense, and how a camera's clock goes."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from itertools import pairwise
from statistics import median

DEAD_S = 3.0
"""A camera that gives signs of life without events, and then none for so long, is dead."""
DOUBTFUL_S = 30.0
"""One that never gives any is started again after so long without an event, to be sure; then half as often."""
MOST_DOUBTFUL_S = 600.0
TICK_AT_MOST_S = 0.5
"""Counted between two looks, however long they were apart: a machine that slept did not listen."""
DRIFT_US_A_MINUTE = 10_000
STEP_S = 10.0
STEPS_A_MINUTE = 6
LEAP_US = 9_000_000
"""Time does not go on by more than this in one packet, unless that long has passed, or the clock was set back."""
STILL_S = 0.5
"""A camera's time that stands still for so long, while packets come, has been set back."""
AHEAD_US = 300_000
"""A camera's time that gets so far ahead at once has been set back: the driver took that for a wrap."""
AHEAD_AT_FIRST_US = 2_000_000
SETTLING_S = 1.0
"""So long more is allowed: where a machine is busy as the camera is opened, all that comes at first may be late."""
MOST_LOSS = 0.001
"""No clock loses more than this part of the time."""
DRIVER_KEEPS_S = 2.56
"""dv-processing keeps the last 256 packets of 10 ms for a reader that is late; what came before is lost."""
TRACK_LOST_US = 4_000_000
"""Where so much less time has passed for a camera's clock than for this computer's while packets were lost, the driver
has lost track: the shortest clock (of EVT3, 24 bits of microseconds) wraps after 16.8 s, and what is more than half of
that ahead looks as if it had been set back."""
GAP_US = 5_000
"""Between two packets of a busy scene, where one is missing."""
TOLD_EVERY_S = 60.0
OUTSIDE_SHARE = 0.1
OUTSIDE_EVENTS = 100
"""Events that lie outside the sensor in one packet, and their share of it, that no camera sends."""


class SilenceWatch:
    """How long a camera has given no events and no other signs of life.

    Parameters
    ----------
    clock_s : callable
        A clock that never jumps.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._looked_s = clock_s()
        self._patience_s = DOUBTFUL_S
        self._shows_life = False
        self.silent_s = 0.0
        """Without events and without signs of life."""

    def events_came(self) -> None:
        """Note that events have come."""
        self._look()
        self.silent_s = 0.0
        self._patience_s = DOUBTFUL_S

    def sign_came(self) -> None:
        """Note that something has come that a camera sends before a still scene too."""
        self._look()
        self.silent_s = 0.0
        self._shows_life = True

    def nothing_came(self) -> None:
        """Note that nothing has come since the last time."""
        self.silent_s += self._look()

    @property
    def is_dead(self) -> bool:
        """Whether it has stopped sending what it sends before a still scene too."""
        return self._shows_life and self.silent_s >= DEAD_S

    def is_doubtful(self) -> bool:
        """Whether nobody can say if it lives, and it should be started again; waits twice as long the next time."""
        if self._shows_life or self.silent_s < self._patience_s:
            return False
        self.silent_s = 0.0
        self._patience_s = min(self._patience_s * 2, MOST_DOUBTFUL_S)
        return True

    def _look(self) -> float:
        before_s, self._looked_s = self._looked_s, self._clock_s()
        return min(self._looked_s - before_s, TICK_AT_MOST_S)


class DriftMeter:
    """How much a camera's clock gains on this computer's.

    Events are under way for a time that varies, but is never less than some minimum. So the smallest lead of this
    computer's clock over the camera's in each `STEP_S` is kept, and compared with that a minute before.

    Parameters
    ----------
    clock_s : callable
        A clock that never jumps.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._steps: deque[float] = deque(maxlen=STEPS_A_MINUTE + 2)
        """Smallest lead in each step (µs)."""
        self._step_began_s: float | None = None
        self._lead_us = 0.0

    def restart(self) -> None:
        """The camera's clock was set anew."""
        self._steps.clear()
        self._step_began_s = None

    def saw(self, camera_us: int) -> None:
        """Note what the camera's clock shows, as told by what has just come (µs)."""
        now_s = self._clock_s()
        lead_us = now_s * 1e6 - camera_us
        if self._step_began_s is None:
            self._step_began_s, self._lead_us = now_s, lead_us
        elif now_s - self._step_began_s < STEP_S:
            self._lead_us = min(self._lead_us, lead_us)
        elif now_s - self._step_began_s < 2 * STEP_S:
            self._steps.append(self._lead_us)
            self._step_began_s += STEP_S
            self._lead_us = lead_us
        else:  # nothing came for a while: minutes are counted anew
            self.restart()
            self.saw(camera_us)

    @property
    def gain_us_a_minute(self) -> float | None:
        """What the camera's clock gains in a minute (µs, negative: loses); None before more than a minute is over.

        0 where the lead has jumped rather than grown: then events were late for a while.
        """
        steps = list(self._steps)
        if len(steps) < STEPS_A_MINUTE + 2:
            return None
        over_a_minute = steps[0] - steps[STEPS_A_MINUTE]
        in_most_steps = STEPS_A_MINUTE * median(before - after for before, after in pairwise(steps))
        grows = in_most_steps * over_a_minute > 0 and abs(in_most_steps) >= abs(over_a_minute) / 2
        return min(over_a_minute, in_most_steps, key=abs) if grows else 0.0

    @property
    def is_large(self) -> bool:
        """Whether it is worth telling."""
        gain = self.gain_us_a_minute
        return gain is not None and abs(gain) > DRIFT_US_A_MINUTE


class TimeCheck:
    """Whether a camera's time goes on as time does, for drivers that take anything for events.

    A driver whose camera tells only the lowest bits of its time cannot know a clock that was set back. Where the time
    falls by less than half of what these bits hold, it waits until the clock has caught up; where it falls by more, it
    takes that for a wrap, and the time gets ahead. What comes late, or is read late, never looks ahead.

    Parameters
    ----------
    clock_s : callable
        A clock that never jumps.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._looked_s = clock_s()
        self._shown_us: int | None = None
        self._still_s = 0.0
        self._lead_us = math.inf
        """Smallest one of this computer's clock over the camera's."""
        self._settled_s = math.inf
        self.leaps = False
        """By more than any camera's does."""
        self.stands_still = False
        self.gets_ahead = False

    def saw(self, camera_us: int, packets: int, waiting: int = 0) -> None:
        """Note what the camera's clock shows after so many packets, while so many more wait to be read."""
        before_s, self._looked_s = self._looked_s, self._clock_s()
        passed_s = self._looked_s - before_s
        self._compare(self._looked_s * 1e6 - camera_us, passed_s, waiting)
        if self._shown_us is not None:
            gone_us = camera_us - self._shown_us
            self.leaps = gone_us > LEAP_US * max(packets, 1) + passed_s * 2e6
            self._still_s = self._still_s + min(passed_s, TICK_AT_MOST_S / 2) if gone_us <= 0 else 0.0
            self.stands_still = self._still_s >= STILL_S
            camera_us = max(camera_us, self._shown_us)  # drivers let the lowest bits of a time that was set back run
        self._shown_us = camera_us

    def _compare(self, lead_us: float, passed_s: float, waiting: int) -> None:
        allowed_us = AHEAD_US if self._looked_s >= self._settled_s else AHEAD_AT_FIRST_US
        self.gets_ahead = not math.isinf(self._settled_s) and lead_us < self._lead_us - allowed_us
        self._lead_us = min(lead_us, self._lead_us + passed_s * 1e6 * MOST_LOSS)
        if not waiting and math.isinf(self._settled_s):
            self._settled_s = self._looked_s + SETTLING_S


class LossWatch:
    """Whether events were lost because they were read too late: a driver keeps them for a while only.

    Parameters
    ----------
    clock_s : callable
        A clock that never jumps.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._looked_s = clock_s()
        self._lead_us = math.inf
        """Smallest one of this computer's clock over the camera's."""
        self._last_us: int | None = None
        self._doubtful_until_us = -math.inf
        self._dropped = 0
        self._doubtful_looks = 0
        """More at packets that may come after lost ones."""
        self._behind_us: float | None = None
        """The camera's clock behind this computer's, as the last packet came."""
        self._lost = False
        self._told_s = -math.inf
        self.track_lost = False
        """Whether so much was lost at once that the driver no longer knows how often the camera's clock wrapped."""

    def saw(self, first_us: int, last_us: int) -> None:
        """Note events from `first_us` to `last_us` that have just been read, of a driver that does not tell its losses.

        Where they have waited for nearly as long as it keeps any, a gap before them is what it has lost, or one soon
        after them, where it keeps the first and not the last.
        """
        before_s, self._looked_s = self._looked_s, self._clock_s()
        lead_us = self._looked_s * 1e6 - last_us
        if lead_us - self._lead_us >= DRIVER_KEEPS_S * 0.9e6:
            self._doubtful_until_us = last_us + DRIVER_KEEPS_S * 1.1e6
        if self._last_us is not None and first_us - self._last_us >= GAP_US:
            self._lost = self._lost or self._last_us <= self._doubtful_until_us
        self._lead_us = min(lead_us, self._lead_us + (self._looked_s - before_s) * 1e6 * MOST_LOSS)
        self._last_us = last_us

    def dropped(self, in_all: int) -> None:
        """Note how many packets a driver says it has lost."""
        if in_all > self._dropped:
            self._lost, self._doubtful_looks = True, 2
        self._dropped = in_all

    def came(self, came_us: float, camera_us: int, waiting: int) -> None:
        """Note when a packet came, by this computer's clock, what the camera's showed, and how many more wait.

        Lost are those that came while as many waited as the driver keeps: the next ones come when these were read.
        """
        before_us, self._behind_us = self._behind_us, came_us - camera_us
        if before_us is not None and self._doubtful_looks and self._behind_us - before_us > TRACK_LOST_US:
            self.track_lost = True
        if not waiting:
            self._doubtful_looks = max(self._doubtful_looks - 1, 0)

    def restart(self) -> None:
        """The camera was opened anew."""
        self._lead_us, self._last_us, self._doubtful_until_us, self._dropped = math.inf, None, -math.inf, 0
        self._behind_us, self._doubtful_looks, self.track_lost = None, 0, False

    def is_news(self) -> bool:
        """Whether something was lost that is to be told now: once, and again where more is lost a minute later."""
        if not self._lost or self._clock_s() - self._told_s < TOLD_EVERY_S:
            return False
        self._lost, self._told_s = False, self._clock_s()
        return True


def mostly_outside(events: int, outside: int) -> bool:
    """Whether so many of so many events lie outside the sensor that they are none."""
    return outside >= OUTSIDE_EVENTS and outside > events * OUTSIDE_SHARE
