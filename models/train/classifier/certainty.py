"""Would anything else tell better than the probability which answers to show? Wild faces, each half judged by what was fitted on the other.

    python -m models.train.classifier.certainty [--data ../shared/data] [--json models/cards/certainty.json]

For each set of features a logistic regression is fitted to whether the answer is right, and the surest three of four answers are shown (the limit is the fitted half's); twenty random halves
of each class, both ways. Features: what the net itself says. The face's size in the picture and the detector's score are left out on purpose: the wild set's disgust comes from another source
with smaller faces, so that they tell the source, not the certainty.
"""
import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from .measure import profile, scores_of
from .photos import Classifier, FaceFinder, wild_faces
from .scores import softmax

SHOWN, ROUNDS = 0.75, 20
POSE = ("yaw", "half", "lowered", "face", "roll's length")
SETS = {"the probability": ("p",), "the lead over the second": ("lead",), "the entropy": ("entropy",), "the probability, a limit for each expression": ("p", "class"),
        "the probability, and both heads' own": ("p", "fer", "plus"), "the probability, pose and face": ("p", *POSE), "the lead, pose and face": ("lead", *POSE),
        "the lead, both heads, pose and face": ("lead", "fer", "plus", *POSE)}


def log_odds(p):
    p = np.clip(p, 1e-5, 1 - 1e-5)
    return np.log(p / (1 - p))


def features(net, out):
    """{name: (N,) or (N,7)} of each face, and the answers (N,)."""
    p, rows = scores_of(net, out), np.arange(len(out["blend"]))
    answer, ordered, yaw = p.argmax(1), np.sort(p, 1), softmax(out["pose"][:, 2:7])
    own = {name: log_odds(scores_of(net, out, head)[rows, answer]) for name, head in (("fer", "logits"), ("plus", "ferplus"))}
    return own | {"p": log_odds(ordered[:, -1]), "lead": ordered[:, -1] - ordered[:, -2], "entropy": -(p * np.log(p + 1e-9)).sum(1), "class": np.eye(7)[answer],
                  "yaw": yaw[:, 0] + yaw[:, 4], "half": yaw[:, 1] + yaw[:, 3], "lowered": softmax(out["pose"][:, 7:10])[:, 0], "face": out["face"][:, 0].clip(-5, 12),
                  "roll's length": np.hypot(out["pose"][:, 0], out["pose"][:, 1])}, answer


def logistic(x, y, pull=1.0):
    """x -> probability: Newton's method on the log-loss with a small pull of the weights to 0."""
    middle, width = x.mean(0), x.std(0) + 1e-6
    z, ridge = np.c_[(x - middle) / width, np.ones(len(x))], np.diag([pull] * x.shape[1] + [1e-6])
    w = np.zeros(z.shape[1])
    for _ in range(50):
        q = 1 / (1 + np.exp(-z @ w))
        step = np.linalg.solve((z * (q * (1 - q))[:, None]).T @ z + ridge, z.T @ (q - y) + ridge @ w)
        w -= step
        if np.abs(step).max() < 1e-6:
            break
    return lambda x: 1 / (1 + np.exp(-np.c_[(x - middle) / width, np.ones(len(x))] @ w))


def halves(y, seed):
    """A random half of each class, and the other."""
    rng, half = np.random.default_rng(seed), np.zeros(len(y), bool)
    for c in np.unique(y):
        half[rng.permutation(np.flatnonzero(y == c))[::2]] = True
    return (half, ~half), (~half, half)


def shown_and_right(x, right, y, hidden):
    """Mean coverage, mean share right of what is shown, and its spread over the rounds."""
    rows = []
    for seed in range(ROUNDS):
        for fitted, judged in halves(y, seed):
            sure = logistic(x[fitted], right[fitted].astype(float))
            limit = np.quantile(np.where(hidden, 0, sure(x))[fitted], 1 - SHOWN)
            k = (np.where(hidden, 0, sure(x)) >= limit) & judged
            rows.append((k.sum() / judged.sum(), right[k].mean()))
    coverage, share = np.array(rows).T
    return {"shown": coverage.mean(), "right": share.mean(), "spread": share.std()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--json")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    net = Classifier()
    out, y, _ = wild_faces(args.data, net, FaceFinder(), 3)
    passed = 1 / (1 + np.exp(-out["face"][:, 0])) >= float(net.notes["face.threshold"])
    out, y = {k: v[passed] for k, v in out.items()}, y[passed]
    every, answer = features(net, out)
    report = {name: {k: round(float(v), 4) for k, v in shown_and_right(np.column_stack([every[c] for c in columns]), answer == y, y, profile(out)).items()} for name, columns in SETS.items()}
    text = json.dumps(report, indent=1)
    print(text)
    if args.json:
        Path(args.json).write_text(text + "\n")


if __name__ == "__main__":
    main()
