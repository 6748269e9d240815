"""A `moodring run` of its own: started with settings, asked for its state, its changes of mood collected as it tells them (server-sent events)."""
import datetime
import json
import os
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

STARTS_WITHIN = 20.0  # seconds


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def unix(text):
    """Seconds since 1970 of a message's `time`."""
    return datetime.datetime.fromisoformat(text).timestamp()


class Daemon:
    """`with Daemon(program, source, {"mood.smooth_ms": 300}) as daemon:`; nothing of the user's settings, store or broker is touched."""

    def __init__(self, program, source, settings=()):
        self.folder = tempfile.TemporaryDirectory()
        self.port, self.changes = free_port(), []
        keys = {"web.listen": f"127.0.0.1:{self.port}", "store.path": "memory", "display.kind": "none"} | dict(settings)
        clean = {k: v for k, v in os.environ.items() if not k.startswith("MOODRING_")} | {"HOME": self.folder.name, "XDG_STATE_HOME": self.folder.name, "XDG_CONFIG_HOME": self.folder.name}
        env = clean | {"MOODRING_" + k.upper().replace(".", "__"): str(v).lower() if isinstance(v, bool) else str(v) for k, v in keys.items()}
        self.log = open(os.path.join(self.folder.name, "log"), "w+")
        self.process = subprocess.Popen([str(program), "run", "--source", str(source)], env=env, cwd=self.folder.name, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.folder.cleanup()

    def _open(self, path):
        """The answer to a request, once the page is there."""
        began = time.monotonic()
        while True:
            try:
                return urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60)
            except (urllib.error.URLError, ConnectionError):
                if self.process.poll() is not None or time.monotonic() - began > STARTS_WITHIN:
                    self.log.seek(0)
                    raise SystemExit(f"{self.process.args[0]} run does not answer:\n{self.log.read()[-2000:]}") from None
                time.sleep(0.02)

    def _listen(self):
        try:
            for line in self._open("/api/v1/events?recent=100&face=false"):
                if line.startswith(b"data: ") and line.rstrip().endswith(b"}"):
                    message = json.loads(line[6:])
                    if message.get("kind") == "changed":
                        self.changes.append((unix(message["time"]), message["to"]))
        except (OSError, ValueError, SystemExit):
            return  # it has ended

    def state(self):
        return json.load(self._open("/api/v1/state"))
