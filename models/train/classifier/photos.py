"""Photos to 48x48 crops as the daemon cuts them: the detector's two looks, then a similarity onto framing.json's landmarks.

Imitates `moodring analyze` (daemon/vision/src/photo.rs and fuse.rs, firmware/core/src/align.rs) closely enough to choose and measure with;
sampling is in floating point, so a pixel may differ by one or two.
"""
import functools
import math
from pathlib import Path

import cv2
import numpy as np

from ..common.brighten import brightened
from ..detector.geometry import decode_heads, iou, nms, rescale
from ..detector.teachers import session
from .augment import similarity
from .data import LABELS

WEIGHTS = Path(__file__).parents[2] / "weights"
SIDE = 48
BOX_IN_CROP = np.array([5.1, -0.5, 5.1 + 37.8, -0.5 + 49.4])
SCALE_LIMIT = 2.0
# The detector's note threshold.before_face: the head `face` asks again.
THRESHOLD, ALONE, LEAST_SCORE, MAX_IOU, PADDING = 0.5, 0.65, 0.2, 0.3, 128
COARSE, FINE, STEP = 320, (640, 1280), 32
TRUSTED, SAME_IOU = (26.0, 300.0), 0.4


def look_sizes(width, height):
    """The detector's input sizes (width, height) for a photo: one coarse, and one fine unless that would show no more."""
    long = max(width, height)

    def sides(limit):
        return tuple(-(-max(1, side * limit // long) // STEP) * STEP for side in (width, height))

    fine = min(max(long, min(2 * long, FINE[0])), FINE[1])
    return [sides(COARSE)] + ([sides(fine)] if fine > COARSE * 5 // 4 else [])


def letterboxed(picture, width, height):
    """Scaled to fit as the daemon scales (areas when it shrinks, bilinear when it grows) and brightened if it is dark, top left, the rest filled."""
    h, w = picture.shape[:2]
    s = min(width / w, height / h)
    size = max(1, round(w * s)), max(1, round(h * s))
    canvas = np.full((height, width, 3), PADDING, np.uint8)
    canvas[:size[1], :size[0]] = brightened(cv2.resize(picture, size, interpolation=cv2.INTER_AREA if s < 1 else cv2.INTER_LINEAR))
    return canvas, s


class FaceFinder:
    """The committed detector in ONNX Runtime. Rows are geometry.py's: x0 y0 x1 y1 score and five landmarks, in photo pixels."""

    def __init__(self, path=WEIGHTS / "detector.onnx"):
        self.session = session(str(path))

    def look(self, picture, width, height, threshold):
        canvas, s = letterboxed(picture, width, height)
        image = np.ascontiguousarray(canvas[:, :, ::-1].transpose(2, 0, 1)[None], np.float32)
        heads = [h[0].transpose(2, 0, 1) for h in self.session.run(None, {"image": image})]
        return rescale(nms(decode_heads(heads, threshold), MAX_IOU), s)

    def __call__(self, picture, threshold=THRESHOLD):
        """All faces of a BGR or grey photo, the best first."""
        if picture.ndim == 2:
            picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
        h, w = picture.shape[:2]
        looks = [(max(size) / max(h, w), self.look(picture, *size, LEAST_SCORE)) for size in look_sizes(w, h)]
        return fuse(looks, threshold)

    def alone(self, picture):
        """As `moodring detect`, where nobody asks again."""
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR) if picture.ndim == 2 else picture
        h, w = picture.shape[:2]
        return fuse([(max(size) / max(h, w), self.look(picture, *size, LEAST_SCORE)) for size in look_sizes(w, h)], ALONE, 0.0)


def fuse(looks, threshold, to_best=0.5):
    """Faces whose score, so far from the mean over the looks that should see them to the best, reaches the threshold: fuse.rs."""
    kept = []
    for i, (_, rows) in enumerate(looks):
        for row in rows:
            able, best = [row[4]], row[4]
            for j, (scale, others) in enumerate(looks):
                if j == i:
                    continue
                side = math.sqrt(max(0.0, float((row[2] - row[0]) * (row[3] - row[1])))) * scale
                same = iou(row[None, :4], others[:, :4])[0] >= SAME_IOU if len(others) else np.zeros(0, bool)
                seen = max(others[same, 4], default=0.0)
                best = max(best, seen)
                if TRUSTED[0] <= side <= TRUSTED[1]:
                    able.append(seen)
            score = (1 - to_best) * np.mean(able) + to_best * best
            if score >= threshold:
                kept.append(np.concatenate([row[:4], [score], row[5:]]))
    return nms(np.array(kept, np.float32), MAX_IOU) if kept else np.zeros((0, 15), np.float32)


def box_to_photo(row):
    """(2,3) from crop to photo by the box alone."""
    side = math.sqrt(max(1.0, float((row[2] - row[0]) * (row[3] - row[1]))))
    box = math.sqrt((BOX_IN_CROP[2] - BOX_IN_CROP[0]) * (BOX_IN_CROP[3] - BOX_IN_CROP[1]))
    scale = side / box
    centre, inner = (row[:2] + row[2:4]) / 2, (BOX_IN_CROP[:2] + BOX_IN_CROP[2:]) / 2
    return np.array([[scale, 0, centre[0] - scale * inner[0]], [0, scale, centre[1] - scale * inner[1]]])


def crop_to_photo(row):
    """(2,3) from crop to photo coordinates: the landmarks' best similarity, or the box if they contradict it."""
    back = similarity(row[5:15].reshape(1, 5, 2).astype(np.float64))[0].astype(np.float64)
    from_box = box_to_photo(row.astype(np.float64))
    scale, box_scale = math.hypot(back[0, 0], back[1, 0]), from_box[0, 0]
    if scale < 1e-6 or not np.isfinite(back).all():
        return from_box
    ratio = box_scale / scale
    linear = np.linalg.inv(back[:, :2])
    centre = linear @ ((row[:2] + row[2:4]) / 2 - back[:, 2])
    off = np.linalg.norm(centre - (BOX_IN_CROP[:2] + BOX_IN_CROP[2:]) / 2)
    return back if 1 / SCALE_LIMIT <= ratio <= SCALE_LIMIT and off < SIDE / 2 else from_box


PIVOT = np.array([24.0, 27.8])  # what alignment puts in place: the mean of framing.json's landmarks


def corrected(back, degrees, place=(0.0, 0.0, 0.0)):
    """The crop's similarity set right: a head that the crop shows tilted by `degrees`, clockwise, moved by `place[:2]` crop pixels and e^`place[2]` times too large
    stands upright, in place and in its size in the next."""
    c, s, size = math.cos(math.radians(degrees)), math.sin(math.radians(degrees)), math.exp(place[2])
    linear = back[:, :2] @ np.array([[c, -s], [s, c]]) * size
    middle = back[:, :2] @ (PIVOT + np.asarray(place[:2])) + back[:, 2]
    return np.concatenate([linear, (middle - linear @ PIVOT)[:, None]], 1)


FARTHEST = 60.0  # degrees by which landmarks may be turned from a head whose roll is known


def at_roll(row, roll):
    """The crop's similarity for a head whose roll is known, in degrees: turned from the landmarks, or, where those are turned too far from it, from the box. As align.rs's
    from_crop_at."""
    back = crop_to_photo(row)
    by = (roll - roll_of(back) + 180) % 360 - 180
    if abs(by) <= FARTHEST:
        return corrected(back, by)
    c, s = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    linear = box_to_photo(row.astype(np.float64))[0, 0] * np.array([[c, -s], [s, c]])
    return np.concatenate([linear, ((row[:2] + row[2:4]) / 2 - linear @ (BOX_IN_CROP[:2] + BOX_IN_CROP[2:]) / 2)[:, None]], 1)


def cut(grey, back, margin=0):
    """The crop (48 + 2 margin) of a grey u8 photo: means of n x n bilinear samples about a photo pixel apart, border repeated; brightened if it is dark."""
    n = min(max(math.ceil(math.hypot(back[0, 0], back[1, 0]) - 1e-3), 1), 16)
    side = SIDE + 2 * margin
    at = (np.arange(side * n) + 0.5) / n - margin
    x, y = np.meshgrid(at, at)
    mx, my = (back[i, 0] * x + back[i, 1] * y + back[i, 2] - 0.5 for i in (0, 1))
    values = cv2.remap(grey.astype(np.float32), mx.astype(np.float32), my.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return brightened(np.floor(values.reshape(side, n, side, n).mean((1, 3)) + 0.5).clip(0, 255).astype(np.uint8))


def roll_of(back):
    """The roll in degrees, clockwise positive, that this similarity takes out."""
    return math.degrees(math.atan2(back[1, 0], back[0, 0]))


def read_grey(path):
    return cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)



class Classifier:
    """The committed classifier in ONNX Runtime: every output by its name."""

    def __init__(self, path=WEIGHTS / "classifier.onnx"):
        self.session = session(str(path))
        self.names = [o.name for o in self.session.get_outputs()]
        self.notes = self.session.get_modelmeta().custom_metadata_map

    def __call__(self, crops, batch=128):
        """(N,48,48) u8 -> {name: (N,...)}."""
        x = np.asarray(crops)[:, None].astype(np.float32)
        outs = [self.session.run(None, {"image": x[i:i + batch]}) for i in range(0, len(x), batch)]
        return dict(zip(self.names, (np.concatenate(o) for o in zip(*outs))))

    def both(self, crops):
        out = self(crops)
        return out["logits"], out["ferplus"]


def largest(rows):
    return rows[((rows[:, 2] - rows[:, 0]) * (rows[:, 3] - rows[:, 1])).argmax()]


ENOUGH_DEG, ENOUGH_PX, ENOUGH_SIZE = 4.0, 1.5, 0.08  # what may be left of tilt, of shift, of ln of size
MOST_PX, MOST_SIZE, FEWEST_SURE = 8.0, 0.35, 0.35  # no correction is larger than these; the least length of a roll vector that is believed


def still_wrong(pose, trust=FEWEST_SURE):
    """(degrees of roll that a crop still has, clockwise positive; (x, y, ln size) by which its face is out of place); zeros where the net is not sure."""
    if math.hypot(pose[0], pose[1]) < trust:
        return 0.0, np.zeros(3)
    limit = np.array([MOST_PX, MOST_PX, MOST_SIZE])
    return math.degrees(math.atan2(pose[0], pose[1])), np.clip(np.asarray(pose[10:13], float) * [10, 10, 1], -limit, limit)


def wrongness(left, place):
    """How far from enough: the worst of the three in units of what may be left."""
    return max(abs(left) / ENOUGH_DEG, math.hypot(*place[:2]) / ENOUGH_PX, abs(place[2]) / ENOUGH_SIZE)


def read_face(net, grey, back, cuts=3):
    """The net's outputs for a face (each with one row), its `roll`, and the similarity `back` from the crop that counts: cut again until little is wrong, `cuts` times at
    most; of all cuts the best counts."""
    best = None
    for _ in range(cuts):
        out = net(cut(grey, back)[None])
        left, place = still_wrong(out["pose"][0]) if "pose" in out else (0.0, np.zeros(3))
        bad = wrongness(left, place)
        if best is None or bad < best[1]:
            best = out, bad, back, left
        if bad < 1:
            break
        back = corrected(back, left, place)
    out, _, back, left = best
    roll = roll_of(back) + (left if cuts > 1 else 0.0)
    return out | {"roll": np.array([(roll + 180) % 360 - 180]), "back": back[None]}


ANSWERS = ("blend", "logits", "ferplus")
SURE, TURNS = 4.6, (180, 90, -90)  # of a second look at what is refused: the face logit from which it is believed; how far it is turned


def read_row(net, grey, row, cuts=3, mirror=True):
    """`read_face` of a detected face as `analyze` does it: what is refused again with another side up, and the answer together with the mirror image's (`mirror`).

    With one cut, as version 0.12 worked, neither.
    """
    out = read_face(net, grey, crop_to_photo(row), cuts)
    if cuts == 1:
        return out
    if not passes(net, out):
        for turn in TURNS:
            second = read_face(net, grey, at_roll(row, roll_of(crop_to_photo(row)) + turn), cuts)
            if second["face"][0, 0] >= SURE:
                out = second
                break
    if mirror:
        other = net(np.ascontiguousarray(cut(grey, out["back"][0])[:, ::-1])[None])
        out |= {k: (out[k] + other[k]) / 2 for k in ANSWERS if k in other}
    return out


def largest_human(net, grey, rows, cuts=3, mirror=True):
    """(what the net says, whether the head `face` passes it) of the largest face that passes, or of the largest if none does."""
    by_size = rows[np.argsort(-(rows[:, 2:4] - rows[:, :2]).prod(1), kind="stable")]
    read = [read_row(net, grey, row, cuts, mirror) for row in by_size[:4]]
    good = [r for r in read if passes(net, r)]
    return (good[0], True) if good else (read[0], False)


def passes(net, out):
    """Whether the head `face` takes it for a human face; a net without it takes everything for one."""
    return "face" not in out or 1 / (1 + math.exp(-float(out["face"][0, 0]))) >= float(net.notes.get("face.threshold", 0))


@functools.cache
def wild_faces(root, net, finder, cuts=3, mirror=True):
    """The wild set as `analyze` reads it: the net's outputs for the largest face of each picture that has one, the labels of those, how many had none.

    Of what was found the largest that the head `face` passes counts; if it passes none, the largest.
    """
    rows, y, missed = [], [], 0
    for c, name in enumerate(LABELS):
        for path in sorted((Path(root) / "faces" / "wild" / name).glob("*.jpg")):
            grey = read_grey(path)
            found = finder(grey)
            if len(found):
                rows.append(largest_human(net, grey, found, cuts, mirror)[0])
                y.append(c)
            else:
                missed += 1
    return {k: np.concatenate([r[k] for r in rows]) for k in rows[0]}, np.array(y), missed
