"""The add-on's run script as in its container, see tests/addon. Runs as root in namespaces of its own.

Addresses are those of a Home Assistant OS: the Supervisor at 172.30.32.2 (its API at http://supervisor, and the ingress, which
comes from there), the broker at 172.30.33.1, the add-on at 172.30.33.5, somebody else at 172.30.33.9; all on the loopback device.
"""
import asyncio
import contextlib
import json
import os
import pathlib
import pwd
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import aiohttp
import paho.mqtt.client as mqtt
from aiohttp import web

MOODRING, WORK, HERE, SHOTS = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), sys.argv[4]
ADDON = pathlib.Path("deploy/home-assistant-addon").resolve()
SUPERVISOR, BROKER, APP, OTHER = "172.30.32.2", "172.30.33.1", "172.30.33.5", "172.30.33.9"
TOKEN, INGRESS, PASSWORD = "supervisor-token", "aBcD-1_ingress", 'pass"word\\ with ümlaut'
DEADLINE_S = 60


def check(fine, what):
    if not fine:
        log = (WORK / "addon.log").read_text() if (WORK / "addon.log").exists() else ""
        sys.exit(f"FAILED: {what}\n{log[-3000:]}")


def run(*command, **more):
    return subprocess.run(command, check=True, **more)


def wait_for(fits, what):
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        found = fits()
        if found:
            return found
        time.sleep(0.1)
    check(False, f"waited in vain for {what}")


def prepare():
    """What the container has: names, /data, /run, the user, the program at its place."""
    run("mount", "--make-rprivate", "/")
    run("ip", "link", "set", "lo", "up")
    for address in (SUPERVISOR, BROKER, APP, OTHER):
        run("ip", "address", "add", f"{address}/32", "dev", "lo")
    hosts = WORK / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n{SUPERVISOR} supervisor\n{BROKER} core-mosquitto\n{APP} local-moodring\n")
    run("mount", "--bind", hosts, "/etc/hosts")
    # /data comes from outside, the rest is the image's.
    os.makedirs("/data", exist_ok=True)
    for folder in ("/data", "/run"):
        run("mount", "-t", "tmpfs", "tmpfs", folder)
    for name in ("passwd", "group"):
        copy = WORK / name
        copy.write_text(pathlib.Path("/etc", name).read_text())
        run("mount", "--bind", copy, f"/etc/{name}")
    with contextlib.suppress(KeyError):
        pwd.getpwnam("moodring")
        return WORK / "bin"
    with open("/etc/passwd", "a") as passwd, open("/etc/group", "a") as group:
        passwd.write("moodring:x:991:991::/nonexistent:/usr/sbin/nologin\n")
        group.write("moodring:x:991:\n")
    return WORK / "bin"


def start_broker():
    passwords = WORK / "passwords"
    run("mosquitto_passwd", "-b", "-c", passwords, "addons", PASSWORD)
    os.chmod(passwords, 0o644)
    os.chmod(WORK, 0o755)
    config = WORK / "mosquitto.conf"
    config.write_text(f"listener 1883 {BROKER}\nallow_anonymous false\npassword_file {passwords}\n")
    subprocess.Popen(["mosquitto", "-c", config], stderr=subprocess.DEVNULL)


class Supervisor:
    """Its API as far as an add-on sees it, and its half of the ingress together with Home Assistant's."""

    def __init__(self):
        self.service = None
        self.refused = []

    async def serve(self):
        api = web.Application()
        api.router.add_get("/services/mqtt", self.mqtt)
        core = web.Application(client_max_size=2**25)
        core.router.add_route("*", "/api/hassio_ingress/{token}/{path:.*}", self.ingress)
        core.router.add_get("/", lambda request: web.Response(text=FRAME, content_type="text/html"))
        for app, port in ((api, 80), (core, 8123)):
            runner = web.AppRunner(app)
            await runner.setup()
            await web.TCPSite(runner, SUPERVISOR, port).start()

    async def mqtt(self, request):
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.refused.append(request.headers.get("Authorization"))
            return web.json_response({"result": "error", "message": "unauthorized"}, status=401)
        if self.service is None:
            return web.json_response({"result": "error", "message": "Service not enabled"}, status=400)
        return web.json_response({"result": "ok", "data": self.service})

    async def ingress(self, request):
        if request.match_info["token"] != INGRESS:
            return web.Response(status=503)
        drop = {"content-length", "content-encoding", "transfer-encoding", "connection"}
        headers = {name: value for name, value in request.headers.items() if name.lower() not in drop}
        headers |= {
            "X-Ingress-Path": f"/api/hassio_ingress/{INGRESS}",
            "X-Forwarded-For": request.remote,
            "X-Forwarded-Host": request.host,
            "X-Forwarded-Proto": request.scheme,
        }
        connector = aiohttp.TCPConnector(local_addr=(SUPERVISOR, 0))
        async with aiohttp.ClientSession(connector=connector) as session:
            url = f"http://{APP}:8099/{request.match_info['path']}"
            timeout = aiohttp.ClientTimeout(total=None)
            body = await request.read()
            async with session.request(
                request.method, url, headers=headers, params=request.query, data=body, allow_redirects=False, timeout=timeout
            ) as answer:
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in drop}
                response = web.StreamResponse(status=answer.status, headers=kept)
                # The browser may be gone, or the add-on.
                with contextlib.suppress(ConnectionResetError, aiohttp.ClientError):
                    await response.prepare(request)
                    async for chunk in answer.content.iter_any():
                        await response.write(chunk)
                return response


