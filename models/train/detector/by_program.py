"""What people notice, by the program itself: python -m models.train.detector.by_program --program target/release/moodring [--json FILE]

The sets of `measure` are written as pictures into a folder that is deleted afterwards, and `moodring analyze --json` reads them: nothing of it is imitated. A face of `near`
counts if it lies where it was put; of `turned`, where the roll that `analyze` says, and the roll of the eyes that it draws, are within 5 degrees of the turn; false faces of rooms,
scenes and animals are those that are at none of the places where the teachers see people.
"""
import argparse
import json
import math
import subprocess
import tempfile
from pathlib import Path

import cv2
import numpy as np

from ..common.markdown import table
from .geometry import iou
from .library import Library
from .sets import held, near_faces, pets, turned_photos

ANGLES = (0, 20, 30, 45)
AT_ONCE = 200  # pictures of one command


def analyzed(program, pictures, folder):
    """For each picture its faces, as `analyze --json` says them."""
    paths, said = [], []
    for i, picture in enumerate(pictures):
        paths.append(str(Path(folder) / f"{i:04}.png"))
        cv2.imwrite(paths[-1], picture)
    for i in range(0, len(paths), AT_ONCE):
        run = subprocess.run([program, "analyze", "--json", *paths[i:i + AT_ONCE]], capture_output=True, text=True, check=False)
        said += [json.loads(line) for line in run.stdout.splitlines()]
    if [v["image"] for v in said] != paths:
        raise SystemExit(f"{program} analyze: {len(said)} lines for {len(paths)} pictures\n{run.stderr[-2000:]}")
    for path in paths:
        Path(path).unlink()
    return [v.get("faces", []) for v in said]


def corners(faces):
    """(n, 4) boxes by their corners."""
    b = np.array([f["box"] for f in faces], np.float32).reshape(-1, 4)
    b[:, 2:] += b[:, :2]
    return b


def largest(faces):
    return max(faces, key=lambda f: f["box"][2] * f["box"][3])


def eyes_roll(face):
    (x0, y0), (x1, y1) = face["landmarks"][:2]
    return math.degrees(math.atan2(y1 - y0, x1 - x0))


def is_within(a, b, degrees=5):
    return abs((a - b + 180) % 360 - 180) <= degrees


def turned(see):
    """{angle: found and right, of the photos in which somebody is found upright}."""
    straight, out = see(turned_photos(0)), {}
    for angle in ANGLES[1:]:
        seen = [(before, now, angle * (-1 if k % 2 == 0 else 1)) for k, (before, now) in enumerate(zip(straight, see(turned_photos(angle)))) if before]
        both = [(largest(before), largest(now), by) for before, now, by in seen if now]
        out[str(angle)] = {"count": len(seen), "found": len(both) / len(seen), "two or more of one": sum(len(now) > len(before) for before, now, _ in seen) / len(seen),
                           "roll within 5": np.mean([is_within(now["roll_deg"] - before["roll_deg"], by) for before, now, by in both]),
                           "roll of the eyes within 5": np.mean([is_within(eyes_roll(now) - eyes_roll(before), by) for before, now, by in both])}
    return out


def false(see, pictures):
    """False faces in 1,000 pictures."""
    count = 0
    for faces, (_, known) in zip(see([p for p, _ in pictures]), pictures):
        boxes = corners(faces)
        count += len(boxes) if not len(known) else int((iou(boxes, known).max(1) < 0.3).sum()) if len(boxes) else 0
    return 1000 * count / len(pictures)


def report(program, folder):
    def see(pictures):
        return analyzed(program, pictures, folder)

    near, lib = list(near_faces()), Library()
    found = [bool(faces) and iou(box[None].astype(np.float32), corners(faces)).max() >= 0.4 for faces, (_, box, _) in zip(see([p for p, _, _ in near]), near)]
    return {"near": {"count": len(near), "found": np.mean(found)}, "turned": turned(see), "pets": {"count": len(pets()), "with a face": np.mean([bool(f) for f in see(pets())])},
            "false in 1,000": {"rooms and scenes": false(see, held(lib, ("rooms", "scenes"))), "animals": false(see, held(lib, ("animals",)))}}


def rounded(v):
    return {k: rounded(x) for k, x in v.items()} if isinstance(v, dict) else v if isinstance(v, int) else round(float(v), 4)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--program", required=True, help="a `moodring` built for release")
    a.add_argument("--json", help="also write it to this file")
    args = a.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = rounded(report(args.program, folder))
    if args.json:
        Path(args.json).write_text(json.dumps(out, indent=1) + "\n")
    table(("by `moodring analyze`", "value"), [("near and tilted, found", f"{out['near']['found']:.3f}"), ("pets with a face", f"{out['pets']['with a face']:.3f}"),
                                              *((f"false in 1,000 {k}", f"{v:.1f}") for k, v in out["false in 1,000"].items()),
                                              *((f"turned by {k}: {m}", f"{v:.3f}") for k, line in out["turned"].items() for m, v in line.items() if m != "count")])


if __name__ == "__main__":
    main()
