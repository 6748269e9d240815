"""What a frame with 1 to 64 people costs ours, after models/bench/whole has made its environment and our side:
target/whole/opencv/bin/python -m models.bench.whole_way.crowd [PROGRAM]"""
import sys

import numpy as np

from . import frames
from .__main__ import MADE, ROOT
from .process import Process

COUNTS = 1, 2, 4, 8, 16, 32, 64
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
    program = sys.argv[1] if len(sys.argv) > 1 else ROOT / "target" / "release" / "examples" / "whole_way"
    crops, _ = frames.public_test()
    running, times, seen = {}, {count: [] for count in COUNTS}, {}
    for count in COUNTS:
        path = MADE / f"crowd-{count}.yuyv"
        frames.write(path, crowd(crops, count), frames.yuyv)
        running[count] = Process([program], 0)
        running[count].ask(f"film yuyv {count} {path}")
        running[count].ask(f"run {4 * FRAMES}")
    for _ in range(ROUNDS):
        for count, process in running.items():
            answer, _, cpu = process.timed(f"run {FRAMES}")
            times[count].append(cpu / FRAMES * 1e3)
            seen[count] = int(answer) / FRAMES
    for count in COUNTS:
        print(f"{count} people: {seen[count]:.1f} in view, {np.median(times[count]):.2f} ms of processor a frame")


if __name__ == "__main__":
    main()
