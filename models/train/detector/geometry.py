"""Boxes, YuNet's decoding, suppression and letterboxing in numpy: shared by teachers, training and evaluation.

Faces are rows of 15 floats: x0 y0 x1 y1 (pixels), score, then five landmarks x y.
"""
import numpy as np

STRIDES = (8, 16, 32)


def decode(cls, obj, box, kps, stride, cols, threshold):
    """Rows of one head above `threshold`. cls and obj are probabilities, shape (cells,); box (cells, 4); kps (cells, 10)."""
    score = np.sqrt(np.clip(cls, 0, 1) * np.clip(obj, 0, 1))
    keep = np.flatnonzero(score > threshold)
    c, r = (keep % cols).astype(np.float32), (keep // cols).astype(np.float32)
    b, k = box[keep], kps[keep].reshape(-1, 5, 2)
    cx, cy = (c + b[:, 0]) * stride, (r + b[:, 1]) * stride
    w, h = np.exp(np.minimum(b[:, 2], 8)) * stride, np.exp(np.minimum(b[:, 3], 8)) * stride
    points = (k + np.stack([c, r], 1)[:, None]) * stride
    rows = np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2, score[keep]], 1)
    return np.concatenate([rows, points.reshape(-1, 10)], 1).astype(np.float32)


def decode_heads(heads, threshold):
    """Our three raw heads, each (16, rows, cols) of logits and offsets, to rows."""
    out = []
    for head, stride in zip(heads, STRIDES):
        flat = head.reshape(16, -1).T
        p = 1 / (1 + np.exp(-np.clip(flat[:, :2], -30, 30)))
        out.append(decode(p[:, 0], p[:, 1], flat[:, 2:6], flat[:, 6:16], stride, head.shape[2], threshold))
    return np.concatenate(out)


def iou(a, b):
    """IoU of every box of `a` (n, 4) with every box of `b` (m, 4), corners."""
    lo = np.maximum(a[:, None, :2], b[None, :, :2])
    hi = np.minimum(a[:, None, 2:4], b[None, :, 2:4])
    inter = np.prod(np.clip(hi - lo, 0, None), axis=2)
    area = lambda v: (v[:, 2] - v[:, 0]) * (v[:, 3] - v[:, 1])
    return inter / np.maximum(area(a)[:, None] + area(b)[None] - inter, 1e-9)


def nms(rows, limit=0.3):
    """Greedy suppression, best first."""
    rows = rows[np.argsort(-rows[:, 4], kind="stable")][:1000]
    keep = []
    alive = np.ones(len(rows), bool)
    for i in range(len(rows)):
        if alive[i]:
            keep.append(i)
            alive[i + 1:] &= iou(rows[i:i + 1, :4], rows[i + 1:, :4])[0] <= limit
    return rows[keep]


def letterbox(picture, width, height, fill):
    """Scaled to fit, top left, the rest filled. Returns the canvas and the scale (canvas pixels per picture pixel)."""
    import cv2  # not above: the rest of this file needs numpy only

    h, w = picture.shape[:2]
    s = min(width / w, height / h)
    nw, nh = max(1, round(w * s)), max(1, round(h * s))
    canvas = np.full((height, width) + picture.shape[2:], fill, np.uint8)
    canvas[:nh, :nw] = cv2.resize(picture, (nw, nh), interpolation=cv2.INTER_LINEAR)
    return canvas, s


def rescale(rows, scale):
    """From canvas to picture pixels."""
    rows = rows.copy()
    rows[:, :4] /= scale
    rows[:, 5:] /= scale
    return rows


def read_boxes(path):
    """A `boxes_xywh.txt`: {name: (n, 4) array of x0 y0 x1 y1}."""
    out, lines = {}, iter(path.read_text().splitlines())
    for line in lines:
        name = line.rsplit(" ", 2)[0]
        boxes = [[float(v) for v in next(lines).split()[:4]] for _ in range(int(next(lines)))]
        b = np.array(boxes, np.float32).reshape(-1, 4)
        b[:, 2:] += b[:, :2]
        out[name] = b
    return out
