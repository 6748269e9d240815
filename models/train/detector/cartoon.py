"""Drawn faces: an upright cartoon, as signs, screens and `moodring run --source synthetic` show them.

Whether a drawing counts as a face is YuNet's opinion (rows of kind SPEAK), but not where its landmarks are: of drawings that
are tilted it sees about half of the tilt, and an emoji shown for a drawing is to stand as the drawing does.
"""
import cv2
import numpy as np

SIDE = 192  # drawn large and shrunk: smooth edges
FINE = 4  # fractional bits of cv2's coordinates


def at(x, y):
    """A point between (-1, -1) and (1, 1), the head's middle at (0, 0), in cv2's fixed point (pixels from the first one's middle)."""
    return tuple(round(((0.5 + v * 0.5) * SIDE - 0.5) * 2**FINE) for v in (x, y))


def blob(patch, x, y, rx, ry, shade, angle=0.0, start=0.0, end=360.0, thick=-1):
    axes = tuple(max(1, int(r * 0.5 * SIDE * 2**FINE)) for r in (rx, ry))
    cv2.ellipse(patch, at(x, y), axes, angle, start, end, float(shade), thick, cv2.LINE_AA, FINE)


def both(patch, x, y, rx, ry, shade, angle=0.0, **more):
    """The same left and right."""
    for side in (-1, 1):
        blob(patch, side * x, y, rx, ry, shade, side * angle, **more)


def mouth(rng, patch, y, width, shade, lip):
    """A line, a smile, a frown or an open mouth. Its corners' height."""
    kind, thick = rng.integers(4), int(rng.integers(3, 9))
    if kind == 0:
        blob(patch, 0, y, width, rng.uniform(0.01, 0.03), shade)
        return y
    if kind == 1:
        blob(patch, 0, y - 0.08, width, rng.uniform(0.06, 0.2), shade, start=15, end=165, thick=thick)
        return y - 0.06
    if kind == 2:
        blob(patch, 0, y + 0.12, width, rng.uniform(0.06, 0.18), shade, start=195, end=345, thick=thick)
        return y + 0.1
    blob(patch, 0, y, width, rng.uniform(0.05, 0.16), lip)
    blob(patch, 0, y, width * rng.uniform(0.4, 0.8), rng.uniform(0.03, 0.1), shade)
    return y


def one_sided(rng, patch, dark):
    """Light from one side, and hair combed to one: what makes the tilt of a head look like another's."""
    if rng.random() < 0.6:
        patch = patch * np.linspace(1, rng.uniform(0.55, 1), SIDE, dtype=np.float32)[None, :: int(rng.choice((-1, 1)))]
    if rng.random() < 0.6:
        blob(patch, rng.uniform(-0.1, 0.1), rng.uniform(-0.78, -0.6), rng.uniform(0.5, 0.65), rng.uniform(0.14, 0.26),
             dark + rng.uniform(0, 40), rng.uniform(-18, 18))
    return np.ascontiguousarray(patch)


def drawn_face(rng):
    """One patch of 48 x 48 grey, and the face in it: x0 y0 x1 y1 and five landmarks x y, the subject's right eye first."""
    skin, dark = rng.uniform(90, 235), rng.uniform(5, 60)
    patch = np.full((SIDE, SIDE), rng.uniform(20, 235), np.float32)
    wide, tall = rng.uniform(0.6, 0.78), rng.uniform(0.78, 0.92)
    if rng.random() < 0.5:  # ears, neck and shoulders
        both(patch, wide, 0.05, 0.1, 0.16, skin * 0.8)
        blob(patch, 0, 0.9, 0.3, 0.4, skin * 0.7)
        blob(patch, 0, 1.25, 1.0, 0.4, dark + rng.uniform(0, 90))
    if rng.random() < 0.75:  # hair, and the head before it
        blob(patch, 0, rng.uniform(-0.2, -0.05), wide * rng.uniform(1.02, 1.15), tall * rng.uniform(0.9, 1.05), dark + rng.uniform(0, 90))
    blob(patch, 0, 0.04, wide, tall * 0.95, skin)
    eye_x, eye_y = rng.uniform(0.24, 0.34), rng.uniform(-0.2, -0.05)
    if rng.random() < 0.7:
        both(patch, eye_x, eye_y, rng.uniform(0.1, 0.16), rng.uniform(0.05, 0.12), min(250, skin + rng.uniform(15, 90)))
    both(patch, eye_x, eye_y, *rng.uniform(0.035, 0.08, 2), dark)
    if rng.random() < 0.85:
        both(patch, eye_x, eye_y - rng.uniform(0.14, 0.24), rng.uniform(0.1, 0.18), rng.uniform(0.015, 0.04), dark + 20, rng.uniform(-25, 25))
    nose = rng.uniform(0.1, 0.22)
    blob(patch, 0, nose, rng.uniform(0.04, 0.1), rng.uniform(0.03, 0.12), skin * rng.uniform(0.6, 1.15))
    width = rng.uniform(0.16, 0.32)
    corner = mouth(rng, patch, rng.uniform(0.4, 0.52), width, dark + rng.uniform(0, 40), skin * rng.uniform(0.5, 0.8))
    if rng.random() < 0.6:
        patch = cv2.GaussianBlur(patch, (0, 0), rng.uniform(1, 6))
    face = [-wide, 0.04 - tall, wide, 0.04 + tall, -eye_x, eye_y, eye_x, eye_y, 0, nose, -width, corner, width, corner]
    patch = one_sided(rng, (patch + patch[:, ::-1]) / 2, dark)  # edges are not smoothed alike on both sides, so the mean
    grey = cv2.resize(patch, (48, 48), interpolation=cv2.INTER_AREA).clip(0, 255).astype(np.uint8)
    return grey, 24 + 24 * np.array(face)
