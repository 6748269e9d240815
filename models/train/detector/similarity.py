"""Similarities of the plane, what they do to rows of faces, and the random ones that views use."""
import math

import numpy as np

MIRROR = [1, 0, 2, 4, 3]  # the subject's right becomes left


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


def random_roll(rng, often=0.5, reach=30):
    return math.radians(rng.uniform(-reach, reach) if rng.random() < often else rng.normal(0, 4))


def log_uniform(rng, lo, hi):
    return math.exp(rng.uniform(math.log(lo), math.log(max(hi, lo * 1.01))))
