"""Payloads to records: whole ones, newer ones, broken ones, and whatever a stranger sends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moodring import Event, Gap, MessageError, State, Status
from moodring.mailbox import Mailbox
from moodring.messages import read_event, read_state
from moodring.reader import Reader

STATE: dict[str, Any] = {
    "schema": 1,
    "device": "hall",
    "run": "1179d517bb41affe",
    "seq": 5,
    "time": "2026-11-22T05:51:55.381Z",
    "mood": "happy",
    "emoji": "😀",
    "confidence": 0.75,
    "since": "2026-11-22T05:51:50Z",
    "track": 3,
    "people_count": 1,
    "people": [
        {
            "track": 3,
            "box": [1.0, 2, 3.5, 4],
            "score": 0.9,
            "roll_deg": None,
            "expression": "happy",
            "confidence": 0.75,
            "scores": {"happy": 0.75, "sad": 0.25},
        }
    ],
    "camera": "running",
    "frame_px": [640, 480],
}
EVENT: dict[str, Any] = {
    "schema": 1,
    "device": "hall",
    "run": "1179d517bb41affe",
    "seq": 5,
    "time": "2026-11-22T05:51:55.381Z",
    "kind": "changed",
    "from": "neutral",
    "to": "surprise",
}


def event(seq: int, run: str = "a") -> Event:
    return read_event(json.dumps(EVENT | {"seq": seq, "run": run}))


def test_a_state_is_read_with_what_is_newer_in_raw() -> None:
    state = read_state(json.dumps(STATE | {"weather": "fine"}))
    assert (state.mood, state.confidence, state.people[0].box) == ("happy", 0.75, (1.0, 2.0, 3.5, 4.0))
    assert state.people[0].roll_deg is None
    assert state.time.utcoffset() is not None and state.time.microsecond == 381_000
    assert state.raw["weather"] == "fine"


def test_an_event_is_read_and_what_it_lacks_is_none() -> None:
    read = event(5)
    assert (read.kind, read.before, read.after, read.track, read.confidence) == ("changed", "neutral", "surprise", None, None)


@pytest.mark.parametrize("name", STATE)
@pytest.mark.parametrize("value", ["absent", True, {"a": 1}, [[]]])
def test_every_broken_field_of_a_state_is_named(name: str, value: Any) -> None:
    if (name, value) == ("track", "absent"):
        pytest.skip("whose mood it is may be missing")
    broken = {key: entry for key, entry in STATE.items() if key != name}
    if value != "absent":
        broken[name] = value
    if name == "people" and value == [[]]:
        with pytest.raises(MessageError, match="people"):
            read_state(json.dumps(broken))
    else:
        with pytest.raises(MessageError, match=f"`{name}`"):
            read_state(json.dumps(broken))


@pytest.mark.parametrize(
    ("payload", "hint"),
    [(b"\xa1fschema\x01", "format"), (b"[]", "no JSON object"), (b'{"schema":2}', "newer"), (b"{", "JSON")],
)
def test_what_is_no_message_of_ours_says_what_to_do(payload: bytes, hint: str) -> None:
    with pytest.raises(MessageError, match=hint):
        read_state(payload)


@given(st.binary(max_size=200), st.sampled_from(["state", "event", "status", "other/set"]))
def test_a_strangers_bytes_raise_nothing_else(payload: bytes, leaf: str) -> None:
    try:
        Reader("hall").read(f"moodring/hall/{leaf}", payload)
    except MessageError:
        pass


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from(sorted(STATE)), JSON)
def test_any_json_in_any_field_raises_nothing_else(name: str, value: Any) -> None:
    try:
        read_state(json.dumps(STATE | {name: value}))
    except MessageError:
        pass


def test_an_event_is_told_once_and_a_jump_is_a_gap() -> None:
    reader = Reader("hall")
    told = [message for seq in (4, 5, 5, 4, 8, 9) for message in reader.admit(event(seq))]
    assert told == [event(4), event(5), Gap("a", 6, 7), event(8), event(9)]
    assert reader.admit(event(1, "b")) == [event(1, "b")], "another run counts anew"


def test_other_topics_and_empty_messages_are_no_messages() -> None:
    reader = Reader("hall", "home/moodring")
    assert reader.topics() == ["home/moodring/hall/status", "home/moodring/hall/state", "home/moodring/hall/event"]
    assert reader.read("home/moodring/hall/status", b"offline") == [Status.OFFLINE]
    assert reader.read("home/moodring/hall/status", b"") == []
    assert reader.read("moodring/hall/status", b"online") == []
    for name in ("", "a/b", "#", "+"):
        with pytest.raises(ValueError):
            Reader(name)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=60), st.integers(1, 8))
def test_whatever_waits_no_event_is_lost_silently(puts: list[tuple[str, bool]], most: int) -> None:
    mailbox, seq, put = Mailbox(most), {"a": 0, "b": 0}, 0
    for run, is_event in puts:
        if is_event:
            seq[run] += 1
            put += 1
            mailbox.put(event(seq[run], run))
        else:
            mailbox.put(read_state(json.dumps(STATE)))
    told: dict[str, list[int]] = {"a": [], "b": []}
    states = 0
    while (message := mailbox.take()) is not None:
        if isinstance(message, Gap):
            told[message.run].extend(range(message.first, message.last + 1))
        elif isinstance(message, Event):
            told[message.run].append(message.seq)
        else:
            assert isinstance(message, State)
            states += 1
    assert {run: list(range(1, count + 1)) for run, count in seq.items()} == told
    assert states <= 1
