"""What `calibrate` buys and costs beside `[mood] resting`, on still faces and on the clips.

    python -m models.train.classifier.calibrate [--data ../shared/data] [--json models/cards/calibrate.json]

A calibration is five seconds of a calm face, kept as seven numbers (firmware/core/src/calibration.rs). Still faces are single pictures, moved, turned, scaled and spoilt as in `resting`;
what is kept is learned from other jitters than those that are judged. Five sets:
  `calm`: the wild set's faces labelled neutral, held for a minute; those that the net calls angry, disgusted, afraid or sad ("serious") are told apart;
  `posed`: CFEE's persons, each calibrated with their own calm picture, in the same and in another light, or by mistake while they frown;
  `strangers`: the same persons before a device that keeps somebody else's serious face;
  `held`: what is left of a posed expression that is held for a minute, by `resting`;
  `clips`: each clip three times in a row, the two that show nothing but a neutral face somewhere calibrated on those frames.
"""
import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import torch

from .augment import light
from .blend import CFEE
from .data import LABELS
from .faces import labels, sheets
from .photos import Classifier, FaceFinder, cut, largest_human, read_grey
from .resting import JITTERS, LEAST, MISTAKEN, NEUTRAL, RATE, STEP_LIMIT, RestingFace, jittered, sequence, shown
from .scores import softmax
from .video import SEGMENTS, answers, exponential, hysteresis, judge

NEEDED, MINUTE, SHOWS, LOOPS = 5, 60, 2, 3  # seconds of a calibration, of calm, of an expression; rounds of a clip
WAYS = {"neither": (False, False), "resting": (True, False), "calibrated": (False, True), "both": (True, True)}  # learns, is calibrated
STRANGERS = 12  # serious faces that are kept


def kept_face(scores):
    """calibration.rs: the running mean of the logarithms, one look moving it by no more than a difference of STEP_LIMIT would; None of a face that is never calm."""
    calm = [s for s in scores if int(s.argmax()) == NEUTRAL or int(s.argmax()) in MISTAKEN]
    if not calm:
        return None
    logs = np.log(np.maximum(calm, LEAST))
    mean = logs[0].copy()
    for count, log in enumerate(logs[1:], 1):
        mean += (log - mean).clip(-STEP_LIMIT, STEP_LIMIT) / count
    return softmax(mean[None])[0]


def relieved(scores, way, kept):
    learns, calibrated = WAYS[way]
    face = RestingFace(kept if calibrated else None, learns)
    return np.array([face.update(s, 1 / RATE) for s in scores])


def seen_as(states):
    """Shares of what is shown of a calm face."""
    return {"neutral": (states == NEUTRAL).mean(), "angry, sad, fear or disgust": np.isin(states, MISTAKEN).mean()}


