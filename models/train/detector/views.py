"""Training views: zooms, rolls, pasted faces, mosaics and bad light, on pictures held in mapped files.

A view is made in colour where the library is (for the teacher) and turned grey at the end (for the student).
Besides faces (kind 1) and what counts neither way (kind 0) a view has regions of pictures with people (kind 2), where the
teacher's own opinion counts; everywhere else its faces are false unless a label says otherwise.
"""
import math

import cv2
import numpy as np

from .draw import drawn
from .paths import CACHE
from .student import MEAN

SHARES = {"natural/people": 0.30, "natural/people_squashed": 0.22, "natural/rooms": 0.07, "natural/scenes": 0.10,
          "natural/animals": 0.14, "mask_kaggle": 0.09, "mask_wearing": 0.08}
FACE, IGNORE, SPEAK = 1, 0, 2  # kinds of rows
MIRROR = [1, 0, 2, 4, 3]  # the subject's right becomes left
HELD = 5  # every fifth room, scene and animal is kept for measuring false faces


def is_held(name):
    """Held out of training: rooms, scenes and animals by their number; every tenth picture of people too."""
    source, number = name.rsplit("/", 1)
    n = int(number.split(".")[0]) if number.split(".")[0].isdigit() else 1
    if source == "natural/people":
        return n % 10 == 0
    return source in ("natural/rooms", "natural/scenes", "natural/animals") and n % HELD == 0


class Library:
    """All labelled pictures and face crops. Pixels stay in one mapped file, `colour` in another.

    `hard`: a file of mine.py, places where the student fires without cause.
    """

    def __init__(self, colour=False, hard=None):
        z = np.load(CACHE / "photos.npz")
        self.names, self.sizes = [str(n) for n in z["names"]], z["sizes"]
        self.pixels = np.load(CACHE / "pixels.npy", mmap_mode="r")
        self.bgr = np.load(CACHE / "pixels_bgr.npy", mmap_mode="r") if colour else None
        self.starts = np.concatenate([[0], np.cumsum(self.sizes.prod(1))])
        ends = np.cumsum(z["counts"])
        self.faces = np.split(z["faces"], ends[:-1])
        self.groups, self.weights = [], []
        train = [i for i, n in enumerate(self.names) if not is_held(n)]
        for source, share in SHARES.items():
            self.groups.append(np.array([i for i in train if self.names[i].startswith(source + "/")]))
            self.weights.append(share)
        self.empty = np.array([i for i in train if not len(self.faces[i]) and self.names[i].startswith("natural")])
        c = np.load(CACHE / "crops_train.npz")
        self.hard = dict(np.load(hard)) if hard is not None and hard.exists() else None
        if self.hard is not None and not len(self.hard["score"]):
            self.hard = None
        self.crops, self.crop_faces = c["crops"], c["faces"]

    def picture(self, i):
        h, w = self.sizes[i]
        return np.asarray(self.pixels[self.starts[i]:self.starts[i + 1]]).reshape(h, w)

    def source(self, i):
        """The picture that views are made of: BGR in a colour library, else grey."""
        h, w = self.sizes[i]
        return self.picture(i) if self.bgr is None else np.asarray(self.bgr[self.starts[i]:self.starts[i + 1]]).reshape(h, w, 3)

    def with_people(self, i):
        return self.names[i].startswith(("natural/people", "mask"))

    def pick(self, rng):
        return int(rng.choice(self.groups[rng.choice(len(self.groups), p=self.weights)]))


