"""What strangers and careless programs do to the page: one function for each attack, until it is told to end.

Run by tests/siege.py as a process of its own (so that it has its own file descriptors): siege_attacks.py NAME SECONDS PORT
TOKEN. Only the standard library.
"""

import asyncio
import os
import random
import resource
import socket
import struct
import sys
import time
import zlib

ONE = "10.77.1.1"
FREEBIND = 15  # IP_FREEBIND: any address of the namespace's local networks may be a source


def some_address():
    return f"10.77.{random.randrange(2, 250)}.{random.randrange(1, 250)}"


def some_of_one_network():
    return "fd77::" + ":".join(f"{random.randrange(65536):x}" for _ in range(4))


async def connect(port, source):
    six = ":" in source
    sock = socket.socket(socket.AF_INET6 if six else socket.AF_INET)
    sock.setblocking(False)
    if six:
        sock.setsockopt(socket.IPPROTO_IPV6, 78, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, FREEBIND, 1)
    try:
        sock.bind((source, 0))
        await asyncio.wait_for(asyncio.get_running_loop().sock_connect(sock, ("fd77::1" if six else "10.77.0.1", port)), 5)
    except (OSError, asyncio.TimeoutError):
        sock.close()
        return None
    return sock


async def send(sock, data):
    try:
        await asyncio.wait_for(asyncio.get_running_loop().sock_sendall(sock, data), 5)
        return True
    except (OSError, asyncio.TimeoutError):
        return False


async def read(sock, most=65536, within=5):
    try:
        return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(sock, most), within)
    except (OSError, asyncio.TimeoutError):
        return b""


