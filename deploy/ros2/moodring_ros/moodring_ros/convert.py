"""A moodring's JSON to messages. Raises `ValueError`, `KeyError` or `TypeError` for what no moodring publishes.

Every field is checked here: rclpy checks none when a message is made, and C code behind it would end the process.
"""

import json
import math
from datetime import datetime

from builtin_interfaces.msg import Time
from moodring_msgs.msg import Mood, MoodEvent, Person

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def number(value):
    """A number, or NaN where the device has none."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 3e38:
        raise TypeError(f"{value!r:.60} is no number")
    return float(value)


def whole(value, most=2**32 - 1):
    """A whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise TypeError(f"{value!r:.60} is no whole number from 0 to {most}")
    return value


def text(value):
    """A text that UTF-8 can hold."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.60} is no text")
    value.encode()
    return value


def track(value, none):
    """A face's number, or the one for nobody's."""
    return none if value is None else whole(value)


def time(rfc3339):
    """RFC 3339 in UTC to a stamp."""
    at = datetime.fromisoformat(rfc3339.replace("Z", "+00:00"))
    if at.tzinfo is None or not 1970 <= at.year < 2106:
        raise ValueError(f"{rfc3339!r:.60} is no time that a stamp can hold")
    # In whole microseconds: a float of these seconds has no digits left for the fraction.
    micros = (at - datetime(1970, 1, 1, tzinfo=at.tzinfo)) // MICROSECOND
    return Time(sec=micros // 1_000_000, nanosec=micros % 1_000_000 * 1000)


MICROSECOND = datetime.resolution


def person(raw, width, height):
    """One person of a state."""
    x, y, w, h = (number(side) for side in raw["box"])
    roll = number(raw["roll_deg"])
    return Person(
        track=whole(raw["track"]),
        x=x,
        y=y,
        width=w,
        height=h,
        center_x=(x + w / 2) / (width / 2) - 1 if width else 0.0,
        center_y=(y + h / 2) / (height / 2) - 1 if height else 0.0,
        score=number(raw["score"]),
        roll=math.radians(roll),
        expression=text(raw["expression"]),
        confidence=number(raw["confidence"]),
        scores=[number(raw["scores"][name]) for name in EXPRESSIONS],
    )


def mood(payload, frame_id):
    """The payload of `moodring/ID/state`."""
    raw = json.loads(payload)
    if not isinstance(raw["people"], list):
        raise TypeError("`people` is no list")
    width, height = (whole(side) for side in raw["frame_px"])
    message = Mood(
        device=text(raw["device"]),
        online=True,
        mood=text(raw["mood"]),
        emoji=text(raw["emoji"]),
        confidence=number(raw["confidence"]),
        since=time(raw["since"]),
        track=track(raw["track"], Mood.NO_TRACK),
        people_count=whole(raw["people_count"]),
        people=[person(one, width, height) for one in raw["people"]],
        camera=text(raw["camera"]),
        image_width=width,
        image_height=height,
    )
    message.header.stamp = time(raw["time"])
    message.header.frame_id = frame_id
    return message


def event(payload, frame_id):
    """The payload of `moodring/ID/event`."""
    line = payload.decode()
    raw = json.loads(line)
    message = MoodEvent(
        device=text(raw["device"]),
        run=text(raw["run"]),
        seq=whole(raw["seq"], 2**64 - 1),
        kind=text(raw["kind"]),
        track=track(raw.get("track"), MoodEvent.NO_TRACK),
        before=text(raw.get("from") or ""),
        after=text(raw.get("to") or ""),
        json=line,
    )
    message.header.stamp = time(raw["time"])
    message.header.frame_id = frame_id
    return message
