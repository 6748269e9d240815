"""`moodring run` before single pictures: the astronaut, dogs and cats, calm people. What does it show after some seconds?

    python -m models.train.classifier.seen --program target/release/moodring [--data ../shared/data] [--photos ../shared/photos] [--json FILE] [--sheet FILE.png]

The program is started for each picture as a user would (`run --source PICTURE`); its own page is asked for the mood. Pets: every tenth picture with an odd number (no net of ours learned
from them) and without people; calm people: every twentieth of the wild set's neutral faces. `--sheet` draws all of them with what was shown, to be looked at.
"""
import argparse
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from .face_cuts import named
from .live import Daemon

HERE = Path(__file__).parent
SECONDS, TILE = 4.0, 160


def pictures(data, photos):
    """{kind: pictures}."""
    people = named(HERE / "pet_people.txt")
    pets = [p for p in sorted((Path(data) / "detect" / "pets").glob("*.jpg")) if int(p.stem.split("_")[1]) % 2 and p.name not in people]
    return {"astronaut": [Path(photos) / "astronaut.png"], "dogs": [p for p in pets if p.name.startswith("dog")][::10], "cats": [p for p in pets if p.name.startswith("cat")][::10],
            "calm people": sorted((Path(data) / "faces" / "wild" / "neutral").glob("*.jpg"))[::20]}


def shown(program, path):
    """The mood after SECONDS of a camera before which nothing moves."""
    with Daemon(program, path.resolve(), {"camera.loop": True, "camera.rate": 15}) as daemon:
        daemon.state()
        time.sleep(SECONDS)
        return daemon.state()["mood"]


def sheet(found, path):
    tiles = []
    for kind, moods in found.items():
        for file, mood in moods:
            picture = cv2.imread(str(file))
            s = TILE / max(picture.shape[:2])
            tile = np.full((TILE + 20, TILE, 3), 255, np.uint8)
            small = cv2.resize(picture, None, fx=s, fy=s, interpolation=cv2.INTER_AREA if s < 1 else cv2.INTER_LINEAR)[:TILE, :TILE]
            tile[:small.shape[0], :small.shape[1]] = small
            cv2.putText(tile, f"{kind.split()[-1]}: {mood}", (3, TILE + 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
            tiles.append(tile)
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % 8)
    cv2.imwrite(str(path), np.vstack([np.hstack(tiles[i:i + 8]) for i in range(0, len(tiles), 8)]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, type=Path)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--photos", default="../shared/photos")
    parser.add_argument("--json")
    parser.add_argument("--sheet")
    args = parser.parse_args()
    found = {}
    with ThreadPoolExecutor(4) as pool:
        for kind, files in pictures(args.data, args.photos).items():
            found[kind] = list(zip(files, pool.map(lambda f: shown(args.program, f), files)))
    out = {kind: {"pictures": len(v), "shown": {m: [x for _, x in v].count(m) for m in sorted({x for _, x in v})}} for kind, v in found.items()}
    print(json.dumps(out, indent=1))
    if args.sheet:
        sheet(found, args.sheet)
    if args.json:
        Path(args.json).write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
