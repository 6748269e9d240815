"""The daemon under attack, as a person who owns it sees it: see tests/siege.

Starts the daemon in a network namespace of its own, under the unit's limits (memory of a cgroup, 1,024 open files), with a
live source and a broker; attacks it, one way after the other and then in random mixtures; and looks, twice a second,
whether frames come, the broker is there, the owner gets in, and how much memory it takes.
"""

import argparse
import atexit
import ctypes
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PORT, BROKER = 8080, 1883
OWNER, SERVER = "10.77.0.2", "10.77.0.1"
PASSWORD, TOKEN = "correct horse battery", "0123456789abcdef0123456789abcdef"
MEMORY_MAX, MEMORY_ALLOWED = 256 << 20, 200 << 20
SHORT_BROKER = ["broker: silent", "broker: all places"]
SHORT = ["idle from everywhere", "heads", "guesses", "stalled uploads", "unread history", "noise"]


def enter_namespace():
    """This process and all it starts get a network of their own, where every 10.77 address is this machine."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x40000000) != 0:  # CLONE_NEWNET
        sys.exit(f"tests/siege needs root, for a network namespace: {os.strerror(ctypes.get_errno())}")
    for line in ("link set lo up", "route add local 10.77.0.0/16 dev lo", "-6 route add local fd77::/48 dev lo"):
        subprocess.run(["ip", *line.split()], check=True)


class Cgroup:
    """The unit's memory limit, by cgroup v2 or v1; where there is neither, only the process itself is measured."""

    def __init__(self):
        self.path = None
        name = f"moodring-siege-{os.getpid()}"
        for folder, limit in (("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")):
            path = Path(folder, name)
            try:
                path.mkdir()
                if not (path / "cgroup.procs").exists():
                    raise OSError("a folder, and no group")
                (path / limit).write_text(str(MEMORY_MAX))
                self.path = path
                return
            except OSError:
                if path.is_dir():
                    path.rmdir()

    def join(self):
        if self.path:
            (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def killed(self):
        for name in ("memory.events", "memory.oom_control"):
            if self.path and (self.path / name).exists():
                lines = (self.path / name).read_text().splitlines()
                return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
        return 0

    def remove(self):
        # Empty when its last process has been waited for; the kernel takes a moment.
        for _ in range(50):
            try:
                return self.path.rmdir() if self.path else None
            except OSError:
                time.sleep(0.1)


class Daemon:
    def __init__(self, binary, folder, source, broker):
        """`broker`: the lines of the settings that say which one it has."""
        self.folder, self.cgroup = folder, Cgroup()
        folder.mkdir(exist_ok=True)
        settings = folder / "m.toml"
        (folder / "token").write_text(TOKEN + "\n")
        settings.write_text(
            f"""[device]\nid = "siege"\n[camera]\nsource = "{source}"\n[display]\nkind = "none"\n[mqtt]\n{broker}\n"""
            f"""[store]\npath = "{folder}/moodring.db"\n[web]\nlisten = "[::]:{PORT}"\ntoken_file = "{folder}/token"\n""")
        subprocess.run([binary, "config", "--password", settings], input=PASSWORD + "\n", text=True, check=True, stdout=subprocess.DEVNULL)
        self.log = open(folder / "log", "w")  # noqa: SIM115, it is the daemon's for as long as it runs

        def limits():
            resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
            resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2 if os.getuid() == 0 else (0, 0))
            self.cgroup.join()

        environment = {name: value for name, value in os.environ.items() if not name.startswith("MOODRING_")}
        environment["XDG_STATE_HOME"] = str(folder)
        # The unit's own.
        unit = (HERE.parent / "deploy/systemd/moodring.service").read_text()
        for line in unit.splitlines():
            if line.startswith("Environment="):
                environment.update(pair.split("=", 1) for pair in line.partition("=")[2].split())
        self.process = subprocess.Popen([binary, "run", "--config", settings], cwd=folder, stdout=self.log, stderr=self.log,
                                        preexec_fn=limits, env=environment)

    def memory(self):
        """What it holds now, and the most it ever held, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        value = lambda name: next(int(line.split()[1]) << 10 for line in status if line.startswith(name))
        return value("VmRSS:"), value("VmHWM:")

    def most(self):
        """The most memory it ever held, in bytes; 0 when it has ended."""
        return self.memory()[1] if self.process.poll() is None else 0

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = "no end within 10 s"
        self.cgroup.remove()
        return code


def ask(path, body=None, cookie=None, within=5):
    """One request of the owner, from an address of its own; the answer, its body, and the seconds it took."""
    import http.client

    begun = time.monotonic()
    connection = http.client.HTTPConnection(SERVER, PORT, timeout=within, source_address=(OWNER, 0))
    headers = {"Cookie": cookie} if cookie else {}
    try:
        connection.request("POST" if body else "GET", path, body, headers)
        answer = connection.getresponse()
        return answer, answer.read(), time.monotonic() - begun
    finally:
        connection.close()


def hear_status(within):
    """What the broker says of the device to a client of the owner's that comes now; how long that took."""
    import socket
    import siege_attacks

    begun = time.monotonic()
    with socket.create_connection((SERVER, BROKER), within, (OWNER, 0)) as client:
        topic = siege_attacks.text(b"moodring/siege/status") + b"\0"
        client.sendall(siege_attacks.hello() + bytes([0x82, len(topic) + 2, 0, 1]) + topic)
        heard = b""
        while b"status" not in heard:
            client.settimeout(max(0.01, begun + within - time.monotonic()))
            got = client.recv(4096)
            if not got:
                raise OSError(f"the broker hung up after {heard!r}")
            heard += got
    return heard.partition(b"status")[2], time.monotonic() - begun


