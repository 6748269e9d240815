"""What a detector misses and invents, to look at: python -m models.train.detector.page [--model FILE] [--threshold T] [--json FILE]

Writes runs/misses.png and runs/false.png: crops around each miss of the WIDER subset (green: the label, red: what was
said there, with its score and IoU) and around the best-scored false faces of the subset and of the held-out pictures, with what the classifier's head `face`
says of each (its frame is red where that takes it for a face, too).
"""
import argparse
import json
import math
from pathlib import Path

import cv2
import numpy as np
import torch

from ..classifier.photos import Classifier, passes, read_row
from .ap import match
from .detector import Detector
from .evaluate import default_threshold, wider
from .geometry import iou
from .library import Library, is_held
from .paths import MODELS, RUNS

TILE, COLUMNS = 128, 14
GREEN, RED = (0, 200, 0), (0, 0, 255)


def tile(picture, box, truth, rows, text):
    """A square around `box` with twice its side."""
    side = max(box[2] - box[0], box[3] - box[1], 8) * 2
    s, centre = TILE / side, np.array([box[0] + box[2], box[1] + box[3]]) / 2
    m = np.float32([[s, 0, TILE / 2 - s * centre[0]], [0, s, TILE / 2 - s * centre[1]]])
    picture = picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    out = cv2.warpAffine(picture, m, (TILE, TILE), flags=cv2.INTER_AREA, borderValue=(90, 90, 90))
    for boxes, colour in ((truth, GREEN), (rows, RED)):
        for b in boxes:
            lo, hi = (m[:, :2] @ b[:2] + m[:, 2]).astype(int), (m[:, :2] @ b[2:4] + m[:, 2]).astype(int)
            cv2.rectangle(out, tuple(map(int, lo)), tuple(map(int, hi)), colour, 1)
    cv2.putText(out, text, (2, TILE - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 255, 255), 1, cv2.LINE_AA)
    return out


def judged(net, picture, row):
    """(what the head `face` says, 0 to 1; whether that is enough) of a row, after the cuts that `analyze` makes."""
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    out = read_row(net, grey, row, 3, mirror=False)
    return 1 / (1 + math.exp(-float(out["face"][0, 0]))), passes(net, out)


def false_tile(net, picture, row, truth, source):
    """(score, source, whether the head takes it for a face, tile)."""
    says, passed = judged(net, picture, row)
    drawn = tile(picture, row, truth, [row], f"{row[4]:.2f} {source} {says:.2f}")
    if passed:
        cv2.rectangle(drawn, (0, 0), (TILE - 1, TILE - 1), RED, 3)
    return float(row[4]), source, passed, drawn


def sheet(tiles, path):
    tiles = tiles + [np.zeros((TILE, TILE, 3), np.uint8)] * (-len(tiles) % COLUMNS)
    rows = [np.hstack(tiles[i:i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)]
    cv2.imwrite(str(path), np.vstack(rows) if rows else np.zeros((TILE, TILE, 3), np.uint8))


def main():
    a = argparse.ArgumentParser(description=__doc__)
    a.add_argument("--model", default=str(MODELS / "weights" / "detector.onnx"))
    a.add_argument("--threshold", type=float, default=None)
    a.add_argument("--most", type=int, default=112)
    a.add_argument("--json", help="how many of each, for the card")
    args = a.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    t = default_threshold() if args.threshold is None else args.threshold
    detect, net, misses, false = Detector(args.model), Classifier(), [], []
    faces = seen_lower = 0
    for _, picture, truth in wider():
        faces += int((truth[:, 3] - truth[:, 1] >= 32).sum())
        rows = detect(picture, 320, 320, 0.1)
        sure, overlap = rows[rows[:, 4] > t], iou(truth, rows)
        for box, o in zip(truth, overlap):
            if box[3] - box[1] < 32 or (len(rows) and (o * (rows[:, 4] > t)).max() >= 0.5):
                continue
            k = int(o.argmax()) if len(rows) else -1
            seen_lower += bool(len(rows) and o[k] >= 0.3)
            said = f"{rows[k, 4]:.2f} iou {o[k]:.2f}" if len(rows) and o[k] > 0.1 else "nothing"
            misses.append(tile(picture, box, [box], rows[k:k + 1] if said != "nothing" else [], said))
        marks = match(sure, truth)[0]
        false += [false_tile(net, picture, r, truth, "wider") for r in sure[marks == 0]]
    lib = Library()
    for i, name in enumerate(lib.names):
        if is_held(name) and not lib.with_people(i):
            rows, known = detect(lib.picture(i), 320, 320, t), lib.faces[i]
            if len(rows) and len(known):
                rows = rows[iou(rows, known).max(1) < 0.3]
            false += [false_tile(net, lib.picture(i), r, [], name.split("/")[-2]) for r in rows]
    false.sort(key=lambda v: -v[0])
    RUNS.mkdir(parents=True, exist_ok=True)
    sheet(misses[:args.most], RUNS / "misses.png")
    sheet([v[3] for v in false[:args.most]], RUNS / "false.png")
    report = {"threshold": t, "faces": faces, "missed": len(misses), "missed with a lower score": seen_lower, "false": len(false), "false, the head face agrees": sum(v[2] for v in false),
              "false by source": {s: [sum(v[1] == s for v in false), sum(v[1] == s and v[2] for v in false)] for s in sorted({v[1] for v in false})}}
    if args.json:
        Path(args.json).write_text(json.dumps(report, indent=1) + "\n")
    print(f"{len(misses)} missed, {len(false)} false above {t}: {RUNS / 'misses.png'}, {RUNS / 'false.png'}")


if __name__ == "__main__":
    main()