def moved(rows, matrix, scale, roll, flip):
    """Rows under a similarity (and mirror). The box of a rolled face is the box of the rolled ellipse inside it."""
    rows = rows.copy()
    points = rows[:, 5:15].reshape(-1, 5, 2)
    if flip:
        points = points[:, MIRROR]
    rows[:, 5:15] = (points @ matrix[:, :2].T + matrix[:, 2]).reshape(-1, 10)
    centre = (rows[:, :2] + rows[:, 2:4]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    half = (rows[:, 2:4] - rows[:, :2]) / 2 * scale
    c, s = math.cos(roll), math.sin(roll)
    half = np.sqrt(np.stack([(half[:, 0] * c) ** 2 + (half[:, 1] * s) ** 2,
                             (half[:, 0] * s) ** 2 + (half[:, 1] * c) ** 2], 1))
    rows[:, :2], rows[:, 2:4] = centre - half, centre + half
    return rows


def similarity(scale, roll, flip, source, target):
    """The 2x3 matrix that sends point `source` to `target`."""
    c, s = math.cos(roll) * scale, math.sin(roll) * scale
    m = np.array([[-c if flip else c, -s], [-s if flip else s, c]], np.float32)
    return np.concatenate([m, (np.asarray(target) - m @ np.asarray(source))[:, None]], 1).astype(np.float32)


def random_roll(rng, often=0.5):
    return math.radians(rng.uniform(-30, 30) if rng.random() < often else rng.normal(0, 4))


def log_uniform(rng, lo, hi):
    return math.exp(rng.uniform(math.log(lo), math.log(max(hi, lo * 1.01))))


def zoom(lib, rng, size, gentle=False):
    """One picture, zoomed so that one of its faces takes a size drawn log-uniformly, or any zoom without faces."""
    if lib.hard is not None and rng.random() < 0.16:
        return at_hard(lib, rng, size, gentle)
    i = lib.pick(rng)
    picture, rows = lib.source(i), lib.faces[i]
    h, w = picture.shape[:2]
    least = 0.55 * size / max(h, w)
    targets = rows[(rows[:, 15] == 1) & (rows[:, 2] - rows[:, 0] > 7)]
    if len(targets) and rng.random() < 0.85:
        side = np.sqrt((targets[:, 2] - targets[:, 0]) * (targets[:, 3] - targets[:, 1]))
        k = rng.choice(len(targets), p=side / side.sum())
        scale = min(max(log_uniform(rng, 9, 0.95 * size) / side[k], least), 4.0)
        point = (targets[k, :2] + targets[k, 2:4]) / 2
        margin = min(side[k] * scale / 2, size * 0.45)
        place = rng.uniform(margin, size - margin, 2)
    else:
        scale = log_uniform(rng, least, max(2.0 * size / max(h, w), 1.2))
        point, place = rng.uniform((0, 0), (w, h)), rng.uniform(0.2, 0.8, 2) * size
    if scale * max(h, w) <= size and rng.random() < 0.6:  # whole picture visible: let it sit in the frame as a letterbox would
        point, place = np.array([w / 2, h / 2]), np.array([w, h]) * scale / 2 + (size - np.array([w, h]) * scale) * rng.integers(0, 2)
    flip = rng.random() < 0.5
    if rng.random() < 0.75:
        place = covering(point, place, np.array([w, h]), scale, flip, size)
    return warp(picture, with_region(lib, i), scale, random_roll(rng, 0.2 if gentle else 0.5), flip, point, place, size, rng)


def with_region(lib, i):
    """The picture's rows, and its whole area as a place where the teacher speaks if it is one with people."""
    (h, w), rows = lib.sizes[i], lib.faces[i]
    whole = [[0, 0, w, h, *[0] * 11, SPEAK, 0]]
    return np.concatenate([rows, whole]).astype(np.float32) if lib.with_people(i) else rows


def at_hard(lib, rng, size, gentle):
    """A place where the student fired, at about the size at which it did or any other."""
    k = rng.choice(len(lib.hard["score"]), p=lib.hard["score"] ** 2 / (lib.hard["score"] ** 2).sum())
    i, box = int(lib.hard["picture"][k]), lib.hard["box"][k]
    picture = lib.source(i)
    h, w = picture.shape[:2]
    side = math.sqrt(max(1.0, float((box[2] - box[0]) * (box[3] - box[1]))))
    usual = size / max(h, w) * rng.uniform(0.8, 1.4)
    scale = min(usual if rng.random() < 0.5 else log_uniform(rng, 14, 0.8 * size) / side, 4.0)
    margin, flip = min(side * scale / 2, size * 0.45), rng.random() < 0.5
    point, place = (box[:2] + box[2:]) / 2, rng.uniform(margin, size - margin, 2)
    place = covering(point, place, np.array([w, h]), scale, flip, size)
    return warp(picture, with_region(lib, i), scale, random_roll(rng, 0.1 if gentle else 0.3), flip, point, place, size, rng)


def covering(point, place, wh, scale, flip, size):
    """`place` shifted so that the picture leaves as little of the view empty as it can."""
    before = np.where([flip, False], wh - point, point) * scale
    room = size - wh * scale
    start = np.clip(place - before, np.minimum(room, 0), np.maximum(room, 0))
    return start + before


def warp(picture, rows, scale, roll, flip, point, place, size, rng):
    m = similarity(scale, roll, flip, point, place)
    small = m
    if scale < 0.6:  # shrink first, else far pixels alias
        f = scale * 1.15
        h, w = picture.shape[:2]
        picture = cv2.resize(picture, (max(1, round(w * f)), max(1, round(h * f))), interpolation=cv2.INTER_AREA)
        small = m.copy()
        small[:, 0] *= w / picture.shape[1]
        small[:, 1] *= h / picture.shape[0]
    border = cv2.BORDER_CONSTANT if rng.random() < 0.75 else cv2.BORDER_REPLICATE
    view = cv2.warpAffine(picture, small, (size, size), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=(MEAN,) * 3)
    return view, moved(rows, m, scale, roll, flip)


def soft_mask(rng, n):
    """A soft-edged blob over n x n pixels, between an ellipse and a rounded square."""
    g = np.abs(np.linspace(-1, 1, n, dtype=np.float32))
    power, width = rng.uniform(2, 7), rng.uniform(0.06, 0.3)
    r = (g[:, None] ** power + g[None] ** power) ** (1 / power)
    return np.clip((1 - r) / width, 0, 1)


def no_face(lib, rng):
    """A 48 x 48 patch without a face: a piece of an empty picture, of a picture with people beside their faces, or drawn."""
    u = rng.random()
    if u < 0.35:
        return drawn(rng)
    i = int(rng.choice(lib.empty)) if u < 0.7 else lib.pick(rng)
    source = lib.source(i)
    for _ in range(6):
        n = int(log_uniform(rng, 32, min(source.shape[:2])))
        y, x = (int(rng.integers(0, v - n + 1)) for v in source.shape[:2])
        b = lib.faces[i]
        if not ((b[:, 0] < x + n) & (b[:, 2] > x) & (b[:, 1] < y + n) & (b[:, 3] > y)).any():
            return cv2.resize(source[y:y + n, x:x + n], (48, 48), interpolation=cv2.INTER_AREA)
    return drawn(rng)


def paste(lib, rng, view, rows):
    """A FER2013 face, or something that is none with the same soft edge, laid over the view."""
    size = view.shape[0]
    real = rng.random() < 0.62
    if real:
        k = rng.integers(len(lib.crops))
        patch, row = lib.crops[k], np.concatenate([lib.crop_faces[k], [1, 1]]).astype(np.float32)[None]
        row[:, :4] = np.clip(row[:, :4], -1, 49)
    else:
        patch, row = no_face(lib, rng), np.zeros((0, 17), np.float32)
    scale, roll, flip = log_uniform(rng, 14, size * 1.25) / 48, random_roll(rng), rng.random() < 0.5
    half = min(24 * scale, size * 0.45)
    m = similarity(scale, roll, flip, (24, 24), rng.uniform(half, size - half, 2))
    if scale < 0.7:
        patch = cv2.GaussianBlur(patch, (0, 0), 0.4 / scale)
    if scale > 1.5:  # a smooth face, not a grid of bilinear tiles
        patch, fine = cv2.resize(patch, (192, 192), interpolation=cv2.INTER_CUBIC), m.copy()
        fine[:, :2] /= 4
    else:
        fine = m
    mask = cv2.warpAffine(soft_mask(rng, 48), m, (size, size), flags=cv2.INTER_LINEAR)
    over = cv2.warpAffine(patch, fine, (size, size), flags=cv2.INTER_LINEAR)
    if rng.random() < 0.5:  # nearer to the light around it
        inside = mask > 0.5
        if inside.any():
            over = np.clip(over.astype(np.float32) + rng.uniform(0.3, 1) * (view[inside].mean() - over[inside].mean()), 0, 255)
    if view.ndim == 3:
        mask, over = mask[..., None], over if over.ndim == 3 else over[..., None]
    view = (view + mask * (over.astype(np.float32) - view)).astype(np.uint8)
    kept = []
    for r in rows:
        x0, y0, x1, y1 = np.clip(r[:4], 0, size).astype(int)
        cover = mask[y0:y1, x0:x1].mean() if y1 > y0 and x1 > x0 else 0
        if cover < 0.9 or r[15] == SPEAK:
            r = r.copy()
            r[15] = r[15] if cover < 0.25 or r[15] == SPEAK else IGNORE
            kept.append(r)
    return view, np.concatenate([np.array(kept, np.float32).reshape(-1, 17), moved(row, m, scale, roll, flip)])


def mosaic(lib, rng, size):
    """Four views at half size."""
    view, all_rows, half = None, [], size // 2
    for y in (0, half):
        for x in (0, half):
            part, rows = zoom(lib, rng, half)
            view = np.empty((size, size) + part.shape[2:], np.uint8) if view is None else view
            view[y:y + half, x:x + half] = part
            rows = settle(rows, half)
            rows[:, [0, 2, *range(5, 15, 2)]] += x
            rows[:, [1, 3, *range(6, 15, 2)]] += y
            all_rows.append(rows)
    return view, np.concatenate(all_rows)


def settle(rows, size):
    """Clip to the view; what is cut in half or tiny counts neither way; what is outside goes."""
    rows = rows.copy()
    area = np.prod(rows[:, 2:4] - rows[:, :2], axis=1)
    rows[:, :4] = np.clip(rows[:, :4], 0, size)
    wh = rows[:, 2:4] - rows[:, :2]
    seen = wh.prod(1) / np.maximum(area, 1e-6)
    faces = rows[:, 15] != SPEAK
    rows[faces & ((seen < 0.55) | (wh.max(1) < 8.5)), 15] = IGNORE
    return rows[(wh.min(1) > 2) & ((seen > 0.05) | ~faces)]


def light(rng, view):
    """Contrast, brightness, gamma, darkness, blur, noise, JPEG."""
    x = np.arange(256, dtype=np.float32) / 255
    if rng.random() < 0.75:
        x = x ** math.exp(rng.normal(0, 0.35))
        x = (x - 0.5) * math.exp(rng.normal(0, 0.3)) + 0.5 + rng.normal(0, 0.12)
    if rng.random() < 0.10:
        x = x * rng.uniform(0.08, 0.4) + rng.uniform(0, 0.05)
    u = rng.random()
    if u < 0.12:
        view = cv2.GaussianBlur(view, (0, 0), rng.uniform(0.5, 1.8))
    elif u < 0.2:
        n = int(rng.integers(3, 8))
        kernel = np.zeros((n, n), np.float32)
        cv2.line(kernel, tuple(int(v) for v in rng.integers(0, n, 2)), (n // 2, n // 2), 1)
        view = cv2.filter2D(view, -1, kernel / kernel.sum())
    elif u < 0.28:
        f = rng.uniform(0.35, 0.8)
        view = cv2.resize(cv2.resize(view, None, fx=f, fy=f), view.shape[::-1])
    view = cv2.LUT(view, np.clip(x * 255, 0, 255).astype(np.uint8))
    if rng.random() < 0.25:
        noise = np.empty(view.shape, np.int16)
        cv2.setRNGSeed(int(rng.integers(1 << 30)))
        cv2.randn(noise, 0, rng.uniform(2, 14))
        view = cv2.add(view, noise, dtype=cv2.CV_8U)
    if rng.random() < 0.15:
        view = cv2.imdecode(cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 70))])[1], 0)
    return view


