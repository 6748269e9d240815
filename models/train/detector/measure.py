"""What people notice of a detector file, in one table: python -m models.train.detector.measure [--model FILE ...] [--json FILE] [--joins]

Each set is looked at as `moodring analyze` looks (two sizes, all boxes above 0.2), once as the live stream does (320x256), and everything else follows from these
looks: what is found at a threshold, by a rule that joins the looks, with and without the classifier's head `face`.

Sets: `near`, 700 PublicTest faces of 90 to 260 px, tilted by up to 25 degrees, in blurred noise of 640x480; `turned`, photos of one face turned by known angles, where
the roll comes from the landmarks alone; `pets`, dogs and cats with odd numbers (no detector of ours learned from them); `empty`, held-out rooms and scenes, and
`animals`; `covered`, the WIDER subset with masks, dark glasses and little light; `profiles`.
`--joins` compares rules that join two looks at the same rate of false faces (daemon/vision/src/fuse.rs has the chosen one).
"""
import argparse
import functools
import json
import math
import pickle
from pathlib import Path

import cv2
import numpy as np
import torch

from ..classifier.photos import Classifier, FaceFinder, crop_to_photo, read_face, roll_of
from ..common.markdown import table
from .ap import average_precision, curve
from .detector import Detector
from .evaluate import default_threshold, measure_ap, wider
from .geometry import iou
from .joins import JOINS, Looks, joined, live_look
from .library import Library
from .paths import MODELS
from .sets import held, near_faces, pets, turned_photos, wider_pictures
from .sizes import live_threshold
from .stress import cover, darker, turned as by_profile

ANGLES = (20, 30, 45)


def hit(rows, box, limit=0.4):
    """The best score of a face where one was put."""
    return max(rows[iou(box[None].astype(np.float32), rows[:, :4])[0] >= limit, 4], default=0.0) if len(rows) else 0.0


class Seen:
    """All looks of one detector file at all sets, and what the face head says of what it took for a face."""

    def __init__(self, path, lib):
        finder, self.net = FaceFinder(path), Classifier()
        self.least, self.said = float(self.net.notes["face.threshold"]), {}
        near = list(near_faces())
        self.near = [(Looks(finder, p), live_look(finder, p), b) for p, b, _ in near]
        self.near_pictures = [p for p, _, _ in near]
        self.turned = {a: [Looks(finder, p) for p in turned_photos(a)] for a in (0, *ANGLES)}
        self.pet_pictures = pets()
        self.pets = [(Looks(finder, p), live_look(finder, p)) for p in self.pet_pictures]
        self.empty = [(p, Looks(finder, p), known) for p, known in held(lib, ("rooms", "scenes"))]
        self.animals = [(p, Looks(finder, p), known) for p, known in held(lib, ("animals",))]
        self.wider = [(Looks(finder, p), b) for _, p, b in wider()]

    def human(self, picture, row, least=None):
        """Whether the head `face` agrees, after the cuts that `analyze` makes; its answers are kept."""
        key = (id(picture), row[:4].tobytes())
        if key not in self.said:
            grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
            out = read_face(self.net, grey, crop_to_photo(row), 3)
            self.said[key] = 1 / (1 + math.exp(-float(out["face"][0, 0])))
        return self.said[key] >= (self.least if least is None else least)

    def near_found(self, rule, threshold):
        both = [hit(joined(looks, rule), box) for looks, _, box in self.near]
        live = [hit(rows, box) for _, rows, box in self.near]
        return {"near, by analyze": np.mean(np.array(both) >= threshold), "near, by one live look": np.mean(np.array(live) >= threshold)}

    def pets_taken(self, rule, threshold):
        alone, both = 0, 0
        for picture, (looks, _) in zip(self.pet_pictures, self.pets):
            rows = joined(looks, rule)
            rows = rows[(rows[:, 4] >= threshold) & (rows[:, 3] - rows[:, 1] >= 20)]
            alone += len(rows) > 0
            both += any(self.human(picture, r) for r in rows)
        n = len(self.pets)
        live = np.mean([bool((rows[:, 4] >= threshold).any()) for _, rows in self.pets])
        return {"pets": alone / n, "pets, live look": live, "pets, with the face head": both / n}

    def false(self, pictures, rule, threshold):
        """False faces in 1,000 pictures, by the detector alone and with the face head."""
        alone, both = 0, 0
        for picture, looks, known in pictures:
            rows = joined(looks, rule)
            rows = rows[rows[:, 4] >= threshold]
            if len(rows) and len(known):
                rows = rows[iou(rows, known).max(1) < 0.3]
            alone += len(rows)
            both += sum(self.human(picture, r) for r in rows)
        return 1000 * alone / len(pictures), 1000 * both / len(pictures)

    @functools.cache
    def wider_by(self, rule):
        """AP, and recall by threshold."""
        return curve([joined(looks, rule) for looks, _ in self.wider], [b for _, b in self.wider])

    def turned_by(self, rule, threshold):
        out, straight = {}, [best(joined(l, rule), threshold) for l in self.turned[0]]
        for angle in ANGLES:
            found, close, faces = 0, 0, 0
            for k, (before, looks) in enumerate(zip(straight, self.turned[angle])):
                if before is None:
                    continue
                faces += 1
                now = best(joined(looks, rule), threshold)
                if now is not None:
                    found += 1
                    change = roll_of(crop_to_photo(now)) - roll_of(crop_to_photo(before)) - angle * (-1 if k % 2 == 0 else 1)
                    close += abs((change + 180) % 360 - 180) <= 5
            out[f"turned by {angle}, found"], out[f"turned by {angle}, roll within 5"] = found / faces, close / faces
        return out

    def at(self, rule, threshold):
        scores, hits, _, faces = found = self.wider_by(rule)
        n = int((scores > threshold).sum())
        line = {"threshold": threshold, "AP, two looks": average_precision(*found[1:]), "recall, two looks": float(hits[n - 1] / faces) if n else 0.0}
        line |= self.near_found(rule, threshold) | self.turned_by(rule, threshold) | self.pets_taken(rule, threshold)
        for name, pictures in (("rooms and scenes", self.empty), ("animals", self.animals)):
            alone, both = self.false(pictures, rule, threshold)
            line |= {f"{name}, false in 1,000": alone, f"{name}, with the face head": both}
        return line


