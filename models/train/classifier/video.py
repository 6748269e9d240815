"""How steady and how late the mood is on the clips of `data/video`: a table of smoothings.

    python -m models.train.classifier.video [--data ../shared/data] [--json models/cards/video.json] [--picture models/cards/video.svg]

Each frame goes through the committed nets as in a live stream: one look of the detector at 320x256, the largest face, one crop that starts from the roll of the frame
before. Then the answers are smoothed: not at all, by a moving mean, by the daemon's exponential smoothing alone, and with its hysteresis (firmware/core: smooth.rs, mood.rs)
as it was and as it is. 175 settings are tried: which none beats, and what is left if each clip is judged by the settings that are best on the other seven. `video_segments.json` says what may be
shown when. `moodring run` itself on the same clips: `video_run`.
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
SMOOTH_S, MARGIN, SETTLE_S = 0.15, 0.5, 2.0  # the daemon's: [mood] smooth_ms, margin, settle_ms; its hold_ms is 0
MOST_SUNK, LEAST_HOLD_S = 0.3, 0.3  # mood.rs: how far below the threshold a shown expression may sink; what a profile needs at least


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


def moving_mean(times, scores, seconds=0.3):
    return np.array([scores[(times > t - seconds) & (times <= t)].mean(0) for t in times])


def exponential(times, scores, tau=SMOOTH_S):
    out = [scores[0]]
    for dt, s in zip(np.diff(times), scores[1:]):
        out.append(out[-1] + (s - out[-1]) * -math.expm1(-dt / tau))
    return np.array(out)


class Hysteresis:
    """firmware/core/src/mood.rs, in seconds: what one face shows. A clear lead takes over at once, a slight one if it lasts; a new face is shown at once."""

    def __init__(self, certain, margin=MARGIN, settle=SETTLE_S, hold=0.0):
        self.certain, self.margin, self.settle, self.hold = certain, margin, settle, hold
        self.state = self.waiting = self.rival = self.sunk = None

    def _lead(self, lasted):
        return self.margin * max(0.0, 1 - lasted / self.settle) if self.settle else self.margin

    def _wanted(self, s, t):
        best = int(s.argmax())
        fresh = best if s[best] >= self.certain else UNSURE
        if self.state is None or self.state == UNSURE:
            self.rival = self.sunk = None
            return fresh
        still = s[self.state]
        if fresh in (UNSURE, self.state):
            self.rival = None
        elif self.rival is None or self.rival[0] != fresh:
            self.rival = fresh, t
        if still >= self.certain - min(self.margin, MOST_SUNK):
            self.sunk = None
        elif self.sunk is None:
            self.sunk = t
        if self.rival and s[best] >= still + self._lead(t - self.rival[1]):
            return fresh
        return UNSURE if self.sunk is not None and t - self.sunk >= self.settle else self.state

    def update(self, t, s, turned):
        if turned:
            self.rival = self.sunk = None
        want = UNSURE if turned else self._wanted(s, t)
        if self.state is None:
            self.state = want
        if want == self.state:
            self.waiting = None
        elif self.waiting is None or self.waiting[0] != want:
            self.waiting = want, t
        if self.waiting and t - self.waiting[1] >= (max(self.hold, LEAST_HOLD_S) if turned else self.hold):
            self.state, self.waiting = want, None
        return self.state


def hysteresis(times, scores, profile, certain, margin=MARGIN, settle=SETTLE_S, hold=0.0):
    """What is shown at each time of smoothed scores."""
    rule = Hysteresis(certain, margin, settle, hold)
    return np.array([rule.update(t, s, turned) for t, s, turned in zip(times, scores, profile)])


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


# Of the table: seconds of smoothing, margin, seconds in which it shrinks, hold.
WAYS = {"0.12: 0.4 s, a margin of 0.1, a hold of 0.3 s": (0.4, 0.1, 0.0, 0.3), "0.13: 0.3 s, a margin of 0.3": (0.3, 0.3, 0.0, 0.0), "0.2 s, a margin of 0.5 that stays": (0.2, 0.5, 0.0, 0.0),
        "the default: 0.15 s, a margin of 0.5 that shrinks in 2 s": (SMOOTH_S, MARGIN, SETTLE_S, 0.0)}


def table(clips, segments, certain):
    ways = {"none": lambda t, s, p: named(s, p, certain), "moving mean of 0.3 s": lambda t, s, p: named(moving_mean(t, s), p, certain),
            "exponential, 0.3 s": lambda t, s, p: named(exponential(t, s, 0.3), p, certain)}
    ways |= {name: (lambda t, s, p, w=w: hysteresis(t, exponential(t, s, w[0]), p, certain, *w[1:])) for name, w in WAYS.items()}
    return {name: measured(clips, segments, way) for name, way in ways.items()}


def measured(clips, segments, way):
    """One line of the table: `way` makes of a clip's (times, scores, profile) what is shown."""
    return summed([(t, way(t, s, p), segments[clip]) for clip, (t, s, p) in clips.items()])


