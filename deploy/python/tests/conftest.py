"""A real mosquitto and a real daemon: MOODRING_BIN names it. `tests/python` at the repository's top runs all this."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

DEADLINE_S = 60.0
TOKEN = "a-token-for-the-tests"


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until somebody listens there."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        assert process.poll() is None, f"{process.args!r} ended with {process.returncode}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens at {port}")


@dataclass
class Home:
    """Where the broker and the page are."""

    folder: Path
    broker_port: int
    web_port: int
    broker: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def start_broker(self) -> None:
        """A mosquitto without a memory."""
        config = self.folder / "mosquitto.conf"
        config.write_text(f"listener {self.broker_port} 127.0.0.1\nallow_anonymous true\n")
        environment = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
        self.broker = subprocess.Popen(["mosquitto", "-c", config], env=environment, stderr=subprocess.DEVNULL)
        wait_for_port(self.broker_port, self.broker)

    def stop_broker(self) -> None:
        """Ends it on the spot."""
        self.broker.kill()
        self.broker.wait()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A device called hall that watches the drawn scene."""
    folder = tmp_path_factory.mktemp("home")
    home = Home(folder, free_port(), free_port(), None)  # type: ignore[arg-type]
    home.start_broker()
    token = folder / "token"
    token.write_text(TOKEN + "\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MOODRING_")}
    environment |= {
        "MOODRING_DEVICE__ID": "hall",
        "MOODRING_MQTT__INTERVAL_S": "1.0",
        "MOODRING_WEB__TOKEN_FILE": str(token),
        "STATE_DIRECTORY": str(folder),
    }
    command = [os.environ["MOODRING_BIN"], "run", "--source", "synthetic", "--display", "none", "--satellite", "off"]
    command += ["--mqtt", f"mqtt://127.0.0.1:{home.broker_port}", "--web", f"127.0.0.1:{home.web_port}"]
    with open(folder / "daemon.log", "wb") as log:
        daemon = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
    try:
        wait_for_port(home.web_port, daemon)
        yield home
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0, (folder / "daemon.log").read_text()[-3000:]
    finally:
        daemon.kill()
        daemon.wait()
        home.stop_broker()
