"""Training views: zooms, rolls, pasted faces, mosaics and bad light, on pictures held in mapped files.

The teacher sees a view as it is made, the student in another light and tint.
Besides faces (kind 1) and what counts neither way (kind 0) a view has regions of pictures with people (kind 2), where the
teacher's own opinion counts; everywhere else its faces are false unless a label says otherwise.
"""
import math

import cv2
import numpy as np

from .library import EXACT, FACE, IGNORE, NONE, SPEAK
from .light import light, tint
from .paste import paste
from .similarity import log_uniform, moved, random_roll, similarity
from .student import MEAN


FAR = math.radians(10)  # a picture turned by more shows its heads tilted further than the teacher can say


def zoom(lib, rng, size, gentle=False, reach=30):
    """One picture, zoomed so that one of its faces takes a size drawn log-uniformly, or any zoom without faces."""
    if lib.hard is not None and rng.random() < 0.3:
        return at_hard(lib, rng, size, gentle)
    i = lib.pick(rng)
    picture, rows = lib.picture(i), lib.faces[i]
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
    return warp(picture, with_region(lib, i), scale, random_roll(rng, 0.2 if gentle else 0.5, reach), flip, point, place, size, rng, reach)


def with_region(lib, i):
    """The picture's rows, and its whole area as a place where the teacher speaks if it is one with people."""
    (h, w), rows = lib.sizes[i], lib.faces[i]
    whole = [[0, 0, w, h, *[0] * 11, SPEAK, 0]]
    return np.concatenate([rows, whole]).astype(np.float32) if lib.with_people(i) else rows


def at_hard(lib, rng, size, gentle):
    """A place where the student fired, at about the size at which it did or any other."""
    k = rng.choice(len(lib.hard["score"]), p=lib.hard["score"] ** 2 / (lib.hard["score"] ** 2).sum())
    i, box = int(lib.hard["picture"][k]), lib.hard["box"][k]
    picture = lib.picture(i)
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


def warp(picture, rows, scale, roll, flip, point, place, size, rng, reach=30):
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
    rows = moved(rows, m, scale, roll, flip)
    if reach > 30 and abs(roll) > FAR:
        rows[(rows[:, 15] == FACE) & (rows[:, 16] > 0), 16] = EXACT
    return view, rows


def mosaic(lib, rng, size, reach=30):
    """Four views at half size."""
    view, all_rows, half = None, [], size // 2
    for y in (0, half):
        for x in (0, half):
            part, rows = zoom(lib, rng, half, reach=reach)
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
    rows[faces & (rows[:, 15] != NONE) & ((seen < 0.55) | (wh.max(1) < 8.5)), 15] = IGNORE
    return rows[(wh.min(1) > 2) & ((seen > 0.05) | ~faces)]


def make(lib, rng, size, gentle=False, most=40):
    """One training view (BGR) and its rows, padded to `most` with kind -1.

    `gentle`: the last epochs see mostly plain pictures (as YOLOX ends without mosaics), for the sake of exact boxes.
    """
    view, rows = compose(lib, rng, size, gentle)
    return spoil(rng, view, gentle), padded(rows, most)


def compose(lib, rng, size, gentle):
    """A clean view (BGR) and its rows."""
    if rng.random() < (0.08 if gentle else 0.2):
        return mosaic(lib, rng, size)
    view, rows = zoom(lib, rng, size, gentle)
    while rng.random() < 0.42:
        view, rows = paste(lib, rng, view, settle(rows, size))
    return view, settle(rows, size)


def spoil(rng, view, gentle):
    """What a camera makes of it: other colours or none, and mostly in bad light."""
    view = tint(rng, view)
    return view if gentle and rng.random() < 0.6 else light(rng, view)


def padded(rows, most=40):
    rows = rows[np.argsort(-rows[:, 15], kind="stable")][:most]
    out = np.zeros((most, 17), np.float32)
    out[:, 15] = -1
    out[:len(rows)] = rows
    return out
