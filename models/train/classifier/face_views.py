"""What the head `face` learns from (`face_head`), and what it is judged on: python -m models.train.classifier.face_views [--data ../shared/data] [--part learned]

Writes cache/face_views_learned.npz and _judged.npz. Each crop is moved, turned and spoilt, then set right by the head `pose` once more as the daemon does it; kept are the means over the picture
that the head reads. FairFace's crops have blurred edges where the picture ended, which would come to mean "face": crops of what is none get the same edges, as often.
Old people and heads turned away are shown more often, since most of those were lost.

Judged on what nothing of the head learned from: pets with odd numbers, every fifth animal, room and scene (`library.is_held`), every tenth picture of people, near faces in
noise, all of wild, CFEE, Taiwanese and FairFace's val. Pictures are looked at as `analyze` does (`photos`).
"""
import argparse
import math
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import torch

from ..detector.geometry import iou
from ..detector.library import Library, is_held
from ..detector.sets import held, near_faces, pets
from . import augment, photos, pose
from .data import LABELS, clean_indices, load_split
from .face_cuts import FACE, NONE, SOURCES
from .faces import cached_landmarks, inner, labels, sheets
from .framing import CACHE

FILES = {part: CACHE / f"face_views_{part}.npz" for part in ("learned", "judged")}
GAPS = {"gap": 160, "pgap": 128}  # the tensors that the head reads, and their channels
VIEWS = {FACE: 2, NONE: 1}  # of a crop cut from a whole picture
OLD = {"more than 70": 4, "60-69": 2, "50-59": 1}  # of FairFace's crops by age
TURNED_AWAY, OTHERS = 3000, 4000  # crops of heads turned away, of anybody
EDGES = {True: 0.5, False: 0.6}  # how often a crop of a whole picture is given FairFace's edges: faces, others


class Tapped:
    """The committed classifier: (N,48,48) u8 -> (what the head reads (N,288), its old answer (N,), pose (N,13))."""

    def __init__(self, path=photos.WEIGHTS / "classifier.onnx"):
        model = onnx.load(str(path))
        scales = {i.name: float(onnx.numpy_helper.to_array(i)) for i in model.graph.initializer if i.name in {f"{g}.scale" for g in GAPS}}
        for name in GAPS:
            model.graph.output.append(onnx.helper.make_tensor_value_info(f"{name}.u8", onnx.TensorProto.UINT8, None))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self.scales = [scales[f"{g}.scale"] for g in GAPS]

    def __call__(self, crops, batch=128):
        out = []
        for at in range(0, len(crops), batch):
            x = np.asarray(crops[at:at + batch])[:, None].astype(np.float32)
            a, b, face, said = self.session.run([f"{g}.u8" for g in GAPS] + ["face", "pose"], {"image": x})
            out.append((np.concatenate([a.reshape(len(x), -1) * self.scales[0], b.reshape(len(x), -1) * self.scales[1]], 1).astype(np.float32),
                        face.reshape(len(x)), said.reshape(len(x), -1)))
        return tuple(np.concatenate(v) for v in zip(*out))


def edged(crop, rng):
    """As if the picture had ended near the face: its border drawn outward and blurred."""
    side = len(crop)
    middle = side // 2
    lo, hi = [0, 0], [side, side]
    for axis in (0, 1):
        for end in (lo, hi):
            if rng.random() < 0.55:
                end[axis] = middle + (1 if end is hi else -1) * int(rng.integers(15, 33))
    lo, hi = np.clip(lo, 0, side - 8), np.clip(hi, 8, side)
    inside = crop[lo[0]:hi[0], lo[1]:hi[1]]
    drawn = cv2.copyMakeBorder(inside, lo[0], side - hi[0], lo[1], side - hi[1], cv2.BORDER_REPLICATE)
    soft = cv2.GaussianBlur(drawn, (0, 0), rng.uniform(1.5, 5))
    out = soft
    out[lo[0]:hi[0], lo[1]:hi[1]] = inside
    return out


def coarse(crop, rng):
    """As of a small face."""
    factor = rng.uniform(0.25, 0.7)
    small = cv2.resize(crop, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, crop.shape[::-1], interpolation=cv2.INTER_LINEAR)


