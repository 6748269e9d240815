"""How FER2013 frames a face: five landmarks of every picture, measured by YuNet, and their typical positions.

Each picture is set, enlarged, into a larger canvas whose margin is its own edge, blurred; YuNet looks at it twice
(96 px upright in 160, 120 px mirrored in 192) and the two answers are averaged. Coordinates are crop pixels, counted
continuously: x = 0 is the crop's left edge, the centre of pixel (r, c) is (c + 0.5, r + 0.5).
Writes framing.json (committed) and cache/landmarks_*.npz (not committed; the training's aligned crops use it).

    python -m models.train.classifier.framing [--data ../shared/data] [--yunet ../shared/peers/yunet/yunet_n_dynamic.onnx]
"""
import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from tqdm import tqdm

from .data import clean_indices, load_split

HERE = Path(__file__).parent
CACHE = HERE.parent / "cache"
NAMES = ("right_eye", "left_eye", "nose_tip", "right_mouth_corner", "left_mouth_corner")
MIRROR = [1, 0, 2, 4, 3]  # landmark order after a flip


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def canvas(pixels, side, canvas_side):
    """(N,48,48) u8 -> (N,3,canvas,canvas) f32 0..255: the face in the middle, a blurred continuation around it."""
    x = torch.from_numpy(pixels)[:, None].float()
    x = F.interpolate(x, (side, side), mode="bicubic", align_corners=False).clamp(0, 255)
    m = (canvas_side - side) // 2
    out = F.pad(x, (m, m, m, m), mode="replicate")
    out = F.avg_pool2d(F.pad(out, (8, 8, 8, 8), mode="replicate"), 17, 1)
    out[:, :, m:m + side, m:m + side] = x
    return out.expand(-1, 3, -1, -1).contiguous().numpy()


def best_face(outputs, side):
    """The strongest face of each picture: (score (N,), landmarks (N,5,2) in canvas pixels)."""
    scores, points = [], []
    for i, stride in enumerate((8, 16, 32)):
        cls, obj, kps = outputs[i][..., 0], outputs[3 + i][..., 0], outputs[9 + i]
        n = side // stride
        rows, cols = np.divmod(np.arange(n * n), n)
        cell = np.stack([cols, rows], 1)[None, :, None]
        scores.append(np.sqrt(np.clip(cls, 0, 1) * np.clip(obj, 0, 1)))
        points.append((kps.reshape(len(kps), -1, 5, 2) + cell) * stride)
    scores, points = np.concatenate(scores, 1), np.concatenate(points, 1)
    best, one = scores.argmax(1), np.arange(len(scores))
    return scores[one, best], points[one, best]


def landmarks(net, pixels, batch=32):
    """(score (N,), points (N,5,2) in crop pixels, spread (N,)): the mean of two looks; spread is their distance."""
    scores, points, spread = [], [], []
    for at in tqdm(range(0, len(pixels), batch), disable=None):
        p = pixels[at:at + batch]
        looks = []
        for mirrored, side, total in ((False, 96, 160), (True, 120, 192)):
            view = np.ascontiguousarray(p[:, :, ::-1]) if mirrored else p
            score, xy = best_face(net.run(None, {"input": canvas(view, side, total)}), total)
            xy = (xy - (total - side) // 2) * (48 / side)
            if mirrored:
                xy = xy[:, MIRROR] * [-1, 1] + [48, 0]
            looks.append((score, xy))
        (sa, a), (sb, b) = looks
        scores.append(np.minimum(sa, sb))
        points.append((a + b) / 2)
        spread.append(np.linalg.norm(a - b, axis=2).mean(1))
    return np.concatenate(scores), np.concatenate(points), np.concatenate(spread)


def trusted(score, spread):
    """Both looks saw a face and agree on where it is."""
    return (score > 0.5) & (spread < 2.5)


def typical(points):
    """Median positions over upright faces (roll under 5 degrees, nose between the eyes), made mirror-symmetric."""
    eye = points[:, 1] - points[:, 0]
    roll = np.degrees(np.arctan2(eye[:, 1], eye[:, 0]))
    side = (points[:, 2, 0] - points[:, 0, 0]) / np.maximum(eye[:, 0], 1e-6)
    keep = (np.abs(roll) < 5) & (side > 0.35) & (side < 0.65)
    p = points[keep]
    raw = np.median(p, 0)
    both = np.median(np.concatenate([p, p[:, MIRROR] * [-1, 1] + [48, 0]]), 0)
    return keep.sum(), raw, both, np.subtract(*np.percentile(p, (75, 25), axis=0)), roll


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--yunet", default="../shared/peers/yunet/yunet_n_dynamic.onnx")
    parser.add_argument("--split", choices=("public_test", "train"), action="append", help="default: both; framing.json is written from train")
    args = parser.parse_args()
    torch.set_num_threads(1)
    CACHE.mkdir(exist_ok=True)
    net, points = session(args.yunet), None
    for split in args.split or ("public_test", "train"):
        faces = load_split(args.data, split)
        score, xy, spread = landmarks(net, faces.pixels)
        np.savez(CACHE / f"landmarks_{split}.npz", score=score, points=xy.astype(np.float32), spread=spread)
        good = trusted(score, spread)
        used, raw, both, iqr, roll = typical(xy[good])
        print(f"{split}: trusted {good.mean():.1%}, upright and frontal {used}; roll std {roll.std():.1f} deg")
        print(np.round(np.concatenate([raw, both, iqr], 1), 2))
        if split != "train":
            continue
        clean = np.zeros(len(faces), bool)
        clean[clean_indices(faces)] = True
        report = {
            "crop": [48, 48],
            "convention": "continuous crop pixels: x = 0 is the left edge, pixel (r, c) has its centre at (c + 0.5, r + 0.5)",
            "order": NAMES,
            "landmarks": np.round(both, 2).tolist(),
            "interquartile_range": np.round(iqr, 2).tolist(),
            "measured": f"FER2013 {split}: {int(used)} upright frontal faces of {len(faces)}; YuNet_n on enlarged pictures, "
            "mean of an upright 2.0x and a mirrored 2.5x look; median, made mirror-symmetric",
            "trusted_share": round(float(good[clean].mean()), 4),
        }
        (HERE / "framing.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
