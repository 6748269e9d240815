"""What bad light, bad cameras and covered faces cost: python -m models.train.detector.stress [--model FILE] [--json FILE]

The WIDER validation subset once more, changed by arithmetic, longest side 320: AP at IoU 0.5 of ours and of YuNet_n, and our recall at
the default threshold. What covers a face is drawn on every labelled one by its box: a mask over its lower half, dark glasses, a cap. Real masks
and caps are more various than that; `profiles` are real (YuNet_n at 640: the nose is not between the eyes).
"""
import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import torch

from ..common.markdown import table
from .ap import average_precision, curve
from .detector import Detector, to_grey
from .evaluate import default_threshold, wider
from .geometry import iou
from .paths import MODELS
from .teachers import PublicYuNet

MASKS = ((235, 235, 235), (200, 170, 120), (40, 40, 40))  # white, light blue, black; BGR


def darker(picture, share):
    """So much of the light, with a sensor's noise."""
    noise = np.random.default_rng(7).normal(0, 3, picture.shape)
    return np.clip(picture * share + noise, 0, 255).round().astype(np.uint8)


def against_the_light(picture):
    """Everything flat, dark and low in contrast, as people in front of a window."""
    return (255 * (picture / 255.0) ** 2.2 * 0.55).round().astype(np.uint8)


def blurred(picture):
    """By two pixels of the 320 that the net sees."""
    return cv2.GaussianBlur(picture, (0, 0), 2 * max(picture.shape[:2]) / 320)


def jpeg(picture, quality=20):
    """At the size that the net sees."""
    s = 320 / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=s, fy=s, interpolation=cv2.INTER_AREA)
    small = cv2.imdecode(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    return cv2.resize(small, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)


WHOLE = {"as they are": lambda p: p, "in grey": to_grey, "a quarter of the light": lambda p: darker(p, 0.25),
         "a tenth of the light": lambda p: darker(p, 0.1), "against the light": against_the_light, "blurred by 2 px": blurred,
         "JPEG of quality 20": jpeg}
# Parts of the box's height and width: from y, to y, from x, to x; and the colours that take turns.
COVERS = {"a mask (lower half)": (0.52, 1.0, 0.05, 0.95, MASKS), "dark glasses": (0.27, 0.47, 0.05, 0.95, ((20, 20, 20),)),
          "a cap (upper quarter and above)": (-0.15, 0.25, -0.05, 1.05, ((90, 30, 30), (30, 30, 60), (50, 50, 50)))}


def cover(picture, boxes, what):
    y0, y1, x0, x1, colours = COVERS[what]
    picture = picture.copy()
    for i, (left, top, right, bottom) in enumerate(boxes[:, :4]):
        w, h = right - left, bottom - top
        a, b = (round(left + x0 * w), round(top + y0 * h)), (round(left + x1 * w), round(top + y1 * h))
        cv2.rectangle(picture, a, b, colours[i % len(colours)], -1)
    return picture


def measure(detect, pictures, threshold, change):
    rows = [detect(change(p, b), 320, 320) for _, p, b in pictures]
    found = curve(rows, [b for _, _, b in pictures])
    n = int((found[0] > threshold).sum())
    return round(average_precision(*found[1:]), 4), round(float(found[1][n - 1] / found[3]), 4) if n else 0.0


def is_profile(points):
    """The nose is not between the eyes, along the line through them. (5, 2) landmarks."""
    eye = points[1] - points[0]
    along = float((points[2] - points[0]) @ eye / max(float(eye @ eye), 1e-6))
    return not 0 < along < 1


def turned(detect, pictures, threshold):
    """{kind: (faces, our recall)} of labelled faces of 32 px and taller that YuNet_n sees at 640, by whether they are profiles."""
    teacher, seen = PublicYuNet(), {"profiles": [], "other faces that YuNet_n sees": []}
    for _, picture, boxes in pictures:
        theirs, ours = teacher(picture, 640, 640, 0.5), detect(picture, 320, 320, threshold)
        for box in boxes[(boxes[:, 3] - boxes[:, 1]) >= 32]:
            overlap = iou(box[None], theirs)[0] if len(theirs) else np.zeros(1)
            if overlap.max() >= 0.5:
                kind = "profiles" if is_profile(theirs[overlap.argmax(), 5:15].reshape(5, 2)) else "other faces that YuNet_n sees"
                seen[kind].append(bool(len(ours)) and iou(box[None], ours)[0].max() >= 0.5)
    return {kind: dict(faces=len(v), recall=round(float(np.mean(v)), 4) if v else None) for kind, v in seen.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=str(MODELS / "weights" / "detector.onnx"))
    parser.add_argument("--json", help="also write it to this file")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    detect, public, pictures, t = Detector(args.model), PublicYuNet(), wider(), default_threshold()
    changes = {name: (lambda p, b, f=f: f(p)) for name, f in WHOLE.items()}
    changes |= {name: (lambda p, b, n=name: cover(p, b, n)) for name in COVERS}
    report = {"threshold": t, "changes": {}}
    for name, change in changes.items():
        (ap, recall), (theirs, _) = measure(detect, pictures, t, change), measure(public, pictures, t, change)
        report["changes"][name] = dict(ap=ap, recall=recall, yunet_n_ap=theirs)
    report["turned"] = turned(detect, pictures, t)
    if args.json:
        Path(args.json).write_text(json.dumps(report, indent=1) + "\n")
    table(("pictures", "AP", f"recall at {t:g}", "AP of YuNet_n"),
          [(n, f"{v['ap']:.3f}", f"{v['recall']:.3f}", f"{v['yunet_n_ap']:.3f}") for n, v in report["changes"].items()])
    table(("of them", "faces", f"recall at {t:g}"), [(n, v["faces"], f"{v['recall']:.3f}") for n, v in report["turned"].items()])


if __name__ == "__main__":
    main()
