"""The pictures on which a detector file is measured (`measure`): near and tilted faces in noise, turned photos, pets, places without people."""
import functools
import math

import cv2
import numpy as np

from ..classifier.data import LABELS, load_split
from ..classifier.face_cuts import named
from ..classifier.photos import read_grey
from .evaluate import wider
from .library import is_held
from .paste import soft_mask
from .paths import DETECT, HERE, SHARED
from .similarity import similarity

FACE_IN_CROP = np.array([6.0, 2.5, 42.0, 49.5])  # where YuNet's boxes lie in FER2013's pictures, in the median
PETS_LISTED = HERE.parent / "classifier" / "pet_people.txt"


def near_faces(count=700):
    """(picture, box, tilt) of PublicTest faces set into blurred noise."""
    data, rng = load_split(SHARED / "data", "public_test"), np.random.default_rng(23)
    good = np.flatnonzero((data.pixels.reshape(len(data), -1).std(1) > 8) & (data.votes[:, 9] < 3))
    for k in good[np.linspace(0, len(good) - 1, count).astype(int)]:
        noise = cv2.GaussianBlur(rng.integers(0, 256, (480, 640), np.uint8), (0, 0), 3).astype(np.float32)
        noise = np.clip((noise - 128) * 2 + rng.uniform(80, 170), 0, 255)
        tall, roll = rng.uniform(90, 260), math.radians(rng.uniform(-25, 25))
        scale = tall / (FACE_IN_CROP[3] - FACE_IN_CROP[1])
        half = 30 * scale
        at = rng.uniform(np.minimum((half, half), (320, 240)), np.maximum((640 - half, 480 - half), (320, 240)))
        m = similarity(scale, roll, False, (24, 24), at)
        fine = m.copy()
        fine[:, :2] /= 4
        patch = cv2.warpAffine(cv2.resize(data.pixels[k], (192, 192), interpolation=cv2.INTER_CUBIC), fine, (640, 480)).astype(np.float32)
        mask = cv2.warpAffine(soft_mask(rng, 48), m, (640, 480))
        middle = m[:, :2] @ ((FACE_IN_CROP[:2] + FACE_IN_CROP[2:]) / 2) + m[:, 2]
        size = (FACE_IN_CROP[2:] - FACE_IN_CROP[:2]) / 2 * scale
        yield (noise + mask * (patch - noise)).astype(np.uint8), np.concatenate([middle - size, middle + size]), math.degrees(roll)


def wild_photos(every=6):
    return [read_grey(p) for name in LABELS for p in sorted((SHARED / "data" / "faces" / "wild" / name).glob("*.jpg"))[::every]]


def turn(grey, degrees):
    """About its middle, clockwise, on a canvas that holds all of it, with grey corners."""
    h, w = grey.shape
    side = math.ceil(math.hypot(h, w))
    m = cv2.getRotationMatrix2D((w / 2, h / 2), -degrees, 1)
    m[:, 2] += (side - w) / 2, (side - h) / 2
    return cv2.warpAffine(grey, m, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=128)


def pets():
    people = named(PETS_LISTED)
    return [cv2.imread(str(p)) for p in sorted((DETECT / "pets").glob("*.jpg")) if p.name not in people and int(p.stem.split("_")[1]) % 2]


def held(lib, sources):
    return [(lib.picture(i), lib.faces[i][:, :4]) for i, n in enumerate(lib.names) if is_held(n) and n.split("/")[1] in sources]


@functools.cache
def turned_photos(angle):
    return [turn(g, angle * s) for g in wild_photos() for s in (-1, 1)]


@functools.cache
def wider_pictures():
    return wider()
