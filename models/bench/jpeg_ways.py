"""Makes films of JPEGs with known faces, lets the daemon's two ways of decoding see them, and compares what they see.

`models/bench/jpegs` starts it. Prints one table: for each size of camera the average precision on WIDER's subset (faces of
32 px and more in the picture as it was), how far the landmarks lie from those of the other way, and how many expressions of FER2013
faces set into the same pictures are right.
"""

import argparse
import io
import json
import pathlib
import subprocess

import numpy as np
from PIL import Image

ROOT = pathlib.Path(__file__).parents[2]
SIZES = ((1920, 1080), (1280, 720), (640, 480))
LEAST_PX = 32
# As webcams send it.
QUALITY, SAMPLING = 85, "4:2:2"
# Of a FER2013 face, in pixels.
SIDE = 48


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--faces", type=int, default=500, help="FER2013 faces set into frames")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--size", action="append", metavar="WxH", help=f"default: {', '.join(f'{w}x{h}' for w, h in SIZES)}")
    arguments = parser.parse_args()
    pictures = list(wider(arguments.data / "detect" / "wider_val_subset"))[: arguments.pictures]
    crops, labels = public_test(arguments.data / "fer2013")
    print("| camera | way | AP | landmarks apart | expressions right |\n|---|---|---|---|---|")
    for size in [tuple(map(int, size.split("x"))) for size in arguments.size or []] or SIZES:
        row(size, pictures, crops[: arguments.faces], labels[: arguments.faces])


def wider(folder):
    """Pictures and their boxes."""
    lines = (folder / "boxes_xywh.txt").read_text().split("\n")
    at = 0
    while at < len(lines) and lines[at]:
        name, count = lines[at].split()[0], int(lines[at + 1])
        boxes = [tuple(map(float, line.split()[:4])) for line in lines[at + 2 : at + 2 + count]]
        at += 2 + count
        yield folder / "images" / name, boxes


def public_test(folder):
    sheets = sorted((folder / "public_test").glob("*.png"))
    crops = np.concatenate([np.asarray(Image.open(sheet)).reshape(-1, SIDE, SIDE) for sheet in sheets])
    return crops, np.load(folder / "public_test_labels.npz")["labels"]


def in_frame(picture, boxes, size):
    """The picture as large as fits the frame, in its middle; its boxes and the least height that counts there."""
    picture = picture.convert("RGB")
    scale = min(size[0] / picture.width, size[1] / picture.height)
    shown = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
    frame = Image.new("RGB", size, (90, 90, 90))
    left, top = (size[0] - shown.width) // 2, (size[1] - shown.height) // 2
    frame.paste(shown, (left, top))
    placed = [(x * scale + left, y * scale + top, w * scale, h * scale) for x, y, w, h in boxes]
    return frame, (placed, LEAST_PX * scale)


def with_face(crop, size, number):
    """A frame with one face of FER2013 on grey, at a place and a size that the number decides; and its box."""
    chance = np.random.default_rng(number)
    side = int(size[1] * chance.uniform(0.15, 0.6))
    face = Image.fromarray(crop).resize((side, side), Image.Resampling.BICUBIC).convert("RGB")
    shade = int(crop.mean())
    frame = Image.new("RGB", size, (shade, shade, shade))
    left, top = (int(chance.integers(0, size[i] - side)) for i in range(2))
    frame.paste(face, (left, top))
    return frame, (left, top, side, side)


def jpeg(frame) -> bytes:
    buffer = io.BytesIO()
    frame.save(buffer, "JPEG", quality=QUALITY, subsampling=SAMPLING)
    return buffer.getvalue()


def seen(frames):
    """What both ways see in these frames."""
    path = ROOT / "target" / "jpeg_ways.mjpeg"
    path.write_bytes(b"".join(map(jpeg, frames)))
    program = ROOT / "target" / "release" / "examples" / "jpeg_ways"
    lines = subprocess.run([program, path], check=True, capture_output=True, text=True).stdout.splitlines()
    path.unlink()
    assert len(lines) == len(frames), f"{len(lines)} of {len(frames)} pictures were read"
    return [json.loads(line) for line in lines]


def row(size, pictures, crops, labels) -> None:
    framed = [in_frame(Image.open(path), boxes, size) for path, boxes in pictures]
    found = seen([frame for frame, _ in framed])
    faces = [with_face(crop, size, number) for number, crop in enumerate(crops)]
    read = seen([frame for frame, _ in faces])
    for way in ("scaled", "whole"):
        ap = average_precision([one[way] for one in found], [truth for _, truth in framed])
        apart = landmarks_apart(found, way, "whole" if way == "scaled" else "scaled")
        right = [is_right(one[way], box, label) for one, (_, box), label in zip(read, faces, labels)]
        print(
            f"| {size[0]}x{size[1]} | {way} | {ap:.4f} | {apart:.4f} | {sum(right) / len(right):.4f} ({sum(right)} of {len(right)}) |",
            flush=True,
        )


def overlap(a, b) -> float:
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / (a[2] * a[3] + b[2] * b[3] - common)


def average_precision(found, truth) -> float:
    """At an IoU of 0.5; smaller faces are neither asked for nor counted as wrong."""
    marks, wanted = [], 0
    for faces, (boxes, least_px) in zip(found, truth):
        wanted += sum(box[3] >= least_px for box in boxes)
        taken = set()
        for face in sorted(faces, key=lambda face: -face["score"]):
            best = max(range(len(boxes)), key=lambda i: overlap(face["box"], boxes[i]), default=None)
            hit = best is not None and overlap(face["box"], boxes[best]) >= 0.5
            if hit and (boxes[best][3] < least_px or best in taken):
                if boxes[best][3] < least_px:
                    continue
                hit = False
            elif hit:
                taken.add(best)
            elif face["box"][3] < least_px:
                continue
            marks.append((face["score"], hit))
    marks.sort(key=lambda mark: -mark[0])
    hits = np.cumsum([hit for _, hit in marks])
    precision = hits / np.arange(1, len(marks) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.diff(np.concatenate([[0], hits])) / wanted
    return float((envelope * steps).sum())


def landmarks_apart(found, way, other) -> float:
    """The mean distance of landmarks of the same face, by its eyes' distance; of faces that both ways are sure of."""
    apart = []
    for one in found:
        for face in one[way]:
            twins = [twin for twin in one[other] if overlap(face["box"], twin["box"]) > 0.5]
            if face["score"] < 0.6 or not twins:
                continue
            a, b = (np.asarray(who["landmarks"]) for who in (face, twins[0]))
            eyes = np.linalg.norm(b[0] - b[1])
            apart.append(np.linalg.norm(a - b, axis=1).mean() / max(eyes, 1.0))
    return float(np.mean(apart))


def is_right(faces, box, label) -> bool:
    faces = [face for face in faces if face["scores"] and overlap(face["box"], box) > 0.3]
    best = max(faces, key=lambda face: face["score"], default=None)
    return best is not None and int(np.argmax(best["scores"])) == label


if __name__ == "__main__":
    main()
