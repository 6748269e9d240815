"""The nets and pictures of the comparison: our two committed nets, and the public YuNet_n quantized."""
from pathlib import Path

import numpy as np
from PIL import Image

from ..train.common import pack
from . import yunet

MODELS = Path(__file__).parents[1]
SHARED = MODELS.parent.parent / "shared"
OUT = MODELS / "bench" / "out"
YUNET = SHARED / "peers" / "yunet" / "yunet_n_320_320.onnx"
PHOTOS = SHARED / "data" / "detect"


def graphs(wanted=None):
    """Name -> (integer graph, path of the packed file); YuNet only where its weights lie beside the repository."""
    found = {}
    for name in ("detector", "classifier"):
        path = MODELS / "weights" / f"{name}.moodnet"
        found[name] = pack.unpack(path.read_bytes()), path
    if YUNET.exists() and PHOTOS.exists():
        path = OUT / "yunet.moodnet"  # not ours: never committed
        if not path.exists():
            pack.write(path, yunet.quantized(YUNET, pictures(24, "BGR", yunet.SIZE, yunet.SIZE, "natural/people")))
        found["yunet_n"] = pack.unpack(path.read_bytes()), path
    else:
        print(f"!! YuNet is left out: {YUNET} and {PHOTOS} are needed")
    for graph, _ in found.values():
        for i, op in enumerate(graph.ops):
            op.name = f"op{i:02}"
    return {name: it for name, it in found.items() if wanted in (None, name)}


def photos(folder, count):
    """Paths of so many photos, spread over the folder."""
    paths = sorted(p for p in (PHOTOS / folder).rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    return [paths[i] for i in np.linspace(0, len(paths) - 1, min(count, len(paths))).astype(int)]


def letterboxed(path, form, width, height, fill=128):
    """(height,width,channels) u8; `form` is `L` (grey), `RGB`, or `BGR` as YuNet wants it; scaled to fit, top left."""
    picture = Image.open(path).convert("L" if form == "L" else "RGB")
    s = min(width / picture.width, height / picture.height)
    size = max(1, round(picture.width * s)), max(1, round(picture.height * s))
    small = np.asarray(picture.resize(size, Image.BILINEAR)).reshape(size[1], size[0], -1)
    canvas = np.full((height, width, small.shape[2]), fill, np.uint8)
    canvas[:size[1], :size[0]] = small[..., ::-1] if form == "BGR" else small
    return canvas


def pictures(count, form, width, height, folder="wider_val_subset"):
    return np.stack([letterboxed(p, form, width, height) for p in photos(folder, count)])


def pictures_for(graph, count):
    """Photos as this detector wants them: our own reads red first, YuNet blue first."""
    colours = "RGB" if graph.notes.get("name") == "detector" else "BGR"
    return pictures(count, "L" if graph.channels == 1 else colours, graph.width, graph.height)


def faces(count):
    """(count,48,48,1) u8 of FER2013's PublicTest, in its order; None without the data."""
    paths = sorted((SHARED / "data" / "fer2013" / "public_test").glob("*.png"))
    if not paths:
        return None
    sheets = (np.asarray(Image.open(p)).reshape(-1, 48, 48, 1) for p in paths[:-(-count // 100)])
    return np.concatenate(list(sheets))[:count]


def example(graph):
    """One picture to time on: a real one where there is one."""
    if graph.width == 48:
        found = faces(1)
        if found is not None:
            return found[0]
    elif PHOTOS.exists():
        return pictures_for(graph, 1)[0]
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (graph.height, graph.width, graph.channels)).astype(np.uint8)
