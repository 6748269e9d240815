"""FER2013 in the shapes in which people have it; each reader gives (pixels, labels, votes, trusted) of one split, or None.

- PNG sheets with labels, FER+ votes beside them: `ROOT/fer2013/train/*.png`, `ROOT/fer2013/train_labels.npz`;
- Kaggle's CSV, `fer2013.csv` or `icml_face_data.csv` (emotion, pixels, Usage in any order), the file itself or its folder. FER+'s
  `fer2013new.csv` (github.com/microsoft/FERPlus) beside it brings the votes: its rows are in the same order;
- folders per class, `ROOT/train/angry/*.jpg`: pictures of any size and colour become 48x48 grey. No votes.
"""
import csv
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
VOTES_UNTRUSTED = 3  # `match` of rows whose FER+ votes belong to another picture
USAGE = {"train": "Training", "public_test": "PublicTest"}
# Kaggle's folder of the pictures calls PublicTest and PrivateTest together `test`.
FOLDERS = {"train": ("train", "Training"), "public_test": ("public_test", "PublicTest", "validation", "val", "test")}
CSVS = ("fer2013.csv", "icml_face_data.csv")
PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}
SIDE = 48


def sheets(root, split):
    root = root / "fer2013"
    files = sorted((root / split).glob("*.png"))
    if not files:
        return None
    pixels = np.concatenate([np.asarray(Image.open(f)).reshape(-1, SIDE, SIDE) for f in files])
    z = np.load(root / f"{split}_labels.npz")
    labels, votes = z["labels"].astype(np.int64), z["ferplus_votes"].astype(np.float32)
    if not len(pixels) == len(labels) == len(votes):
        raise SystemExit(f"{root}: {len(pixels)} pictures but {len(labels)} labels and {len(votes)} votes")
    return pixels, labels, votes, (z["match"] != VOTES_UNTRUSTED) & (votes.sum(1) > 0)


def table(root, split):
    path = root if root.suffix == ".csv" else next((root / n for n in CSVS if (root / n).exists()), None)
    if path is None or not path.is_file():
        return None
    votes = votes_of(path.with_name("fer2013new.csv"))
    pixels, labels, votes_of_rows = [], [], []
    with open(path, newline="") as f:
        reader = csv.DictReader(f, skipinitialspace=True)
        if not {"emotion", "pixels", "Usage"} <= set(reader.fieldnames or ()):
            raise SystemExit(f"{path} has no columns emotion, pixels, Usage: is it FER2013 as Kaggle has it?")
        for i, row in enumerate(tqdm(reader, desc=f"{path.name}, {split}", disable=None)):
            if votes is not None and (i >= len(votes) or votes[i][0] != row["Usage"]):
                raise SystemExit(f"fer2013new.csv does not match {path} from row {i + 2} on: take both whole and unsorted")
            if row["Usage"] == USAGE[split]:
                pixels.append(face(row, f"{path}, row {i + 2}"))
                labels.append(int(row["emotion"]))
                votes_of_rows.append(np.zeros(10, np.float32) if votes is None else votes[i][1])
    return whole(path, split, pixels, labels, votes_of_rows)


def face(row, where):
    if row["emotion"] not in {str(i) for i in range(len(LABELS))}:
        raise SystemExit(f"{where}: emotion is {row['emotion']!r}, not 0 to 6")
    values = np.array(row["pixels"].split(), int)
    if values.size != SIDE * SIDE or values.min() < 0 or values.max() > 255:
        raise SystemExit(f"{where}: not {SIDE * SIDE} pixels of 0 to 255")
    return values.astype(np.uint8).reshape(SIDE, SIDE)


def votes_of(path):
    """(Usage, ten votes) of each row of FER+'s file, or None without one: Usage, Image name, neutral, ..., NF."""
    if not path.exists():
        return None
    with open(path, newline="") as f:
        return [(row[0], np.array(row[2:12], np.float32)) for row in list(csv.reader(f))[1:]]


def folders(root, split):
    top = next((root / n for n in FOLDERS[split] if (root / n).is_dir()), None)
    if top is None or not any((top / name).is_dir() for name in LABELS):
        return None
    missing = [name for name in LABELS if not (top / name).is_dir()]
    if missing:
        raise SystemExit(f"{top} has no folder {', '.join(missing)}: one folder for each of {', '.join(LABELS)}")
    files = [(p, n) for n, name in enumerate(LABELS) for p in sorted((top / name).iterdir()) if p.suffix.lower() in PICTURES]
    pixels = [grey(p) for p, _ in tqdm(files, desc=f"{top.name}/", disable=None)]
    return whole(top, split, pixels, [n for _, n in files], np.zeros((len(files), 10), np.float32))


def grey(path):
    picture = Image.open(path).convert("L")
    return np.asarray(picture if picture.size == (SIDE, SIDE) else picture.resize((SIDE, SIDE), Image.Resampling.BOX))


def whole(where, split, pixels, labels, votes):
    if not pixels:
        raise SystemExit(f"{where} holds no picture of the split {split}")
    votes = np.array(votes, np.float32)
    return np.stack(pixels), np.array(labels, np.int64), votes, votes.sum(1) > 0


READERS = (sheets, table, folders)