def head(line, body=b"", token=None, length=None):
    lines = [f"{line} HTTP/1.1", "Host: 10.77.0.1"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body or length is not None:
        lines.append(f"Content-Length: {length if length is not None else len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def hold(port, end, count, source, first=b"", dribble=b""):
    """Keeps so many connections open, each of which has said `first`, and says `dribble` once a second."""
    held = []
    while time.monotonic() < end:
        held = [sock for sock in held if sock.fileno() >= 0]
        for _ in range(min(100, count - len(held))):
            sock = await connect(port, source())
            if sock is None:
                break
            if first and not await send(sock, first):
                sock.close()
                continue
            held.append(sock)
        for sock in held if dribble else []:
            try:
                sock.send(dribble)
            except BlockingIOError:
                pass
            except OSError:
                sock.close()
        await asyncio.sleep(0.5)


async def repeat(port, end, request, source, pause=0.0, reads=True, workers=8):
    """Sends a request again and again, each on a connection of its own."""

    async def one():
        while time.monotonic() < end:
            sock = await connect(port, source())
            if sock is not None:
                await send(sock, request() if callable(request) else request)
                if reads:
                    await read(sock, within=2)
                sock.close()
            await asyncio.sleep(pause)

    await asyncio.gather(*(one() for _ in range(workers)))


def noise():
    kinds = [
        os.urandom(random.randrange(1, 4000)),
        head("GET /" + "a=1&" * random.randrange(1, 20000)),
        b"GET http://evil.example/ HTTP/1.1\r\nHost: 10.77.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 10.77.0.1\r\nHost: evil\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: [::1].evil\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        head(random.choice(["OPTIONS", "TRACE", "BREW"]) + " /api/v1/state"),
        b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        struct.pack(">I", random.getrandbits(32)) * 100,
    ]
    return random.choice(kinds)


def login():
    return head("POST /login", b'{"password":"guess%d"}' % random.getrandbits(30))


def gif(width=8000, height=5000):
    """A picture of 40 megapixels in 35 bytes."""
    return b"GIF89a" + struct.pack("<HH", width, height) + bytes.fromhex("800000000000ffffff2c00000000") + struct.pack(
        "<HH", width, height) + bytes.fromhex("0002024c01003b")


def png(width=8000, height=5000):
    """A picture of 40 megapixels, 16 bits a channel with alpha, in 320 kB: 320 MB when it is unpacked whole."""
    packer = zlib.compressobj(9)
    row = bytes(1 + 8 * width)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    head = struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def packed_chunk(kind, before):
    """A small picture with 400 MB of zeros packed into 400 kB, in a chunk that holds a colour profile or a text."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(400)) + packer.flush()
    small = png(64, 64)
    body = before + b"\0\0" + packed
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return small[:33] + chunk + small[33:]


def bombs(token):
    """Small files that are large when they are unpacked."""
    kinds = [gif(), packed_chunk(b"iCCP", b"profile"), packed_chunk(b"zTXt", b"Comment")]
    requests = [head("POST /api/v1/analyze", kind, token) for kind in kinds]
    return lambda: random.choice(requests)


def text(string):
    return struct.pack(">H", len(string)) + string


async def commands(end):
    """Thousands of requests a second through the broker, from somebody who may publish there."""
    await asyncio.sleep(random.random())
    reader, writer = await asyncio.open_connection("10.77.0.1", 1883)
    connect = text(b"MQTT") + b"\x04\x02\x00\x3c" + text(b"siege-%d" % os.getpid())
    writer.write(bytes([0x10, len(connect)]) + connect)
    await reader.readexactly(4)
    while time.monotonic() < end:
        for thing, value in ((b"sensitivity", b"%d" % random.randrange(101)), (b"brightness", b"999"), (b"theme", b"\xff\xfe"), (b"camera", b"on")):
            body = text(b"moodring/siege/" + thing + b"/set") + value
            writer.write(bytes([0x30, len(body)]) + body)
        await writer.drain()
        await asyncio.sleep(0)
    writer.close()


BROKER, USER, LOGIN = 1883, b"house", b"battery staple"


def hello(password=LOGIN, keep_alive=0):
    """A CONNECT of a client of its own."""
    body = text(b"MQTT") + b"\x04\xc2" + struct.pack(">H", keep_alive) + text(b"siege-%x" % random.getrandbits(60)) + text(USER) + text(password)
    return bytes([0x10, len(body)]) + body


async def clients(end, source, then, workers=60):
    """Clients of the embedded broker that know the password, each with `then` once it is in, for as long as they are let."""

    async def one():
        while time.monotonic() < end:
            sock = await connect(BROKER, source())
            if sock is None or not await send(sock, hello()) or not await read(sock):
                await asyncio.sleep(0.2)
            else:
                for packet in then():
                    if time.monotonic() >= end or not await send(sock, packet):
                        break
                # Until it is hung up on; what the broker says meanwhile is not read.
                while time.monotonic() < end and sock.fileno() >= 0 and await read(sock, 1, 1):
                    pass
            if sock is not None:
                sock.close()

    await asyncio.gather(*(one() for _ in range(workers)))


def retained():
    """Kept messages without end, each below a topic of its own."""
    while True:
        body = text(b"flood/%x" % random.getrandbits(60)) + os.urandom(random.randrange(1, 60_000))
        length, head_bytes = len(body), b"\x31"
        while True:
            length, low = length >> 7, length & 0x7F
            head_bytes += bytes([low | (0x80 if length else 0)])
            if not length:
                break
        yield head_bytes + body


def broker_attacks():
    """What is done to the embedded broker's port, by those who do not know its password and by those who do."""
    return {
        "broker: silent": lambda p, e: hold(BROKER, e, 1100, lambda: ONE),
        "broker: silent from everywhere": lambda p, e: hold(BROKER, e, 1100, some_address),
        "broker: half a CONNECT": lambda p, e: hold(BROKER, e, 600, some_address, b"\x10\xff\x7f\x00\x04MQTT", b"x"),
        "broker: wrong passwords": lambda p, e: repeat(BROKER, e, lambda: hello(b"guess%d" % random.getrandbits(30)), some_address),
        "broker: noise": lambda p, e: repeat(BROKER, e, lambda: hello() + os.urandom(random.randrange(1, 4000)), some_address),
        "broker: all places": lambda p, e: clients(e, lambda: ONE, lambda: []),
        "broker: kept messages": lambda p, e: clients(e, lambda: ONE, retained, workers=4),
        "broker: many filters": lambda p, e: clients(
            e, lambda: ONE, lambda: (b"\x82\x0c\x00\x01" + text(b"%05x/#" % (i % 0x100000)) + b"\x00" for i in range(1 << 20)), workers=4),
    }


def attacks(token):
    unread = lambda path: lambda p, e: hold(p, e, 60, some_address, head(f"GET {path}", token=token))
    return {
        "idle": lambda p, e: hold(p, e, 1100, lambda: ONE),
        "idle from everywhere": lambda p, e: hold(p, e, 1100, some_address),
        "heads": lambda p, e: hold(p, e, 1100, some_address, b"GET / HTTP/1.1\r\nX: " + b"x" * 400_000),
        "dribble": lambda p, e: hold(p, e, 600, some_address, b"GET / HTTP/1.1\r\nX: ", b"x"),
        "stalled bodies": lambda p, e: hold(p, e, 600, some_address, head("POST /login", length=9_000)),
        "stalled uploads": lambda p, e: hold(p, e, 60, some_address, head("POST /api/v1/analyze", b"x" * 5000, token, 9_000_000)),
        "guesses": lambda p, e: repeat(p, e, login, lambda: ONE),
        "guesses from everywhere": lambda p, e: repeat(p, e, login, some_address),
        "guesses from one network": lambda p, e: repeat(p, e, login, some_of_one_network),
        "noise": lambda p, e: repeat(p, e, noise, some_address),
        "churn": lambda p, e: repeat(p, e, b"", some_address, reads=False, workers=32),
        "pipelines": lambda p, e: hold(p, e, 60, some_address, head("GET /api/v1/state", token=token) * 300),
        "unread views": unread("/api/v1/events?svg=true&recent=200"),
        "unread history": unread("/api/v1/history/events?days=3660"),
        "bombs": lambda p, e: repeat(p, e, bombs(token), some_address, pause=0.2, workers=4),
        "large pictures": lambda p, e: repeat(p, e, head("POST /api/v1/analyze", png(), token), some_address, pause=0.2, workers=2),
        "commands": lambda p, e: commands(e),
        "forwarded": lambda p, e: repeat(p, e, lambda: b"GET / HTTP/1.1\r\nHost: ha.local\r\nX-Ingress-Path: /a\r\nX-Forwarded-For: 10.77.0.2\r\n\r\n",
                                         some_address),
    }


def main():
    name, seconds, port, token = sys.argv[1:5]
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8192) if most > 0 else 8192, most))
    os.nice(15)
    end = time.monotonic() + float(seconds)
    asyncio.run(asyncio.wait_for((attacks(token) | broker_attacks())[name](int(port), end), float(seconds) + 10))


if __name__ == "__main__":
    main()
