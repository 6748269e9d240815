"""Home Assistant itself beside a mosquitto and the real daemon, see tests/home: what it shows is asked through its own interfaces."""

import asyncio
import contextlib
import datetime
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
EXPRESSION, EVENT, LIGHT = "sensor.moodring_hall_mood", "event.moodring_hall_event", "light.living_room"
COLOURS = {"happy": "gold", "sad": "blue", "angry": "red"}  # as the example has them
HUES = {"gold": 50.6, "blue": 240.0, "red": 0.0}
ME = "http://127.0.0.1/"

for name in [name for name in os.environ if name.startswith("MOODRING_")]:
    del os.environ[name]


STARTED = []


def start(command, **how):
    """A process of its own group, which ends with this test."""
    process = subprocess.Popen(command, start_new_session=True, **how)
    STARTED.append(process)
    return process


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
        self.process = start(["mosquitto", "-c", self.config], env=env, stderr=subprocess.DEVNULL)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def publish(self, topic, payload, retain=True):
        command = ["mosquitto_pub", "-p", str(self.port), "-q", "1", "-t", topic]
        command += (["-r"] if retain else []) + (["-m", payload] if payload else ["-n"])
        subprocess.run(command, check=True)

    def newest(self, topic):
        command = ["mosquitto_sub", "-p", str(self.port), "-t", topic, "-C", "1", "-W", "20"]
        return subprocess.run(command, check=True, capture_output=True).stdout


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
        self.process = start(command, env=env, cwd=folder, stdout=self.log, stderr=self.log)

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
            # What the example automations ask for: a light that only remembers its colour, and a notification.
            "template:\n  - light:\n      - {name: Living room, turn_on: [], turn_off: [], set_hs: []}\n"
            "notify:\n  - platform: group\n    services: [{action: persistent_notification}]\n"
        )
        self.examples = (EXAMPLES / "home-assistant.yaml").read_text()
        (folder / "automations.yaml").write_text(self.examples)

    async def start(self):
        self.log = open(self.folder / "out.log", "ab")
        inside = str(self.folder).removeprefix(ROOT)
        self.process = start([*HASS, inside], stdout=self.log, stderr=self.log)
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
        """Warnings and errors of Home Assistant that name our entities or MQTT. Not those of a broker that this test killed, and not
        what it says of each announcement that moves, when the former topic is emptied as its own documents ask for."""
        logs = [*self.folder.glob("home-assistant.log*"), self.folder / "out.log"]
        lines = {line for log in logs for line in log.read_text(errors="replace").splitlines()}
        named = [line for line in lines if any(word in line.lower() for word in ("mqtt", "moodring"))]
        expected = ("Disconnected from MQTT server", "Failed to connect to MQTT server", "Error returned from MQTT server: The connection was lost",
                    "No device components to cleanup for moodring_")  # fmt: skip
        told = [line for line in named if "ERROR" in line or "WARNING" in line]
        return sorted(line for line in told if not any(text in line for text in expected))


