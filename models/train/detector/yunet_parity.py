"""A public YuNet in our pipeline against its reference decoder, OpenCV's FaceDetectorYN: same file, same pictures.

    python -m models.train.detector.yunet_parity [--binary target/release/moodring] [--engine ort|tract] [--pictures 100]

The binary is built with that engine (`cargo build --release --features ort`; ORT_DYLIB_PATH names its library). Pictures are
scaled and padded to the net's own 640x640 first, so that both sides see the same bytes and only the decoding differs.
Prints how far boxes, landmarks and scores are apart, and the faces that only one side has; exit code 1 if a box is 1 px off.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

SHARED = Path("../shared")
SIDE, THRESHOLD, SMALLEST, NMS = 640, 0.6, 8, 0.3  # the last is the pipeline's
BORDER = 0.002  # a score so near the threshold may fall on either side


def canvas(path):
    """The picture, as large as it fits, on black."""
    picture = cv2.imread(str(path))
    scale = SIDE / max(picture.shape[:2])
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    out = np.zeros((SIDE, SIDE, 3), np.uint8)
    out[:picture.shape[0], :picture.shape[1]] = picture[:SIDE, :SIDE]
    return out


def rows(faces):
    """x, y, w, h, five landmarks, score -> one row a face."""
    return np.array(faces, np.float64).reshape(-1, 15)


def ours(binary, engine, net, paths):
    settings = dict(MOODRING_VISION__ENGINE=engine, MOODRING_MODELS__DETECTOR=str(net),
                    MOODRING_MODELS__CLASSIFIER="models/weights/classifier.onnx")
    command = [binary, "detect", "--json", "--threshold", str(THRESHOLD), "--min-size", str(SMALLEST), *map(str, paths)]
    done = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, check=True)
    if done.stderr:
        sys.exit(done.stderr)
    found = {}
    for line in done.stdout.splitlines():
        line = json.loads(line)
        found[line["image"]] = rows([f["box"] + sum(f["landmarks"], []) + [f["score"]] for f in line["faces"]])
    return [found[str(p)] for p in paths]


def iou(a, b):
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[:2] + a[2:4], b[:2] + b[2:4])
    both = np.prod(np.clip(high - low, 0, None))
    return both / (a[2] * a[3] + b[2] * b[3] - both)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/moodring")
    parser.add_argument("--engine", default="ort")
    parser.add_argument("--net", type=Path, default=SHARED / "peers/yunet/yunet_n_640_640.onnx")
    parser.add_argument("--pictures", type=int, default=100)
    args = parser.parse_args()
    detect = sorted((SHARED / "data/detect/wider_val_subset").rglob("*.jpg"))
    pictures = sorted((SHARED / "photos").iterdir()) + detect[:: max(1, len(detect) // args.pictures)]
    reference = cv2.FaceDetectorYN.create(str(args.net), "", (SIDE, SIDE), THRESHOLD, NMS, 5000)
    apart, landmarks, scores, alone, border = [], [], [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for i, picture in enumerate(pictures):
            paths.append(Path(folder) / f"{i:04}.png")
            cv2.imwrite(str(paths[-1]), canvas(picture))
        for path, mine in zip(paths, ours(args.binary, args.engine, args.net, paths)):
            _, theirs = reference.detect(cv2.imread(str(path)))
            theirs = rows([] if theirs is None else theirs)
            theirs = theirs[theirs[:, 3] >= SMALLEST]
            left = list(range(len(theirs)))
            for face in mine:
                best = max(left, key=lambda j: iou(face, theirs[j]), default=None)
                if best is None or iou(face, theirs[best]) < 0.5:
                    alone, border = alone + 1, border + (face[14] < THRESHOLD + BORDER)
                    print(f"only ours: {pictures[paths.index(path)].name} {face[:4].round(1)} score {face[14]:.3f}")
                    continue
                left.remove(best)
                apart.append(np.abs(face[:4] - theirs[best][:4]).max())
                landmarks.append(np.abs(face[4:14] - theirs[best][4:14]).max())
                scores.append(abs(face[14] - theirs[best][14]))
            for j in left:
                alone, border = alone + 1, border + (theirs[j][14] < THRESHOLD + BORDER)
                print(f"only theirs: {pictures[paths.index(path)].name} {theirs[j][:4].round(1)} score {theirs[j][14]:.3f}")
    print(json.dumps(dict(pictures=len(paths), faces_of_both=len(apart), of_one_only=alone, of_those_at_the_threshold=int(border),
                          box_px_max=round(float(max(apart)), 4), box_px_mean=round(float(np.mean(apart)), 4),
                          landmark_px_max=round(float(max(landmarks)), 4), score_max=round(float(max(scores)), 5))))
    sys.exit(max(apart) > 1.0)


if __name__ == "__main__":
    main()
