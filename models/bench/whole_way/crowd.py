"""What a frame with 1 to 64 people costs ours, and how often each of them is read, after models/bench/whole has made its environment and
`cargo build --release -p moodring --example whole_way --example crowd` our side:
target/whole/opencv/bin/python -m models.bench.whole_way.crowd [FOLDER OF PROGRAMS]"""
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from . import frames
from .__main__ import MADE, ROOT
from .process import Process

COUNTS = 1, 2, 4, 8, 9, 16, 32, 64
# Those of more than max_faces, who take turns, and for how many seconds of a film their turns are counted.
TURNS, SECONDS = (9, 16, 32, 64), 20
ACROSS, SIDE_PX, FRAMES, ROUNDS = 10, 52, 10, 8


def crowd(crops, count):
    chance = np.random.default_rng(count)
    background = frames.wall(chance)
    for number in range(FRAMES):
        frame = background.copy()
        for i in range(count):
            turn = 2 * np.pi * number / FRAMES + i
            left = (i % ACROSS + 0.5) * 64 - SIDE_PX / 2 + 3 * np.sin(turn)
            top = (i // ACROSS + 0.5) * 68 - SIDE_PX / 2 + 3 * np.cos(turn)
            frames.put(frame, crops[frames.IN_FILMS[i % 8]], int(left), int(top), SIDE_PX)
        yield frames.with_grain(frame, chance)


def main():
    programs = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "target" / "release" / "examples"
    crops, _ = frames.public_test()
    running, times, seen = {}, {count: [] for count in COUNTS}, {}
    for count in COUNTS:
        path = MADE / f"crowd-{count}.yuyv"
        frames.write(path, crowd(crops, count), frames.yuyv)
        running[count] = Process([programs / "whole_way"], 0)
        running[count].ask(f"film yuyv {count} {path}")
        running[count].ask(f"run {4 * FRAMES}")
    for _ in range(ROUNDS):
        for count, process in running.items():
            answer, _, cpu = process.timed(f"run {FRAMES}")
            times[count].append(cpu / FRAMES * 1e3)
            seen[count] = int(answer) / FRAMES
    for count in COUNTS:
        print(f"{count} people: {seen[count]:.1f} in view, {np.median(times[count]):.2f} ms of processor a frame")
    for count in TURNS:
        said = json.loads(subprocess.check_output([programs / "crowd", MADE / f"crowd-{count}.yuyv", str(SECONDS)]))
        rates = said["reads_per_s"]
        print(f"{count} people: {said['followed']} followed, read {min(rates):.1f} to {max(rates):.1f} times a second (median {np.median(rates):.1f}, "
              f"{sum(rate == 0 for rate in rates)} never), {said['changes_of_the_mood']} changes of the mood, {said['left']} left in {SECONDS} s")


if __name__ == "__main__":
    main()
