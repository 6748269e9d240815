"""Where the student fires on training pictures without cause: python -m models.train.detector.mine [--run NAME]

Writes runs/NAME/hard.npz (picture, box, score); from then on train.py and qat.py zoom in on these places in a part of
the views. Boxes near anything that the labels call a face or unclear are left out. Held-out pictures are not looked at.
"""
import argparse

import cv2
import numpy as np
import torch

from .detector import Detector
from .geometry import iou
from .library import Library, is_held
from .paths import RUNS

LEAST = 0.4


def main():
    a = argparse.ArgumentParser(description=__doc__)
    a.add_argument("--run", default="taught")
    a.add_argument("--weights", default="ema.pt")
    args = a.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    lib, detect, found = Library(), Detector(RUNS / args.run / args.weights), []
    for i, name in enumerate(lib.names):
        if is_held(name) or (name.startswith(("natural/people", "mask")) and i % 3):
            continue  # of pictures with people a third is enough
        for side in (320, 576) if name.startswith("natural/animals") else (320,):
            rows, known = detect(lib.picture(i), side, side, LEAST), lib.faces[i]
            if len(rows) and len(known):
                rows = rows[iou(rows, known).max(1) < 0.2]
            found += [(i, *r[:5]) for r in rows]
    found = np.array(found, np.float32).reshape(-1, 6)
    np.savez(RUNS / args.run / "hard.npz", picture=found[:, 0].astype(int), box=found[:, 1:5], score=found[:, 5])
    for source in ("natural/people", "natural/people_squashed", "natural/rooms", "natural/scenes", "natural/animals", "mask"):
        scores = [r[5] for r in found if lib.names[int(r[0])].startswith(source + ("" if source == "mask" else "/"))]
        print(source, len(scores), "above 0.6:", sum(s > 0.6 for s in scores))


if __name__ == "__main__":
    main()
