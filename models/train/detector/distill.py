"""Dense distillation: YuNet's own outputs on the clean view teach every cell of the student, beside the hard labels.

The student has YuNet's output form, so each cell has its counterpart. The teacher is believed in pictures with people
(rows of kind 2) and on faces that the labels know and it sees itself; elsewhere it is overruled: background is
background, and faces it misses (frame-filling, pasted) are learned from their label (`loss.assign`).
"""
import numpy as np
import onnx
import torch
import torch.nn.functional as F

from .geometry import STRIDES
from .library import EXACT, FACE, IGNORE, NONE, SPEAK
from .loss import assign, corners, eiou, flatten, grid, pair_iou
from .paths import PEERS
from .student import FEATURES
from .teachers import session

# YuNet_n's tensors (names in the ONNX file) that layers of ours are to equal: before each ReLU, and the heads' logits.
MAPS = {"c2": "458", "s2": "461", "s4a": "464", "s4": "473", "s8a": "476", "s8": "479", "s16a": "482", "s16": "485",
        "s32a": "488", "s32b": "491", "s32": "494", "n16": "497", "n8": "500", "h8": "503", "h16": "506", "h32": "509"}
LOGITS = {"head8": ("297", "309", "303", "315"), "head16": ("299", "311", "305", "317"), "head32": ("301", "313", "307", "319")}
HARD = 0.3  # the labels' say where teacher and label agree that there is a face
SURE, NEAR = 0.9, 96  # their say of faces larger than so many pixels, which are rare in what the teacher learned from
LURE = 2.0  # how much more what only looks like a face to the teacher weighs than other background
DOUBT = 1.5  # how steeply the loss leaves out background that the student is already quiet about (2 as in focal loss)
CLEAR = 16  # a labelled face smaller than this (pixels) that the teacher cannot see here is left to its soft score


class DenseYuNet:
    """YuNet_n with every cell laid open: (cells, 16) of cls, obj (probabilities), box, landmarks; (cells, 64) features."""

    def __init__(self, more=()):
        model = onnx.load(str(PEERS / "yunet" / "yunet_n_dynamic.onnx"))
        names = {v.name for v in model.graph.output}
        inner = [MAPS[f] for f in FEATURES] + list(more)
        model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in dict.fromkeys(inner) if n not in names)
        self.net = session(model.SerializeToString())
        self.names = [f"{k}_{s}" for s in STRIDES for k in ("cls", "obj", "bbox", "kps")] + [MAPS[f] for f in FEATURES]

    def __call__(self, bgr):
        out = self.net.run(self.names, {"input": self.input(bgr)})
        cells = np.concatenate([np.concatenate(out[4 * k:4 * k + 4], 2)[0] for k in range(3)])
        return cells.astype(np.float32), np.concatenate([f[0].reshape(64, -1).T.clip(0) for f in out[12:]]).astype(np.float16)

    @staticmethod
    def input(bgr):
        return np.ascontiguousarray(bgr.transpose(2, 0, 1)[None], np.float32)


def corrected(teacher_out, rows, size):
    """`teacher_out` with known landmarks in place of the teacher's, in the cells of pasted faces: it sees less than their whole tilt."""
    known = rows[(rows[:, 16] == EXACT) & (rows[:, 15] != IGNORE)]
    teacher_out, start = teacher_out.copy(), 0
    for stride in STRIDES:
        n = size // stride
        cells = np.stack(np.mgrid[:n, :n][::-1], -1).reshape(-1, 2)
        where = (cells + 0.5) * stride
        for row in known:
            k = np.flatnonzero(((where > row[:2]) & (where < row[2:4])).all(1))
            teacher_out[start + k, 6:16] = (row[5:15].reshape(5, 2) / stride - cells[k, None]).reshape(-1, 10)
        start += n * n
    return teacher_out


def inside(cells, faces, picture, pictures, grow=0.25):
    """(faces, cells): whether the cell's middle lies in the row's box; and the same summed per picture."""
    where = (cells[:, :2] + 0.5) * cells[:, 2:3]
    b, edge = faces[:, None, :4], cells[:, 2:3] * grow
    one = ((where > b[..., :2] - edge) & (where < b[..., 2:4] + edge)).all(-1)
    return one, torch.zeros(pictures, len(cells)).index_add_(0, picture, one.float()) > 0


def rows_of(faces, kind, column=15):
    picture, slot = (faces[..., column] == kind).nonzero(as_tuple=True)
    return picture, faces[picture, slot]


