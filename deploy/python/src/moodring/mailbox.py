"""What waits for a program that reads slowly. No I/O and no lock here; who uses it brings one.

The newest state replaces one that waits. Events all wait, up to a bound; beyond it the oldest go, and a `Gap` says
which, so that nothing is lost silently.
"""

from __future__ import annotations

from collections import deque

from .messages import Event, Gap, Message, State

MOST = 10_000


class Mailbox:
    """Messages that wait."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._messages: deque[Message] = deque()
        self._lost: dict[str, Gap] = {}

    def __len__(self) -> int:
        return len(self._lost) + len(self._messages)

    def put(self, message: Message) -> None:
        """Adds a message."""
        if isinstance(message, State):
            for at, waiting in enumerate(self._messages):
                if isinstance(waiting, State):
                    del self._messages[at]
                    break
        self._messages.append(message)
        if len(self._messages) > self._most:
            self._give_up(self._messages.popleft())

    def take(self) -> Message | None:
        """The oldest message, or None."""
        for run in self._lost:
            return self._lost.pop(run)
        return self._messages.popleft() if self._messages else None

    def _give_up(self, message: Message) -> None:
        """Remembers which events are lost. They go oldest first, so those of one run are neighbours."""
        if isinstance(message, Event):
            message = Gap(message.run, message.seq, message.seq)
        if isinstance(message, Gap):
            before = self._lost.get(message.run, message)
            self._lost[message.run] = Gap(message.run, before.first, message.last)
