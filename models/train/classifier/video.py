"""How steady and how late the mood is on the clips of `data/video`: a table of smoothings.

    python -m models.train.classifier.video [--data ../shared/data] [--json models/cards/video.json] [--picture models/cards/video.svg]

Each frame goes through the committed nets as in a live stream: one look of the detector at 320x256, the largest face, one crop that starts from the roll of the frame
before. Then the answers are smoothed: not at all, by a moving mean, by the daemon's exponential smoothing alone, and with its hysteresis (firmware/core: smooth.rs, mood.rs)
as it was (a margin of 0.1 and a hold of 0.3 s) and as it is (0.3 and none). `--search` tries 120 settings. `video_segments.json` says what may be shown when.
"""
import argparse
import json
import math
from pathlib import Path

import cv2
import numpy as np

from .data import LABELS
from .photos import THRESHOLD, Classifier, FaceFinder, at_roll, crop_to_photo, cut, largest, roll_of, still_wrong
from .scores import softmax

SEGMENTS = Path(__file__).parent / "video_segments.json"
UNSURE = -1
SMOOTH_S, HOLD_S, MARGIN = 0.4, 0.3, 0.1
LEAST_HOLD_S = 0.3  # what a profile needs at least


def frames(path, every):
    """(seconds, grey, BGR) of each `every`th frame."""
    video = cv2.VideoCapture(str(path))
    rate, number = video.get(cv2.CAP_PROP_FPS), 0
    while True:
        good, picture = video.read()
        if not good:
            return
        if number % every == 0:
            yield number / rate, cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), picture
        number += 1


def answers(path, net, finder, every):
    """(times (n,), scores (n,7), certain to be a profile (n,)); frames without a face are left out."""
    times, scores, profile, roll = [], [], [], None
    for t, grey, picture in frames(path, every):
        rows = finder.look(picture, 320, 256, THRESHOLD)
        if not len(rows):
            roll = None
            continue
        row = largest(rows)
        back = crop_to_photo(row) if roll is None else at_roll(row, roll)
        out = net(cut(grey, back)[None])
        roll = roll_of(back) + 0.5 * still_wrong(out["pose"][0])[0]
        times.append(t)
        scores.append(softmax(out["blend"] / float(net.notes["temperature.blend"]))[0])
        yaw = softmax(out["pose"][:, 2:7])[0]
        profile.append(yaw[0] + yaw[4] > 0.5)
    return np.array(times), np.array(scores), np.array(profile)


def named(scores, profile, certain):
    """The likeliest label of each frame, or UNSURE."""
    return np.where((scores.max(1) >= certain) & ~profile, scores.argmax(1), UNSURE)


def moving_mean(times, scores, seconds=SMOOTH_S):
    return np.array([scores[(times > t - seconds) & (times <= t)].mean(0) for t in times])


def exponential(times, scores, tau=SMOOTH_S):
    out = [scores[0]]
    for dt, s in zip(np.diff(times), scores[1:]):
        out.append(out[-1] + (s - out[-1]) * -math.expm1(-dt / tau))
    return np.array(out)


def wanted(state, s, certain, margin):
    """What a smoothed answer calls for while `state` is shown: leaving an expression takes more than staying with it."""
    best = int(s.argmax())
    if state == UNSURE:
        return best if s[best] >= certain else UNSURE
    if s[best] >= certain and best != state and s[best] >= s[state] + margin:
        return best
    return state if s[state] >= certain - margin else UNSURE


def hysteresis(times, scores, profile, certain, margin=MARGIN, hold=HOLD_S):
    """What is shown at each time, by mood.rs's rule; a new face is shown at once."""
    shown, state, waiting = [], None, None
    for t, s, turned in zip(times, scores, profile):
        want = UNSURE if turned else wanted(UNSURE if state is None else state, s, certain, margin)
        if state is None:
            state = want
        if want == state:
            waiting = None
        elif waiting is None or waiting[0] != want:
            waiting = (want, t)
        if waiting and t - waiting[1] >= (max(hold, LEAST_HOLD_S) if turned else hold):
            state, waiting = want, None
        shown.append(state)
    return np.array(shown)


def judge(times, shown, segments):
    """Of one clip: seconds that count, seconds right, unsure; changes; delays of segments that need a change."""
    dt = np.diff(times, append=times[-1] + np.median(np.diff(times)))
    counted = right = unsure = 0.0
    delays = []
    for start, end, fine in segments:
        fine = [LABELS.index(n) for n in fine]
        k = (times >= start) & (times < end)
        counted, right, unsure = counted + dt[k].sum(), right + dt[k & np.isin(shown, fine)].sum(), unsure + dt[k & (shown == UNSURE)].sum()
        before = shown[times < start]
        if len(before) and before[-1] not in fine:
            hit = times[(times >= start) & (times < end + 1) & np.isin(shown, fine)]
            delays.append(hit[0] - start if len(hit) else math.inf)
    return counted, right, unsure, int((np.diff(shown) != 0).sum()), times[-1] - times[0], delays


