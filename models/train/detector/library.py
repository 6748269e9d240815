"""The labelled pictures and face crops that views are made of, in mapped files that label.py wrote."""
import numpy as np

from .paths import CACHE

SHARES = {"natural/people": 0.29, "natural/people_squashed": 0.20, "natural/rooms": 0.06, "natural/scenes": 0.09,
          "natural/animals": 0.12, "pets": 0.08, "mask_kaggle": 0.09, "mask_wearing": 0.07}
FACE, IGNORE, SPEAK, NONE = 1, 0, 2, 3  # kinds of rows; NONE: no face, though the teacher sees one
EXACT = 2  # a row's last column is the weight of its landmarks: 0 unknown, 1 a teacher's, 2 known, of what was pasted
HELD = 5  # every fifth room, scene and animal is kept for measuring false faces


def is_held(name):
    """Held out of training: rooms, scenes and animals by their number, pets with odd ones; every tenth picture of people too."""
    source, number = name.rsplit("/", 1)
    if source == "pets":
        return int(number.split("_")[1].split(".")[0]) % 2 == 1
    n = int(number.split(".")[0]) if number.split(".")[0].isdigit() else 1
    if source == "natural/people":
        return n % 10 == 0
    return source in ("natural/rooms", "natural/scenes", "natural/animals") and n % HELD == 0


class Library:
    """All labelled pictures and face crops. Pixels stay in one mapped file, BGR.

    `hard`: a file of mine.py, places where the student fires without cause.
    """

    def __init__(self, hard=None):
        z = np.load(CACHE / "photos.npz")
        self.names, self.sizes = [str(n) for n in z["names"]], z["sizes"]
        self.pixels = np.load(CACHE / "pixels_bgr.npy", mmap_mode="r")
        self.starts = np.concatenate([[0], np.cumsum(self.sizes.prod(1))])
        ends = np.cumsum(z["counts"])
        self.faces = np.split(z["faces"], ends[:-1])
        self.groups, self.weights = [], []
        train = [i for i, n in enumerate(self.names) if not is_held(n)]
        for source, share in SHARES.items():
            self.groups.append(np.array([i for i in train if self.names[i].startswith(source + "/")]))
            self.weights.append(share)
        self.empty = np.array([i for i in train if not len(self.faces[i]) and self.names[i].startswith(("natural", "pets"))])
        c = np.load(CACHE / "crops_train.npz")
        self.hard = dict(np.load(hard)) if hard is not None and hard.exists() else None
        if self.hard is not None and not len(self.hard["score"]):
            self.hard = None
        self.crops, self.crop_faces = c["crops"], c["faces"]

    def picture(self, i):
        """BGR."""
        h, w = self.sizes[i]
        return np.asarray(self.pixels[self.starts[i]:self.starts[i + 1]]).reshape(h, w, 3)

    def with_people(self, i):
        return self.names[i].startswith(("natural/people", "mask"))

    def pick(self, rng):
        return int(rng.choice(self.groups[rng.choice(len(self.groups), p=self.weights)]))
