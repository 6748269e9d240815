"""FER2013: pictures, labels, FER+ votes; what is cleaned away and what is leaked."""
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .sources import FOLDERS, LABELS, READERS  # noqa: F401  (others take LABELS from here)

# FER+'s first seven vote columns (neutral, happiness, surprise, sadness, anger, disgust, fear) in FER2013's numbers.
FERPLUS_TO_FER = (6, 3, 5, 4, 0, 1, 2)


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
    """`split` is "train" or "public_test"; `root` is a folder or a file as `sources` describes."""
    for read in READERS:
        if found := read(Path(root), split):
            return Faces(*found)
    raise SystemExit(f"{root} holds no FER2013 ({split}): give --data a folder with fer2013/{split}/*.png sheets, Kaggle's fer2013.csv, "
                     f"or a folder with {FOLDERS[split][0]}/angry, disgust, ...")


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
