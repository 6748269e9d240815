"""Drawn things that a small detector takes for faces and that are none: emblems, lettering, wheels, grids of dots.

Grey patches, to be pasted with soft edges like the FER2013 faces. No eyes, noses or mouths in any arrangement: a drawn
face is not a thing to be taught either way.
"""
import math
import string

import cv2
import numpy as np

FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX,
         cv2.FONT_HERSHEY_SCRIPT_COMPLEX)
SIDE = 96


def tone(rng):
    return int(rng.integers(10, 246))


def ground(rng):
    """A plain or shaded patch."""
    a, b = tone(rng), tone(rng)
    ramp = np.linspace(a, b if rng.random() < 0.5 else a, SIDE, dtype=np.float32)
    patch = np.tile(ramp, (SIDE, 1))
    return (patch if rng.random() < 0.5 else patch.T).astype(np.uint8).copy()


def lettering(rng, patch):
    """One to four lines of letters or digits."""
    lines, ink = int(rng.integers(1, 5)), tone(rng)
    for k in range(lines):
        word = "".join(rng.choice(list(string.ascii_letters + string.digits), int(rng.integers(1, 7))))
        font, thick = FONTS[rng.integers(len(FONTS))], int(rng.integers(1, 5))
        (w, h), _ = cv2.getTextSize(word, font, 1.0, thick)
        s = min(SIDE * rng.uniform(0.5, 1.1) / w, SIDE / (lines + 0.3) / h)
        x, y = int((SIDE - w * s) / 2), int((k + 0.8) * SIDE / lines)
        cv2.putText(patch, word, (x, y), font, s, ink, thick, cv2.LINE_AA)


def rings(rng, patch):
    """Circles or ellipses one in another, some filled."""
    c = tuple(int(v) for v in rng.normal(SIDE / 2, 5, 2))
    squash = rng.uniform(0.7, 1.0)
    for r in sorted(rng.uniform(6, 46, int(rng.integers(1, 5))), reverse=True):
        thick = -1 if rng.random() < 0.5 else int(rng.integers(1, 8))
        cv2.ellipse(patch, c, (int(r), int(r * squash)), 0, 0, 360, tone(rng), thick, cv2.LINE_AA)


def spokes(rng, patch):
    """A wheel: spokes from hub to rim."""
    n, ink, phase = int(rng.integers(3, 17)), tone(rng), rng.uniform(0, 2 * math.pi)
    r0, r1, thick = rng.uniform(2, 16), rng.uniform(28, 46), int(rng.integers(1, 6))
    for k in range(n):
        a = phase + 2 * math.pi * k / n
        ends = [(int(SIDE / 2 + r * math.cos(a)), int(SIDE / 2 + r * math.sin(a))) for r in (r0, r1)]
        cv2.line(patch, *ends, ink, thick, cv2.LINE_AA)


def bars(rng, patch):
    """Stripes, as of shutters, keyboards and shelves, in one or both directions."""
    n, ink = int(rng.integers(2, 9)), tone(rng)
    thick = max(1, int(SIDE / n * rng.uniform(0.15, 0.6)))
    for k in range(n):
        at = int((k + 0.5) * SIDE / n)
        cv2.line(patch, (4, at), (SIDE - 5, at), ink, thick, cv2.LINE_AA)
    if rng.random() < 0.4:
        patch[:] = np.minimum(patch, patch.T) if rng.random() < 0.5 else patch.T


def star(rng, patch):
    """A filled polygon: stars, shields, arrows."""
    n = int(rng.integers(3, 13))
    angles = np.sort(rng.uniform(0, 2 * math.pi, n))
    radii = rng.uniform(12, 44, n)
    points = np.stack([SIDE / 2 + radii * np.cos(angles), SIDE / 2 + radii * np.sin(angles)], 1).astype(np.int32)
    cv2.fillPoly(patch, [points], tone(rng), cv2.LINE_AA)


def drawn(rng):
    """One patch, 48 x 48 like the face crops."""
    patch = ground(rng)
    if rng.random() < 0.7:
        rings(rng, patch)
    for _ in range(int(rng.integers(1, 3))):
        (lettering, spokes, bars, star, rings)[rng.choice(5, p=(0.4, 0.2, 0.15, 0.15, 0.1))](rng, patch)
    return cv2.resize(patch, (48, 48), interpolation=cv2.INTER_AREA)
