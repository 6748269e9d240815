"""What `[vision] width` buys: python -m models.train.detector.sizes [--model FILE] [--json FILE]

For canvases of 192, 320, 480 and 640 pixels: AP on the WIDER subset, and how far away a face may be. The range follows from the smallest faces on the canvas of which
half, or four in five, are found (labelled faces of the subset, many of them hidden, turned or blurred, by their height on the canvas, at the threshold of the live stream), a face box
of 0.20 m and a webcam that sees 60 degrees across.
"""
import argparse
import json
import math
import os
import subprocess
from pathlib import Path

import cv2
import numpy as np
import torch

from ..common.markdown import table
from ..common.pack import unpack
from .detector import Detector
from .evaluate import measure_ap, wider
from .geometry import iou
from .paths import MODELS

SIDES = (192, 320, 480, 640)
FACE_M, ACROSS_DEG = 0.20, 60
HALF, MOST = 0.5, 0.8
STEPS = np.array([6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64, 96])  # heights in pixels of the canvas


def found_by_height(detect, pictures, threshold, sides=SIDES):
    """Recall of labelled faces by their height on the canvas, over all canvases: (lowest height of the class, faces, recall)."""
    heights, hits = [], []
    for side in sides:
        for _, picture, boxes in pictures:
            rows = detect(picture, side, side, threshold)
            best = iou(boxes, rows).max(1) if len(rows) and len(boxes) else np.zeros(len(boxes))
            heights += list((boxes[:, 3] - boxes[:, 1]) * side / max(picture.shape[:2]))
            hits += list(best >= 0.5)
    heights, hits = np.array(heights), np.array(hits)
    out = []
    for low, high in zip(STEPS, [*STEPS[1:], np.inf]):
        k = (heights >= low) & (heights < high)
        if k.sum() >= 20:
            out.append((int(low), int(k.sum()), float(hits[k].mean())))
    return out


def smallest(by_height, enough=MOST):
    """The height from which on every class has `enough` of its faces found, or the best class if none has."""
    good = None
    for low, _, recall in reversed(by_height):
        if recall < enough:
            break
        good = low
    return good if good is not None else max(by_height, key=lambda v: v[2])[0]


def range_m(side, face_px):
    """How far away a face of FACE_M shows as `face_px` on a canvas of `side` pixels across."""
    return side * FACE_M / (2 * math.tan(math.radians(ACROSS_DEG / 2)) * face_px)


def live_threshold():
    """The score from which the committed detector's faces are shown to the head `face`."""
    return float(unpack((MODELS / "weights" / "detector.moodnet").read_bytes()).notes["threshold.before_face"])


def milliseconds(command, side, tries=9):
    """The detector's time and the whole frame's by `moodring bench`, each the least of the medians of some runs: what other programs take is not the net's."""
    size = {"MOODRING_VISION__WIDTH": str(side), "MOODRING_VISION__HEIGHT": str(-(-side * 3 // 4 // 32) * 32)}
    runs = [json.loads(subprocess.run([command, "bench", "--json", "--frames", "100"], env=os.environ | size, capture_output=True, check=True).stdout) for _ in range(tries)]
    return {"detect_ms": round(min(dict(r["stages_ms"])["detect"] for r in runs), 2), "total_ms": round(min(r["total_ms"] for r in runs), 2)}


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--model", default=str(MODELS / "weights" / "detector.onnx"))
    a.add_argument("--json", help="also write it to this file")
    a.add_argument("--command", metavar="PATH", help="a `moodring` built for release: its times, too")
    args = a.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    detect, pictures, t = Detector(args.model), wider(), live_threshold()
    by_height = found_by_height(detect, pictures, t)
    half, most = smallest(by_height, HALF), smallest(by_height)
    out = {"threshold": t, "half_px": half, "most_px": most, "recall_by_height": by_height, "sides": {}}
    for side in SIDES:
        found = measure_ap(detect, pictures, side)[0]
        out["sides"][side] = {"ap": found["ap"], "half_m": round(range_m(side, half), 2), "most_m": round(range_m(side, most), 2)}
        if args.command:
            out["sides"][side] |= milliseconds(args.command, side)
    text = json.dumps(out, indent=1)
    if args.json:
        Path(args.json).write_text(text + "\n")
    table(("face's height on the canvas", "faces", "recall"), [(f"from {low}", n, f"{r:.2f}") for low, n, r in by_height])
    table(("longest side", "AP", "half found up to, m", "four in five up to, m"), [(s, f"{v['ap']:.3f}", f"{v['half_m']:.1f}", f"{v['most_m']:.1f}") for s, v in out["sides"].items()])


if __name__ == "__main__":
    main()
