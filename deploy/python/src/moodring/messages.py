"""What a moodring publishes, as typed records. No I/O here.

Unknown fields are ignored, so that a newer device may say more. A missing field or one of the wrong type is a
`MessageError` that names it. Every record keeps its JSON in `raw`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, TypeAlias, TypeVar

from .errors import MessageError

T = TypeVar("T")
Json: TypeAlias = Mapping[str, Any]

# The newest message format that this package knows; a device that raises it changed the meaning of a field.
SCHEMA = 1


class Status(str, Enum):
    """Whether the device is there. The `State` of a device that is not online is old."""

    ONLINE = "online"
    STOPPED = "stopped"
    OFFLINE = "offline"


@dataclass(frozen=True)
class Person:
    """One person in view."""

    track: int
    """The number of this face; never used again in one run."""
    box: tuple[float, float, float, float]
    """Left, top, width, height in frame pixels."""
    score: float | None
    """How sure the detector is that it is a face, 0 to 1."""
    roll_deg: float | None
    """The head's tilt in degrees, clockwise positive."""
    expression: str
    confidence: float | None
    scores: Mapping[str, float | None]
    """A probability for each of the seven expressions."""


@dataclass(frozen=True)
class State:
    """What the device sees now."""

    device: str
    run: str
    seq: int
    """The number of the newest event."""
    time: datetime
    mood: str
    """An expression, `uncertain` or `nobody`."""
    emoji: str
    confidence: float | None
    since: datetime
    track: int | None
    people_count: int
    people: tuple[Person, ...]
    camera: str
    """`starting`, `running`, `lost`, `off` or `ended`."""
    frame_px: tuple[int, int]
    raw: Json = field(repr=False, compare=False)


@dataclass(frozen=True)
class Event:
    """A change. `device`, `run` and `seq` together are never used twice."""

    device: str
    run: str
    seq: int
    time: datetime
    kind: str
    """`appeared`, `left`, `changed`, `crowd`, `camera`, `fault`, `recovery`, `summary`, `dropped`, or a newer one."""
    track: int | None
    before: str | None
    """The mood or the camera's state before (`from` in the JSON)."""
    after: str | None
    """The mood or the camera's state now (`to` in the JSON)."""
    confidence: float | None
    raw: Json = field(repr=False, compare=False)


@dataclass(frozen=True)
class Gap:
    """Events `first` to `last` of this run never arrived here: nobody listened, and the broker kept none."""

    run: str
    first: int
    last: int


Message: TypeAlias = State | Event | Status | Gap


def read_status(payload: bytes) -> Status:
    """The payload of `PREFIX/ID/status`."""
    try:
        return Status(payload.decode())
    except ValueError:
        raise MessageError(f"status is {payload[:40]!r}, not online, stopped or offline") from None


def read_state(payload: bytes | str) -> State:
    """The payload of `PREFIX/ID/state`, or the answer to `GET /api/v1/state`."""
    raw = read_object(payload, "state")
    return State(
        device=take(raw, "device", str),
        run=take(raw, "run", str),
        seq=take(raw, "seq", int),
        time=take_time(raw, "time"),
        mood=take(raw, "mood", str),
        emoji=take(raw, "emoji", str),
        confidence=take_number(raw, "confidence"),
        since=take_time(raw, "since"),
        track=take_optional(raw, "track", int),
        people_count=take(raw, "people_count", int),
        people=tuple(read_person(person) for person in take(raw, "people", list)),
        camera=take(raw, "camera", str),
        frame_px=take_pair(raw, "frame_px"),
        raw=raw,
    )


def read_person(raw: Any) -> Person:
    """One entry of `people`."""
    if not isinstance(raw, dict):
        raise MessageError("an entry of `people` is no object")
    box = take(raw, "box", list)
    if len(box) != 4 or not all(is_number(side) for side in box):
        raise MessageError("`box` is not four numbers")
    scores = take(raw, "scores", dict)
    return Person(
        track=take(raw, "track", int),
        box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
        score=take_number(raw, "score"),
        roll_deg=take_number(raw, "roll_deg"),
        expression=take(raw, "expression", str),
        confidence=take_number(raw, "confidence"),
        scores={name: take_number(scores, name) for name in scores},
    )


def read_event(payload: bytes | str) -> Event:
    """The payload of `PREFIX/ID/event`."""
    raw = read_object(payload, "event")
    return Event(
        device=take(raw, "device", str),
        run=take(raw, "run", str),
        seq=take(raw, "seq", int),
        time=take_time(raw, "time"),
        kind=take(raw, "kind", str),
        track=take_optional(raw, "track", int),
        before=take_optional(raw, "from", str),
        after=take_optional(raw, "to", str),
        confidence=take_optional_number(raw, "confidence"),
        raw=raw,
    )


def read_object(payload: bytes | str, what: str) -> dict[str, Any]:
    """A JSON object of a schema that this package knows."""
    try:
        raw = json.loads(payload)
    except ValueError:
        hint = "; this package reads JSON: set [mqtt] format = \"json\" on the device"
        raise MessageError(f"the {what} is no JSON{hint}") from None
    if not isinstance(raw, dict):
        raise MessageError(f"the {what} is no JSON object")
    schema = take(raw, "schema", int)
    if schema > SCHEMA:
        raise MessageError(f"the {what} has schema {schema}; this package knows {SCHEMA}: take a newer one")
    return raw


def take(raw: Json, name: str, kind: type[T]) -> T:
    """The field `name`, which must be a `kind`."""
    if name not in raw:
        raise MessageError(f"`{name}` is missing")
    value = raw[name]
    # In Python True is an int, in JSON it is none.
    if not isinstance(value, kind) or isinstance(value, bool):
        raise MessageError(f"`{name}` is {value!r:.60}, not of type {kind.__name__}")
    return value


def take_optional(raw: Json, name: str, kind: type[T]) -> T | None:
    """The same; absent and `null` are None."""
    return None if raw.get(name) is None else take(raw, name, kind)


def is_number(value: Any) -> bool:
    """Whether it is a number of JSON."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def take_number(raw: Json, name: str) -> float | None:
    """A number, or `null` where the device has none."""
    if name not in raw:
        raise MessageError(f"`{name}` is missing")
    return take_optional_number(raw, name)


def take_optional_number(raw: Json, name: str) -> float | None:
    """The same; it may be absent."""
    value = raw.get(name)
    if value is None:
        return None
    if not is_number(value):
        raise MessageError(f"`{name}` is {value!r:.60}, not a number")
    return float(value)


def take_pair(raw: Json, name: str) -> tuple[int, int]:
    """Two whole numbers."""
    pair = take(raw, name, list)
    if len(pair) != 2 or not all(isinstance(value, int) and not isinstance(value, bool) for value in pair):
        raise MessageError(f"`{name}` is not two whole numbers")
    return pair[0], pair[1]


def take_time(raw: Json, name: str) -> datetime:
    """A time as RFC 3339 in UTC."""
    text = take(raw, name, str)
    try:
        # Python 3.10 reads no Z.
        time = datetime.fromisoformat(text.removesuffix("Z") + "+00:00" if text.endswith("Z") else text)
    except ValueError:
        raise MessageError(f"`{name}` is {text!r:.60}, not a time") from None
    if time.tzinfo is None:
        raise MessageError(f"`{name}` is {text!r:.60}, without a time zone")
    return time