@torch.no_grad()
def targets(out, boxes, cells, faces, teacher_out):
    """What each cell shall say: objectness, whether it is taught, the teacher's weight, the labels' owner per cell, the
    faces they own, whether its features are the teacher's, and what the labels are sure of: 1 a face, -1 none where the teacher sees one."""
    n = len(faces)
    score = (teacher_out[..., 0] * teacher_out[..., 1]).clamp(min=0).sqrt()
    picture, known = rows_of(faces, FACE)
    speak = inside(cells, (r := rows_of(faces, SPEAK))[1], r[0], n, 0.0)[1] & ~inside(cells, (r := rows_of(faces, NONE))[1], r[0], n, 0.0)[1]
    unsure = inside(cells, (r := rows_of(faces, IGNORE))[1], r[0], n)[1]
    within, faced = inside(cells, known, picture, n)
    overlap = pair_iou(known[:, None, :4], corners(teacher_out, cells)[picture])
    best = torch.where(within & (overlap > 0.4), score[picture], 0.0).amax(1) if len(known) else torch.zeros(0)
    plain = best > 0.45
    clear = plain | ((known[:, 2:4] - known[:, :2]).prod(-1) > CLEAR ** 2)
    near = plain & (((known[:, 2:4] - known[:, :2]).prod(-1) > NEAR ** 2) | (known[:, 16] == EXACT))
    seen, missed, blurred, close = (torch.zeros(n, len(cells)).index_add_(0, picture, (within & w[:, None]).float()) > 0
                                    for w in (plain, clear & ~plain, ~clear, near))
    picture, known = picture[clear], known[clear]
    owner = assign(out, boxes, cells, known, picture)
    heard = (speak | seen) & ~(missed & ~seen)
    hard = (owner >= 0).float()
    lured = (score > 0.2) & ~(heard | faced | unsure)
    say = torch.where(close, SURE, torch.where(seen, HARD, 0.0))
    obj = torch.where(heard, (1 - say) * teacher_out[..., 1] + say * hard, hard)
    free = heard | ~(unsure | blurred) | (owner >= 0)
    return obj, free, torch.where(heard, score, 0.0), owner, known, heard | (score < 0.2), (close & (owner >= 0)).float() - lured.float()


def distill_losses(heads, features, faces, teacher_out, taught, scale, box_weight=4.0, point_weight=10.0):
    """Total and parts (obj, cls, box, points, hint). `teacher_out` (n, cells, 16), `taught` (n, cells, 64) of DenseYuNet."""
    out, cells = flatten(heads), grid(heads)
    boxes = corners(out, cells)
    obj, free, trust, owner, known, calm, sure = targets(out, boxes, cells, faces, teacher_out)
    teacher_out = torch.cat([torch.where(sure > 0, teacher_out[..., 0].clamp(min=SURE), teacher_out[..., 0])[..., None], teacher_out[..., 1:]], -1)
    count = obj.sum().clamp(min=1)
    p = out[..., 1].detach().sigmoid()
    weight = torch.where(obj > 0.03, (obj - p).abs().clamp(min=0.1), (obj - p).abs().pow(DOUBT)) * free
    weight = torch.where(sure < 0, LURE * weight, weight)
    loss_obj = (F.binary_cross_entropy_with_logits(out[..., 1], obj, reduction="none") * weight).sum() / count
    soft = teacher_part(out, boxes, cells, teacher_out, trust)
    hard = label_part(out, boxes, cells, owner, known)
    cls, box, points = (s + 0.5 * h for s, h in zip(soft, hard))
    exact = inside(cells, (r := rows_of(faces, EXACT, 16))[1], r[0], len(faces), 0.0)[1]
    care = calm * (1 + 8 * trust) * ~exact  # where a tilt is known the teacher's features of it are no example
    gap = torch.cat([f.float().flatten(2).transpose(1, 2) for f in features], 1) - taught.float()
    gap = gap / scale
    hint = (gap.square().mean(-1) * care).sum() / care.sum()
    total = loss_obj + cls + box_weight * box + point_weight * points + hint
    return total, (loss_obj, cls, box, points, hint)


def point_error(o, cell, points, side):
    """In 2.4 eye distances, which is the side of a face seen from the front; of profiles in half the side."""
    at = (o[:, 6:16].reshape(-1, 5, 2) + cell[:, None, :2]) * cell[:, None, 2:3]
    reach = torch.maximum(2.4 * (points[:, 0] - points[:, 1]).norm(dim=-1), side / 2)
    error = (at - points) / reach[:, None, None]
    return F.smooth_l1_loss(error, torch.zeros_like(error), beta=0.02, reduction="none").mean((1, 2))


def teacher_part(out, boxes, cells, teacher_out, trust):
    at = (trust > 0.12).nonzero(as_tuple=True)
    o, t, w, cell = out[at], teacher_out[at], trust[at].pow(2), cells[at[1]]
    norm = w.sum().clamp(min=1)
    cls = (F.binary_cross_entropy_with_logits(o[:, 0], t[:, 0].clamp(0, 1), reduction="none") * w).sum() / norm
    theirs, ours = corners(t, cell), boxes[at]
    box = (eiou(ours, theirs, pair_iou(ours, theirs)) * w).sum() / norm
    side = (theirs[:, 2:4] - theirs[:, :2]).clamp(min=1).prod(-1).sqrt()
    points = (t[:, 6:16].reshape(-1, 5, 2) + cell[:, None, :2]) * cell[:, None, 2:3]
    return cls, box, (point_error(o, cell, points, side) * w).sum() / norm


def label_part(out, boxes, cells, owner, known):
    at = (owner >= 0).nonzero(as_tuple=True)
    face, o, cell, box = known[owner[at]], out[at], cells[at[1]], boxes[at]
    count = max(1, len(face))
    overlap = pair_iou(box, face)
    cls = F.binary_cross_entropy_with_logits(o[:, 0], overlap.detach().clamp(0, 1), reduction="sum") / count
    side = (face[:, 2:4] - face[:, :2]).clamp(min=1).prod(-1).sqrt()
    error = point_error(o, cell, face[:, 5:15].reshape(-1, 5, 2), side) * face[:, 16]
    return cls, eiou(box, face, overlap).sum() / count, error.sum() / face[:, 16].sum().clamp(min=1)
