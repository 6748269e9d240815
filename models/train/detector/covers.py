"""What people wear and hold before their faces, drawn by the landmarks, which stay where they are: masks, dark glasses, caps, hands."""
import cv2
import numpy as np

from .library import FACE

LEAST_PX = 14  # faces smaller than this are left alone


def frame(row):
    """(middle of the eyes, one eye distance to the face's left, from there to the mouth) of a row's landmarks."""
    p = row[5:15].reshape(5, 2)
    eyes, mouth = (p[0] + p[1]) / 2, (p[3] + p[4]) / 2
    return eyes, p[1] - p[0], mouth - eyes


def outline(row, points):
    """Points in eye distances across and eye-to-mouth distances down, as pixels."""
    o, across, down = frame(row)
    return np.array([o + a * across + b * down for a, b in points], np.float32)


def fill(view, polygons, colour, alpha, soft):
    mask = np.zeros(view.shape[:2], np.uint8)
    for p in polygons:
        cv2.fillPoly(mask, [np.round(p * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    if soft > 0.4:
        mask = cv2.GaussianBlur(mask, (0, 0), soft)
    a = (mask.astype(np.float32) * (alpha / 255))[..., None]
    return (view + a * (np.asarray(colour, np.float32) - view)).clip(0, 255).astype(np.uint8)


def any_colour(rng):
    if rng.random() < 0.5:
        return np.repeat(rng.uniform(10, 245), 3)
    return rng.uniform(10, 245, 3)


def ring(middle, a, b, n=16):
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return [(middle[0] + a * np.cos(v), middle[1] + b * np.sin(v)) for v in t]


def mask(rng, view, row, soft):
    top = rng.uniform(0.1, 0.55)
    shape = [(-0.98, top + 0.1), (-0.45, top), (0, top - 0.12), (0.45, top), (0.98, top + 0.1), (0.85, 1.35), (0.4, 1.85), (-0.4, 1.85), (-0.85, 1.35)]
    view = fill(view, [outline(row, shape)], any_colour(rng), rng.uniform(0.9, 1), soft)
    if rng.random() < 0.5:  # a fold
        line = outline(row, [(-0.8, top + 0.45), (0.8, top + 0.45), (0.8, top + 0.52), (-0.8, top + 0.52)])
        view = fill(view, [line], any_colour(rng), 0.4, soft)
    return view


def glasses(rng, view, row, soft):
    a, b = rng.uniform(0.34, 0.48), rng.uniform(0.26, 0.46)
    lenses = [outline(row, ring((s * 0.5, 0.04), a, b)) for s in (-1, 1)]
    bar = outline(row, [(-0.95, -0.12), (0.95, -0.12), (0.95, 0.0), (-0.95, 0.0)])
    dark = np.repeat(rng.uniform(5, 60), 3) + rng.uniform(0, 15, 3)
    return fill(view, [*lenses, bar], dark, rng.uniform(0.8, 1), soft)


def cap(rng, view, row, soft):
    low = rng.uniform(-0.65, -0.25)
    shape = [(-1.15, low), (1.15, low), (1.1, -1.2), (0.6, -1.75), (-0.6, -1.75), (-1.1, -1.2)]
    colour = any_colour(rng)
    view = fill(view, [outline(row, shape)], colour, 1.0, soft)
    brim = outline(row, [(-1.2, low - 0.05), (1.2, low - 0.05), (1.0, low + 0.18), (-1.0, low + 0.18)])
    return fill(view, [brim], colour * rng.uniform(0.4, 0.9), 1.0, soft)


def hand(rng, view, row, soft):
    """A palm and fingers in the tone of a place of the face, over cheek, mouth or brow."""
    o, across, down = frame(row)
    at = np.clip((o + 0.5 * down).astype(int), 0, np.array(view.shape[1::-1]) - 1)
    tone = np.clip(view[at[1], at[0]].astype(float) * rng.uniform(0.7, 1.25), 5, 250)
    x, y, lean = rng.uniform(-1, 1), rng.uniform(0.3, 1.6), rng.uniform(-0.3, 0.3)
    fingers = [ring((x + k * 0.24 + lean, y - rng.uniform(0.35, 0.7)), 0.12, rng.uniform(0.4, 0.6)) for k in (-1.5, -0.5, 0.5, 1.5)]
    view = fill(view, [outline(row, ring((x, y + 0.35), 0.5, 0.45))], tone, 1.0, soft)
    for f in fingers:
        view = fill(view, [outline(row, f)], tone * rng.uniform(0.85, 1.1), 1.0, soft)
    return view


KINDS = (mask, glasses, cap, hand)


def covered(rng, view, rows, share=0.3):
    """The view with a part of its faces covered; `rows` say where they are."""
    for row in rows:
        if row[15] != FACE or row[16] <= 0 or row[3] - row[1] < LEAST_PX or rng.random() > share:
            continue
        eyes = np.linalg.norm(row[7:9] - row[5:7])
        if eyes < 4:
            continue
        kind = KINDS[rng.choice(4, p=(0.4, 0.35, 0.1, 0.15))]
        view = kind(rng, view, row, 0.03 * eyes * rng.uniform(0.3, 1.5))
    return view
