"""Home Assistant itself beside a mosquitto and the real daemon, see tests/home: what it shows is asked through its own interfaces."""

import asyncio
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import aiohttp

MOODRING, HASS = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]  # Home Assistant's command line, up to its folder
ROOT = os.environ.get("HOME_ROOT", "")  # the folder that Home Assistant takes for the whole system
EXAMPLES = pathlib.Path("deploy/examples").resolve()
DEADLINE_S = 180
ME = "http://127.0.0.1/"

for name in [name for name in os.environ if name.startswith("MOODRING_")]:
    del os.environ[name]


def check(fine, what):
    if not fine:
        raise SystemExit(f"FAILED: {what}")


def section(text):
    print(f"-- {time.monotonic() - BEGIN:5.0f} s {text}", flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Broker:
    """A mosquitto that forgets everything when it is killed."""

    def __init__(self, folder):
        self.port, self.config = free_port(), folder / "mosquitto.conf"
        self.config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
        self.start()

    def start(self):
        env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
        self.process = subprocess.Popen(["mosquitto", "-c", self.config], env=env, stderr=subprocess.DEVNULL)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def publish(self, topic, payload, retain=True):
        command = ["mosquitto_pub", "-p", str(self.port), "-q", "1", "-t", topic]
        command += (["-r"] if retain else []) + (["-m", payload] if payload else ["-n"])
        subprocess.run(command, check=True)


class Daemon:
    def __init__(self, folder, port, name="hall", store="moodring.db", **more):
        self.folder = folder
        env = dict(os.environ, **more) | {
            "MOODRING_DEVICE__ID": name,
            "MOODRING_STORE__PATH": str(folder / "state" / store),
            "MOODRING_MQTT__INTERVAL_S": "1.0",
        }
        command = [MOODRING, "run", "--source", "synthetic", "--display", "png", "--display-path", folder / f"{store}.png"]
        command += ["--satellite", "off", "--no-web", "--mqtt", f"mqtt://127.0.0.1:{port}"]
        self.log = open(folder / f"{store}.log", "ab")
        self.process = subprocess.Popen(command, env=env, cwd=folder, stdout=self.log, stderr=self.log)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        check(self.process.wait(30) == 0, "the daemon ended with an error")


class Home:
    """A running Home Assistant: its states, its registries, and its services."""

    def __init__(self, folder, broker):
        self.folder, self.broker, self.port, self.token = folder, broker, free_port(), None
        folder.mkdir()
        (folder / "configuration.yaml").write_text(
            f"homeassistant:\n  time_zone: UTC\nhttp:\n  server_host: 127.0.0.1\n  server_port: {self.port}\n"
            "api:\nconfig:\nautomation: !include automations.yaml\nlogger:\n  default: warning\n"
        )
        automations = EXAMPLES / "home-assistant.yaml"
        (folder / "automations.yaml").write_text(automations.read_text() if automations.exists() else "[]\n")

    async def start(self):
        self.log = open(self.folder / "out.log", "ab")
        inside = str(self.folder).removeprefix(ROOT)
        self.process = subprocess.Popen([*HASS, inside], stdout=self.log, stderr=self.log, start_new_session=True)
        self.session = aiohttp.ClientSession(f"http://127.0.0.1:{self.port}")
        await self.until(self.answers, "Home Assistant's start")
        if self.token is None:
            await self.log_in()
        self.socket = await self.session.ws_connect("/api/websocket", max_msg_size=0)
        await self.socket.receive_json()
        await self.socket.send_json({"type": "auth", "access_token": self.token})
        check((await self.socket.receive_json())["type"] == "auth_ok", "the token is not taken")
        self.number = 0

    async def answers(self):
        with contextlib.suppress(aiohttp.ClientError, asyncio.TimeoutError):
            async with self.session.get("/manifest.json") as answer:
                return answer.status < 500
        check(self.process.poll() is None, "Home Assistant ended")

    async def log_in(self):
        user = {"client_id": ME, "name": "me", "username": "me", "password": "secret", "language": "en"}
        async def done():
            async with self.session.post("/api/onboarding/users", json=user) as answer:
                self.code = (await answer.json()).get("auth_code") if answer.status == 200 else None
                return self.code
        await self.until(done, "the first user")
        form = {"client_id": ME, "grant_type": "authorization_code", "code": self.code}
        async with self.session.post("/auth/token", data=form) as answer:
            tokens = await answer.json()
        # It lasts half an hour; longer than this test.
        self.token = tokens["access_token"]

    async def post(self, path, body):
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.session.post(path, json=body, headers=headers) as answer:
            return await answer.json()

    async def connect_to_broker(self):
        flow = await self.post("/api/config/config_entries/flow", {"handler": "mqtt"})
        answers = {"broker": "127.0.0.1", "port": self.broker.port}
        done = await self.post(f"/api/config/config_entries/flow/{flow['flow_id']}", answers)
        check(done.get("type") == "create_entry", done)

    async def ask(self, kind, **more):
        self.number += 1
        await self.socket.send_json({"id": self.number, "type": kind, **more})
        while True:
            answer = await self.socket.receive_json()
            if answer["id"] == self.number:
                check(answer["success"], (kind, more, answer))
                return answer["result"]

    async def states(self):
        return {s["entity_id"]: s for s in await self.ask("get_states")}

    async def state(self, entity):
        return (await self.states()).get(entity, {}).get("state")

    async def entities(self):
        """Our entities by their lasting ids."""
        listed = await self.ask("config/entity_registry/list")
        return {e["unique_id"]: e["entity_id"] for e in listed if e["unique_id"].startswith("moodring_")}

    async def devices(self):
        listed = await self.ask("config/device_registry/list")
        return [d for d in listed if d["manufacturer"] == "moodring"]

    async def call(self, service, entity, **data):
        domain, name = service.split(".")
        await self.ask("call_service", domain=domain, service=name, service_data=data, target={"entity_id": entity})

    async def until(self, fits, what):
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            if await fits():
                return
            await asyncio.sleep(0.1)
        raise SystemExit(f"FAILED: waited in vain for {what}")

    async def becomes(self, entity, *wanted):
        newest = None
        async def fits():
            nonlocal newest
            newest = await self.state(entity)
            return newest in wanted
        try:
            await self.until(fits, f"{entity}: {wanted}")
        except SystemExit as end:
            raise SystemExit(f"{end}; it is {newest}")

    async def stop(self):
        await self.session.close()
        # Its own end takes many seconds; what it knows is on the disk by then.
        await asyncio.sleep(12)
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def complaints(self):
        log = self.folder / "home-assistant.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return [line for line in lines if "mqtt" in line.lower() and ("ERROR" in line or "WARNING" in line)]


async def main(folder):
    broker = Broker(folder)
    home = Home(folder / "home", broker)
    section("Home Assistant starts")
    await home.start()
    await home.connect_to_broker()
    daemon = Daemon(folder, broker.port)

    section("everything is there and known")
    entity = lambda domain, key, name="hall": f"{domain}.moodring_{name}_{key}"
    moods = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "uncertain", "nobody")
    await home.becomes(entity("sensor", "mood"), *moods)
    await home.becomes(entity("switch", "camera"), "on")
    await home.becomes(entity("binary_sensor", "presence"), "on", "off")
    unknown = []
    async def all_known():
        # A machine without a sensor has no temperature.
        states = await home.states()
        ours = {e: s["state"] for e, s in states.items() if "moodring_hall" in e and "temperature" not in e}
        ours = {e: s for e, s in ours.items() if not e.startswith(("button", "event"))}
        unknown[:] = [e for e, s in ours.items() if s in ("unavailable", "unknown")]
        return len(ours) > 10 and not unknown
    try:
        await home.until(all_known, "all entities to be known")
    except SystemExit as end:
        raise SystemExit(f"{end}: {unknown}")
    known = await home.entities()
    check(len(known) >= 20, f"only {len(known)} entities")
    check(len(await home.devices()) == 1, "one device")
    device = (await home.devices())[0]["id"]
    triggers = await home.ask("device_automation/trigger/list", device_id=device)
    check({t.get("subtype") for t in triggers} >= set(moods), triggers)
    print(f"   {len(known)} entities, {len(triggers)} triggers")

    section("every control")
    await home.call("switch.turn_off", entity("switch", "camera"))
    await home.becomes(entity("switch", "camera"), "off")
    for shown in (entity("sensor", "mood"), entity("binary_sensor", "presence"), entity("sensor", "people"),
                  entity("sensor", "vision_time"), entity("sensor", "frame_rate")):  # fmt: skip
        await home.becomes(shown, "unknown")
    await home.call("switch.turn_on", entity("switch", "camera"))
    await home.becomes(entity("sensor", "mood"), *moods)
    await home.call("number.set_value", entity("number", "brightness"), value=30)
    await home.becomes(entity("number", "brightness"), "30")
    await home.call("number.set_value", entity("number", "sensitivity"), value=70)
    await home.becomes(entity("number", "sensitivity"), "70")
    await home.call("select.select_option", entity("select", "theme"), option="mono")
    await home.becomes(entity("select", "theme"), "mono")
    await home.call("switch.turn_off", entity("switch", "display"))
    await home.becomes(entity("switch", "display"), "off")
    await home.call("button.press", entity("button", "restart"))

    section("the daemon restarts, the broker restarts, Home Assistant restarts")
    daemon.stop()
    await home.becomes(entity("sensor", "mood"), "unavailable")
    daemon = Daemon(folder, broker.port)
    await home.becomes(entity("sensor", "mood"), *moods)
    broker.kill()
    await home.becomes(entity("sensor", "mood"), "unavailable")
    broker.start()
    await home.becomes(entity("sensor", "mood"), *moods)
    await home.stop()
    await home.start()
    await home.becomes(entity("sensor", "mood"), *moods)
    check(await home.entities() == known, "other entities after the restarts")

    section("renamed: the same entities, no ghost")
    daemon.stop()
    daemon = Daemon(folder, broker.port, "attic", MOODRING_DEVICE__NAME="Küche", MOODRING_DEVICE__AREA="Kitchen")
    async def is_renamed():
        return [d["name"] for d in await home.devices()] == ["Küche"]
    await home.until(is_renamed, "the new name")
    await home.becomes(entity("sensor", "mood"), *moods)
    await home.becomes(entity("switch", "camera"), "on")
    check(await home.entities() == known, "other entities after the renaming")
    await asyncio.sleep(3)
    check(await home.state(entity("switch", "camera")) == "on", "gone again")

    section("another prefix")
    daemon.stop()
    daemon = Daemon(folder, broker.port, "attic", MOODRING_MQTT__PREFIX="home/moods")
    await home.becomes(entity("sensor", "mood"), *moods)
    await home.becomes(entity("switch", "camera"), "on")
    check(await home.entities() == known, "other entities after the change of the prefix")

    section("a second daemon in the same folder")
    second = Daemon(folder, broker.port, "cellar", "second.db")
    await home.becomes(entity("sensor", "mood", "cellar"), *moods)
    check(len(await home.devices()) == 2, await home.devices())
    await home.call("switch.turn_off", entity("switch", "camera"))
    await home.becomes(entity("switch", "camera"), "off")
    second.stop()
    second = Daemon(folder, broker.port, "cellar", "second.db")
    await home.becomes(entity("switch", "camera", "cellar"), "on")
    await home.becomes(entity("sensor", "mood", "cellar"), *moods)
    check(await home.state(entity("switch", "camera")) == "off", "the first stays off")

    section("names are swapped")
    daemon.stop()
    second.stop()
    both = await home.entities()
    daemon = Daemon(folder, broker.port, "cellar")
    await home.becomes(entity("switch", "camera"), "off")
    second = Daemon(folder, broker.port, "attic", "second.db")
    await home.becomes(entity("sensor", "mood", "cellar"), *moods)
    await home.becomes(entity("switch", "camera", "cellar"), "on")
    await asyncio.sleep(3)
    await home.becomes(entity("switch", "camera"), "off")
    check(await home.entities() == both, "other entities after the swap")
    check(len(await home.devices()) == 2, await home.devices())
    daemon.stop()
    second.stop()

    section("an older version's device")
    shutil.rmtree(folder / "state")
    (folder / "state").mkdir()
    old_config = "homeassistant/device/moodring_porch/config"
    leaves = ["status", "state", "health", "update", "camera/state"]
    note = {"config_topic": old_config, "retained": [f"moodring/porch/{leaf}" for leaf in leaves]}
    (folder / "state" / "announced.json").write_text(json.dumps(note))
    component = {"platform": "sensor", "name": "Expression", "unique_id": "moodring_porch_mood",
                 "default_entity_id": "sensor.moodring_porch_mood",
                 "state_topic": "moodring/porch/state", "value_template": "{{ value_json.mood }}"}  # fmt: skip
    old = {"device": {"identifiers": ["moodring_porch"], "name": "porch", "manufacturer": "moodring"},
           "origin": {"name": "moodring"}, "availability_topic": "moodring/porch/status", "components": {"mood": component}}  # fmt: skip
    broker.publish(old_config, json.dumps(old))
    await home.becomes(entity("sensor", "mood", "porch"), "unavailable", "unknown")
    daemon = Daemon(folder, broker.port, "porch")
    await home.becomes(entity("sensor", "mood", "porch"), *moods)
    check((await home.entities())["moodring_porch_mood"] == entity("sensor", "mood", "porch"), "it has another id")
    daemon.stop()
    daemon = Daemon(folder, broker.port, "terrace")
    async def is_terrace():
        return "terrace" in [d["name"] for d in await home.devices()]
    await home.until(is_terrace, "the renamed device")
    await home.becomes(entity("sensor", "mood", "porch"), *moods)
    daemon.stop()

    complaints = home.complaints()
    print(f"   {len(complaints)} complaints of Home Assistant about MQTT")
    for line in complaints[:10]:
        print(f"   {line[:200]}")
    await home.stop()
    broker.kill()


BEGIN = time.monotonic()
with tempfile.TemporaryDirectory(dir=f"{ROOT}/tmp") as name:
    try:
        asyncio.run(main(pathlib.Path(name)))
    except BaseException:
        for log in [*pathlib.Path(name).glob("*.log"), *pathlib.Path(name).glob("home/*.log*")]:
            print(f"== {log.name}\n{log.read_text(errors='replace')[-3000:]}", file=sys.stderr)
        raise
print("all fine")