FRAME = f"<!doctype html><title>Home Assistant</title><iframe id=panel src='/api/hassio_ingress/{INGRESS}/' width=1000 height=900></iframe>"


class Container:
    """The add-on's process."""

    def __init__(self, options, token=TOKEN):
        data = pathlib.Path("/data")
        (data / "options.json").write_text(json.dumps(options))
        environment = {"PATH": f"{WORK / 'bin'}:/usr/bin:/bin:/usr/sbin:/sbin", "SUPERVISOR_TOKEN": token, "HOSTNAME": "local-moodring"}
        self.log = open(WORK / "addon.log", "wb")
        self.process = subprocess.Popen([ADDON / "run.sh"], env=environment, stdout=self.log, stderr=self.log, cwd="/")

    def ended(self):
        code = self.process.wait(DEADLINE_S)
        return code, (WORK / "addon.log").read_text()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)


def get(url, source=None, headers=None, data=None, method=None):
    """Status, headers and body, asked from an address of one's choice."""

    class From(urllib.request.HTTPHandler):
        def http_open(self, request):
            import http.client

            make = lambda host, **more: http.client.HTTPConnection(host, source_address=(source, 0) if source else None, **more)
            return self.do_open(make, request)

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *rest):
            return None

    request = urllib.request.Request(url, headers=headers or {}, data=data, method=method)
    try:
        answer = urllib.request.build_opener(From, Stay).open(request, timeout=20)
    except urllib.error.HTTPError as error:
        answer = error
    return answer.status, answer.headers, answer.read()


def check_refusals(supervisor, options):
    code, log = Container(options).ended()
    check(code == 1 and "Mosquitto broker" in log or "Service not enabled" in log, f"no broker: {code} {log}")
    code, log = Container(options, token="wrong").ended()
    check(code == 1 and "unauthorized" in log, f"a wrong token: {code} {log}")
    supervisor.service = {"host": "core-mosquitto", "port": 1883, "ssl": False, "protocol": "3.1.1", "username": "addons", "password": PASSWORD}
    code, log = Container(options | {"place": "workplace"}).ended()
    check(code == 1 and "workplace" in log and "do not fit" in log, f"a workplace: {code} {log}")


def check_broker():
    """What came to the broker, with the password that nobody typed."""
    heard = {}
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.username_pw_set("addons", PASSWORD)
    client.on_connect = lambda client, *_: client.subscribe("#")
    client.on_message = lambda client, userdata, message: heard.__setitem__(message.topic, message.payload)
    client.connect(BROKER)
    client.loop_start()
    wait_for(lambda: heard.get("moodring/hall/status") == b"online", "the device at the broker")
    state = wait_for(lambda: heard.get("moodring/hall/state"), "a state")
    check(json.loads(state)["camera"] in ("starting", "running"), state)
    wait_for(lambda: "homeassistant/device/moodring_hall/config" in heard, "the announcement to Home Assistant")
    return client, heard


