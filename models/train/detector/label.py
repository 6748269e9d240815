"""Teachers label the training pictures; the result is a cache of pictures and faces that train.py reads.

    python -m models.train.detector.label          (from the repository root; about ten minutes, each part is kept once done)

Rule: both teachers agree -> a face; one alone, or both unsure -> a region that counts neither way. Among people the
classifier's head `face` has a veto. In the pictures
of animals there are faces only where animal_people.txt (looked at by hand) says so; else what both teachers
call a face is background, and that is the point of these pictures.
Pictures near a validation picture (dHash) are left out and counted.
"""
import json
import os
import sys
from glob import glob
from multiprocessing import get_context

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

from ..classifier.photos import Classifier, crop_to_photo, cut
from .geometry import iou, nms, read_boxes
from .paths import CACHE, DETECT, FER, HERE, PEERS
from .teachers import CenterFace, YuNet, grey3

SOURCES = ("natural/people", "natural/people_squashed", "natural/rooms", "natural/scenes", "natural/animals",
           "mask_kaggle/images", "mask_wearing/images", "pets")
MAX_SIDE = 640
SECOND_SIDE = 480  # of the picture that CenterFace sees
NEAR = 6  # bits of 64 in which two dHashes may differ and still be one picture
FACE, IGNORE, NONE = 1, 0, 3
WORKERS = get_context("spawn")  # a fork of a process in which ONNX Runtime has run waits for ever for its threads


def processes():
    return len(os.sched_getaffinity(0))


def dhash(grey):
    small = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA).astype(int)
    return int("".join("01"[v] for v in (small[:, 1:] > small[:, :-1]).ravel().astype(int)), 2)


def unsquash(picture, name):
    """A plausible aspect for a picture that was squashed to a square, from its number (see the data's README)."""
    u = np.random.default_rng(int(name.split(".")[0])).random(2)
    aspect = 1.4 + 0.2 * u[1] if u[0] < 0.38 else 1.2 + 0.2 * u[1] if u[0] < 0.73 else 0.66 + 0.14 * u[1]
    w, h = (448, round(448 / aspect)) if aspect > 1 else (round(448 * aspect), 448)
    return cv2.resize(picture, (w, h), interpolation=cv2.INTER_CUBIC)


def load(source, name):
    picture = cv2.imread(str(DETECT / source / name))
    if source.endswith("squashed"):
        picture = unsquash(picture, name)
    s = MAX_SIDE / max(picture.shape[:2])
    return cv2.resize(picture, None, fx=s, fy=s, interpolation=cv2.INTER_AREA) if s < 1 else picture


def init_worker():
    global YUNET, CENTER
    cv2.setNumThreads(1)
    YUNET, CENTER = YuNet(PEERS / "yunet" / "yunet_n_dynamic.onnx"), CenterFace()


def look(job):
    """Both teachers' rows for one picture, with its grey pixels and hash."""
    source, name = job
    picture = load(source, name)
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    sides = (320, 640, 960) if source == "natural/people" else (320, 640)
    y = nms(np.concatenate([YUNET(picture, s, 0.2) for s in sides]), 0.4)
    # Where the first sees nothing at all the second is not asked: it would only make background doubtful, at ten times the cost.
    r = nms(CENTER(picture, SECOND_SIDE, 0.15), 0.4) if len(y) else np.zeros((0, 15), np.float32)
    return source, name, grey, dhash(grey), y, r


def mean_points(a, b):
    """Landmarks of two teachers: their mean where they agree to a fifth of the eye distance, else the first's, and whether those can be trusted."""
    a, b = a.reshape(5, 2), b.reshape(5, 2)
    apart = np.linalg.norm(a - b, axis=1).mean() / max(float(np.linalg.norm(a[0] - a[1])), 1.0)
    return ((a + b) / 2 if apart < 0.2 else a).ravel(), apart < 0.4