def both(seen, rule, thresholds=(0.4, 0.45, 0.5, 0.55, 0.6, 0.65), leasts=(0.5, 0.75, 0.85, 0.9, 0.95)):
    """The detector's threshold and the face head's, chosen together: what stays of faces, and of what is none."""
    lines, near = [], [(p, joined(looks, rule), box) for p, (looks, _, box) in zip(seen.near_pictures, seen.near)]
    for threshold in thresholds:
        for least in leasts:
            passed = lambda picture, rows: rows[[bool(r[4] >= threshold and seen.human(picture, r, least)) for r in rows]] if len(rows) else rows
            line = {"detector": threshold, "face head": least}
            line["near, found"] = np.mean([hit(passed(p, rows), box) > 0 for p, rows, box in near])
            for angle in (0, 45):
                line[f"wild turned by {angle}, found"] = np.mean([len(passed(p, joined(looks, rule))) > 0 for p, looks in zip(turned_photos(angle), seen.turned[angle])])
            line["pets"] = np.mean([len(passed(p, tall(joined(looks, rule)))) > 0 for p, (looks, _) in zip(seen.pet_pictures, seen.pets)])
            for name, pictures in (("rooms and scenes", seen.empty), ("animals", seen.animals)):
                line[f"{name}, false in 1,000"] = 1000 * sum(len(passed(p, unknown(joined(looks, rule), known))) for p, looks, known in pictures) / len(pictures)
            faces = [(p, joined(looks, rule), b[(b[:, 3] - b[:, 1]) >= 32]) for (looks, b), (_, p, _) in zip(seen.wider, wider_pictures())]
            line["WIDER recall"] = sum((iou(b, passed(p, rows)).max(1, initial=0) >= 0.5).sum() for p, rows, b in faces if len(b)) / sum(len(b) for _, _, b in faces)
            lines.append(line)
    return lines


def tall(rows):
    return rows[rows[:, 3] - rows[:, 1] >= 20]


def unknown(rows, known):
    return rows[iou(rows, known).max(1) < 0.3] if len(rows) and len(known) else rows


def best(rows, threshold):
    rows = rows[rows[:, 4] >= threshold]
    return rows[((rows[:, 2] - rows[:, 0]) * (rows[:, 3] - rows[:, 1])).argmax()] if len(rows) else None


