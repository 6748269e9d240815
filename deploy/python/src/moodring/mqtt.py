"""A device over MQTT, without asyncio: paho-mqtt's thread fills a mailbox, the program's thread empties it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from .errors import ConnectionLostError, MessageError, RefusedError
from .mailbox import Mailbox
from .messages import Message, State
from .reader import Reader

CONNECT_WITHIN_S = 10.0
ANSWER_WITHIN_S = 10.0


class MqttDevice:
    """One moodring at a broker.

    With a `client_id` the broker keeps events for this program while it is away (a session that lasts); each program
    needs its own. Without one, what happens while nobody listens is not heard.
    """

    def __init__(
        self,
        device: str,
        broker: str = "127.0.0.1",
        port: int | None = None,
        *,
        user: str | None = None,
        password: str | None = None,
        tls: bool = False,
        ca_file: str | None = None,
        prefix: str = "moodring",
        client_id: str = "",
    ) -> None:
        self._reader = Reader(device, prefix)
        self._address = (broker, port if port is not None else 8883 if tls else 1883)
        self._mail = Mailbox()
        self._news = threading.Condition()
        self._refusal: str | None = None
        self._damage: str | None = None
        self._closed = False
        self._subscribed = threading.Event()
        self._answers: dict[str, queue.SimpleQueue[tuple[str, str]]] = {}
        self._state: State | None = None
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=not client_id,
        )
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.reconnect_delay_set(1, 30)
        if user is not None:
            client.username_pw_set(user, password)
        if tls or ca_file is not None:
            client.tls_set(ca_file)
        self._client = client

    def __enter__(self) -> MqttDevice:
        """Connects. Later breaks are mended in the background."""
        host, port = self._address
        try:
            self._client.connect(host, port)
        except OSError as error:
            raise ConnectionLostError(f"no broker at {host}:{port}: {error}") from error
        self._client.loop_start()
        if not self._subscribed.wait(CONNECT_WITHIN_S):
            self.close()
            raise ConnectionLostError(f"the broker {host}:{port} does not take us: {self._refusal or 'no answer'}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Disconnects; `messages` ends."""
        self._client.disconnect()
        self._client.loop_stop()
        with self._news:
            self._closed = True
            self._news.notify_all()

    def messages(self, timeout_s: float | None = None) -> Iterator[Message]:
        """What is published from now on, and first what the broker kept. Ends after `timeout_s` without a message, or
        when the device is closed. A payload that no moodring publishes raises `MessageError`; call again to go on."""
        while True:
            with self._news:
                self._news.wait_for(lambda: self._closed or self._damage or len(self._mail), timeout_s)
                message, damage = self._mail.take(), None
                if message is None:
                    damage, self._damage = self._damage, None
            if damage is not None:
                raise MessageError(damage)
            if message is None:
                return
            yield message

    def state(self, timeout_s: float = 10.0) -> State:
        """The newest state, or the first within `timeout_s`."""
        with self._news:
            self._news.wait_for(lambda: self._state is not None, timeout_s)
            if self._state is None:
                raise ConnectionLostError(f"nothing on {self._reader.root}/state: is the device there, and is that its id?")
            return self._state

    def set(self, thing: str, value: str | int, timeout_s: float = ANSWER_WITHIN_S) -> str:
        """Asks for something, such as `set("camera", "off")` or `set("brightness", 40)`, and returns the device's
        answer: how it is set now. Raises `RefusedError` with the device's reason."""
        if not thing or any(char in thing for char in "/+#\0"):
            raise ValueError(f"{thing!r} is no thing that can be set")
        answers: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        root = f"{self._reader.root}/{thing}"
        leaves = [f"{root}/state", f"{root}/error"]
        with self._news:
            self._answers.update(dict.fromkeys(leaves, answers))
        try:
            subscribed = self._client.subscribe([(leaf, 1) for leaf in leaves])
            if subscribed[0] != paho.MQTT_ERR_SUCCESS:
                raise ConnectionLostError("not connected to the broker")
            # Never retained: it would be obeyed again at each of the device's connections.
            self._client.publish(f"{root}/set", str(value), qos=1)
            return self._answer(answers, thing, timeout_s)
        finally:
            self._client.unsubscribe(leaves)
            with self._news:
                for leaf in leaves:
                    self._answers.pop(leaf, None)

    @staticmethod
    def _answer(answers: queue.SimpleQueue[tuple[str, str]], thing: str, timeout_s: float) -> str:
        try:
            leaf, text = answers.get(timeout=timeout_s)
        except queue.Empty:
            raise RefusedError(f"no answer to {thing} within {timeout_s:g} s") from None
        if leaf.endswith("/error"):
            raise RefusedError(text)
        return text

    def _on_connect(self, client: paho.Client, userdata: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        if reason.is_failure:
            self._refusal = str(reason)
        else:
            client.subscribe([(topic, 1) for topic in self._reader.topics()])

    def _on_subscribe(
        self, client: paho.Client, userdata: Any, mid: int, reasons: list[ReasonCode], properties: Any
    ) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            self._refusal = f"it refuses the subscription: {refused[0]}"
        else:
            self._subscribed.set()

    def _on_message(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:
        with self._news:
            answers = self._answers.get(message.topic)
            if answers is not None:
                # A retained one is how it was before the request.
                if not message.retain:
                    answers.put((message.topic, message.payload.decode(errors="replace")))
                return
            try:
                for read in self._reader.read(message.topic, bytes(message.payload)):
                    self._mail.put(read)
                    if isinstance(read, State):
                        self._state = read
            except MessageError as error:
                self._damage = f"{message.topic}: {error}"
            self._news.notify_all()
