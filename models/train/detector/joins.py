"""How one picture is looked at twice, and rules that make one score of both looks (daemon/vision/src/fuse.rs has the chosen ones)."""
import functools
import math

import cv2
import numpy as np

from ..classifier.photos import look_sizes
from .geometry import iou, nms

LEAST, SAME_IOU, MAX_IOU = 0.2, 0.4, 0.3
LIVE = (320, 256)


def looks_of(finder, picture):
    """[(pixels of the look per pixel of the photo, rows)] as `analyze` looks."""
    picture = picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    h, w = picture.shape[:2]
    return [(max(size) / max(h, w), finder.look(picture, *size, LEAST)) for size in look_sizes(w, h)]


def live_look(finder, picture, threshold=LEAST):
    return finder.look(picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), *LIVE, threshold)


def mean_of_able(scores, sides):
    """The mean over looks that should see such a face; the look that found it always counts (it comes first)."""
    able = (sides >= 26) & (sides <= 300)
    able[0] = True
    return scores[able].mean()


def ability(sides, low=(12.0, 26.0), high=(200.0, 420.0)):
    """0 to 1: how well a look sees faces of so many of its own pixels."""
    s = np.log(sides.clip(1))
    rise = (s - math.log(low[0])) / math.log(low[1] / low[0])
    fall = (math.log(high[1]) - s) / math.log(high[1] / high[0])
    return np.minimum(rise, fall).clip(0, 1)


def better(scores, sides):
    return scores.max()


def better_weighed(scores, sides):
    return (scores * (0.5 + 0.5 * ability(sides))).max()


def mean_weighed(scores, sides):
    w = ability(sides) + 1e-3
    return float((scores * w).sum() / w.sum())


def between(scores, sides):
    """Half way from the mean to the better one: fuse.rs."""
    return 0.5 * mean_of_able(scores, sides) + 0.5 * scores.max()


def between_weighed(scores, sides):
    return 0.5 * mean_weighed(scores, sides) + 0.5 * (scores * np.sqrt(ability(sides))).max()


JOINS = {"half way from mean to better": between, "mean of those that should see it": mean_of_able, "better": better, "better, weighed": better_weighed, "mean, weighed": mean_weighed,
         "half way, weighed": between_weighed}


@functools.lru_cache(None)
def joined(looks, rule):
    """`join`, each once: sets keep their looks as objects that are never changed."""
    return join(looks.rows, rule)


class Looks:
    """One picture's looks."""

    def __init__(self, finder, picture):
        self.rows = looks_of(finder, picture)


def join(looks, rule, least=LEAST):
    """One list of rows out of two looks."""
    kept = []
    for i, (scale, rows) in enumerate(looks):
        if not len(rows):
            continue
        side = np.sqrt((rows[:, 2:4] - rows[:, :2]).clip(1e-3).prod(1)).astype(float)
        scores, sides = [rows[:, 4]], [side * scale]
        for j, (other, seen) in enumerate(looks):
            if j != i:
                same = iou(rows[:, :4], seen[:, :4]) >= SAME_IOU if len(seen) else np.zeros((len(rows), 0), bool)
                scores.append((same * seen[None, :, 4]).max(1, initial=0.0)), sides.append(side * other)
        total = np.array([rule(s, p) for s, p in zip(np.stack(scores, 1), np.stack(sides, 1))])
        kept.append(np.concatenate([rows[:, :4], total[:, None], rows[:, 5:]], 1)[total >= least])
    return nms(np.concatenate(kept).astype(np.float32), MAX_IOU) if kept else np.zeros((0, 15), np.float32)
