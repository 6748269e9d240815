"""FER2013 from the PNG sheets: pictures, labels, FER+ votes; what is cleaned away and what is leaked."""
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
# FER+'s first seven vote columns (neutral, happiness, surprise, sadness, anger, disgust, fear) in FER2013's numbers.
FERPLUS_TO_FER = (6, 3, 5, 4, 0, 1, 2)
VOTES_UNTRUSTED = 3  # `match` of rows whose FER+ votes belong to another picture


@dataclass
class Faces:
    """N faces. pixels: (N,48,48) u8; labels: (N,) FER2013; votes: (N,10) FER+ columns; trusted: (N,) bool."""

    pixels: np.ndarray
    labels: np.ndarray
    votes: np.ndarray
    trusted: np.ndarray

    def __len__(self):
        return len(self.labels)

    def take(self, keep):
        return Faces(self.pixels[keep], self.labels[keep], self.votes[keep], self.trusted[keep])


def load_split(root, split):
    """`split` is "train" or "public_test"; `root` holds fer2013/."""
    root = Path(root) / "fer2013"
    sheets = sorted((root / split).glob("*.png"))
    if not sheets:
        raise SystemExit(f"no sheets in {root / split}: give the data folder with --data")
    pixels = np.concatenate([np.asarray(Image.open(f)).reshape(-1, 48, 48) for f in sheets])
    z = np.load(root / f"{split}_labels.npz")
    labels, votes = z["labels"].astype(np.int64), z["ferplus_votes"].astype(np.float32)
    if not len(pixels) == len(labels) == len(votes):
        raise SystemExit(f"{root}: {len(pixels)} pictures but {len(labels)} labels and {len(votes)} votes")
    trusted = (z["match"] != VOTES_UNTRUSTED) & (votes.sum(1) > 0)
    return Faces(pixels, labels, votes, trusted)


def keys(faces):
    """The bytes of each picture, to find exact copies."""
    return [p.tobytes() for p in faces.pixels]


def clean_indices(faces):
    """Indices without blank pictures and without second copies (the first copy stays)."""
    seen, keep = set(), []
    for i, k in enumerate(keys(faces)):
        if k in seen or faces.pixels[i].min() == faces.pixels[i].max():
            continue
        seen.add(k)
        keep.append(i)
    return np.array(keep)


def leak_free(test, train):
    """Mask of the test pictures that don't stand, byte for byte, in the training split."""
    seen = set(keys(train))
    return np.array([k not in seen for k in keys(test)])


def ferplus_majority(faces):
    """(mask, label): FER+ majority in FER2013's numbers, 7 for contempt (never ours, so always wrong).

    Left out (mask False): untrusted rows, rows whose majority is unknown or not-a-face. A tie goes to the first column.
    """
    top = faces.votes.argmax(1)
    mask = faces.trusted & (top < 8)
    return mask, np.array(FERPLUS_TO_FER + (7, -1, -1))[top]
