"""`moodring run` itself on the clips of `data/video`, in real time: how steady and how late its mood is.

    python -m models.train.classifier.video_run --program target/release/moodring [--data ../shared/data] [--json models/cards/video_run.json]

Each clip is handed to the program as a camera would (`feed`), at 15 and at 30 frames a second, and its events say what it shows when. What counts as acceptable is
`video_segments.json`, as in `video`, which imitates the same in Python to try many settings. A moving mean is not in the product: that line is only there.
"""
import argparse
import json
import shlex
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from .data import LABELS
from .live import Daemon
from .video import SEGMENTS, UNSURE, summed

RATES = (30, 15)
NOBODY = -2
# The daemon's settings that differ from its defaults.
WAYS = {"none": {"mood.smooth_ms": 0, "mood.margin": 0.0, "mood.hold_ms": 0}, "exponential, 0.3 s": {"mood.margin": 0.0, "mood.hold_ms": 0},
        "a margin of 0.1 and a hold of 0.3 s, 0.4 s": {"mood.smooth_ms": 400, "mood.margin": 0.1, "mood.hold_ms": 300}, "the default": {},
        "sensitivity 25": {"mood.sensitivity": 25}, "sensitivity 75": {"mood.sensitivity": 75}}


def number(mood):
    return NOBODY if mood == "nobody" else UNSURE if mood == "uncertain" else LABELS.index(mood)


def states(changes, began, seconds, rate):
    """What is shown at each frame's time of the clip: (times, states)."""
    times, changes = np.arange(int(seconds * rate)) / rate, sorted(changes)
    shown, state, k = [], NOBODY, 0
    for t in times:
        while k < len(changes) and changes[k][0] - began <= t + 1e-3:
            state, k = number(changes[k][1]), k + 1
        shown.append(state)
    return times, np.array(shown)


def watch(program, clip, rate, settings):
    """(times, states) of one clip through `moodring run`."""
    with tempfile.TemporaryDirectory() as folder:
        note, seconds = Path(folder) / "began", length(clip)
        feeder = shlex.join([sys.executable, "-m", "models.train.classifier.feed", str(clip.resolve()), str(rate), str(note)])
        with Daemon(program, f"cmd:cd {shlex.quote(str(Path.cwd()))} && exec {feeder}", {"camera.rate": rate} | settings) as daemon:
            while not note.exists() or time.time() < float(note.read_text() or time.time()) + seconds + 0.7:
                time.sleep(0.05)
                if daemon.process.poll() is not None:
                    raise SystemExit(f"{program} ended while it watched {clip}")
            return states(list(daemon.changes), float(note.read_text()), seconds, rate)


def length(clip):
    import cv2
    video = cv2.VideoCapture(str(clip))
    return video.get(cv2.CAP_PROP_FRAME_COUNT) / video.get(cv2.CAP_PROP_FPS)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, type=Path)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--json")
    parser.add_argument("--at-once", type=int, default=4, help="clips watched at the same time: each takes a tenth of a core")
    parser.add_argument("--way", action="append", choices=WAYS)
    args = parser.parse_args()
    segments = json.loads(SEGMENTS.read_text())
    clips = [p for p in sorted((Path(args.data) / "video").glob("*.mp4")) if p.stem in segments]
    if not clips:
        raise SystemExit(f"{args.data}/video holds no clip that {SEGMENTS.name} names")
    out = {}
    with ThreadPoolExecutor(args.at_once) as pool:
        for rate in RATES:
            for way in args.way or WAYS:
                seen = list(pool.map(lambda clip, r=rate, w=way: watch(args.program, clip, r, WAYS[w]), clips))
                line = summed([(t, s, segments[clip.stem]) for clip, (t, s) in zip(clips, seen)])
                line["nobody"] = float(np.mean(np.concatenate([s for _, s in seen]) == NOBODY))
                out.setdefault(f"{rate} frames a second", {})[way] = {k: round(v, 3) if np.isfinite(v) else None for k, v in line.items()}  # JSON has no infinity
                print(rate, way, out[f"{rate} frames a second"][way], flush=True)
    if args.json:
        Path(args.json).write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