class Jitters:
    """Scores (N, JITTERS, 7) of still faces; the first half is for calibrating, the second is judged."""

    def __init__(self, net, pixels, other_light=False):
        g = torch.Generator().manual_seed(5)
        crops = jittered(pixels, g)
        if other_light:
            flat = torch.from_numpy(crops.reshape(-1, 1, 48, 48)).float()
            crops = light(flat, g).clamp(0, 255).round().byte().numpy().reshape(crops.shape)
        said = net(crops.reshape(-1, 48, 48))["blend"]
        every = softmax(said / float(net.notes["temperature.blend"])).reshape(len(pixels), JITTERS, 7)
        self.learned, self.judged = every[:, :JITTERS // 2], every[:, JITTERS // 2:]

    def kept(self, i):
        return kept_face(sequence(self.learned[i], np.random.default_rng(i), NEEDED))


def calm_faces(root, net):
    """(N,64,64) crops of the wild set's neutral faces, as `analyze` cuts them."""
    finder, out = FaceFinder(), []
    for path in sorted((Path(root) / "faces" / "wild" / "neutral").glob("*.jpg")):
        grey = read_grey(path)
        rows = finder(grey)
        if len(rows):
            out.append(cut(grey, largest_human(net, grey, rows)[0]["back"][0], 8))
    return np.stack(out)


def calm(net, faces, certain):
    """What is shown of a calm face in its first ten seconds and in the last ten of a minute."""
    runs = []
    for i in range(len(faces.judged)):
        held, kept = sequence(faces.judged[i], np.random.default_rng(1000 + i), MINUTE), faces.kept(i)
        runs.append({way: shown(relieved(held, way, kept), certain) for way in WAYS})
    serious = [i for i, r in enumerate(runs) if np.isin(r["neither"], MISTAKEN).mean() > 0.5]
    out = {"faces": len(runs), "serious": len(serious)}
    for name, some in (("all", range(len(runs))), ("serious", serious)):
        for way in WAYS:
            out[f"{name}, {way}"] = {when: seen_as(np.concatenate([runs[i][way][k] for i in some])) for when, k in
                                     (("first ten seconds", slice(0, 10 * RATE)), ("after 50 seconds", slice(50 * RATE, None)))}
    return out, serious


def expressions(persons, faces, kept, certain, way):
    """{expression: shares of the persons to whose picture it is shown after SHOWS seconds}, coming from calm; `kept`: of a person -> a face or None."""
    hits = {}
    for p, pictures in persons.items():
        rng = np.random.default_rng(p)
        before = sequence(faces.judged[pictures[NEUTRAL]], rng, 40)
        face = kept(p)
        for c, i in pictures.items():
            if c != NEUTRAL:
                whole = np.concatenate([before, sequence(faces.judged[i], rng, SHOWS)])
                hits.setdefault(c, []).append(shown(relieved(whole, way, face), certain)[-1] == c)
    out = {LABELS[c]: np.mean(v) for c, v in sorted(hits.items())}
    return out | {"mean": np.mean(list(out.values()))}


def held(persons, faces, certain):
    """Of expressions that are named without it: how often they are shown in the first and in the last ten seconds of a minute with `resting`."""
    out = {}
    for c in sorted({c for v in persons.values() for c in v if c != NEUTRAL}):
        rows = []
        for p in [p for p, v in persons.items() if c in v]:
            scores = sequence(faces.judged[persons[p][c]], np.random.default_rng(p), MINUTE)
            if (shown(scores, certain)[-10 * RATE:] == c).mean() > 0.5:
                states = shown(relieved(scores, "resting", None), certain)
                rows.append([(states[:10 * RATE] == c).mean(), (states[-10 * RATE:] == c).mean()])
        if rows:
            out[LABELS[c]] = {"persons": len(rows)} | dict(zip(("first ten seconds", "after 50 seconds"), np.mean(rows, 0)))
    return out


def clips(root, net, certain):
    segments, finder, out = json.loads(SEGMENTS.read_text()), FaceFinder(), {}
    seen = {p.stem: answers(p, net, finder, 2) for p in sorted((Path(root) / "video").glob("*.mp4")) if p.stem in segments}
    for way, (learns, calibrated) in WAYS.items():
        sums = []
        for name, (times, scores, profile) in seen.items():
            fine = [(a, b) for a, b, names in segments[name] if names == ["neutral"]]
            k = np.any([(times >= a) & (times < b) for a, b in fine], 0) if fine else np.zeros(len(times), bool)
            face = RestingFace(kept_face(scores[k]) if calibrated and k.any() else None, learns)
            steps = np.diff(times, append=times[-1] + np.median(np.diff(times)))
            for _ in range(LOOPS):
                eased = np.array([face.update(s, dt) for s, dt in zip(scores, steps)])
            sums.append(judge(times, shown_at(times, eased, profile, certain), segments[name]))
        counted, right, unsure, flips, length = (sum(v[i] for v in sums) for i in range(5))
        out[way] = {"acceptable": right / counted, "uncertain": unsure / counted, "flips a minute": flips / length * 60}
    return out


def shown_at(times, scores, profile, certain):
    return hysteresis(times, exponential(times, scores), profile, certain)


def measure(root, net):
    certain = float(net.notes["certain.blend"])
    neutral = Jitters(net, calm_faces(root, net))
    out = {}
    out["calm"], serious = calm(net, neutral, certain)
    z = labels(root, "cfee")
    simple = np.flatnonzero(z["kind"] == "simple")
    pixels = sheets(root, "cfee")[simple]
    same, other = Jitters(net, pixels), Jitters(net, pixels, other_light=True)
    persons = {}
    for k, i in enumerate(simple):
        persons.setdefault(int(z["person"][i]), {})[CFEE[z["category"][i]]] = k
    persons = {p: v for p, v in persons.items() if NEUTRAL in v and len(v) > 1}
    calm_of, frown_of = (lambda p: same.kept(persons[p][NEUTRAL])), (lambda p: same.kept(persons[p][0]) if 0 in persons[p] else None)
    out["posed"] = {way: expressions(persons, same, calm_of, certain, way) for way in WAYS}
    out["posed"]["calibrated in another light"] = expressions(persons, same, lambda p: other.kept(persons[p][NEUTRAL]), certain, "calibrated")
    out["posed"]["calibrated while frowning"] = expressions(persons, same, frown_of, certain, "calibrated")
    some = [neutral.kept(i) for i in serious[::max(1, len(serious) // STRANGERS)][:STRANGERS]]
    each = [expressions(persons, same, lambda p, k=k: k, certain, "calibrated") for k in some]
    out["strangers"] = {n: np.mean([e[n] for e in each]) for n in each[0]}
    out["held"] = held(persons, same, certain)
    out["clips"] = clips(root, net, certain)
    return out


def rounded(v):
    return {k: rounded(x) for k, x in v.items()} if isinstance(v, dict) else v if isinstance(v, int) else round(float(v), 3)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--json")
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    text = json.dumps(rounded(measure(args.data, Classifier())), indent=1)
    print(text)
    if args.json:
        Path(args.json).write_text(text + "\n")


if __name__ == "__main__":
    main()
