"""Faces and what is none, cut out of whole pictures by one code: what the head `face` learns from.

    python -m models.train.classifier.face_cuts [--data ../shared/data]     cache/face_cuts.npz

Every row of our detector and of YuNet down to a low score is cut as the daemon would cut it, with 16 px more on each side. Whether it is a face:
- people and masks: yes, where both detectors agree or a label has a box; places where neither sees anything are no faces; what is in doubt is left out;
  `face_cuts_wrong.txt` names those that both detectors took for a face and that were seen to be none;
- animals: no, but in pictures that `detector/animal_people.txt` names; pets: no, but in those that `pet_people.txt` names; rooms and scenes: no, unless both
  detectors are sure.
"""
import argparse
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ..detector.geometry import iou, nms, read_boxes
from ..detector.label import unsquash
from ..detector.teachers import YuNet
from .framing import CACHE
from .photos import FaceFinder, crop_to_photo, cut

HERE = Path(__file__).parent
MARGIN, LEAST = 16, 0.15
FACE, NONE, DOUBT = 1, 0, -1
MOST = {"squashed": 700, "scenes": 320, "mask_kaggle": 400, "mask_wearing": 400}  # pictures taken of a source; of others all
SOURCES = {"people": "natural/people", "squashed": "natural/people_squashed", "rooms": "natural/rooms", "scenes": "natural/scenes",
           "animals": "natural/animals", "pets": "pets", "mask_kaggle": "mask_kaggle/images", "mask_wearing": "mask_wearing/images"}


def named(path):
    """Picture names of a list; lines with # are remarks, a leading - is dropped."""
    return {line.lstrip("-").strip() for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")} if path.exists() else set()


def corrections(path):
    """{(source, picture, height as text): verdict} of a list of cuts that were looked at."""
    out = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            source, name, height, what = line.split()
            out[source, name, height] = NONE if what == "none" else DOUBT
    return out


def rows_of(picture, ours, yunet):
    """(n,15) rows, our score of each, YuNet's of each: 0 where one does not fire."""
    h, w = picture.shape[:2]
    limit = min(max(max(h, w), 320), 448)
    a = ours.look(picture, *(-(-side * limit // max(h, w) // 32) * 32 for side in (w, h)), 0.05)
    b = nms(yunet(picture, limit, LEAST), 0.3)
    rows, mine, theirs = [], [], []
    over = iou(a[:, :4], b[:, :4]) if len(a) and len(b) else np.zeros((len(a), len(b)))
    for i, row in enumerate(a):
        j = over[i].argmax() if len(b) else -1
        rows.append(row), mine.append(row[4]), theirs.append(b[j, 4] if j >= 0 and over[i, j] > 0.4 else 0.0)
    for j, row in enumerate(b):
        if not len(a) or over[:, j].max() <= 0.4:
            rows.append(row), mine.append(0.0), theirs.append(row[4])
    return np.array(rows, np.float32).reshape(-1, 15), np.array(mine), np.array(theirs)


def empty_places(rng, rows, w, h, count=2):
    """Boxes of any size where no detector sees anything: shoulders, hands, walls."""
    out = []
    for _ in range(20):
        side = np.exp(rng.uniform(np.log(24), np.log(max(25, 0.6 * min(w, h)))))
        x, y = rng.uniform(0, max(1, w - side)), rng.uniform(0, max(1, h - side * 1.2))
        box = np.array([x, y, x + side, y + side * 1.2], np.float32)
        grown = rows[:, :4] + np.array([-1, -1, 1, 1]) * 0.2 * (rows[:, 2:3] - rows[:, :1]) if len(rows) else rows[:, :4]
        lo, hi = np.maximum(grown[:, :2], box[:2]), np.minimum(grown[:, 2:4], box[2:])
        if len(rows) == 0 or (np.prod(np.clip(hi - lo, 0, None), 1) == 0).all():
            out.append(np.concatenate([box, [0], np.tile((box[:2] + box[2:]) / 2, 5)]).astype(np.float32))
        if len(out) == count:
            break
    return out


def verdict(source, mine, theirs, labelled, with_people):
    if source in ("people", "squashed"):
        return FACE if mine >= 0.5 and theirs >= 0.6 else DOUBT
    if source.startswith("mask"):
        return FACE if labelled and mine >= 0.3 else DOUBT
    if source in ("animals", "pets"):
        return DOUBT if with_people else NONE
    return DOUBT if mine >= 0.5 and theirs >= 0.6 else NONE


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    root = Path(args.data) / "detect"
    ours, yunet, rng = FaceFinder(), YuNet(Path(args.data).parent / "peers" / "yunet" / "yunet_n_dynamic.onnx"), np.random.default_rng(3)
    people = {"animals": named(HERE.parent / "detector" / "animal_people.txt"), "pets": named(HERE / "pet_people.txt")}
    looked_at = corrections(HERE / "face_cuts_wrong.txt")
    out = {k: [] for k in ("crops", "source", "name", "mine", "theirs", "height", "face")}

    def add(grey, row, source, name, mine, theirs, face):
        out["crops"].append(cut(grey, crop_to_photo(row), MARGIN))
        for k, v in (("source", source), ("name", name), ("mine", mine), ("theirs", theirs), ("height", row[3] - row[1]), ("face", face)):
            out[k].append(v)

    for source, folder in SOURCES.items():
        boxes = read_boxes(root / folder.split("/")[0] / "boxes_xywh.txt") if source.startswith("mask") else {}
        paths = sorted(p for p in (root / folder).iterdir() if p.suffix in (".jpg", ".png", ".jpeg"))[:MOST.get(source)]
        for path in tqdm(paths, desc=source, disable=None):
            picture = cv2.imread(str(path))
            if picture is None:
                continue
            picture = unsquash(picture, path.name) if source == "squashed" else picture
            s = 640 / max(picture.shape[:2])
            small = cv2.resize(picture, None, fx=s, fy=s, interpolation=cv2.INTER_AREA) if s < 1 else picture
            grey, truth = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), boxes.get(path.name)
            rows, mine, theirs = rows_of(small, ours, yunet)
            keep = [k for k in np.argsort(-np.maximum(mine, theirs))[:12] if max(mine[k], theirs[k]) >= LEAST and rows[k, 3] - rows[k, 1] >= 16]
            for k in keep:
                labelled = truth is not None and len(truth) and iou(rows[k:k + 1, :4], truth * min(s, 1))[0].max() > 0.4
                told = verdict(source, mine[k], theirs[k], labelled, path.name in people.get(source, ()))
                told = looked_at.get((source, path.name, f"{rows[k, 3] - rows[k, 1]:.1f}"), told)
                add(grey, rows[k], source, path.name, mine[k], theirs[k], told)
            for row in empty_places(rng, rows, small.shape[1], small.shape[0]):
                add(grey, row, source, path.name, 0, 0, NONE)
        at = np.array(out["source"]) == source
        face = np.array(out["face"])[at]
        print(source, f"{(face == FACE).sum()} faces, {(face == NONE).sum()} others, {(face == DOUBT).sum()} in doubt", flush=True)
    np.savez(CACHE / "face_cuts.npz", **{k: np.array(v) for k, v in out.items()})


if __name__ == "__main__":
    main()
