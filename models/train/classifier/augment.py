"""Batched augmentation in torch: geometry in one resampling, then light, resolution, noise and erasing.

Half of the pictures are first aligned by their landmarks the way the daemon aligns (similarity to framing.json's
positions), so that the net knows both FER2013's own framing and the daemon's. Pixels are f32 0..255, (N,1,48,48).
"""
import json
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

SIDE = 48
FRAMING = np.array(json.loads((Path(__file__).parent / "framing.json").read_text())["landmarks"], np.float64)


def similarity(points):
    """(N,5,2) landmarks -> (N,2,3): maps FRAMING's coordinates to the picture's, least squares (Umeyama, 1991)."""
    src = FRAMING - FRAMING.mean(0)
    centre = points.mean(1, keepdims=True)
    dst = points - centre
    norm = (src**2).sum()
    a = (dst * src).sum((1, 2)) / norm
    b = (src[:, 0] * dst[..., 1] - src[:, 1] * dst[..., 0]).sum(1) / norm
    m = np.zeros((len(points), 2, 3))
    m[:, 0, 0], m[:, 0, 1], m[:, 1, 0], m[:, 1, 1] = a, -b, b, a
    m[:, :, 2] = centre[:, 0] - np.einsum("nij,j->ni", m[:, :, :2], FRAMING.mean(0))
    return m.astype(np.float32)


def identity(n):
    return torch.eye(2, 3).repeat(n, 1, 1)


def compose(outer, inner):
    """The affine map outer(inner(p)) for batches of (N,2,3)."""
    rotated = outer[:, :, :2] @ inner
    return torch.cat([rotated[:, :, :2], rotated[:, :, 2:] + outer[:, :, 2:]], 2)


def resample(x, maps, mode="bilinear", fill="border"):
    """`maps` take output pixels to input pixels (continuous coordinates). fill: border or zeros (real 0 = mean)."""
    h = SIDE / 2
    # Normalised coordinates: p = h * (n + 1) on both sides.
    t = maps[:, :, 2] / h + maps[:, :, :2].sum(2) - 1
    theta = torch.cat([maps[:, :, :2], t[:, :, None]], 2)
    grid = F.affine_grid(theta, x.shape, align_corners=False)
    return F.grid_sample(x - 128, grid, mode, fill, align_corners=False) + 128


def uniform(n, low, high, g):
    return torch.rand(n, generator=g) * (high - low) + low


def jitter(n, g, most=1.0):
    """Roll to 25 degrees, scale, shift to 12 %, mirror; a strength (0..most) per picture, every fifth left in place."""
    strength = most * torch.rand(n, generator=g) * (torch.rand(n, generator=g) > 0.2)
    roll = uniform(n, -1, 1, g) * strength * math.radians(25)
    sx = torch.exp(uniform(n, -0.14, 0.14, g) * strength)
    sy = sx * torch.exp(uniform(n, -0.06, 0.06, g) * strength)
    sx = sx * torch.where(torch.rand(n, generator=g) < 0.5, -1.0, 1.0)
    m = torch.zeros(n, 2, 3)
    m[:, 0, 0], m[:, 0, 1] = roll.cos() * sx, -roll.sin() * sy
    m[:, 1, 0], m[:, 1, 1] = roll.sin() * sx, roll.cos() * sy
    centre = torch.tensor([SIDE / 2, SIDE / 2])
    shift = torch.stack([uniform(n, -1, 1, g), uniform(n, -1, 1, g)], 1) * strength[:, None] * 0.12 * SIDE
    m[:, :, 2] = centre + shift - m[:, :, :2] @ centre
    return m


def some(x, share, g, change):
    """Applies `change` to a random share of the batch."""
    pick = torch.randperm(len(x), generator=g)[: int(len(x) * share)]
    if len(pick):
        x[pick] = change(x[pick])
    return x


def light(x, g):
    n = len(x)
    gamma = torch.exp(uniform(n, -0.8, 0.8, g)).view(-1, 1, 1, 1)
    x = 255 * (x.clamp(0, 255) / 255) ** gamma
    contrast, bright = uniform(n, 0.5, 1.4, g).view(-1, 1, 1, 1), uniform(n, -35, 35, g).view(-1, 1, 1, 1)
    return (x - 128) * contrast + 128 + bright


def low_resolution(x, g):
    side = int(torch.randint(12, 36, (1,), generator=g))
    small = F.interpolate(x, (side, side), mode="bilinear", antialias=True, align_corners=False)
    return F.interpolate(small, (SIDE, SIDE), mode="bilinear", align_corners=False)


def blur(x, g):
    sigma = float(uniform(1, 0.5, 1.3, g))
    k = torch.exp(-torch.arange(-3, 4.0) ** 2 / (2 * sigma**2))
    k = (k / k.sum()).view(1, 1, 1, 7)
    x = F.conv2d(F.pad(x, (3, 3, 3, 3), mode="replicate"), k)
    return F.conv2d(x, k.transpose(2, 3))


def noise(x, g):
    return x + torch.randn(x.shape, generator=g) * uniform(len(x), 2, 14, g).view(-1, 1, 1, 1)


def erase(x, g):
    """One rectangle of 2 to 20 % of the picture becomes a random grey."""
    n = len(x)
    area, aspect = uniform(n, 0.02, 0.2, g) * SIDE**2, torch.exp(uniform(n, -1, 1, g))
    h, w = (area * aspect).sqrt().clamp(max=40), (area / aspect).sqrt().clamp(max=40)
    top, left = torch.rand(n, generator=g) * (SIDE - h), torch.rand(n, generator=g) * (SIDE - w)
    at = torch.arange(SIDE).float()
    rows = (at >= top[:, None]) & (at < (top + h)[:, None])
    cols = (at >= left[:, None]) & (at < (left + w)[:, None])
    hole = (rows[:, :, None] & cols[:, None, :])[:, None]
    return torch.where(hole, uniform(n, 0, 255, g).view(-1, 1, 1, 1), x)


def augment(pixels, align, g, weak=False):
    """(N,48,48) u8 and (N,2,3) align maps (identity where no landmarks are trusted) -> (N,1,48,48) f32 0..255.

    `weak` is for the last stage: half as far, half as often.
    """
    half = 0.5 if weak else 1.0
    x = pixels[:, None].float()
    n = len(x)
    use = (torch.rand(n, generator=g) < 0.5).view(-1, 1, 1)
    maps = compose(torch.where(use, align, identity(n)), jitter(n, g, half))
    mode, fill = torch.rand(2, generator=g).tolist()
    x = resample(x, maps, "bicubic" if mode < 0.5 else "bilinear", "border" if fill < 0.7 else "zeros")
    x = some(x, 0.15 * half, g, lambda v: low_resolution(v, g))
    x = some(x, 0.08 * half, g, lambda v: blur(v, g))
    x = some(x, 0.4 * half, g, lambda v: light(v, g))
    x = some(x, 0.12 * half, g, lambda v: noise(v, g))
    x = some(x, 0.3 * half, g, lambda v: erase(v, g))
    return x.clamp(0, 255).round()