def one_look(path, threshold):
    """AP of one look at 320 as the pictures are, covered and dark; recall of profiles."""
    detect, pictures = Detector(path), wider()
    out = {"AP, one look at 320": measure_ap(detect, pictures)[0]["ap"]}
    changes = {"a mask (lower half)": None, "dark glasses": None, "a tenth of the light": lambda p: darker(p, 0.1)}
    for name, change in changes.items():
        rows = [detect(change(p) if change else cover(p, b, name), 320, 320) for _, p, b in pictures]
        out[f"AP, {name}"] = average_precision(*curve(rows, [b for _, _, b in pictures])[1:])
    return out | {f"recall, {k}": v["recall"] for k, v in by_profile(detect, pictures, threshold).items()}


def joins(seen, rates=(20, 40, 60)):
    """Rules at the thresholds that give the same number of false faces in all held-out pictures: what each then finds."""
    pictures, lines = [*seen.empty, *seen.animals], []
    for name, rule in JOINS.items():
        scores = []
        for _, looks, known in pictures:
            rows = joined(looks, rule)
            if len(rows) and len(known):
                rows = rows[iou(rows, known).max(1) < 0.3]
            scores += rows[:, 4].tolist()
        scores = np.sort(scores)[::-1]
        for rate in rates:
            threshold = float(scores[min(len(scores) - 1, round(rate * len(pictures) / 1000))]) + 1e-6
            s, hits, _, faces = found = seen.wider_by(rule)
            n = int((s > threshold).sum())
            lines.append({"rule": name, "false in 1,000": rate, "threshold": threshold, "AP": average_precision(*found[1:]), "recall": float(hits[n - 1] / faces)}
                         | seen.near_found(rule, threshold) | {"pets": seen.pets_taken(rule, threshold)["pets"]})
    return lines


def kept(file, path, lib):
    if Path(file).exists():
        with open(file, "rb") as f:
            seen = pickle.load(f)
        seen.net, seen.said = Classifier(), {}
        return seen
    seen = Seen(path, lib)
    net, seen.net = seen.net, None
    with open(file, "wb") as f:
        pickle.dump(seen, f)
    seen.net = net
    return seen


def rounded(v):
    return {k: rounded(x) for k, x in v.items()} if isinstance(v, dict) else [rounded(x) for x in v] if isinstance(v, list) else round(float(v), 4) if isinstance(
        v, (float, np.floating)) else v


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--model", action="append", help="QDQ files (default: the committed one)")
    a.add_argument("--threshold", type=float, action="append", help="(default: both of the packed file's notes)")
    a.add_argument("--joins", action="store_true", help="also compare the rules")
    a.add_argument("--both", action="store_true", help="also the table of the detector's threshold and the face head's")
    a.add_argument("--keep", metavar="FILE.pickle", help="keep the looks there, or take them from there")
    a.add_argument("--rule", default=next(iter(JOINS)), choices=JOINS)
    a.add_argument("--json", help="also write it to this file")
    args = a.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    lib, report = Library(), {}
    for path in args.model or [MODELS / "weights" / "detector.onnx"]:
        seen = kept(args.keep, path, lib) if args.keep else Seen(path, lib)
        thresholds = args.threshold or [live_threshold(), default_threshold()]
        report[Path(path).name] = {"one look": one_look(path, default_threshold()), "at": [seen.at(JOINS[args.rule], t) for t in thresholds]}
        if args.joins:
            report[Path(path).name]["joins"] = joins(seen)
        if args.both:
            report[Path(path).name]["both"] = both(seen, JOINS[args.rule])
    report = rounded(report)
    text = json.dumps(report, indent=1)
    if args.json:
        Path(args.json).write_text(text + "\n")
    for name, part in report.items():
        table(("measure", name), [(k, f"{v:.3f}") for k, v in part["one look"].items()])
        table(("measure", *(f"at {line['threshold']:g}" for line in part["at"])), [(k, *(f"{line[k]:.3f}" for line in part["at"])) for k in part["at"][0]])
        for more in [m for m in ("joins", "both") if m in part]:
            table(tuple(part[more][0]), [tuple(v if isinstance(v, str) else f"{v:.3f}" for v in line.values()) for line in part[more]])


if __name__ == "__main__":
    main()
