"""Frames as a webcam sends them, 640x480, with faces of FER2013's PublicTest before a blurred wall: as YUYV, and as JPEGs."""
import io
from pathlib import Path

import numpy as np
from PIL import Image

SHARED = Path(__file__).parents[3].parent / "shared"

WIDTH, HEIGHT = 640, 480
# As webcams encode.
QUALITY, SAMPLING = 85, "4:2:2"
FILM_FRAMES = 30
# Faces of PublicTest that stand in the films: photos of people who look into the camera. The first stands alone in one.
IN_FILMS = 5, 2, 3, 4, 7, 11, 12, 14
# A FER2013 crop is some 18 cm wide; before a webcam of 65 degrees it takes so many pixels at 90 to 45 cm.
SIDES_PX = 100, 210


def public_test():
    """All crops, and their labels."""
    folder = SHARED / "data" / "fer2013"
    sheets = sorted((folder / "public_test").glob("*.png"))
    crops = np.concatenate([np.asarray(Image.open(sheet)).reshape(-1, 48, 48) for sheet in sheets])
    return crops, np.load(folder / "public_test_labels.npz")["labels"]


def training(count):
    """The first crops of the training set and their labels: for choices that must not be made on PublicTest."""
    folder = SHARED / "data" / "fer2013"
    sheets = sorted((folder / "train").glob("*.png"))[: -(-count // 100)]
    crops = np.concatenate([np.asarray(Image.open(sheet)).reshape(-1, 48, 48) for sheet in sheets])[:count]
    return crops, np.load(folder / "train_labels.npz")["labels"][:count]


def wall(chance):
    """A background out of focus, a little coloured."""
    rough = (chance.uniform(60, 180, (7, 9, 1)) + chance.uniform(-15, 15, (7, 9, 3))).astype(np.uint8)
    picture = Image.fromarray(rough).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    return np.asarray(picture).astype(np.float32)


def put(frame, crop, left, top, side):
    """Sets a crop into the frame, its edges soft."""
    face = np.asarray(Image.fromarray(crop).resize((side, side), Image.Resampling.BICUBIC)).astype(np.float32)
    from_edge = np.minimum(np.arange(side), np.arange(side)[::-1]) / (0.1 * side)
    soft = np.minimum(np.minimum.outer(from_edge, from_edge), 1)[..., None]
    part = frame[top : top + side, left : left + side]
    part[:] = part * (1 - soft) + face[..., None] * soft


def with_grain(frame, chance):
    return np.clip(frame + chance.normal(0, 2, (HEIGHT, WIDTH, 1)), 0, 255).astype(np.uint8)


def portrait(crop, number):
    """One person somewhere in the middle; the frame and the crop's place (left, top, side, side)."""
    chance = np.random.default_rng(number)
    side = int(chance.uniform(*SIDES_PX))
    left = int(np.clip(chance.normal(WIDTH / 2, 80) - side / 2, 0, WIDTH - side))
    top = int(np.clip(chance.normal(HEIGHT / 2 - 20, 40) - side / 2, 0, HEIGHT - side))
    frame = wall(chance)
    put(frame, crop, left, top, side)
    return with_grain(frame, chance), (left, top, side, side)


def film(crops, side_px):
    """Frames in which the crops move a little, in rows of four."""
    chance = np.random.default_rng(len(crops))
    across = min(len(crops), 4)
    down = -(-len(crops) // across)
    background = wall(chance)
    for number in range(FILM_FRAMES):
        frame = background.copy()
        for i, crop in enumerate(crops):
            turn = 2 * np.pi * number / FILM_FRAMES + i
            left = (i % across + 0.5) * WIDTH / across - side_px / 2 + 6 * np.sin(turn)
            top = (i // across + 0.5) * HEIGHT / down - side_px / 2 + 4 * np.cos(turn)
            put(frame, crop, int(left), int(top), side_px)
        yield with_grain(frame, chance)


def yuyv(frame):
    """Limited range, BT.601, a colour for two pixels."""
    r, g, b = (frame[..., i].astype(np.float32) for i in range(3))
    y = 16 + (65.738 * r + 129.057 * g + 25.064 * b) / 256
    u = 128 + (-37.945 * r - 74.494 * g + 112.439 * b) / 256
    v = 128 + (112.439 * r - 94.154 * g - 18.285 * b) / 256
    packed = np.empty((HEIGHT, WIDTH, 2), np.float32)
    packed[..., 0] = y
    packed[:, 0::2, 1] = (u[:, 0::2] + u[:, 1::2]) / 2
    packed[:, 1::2, 1] = (v[:, 0::2] + v[:, 1::2]) / 2
    return np.clip(packed.round(), 0, 255).astype(np.uint8).tobytes()


def jpeg(frame):
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=QUALITY, subsampling=SAMPLING)
    return buffer.getvalue()


def write(path, frames, encode):
    """The frames one after the other, and beside them where each begins and where the last ends."""
    places = [0]
    with path.open("wb") as file:
        for frame in frames:
            places.append(places[-1] + file.write(encode(frame)))
    path.with_name(path.name + ".places").write_text(" ".join(map(str, places)))