class Owner:
    """Logs in anew each time, and notes what is not as promised."""

    def __init__(self, daemon, embedded=False):
        """`embedded`: the daemon is the broker, and the owner is a client of it as well."""
        self.embedded = embedded
        self.daemon, self.faults, self.rates, self.logins, self.rss = daemon, [], [], [], []

    def look(self, what, within=2):
        try:
            answer, _, took = ask("/login", json.dumps({"password": PASSWORD}), within=within + 3)
            self.logins.append(took)
            if answer.status != 204 or took > within:
                self.faults.append(f"{what}: the log-in gave {answer.status} after {took:.1f} s")
                return None
            cookie = answer.getheader("set-cookie").split(";")[0]
            answer, body, _ = ask("/api/v1/state", cookie=cookie)
            state = json.loads(body)
        except (OSError, ValueError) as error:
            self.faults.append(f"{what}: the owner sees no state: {error!r}")
            return None
        self.rates.append(state["frames_per_second"])
        for name, wanted in (("camera", "running"), ("broker", "online")):
            if state[name] != wanted:
                self.faults.append(f"{what}: {name} is {state[name]}")
        if self.embedded:
            try:
                status, took = hear_status(within + 3)
                if status != b"online" or took > within:
                    self.faults.append(f"{what}: the broker says {status!r} after {took:.1f} s")
            except OSError as error:
                self.faults.append(f"{what}: the owner's client hears nothing: {error!r}")
        return state

    def watch(self, what, seconds, least):
        first = len(self.rates)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.daemon.process.poll() is not None:
                self.faults.append(f"{what}: the daemon ended with {self.daemon.process.returncode}")
                return
            self.look(what)
            now, most = self.daemon.memory()
            self.rss.append(now)
            if most > MEMORY_ALLOWED:
                self.faults.append(f"{what}: {most >> 20} MiB of memory")
            time.sleep(0.5)
        rates = self.rates[first:] or [0.0]
        mean = sum(rates) / len(rates)
        if mean < least:
            self.faults.append(f"{what}: {mean:.1f} frames a second, and {least:.1f} are the least")
        print(f"  {what}: {mean:.1f} frames/s, log-in {max(self.logins[-8:], default=0):.2f} s, {self.daemon.memory()[0] >> 20} MiB", flush=True)


def refused_by_the_kernel():
    """Connections that found the queue of the page's port full."""
    lines = Path("/proc/net/netstat").read_text().splitlines()
    names, values = (line.split() for line in lines if line.startswith("TcpExt:"))
    return int(values[names.index("ListenOverflows")])


def attack(names, seconds):
    line = [sys.executable, "-B", HERE / "siege_attacks.py"]
    return [subprocess.Popen([*line, name, str(seconds), str(PORT), TOKEN], stderr=subprocess.DEVNULL) for name in names]


