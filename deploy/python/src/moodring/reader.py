"""Turns topics and payloads into messages, and tells each event once. No I/O here.

Events come at least once: after a broken connection one may come twice. `run` and `seq` tell. `seq` counts 1, 2, 3
in each run, so a jump means that events were missed: a `Gap` says which.
"""

from __future__ import annotations

from collections import OrderedDict

from .messages import Event, Gap, Message, read_event, read_state, read_status

# Runs whose newest number is remembered: each start of the device is a run.
MOST_RUNS = 64
LEAVES = ("status", "state", "event")


class Reader:
    """Reads what one device publishes."""

    def __init__(self, device: str, prefix: str = "moodring") -> None:
        if not device or any(char in device for char in "/+#\0"):
            raise ValueError(f"{device!r} is no device's name: no /, + and # in it, and not empty")
        self.root = f"{prefix}/{device}"
        self._newest: OrderedDict[str, int] = OrderedDict()

    def topics(self) -> list[str]:
        """What to subscribe to."""
        return [f"{self.root}/{leaf}" for leaf in LEAVES]

    def read(self, topic: str, payload: bytes) -> list[Message]:
        """The messages in one publication; none for other topics and for an event that was told before.

        Raises `MessageError` for a payload that no moodring publishes.
        """
        leaf = topic.removeprefix(self.root + "/")
        if leaf == "event":
            return self.admit(read_event(payload))
        if leaf == "state" and payload:
            return [read_state(payload)]
        # An empty retained message takes the topic back: the device got another name.
        if leaf == "status" and payload:
            return [read_status(payload)]
        return []

    def admit(self, event: Event) -> list[Message]:
        """The event, behind the gap before it, if any; nothing if it was told before."""
        newest = self._newest.get(event.run)
        if newest is not None and event.seq <= newest:
            return []
        self._newest[event.run] = event.seq
        self._newest.move_to_end(event.run)
        if len(self._newest) > MOST_RUNS:
            self._newest.popitem(last=False)
        # The first event that is heard of a run says nothing about those before: this program was not there.
        if newest is None or event.seq == newest + 1:
            return [event]
        return [Gap(event.run, newest + 1, event.seq - 1), event]