def table(clips, segments, certain):
    ways = {"none": lambda t, s, p: named(s, p, certain), "moving mean of 0.4 s": lambda t, s, p: named(moving_mean(t, s), p, certain),
            "exponential, 0.4 s": lambda t, s, p: named(exponential(t, s), p, certain), "with a margin of 0.1 and a hold of 0.3 s": lambda t, s, p: hysteresis(t, exponential(t, s), p, certain),
            "a margin of 0.3 and no hold, 0.3 s": lambda t, s, p: hysteresis(t, exponential(t, s, 0.3), p, certain, 0.3, 0.0),
            "the same, 0.4 s": lambda t, s, p: hysteresis(t, exponential(t, s, 0.4), p, certain, 0.3, 0.0)}
    out = {}
    for name, way in ways.items():
        out[name] = measured(clips, segments, way)
    return out


def measured(clips, segments, way):
    """One line of the table: `way` makes of a clip's (times, scores, profile) what is shown."""
    return summed([(t, way(t, s, p), segments[clip]) for clip, (t, s, p) in clips.items()])


def summed(clips):
    """One line of the table from each clip's (times, what is shown, segments)."""
    sums = [judge(*clip) for clip in clips]
    counted, right, unsure, flips, length = (sum(v[i] for v in sums) for i in range(5))
    delays = [d for v in sums for d in v[5]]
    return {"acceptable": right / counted, "uncertain": unsure / counted, "flips a minute": flips / length * 60,
            "median delay, seconds": float(np.median(delays)), "segments never shown": float(np.mean(np.isinf(delays)))}


def needed(clips, segments):
    """Changes a minute of a mood that always shows one of the fine expressions and changes only where it must: the least that a clip can have."""
    changes, seconds = 0, 0.0
    for clip, (times, _, _) in clips.items():
        fine = None
        for _, _, names in segments[clip]:
            both = set(names) if fine is None else fine & set(names)
            changes += not both
            fine = both or set(names)
        seconds += times[-1] - times[0]
    return 60 * changes / seconds


def search(clips, segments, certain):
    """What of time, margin and hold gives most acceptable time for each number of changes: the lines that no other beats in both."""
    lines = []
    for tau in (0.2, 0.3, 0.4, 0.6, 0.8, 1.2):
        smooth = {k: exponential(t, s, tau) for k, (t, s, _) in clips.items()}
        for margin in (0.1, 0.2, 0.3, 0.4, 0.5):
            for hold in (0.0, 0.15, 0.3, 0.5):
                shown = {k: (t, smooth[k], p) for k, (t, _, p) in clips.items()}
                line = measured(shown, segments, lambda t, s, p, m=margin, h=hold: hysteresis(t, s, p, certain, m, h))
                lines.append({"smooth": tau, "margin": margin, "hold": hold} | line)
    better = lambda a, b: a["acceptable"] >= b["acceptable"] and a["flips a minute"] < b["flips a minute"]
    return sorted((v for v in lines if not any(better(o, v) for o in lines)), key=lambda v: v["flips a minute"])


def picture(out, path):
    """What is gained and what it costs, one dot a smoothing."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    fig, axis = plt.subplots(figsize=(7, 4))
    for (rate, rows), mark in zip(out.items(), "os"):
        for way, r in rows.items():
            axis.plot(r["flips a minute"], 100 * r["acceptable"], mark, color="C0" if mark == "o" else "C1")
            if mark == "s":
                axis.annotate(way, (r["flips a minute"], 100 * r["acceptable"]), textcoords="offset points", xytext=(5, -10), fontsize=7)
    axis.set(xlabel="changes a minute", ylabel="time with an acceptable mood, %", xscale="log", title="circles: 30 frames a second, squares: 15")
    fig.tight_layout()
    fig.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--json")
    parser.add_argument("--picture", metavar="FILE.svg", help="the table as a picture")
    parser.add_argument("--every", type=int, default=1, help="2: 15 frames a second")
    parser.add_argument("--certain", type=float, help="default: the net's own")
    parser.add_argument("--search", action="store_true", help="print which settings no other beats, and write nothing")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    segments = json.loads(SEGMENTS.read_text())
    net, finder = Classifier(), FaceFinder()
    clips = {p.stem: answers(p, net, finder, args.every) for p in sorted((Path(args.data) / "video").glob("*.mp4")) if p.stem in segments}
    if args.search:
        certain = args.certain or float(net.notes["certain.blend"])
        print(f"changes that the clips need: {needed(clips, segments):.1f} a minute")
        for line in search(clips, segments, certain):
            print(*(f"{k} {v:.3f}" for k, v in line.items()), sep=", ")
        return
    out = {}
    for rate, step in ((30 // args.every, 1), (15 // args.every, 2)):
        thinned = {k: tuple(v[::step] for v in c) for k, c in clips.items()}
        out[f"{rate} frames a second"] = table(thinned, segments, args.certain or float(net.notes["certain.blend"]))
    if args.picture:
        picture(out, args.picture)
    text = json.dumps({r: {w: {k: round(v, 3) for k, v in row.items()} for w, row in t.items()} for r, t in out.items()}, indent=1)
    print(text)
    if args.json:
        Path(args.json).write_text(text + "\n")


if __name__ == "__main__":
    main()