def end_all(attacks):
    """Attacks end by themselves; one that a busy machine gave no time is ended."""
    for process in attacks:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def start(daemon, owner):
    """Waits until all is up; frames a second in peace."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if ask("/readyz")[0].status == 200 and (owner.look("start", 30) or {}).get("broker") == "online":
                break
        except OSError:
            pass
        time.sleep(0.5)
    else:
        sys.exit(f"the daemon did not come up; {daemon.folder}/log has its words")
    owner.faults.clear()
    owner.logins.clear()
    time.sleep(3)
    owner.watch("in peace", 5, 0)
    peace = owner.rates[-4:]
    return sum(peace) / len(peace)


def besiege(daemon, owner, least, singles, seconds, choice):
    """Each of `singles` alone, then for so many seconds mixtures out of `choice`."""
    for name in singles:
        running = attack([name], 7)
        owner.watch(name, 7, least)
        end_all(running)
    end = time.monotonic() + seconds
    while time.monotonic() < end and daemon.process.poll() is None:
        mixture = random.sample(choice, min(len(choice), random.randrange(2, 5)))
        running = attack(mixture, 12)
        owner.watch(" + ".join(mixture), 12, least)
        end_all(running)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--short", action="store_true", help="one minute")
    arguments.add_argument("--seconds", type=int, default=600, help="of random mixtures")
    arguments.add_argument("--only", metavar="NAME + NAME", help="this mixture alone, for the seconds of random mixtures")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--source", default="synthetic")
    arguments.add_argument("--json", help="write the figures here")
    options = arguments.parse_args()
    random.seed(options.seed)
    sys.path.insert(0, str(HERE))
    import siege_attacks

    binary = os.environ.get("MOODRING_BIN") or str(HERE.parent / "target/release/moodring")
    enter_namespace()
    folder = Path(tempfile.mkdtemp(prefix="moodring-siege-"))
    every = list(siege_attacks.attacks(TOKEN))
    at_broker = list(siege_attacks.broker_attacks())
    broker = subprocess.Popen([shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", "/dev/stdin"], stdin=subprocess.PIPE, text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    broker.stdin.write(f"listener {BROKER} {SERVER}\nallow_anonymous true\n")
    broker.stdin.close()
    daemon = Daemon(binary, folder / "page", options.source, f'url = "mqtt://{SERVER}:{BROKER}"')
    owner = Owner(daemon)
    try:
        peace = start(daemon, owner)
        if owner.faults and options.short:
            # What does not hold in peace says nothing of attacks.
            atexit.register(shutil.rmtree, folder, True)
            print("SKIPPED: this machine is too busy to be measured:", owner.faults[0])
            sys.exit(0)
        least = min(28.0, 0.93 * peace)
        print(f"in peace {peace:.1f} frames a second; the least allowed is {least:.1f}", flush=True)
        only = options.only.split(" + ") if options.only else []
        singles = [] if only else SHORT if options.short else every
        mixtures = 0 if options.short or set(only) & set(at_broker) else options.seconds
        besiege(daemon, owner, least, singles, mixtures, only or every)
        killed, limited, most = daemon.cgroup.killed(), daemon.cgroup.path is not None, daemon.most()
    finally:
        code = daemon.stop()
        broker.terminate()
        broker.wait()
    if code != 0:
        owner.faults.append(f"the daemon ended with {code}")
    # Once more, with the daemon as the house's broker.
    (folder / "password").write_bytes(siege_attacks.LOGIN + b"\n")
    lines = [f'url = ""\nlisten = "{SERVER}:{BROKER}"', f'user = "{siege_attacks.USER.decode()}"', f'password_file = "{folder}/password"']
    daemon = Daemon(binary, folder / "broker", options.source, "\n".join(lines))
    owner.daemon, owner.embedded = daemon, True
    try:
        print("the daemon is the broker", flush=True)
        faults = list(owner.faults)
        start(daemon, owner)
        owner.faults[:0] = faults
        singles = [] if only else SHORT_BROKER if options.short else at_broker
        mixtures = 0 if options.short or set(only) & set(every) else options.seconds // 5
        besiege(daemon, owner, least, singles, mixtures, only or at_broker)
        killed, most = killed + daemon.cgroup.killed(), max(most, daemon.most())
    finally:
        code = daemon.stop()
    if code != 0:
        owner.faults.append(f"the daemon ended with {code}")
    if killed:
        owner.faults.append(f"the kernel killed {killed} processes for memory")
    known = {"m.toml", "m.toml.bak", "token", "log", "password"}
    left = [path.name for path in folder.rglob("*") if path.is_file() and path.name not in known and not path.name.startswith("moodring.db")
            and "moodring" not in path.parent.name.replace(folder.name, "")]
    if left:
        owner.faults.append(f"files were left: {left}")
    figures = {"frames_per_second_least": round(min(owner.rates), 1), "frames_per_second_mean": round(sum(owner.rates) / len(owner.rates), 1),
               "login_s_worst": round(max(owner.logins), 2), "logins": len(owner.logins), "memory_most_mib": most >> 20,
               "memory_limit": limited, "queue_overflows": refused_by_the_kernel(), "faults": len(owner.faults)}
    print(json.dumps(figures))
    if options.json:
        Path(options.json).write_text(json.dumps(figures) + "\n")
    for fault in dict.fromkeys(owner.faults):
        print("FAULT", fault)
    if owner.faults:
        sys.exit(f"the siege was lost; {folder} has the log")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
