"""The unlabelled and posed 64x64 face crops (`shared/data/faces`): sheets, labels, and YuNet's landmarks on them.

    python -m models.train.classifier.faces [--data ../shared/data]     cache/landmarks_fairface_*.npz

`x[:, 8:56, 8:56]` is what the daemon would see; the margin is there to turn and move faces.
"""
import argparse
import glob
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from .framing import CACHE, best_face, canvas, session

SIDE, MARGIN = 64, 8


def sheets(root, name):
    """(N,64,64) u8."""
    files = sorted(glob.glob(str(Path(root) / "faces" / name / "*.webp")))
    if not files:
        raise SystemExit(f"{root}/faces/{name} holds no sheets of faces")
    return np.concatenate([np.asarray(Image.open(f).convert("L")).reshape(-1, SIDE, SIDE) for f in files])


def labels(root, name):
    return np.load(Path(root) / "faces" / f"{name}_labels.npz", allow_pickle=True)


def inner(x):
    return x[:, MARGIN:-MARGIN, MARGIN:-MARGIN]


def landmarks(net, pixels, batch=32):
    """(score (N,), points (N,5,2)) in pixels of the inner 48x48 crop: one look at 2 times the size."""
    scores, points = [], []
    for at in range(0, len(pixels), batch):
        score, xy = best_face(net.run(None, {"input": canvas(pixels[at:at + batch], 2 * SIDE, 160)}), 160)
        scores.append(score)
        points.append((xy - (160 - 2 * SIDE) // 2) / 2 - MARGIN)
    return np.concatenate(scores), np.concatenate(points)


def hashes(pixels):
    """(N,) 64-bit difference hashes of (N,48,48) u8: whether each of 8x8 places is brighter than its left neighbour."""
    x = torch.from_numpy(np.ascontiguousarray(pixels))[:, None].float()
    small = F.interpolate(x, (8, 9), mode="area")[:, 0].numpy()
    bits = (small[:, :, 1:] > small[:, :, :-1]).reshape(len(x), 64)
    return np.packbits(bits, axis=1).view(np.uint64)[:, 0]


def near(some, others, bits=4):
    """Mask of the hashes in `some` that differ from one of `others` in at most so many bits: likely the same picture."""
    return np.array([np.bitwise_count(h ^ others).min(initial=64) <= bits for h in some])


def cached_landmarks(name):
    path = CACHE / f"landmarks_{name}.npz"
    if not path.exists():
        raise SystemExit(f"no {path}: run `python -m models.train.classifier.faces` first")
    z = np.load(path)
    return z["score"], z["points"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--yunet", default="../shared/peers/yunet/yunet_n_dynamic.onnx")
    args = parser.parse_args()
    torch.set_num_threads(1)
    CACHE.mkdir(exist_ok=True)
    net = session(args.yunet)
    for name in ("fairface_val", "fairface_train"):
        score, points = landmarks(net, sheets(args.data, name))
        np.savez(CACHE / f"landmarks_{name}.npz", score=score.astype(np.float32), points=points.astype(np.float32))
        print(f"{name}: {len(score)} faces, a face seen again in {(score > 0.5).mean():.1%}", flush=True)


if __name__ == "__main__":
    main()
