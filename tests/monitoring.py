"""What tests/monitoring does, once everything is installed: python3 tests/monitoring.py MOODRING"""
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

FLEET = Path("deploy/fleet").resolve()
DEADLINE_S = 120
TOKEN = "a-token-of-this-test-and-of-nothing-else"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, condition):
    end = time.monotonic() + DEADLINE_S
    while not (found := condition()):
        if time.monotonic() > end:
            raise SystemExit(f"waited in vain for: {what}")
        time.sleep(0.5)
    return found


def is_open(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Stage:
    """Everything that runs; it ends with the test."""

    def __init__(self, moodring):
        self.moodring, self.folder, self.processes = moodring, Path(tempfile.mkdtemp()), []
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("MOODRING_")}

    def start(self, *command, **env):
        log = open(self.folder / f"{len(self.processes)}.log", "w")
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, env={**self.env, **env})
        self.processes.append(process)
        return process

    def mosquitto(self, port, text):
        name = self.folder / f"mosquitto-{port}.conf"
        name.write_text(text)
        broker = self.start("mosquitto", "-c", str(name))
        wait_for("mosquitto", lambda: is_open(port))
        return broker

    def device(self, name, broker_port):
        page, token = free_port(), self.folder / "moodring.token"
        token.write_text(TOKEN)
        self.start(self.moodring, "run", "--source", "synthetic", "--display", "none",
                   "--mqtt", f"mqtt://127.0.0.1:{broker_port}", "--web", f"127.0.0.1:{page}",
                   MOODRING_DEVICE__ID=name, MOODRING_WEB__TOKEN_FILE=str(token),
                   MOODRING_STORE__PATH=str(self.folder / f"{name}.db"), MOODRING_MQTT__INTERVAL_S="1")
        return page

    def end(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()


def prometheus(stage, pages, cluster_ports):
    """Prometheus with our file, but for ports, the scrape's rate and the devices."""
    text = (FLEET / "prometheus.yml").read_text()
    text = text.replace("scrape_interval: 15s", "scrape_interval: 1s")
    for ours, theirs in zip(re.findall(r"127\.0\.0\.1:\d+", text), cluster_ports):
        text = text.replace(ours, f"127.0.0.1:{theirs}")
    (stage.folder / "prometheus.yml").write_text(text)
    devices = [f'- targets: ["127.0.0.1:{port}"]\n  labels: {{ device: {name} }}\n' for name, port in pages.items()]
    (stage.folder / "devices.yml").write_text("".join(devices))
    port = free_port()
    stage.start("prometheus", "--config.file=prometheus.yml", f"--web.listen-address=127.0.0.1:{port}",
                f"--storage.tsdb.path={stage.folder}/tsdb")
    wait_for("Prometheus", lambda: is_open(port))
    return port


def query(port, expression):
    url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    try:
        return json.load(urllib.request.urlopen(url))["data"]["result"]
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{expression}: {error.read().decode()}")
    except OSError:
        return []  # it is still starting


def dashboard(stage):
    cluster_env = {**stage.env, "FLEET_DIR": str(stage.folder / "cluster"), "FLEET_PORT": str(18931)}
    cluster = lambda *words: subprocess.run([FLEET / "cluster", *words], env=cluster_env, check=True, stdout=subprocess.DEVNULL)
    cluster("start")
    try:
        pages = {name: stage.device(name, 18931 + n) for n, name in enumerate(("kitchen-mirror", "hall-kiosk"))}
        port = prometheus(stage, pages, [18931 + 3000 + n for n in (1, 2, 3)])
        wait_for("both devices", lambda: len(query(port, 'up{job="moodring"} == 1')) == 2)
        wait_for("three nodes", lambda: len(query(port, 'up{job="rabbitmq"} == 1')) == 3)
        wait_for("frames", lambda: len(query(port, "moodring_frames_per_second > 0")) == 2)
        panels = json.loads((FLEET / "grafana-dashboard.json").read_text())["panels"]
        for panel in panels:
            for target in panel["targets"]:
                expression = target["expr"].replace("$device", ".*")
                found = wait_for(f"{panel['title']}: {expression}", lambda: query(port, expression))
                print(f"{panel['title']}: {len(found)} series, first {found[0]['value'][1]}")
        online = query(port, 'sum(moodring_broker_state{state="online"})')[0]["value"][1]
        assert online == "2", f"{online} devices are connected to the cluster"
    finally:
        cluster("forget")


def bridge(stage):
    """Three events of a device reach the centre, which was away meanwhile, through the bridge of deploy/fleet."""
    here, centre = free_port(), free_port()
    text = (FLEET / "mosquitto-bridge.conf").read_text()
    text = text.replace("listener 1883", f"listener {here} 127.0.0.1").replace("centre.example:1883", f"127.0.0.1:{centre}")
    text = text.replace("allow_anonymous false\npassword_file /etc/mosquitto/passwords", "allow_anonymous true\nuser root")
    (stage.folder / "kept").mkdir()
    text = text.replace("/var/lib/mosquitto/", f"{stage.folder}/kept/")
    plain = f"listener {centre} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
    broker = stage.mosquitto(centre, plain)
    stage.mosquitto(here, text)
    say = lambda n: subprocess.run(["mosquitto_pub", "-p", str(here), "-q", "1", "-t", "moodring/a/event", "-m", str(n)], check=True)
    heard = stage.folder / "heard"

    def listen():
        out = open(heard, "a")
        stage.processes.append(subprocess.Popen(["mosquitto_sub", "-p", str(centre), "-q", "1", "-t", "moodring/#"], stdout=out))

    listen()
    wait_for("the bridge", lambda: (say(1), "1" in heard.read_text().split())[1])
    broker.terminate()
    broker.wait()
    say(2)
    say(3)
    stage.mosquitto(centre, plain)
    listen()
    wait_for("what was said meanwhile", lambda: "3" in heard.read_text().split())
    assert "2" in heard.read_text().split(), "the bridge lost one"
    print("bridge: what was said while the centre was away came after it")


def main():
    stage = Stage(sys.argv[1])
    try:
        bridge(stage)
        dashboard(stage)
    finally:
        stage.end()
    print("all found")


if __name__ == "__main__":
    main()
