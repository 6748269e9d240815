"""Which faces are found, by FairFace's age, gender and race groups; and whether smiles are read alike.

    python -m models.train.classifier.groups [--data ../shared/data] [--json models/cards/groups.json]

FairFace's pictures are here only as crops that a detector (YuNet) cut: whom YuNet missed is not among them, and a crop has no surroundings. So each of the 4,918 validation crops
is set with a soft edge into blurred noise of 640x480, tilted by up to 20 degrees, `near` (90 to 200 px tall), `far` (30 to 60 px, 15 to 30 of the live picture's), and `dark` (near, a tenth of
the light with a sensor's noise). A face is found if one live look sees it where it was put and the head `face` agrees. All groups get the same places, sizes and tilts.

`smiles`: of the faces that the public big XCEPTION calls happy with 0.9 and more, the share that the default answer calls happy (or names at all). That net saw FER2013 as ours
did, so this finds where the two differ by group; it is no human's judgement of the same expression, which no set here has together with groups.
"""
import argparse
import json
import math
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from ..detector.geometry import iou
from ..detector.similarity import similarity
from ..detector.stress import darker
from .faces import MARGIN, SIDE, inner, labels, sheets
from .measure import plain, scores_of, share
from .photos import BOX_IN_CROP, THRESHOLD, Classifier, FaceFinder, crop_to_photo, cut, largest, passes

FRAME, LIVE, TURN_DEG = (640, 480), (320, 256), 20
KINDS = {"near": (90, 200), "far": (30, 60), "dark": (90, 200)}
MIDDLE = SIDE / 2


def soft_disc():
    """(SIDE, SIDE), 1 in the middle, 0 at the crop's border: an ellipse with a soft edge."""
    y, x = (np.mgrid[0:SIDE, 0:SIDE] + 0.5 - MIDDLE) / MIDDLE
    return np.clip((1 - np.hypot(x, y * 0.95)) / 0.12, 0, 1).astype(np.float32)


def place(rng, kind):
    """(2,3) from a crop to the frame, and the box where the face then lies."""
    tall = math.exp(rng.uniform(*np.log(KINDS[kind])))
    scale = tall / (BOX_IN_CROP[3] - BOX_IN_CROP[1])
    half = scale * MIDDLE
    at = [rng.uniform(min(half, s / 2), max(s - half, s / 2)) for s in FRAME]
    m = similarity(scale, math.radians(rng.uniform(-TURN_DEG, TURN_DEG)), False, (MIDDLE, MIDDLE), at)
    middle = m[:, :2] @ ((BOX_IN_CROP[:2] + BOX_IN_CROP[2:]) / 2 + MARGIN) + m[:, 2]
    size = (BOX_IN_CROP[2:] - BOX_IN_CROP[:2]) / 2 * scale
    return m, np.concatenate([middle - size, middle + size])


def into_frame(rng, crop, m, kind):
    """The crop in blurred noise, BGR."""
    noise = cv2.resize(rng.integers(40, 216, (60, 80)).astype(np.float32), FRAME, interpolation=cv2.INTER_CUBIC)
    mask = cv2.warpAffine(soft_disc(), m, FRAME)
    face = cv2.warpAffine(crop.astype(np.float32), m, FRAME, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    picture = np.clip(noise + mask * (face - noise), 0, 255)
    return cv2.cvtColor((darker(picture, 0.1) if kind == "dark" else picture).astype(np.uint8), cv2.COLOR_GRAY2BGR)


def found(net, finder, picture, box):
    """Whether one live look sees a face there, and whether the head `face` then agrees."""
    rows = finder.look(picture, *LIVE, THRESHOLD)
    rows = rows[iou(box[None].astype(np.float32), rows[:, :4])[0] >= 0.4] if len(rows) else rows
    if not len(rows):
        return False, False
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return True, passes(net, net(cut(grey, crop_to_photo(largest(rows)))[None]))


def by_group(z, hits):
    """{group: share with its interval}, of the faces for which `hits` is not None."""
    out = {}
    for kind in ("age", "gender", "race"):
        for group in np.unique(z[kind]):
            mine = np.array([h for h, g in zip(hits, z[kind]) if g == group and h is not None], bool)
            if len(mine):
                out[f"{kind} {group}"] = [len(mine), *share(mine)]
    return out | {"all": [len(k := np.array([h for h in hits if h is not None], bool)), *share(k)]}


def detection(z, crops, net, finder):
    out = {}
    for kind in KINDS:
        seen, kept = [], []
        for i, crop in enumerate(crops):
            rng = np.random.default_rng(i % 500)  # the same 500 places again and again, so that no group has easier ones
            m, box = place(rng, kind)
            see, keep = found(net, finder, into_frame(rng, crop, m, kind), box)
            seen.append(see), kept.append(keep)
        out[kind] = {"by the detector": by_group(z, seen), "and the head face": by_group(z, kept)}
    return out


def xception(path, crops):
    """The public net's probabilities."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    x = np.stack([cv2.resize(c, (64, 64), interpolation=cv2.INTER_LINEAR) for c in crops]).astype(np.float32)[..., None] / 127.5 - 1
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: x[i:i + 64]})[0] for i in range(0, len(x), 64)])


def smiles(z, crops, net, peer):
    """Of faces that the other net calls happy: called happy by the default answer; named at all."""
    theirs, ours = xception(peer, crops), scores_of(net, net(crops))
    sure = ours.max(1) >= float(net.notes["certain.blend"])
    both = theirs[:, 3] >= 0.9
    return {"called happy": by_group(z, [bool(v) if k else None for v, k in zip(ours.argmax(1) == 3, both)]), "uncertain": by_group(z, [bool(v) if k else None for v, k in zip(~sure, both)])}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--peers", default="../shared/peers/xception")
    parser.add_argument("--json")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    z, crops = labels(args.data, "fairface_val"), sheets(args.data, "fairface_val")
    net, finder = Classifier(), FaceFinder()
    peers = sorted(p for p in Path(args.peers).glob("*.onnx") if "big" in p.name)
    out = {"found": detection(z, crops, net, finder)} | ({"smiles": smiles(z, inner(crops), net, peers[0])} if peers else {})
    text = json.dumps(plain(out), indent=1)
    print(text)
    if args.json:
        Path(args.json).write_text(text + "\n")


if __name__ == "__main__":
    main()