def agree(y, r, truth, animals):
    """(n, 15 + 2) rows: box, score, landmarks, kind (FACE or IGNORE), whether the landmarks can be trusted.

    `animals`: None for other sources, else "people", "unclear" or "none" after animal_people.txt.
    """
    overlap = iou(y, r).max(1) if len(y) and len(r) else np.zeros(len(y))
    partner = iou(y, r).argmax(1) if len(y) and len(r) else np.zeros(len(y), int)
    out = []
    for i, row in enumerate(y):
        second = r[partner[i], 4] if overlap[i] > 0.4 else 0.0
        both = (row[4] > 0.5 and second > 0.4) or (row[4] > 0.4 and second > 0.6)
        points, alike = mean_points(row[5:15], r[partner[i], 5:15]) if second else (row[5:15], True)
        if second:
            row = np.concatenate([row[:5], points]).astype(np.float32)
        if animals == "none":
            if not both and row[3] - row[1] < 24 and row[4] > 0.4:
                out.append([*row, IGNORE, 0])
            continue
        truth_hit = len(truth) and iou(row[None], truth).max() > 0.4
        good = both or truth_hit or row[4] > 0.72
        if animals:
            good = animals == "people" and both and row[4] > 0.87
        if good or row[4] > 0.35 or second > 0.4:
            out.append([*row, FACE if good else IGNORE, float(good and row[4] > 0.5 and alike)])
    if animals is None:
        seen = iou(r, y).max(1) if len(y) and len(r) else np.zeros(len(r))
        out += [[*row, IGNORE, 0] for row, o in zip(r, seen) if o < 0.3 and row[4] > 0.4]
    known = np.array(out, np.float32).reshape(-1, 17)
    for box in truth:
        faces = known[known[:, 15] == FACE]
        near = iou(box[None], faces).max() if len(faces) else 0.0
        if near < 0.4:  # a teacher's box of the same masked face, only larger, makes this one doubtful
            out.append([*box, 1.0, *[0] * 10, IGNORE if near > 0.12 else FACE, 0])
    return np.array(out, np.float32).reshape(-1, 17)


class Third:
    """The classifier's head `face`: among people walk dogs that both teachers take for faces."""

    def __init__(self):
        self.net = Classifier()

    def __call__(self, source, name, rows):
        """Faces that it calls none are none, whatever the teacher says there; those that it doubts count neither way."""
        tall = np.flatnonzero((rows[:, 15] == FACE) & (rows[:, 3] - rows[:, 1] >= 20))
        if not len(tall):
            return rows
        grey = cv2.cvtColor(load(source, name), cv2.COLOR_BGR2GRAY)
        said = self.net(np.stack([cut(grey, crop_to_photo(rows[k])) for k in tall]))["face"][:, 0]
        rows[tall[said < 0.8], 15] = IGNORE
        rows[tall[said < -2.0], 15] = NONE
        return rows


def teachers_look():
    """The slow part, kept as one file per source."""
    jobs_done = []
    for source in SOURCES:
        kept = CACHE / f"look_{source.replace('/', '_')}.npy"
        if not kept.exists():
            names = sorted(p.name for p in (DETECT / source).iterdir())
            with WORKERS.Pool(processes(), init_worker) as pool:
                seen = list(tqdm(pool.imap(look, [(source, n) for n in names], 8), source, len(names),
                                 disable=not sys.stderr.isatty()))
            np.save(kept, np.array(seen, dtype=object), allow_pickle=True)
        jobs_done += list(np.load(kept, allow_pickle=True))
    return jobs_done