class Watcher:
    """What happens in Home Assistant, in its order, over a socket of its own."""

    KINDS = ("state_changed", "automation_triggered", "call_service")

    def __init__(self, home):
        self.home, self.events = home, []

    async def start(self):
        self.socket = await self.home.session.ws_connect("/api/websocket", max_msg_size=0)
        await self.socket.receive_json()
        await self.socket.send_json({"type": "auth", "access_token": self.home.token})
        await self.socket.receive_json()
        for number, kind in enumerate(self.KINDS, 1):
            await self.socket.send_json({"id": number, "type": "subscribe_events", "event_type": kind})
        # Events come between the answers.
        wanted = set(range(1, len(self.KINDS) + 1))
        while wanted:
            message = await self.socket.receive_json()
            if message["type"] == "event":
                self.events.append(message["event"])
            else:
                check(message["success"], message)
                wanted.discard(message["id"])
        self.task = asyncio.create_task(self.listen())

    async def listen(self):
        async for message in self.socket:
            event = message.json().get("event")
            if event:
                self.events.append(event)

    async def stop(self):
        await asyncio.sleep(1)
        self.task.cancel()
        await self.socket.close()

    def changes(self, entity):
        """Old and new state of each change, and its number."""
        for event in self.events:
            data = event["data"]
            if event["event_type"] == "state_changed" and data["entity_id"] == entity and data["old_state"] and data["new_state"]:
                yield data["old_state"], data["new_state"]

    def fired(self, automation):
        """The changes that this automation answered, by their contexts."""
        return [e["context"]["parent_id"] for e in self.events
                if e["event_type"] == "automation_triggered" and e["data"]["entity_id"] == automation]  # fmt: skip

    def called(self, domain, service):
        return sum((e["data"]["domain"], e["data"]["service"]) == (domain, service)
                   for e in self.events if e["event_type"] == "call_service")  # fmt: skip

    def judge(self):
        """Each change that is news was answered once, every other one never. How many there were of both."""
        gone = ("unavailable", "unknown")
        def lights(old, new):
            return new["state"] in COLOURS and old["state"] not in gone and old["state"] != new["state"]
        def arrives(old, new):
            there = old["state"] != "unavailable" and new["state"] not in gone and old["state"] != new["state"]
            return there and new["attributes"].get("event_type") == "appeared"
        counts = []
        for entity, automation, is_news in (
            (EXPRESSION, "automation.light_in_the_colour_of_the_expression", lights),
            (EVENT, "automation.somebody_came_home", arrives),
        ):
            changes, fired = list(self.changes(entity)), self.fired(automation)
            wanted = [new["context"]["id"] for old, new in changes if is_news(old, new)]
            check(sorted(fired) == sorted(wanted), f"{automation} fired {len(fired)} times, not {len(wanted)}, of {len(changes)} changes")
            counts.append((len(wanted), len(changes)))
        return counts


async def automations(home, broker, base):
    """The examples fire on what is news, and on nothing else: this test speaks for the device, so that each case comes."""
    def state(mood, track=1, camera="running"):
        payload = base | {"mood": mood, "track": track, "camera": camera}
        broker.publish("moodring/hall/state", json.dumps(payload), retain=False)

    def event(kind):
        broker.publish("moodring/hall/event", json.dumps({"schema": 1, "device": "hall", "kind": kind, "track": 1}), retain=False)

    def status(text):
        broker.publish("moodring/hall/status", text)

    async def attribute(entity, name, value):
        async def has():
            return (await home.states())[entity]["attributes"].get(name) == value
        await home.until(has, f"{entity}: {name} {value}")

    watcher = Watcher(home)
    await watcher.start()
    lamp = "automation.light_in_the_colour_of_the_expression"
    # What the device says, what Home Assistant shows then, and whether the light is to change.
    for say, shown, fires in (
        (lambda: (status("online"), state("neutral")), "neutral", False),
        (lambda: state("happy"), "happy", True),
        (lambda: state("happy", track=2), "happy", False),
        (lambda: status("offline"), "unavailable", False),
        (lambda: (status("online"), state("happy", track=3)), "happy", False),
        (lambda: state("happy", camera="off"), "unknown", False),
        (lambda: state("sad", track=4), "sad", False),
        (lambda: state("angry"), "angry", True),
        (lambda: state("fear"), "fear", False),
        (lambda: state("sad"), "sad", True),
        (lambda: state("sad", track=5), "sad", False),
    ):
        before = len(watcher.fired(lamp))
        say()
        await home.becomes(EXPRESSION, shown)
        await asyncio.sleep(0.7)
        check(len(watcher.fired(lamp)) - before == fires, f"{shown}: the light's automation fired {len(watcher.fired(lamp)) - before} times")
        if fires:
            hue = (await home.states())[LIGHT]["attributes"]["hs_color"][0]
            check(abs(hue - HUES[COLOURS[shown]]) < 1, f"{shown}: the light has the hue {hue}")
    for kind, calls in (("appeared", 1), ("changed", 0), ("left", 0), (None, 0), ("appeared", 1)):
        before = watcher.called("notify", "notify")
        if kind:
            event(kind)
            await attribute(EVENT, "event_type", kind)
        else:
            status("offline")
            await home.becomes(EVENT, "unavailable")
            status("online")
            await attribute(EVENT, "event_type", "left")
        await asyncio.sleep(0.7)
        check(watcher.called("notify", "notify") - before == calls, f"{kind}: notified {watcher.called('notify', 'notify') - before} times")
    await watcher.stop()
    (light, changes), (came, events) = watcher.judge()
    print(f"   the light followed {light} of {changes} changes, {came} of {events} events were told")


