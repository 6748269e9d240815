"""Average precision at IoU 0.5, faces below `min_height` ignored, and what else follows from the matched list."""
import numpy as np

from .geometry import iou


def match(rows, truth, min_height=32, limit=0.5):
    """For each row, best first: 1 hit, 0 false, -1 ignored. Also the number of faces that count."""
    order = np.argsort(-rows[:, 4], kind="stable")
    counts = (truth[:, 3] - truth[:, 1]) >= min_height
    used = np.zeros(len(truth), bool)
    marks = np.zeros(len(rows), int)
    overlap = iou(rows[:, :4], truth) if len(truth) and len(rows) else np.zeros((len(rows), len(truth)))
    for i in order:
        free = np.where(used, -1, overlap[i]) if len(truth) else np.zeros(0)
        counted = np.where(counts, free, -1)
        if len(truth) and counted.max() >= limit:
            used[counted.argmax()] = True
            marks[i] = 1
        elif len(truth) and np.where(counts, -1, overlap[i]).max() >= limit:
            marks[i] = -1
        elif rows[i, 3] - rows[i, 1] < min_height:
            marks[i] = -1  # a small box that hits nothing is not counted either, as in COCO's size ranges
    return marks, int(counts.sum())


def curve(all_rows, all_truth, min_height=32):
    """Scores (descending), hits and false faces so far, and the number of faces."""
    scores, marks, faces = [], [], 0
    for rows, truth in zip(all_rows, all_truth):
        m, n = match(rows, truth, min_height)
        scores.append(rows[m >= 0, 4])
        marks.append(m[m >= 0])
        faces += n
    scores, marks = np.concatenate(scores), np.concatenate(marks)
    order = np.argsort(-scores, kind="stable")
    return scores[order], np.cumsum(marks[order]), np.cumsum(1 - marks[order]), faces


def average_precision(hits, false, faces):
    """Area under the precision envelope (all points)."""
    if not len(hits):
        return 0.0
    recall, precision = hits / faces, hits / (hits + false)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(np.concatenate([[0], recall])) * precision))


def recall_at(precision, scores, hits, false, faces):
    """Best recall with at least this precision, and the score threshold that gives it."""
    good = np.flatnonzero(hits / (hits + false) >= precision)
    return (float(hits[good[-1]] / faces), float(scores[good[-1]])) if len(good) else (0.0, 1.0)