def make(lib, rng, size, gentle=False, most=40):
    """One grey training view and its rows, padded to `most` with kind -1.

    `gentle`: the last epochs see mostly plain pictures (as YOLOX ends without mosaics), for the sake of exact boxes.
    """
    view, rows = compose(lib, rng, size, gentle)
    return spoil(rng, view, gentle), padded(rows, most)


def compose(lib, rng, size, gentle):
    """A clean view (BGR in a colour library) and its rows."""
    if rng.random() < (0.08 if gentle else 0.2):
        return mosaic(lib, rng, size)
    view, rows = zoom(lib, rng, size, gentle)
    while rng.random() < 0.33:
        view, rows = paste(lib, rng, view, settle(rows, size))
    return view, settle(rows, size)


def spoil(rng, view, gentle):
    """What a camera makes of it: grey, and mostly in bad light."""
    grey = view if view.ndim == 2 else cv2.cvtColor(view, cv2.COLOR_BGR2GRAY)
    return grey if gentle and rng.random() < 0.6 else light(rng, grey)


def padded(rows, most=40):
    rows = rows[np.argsort(-rows[:, 15], kind="stable")][:most]
    out = np.zeros((most, 17), np.float32)
    out[:, 15] = -1
    out[:len(rows)] = rows
    return out