async def no_camera_at_night(home):
    """The example with other hours: the camera goes off and on again."""
    switch, now = "switch.moodring_hall_camera", datetime.datetime.now(datetime.timezone.utc)
    hours = {old: (now + datetime.timedelta(seconds=s)).strftime("%H:%M:%S") for old, s in (("22:00:00", 12), ("07:00:00", 30))}
    text = home.examples
    for old, new in hours.items():
        check(f'"{old}"' in text, old)
        text = text.replace(old, new)
    (home.folder / "automations.yaml").write_text(text)
    await home.ask("call_service", domain="automation", service="reload")
    await home.becomes(switch, "off")
    await home.becomes(EXPRESSION, "unknown")
    await home.becomes(switch, "on")


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

    section("the example automations: no camera at night")
    await home.becomes(entity("switch", "camera"), "on")
    await no_camera_at_night(home)
    await home.becomes(entity("sensor", "mood"), *moods)
    watcher = Watcher(home)
    await watcher.start()

    section("the daemon restarts, the broker restarts, Home Assistant restarts")
    daemon.stop()
    await home.becomes(entity("sensor", "mood"), "unavailable")
    daemon = Daemon(folder, broker.port)
    await home.becomes(entity("sensor", "mood"), *moods)
    broker.kill()
    await home.becomes(entity("sensor", "mood"), "unavailable")
    broker.start()
    await home.becomes(entity("sensor", "mood"), *moods)
    # Some changes of the drawn scene, too, beside the restarts.
    await asyncio.sleep(15)
    await watcher.stop()
    (light, changes), (came, events) = watcher.judge()
    print(f"   the light followed {light} of {changes} changes, {came} of {events} events were told")
    check(light >= 2 and changes > light and events, "there was nothing to judge")
    base = json.loads(broker.newest("moodring/hall/state"))
    daemon.stop()
    section("the example automations, case by case")
    await automations(home, broker, base)
    daemon = Daemon(folder, broker.port)
    await home.becomes(entity("switch", "camera"), "on")
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

    section("what Home Assistant complains of")
    # That it would: a stranger's announcement that is none.
    broker.publish("homeassistant/sensor/stranger/config", '{"name": "stranger"}')
    await asyncio.sleep(5)
    complaints = home.complaints()
    for line in complaints[:20]:
        print(f"   {line[:300]}")
    foreign = [line for line in complaints if "stranger" in line]
    check(foreign, "Home Assistant's log does not even show a stranger's fault")
    check(complaints == foreign, f"{len(complaints) - len(foreign)} complaints about us")
    await home.stop()
    broker.kill()


def end_children():
    """What a test that broke off left running."""
    for process in STARTED:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


BEGIN = time.monotonic()
with tempfile.TemporaryDirectory(dir=f"{ROOT}/tmp") as name:
    try:
        asyncio.run(main(pathlib.Path(name)))
    except BaseException:
        for log in [*pathlib.Path(name).glob("*.log"), *pathlib.Path(name).glob("home/*.log*")]:
            print(f"== {log.name}\n{log.read_text(errors='replace')[-3000:]}", file=sys.stderr)
        raise
    finally:
        end_children()
print("all fine")
