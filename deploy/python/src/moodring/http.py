"""A device over HTTP, plain and with asyncio, on httpx: for programs beside the device, without a broker.

Both classes do the same; `_Talk` has what they share: addresses, the reading of server-sent events, errors in words.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx

from .errors import ConnectionLostError, MessageError, RefusedError
from .messages import Message, State, read_event, read_state
from .reader import Reader

# The device sends a comment after 15 s of silence; three of them missing is a dead connection.
SILENCE_S = 45.0
RETRY_S = 2.0
# A line of server-sent events with a face in it has about 30 kB.
LONGEST_LINE = 4_000_000


class _Talk:
    """What both classes share."""

    def __init__(self) -> None:
        self.reader = Reader("device")
        self.last_id: str | None = None
        self._kind, self._data, self._begun = "", "", b""

    def stream_headers(self) -> dict[str, str]:
        """Goes on where the stream broke off: the device repeats what came meanwhile."""
        return {} if self.last_id is None else {"Last-Event-ID": self.last_id}

    def start_stream(self) -> None:
        """A line that was cut off is forgotten."""
        self._kind, self._data, self._begun = "", "", b""

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """The messages that these bytes complete. Only a line feed ends a line: JSON may hold other line ends."""
        *lines, self._begun = (self._begun + chunk).split(b"\n")
        if len(self._begun) > LONGEST_LINE:
            raise MessageError("a line of the event stream is too long")
        for line in lines:
            yield from self._read_line(line.decode(errors="replace"))

    def _read_line(self, line: str) -> list[Message]:
        """One line of server-sent events; a message when it ends one."""
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._kind = value
        elif name == "data":
            self._data = value
        elif name == "id":
            self.last_id = value
        elif not line:
            kind, data = self._kind, self._data
            self._kind, self._data = "", ""
            if kind == "state":
                return [read_state(data)]
            if kind == "event":
                return self.reader.admit(read_event(data))
        return []


def _checked(answer: httpx.Response) -> httpx.Response:
    """An answer that is none of success becomes an error with the device's own reason."""
    if answer.is_success:
        return answer
    try:
        reason = str(json.loads(answer.content)["error"])
    except (ValueError, KeyError, TypeError):
        reason = f"HTTP status {answer.status_code}"
    raise RefusedError(reason)


def _lost(error: httpx.HTTPError) -> ConnectionLostError:
    return ConnectionLostError(f"the device cannot be reached: {error or type(error).__name__}")


def _options(url: str, token: str | None, timeout_s: float) -> dict[str, Any]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return {"base_url": url, "headers": headers, "timeout": httpx.Timeout(timeout_s)}


def _photo(photo: bytes | str | Path) -> tuple[bytes, str]:
    """The bytes and the name of a photo."""
    return (photo, "photo") if isinstance(photo, bytes) else (Path(photo).read_bytes(), Path(photo).name)


class HttpDevice:
    """One moodring by its page's address, such as `http://127.0.0.1:8080`; `token` is what its `web.token_file` holds."""

    def __init__(self, url: str, *, token: str | None = None, timeout_s: float = 30.0) -> None:
        self._client = httpx.Client(**_options(url, token, timeout_s))

    def __enter__(self) -> HttpDevice:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends all connections."""
        self._client.close()

    def state(self) -> State:
        """What the device sees now."""
        return read_state(self._ask("GET", "/api/v1/state").content)

    def set(self, thing: str, value: str | int) -> None:
        """Asks for something, such as `set("camera", "off")`. It is done right after; the state then says so."""
        self._ask("POST", f"/api/v1/control/{quote(thing, safe='')}", content=str(value).encode())

    def analyze(self, photo: bytes | str | Path) -> Mapping[str, Any]:
        """Every face of a photo and its expression: the line of `moodring analyze --json`."""
        data, name = _photo(photo)
        answer = self._ask("POST", "/api/v1/analyze", params={"name": name[:200]}, content=data).json()
        if not isinstance(answer, dict):
            raise MessageError("the answer is no JSON object")
        return answer

    def messages(self, *, reconnect: bool = True) -> Iterator[Message]:
        """States and events as they happen. A stream that breaks is opened again, unless `reconnect` is false; events
        that came meanwhile are told then."""
        talk = _Talk()
        while True:
            talk.start_stream()
            try:
                timeout = httpx.Timeout(30.0, read=SILENCE_S)
                headers = talk.stream_headers()
                with self._client.stream("GET", "/api/v1/events", headers=headers, timeout=timeout) as answer:
                    if not answer.is_success:
                        answer.read()
                    for chunk in _checked(answer).iter_bytes():
                        yield from talk.feed(chunk)
            except httpx.HTTPError as error:
                if not reconnect:
                    raise _lost(error) from error
            if not reconnect:
                return
            time.sleep(RETRY_S)

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return _checked(self._client.request(method, path, **more))
        except httpx.HTTPError as error:
            raise _lost(error) from error


class AsyncHttpDevice:
    """The same with asyncio."""

    def __init__(self, url: str, *, token: str | None = None, timeout_s: float = 30.0) -> None:
        self._client = httpx.AsyncClient(**_options(url, token, timeout_s))

    async def __aenter__(self) -> AsyncHttpDevice:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends all connections."""
        await self._client.aclose()

    async def state(self) -> State:
        """What the device sees now."""
        return read_state((await self._ask("GET", "/api/v1/state")).content)

    async def set(self, thing: str, value: str | int) -> None:
        """Asks for something; see `HttpDevice.set`."""
        await self._ask("POST", f"/api/v1/control/{quote(thing, safe='')}", content=str(value).encode())

    async def analyze(self, photo: bytes | str | Path) -> Mapping[str, Any]:
        """Every face of a photo and its expression: the line of `moodring analyze --json`."""
        data, name = await asyncio.to_thread(_photo, photo)
        answer = (await self._ask("POST", "/api/v1/analyze", params={"name": name[:200]}, content=data)).json()
        if not isinstance(answer, dict):
            raise MessageError("the answer is no JSON object")
        return answer

    async def messages(self, *, reconnect: bool = True) -> AsyncIterator[Message]:
        """States and events as they happen; see `HttpDevice.messages`."""
        talk = _Talk()
        while True:
            talk.start_stream()
            try:
                timeout = httpx.Timeout(30.0, read=SILENCE_S)
                headers = talk.stream_headers()
                async with self._client.stream("GET", "/api/v1/events", headers=headers, timeout=timeout) as answer:
                    if not answer.is_success:
                        await answer.aread()
                    async for chunk in _checked(answer).aiter_bytes():
                        for message in talk.feed(chunk):
                            yield message
            except httpx.HTTPError as error:
                if not reconnect:
                    raise _lost(error) from error
            if not reconnect:
                return
            await asyncio.sleep(RETRY_S)

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return _checked(await self._client.request(method, path, **more))
        except httpx.HTTPError as error:
            raise _lost(error) from error
