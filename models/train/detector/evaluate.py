"""All figures of the model card: python -m models.train.detector.evaluate [--model FILE] [--threshold T] [--peers]

AP at IoU 0.5 on the WIDER validation subset (longest side to 320, faces from 32 px), landmarks and roll against
YuNet_n, false faces in held-out pictures, portraits that fill the frame, and two photos. `--quick`: AP only.
"""
import argparse
import json
import math
import subprocess
from pathlib import Path

import cv2
import numpy as np
import torch

from ..common.pack import unpack
from .ap import average_precision, curve, recall_at
from .detector import Detector, in_colour, to_grey
from .geometry import iou, read_boxes
from .library import Library, is_held
from .paths import CACHE, DETECT, MODELS, PEERS, SHARED
from .paste import soft_mask
from .similarity import moved, similarity
from .teachers import PublicYuNet, YuNet

WIDER = DETECT / "wider_val_subset"


def wider():
    truth = read_boxes(WIDER / "boxes_xywh.txt")
    return [(n, cv2.imread(str(WIDER / "images" / n)), b) for n, b in truth.items()]


def measure_ap(detect, pictures, side=320, look=in_colour):
    rows = [detect(look(p), side, side) for _, p, _ in pictures]
    found = curve(rows, [b for _, _, b in pictures])
    recall, at = recall_at(0.99, *found)
    return dict(ap=round(average_precision(*found[1:]), 4), recall_at_99=round(recall, 4), score_at_99=round(at, 3),
                faces=found[3]), found


def measure_peers(pictures):
    """The public nets by the same measure, which checks this script; YuNet_n also shown grey, and its own floor of the landmarks' measure."""
    out = {}
    for name in ("yunet_n_320_320", "yunet_s_320_320"):
        net = YuNet(PEERS / "yunet" / f"{name}.onnx")
        found = curve([net(p, 320, 0.02, square=True) for _, p, _ in pictures], [b for _, _, b in pictures])
        out[name] = dict(ap=round(average_precision(*found[1:]), 4), recall_at_99=round(recall_at(0.99, *found)[0], 4))
    public = PublicYuNet()
    out["yunet_n in grey"] = measure_ap(public, pictures, look=to_grey)[0]
    out["yunet_n at 320 against itself at 640"] = measure_landmarks(public, pictures, 0.6, side=640)
    return out


def measure_command(command, pictures):
    """The same measure for what users run: `moodring detect`, with its own two looks at each picture."""
    printed = subprocess.run([command, "detect", "--json", "--threshold", "0.05", "--min-size", "8", str(WIDER / "images")],
                          capture_output=True, text=True, check=True).stdout
    lines = {Path(line["image"]).name: line for line in map(json.loads, printed.splitlines())}
    rows = []
    for name, _, _ in pictures:
        boxes = [(x, y, x + w, y + h, f["score"]) for f in lines[name]["faces"] for x, y, w, h in [f["box"]]]
        rows.append(np.array(boxes, float).reshape(-1, 5))
    found = curve(rows, [b for _, _, b in pictures])
    return dict(ap=round(average_precision(*found[1:]), 4), recall_at_99=round(recall_at(0.99, *found)[0], 4))


def roll_deg(points):
    (rx, ry), (lx, ly) = points[0], points[1]
    return math.degrees(math.atan2(ly - ry, lx - rx))


def measure_landmarks(detect, pictures, threshold, side=320):
    """Against YuNet_n on faces of 32 px and taller that both find; near-profiles (eyes nearer than a fifth of the box) apart.

    `side`: the canvas on which YuNet_n looks: ours, or 640 for a sharper truth.
    """
    teacher, errors, rolls, profiles = PublicYuNet(), [], [], 0
    for _, picture, _ in pictures:
        ours, theirs = detect(picture, 320, 320, threshold), teacher(picture, side, side, 0.6)
        for t in theirs[(theirs[:, 3] - theirs[:, 1]) >= 32]:
            overlap = iou(t[None], ours)[0] if len(ours) else np.zeros(1)
            if overlap.max() < 0.5:
                continue
            a, b = ours[overlap.argmax(), 5:].reshape(5, 2), t[5:].reshape(5, 2)
            eyes = np.linalg.norm(b[0] - b[1])
            if eyes < 0.2 * (t[2] - t[0]):
                profiles += 1
                continue
            errors.append(np.linalg.norm(a - b, axis=1).mean() / eyes)
            rolls.append(abs((roll_deg(a) - roll_deg(b) + 180) % 360 - 180))
    return dict(landmark_error=float(np.mean(errors)), landmark_error_median=float(np.median(errors)),
                roll_error_median_deg=float(np.median(rolls)), faces=len(errors), profiles_left_out=profiles)


def false_scores(detect, lib, side=320):
    """{source: (pictures, scores of false faces)} on held-out pictures; what the labels call a face or unclear is left out."""
    out = {}
    for source in ("rooms", "scenes", "animals"):
        n, scores = 0, []
        for i, name in enumerate(lib.names):
            if name.startswith(f"natural/{source}/") and is_held(name):
                rows, known = detect(lib.picture(i), side, side, 0.3), lib.faces[i]
                if len(rows) and len(known):
                    rows = rows[iou(rows, known).max(1) < 0.3]
                n, scores = n + 1, scores + rows[:, 4].tolist()
        out[source] = (n, np.array(scores))
    return out


