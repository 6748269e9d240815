"""The answer `blend`: both heads by one rule, `wa * FER2013's logits + wb * FER+'s + a bias per class`, fitted on validation data.

    python -m models.train.classifier.blend [--data ../shared/data]     fits, prints the table of choices, writes blend.json
    python -m models.train.classifier.blend --json models/cards/blend.json      only that table; nothing is fitted for good

A mirror's priors are not FER2013's, where a calm face is seldom called neutral; FER+'s ten people call most faces neutral, and pass over anger, fear and disgust.
The rule is linear in what both heads read, so that it is one more head of the net (`attach`) and no runtime has to know it. It has nine numbers, fitted on
half of `faces/wild` (even pictures of each class) and half of PublicTest with FER+'s majority, each class weighted by a power of its rarity. The share of FER2013's
answer and that weighting are chosen from the printed table, in which the posed faces have a say too: they are not fitted on.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from ..common.markdown import table
from .data import LABELS, ferplus_majority, load_split
from .faces import inner, labels, sheets
from .photos import Classifier, FaceFinder, wild_faces
from .scores import calibration_error, coverage_table, macro_recall, softmax

FILE = Path(__file__).parent / "blend.json"
CFEE = {"Angry": 0, "Disgusted": 1, "Fearful": 2, "Happy": 3, "Sad": 4, "Surprised": 5, "Neutral": 6}
CALM_MISREAD = (0, 1, 2, 4)  # angry, disgust, fear, sad: what a calm face must not be called
TERMS = (("wild", 1.0), ("ferplus", 0.5))
SHARE, BALANCE, PULL = 0.1, 0.4, 0.01


class Set:
    """Both heads' logits on one set of faces, its labels, and which half the rule is fitted on."""

    def __init__(self, fer, plus, y):
        self.fer, self.plus, self.y = fer, plus[:, :7], np.asarray(y)
        self.fitted = np.zeros(len(self.y), bool)
        for c in range(7):  # even ones of each class
            self.fitted[np.flatnonzero(self.y == c)[::2]] = True

    def part(self, fitted):
        k = self.fitted if fitted else ~self.fitted
        return self.fer[k], self.plus[k], self.y[k]


def load_sets(root, net, finder):
    """name -> Set: wild through the detector, PublicTest by FER+'s majority and by FER2013's label, the posed ones."""
    wild, y, _ = wild_faces(root, net, finder, mirror=False)
    out = {"wild": Set(wild["logits"], wild["ferplus"], y)}
    test = load_split(root, "public_test")
    fer, plus = net.both(test.pixels)
    mask, majority = ferplus_majority(test)
    mask &= majority < 7
    out["ferplus"], out["fer2013"] = Set(fer[mask], plus[mask], majority[mask]), Set(fer, plus, test.labels)
    z = labels(root, "cfee")
    simple = z["kind"] == "simple"
    out["cfee"] = Set(*net.both(inner(sheets(root, "cfee"))[simple]), [CFEE[c] for c in z["category"][simple]])
    out["taiwanese"] = Set(*net.both(inner(sheets(root, "taiwanese"))), [LABELS.index(c) for c in labels(root, "taiwanese")["intended"]])
    return out


def fit(sets, base, share=SHARE, terms=TERMS, balance=BALANCE, pull=PULL, fitted=True):
    """(wa, wb, bias (7,)) for this share of FER2013's answer: a scale and biases of least weighted log-loss on one half; biases are pulled to 0 and have mean 0.

    `base`: both answers' own temperatures, so that a share of 0.5 is their geometric mean.
    """
    wa, wb = share / base[0], (1 - share) / base[1]
    scale = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(7, dtype=torch.float64, requires_grad=True)
    data = []
    for name, part in terms:
        a, b, y = sets[name].part(fitted)
        rarity = (np.bincount(y, minlength=7) / len(y)).clip(1e-9) ** -balance
        weight = rarity[y] / rarity[y].sum() * part
        data.append((torch.from_numpy((wa * a + wb * b).astype(np.float64)), torch.from_numpy(y), torch.from_numpy(weight)))
    opt = torch.optim.LBFGS([scale, bias], max_iter=200, line_search_fn="strong_wolfe")

    def loss():
        opt.zero_grad()
        total = pull * (bias**2).sum()
        for x, y, weight in data:
            total = total + (weight * F.cross_entropy(scale * x + bias, y, reduction="none")).sum()
        total.backward()
        return total

    opt.step(loss)
    k, bias = scale.item(), bias.detach().numpy()
    return wa * k, wb * k, bias - bias.mean()