def summed(clips):
    """One line of the table from each clip's (times, what is shown, segments)."""
    return total([judge(*clip) for clip in clips])


def total(sums):
    """The same from what `judge` counted of each clip."""
    sums = list(sums)
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


def judged(clips, segments, certain):
    """{(smooth, margin, settle, hold): {clip: what `judge` counts}} of many settings."""
    out = {}
    for tau in (0.1, 0.15, 0.2, 0.3, 0.4):
        smooth = {k: exponential(t, s, tau) for k, (t, s, _) in clips.items()}
        for margin in (0.1, 0.2, 0.3, 0.4, 0.5):
            for settle, hold in ((0.0, 0.0), (0.0, 0.15), (0.0, 0.3), (0.0, 0.5), (1.0, 0.0), (2.0, 0.0), (3.0, 0.0)):
                out[tau, margin, settle, hold] = {k: judge(t, hysteresis(t, smooth[k], p, certain, margin, settle, hold), segments[k]) for k, (t, _, p) in clips.items()}
    return out


def search(settings):
    """What gives most acceptable time for each number of changes: the lines that no other beats in both."""
    lines = [dict(zip(("smooth", "margin", "settle", "hold"), k)) | total(v.values()) for k, v in settings.items()]
    better = lambda a, b: a["acceptable"] >= b["acceptable"] and a["flips a minute"] < b["flips a minute"]
    return sorted((v for v in lines if not any(better(o, v) for o in lines)), key=lambda v: v["flips a minute"])


def crossed(settings, most, latest=0.7):
    """Each clip judged by the settings that are best on the others: most acceptable time with at most so many changes a minute and no more delay. None if there are none."""
    clips, chosen = list(next(iter(settings.values()))), []
    for clip in clips:
        rest = {k: total(v for name, v in each.items() if name != clip) for k, each in settings.items()}
        good = [k for k, v in rest.items() if v["flips a minute"] <= most and v["median delay, seconds"] <= latest]
        if not good:
            return None
        chosen.append(settings[max(good, key=lambda k: rest[k]["acceptable"])][clip])
    return total(chosen)


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


def rounded(v):
    """Plain values; what never came is None."""
    if isinstance(v, dict):
        return {k: rounded(x) for k, x in v.items()}
    if isinstance(v, list):
        return [rounded(x) for x in v]
    return v if v is None or isinstance(v, (str, int)) else round(float(v), 3) if math.isfinite(v) else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--json")
    parser.add_argument("--picture", metavar="FILE.svg", help="the table as a picture")
    parser.add_argument("--every", type=int, default=1, help="2: 15 frames a second")
    parser.add_argument("--certain", type=float, help="default: the net's own")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    segments = json.loads(SEGMENTS.read_text())
    net, finder = Classifier(), FaceFinder()
    clips = {p.stem: answers(p, net, finder, args.every) for p in sorted((Path(args.data) / "video").glob("*.mp4")) if p.stem in segments}
    certain, tables = args.certain or float(net.notes["certain.blend"]), {}
    for rate, step in ((30 // args.every, 1), (15 // args.every, 2)):
        thinned = {k: tuple(v[::step] for v in c) for k, c in clips.items()}
        tables[f"{rate} frames a second"] = table(thinned, segments, certain)
    settings = judged(thinned, segments, certain)
    out = {"smoothings": tables, "least flips a minute": needed(thinned, segments), "settings": search(settings),
           "each clip by the others": {f"{most} flips a minute at most": crossed(settings, most) for most in (6, 9, 12, 15, 18, 21, 24)}}
    if args.picture:
        picture(tables, args.picture)
    text = json.dumps(rounded(out), indent=1)
    print(text)
    if args.json:
        Path(args.json).write_text(text + "\n")


if __name__ == "__main__":
    main()
