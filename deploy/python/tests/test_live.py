"""Both ways, plain and with asyncio, against the real daemon and a real broker."""

from __future__ import annotations

import asyncio
import struct
import time
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from conftest import DEADLINE_S, TOKEN, Home, free_port
from moodring import (
    AsyncHttpDevice,
    AsyncMqttDevice,
    ConnectionLostError,
    Event,
    HttpDevice,
    Message,
    MqttDevice,
    RefusedError,
    State,
    Status,
)


def is_turned_off(message: Message) -> bool:
    return isinstance(message, Event) and message.kind == "camera" and message.after == "off"


def grey_png() -> bytes:
    """A small picture without a face."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\0" + b"\x80" * 64) * 64)
    header = struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_mqtt(home: Home) -> None:
    seen: list[Message] = []
    with MqttDevice("hall", port=home.broker_port) as device:
        state = device.state(DEADLINE_S)
        assert state.device == "hall" and len(state.frame_px) == 2
        assert device.set("camera", "off") == "off"
        for message in device.messages(DEADLINE_S):
            seen.append(message)
            if is_turned_off(message):
                break
        assert Status.ONLINE in seen and any(isinstance(message, State) for message in seen)
        assert device.set("camera", "on") == "on"
        assert device.set("sensitivity", 60) == "60"
        assert device.set("sensitivity", 60) == "60", "an answer comes also where nothing changes"
        with pytest.raises(RefusedError, match="0 to 100"):
            device.set("sensitivity", 101)
        with pytest.raises(RefusedError, match="no answer to door"):
            device.set("door", "open", timeout_s=1)
        for broken in ("", "a/b", "#"):
            with pytest.raises(ValueError):
                device.set(broken, "x")
    with pytest.raises(ConnectionLostError, match="no broker"), MqttDevice("hall", port=free_port()):
        pass
    with MqttDevice("nobody", port=home.broker_port) as other, pytest.raises(ConnectionLostError, match="id"):
        other.state(0.5)


def test_mqtt_goes_on_after_the_broker_was_away(home: Home) -> None:
    with MqttDevice("hall", port=home.broker_port, client_id="test-away") as device:
        device.state(DEADLINE_S)
        home.stop_broker()
        time.sleep(1)
        home.start_broker()
        end = time.monotonic() + DEADLINE_S
        before = device.state().time
        while device.state().time <= before:
            assert time.monotonic() < end, "no state came after the broker was back"
            time.sleep(0.1)


def test_mqtt_with_asyncio(home: Home) -> None:
    async def walk() -> None:
        async with AsyncMqttDevice("hall", port=home.broker_port) as device:
            assert (await device.state(DEADLINE_S)).device == "hall"
            assert await device.set("camera", "off") == "off"
            assert await first(device.messages(DEADLINE_S), is_turned_off)
            assert await device.set("camera", "on") == "on"
            with pytest.raises(RefusedError, match="one of"):
                await device.set("camera", "maybe")
            home.stop_broker()
            await asyncio.sleep(0.5)
            with pytest.raises((ConnectionLostError, RefusedError)):
                await device.set("camera", "on", timeout_s=1)
            home.start_broker()
            assert await first(device.messages(DEADLINE_S), lambda message: isinstance(message, State))
        with pytest.raises(ConnectionLostError, match="no broker"):
            async with AsyncMqttDevice("hall", port=free_port()):
                pass

    asyncio.run(walk())


async def first(messages: Any, fits: Callable[[Message], bool]) -> bool:
    async for message in messages:
        if fits(message):
            return True
    return False


def test_http(home: Home) -> None:
    with HttpDevice(home.url, token=TOKEN) as device:
        assert device.state().device == "hall"
        answer = device.analyze(grey_png())
        assert (answer["width"], answer["faces"]) == (64, [])
        device.set("camera", "off")
        assert any(is_turned_off(message) for message in device.messages())
        device.set("camera", "on")
        with pytest.raises(RefusedError, match="camera"):
            device.set("door", "open")
        with pytest.raises(RefusedError):
            device.analyze(b"no picture")
    with HttpDevice(home.url) as stranger:
        with pytest.raises(RefusedError, match="log in"):
            stranger.state()
        with pytest.raises(RefusedError, match="log in"):
            next(stranger.messages())
    with HttpDevice(f"http://127.0.0.1:{free_port()}") as nobody, pytest.raises(ConnectionLostError, match="reached"):
        nobody.state()


def test_http_with_asyncio(home: Home) -> None:
    async def walk() -> None:
        async with AsyncHttpDevice(home.url, token=TOKEN) as device:
            assert (await device.state()).device == "hall"
            assert (await device.analyze(grey_png()))["faces"] == []
            await device.set("camera", "off")
            assert await first(device.messages(), is_turned_off)
            await device.set("camera", "on")
            with pytest.raises(RefusedError, match="camera"):
                await device.set("camera", "maybe")
            await refused(device.set, "door", "open")

    asyncio.run(walk())


async def refused(ask: Callable[[str, str], Awaitable[None]], thing: str, value: str) -> None:
    with pytest.raises(RefusedError):
        await ask(thing, value)
