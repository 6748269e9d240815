"""Golden vectors: pictures made by arithmetic (never a data set's) and the exact raw outputs of a packed net.

The file is described in models/golden/README.md. The reference executor writes it; the Rust engine must agree with ==.
"""
import struct
import zlib

import numpy as np

from .reference import run

MAGIC = b"moodgold"


def shapes(height, width, channels):
    """A drawn face-like shape on a gradient: bright ellipse, dark eyes and mouth."""
    y, x = np.mgrid[0:height, 0:width]
    u, v = (x + 0.5) / width * 2 - 1, (y + 0.5) / height * 2 - 1
    grey = 40 + 60 * (u + 1) / 2
    grey = np.where((u / 0.75) ** 2 + (v / 0.9) ** 2 < 1, 190 - 30 * v, grey)
    for cx in (-0.33, 0.33):
        grey = np.where(((u - cx) / 0.15) ** 2 + ((v + 0.2) / 0.1) ** 2 < 1, 35, grey)
    grey = np.where((np.abs(v - 0.45 - 0.2 * u**2) < 0.07) & (np.abs(u) < 0.4), 60, grey)
    tint = np.array([1.0, 0.85, 0.75])[:channels]
    return np.clip(grey[:, :, None] * tint, 0, 255).astype(np.uint8)


def pictures(height, width, channels, seed=7):
    """Four pictures (4,H,W,C) u8: noise, gradients, a drawn face, extremes (0 and 255 in blocks)."""
    rng = np.random.default_rng(seed)
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    noise = rng.integers(0, 256, (height, width, channels))
    gradient = (x * 255 // max(width - 1, 1) + y * 3 + c * 40) % 256
    blocks = np.where(((x // 5 + y // 3 + c) % 2) == 0, 0, 255)
    return np.stack([noise, gradient, shapes(height, width, channels), blocks]).astype(np.uint8)


def golden(graph, packed, sizes=None, per_size=None):
    """Golden file bytes for a Graph and its packed bytes; `sizes` is [(width, height)], by default the net's own."""
    vectors = []
    for width, height in sizes or [(graph.width, graph.height)]:
        chosen = pictures(height, width, graph.channels)[:per_size]
        outs = run(graph, chosen)
        for i, picture in enumerate(chosen):
            vectors.append((picture, [o[i] for o in outs]))
    out = struct.pack("<I", len(vectors)) + packed[12:16]
    for picture, outs in vectors:
        h, w, c = picture.shape
        out += struct.pack("<4I", w, h, c, len(outs)) + picture.tobytes() + bytes(-picture.size % 4)
        for o in outs:
            out += struct.pack("<3I", *o.shape) + o.astype("<i4").tobytes()
    return MAGIC + struct.pack("<2I", 16 + len(out), zlib.crc32(out)) + out


def read(data):
    """bytes -> (crc of the packed file, [(picture (H,W,C) u8, [i32 (rows,cols,channels)])])."""
    length, crc = struct.unpack("<2I", data[8:16])
    if data[:8] != MAGIC or length != len(data) or crc != zlib.crc32(data[16:]):
        raise ValueError("not a golden file, or a damaged one")
    count, model_crc = struct.unpack("<2I", data[16:24])
    at, vectors = 24, []
    for _ in range(count):
        w, h, c, n = struct.unpack_from("<4I", data, at)
        picture = np.frombuffer(data, "u1", w * h * c, at + 16).reshape(h, w, c)
        at += 16 + w * h * c + -(w * h * c) % 4
        outs = []
        for _ in range(n):
            shape = struct.unpack_from("<3I", data, at)
            outs.append(np.frombuffer(data, "<i4", int(np.prod(shape)), at + 12).reshape(shape))
            at += 12 + outs[-1].nbytes
        vectors.append((picture, outs))
    return model_crc, vectors
