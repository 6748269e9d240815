"""Which cell learns which face (SimOTA: Ge et al., YOLOX, 2021, section 2.1) and the four losses."""
import torch
import torch.nn.functional as F

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


def ignored(cells, faces, owner_picture, pictures):
    """Cells whose middle lies in a region that counts neither way, (pictures, cells)."""
    where = (cells[:, :2] + 0.5) * cells[:, 2:3]
    b, grow = faces[:, None, :4], cells[:, 2:3] / 4
    inside = (where > b[..., :2] - grow).all(-1) & (where < b[..., 2:4] + grow).all(-1)
    return torch.zeros(pictures, len(cells)).index_add_(0, owner_picture, inside.float()) > 0


def losses(heads, faces, box_weight=4.0, point_weight=10.0):
    """Sum of weighted losses and its parts. faces: (batch, m, 17) rows of label.py, padded with kind -1."""
    out, cells = flatten(heads), grid(heads)
    boxes = corners(out, cells)
    picture, slot = (faces[..., 15] == 1).nonzero(as_tuple=True)
    known = faces[picture, slot]
    owner = assign(out, boxes, cells, known, picture)
    positive = owner >= 0
    count = positive.sum().clamp(min=1)
    blank, slot = (faces[..., 15] == 0).nonzero(as_tuple=True)
    free = ~ignored(cells, faces[blank, slot], blank, len(faces)) | positive
    obj = focal(out[..., 1], positive.float())
    loss_obj = (obj * free).sum() / count
    at = positive.nonzero(as_tuple=True)
    face = known[owner[at]]
    o, cell, box = out[at], cells[at[1]], boxes[at]
    overlap = pair_iou(box, face)
    loss_cls = F.binary_cross_entropy_with_logits(o[:, 0], overlap.detach().clamp(0, 1), reduction="sum") / count
    loss_box = eiou(box, face, overlap).sum() / count
    side = (face[:, 2:4] - face[:, :2]).clamp(min=1).prod(-1).sqrt()
    points = (o[:, 6:16].reshape(-1, 5, 2) + cell[:, None, :2]) * cell[:, None, 2:3]
    error = (points - face[:, 5:15].reshape(-1, 5, 2)) / side[:, None, None]
    loss_points = (F.smooth_l1_loss(error, torch.zeros_like(error), beta=0.04, reduction="none").mean((1, 2))
                   * face[:, 16]).sum() / face[:, 16].sum().clamp(min=1)
    total = loss_obj + loss_cls + box_weight * loss_box + point_weight * loss_points
    return total, (loss_obj, loss_cls, loss_box, loss_points)


def focal(logit, target, gamma=2.0):
    """BCE weighted down where it is easy (quality focal loss's weight), so that a million empty cells stay quiet."""
    weight = (target - logit.sigmoid()).abs().pow(gamma).detach()
    weight = torch.where(target > 0, weight.clamp(min=0.25), weight)
    return F.binary_cross_entropy_with_logits(logit, target, reduction="none") * weight


def eiou(box, face, overlap):
    """1 - IoU, plus squared distances of centre, width and height over the enclosing box (Zhang et al., EIoU, 2021)."""
    lo, hi = torch.minimum(box[:, :2], face[:, :2]), torch.maximum(box[:, 2:4], face[:, 2:4])
    span = (hi - lo).clamp(min=1e-3)
    centre = (box[:, :2] + box[:, 2:4] - face[:, :2] - face[:, 2:4]) / 2
    size = (box[:, 2:4] - box[:, :2]) - (face[:, 2:4] - face[:, :2])
    return 1 - overlap + centre.pow(2).sum(1) / span.pow(2).sum(1) + (size / span).pow(2).sum(1)
