"""What people notice of a detector file, in one table: python -m models.train.detector.measure [--model FILE ...] [--json FILE] [--joins]

Each set is looked at as `moodring analyze` looks (two sizes, all boxes above 0.2), once as the live stream does (320x256), and everything else follows from these
looks: what is found at a threshold, by a rule that joins the looks, with and without the classifier's head `face`.

Sets: `near`, 700 PublicTest faces of 90 to 260 px, tilted by up to 25 degrees, in blurred noise of 640x480; `turned`, photos of one face turned by known angles, where
the roll comes from the landmarks alone; `pets`, dogs and cats with odd numbers (no detector of ours learned from them); `empty`, held-out rooms and scenes, and
`animals`; `covered`, the WIDER subset with masks, dark glasses and little light; `profiles`.
`--joins` compares rules that join two looks at the same rate of false faces (daemon/src/vision/fuse.rs has the chosen one).
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

from ..classifier.data import LABELS, load_split
from ..classifier.face_cuts import named
from ..classifier.photos import Classifier, FaceFinder, crop_to_photo, look_sizes, read_face, read_grey, roll_of
from ..common.markdown import table
from .ap import average_precision, curve
from .evaluate import default_threshold, measure_ap, wider
from .geometry import iou, nms
from .library import Library, is_held
from .paste import soft_mask
from .paths import DETECT, MODELS, SHARED
from .similarity import similarity
from .stress import cover, darker, turned as by_profile

LEAST, SAME_IOU, MAX_IOU = 0.2, 0.4, 0.3
LIVE = (320, 256)
ANGLES = (20, 30, 45)
FACE_IN_CROP = np.array([6.0, 2.5, 42.0, 49.5])  # where YuNet's boxes lie in FER2013's pictures, in the median
PETS_LISTED = Path(__file__).parents[1] / "classifier" / "pet_people.txt"


# ---- sets -----------------------------------------------------------------------------------------------------------------
def near_faces(count=700):
    """(picture, box, tilt) of PublicTest faces set into blurred noise."""
    data, rng = load_split(SHARED / "data", "public_test"), np.random.default_rng(23)
    good = np.flatnonzero((data.pixels.reshape(len(data), -1).std(1) > 8) & (data.votes[:, 9] < 3))
    for k in good[np.linspace(0, len(good) - 1, count).astype(int)]:
        noise = cv2.GaussianBlur(rng.integers(0, 256, (480, 640), np.uint8), (0, 0), 3).astype(np.float32)
        noise = np.clip((noise - 128) * 2 + rng.uniform(80, 170), 0, 255)
        tall, roll = rng.uniform(90, 260), math.radians(rng.uniform(-25, 25))
        scale = tall / (FACE_IN_CROP[3] - FACE_IN_CROP[1])
        half = 30 * scale
        at = rng.uniform(np.minimum((half, half), (320, 240)), np.maximum((640 - half, 480 - half), (320, 240)))
        m = similarity(scale, roll, False, (24, 24), at)
        fine = m.copy()
        fine[:, :2] /= 4
        patch = cv2.warpAffine(cv2.resize(data.pixels[k], (192, 192), interpolation=cv2.INTER_CUBIC), fine, (640, 480)).astype(np.float32)
        mask = cv2.warpAffine(soft_mask(rng, 48), m, (640, 480))
        middle = m[:, :2] @ ((FACE_IN_CROP[:2] + FACE_IN_CROP[2:]) / 2) + m[:, 2]
        size = (FACE_IN_CROP[2:] - FACE_IN_CROP[:2]) / 2 * scale
        yield (noise + mask * (patch - noise)).astype(np.uint8), np.concatenate([middle - size, middle + size]), math.degrees(roll)


def wild_photos(every=6):
    return [read_grey(p) for name in LABELS for p in sorted((SHARED / "data" / "faces" / "wild" / name).glob("*.jpg"))[::every]]


def turn(grey, degrees):
    """About its middle, clockwise, on a canvas that holds all of it, with grey corners."""
    h, w = grey.shape
    side = math.ceil(math.hypot(h, w))
    m = cv2.getRotationMatrix2D((w / 2, h / 2), -degrees, 1)
    m[:, 2] += (side - w) / 2, (side - h) / 2
    return cv2.warpAffine(grey, m, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=128)


def pets():
    people = named(PETS_LISTED)
    return [cv2.imread(str(p)) for p in sorted((DETECT / "pets").glob("*.jpg")) if p.name not in people and int(p.stem.split("_")[1]) % 2]


def held(lib, sources):
    return [(lib.picture(i), lib.faces[i][:, :4]) for i, n in enumerate(lib.names) if is_held(n) and n.split("/")[1] in sources]


# ---- looks and how they are joined ----------------------------------------------------------------------------------------------
def looks_of(finder, picture):
    """[(pixels of the look per pixel of the photo, rows)] as `analyze` looks."""
    picture = picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    h, w = picture.shape[:2]
    return [(max(size) / max(h, w), finder.look(picture, *size, LEAST)) for size in look_sizes(w, h)]


def live_look(finder, picture, threshold=LEAST):
    return finder.look(picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), *LIVE, threshold)


def mean_of_able(scores, sides):
    """The mean over looks that should see such a face; the look that found it always counts (it comes first)."""
    able = (sides >= 26) & (sides <= 300)
    able[0] = True
    return scores[able].mean()


def ability(sides, low=(12.0, 26.0), high=(200.0, 420.0)):
    """0 to 1: how well a look sees faces of so many of its own pixels."""
    s = np.log(sides.clip(1))
    rise = (s - math.log(low[0])) / math.log(low[1] / low[0])
    fall = (math.log(high[1]) - s) / math.log(high[1] / high[0])
    return np.minimum(rise, fall).clip(0, 1)


def better(scores, sides):
    return scores.max()


def better_weighed(scores, sides):
    return (scores * (0.5 + 0.5 * ability(sides))).max()


def mean_weighed(scores, sides):
    w = ability(sides) + 1e-3
    return float((scores * w).sum() / w.sum())


def between(scores, sides):
    """Half way from the mean to the better one: fuse.rs."""
    return 0.5 * mean_of_able(scores, sides) + 0.5 * scores.max()


def between_weighed(scores, sides):
    return 0.5 * mean_weighed(scores, sides) + 0.5 * (scores * np.sqrt(ability(sides))).max()


JOINS = {"half way from mean to better": between, "mean of those that should see it": mean_of_able, "better": better, "better, weighed": better_weighed, "mean, weighed": mean_weighed,
         "half way, weighed": between_weighed}


@functools.lru_cache(None)
def joined(looks, rule):
    """`join`, each once: sets keep their looks as objects that are never changed."""
    return join(looks.rows, rule)


class Looks:
    """One picture's looks."""

    def __init__(self, finder, picture):
        self.rows = looks_of(finder, picture)