def check_doors():
    """The ingress's port answers the Supervisor alone, and other sites' pages get nothing through it."""
    there = f"http://{APP}:8099"
    for source in (OTHER, BROKER):
        check(get(there + "/api/v1/state", source)[0] == 403, f"{source} may see the page")
        header = {"X-Ingress-Path": f"/api/hassio_ingress/{INGRESS}"}
        check(get(there + "/api/v1/state", source, header)[0] == 403, "a header opens the door")
    for port in (8080, 80):
        with socket.socket() as knock:
            check(knock.connect_ex((APP, port)) != 0, f"port {port} is open to others")
    path = {"X-Ingress-Path": f"/api/hassio_ingress/{INGRESS}", "Host": "ha.example:8123"}
    check(get(there + "/healthz", SUPERVISOR)[0] == 200, "the watchdog is refused")
    status, headers, page = get(there + "/", SUPERVISOR, path)
    check(status == 200 and b"<title>moodring" in page and b'"/assets/' not in page, page[:300])
    check("frame-ancestors 'self'" in headers["Content-Security-Policy"] and "'none'; script-src 'self'" in headers["Content-Security-Policy"], headers)
    check(headers["X-Frame-Options"] == "SAMEORIGIN", headers)
    off = lambda **more: get(there + "/api/v1/control/sensitivity", SUPERVISOR, path | more, b"40", "POST")[0]
    check(off(Origin="http://ha.example:8123") == 202 and off(Origin="https://ha.example:8123") == 202, "its own page may not ask")
    check(off(**{"Origin": "https://x.example", "X-Forwarded-Host": "x.example"}) == 202, "behind a proxy")
    for foreign in ("http://evil.example", "https://evil.example:8123", "null", "http://ha.example", "http://ha.example:8123.evil.example"):
        check(off(Origin=foreign) == 403, f"{foreign} may ask")
    check(off(**{"Origin": "http://ha.example:8123", "Sec-Fetch-Site": "cross-site"}) == 403, "cross-site")
    for hostile in ('/a"><script>', "/a/../b;", "//evil.example/x", "javascript:", "/a" * 200):
        status, _, page = get(there + "/", SUPERVISOR, path | {"X-Ingress-Path": hostile})
        check(b"evil" not in page and b"<script>" not in page and status != 200, f"{hostile} gets into the page")


def check_users():
    """The daemon is not root, and the broker's password is nobody else's."""
    mine = [path for path in pathlib.Path("/proc").glob("[0-9]*/comm") if path.read_text().strip() == "moodring"]
    check(len(mine) == 1, mine)
    status = (mine[0].parent / "status").read_text()
    check("Uid:\t991" in status and "NoNewPrivs:\t1" in status, status[:600])
    mode = os.stat("/run/moodring/mqtt-password")
    check((mode.st_mode & 0o777, mode.st_uid) == (0o640, 0), oct(mode.st_mode))
    command = (mine[0].parent / "cmdline").read_bytes() + (mine[0].parent / "environ").read_bytes()
    check(PASSWORD.encode() not in command and TOKEN.encode() not in command, "a secret in the process's line or environment")


async def browse():
    """The page inside a frame, through the ingress, in a real browser."""
    command = ["node", HERE / "ingress.mjs", f"http://{SUPERVISOR}:8123/", SHOTS]
    process = await asyncio.create_subprocess_exec(*command)
    check(await process.wait() == 0, "the page through the ingress")


async def main():
    (WORK / "bin").mkdir()
    program = WORK / "bin" / "moodring"
    program.write_bytes(MOODRING.read_bytes())
    program.chmod(0o755)
    prepare()
    start_broker()
    supervisor = Supervisor()
    await supervisor.serve()
    import yaml

    options = yaml.safe_load((ADDON / "config.yaml").read_text())["options"] | {"name": "hall", "source": "synthetic", "rate": 10}
    step = lambda text, call, *args: (print(f"   {text}", flush=True), asyncio.to_thread(call, *args))[1]
    await step("without a broker, with a wrong token, at a workplace", check_refusals, supervisor, options)
    container = Container(options)
    client, heard = await step("the broker's password comes by itself", check_broker)
    await step("who may knock", check_doors)
    await step("users and secrets", check_users)
    print("   the page in Chromium", flush=True)
    await browse()
    code = await asyncio.to_thread(container.stop)
    check(code == 0, f"a stop ends with {code}")
    await asyncio.to_thread(wait_for, lambda: heard["moodring/hall/status"] == b"stopped", "the goodbye")
    print("   started again with another option; its death is the add-on's", flush=True)
    container = Container(options | {"sensitivity": 70})
    await asyncio.to_thread(wait_for, lambda: heard.get("moodring/hall/sensitivity/state") == b"70", "the new option")
    dead = [path.parent.name for path in pathlib.Path("/proc").glob("[0-9]*/comm") if path.read_text().strip() == "moodring"]
    os.kill(int(dead[0]), signal.SIGKILL)
    code, log = await asyncio.to_thread(container.ended)
    check(code != 0, f"{code} {log}")
    client.loop_stop()


asyncio.run(main())
print("all fine")
