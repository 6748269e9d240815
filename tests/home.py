"""A home from outside, see tests/home: everything over a real mosquitto, with the real daemon."""
import contextlib
import json
import os
import pathlib
import queue
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

import paho.mqtt.client as mqtt
import yaml
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOODRING, HERE = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
EXAMPLES = pathlib.Path("deploy/examples").resolve()
DEADLINE_S = 60  # longer than anything here takes on a busy machine
CONFIG = "homeassistant/device/moodring_hall/config"


for name in [name for name in os.environ if name.startswith("MOODRING_")]:
    del os.environ[name]  # settings of this shell must not leak in


def check(fine, what):
    if not fine:
        sys.exit(f"FAILED: {what}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


STARTED = []  # ended at the end, also of a check that failed


def start(*command, **how):
    STARTED.append(subprocess.Popen(*command, **how))
    return STARTED[-1]


class Broker:
    """A mosquitto without a memory."""

    def __init__(self, folder, port):
        self.port = port
        self.config = folder / "mosquitto.conf"
        self.config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
        self.start()

    def start(self):
        path = os.environ["PATH"] + ":/usr/sbin:/sbin"
        self.process = start(
            ["mosquitto", "-c", self.config], env=dict(os.environ, PATH=path), stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)
        sys.exit("mosquitto does not listen")

    def stop(self):
        self.process.kill()
        self.process.wait()


class Ear:
    """Hears everything; remembers the newest message of each topic."""

    def __init__(self, port):
        self.newest, self.all, self.news = {}, [], queue.Queue()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self.subscribed = queue.Queue()
        self.client.on_connect = lambda c, *_: c.subscribe("#", qos=1)
        self.client.on_subscribe = lambda *_: self.subscribed.put(1)
        self.client.on_message = self.hear
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self.subscribed.get(timeout=DEADLINE_S)

    def hear(self, client, userdata, message):
        self.newest[message.topic] = message.payload
        self.all.append((message.topic, message.payload))
        self.news.put(1)

    def wait(self, topic, fits=lambda payload: True, what=None):
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            if topic in self.newest and fits(self.newest[topic]):
                return self.newest[topic]
            with contextlib.suppress(queue.Empty):
                self.news.get(timeout=0.2)
        sys.exit(f"FAILED: waited in vain for {what or topic}; newest: {self.newest.get(topic)}")

    def say(self, topic, payload, retain=False):
        self.client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(DEADLINE_S)

    def forget(self, topic):
        self.newest.pop(topic, None)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


class Daemon:
    def __init__(self, folder, port, name="hall", **more):
        env = dict(os.environ, **more)
        env |= {
            "MOODRING_DEVICE__ID": name,
            "MOODRING_CAMERA__PICTURES": str(folder / "pictures"),
            "MOODRING_MQTT__INTERVAL_S": "1.0",
            "STATE_DIRECTORY": str(folder / "state"),
        }
        (folder / "pictures").mkdir(exist_ok=True)
        command = [MOODRING, "run", "--source", "synthetic", "--display", "png", "--display-path", folder / "mood.png"]
        command += ["--satellite", "off", "--no-web", "--mqtt", f"mqtt://127.0.0.1:{port}"]
        self.log = open(folder / f"{name}.log", "ab")
        self.process = start(command, env=env, cwd=folder, stdout=self.log, stderr=self.log)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        check(self.process.wait(30) == 0, "the daemon ended with an error")


def section(text):
    print(f"-- {text}", flush=True)


def render(template, payload):
    """As Home Assistant does: a sandboxed Jinja with value and value_json."""
    value = payload.decode()
    with contextlib.suppress(ValueError):
        return ENV.from_string(template).render(value=value, value_json=json.loads(value))
    return ENV.from_string(template).render(value=value)


ENV = ImmutableSandboxedEnvironment()


def check_templates(ear, announced):
    status = announced["availability_template"]
    words = {word: render(status, word.encode()) for word in ("online", "stopped", "offline")}
    check(words == {"online": "online", "stopped": "offline", "offline": "offline"}, words)
    for key, component in announced["components"].items():
        topic = component.get("state_topic")
        if topic is None:
            continue
        payload = ear.wait(topic, what=f"{topic}, which {key} reads")
        text = render(component.get("value_template", "{{ value }}"), payload)
        check(0 < len(text) <= 255 or component["platform"] in ("event", "update"), f"{key}: {text!r}")
        if "options" in component:
            check(text in component["options"], f"{key}: {text!r} is no option")
        elif component.get("unit_of_measurement"):
            check(text == "None" or float(text) >= 0, f"{key}: {text!r} is no number")
        elif component.get("device_class") == "timestamp":
            check(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", text), f"{key}: {text!r}")
        elif component["platform"] == "binary_sensor":
            check(text in ("ON", "OFF"), f"{key}: {text!r}")
        elif component["platform"] == "event":
            event = json.loads(text)
            check(event["event_type"] in component["event_types"], event)
        elif component["platform"] == "switch":
            check(text in ("on", "off"), text)
        if "json_attributes_template" in component:
            attributes = json.loads(render(component["json_attributes_template"], payload))
            wanted = {"mood": {"emoji", "since", "track"}, "scores": {"angry", "happy", "neutral"}, "resting_face": {"waits_for"}}[key]
            check(wanted <= set(attributes), attributes)


def check_requests(ear, folder):
    ask = lambda thing, text: ear.say(f"moodring/hall/{thing}/set", text)
    is_now = lambda thing, text: ear.wait(f"moodring/hall/{thing}/state", lambda p: p == text.encode(), f"{thing} {text}")
    state = lambda fits, what: ear.wait("moodring/hall/state", lambda p: fits(json.loads(p)), what)
    ask("camera", "off")
    is_now("camera", "off")
    state(lambda s: s["camera"] == "off", "a camera that is off")
    ask("camera", "ON")
    is_now("camera", "on")
    state(lambda s: s["camera"] == "running", "a camera that runs again")
    for thing, text in [("theme", "mono"), ("brightness", "30"), ("sensitivity", "70"), ("display", "off"), ("display", "on")]:
        ask(thing, text)
        is_now(thing, text)
    # An answer comes also where nothing changes.
    ear.forget("moodring/hall/theme/state")
    ask("theme", "mono")
    is_now("theme", "mono")
    ask("picture", "take")
    end = time.monotonic() + DEADLINE_S
    while not list((folder / "pictures").glob("*.png")):
        check(time.monotonic() < end, "no picture was taken")
        time.sleep(0.1)
    ask("restart", "restart")
    ear.wait("moodring/hall/restart/state")


def check_hostile(ear):
    things = ("camera", "theme", "brightness", "sensitivity", "display")
    before = {thing: ear.newest[f"moodring/hall/{thing}/state"] for thing in things}
    hostile = [
        ("camera", b"\xff\xfe\x00"), ("camera", b"x" * 60_000), ("camera", b""), ("camera", b'{"on":true}'),
        ("theme", b"../../etc/passwd"), ("brightness", b"101"), ("brightness", b"-1"), ("brightness", b"1e2"),
        ("sensitivity", b"NaN"), ("display", b"maybe"), ("source", b"cmd:touch /tmp/owned"), ("picture", b"1"),
        ("restart", b"now"),
    ]  # fmt: skip
    for thing, payload in hostile:
        ear.forget(f"moodring/hall/{thing}/error")
        ear.say(f"moodring/hall/{thing}/set", payload)
        reason = ear.wait(f"moodring/hall/{thing}/error").decode()
        check(0 < len(reason) < 400, reason)
    ear.say("moodring/hall/door/set", b"open")
    ear.say("moodring/hall/camera/set/more", b"off")
    ear.say("homeassistant/status", b"\xff" * 1000)
    time.sleep(1)
    after = {thing: ear.newest[f"moodring/hall/{thing}/state"] for thing in things}
    check(before == after, f"hostile payloads changed something: {before} {after}")
    check("moodring/hall/door/error" not in ear.newest, "a thing that is none was answered")


def check_example(command, port, expected):
    process = start(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ, PYTHONUNBUFFERED="1"))
    end, lines = time.monotonic() + DEADLINE_S, []
    missing = set(expected)
    try:
        while missing and time.monotonic() < end:
            line = process.stdout.readline()
            check(line, f"{command} ended: {lines}")
            lines.append(line)
            missing = {text for text in missing if not any(re.search(text, line) for line in lines)}
    finally:
        process.kill()
        process.wait()
    check(not missing, f"{command} never said {missing}: {lines}")


def check_texts(announced):
    flow = json.loads((EXAMPLES / "node-red.json").read_text())
    ids = {node["id"] for node in flow}
    wires = {target for node in flow for output in node.get("wires", []) for target in output}
    check(wires <= ids and {n["broker"] for n in flow if n["type"].startswith("mqtt ")} <= ids, "node-red.json: wires")
    automations = yaml.safe_load((EXAMPLES / "home-assistant.yaml").read_text())
    check(all({"alias", "triggers", "actions"} <= set(a) for a in automations), "home-assistant.yaml")
    ours = {c["default_entity_id"] for c in announced["components"].values() if "default_entity_id" in c}
    named = set(re.findall(r"\w+\.moodring_hall_\w+", (EXAMPLES / "home-assistant.yaml").read_text()))
    check(named and named <= ours, f"entities that are not announced: {named - ours}")
    for example in [path for path in EXAMPLES.rglob("*") if path.is_file() and path.suffix != ".md"]:
        check(len(example.read_text().splitlines()) < 60, f"{example.name} has 60 lines and more")


def main(folder):
    broker = Broker(folder, free_port())
    port = broker.port

    section("a request that the broker kept is refused")
    ear = Ear(port)
    ear.say("moodring/hall/camera/set", "off", retain=True)
    daemon = Daemon(folder, port)
    ear.wait("moodring/hall/camera/error", lambda p: b"retained" in p)
    ear.wait("moodring/hall/state", lambda p: json.loads(p)["camera"] == "running", "a running camera")
    check(ear.newest["moodring/hall/camera/state"] == b"on", "the camera stays on")
    ear.say("moodring/hall/camera/set", b"", retain=True)

    section("Home Assistant is told, and its templates read what we say")
    announced = json.loads(ear.wait(CONFIG))
    ear.wait("moodring/hall/event")
    ear.wait("moodring/hall/state", lambda p: json.loads(p)["people_count"] > 0, "somebody in view")
    check_templates(ear, announced)
    print(f"   {len(announced['components'])} entities, {len(ear.newest[CONFIG])} bytes")

    section("requests")
    check_requests(ear, folder)
    section("hostile payloads")
    check_hostile(ear)

    section("while nobody sees, nobody is not said")
    ear.say("moodring/hall/camera/set", "off")
    off = ear.wait("moodring/hall/state", lambda p: json.loads(p)["camera"] == "off", "a camera that is off")
    for key in ("mood", "confidence", "people", "presence"):
        text = render(announced["components"][key]["value_template"], off)
        check(text == "None", f"{key}: {text} while the camera is off")
    figures = ear.wait("moodring/hall/diagnostics", lambda p: json.loads(p)["vision_ms"] is None, "no figures")
    check(render(announced["components"]["vision_time"]["value_template"], figures) == "None", "a time per frame")
    ear.say("moodring/hall/camera/set", "on")
    ear.wait("moodring/hall/state", lambda p: json.loads(p)["camera"] == "running", "a running camera")

    section("Home Assistant starts again")
    ear.forget(CONFIG)
    ear.say("homeassistant/status", "online")
    ear.wait(CONFIG)

    section("the broker forgets everything")
    broker.stop()
    ear.newest.clear()
    broker.start()
    for topic in (CONFIG, "moodring/hall/camera/state", "moodring/hall/status", "moodring/hall/state"):
        ear.wait(topic)

    section("examples")
    script = HERE / "listen.mjs"
    script.write_text((EXAMPLES / "listen.mjs").read_text())  # node looks for modules beside the script
    expected = ["status: online", r"\d+ in view"]
    python = [sys.executable, EXAMPLES / "listen.py", "hall", "--port", str(port), "--off"]
    check_example(python, port, [*expected, "camera/state: off", r"event \d+: camera running -> off"])
    ear.say("moodring/hall/camera/set", "on")
    check_example(["node", script, "hall", f"mqtt://127.0.0.1:{port}"], port, [*expected, r"event \d+: "])
    check_texts(announced)

    section("renamed: the same entities, and the old name leaves no ghosts")
    ids = {c["unique_id"] for c in announced["components"].values() if "unique_id" in c}
    daemon.stop()
    ear.wait("moodring/hall/status", lambda p: p == b"stopped")
    daemon = Daemon(folder, port, name="kitchen")
    renamed = json.loads(ear.wait("homeassistant/device/moodring_kitchen/config"))
    check({c["unique_id"] for c in renamed["components"].values() if "unique_id" in c} == ids, "other lasting ids")
    ear.wait(CONFIG, lambda p: p == b"", "the old announcement to be taken back")
    ear.wait("moodring/hall/camera/state", lambda p: p == b"")
    daemon.stop()

    section("a small fleet")
    command = [MOODRING, "simulate", "--devices", "20", "--rate", "5", "--seconds", "4", "--check", "--json"]
    run = subprocess.run([*command, "--url", f"mqtt://127.0.0.1:{port}"], capture_output=True, text=True, timeout=120)
    check(run.returncode == 0, run.stdout + run.stderr)
    report = json.loads(run.stdout)
    check(report["missing"] == report["unheard"] == 0 and report["runs"] == 20 and report["sent"] >= 40, report)
    print(f"   {report}")
    ear.close()
    broker.stop()


with tempfile.TemporaryDirectory() as name:
    try:
        main(pathlib.Path(name))
    except BaseException:
        for log in pathlib.Path(name).glob("*.log"):
            print(f"== {log.name}\n{log.read_text()[-3000:]}", file=sys.stderr)
        raise
    finally:
        for process in STARTED:
            if process.poll() is None:
                process.kill()
print("all fine")