def portraits(lib, count=500, width=320, height=240):
    """FER2013 PublicTest crops, the face 50 to 95 % of the frame's height, tilted up to 30 degrees, on held-out rooms."""
    z, rng = np.load(CACHE / "crops_public_test.npz"), np.random.default_rng(20)
    backs = [i for i, n in enumerate(lib.names) if is_held(n) and n.startswith(("natural/rooms", "natural/scenes"))]
    for k in range(count):
        j = k % len(z["crops"])
        row = np.concatenate([z["faces"][j], [1, 1]]).astype(np.float32)[None]
        roll = math.radians(rng.uniform(-30, 30))
        scale = height * rng.uniform(0.5, 0.95) / (row[0, 3] - row[0, 1])
        centre = (row[0, :2] + row[0, 2:4]) / 2
        m = similarity(scale, roll, False, centre, (width / 2 + rng.uniform(-30, 30), height / 2))
        back = cv2.resize(to_grey(lib.picture(backs[k % len(backs)]))[..., 0], (width, height)).astype(np.float32)
        patch, fine = cv2.resize(z["crops"][j], (192, 192), interpolation=cv2.INTER_CUBIC), m.copy()
        fine[:, :2] /= 4
        mask = cv2.warpAffine(soft_mask(rng, 48), m, (width, height))
        face = cv2.warpAffine(patch, fine, (width, height)).astype(np.float32)
        yield (back + mask * (face - back)).astype(np.uint8), moved(row, m, scale, roll, False)[0]


def close_ups(pictures, width=320, height=240):
    """Cuts from real photos: each validation face of 60 px and taller made 50 to 95 % of the frame's height."""
    rng = np.random.default_rng(21)
    for _, picture, boxes in pictures:
        for b in boxes[(boxes[:, 3] - boxes[:, 1]) >= 60]:
            roll, scale = math.radians(rng.uniform(-30, 30)), height * rng.uniform(0.5, 0.95) / (b[3] - b[1])
            m = similarity(scale, roll, False, (b[:2] + b[2:4]) / 2, (width / 2, height / 2))
            row = np.concatenate([b, np.zeros(13)]).astype(np.float32)[None]
            yield cv2.warpAffine(picture, m, (width, height), borderMode=cv2.BORDER_REPLICATE), moved(row, m, scale, roll, False)[0]


def found_scores(detect, items):
    """The best score at IoU 0.5 and more for each face, 0 where there is none."""
    out = []
    for picture, row in items:
        rows = detect(picture, 320, 256, 0.3)
        hits = rows[iou(row[None], rows)[0] >= 0.5, 4] if len(rows) else []
        out.append(max(hits, default=0.0))
    return np.array(out)


def sweep(curve_, false, found, thresholds):
    """What each threshold costs: recall on WIDER, false faces per 1000 pictures, portraits found."""
    scores, hits, _, faces = curve_
    table = []
    for t in thresholds:
        n = int((scores > t).sum())
        line = dict(threshold=t, wider_recall=round(float(hits[n - 1] / faces), 3) if n else 0.0)
        line |= {f"false_per_1000_{k}": round(1000 * int((v > t).sum()) / n_, 1) for k, (n_, v) in false.items()}
        line |= {f"{k}_percent": round(100 * float((v > t).mean()), 2) for k, v in found.items()}
        table.append(line)
    return table


def measure_photos(detect, threshold):
    out = {}
    for name in ("astronaut.png", "solvay1927.jpg"):
        picture = cv2.imread(str(SHARED / "photos" / name))
        h, w = picture.shape[:2]
        for side in (320, 640, 960, 1280):
            s = side / max(h, w)
            up = lambda v: -(-round(v * s) // 32) * 32
            out[f"{name}@{side}"] = len(detect(picture, up(w), up(h), threshold))
    return out


def default_threshold():
    return float(unpack((MODELS / "weights" / "detector.moodnet").read_bytes()).notes["threshold"])


def main():
    a = argparse.ArgumentParser(description=__doc__)
    a.add_argument("--model", default=str(MODELS / "weights" / "detector.onnx"))
    a.add_argument("--threshold", type=float, default=None, help="by default what the packed file's notes say")
    a.add_argument("--quick", action="store_true")
    a.add_argument("--peers", action="store_true", help="YuNet_n and YuNet_s instead of a model of ours")
    a.add_argument("--json", help="also write it to this file, for `card`")
    a.add_argument("--command", help="AP of this moodring binary's `detect` instead, and nothing else")
    args = a.parse_args()
    if args.command:
        text = json.dumps(measure_command(args.command, wider()), indent=1)
        if args.json:
            Path(args.json).write_text(text + "\n")
        print(text)
        return
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    if args.peers:
        print(json.dumps(measure_peers(wider()), indent=1))
        return
    t = default_threshold() if args.threshold is None else args.threshold
    detect, pictures = Detector(args.model), wider()
    ap, at_320 = measure_ap(detect, pictures)
    report = dict(model=args.model.split("/")[-1], threshold=t, wider_320=ap)
    if not args.quick:
        lib = Library()
        report["landmarks"] = measure_landmarks(detect, pictures, t)
        report["landmarks_against_640"] = measure_landmarks(detect, pictures, t, side=640)
        report["photos"] = measure_photos(detect, t)
        false = false_scores(detect, lib)
        found = dict(portraits=found_scores(detect, portraits(lib)), close_ups=found_scores(detect, close_ups(pictures)))
        report["counts"] = {k: n for k, (n, _) in false.items()} | {k: len(v) for k, v in found.items()}
        report["sweep"] = sweep(at_320, false, found, [*dict.fromkeys([t, 0.5, 0.55, 0.6, 0.62, 0.64, 0.65, 0.66, 0.68, 0.7, 0.75])])
        report["wider_320_grey"] = measure_ap(detect, pictures, look=to_grey)[0]
        report["wider_640"] = measure_ap(detect, pictures, 640)[0]
    text = json.dumps(report, indent=1)
    if args.json:
        Path(args.json).write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
