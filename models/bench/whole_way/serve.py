"""What a peer that is called from Python answers to the commands of daemon/examples/whole_way.rs.

A peer has `begin(faces)`, before a film with so many faces, and `see(bytes, is_jpeg)`: for each face its box and its scores in
FER2013's order, or None for the scores. Beside the peer's processor time, that of native calls alone is kept where the peer counts it.
"""
import json
import os
import sys

for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

FRAME_BYTES = 640 * 480 * 2


def serve(peer):
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    film, is_jpeg, at = [], False, 0
    for line in sys.stdin:
        command, *rest = line.rstrip("\n").split(" ")
        if command == "film":
            form, faces, path = rest
            film, is_jpeg, at = frames(path), form == "mjpeg", 0
            peer.begin(int(faces))
            answer = "open"
        elif command == "run":
            found, before = 0, peer.native_ns
            for _ in range(int(rest[0])):
                found += len(peer.see(film[at], is_jpeg))
                at = (at + 1) % len(film)
            answer = f"{found} {peer.native_ns - before}"
        elif command == "answers":
            peer.begin(1)
            answer = json.dumps([one for one in answers(peer, rest[0])])
        else:
            raise SystemExit(f"unknown: {line}")
        out.write(answer + "\n")
        out.flush()


def frames(path):
    with open(path + ".places") as file:
        places = list(map(int, file.read().split()))
    with open(path, "rb") as file:
        return [file.read(end - begin) for begin, end in zip(places, places[1:])]


def answers(peer, path):
    with open(path, "rb") as file:
        while frame := file.read(FRAME_BYTES):
            yield [{"box": [float(x) for x in box], "scores": scores} for box, scores in peer.see(frame, False)]
            peer.begin(1)