def spoilt(crops, g):
    """Bad light and bad cameras: (N,S,S) u8."""
    x = torch.from_numpy(crops)[:, None].float()
    for share, change in ((0.1, augment.blur), (0.3, augment.light), (0.1, augment.noise)):
        x = augment.some(x, share, g, lambda v, c=change: c(v, g))
    return x.clamp(0, 255).round()[:, 0].byte().numpy()


def moved(side, rng, far=1.0):
    """A crop's similarity as a detector errs: mostly a little, sometimes much of a turn."""
    r = far * math.radians(rng.normal(0, 6) if rng.random() < 0.7 else rng.uniform(-35, 35))
    scale = math.exp(far * np.clip(rng.normal(0, 0.1), -0.3, 0.3))
    c, s = math.cos(r) * scale, math.sin(r) * scale
    linear = np.array([[c, -s], [s, c]])
    middle = photos.PIVOT + (side - 48) / 2 + far * np.clip(rng.normal(0, 1.8, 2), -6, 6)
    return np.concatenate([linear, (middle - linear @ photos.PIVOT)[:, None]], 1)


def settled(net, sources, backs):
    """What the daemon's second cut shows, or the first where that is better."""
    first = np.stack([photos.cut(s, b) for s, b in zip(sources, backs)])
    x, _, said = net(first)
    again, bad = [], []
    for source, back, p in zip(sources, backs, said):
        left, place = photos.still_wrong(p)
        bad.append(photos.wrongness(left, place))
        again.append(photos.cut(source, photos.corrected(back, left, place)))
    x2, _, said2 = net(np.stack(again))
    better = np.array([photos.wrongness(*photos.still_wrong(p)) for p in said2]) < np.array(bad)
    return np.where(better[:, None], x2, x)


def views(net, crops, rng, g, edges, settle=True, batch=512):
    """(N,S,S) -> (N,288) of one view of each."""
    out = []
    for at in range(0, len(crops), batch):
        part = [edged(c, rng) if rng.random() < edges else c for c in crops[at:at + batch]]
        part = [c[:, ::-1] if rng.random() < 0.5 else c for c in part]
        part = spoilt(np.stack([coarse(c, rng) if rng.random() < 0.2 else c for c in part]), g)
        if settle:
            out.append(settled(net, part, [moved(len(c), rng) for c in part]))
        else:
            out.append(net(np.stack([photos.cut(c, moved(len(c), rng, 0.5)) for c in part]))[0])
    return np.concatenate(out)


def kept_out(source, name):
    return is_held(f"{SOURCES[source].removesuffix('/images')}/{name}")


def learned(root, net):
    """train_x, train_face, train_source."""
    rng, g, out = np.random.default_rng(11), torch.Generator().manual_seed(11), []

    def take(x, face, source):
        out.append((x, np.full(len(x), face), np.full(len(x), source, "<U12")))
        print(source, face, len(x), flush=True)

    z = np.load(CACHE / "face_cuts.npz")
    firing, crops = np.maximum(z["mine"], z["theirs"]) > 0, z["crops"]
    mine = np.array([not kept_out(s, n) for s, n in zip(z["source"], z["name"])])
    for source in SOURCES:
        for face in (FACE, NONE):
            k = np.flatnonzero(mine & (z["source"] == source) & (z["face"] == face) & firing)
            for _ in range(VIEWS[face]) if len(k) else ():
                take(views(net, crops[k], rng, g, EDGES[face == FACE]), face, source)
    k = np.flatnonzero(mine & (z["face"] == NONE) & ~firing)
    take(views(net, crops[k], rng, g, EDGES[False]), NONE, "empty")
    fair, told = sheets(root, "fairface_train"), labels(root, "fairface_train")
    score, points = cached_landmarks("fairface_train")
    yaw = pose.yaw_and_pitch(points.astype(np.float64))[0]
    times = np.array([OLD.get(a, 0) for a in told["age"]])
    for some, count in ((np.flatnonzero(abs(yaw) > pose.HALF_FROM), TURNED_AWAY), (np.arange(len(fair)), OTHERS)):
        times[rng.choice(some, min(count, len(some)), replace=False)] += 1
    k = np.repeat(np.arange(len(fair)), times)
    take(views(net, fair[k], rng, g, 0.2, settle=False), FACE, "fair")
    fer = load_split(root, "train")
    k = rng.choice(clean_indices(fer), 1500, replace=False)
    take(views(net, np.pad(fer.pixels[k], ((0, 0), (8, 8), (8, 8)), "edge"), rng, g, 0.8, settle=False), FACE, "fer")
    x, face, source = (np.concatenate(v) for v in zip(*out))
    return {"train_x": x, "train_face": face, "train_source": source}