def join(looks, rule, least=LEAST):
    """One list of rows out of two looks."""
    kept = []
    for i, (scale, rows) in enumerate(looks):
        if not len(rows):
            continue
        side = np.sqrt((rows[:, 2:4] - rows[:, :2]).clip(1e-3).prod(1)).astype(float)
        scores, sides = [rows[:, 4]], [side * scale]
        for j, (other, seen) in enumerate(looks):
            if j != i:
                same = iou(rows[:, :4], seen[:, :4]) >= SAME_IOU if len(seen) else np.zeros((len(rows), 0), bool)
                scores.append((same * seen[None, :, 4]).max(1, initial=0.0)), sides.append(side * other)
        total = np.array([rule(s, p) for s, p in zip(np.stack(scores, 1), np.stack(sides, 1))])
        kept.append(np.concatenate([rows[:, :4], total[:, None], rows[:, 5:]], 1)[total >= least])
    return nms(np.concatenate(kept).astype(np.float32), MAX_IOU) if kept else np.zeros((0, 15), np.float32)


# ---- what follows from looks ----------------------------------------------------------------------------------------------------
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


def both(seen, rule, thresholds=(0.4, 0.45, 0.5, 0.55, 0.6, 0.65), leasts=(0.5, 0.75, 0.9, 0.95, 0.98)):
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


@functools.cache
def turned_photos(angle):
    return [turn(g, angle * s) for g in wild_photos() for s in (-1, 1)]


@functools.cache
def wider_pictures():
    return wider()


def tall(rows):
    return rows[rows[:, 3] - rows[:, 1] >= 20]


def unknown(rows, known):
    return rows[iou(rows, known).max(1) < 0.3] if len(rows) and len(known) else rows


def best(rows, threshold):
    rows = rows[rows[:, 4] >= threshold]
    return rows[((rows[:, 2] - rows[:, 0]) * (rows[:, 3] - rows[:, 1])).argmax()] if len(rows) else None


def one_look(path, threshold):
    """AP of one look at 320 as the pictures are, covered and dark; recall of profiles."""
    from .detector import Detector
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
    a.add_argument("--threshold", type=float, action="append", help="(default: what the packed file's notes say)")
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
        thresholds = args.threshold or [default_threshold()]
        report[Path(path).name] = {"one look": one_look(path, thresholds[0]), "at": [seen.at(JOINS[args.rule], t) for t in thresholds]}
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