def crossed(sets, rule):
    """name -> logits of the whole set, each half by the rule that was fitted on the other; `rule(fitted)` gives one."""
    out = {n: np.zeros((len(s.y), 7)) for n, s in sets.items()}
    for fitted in (True, False):
        wa, wb, bias = rule(fitted)
        for n, s in sets.items():
            k = s.fitted != fitted
            out[n][k] = wa * s.fer[k] + wb * s.plus[k] + bias
    return out


def figures(s, logits, fitted=None):
    """Of one set's part: accuracy, macro recall, calibration error, calm faces misread."""
    k = np.ones(len(s.y), bool) if fitted is None else s.fitted == fitted
    p, y = softmax(logits[k]), s.y[k]
    answer = p.argmax(1)
    return {"count": int(k.sum()), "accuracy": (answer == y).mean(), "macro": macro_recall(answer, y), "calibration_error": calibration_error(p, y),
            "calm_misread": np.isin(answer[y == 6], CALM_MISREAD).mean()}


def middle_temperature(sets, logits, names=("wild", "ferplus")):
    """The temperature at which the worse of both sets' calibration errors (fitted halves) is least."""
    def worse(t):
        return max(calibration_error(softmax(logits[n][sets[n].fitted] / t), sets[n].y[sets[n].fitted]) for n in names)
    return float(min(np.round(np.exp(np.linspace(np.log(0.4), np.log(2), 100)), 4), key=worse))


def choices(sets, base):
    """{rule: {set: its figures}}, each half of a set judged by what was fitted on the other."""
    plain = {"FER2013 only": 1.0, "FER+ only": 0.0, "geometric mean": 0.5}
    rules = {n: (lambda _, s=s: (s / base[0], (1 - s) / base[1], np.zeros(7))) for n, s in plain.items()}
    rules |= {f"share {s}, balance {b}": (lambda fitted, s=s, b=b: fit(sets, base, s, balance=b, fitted=fitted)) for s in (0.1, 0.3, 0.5) for b in (0.0, 0.4, 0.75)}
    return {name: {n: {k: round(float(v), 4) for k, v in figures(sets[n], x).items()} for n, x in crossed(sets, rule).items()} for name, rule in rules.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--json", help="write the table of choices there, and nothing else")
    args = parser.parse_args()
    torch.set_num_threads(1)
    net = Classifier()
    sets = load_sets(args.data, net, FaceFinder())
    base = tuple(float(net.notes[k]) for k in ("temperature", "temperature.ferplus"))
    chosen = choices(sets, base)
    if args.json:
        Path(args.json).write_text(json.dumps(chosen, indent=1) + "\n")
        return
    table(("rule; each half by what was fitted on the other", "neutral misread", *sets),
          [(name, f"{100 * v['wild']['calm_misread']:.1f} %", *(f"{100 * f['accuracy']:.1f} / {100 * f['macro']:.1f}" for f in v.values())) for name, v in chosen.items()])
    wa, wb, bias = fit(sets, base)
    logits = {n: wa * s.fer + wb * s.plus + bias for n, s in sets.items()}
    t = middle_temperature(sets, logits)
    wild = sets["wild"]
    curve = coverage_table(softmax(logits["wild"][wild.fitted] / t), wild.y[wild.fitted])
    right = [r for r in curve if r["right"] >= 0.80]
    widest = max(right, key=lambda r: r["coverage"]) if right else None
    at75 = min(curve, key=lambda r: abs(r["coverage"] - 0.75))
    print("at 80 % right:", widest, "at 75 % coverage:", at75)
    out = {"fer2013": wa, "ferplus": wb, "bias": dict(zip(LABELS, np.round(bias, 4).tolist())), "temperature": t, "certain": at75["certain"]}
    FILE.write_text(json.dumps(out, indent=1) + "\n")
    print(json.dumps(out))
    for n in ("wild", "ferplus"):
        print(n, "at that temperature:", {k: round(float(v), 4) for k, v in figures(sets[n], logits[n] / t, False).items()})


if __name__ == "__main__":
    main()