def final_cut(net, grey, back, cuts=3):
    """The crop that counts of `photos.read_face`."""
    best = None
    for _ in range(cuts):
        crop = photos.cut(grey, back)
        left, place = photos.still_wrong(net(crop[None])[2][0])
        bad = photos.wrongness(left, place)
        if best is None or bad < best[0]:
            best = bad, crop
        if bad < 1:
            break
        back = photos.corrected(back, left, place)
    return best[1]


def looked_at(root):
    """(set, picture, rows to be judged) of whole pictures, and how many pictures each set has."""
    finder, lib = photos.FaceFinder(), Library()

    def grey(p):
        return p if p.ndim == 2 else cv2.cvtColor(p, cv2.COLOR_BGR2GRAY)

    sets = {"wild": [(photos.read_grey(p), None) for n in LABELS for p in sorted((Path(root) / "faces" / "wild" / n).glob("*.jpg"))],
            "near": [(p, b) for p, b, _ in near_faces()], "pets": [(p, None) for p in pets()],
            "animals": held(lib, ("animals",)), "rooms and scenes": held(lib, ("rooms", "scenes"))}
    for name, pictures in sets.items():
        for picture, known in pictures:
            rows = finder(picture)
            if name == "near":
                rows = rows[iou(known[None].astype(np.float32), rows[:, :4])[0] >= 0.4] if len(rows) else rows
            elif name == "pets":
                rows = rows[rows[:, 3] - rows[:, 1] >= 20]
            elif known is not None and len(rows) and len(known):
                rows = rows[iou(rows, known).max(1) < 0.3]
            elif name == "wild":
                rows = rows[np.argsort(-(rows[:, 2:4] - rows[:, :2]).prod(1), kind="stable")][:4]
            yield name, grey(picture), rows
        yield name, len(pictures), None


def judged(root, net):
    """judge_crops, their set, picture, group of people, what the head reads of them and what the committed one says; count_SET."""
    crops, sets, pictures, groups, out = [], [], [], [], {}

    def take(crop, name, picture, group=""):
        crops.append(crop), sets.append(name), pictures.append(picture), groups.append(group)

    for number, (name, grey, rows) in enumerate(looked_at(root)):
        if rows is None:
            out["count_" + name.replace(" ", "_")] = grey
            print(name, grey, flush=True)
            continue
        for row in rows:
            take(final_cut(net, grey, photos.crop_to_photo(row)), name, number)
    z = np.load(CACHE / "face_cuts.npz")
    for k in np.flatnonzero((z["source"] == "people") & (z["face"] == FACE)):
        if kept_out("people", z["name"][k]):
            take(final_cut(net, z["crops"][k], np.array([[1.0, 0, 16], [0, 1, 16]])), "people", -1)
    for name in ("fairface_val", "cfee", "taiwanese"):
        group = labels(root, name)["age"] if name == "fairface_val" else [""] * 5000
        for crop, a in zip(inner(sheets(root, name)), group):
            take(crop, name, -1, a)
    x, old, _ = net(np.stack(crops))
    return out | {"judge_crops": np.stack(crops), "judge_set": np.array(sets), "judge_picture": np.array(pictures), "judge_group": np.array(groups),
                  "judge_x": x, "judge_old": old}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--part", choices=FILES)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    net = Tapped()
    for part, work in (("learned", learned), ("judged", judged)):
        if args.part in (None, part):
            np.savez(FILES[part], **work(args.data, net))


if __name__ == "__main__":
    main()
