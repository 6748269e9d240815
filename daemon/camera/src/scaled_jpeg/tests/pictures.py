"""Writes the pictures beside it, which the tests read: waves, a slope and an edge. Needs Pillow, NumPy, simplejpeg and ffmpeg."""

import pathlib
import subprocess

import numpy as np
import simplejpeg
from PIL import Image

HERE = pathlib.Path(__file__).parent
y, x = np.mgrid[0:61, 0:93].astype(float)
edge = np.where(x // 31 % 2 == 0, 25, -25)
red = 128 + 50 * np.sin(x / 11) + 20 * np.cos(y / 9) + edge
green = 60 + x - y / 2 + edge
blue = 150 - x / 2 + y / 3 + edge
picture = Image.fromarray(np.clip(np.stack([red, green, blue], -1), 0, 255).astype(np.uint8))
kinds = {
    "444": {"subsampling": "4:4:4"},
    "422": {"subsampling": "4:2:2"},
    "420": {"subsampling": "4:2:0"},
    "420_restarts": {"subsampling": "4:2:0", "restart_marker_blocks": 4},
    "422_optimized": {"subsampling": "4:2:2", "optimize": True},
    "progressive": {"progressive": True},
}
for name, options in kinds.items():
    picture.save(HERE / f"{name}.jpg", quality=88, **options)
picture.convert("L").save(HERE / "grey.jpg", quality=88)
pixels = np.ascontiguousarray(np.asarray(picture))
for name in ("440", "411"):
    (HERE / f"{name}.jpg").write_bytes(simplejpeg.encode_jpeg(pixels, quality=88, colorsubsampling=name))
# Its chroma has two blocks in a unit.
for name, kind in (("422_of_ffmpeg", "yuvj422p"), ("444_of_ffmpeg", "yuvj444p")):
    size = f"{picture.width}x{picture.height}"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-i", "-", "-pix_fmt", kind, "-q:v", "3", HERE / f"{name}.jpg"]
    subprocess.run(command, input=pixels.tobytes(), check=True)
