"""Which cell learns which face (SimOTA: Ge et al., YOLOX, 2021, section 2.1), and how far two boxes are apart."""
import torch

from .geometry import STRIDES

# Face sizes (sqrt of box area, pixels) each stride may learn; they overlap so that the cost decides in between.
RANGES = ((0, 56), (26, 150), (72, 1e9))
TOP = 10


def grid(heads):
    """Per cell over all heads: column, row, stride, lowest and highest size."""
    parts = []
    for head, stride, (lo, hi) in zip(heads, STRIDES, RANGES):
        h, w = head.shape[2:]
        r, c = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        one = torch.ones(h * w)
        parts.append(torch.stack([c.flatten(), r.flatten(), one * stride, one * lo, one * hi], 1))
    return torch.cat(parts)


def flatten(heads):
    return torch.cat([h.float().flatten(2).transpose(1, 2) for h in heads], 1)  # (batch, cells, 16)


def corners(out, cells):
    centre = (cells[:, :2] + out[..., 2:4]) * cells[:, 2:3]
    half = torch.exp(out[..., 4:6].clamp(-4, 5)) * cells[:, 2:3] / 2
    return torch.cat([centre - half, centre + half], -1)


def pair_iou(a, b):
    """IoU of boxes broadcast against each other."""
    lo, hi = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:4], b[..., 2:4])
    inter = (hi - lo).clamp(min=0).prod(-1)
    area = lambda v: (v[..., 2:4] - v[..., :2]).clamp(min=0).prod(-1)
    return inter / (area(a) + area(b) - inter).clamp(min=1e-6)


@torch.no_grad()
def assign(out, boxes, cells, faces, owner_picture):
    """For each cell of each picture the face (a row of `faces`) it learns, or -1. `owner_picture`: the face's picture."""
    taken = torch.full(boxes.shape[:2], -1)
    if not len(faces):
        return taken
    where = (cells[:, :2] + 0.5) * cells[:, 2:3]
    b = faces[:, None, :4]
    size = (b[..., 2:4] - b[..., :2]).clamp(min=1e-3)
    off = (where - (b[..., :2] + b[..., 2:4]) / 2).abs()
    reach = torch.maximum(torch.minimum(size / 2, 1.6 * cells[:, 2:3]), 0.75 * cells[:, 2:3])
    side = size.prod(-1).sqrt()
    ok = (off < reach).all(-1) & (side >= cells[:, 3]) & (side < cells[:, 4])
    overlap = pair_iou(b, boxes[owner_picture])  # (faces, cells)
    p = (out[..., 0].sigmoid() * out[..., 1].sigmoid()).sqrt().clamp(1e-6, 1 - 1e-6)
    cost = -torch.log(p)[owner_picture] + 3 * -torch.log(overlap + 1e-6) + 0.3 * (off / cells[:, 2:3]).norm(dim=-1)
    cost = torch.where(ok, cost, 1e6)
    many = torch.where(ok, overlap, 0).topk(TOP, -1).values.sum(-1).int().clamp(min=1)
    best = cost.topk(TOP, -1, largest=False)
    take = (torch.arange(TOP) < many[:, None]) & (best.values < 1e5)
    f, k = take.nonzero(as_tuple=True)
    cell, value = best.indices[f, k], best.values[f, k]
    order = value.argsort(descending=True)  # the cheapest is written last and stays
    for i in order.tolist():
        taken[owner_picture[f[i]], cell[i]] = f[i]
    return taken


def eiou(box, face, overlap):
    """1 - IoU, plus squared distances of centre, width and height over the enclosing box (Zhang et al., EIoU, 2021)."""
    lo, hi = torch.minimum(box[:, :2], face[:, :2]), torch.maximum(box[:, 2:4], face[:, 2:4])
    span = (hi - lo).clamp(min=1e-3)
    centre = (box[:, :2] + box[:, 2:4] - face[:, :2] - face[:, 2:4]) / 2
    size = (box[:, 2:4] - box[:, :2]) - (face[:, 2:4] - face[:, :2])
    return 1 - overlap + centre.pow(2).sum(1) / span.pow(2).sum(1) + (size / span).pow(2).sum(1)