def label_photos():
    val = [dhash(cv2.imread(str(p), cv2.IMREAD_GRAYSCALE)) for p in sorted((DETECT / "wider_val_subset/images").iterdir())]
    truth = {s: read_boxes(DETECT / s.split("/")[0] / "boxes_xywh.txt") for s in SOURCES if s.startswith("mask")}
    listed = HERE / "animal_people.txt"
    hand = {v for v in listed.read_text().splitlines() if not v.startswith("#")}
    pets = {v.strip() for v in (HERE.parent / "classifier" / "pet_people.txt").read_text().splitlines() if not v.startswith("#")}
    shapes, rows, names, near, seen_hashes, copies = [], [], [], 0, {}, 0
    third = Third()
    for source, name, grey, code, y, r in teachers_look():
        if min((code ^ v).bit_count() for v in val) <= NEAR:
            near += 1
            continue
        if code in seen_hashes:
            copies += 1
            continue
        seen_hashes[code] = name
        t = truth.get(source, {}).get(name, np.zeros((0, 4), np.float32))
        shapes.append(grey.shape)
        what = "people" if name in hand else "unclear" if "-" + name in hand or name in pets else "none"
        found = agree(y, r, t, what if source.endswith(("animals", "pets")) else None)
        rows.append(third(source, name, found) if source.startswith("natural/people") else found)
        names.append(f"{source}/{name}")
    sizes = np.array(shapes)
    if not (CACHE / "pixels_bgr.npy").exists():
        write_pixels(names, sizes)
    counts = {s: sum(n.startswith(s + "/") for n in names) for s in SOURCES}
    flat = np.concatenate(rows)
    np.savez(CACHE / "photos.npz", sizes=sizes, names=np.array(names), faces=flat, counts=np.array([len(v) for v in rows]))
    return dict(near_validation_removed=near, exact_copies_removed=copies, pictures=counts,
                faces=int((flat[:, 15] == FACE).sum()), with_landmarks=int(flat[:, 16].sum()),
                ignored=int((flat[:, 15] == IGNORE).sum()))


def write_pixels(names, sizes):
    """All pictures, BGR, one after the other; a training that reads the old file goes on."""
    part, at = CACHE / "pixels_bgr.part.npy", 0
    out = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=(int(sizes.prod(1).sum()), 3))
    for name in names:
        picture = load(*name.rsplit("/", 1)).reshape(-1, 3)
        out[at:at + len(picture)] = picture
        at += len(picture)
    out.flush()
    os.replace(part, CACHE / "pixels_bgr.npy")


def fer_sheets(part):
    return np.concatenate([np.asarray(Image.open(f)).reshape(-1, 48, 48) for f in sorted(glob(str(FER / part / "*.png")))])


def look_crop(crop):
    """YuNet on one FER2013 crop set in a grey canvas: its row in crop pixels (48 x 48), or None."""
    canvas = cv2.copyMakeBorder(cv2.resize(crop, (144, 144), interpolation=cv2.INTER_CUBIC), 56, 56, 56, 56, cv2.BORDER_REPLICATE)
    rows = nms(YUNET.canvas(grey3(canvas), 0.6))
    if len(rows) != 1:
        return None
    row = rows[0].copy()
    row[[0, 1, 2, 3, *range(5, 15)]] = (row[[0, 1, 2, 3, *range(5, 15)]] - 56) / 3
    return row


def label_crops(part, step):
    """Every `step`-th crop of a FER2013 part that YuNet is sure of. Training crops that also stand in PublicTest go."""
    crops = fer_sheets(part)
    banned = {c.tobytes() for c in fer_sheets("public_test")} if part == "train" else set()
    chosen = [c for c in crops[::step] if c.tobytes() not in banned and c.std() > 5]
    with WORKERS.Pool(processes(), init_worker) as pool:
        rows = list(tqdm(pool.imap(look_crop, chosen, 64), part, len(chosen), disable=not sys.stderr.isatty()))
    good = [(c, r) for c, r in zip(chosen, rows) if r is not None]
    np.savez(CACHE / f"crops_{part}.npz", crops=np.array([c for c, _ in good]), faces=np.array([r for _, r in good]))
    return dict(tried=len(chosen), kept=len(good), also_in_public_test=len(crops[::step]) - len(chosen) if banned else 0)


def main():
    CACHE.mkdir(parents=True, exist_ok=True)
    report = label_photos()
    for part, step in (("train", 4), ("public_test", 8)):
        if not (CACHE / f"crops_{part}.npz").exists():
            (CACHE / f"crops_{part}.json").write_text(json.dumps(label_crops(part, step)))
        report[f"fer_{part}"] = json.loads((CACHE / f"crops_{part}.json").read_text())
    (CACHE / "report.json").write_text(json.dumps(report, indent=1))
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
