"""Follow and control a moodring over MQTT or HTTP, plain or with asyncio.

    from moodring import MqttDevice, State

    with MqttDevice("hall", "broker.local") as device:
        for message in device.messages():
            if isinstance(message, State):
                print(message.emoji, message.mood)

| module | what lives there |
|---|---|
| `messages` | what a moodring publishes, as typed records |
| `reader` | topics and payloads to messages; each event once |
| `mailbox` | what waits for a program that reads slowly |
| `mqtt`, `aio` | a device over MQTT: plain (paho-mqtt), asyncio (aiomqtt) |
| `http` | a device over HTTP: plain and asyncio (httpx) |
| `errors` | what can go wrong |
"""

from .aio import AsyncMqttDevice
from .errors import ConnectionLostError, MessageError, MoodringError, RefusedError
from .http import AsyncHttpDevice, HttpDevice
from .messages import Event, Gap, Message, Person, State, Status
from .mqtt import MqttDevice

__all__ = [
    "AsyncHttpDevice",
    "AsyncMqttDevice",
    "ConnectionLostError",
    "Event",
    "Gap",
    "HttpDevice",
    "Message",
    "MessageError",
    "MoodringError",
    "MqttDevice",
    "Person",
    "RefusedError",
    "State",
    "Status",
]
__version__ = "0.1.0"
