"""Measures of answers with probabilities: calibration, recall, what is shown at which certainty, intervals."""
import math

import numpy as np


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def calibration_error(scores, labels, bins=15):
    """Expected calibration error (Guo et al. 2017, equation 3)."""
    sure, right = scores.max(1), scores.argmax(1) == labels
    which = np.minimum((sure * bins).astype(int), bins - 1)
    return float(sum(abs(right[which == b].mean() - sure[which == b].mean()) * (which == b).mean() for b in range(bins) if (which == b).any()))


def macro_recall(answer, labels):
    """Mean recall of the classes that occur."""
    return float(np.mean([(answer[labels == c] == c).mean() for c in np.unique(labels)]))


def coverage_table(scores, labels, limits=np.round(np.arange(0.2, 0.96, 0.01), 2)):
    """For each least probability: the share of answers that are shown, and how many of those are right (El-Yaniv and Wiener, 2010)."""
    sure, right = scores.max(1), scores.argmax(1) == labels
    rows = [(float(c), sure >= c) for c in limits]
    return [{"certain": c, "coverage": float(k.mean()), "right": float(right[k].mean())} for c, k in rows if k.any()]


def wilson(hits, count, z=1.96):
    """95 % interval of a share (Wilson, 1927)."""
    if count == 0:
        return 0.0, 1.0
    p, n = hits / count, count
    middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (middle - spread) / (1 + z * z / n)), min(1.0, (middle + spread) / (1 + z * z / n))
