"""What `[mood] resting` buys and costs, on still faces held for a minute: a person's calm picture, then each of the same person's expressions.

    python -m models.train.classifier.resting [--data ../shared/data] [--json models/cards/resting.json]

CFEE's persons (posed, one picture for each expression). Each picture becomes a sequence by moving, turning, scaling and spoiling the crop as a tracker and a camera do; the
answers then go the daemon's way: the resting face (firmware/core/src/resting.rs), smoothing, hysteresis. `angry persons`: those whose calm face is called angry, sad, afraid or
disgusted most of the time without it.
"""
import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch

from .blend import CFEE
from .data import LABELS
from .faces import labels, sheets
from .photos import Classifier
from .pose import views
from .augment import noise, some
from .scores import softmax
from .video import UNSURE, exponential, hysteresis

MISTAKEN = [LABELS.index(n) for n in ("angry", "disgust", "fear", "sad")]
NEUTRAL = LABELS.index("neutral")
USUAL_GAP, LIMIT, CALM_SPREAD, CALM_TAU, CALM, START, FULL, LEARN_TAU, STEP_LIMIT, LEAST = 2.08, 3.5, 2.5, 1.5, 2.0, 10.0, 30.0, 60.0, 1.0, 1e-4
RATE, MINUTE, SHOWS = 10, 60, 2  # frames a second; seconds of calm; seconds of an expression
JITTERS = 24


def taken_off(odds):
    """What is taken off each log-odd that is this high in a resting face."""
    return (odds + USUAL_GAP).clip(0, LIMIT)


def odds_of(scores):
    log = np.log(np.maximum(scores, LEAST))
    return log[..., MISTAKEN] - log[..., NEUTRAL, None]


class RestingFace:
    """resting.rs, in seconds. `kept`: the scores of a calibrated face, which counts whether the face is learned or not."""

    def __init__(self, kept=None, learns=True):
        self.mean = self.baseline = None
        self.calm = self.learned = 0.0
        self.kept, self.learns = np.zeros(len(MISTAKEN)) if kept is None else taken_off(odds_of(kept)), learns

    def update(self, scores, passed):
        offs = np.maximum(self.kept, self._learned(scores, passed) if self.learns else 0.0)
        if not offs.any():
            return scores
        out = scores.copy()
        out[MISTAKEN] *= np.exp(-offs)
        return out / out.sum()

    def _learned(self, scores, passed):
        odds = odds_of(scores)
        if self.mean is None:
            self.mean, passed = odds, 0.0
        spread = np.abs(odds - self.mean).max()
        self.mean = self.mean + (odds - self.mean) * -math.expm1(-passed / CALM_TAU)
        top = int(scores.argmax())
        self.calm = self.calm + passed if spread <= CALM_SPREAD and (top == NEUTRAL or top in MISTAKEN) else 0.0
        if self.calm >= CALM:
            self.baseline = self.mean if self.learned == 0 else self.baseline
            tau = min(max(self.learned, CALM), LEARN_TAU)
            self.baseline = self.baseline + (odds - self.baseline).clip(-STEP_LIMIT, STEP_LIMIT) * -math.expm1(-passed / tau)
            self.learned += passed
        if self.learned <= START:
            return np.zeros(len(MISTAKEN))
        return taken_off(self.baseline) * (min(self.learned, FULL) - START) / (FULL - START)


def jittered(pixels, g, count=JITTERS):
    """(N, count, 48, 48) u8 crops of 64x64 faces, each moved, turned, scaled and lit a little."""
    x = torch.from_numpy(pixels).repeat_interleave(count, 0)
    crops, _ = views(x, 8, torch.randn(len(x), generator=g) * 2.5, g, "border", gentle=True)
    return some(crops, 0.5, g, lambda v: noise(v, g)).clamp(0, 255).round().byte().numpy().reshape(len(pixels), count, 48, 48)


def sequence(scores, rng, seconds):
    """Scores (count,7) of one picture's crops as they come: each crop for two frames."""
    return np.repeat(scores[rng.integers(0, len(scores), seconds * RATE // 2)], 2, axis=0)


def shown(scores, certain):
    times = np.arange(len(scores)) / RATE
    return hysteresis(times, exponential(times, scores), np.zeros(len(scores), bool), certain)


def one(rng, calm, expressions, certain, resting):
    """Of one person: what is shown in the last 20 of the calm seconds, and at the end of each expression."""
    calm = sequence(calm, rng, MINUTE)
    out = {}
    for name, scores in expressions.items():
        whole, face = np.concatenate([calm, sequence(scores, rng, SHOWS)]), RestingFace()
        if resting:
            whole = np.array([face.update(s, 1 / RATE) for s in whole])
        seen = shown(whole, certain)
        out[name] = seen[-1]
        out["calm"] = seen[(MINUTE - 20) * RATE:MINUTE * RATE]
    return out


def measure(root, net):
    z, g = labels(root, "cfee"), torch.Generator().manual_seed(5)
    simple = np.flatnonzero(z["kind"] == "simple")
    crops = jittered(sheets(root, "cfee")[simple], g)
    said = net(crops.reshape(-1, 48, 48))["blend"]
    scores = softmax(said / float(net.notes["temperature.blend"])).reshape(len(simple), JITTERS, 7)
    certain, persons = float(net.notes["certain.blend"]), {}
    for k, i in enumerate(simple):
        persons.setdefault(int(z["person"][i]), {})[CFEE[z["category"][i]]] = scores[k]
    persons = {k: v for k, v in persons.items() if NEUTRAL in v and len(v) > 1}
    runs = {way: {p: one(np.random.default_rng(p), v[NEUTRAL], {c: s for c, s in v.items() if c != NEUTRAL}, certain, way == "with") for p, v in persons.items()}
            for way in ("without", "with")}
    serious = [p for p, r in runs["without"].items() if np.isin(r["calm"], MISTAKEN).mean() > 0.5]
    out = {"persons": len(persons), "angry persons": len(serious)}
    for way, run in runs.items():
        for name, some_ in (("all", run), ("angry persons", {p: run[p] for p in serious})):
            calm = np.concatenate([r["calm"] for r in some_.values()]) if some_ else np.array([NEUTRAL])
            line = {"calm shown as neutral": (calm == NEUTRAL).mean(), "calm shown as angry, sad, fear or disgust": np.isin(calm, MISTAKEN).mean(), "calm uncertain": (calm == UNSURE).mean()}
            for c in range(7):
                ends = [r[c] for r in some_.values() if c in r]
                if c != NEUTRAL and ends:
                    line[f"{LABELS[c]} shown after {SHOWS} s"] = np.mean([e == c for e in ends])
            out[f"{way} it, {name}"] = {k: round(float(v), 3) for k, v in line.items()}
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--json")
    args = parser.parse_args()
    torch.set_num_threads(1)
    text = json.dumps(measure(args.data, Classifier()), indent=1)
    print(text)
    if args.json:
        Path(args.json).write_text(text + "\n")


if __name__ == "__main__":
    main()
