"""A device over MQTT with asyncio, on aiomqtt. A lost connection is mended with back-off; what is missed is a `Gap`."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from types import TracebackType

import aiomqtt

from .errors import ConnectionLostError, MessageError, RefusedError
from .mailbox import Mailbox
from .messages import Message, State
from .reader import Reader

ANSWER_WITHIN_S = 10.0
FIRST_BACKOFF_S = 1.0
LAST_BACKOFF_S = 30.0


class AsyncMqttDevice:
    """One moodring at a broker; see `MqttDevice` for `client_id`."""

    def __init__(
        self,
        device: str,
        broker: str = "127.0.0.1",
        port: int | None = None,
        *,
        user: str | None = None,
        password: str | None = None,
        tls: ssl.SSLContext | None = None,
        prefix: str = "moodring",
        client_id: str = "",
    ) -> None:
        self._reader = Reader(device, prefix)
        self._broker, self._port = broker, port if port is not None else 8883 if tls else 1883
        self._login = (user, password)
        self._tls, self._client_id = tls, client_id
        self._client: aiomqtt.Client | None = None
        self._mail = Mailbox()
        self._news = asyncio.Event()
        self._first: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._problem: MessageError | None = None
        self._answers: dict[str, asyncio.Queue[tuple[str, str]]] = {}

    def _new_client(self) -> aiomqtt.Client:
        user, password = self._login
        return aiomqtt.Client(
            self._broker,
            self._port,
            username=user,
            password=password,
            tls_context=self._tls,
            identifier=self._client_id or None,
            clean_session=not self._client_id,
        )

    async def __aenter__(self) -> AsyncMqttDevice:
        """Connects. Later breaks are mended in the background."""
        self._first = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run())
        await self._first
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._news.set()

    async def messages(self, timeout_s: float | None = None) -> AsyncIterator[Message]:
        """What is published from now on, and first what the broker kept. Ends after `timeout_s` without a message, or
        when the device is closed. A payload that no moodring publishes raises `MessageError`; call again to go on."""
        while True:
            message = self._mail.take()
            if message is not None:
                yield message
                continue
            if self._problem is not None:
                problem, self._problem = self._problem, None
                raise problem
            if self._task is None or self._task.done():
                return
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), timeout_s)
            except asyncio.TimeoutError:
                return

    async def state(self, timeout_s: float = 10.0) -> State:
        """The next state; the broker keeps the newest, so it comes at once after connecting."""
        async for message in self.messages(timeout_s):
            if isinstance(message, State):
                return message
        raise ConnectionLostError(f"nothing on {self._reader.root}/state: is the device there, and is that its id?")

    async def set(self, thing: str, value: str | int, timeout_s: float = ANSWER_WITHIN_S) -> str:
        """Asks for something and returns the device's answer; see `MqttDevice.set`."""
        if not thing or any(char in thing for char in "/+#\0"):
            raise ValueError(f"{thing!r} is no thing that can be set")
        if self._client is None:
            raise ConnectionLostError("not connected to the broker")
        root = f"{self._reader.root}/{thing}"
        answers: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        leaves = [f"{root}/state", f"{root}/error"]
        self._answers.update(dict.fromkeys(leaves, answers))
        client = self._client
        try:
            await client.subscribe([(leaf, 1) for leaf in leaves])
            # Never retained: it would be obeyed again at each of the device's connections.
            await client.publish(f"{root}/set", str(value), qos=1)
            topic, text = await asyncio.wait_for(answers.get(), timeout_s)
        except asyncio.TimeoutError:
            raise RefusedError(f"no answer to {thing} within {timeout_s:g} s") from None
        except aiomqtt.MqttError as error:
            raise ConnectionLostError(str(error)) from error
        finally:
            for leaf in leaves:
                self._answers.pop(leaf, None)
        if topic.endswith("/error"):
            raise RefusedError(text)
        return text

    async def _run(self) -> None:
        """Connects again and again. The first failure goes to who entered; later ones are waited out."""
        backoff = FIRST_BACKOFF_S
        while True:
            try:
                async with self._new_client() as client:
                    await client.subscribe([(topic, 1) for topic in self._reader.topics()])
                    self._client = client
                    if self._first is not None and not self._first.done():
                        self._first.set_result(None)
                    backoff = FIRST_BACKOFF_S
                    async for message in client.messages:
                        self._receive(message)
            except aiomqtt.MqttError as error:
                if self._first is not None and not self._first.done():
                    self._first.set_exception(ConnectionLostError(f"no broker at {self._broker}:{self._port}: {error}"))
                    return
            finally:
                self._client = None
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, LAST_BACKOFF_S)

    def _receive(self, message: aiomqtt.Message) -> None:
        topic, payload = str(message.topic), message.payload
        payload = payload if isinstance(payload, bytes) else str(payload).encode()
        answers = self._answers.get(topic)
        if answers is not None:
            # A retained one is how it was before the request.
            if not message.retain:
                answers.put_nowait((topic, payload.decode(errors="replace")))
            return
        try:
            for read in self._reader.read(topic, payload):
                self._mail.put(read)
        except MessageError as error:
            self._problem = MessageError(f"{topic}: {error}")
        self._news.set()
