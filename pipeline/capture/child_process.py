"""A capture process as the supervisor holds it: its pipes, its heartbeat, its end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from typing import Any

from pipeline.capture.entry import STARTING_PATIENCE_S, ChildEnds, Opener, run_child
from pipeline.capture.memory import Phase, SharedMemory, Word
from pipeline.capture.messages import Close, Command, SetRendering, Status

ON_THE_WAY = 8
"""Commands sent and not yet taken; so few never fill a pipe."""
TICK_AT_MOST_S = 0.5
"""Counted for one look at the heart, however long the supervisor itself slept: a machine wakes up whole."""
DYING_S = 5.0


class ChildProcess:
    """Starts a capture process.

    Raises
    ------
    OSError
        The system does not allow it.
    """

    def __init__(
        self,
        context: SpawnContext,
        block: Any,
        memory: SharedMemory,
        *,
        frame_bell: Connection,
        room_bell: Connection,
        pictures: bool,
        rendering: SetRendering,
        opener: Opener | None,
    ) -> None:
        self._words = memory.words
        self._words[Word.PHASE] = Phase.STARTING
        self._words[Word.PATIENCE_S] = STARTING_PATIENCE_S
        self._words[Word.COMMANDS_TAKEN] = 0
        self._heartbeat = int(self._words[Word.HEARTBEAT])
        self._still_s = 0.0
        self._looked_at: float | None = None
        self._sent = 0
        self._on_the_way: deque[tuple[int, Command]] = deque()
        self.was_up = False
        """It has been ready for commands."""
        self.was_closed = False
        """It was asked to end."""
        theirs_control, self._control = context.Pipe(duplex=False)
        self._status, theirs_status = context.Pipe(duplex=False)
        ends = ChildEnds(
            block=block,
            control=theirs_control,
            status=theirs_status,
            frame_bell=frame_bell,
            room_bell=room_bell,
            pictures=pictures,
            rendering=rendering,
            opener=opener,
        )
        self._process = context.Process(target=run_child, args=(ends,), name="capture", daemon=True)
        try:
            self._process.start()
        except OSError:
            self._control.close()
            self._status.close()
            raise
        finally:
            theirs_control.close()
            theirs_status.close()
        self._can_hear = True

    # --- talking ---

    def takes_more(self) -> bool:
        """Whether a command can be sent without waiting."""
        self._forget_taken()
        return len(self._on_the_way) < ON_THE_WAY

    def send(self, generation: int, command: Command) -> None:
        """Send a command; one to a dead process stays `not_taken`."""
        self._on_the_way.append((generation, command))
        self._sent += 1
        self.was_closed = self.was_closed or isinstance(command, Close)
        try:
            self._control.send((generation, command))
        except OSError:
            return  # its end is noticed by its sentinel

    def not_taken(self) -> list[tuple[int, Command]]:
        """Give the commands sent that it never came to."""
        self._forget_taken()
        return list(self._on_the_way)

    def _forget_taken(self) -> None:
        waiting = self._sent - int(self._words[Word.COMMANDS_TAKEN])
        while len(self._on_the_way) > waiting:
            self._on_the_way.popleft()

    def statuses(self) -> Iterator[tuple[int, Status]]:
        """Yield what it has said since the last time."""
        try:
            while self._can_hear and self._status.poll():
                yield self._status.recv()
        except (EOFError, OSError):
            self._can_hear = False

    def to_wait_for(self) -> list[Any]:
        """Give what becomes ready when it speaks or ends."""
        return [self._process.sentinel, *([self._status] if self._can_hear else [])]

    # --- life ---

    def is_up(self) -> bool:
        """Whether it has loaded everything and takes commands."""
        self.was_up = self.was_up or self._words[Word.PHASE] != Phase.STARTING
        return self.was_up

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def hangs(self, now_s: float) -> bool:
        """Whether its heart has stood still for too long; to be asked regularly."""
        heartbeat = int(self._words[Word.HEARTBEAT])
        since_s = now_s - self._looked_at if self._looked_at is not None else 0.0
        self._looked_at = now_s
        self._still_s = self._still_s + min(since_s, TICK_AT_MOST_S) if heartbeat == self._heartbeat else 0.0
        self._heartbeat = heartbeat
        return self._still_s > float(self._words[Word.PATIENCE_S])

    def kill(self) -> None:
        self._process.kill()
        self._process.join(DYING_S)

    def finish(self) -> int | None:
        """Free what belongs to a process that has ended; gives its exit status."""
        self._process.join(DYING_S)
        exit_code = self._process.exitcode
        self._control.close()
        self._status.close()
        if exit_code is not None:
            self._process.close()
        return exit_code
