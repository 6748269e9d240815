"""Faces of FER2013, and things that are none, laid over a view with soft edges."""
import cv2
import numpy as np

from .cartoon import drawn_face
from .draw import drawn
from .library import EXACT, FACE, IGNORE, NONE, SPEAK
from .similarity import log_uniform, moved, random_roll, similarity


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
    source = lib.picture(i)
    for _ in range(6):
        n = int(log_uniform(rng, 32, min(source.shape[:2])))
        y, x = (int(rng.integers(0, v - n + 1)) for v in source.shape[:2])
        b = lib.faces[i]
        if not ((b[:, 0] < x + n) & (b[:, 2] > x) & (b[:, 1] < y + n) & (b[:, 3] > y)).any():
            return cv2.resize(source[y:y + n, x:x + n], (48, 48), interpolation=cv2.INTER_AREA)
    return drawn(rng)


def coloured(rng, grey):
    """A grey patch as BGR, mostly in a tone between grey and skin: a face must not be told by its want of colour."""
    tone = np.array([0.72, 0.86, 1.08]) ** rng.uniform(0.3, 1.6) * np.exp(rng.normal(0, 0.06, 3)) if rng.random() < 0.8 else np.ones(3)
    return np.clip(grey[..., None] * tone, 0, 255).astype(np.uint8)


def something(lib, rng):
    """A 48 x 48 patch and its row, if any: a FER2013 face, a drawn one, or what is none."""
    kind = rng.random()
    if kind < 0.55:
        k = rng.integers(len(lib.crops))
        row = np.concatenate([lib.crop_faces[k], [FACE, EXACT]]).astype(np.float32)[None]
        row[:, :4] = np.clip(row[:, :4], -1, 49)
        return lib.crops[k], row
    if kind < 0.65:
        patch, face = drawn_face(rng)
        return patch, np.array([[*face[:4], 0, *face[4:], SPEAK, EXACT]], np.float32)
    return no_face(lib, rng), np.zeros((0, 17), np.float32)


def paste(lib, rng, view, rows, reach=30):
    """A face, or something that is none with the same soft edge, laid over the view."""
    size = view.shape[0]
    patch, row = something(lib, rng)
    if patch.ndim == 2:
        patch = coloured(rng, patch)
    # Half as near as in front of a mirror: such faces are rare in photos.
    side = rng.uniform(0.35, 1) * size if rng.random() < 0.5 else log_uniform(rng, 14, size * 1.25)
    scale, roll, flip = side / 48, random_roll(rng, 0.5 if reach == 30 else 0.75, reach), rng.random() < 0.5
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
    mask = mask[..., None]
    view = (view + mask * (over.astype(np.float32) - view)).astype(np.uint8)
    kept = []
    for r in rows:
        x0, y0, x1, y1 = np.clip(r[:4], 0, size).astype(int)
        cover = mask[y0:y1, x0:x1].mean() if y1 > y0 and x1 > x0 else 0
        if cover < 0.9 or r[15] == SPEAK:
            r = r.copy()
            if cover >= 0.25:
                r[15:] = (r[15] if r[15] in (SPEAK, NONE) else IGNORE), 0
            kept.append(r)
    return view, np.concatenate([np.array(kept, np.float32).reshape(-1, 17), moved(row, m, scale, roll, flip)])
