"""One detector, whatever file it comes from: BGR picture in, rows of geometry.py out."""
from pathlib import Path

import cv2
import numpy as np
import torch

from ..common.brighten import brightened
from ..common.pack import unpack
from ..common.reference import reals, run
from .geometry import decode_heads, letterbox, nms, rescale
from .student import MEAN, build, normalise
from .teachers import session


class Detector:
    """`.pt`: float weights; `.onnx`: the QDQ file in ONNX Runtime; `.moodnet`: the packed file in our integer reference."""

    def __init__(self, path):
        path = str(path)
        if path.endswith(".pt"):
            net = build()
            net.load_state_dict(torch.load(path, weights_only=True))
            self.heads = lambda bgr: run_float(net.eval(), bgr)
        elif path.endswith(".onnx"):
            s = session(path)
            self.heads = lambda bgr: [h[0].transpose(2, 0, 1) for h in s.run(None, {"image": as_image(bgr)})]
        else:
            graph = unpack(Path(path).read_bytes())
            self.heads = lambda bgr: run_integer(graph, bgr)

    def __call__(self, picture, width, height, threshold=0.02):
        canvas, s = letterbox(in_colour(picture), width, height, MEAN)
        used = tuple(slice(max(1, round(side * s))) for side in picture.shape[:2])
        canvas[used] = brightened(canvas[used])
        return rescale(nms(decode_heads(self.heads(canvas), threshold)), s)


@torch.no_grad()
def run_float(net, bgr):
    return [h[0].numpy() for h in net(normalise(torch.from_numpy(np.ascontiguousarray(bgr))[None]))]


def as_image(bgr):
    """The ONNX file's input: RGB bytes as f32, (1, 3, h, w)."""
    return np.ascontiguousarray(bgr[:, :, ::-1].transpose(2, 0, 1)[None], np.float32)


def run_integer(graph, bgr):
    return [h[0].transpose(2, 0, 1) for h in reals(graph, run(graph, np.ascontiguousarray(bgr[None, :, :, ::-1])))]


def in_colour(picture):
    """BGR, also of a grey picture."""
    return picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)


def to_grey(picture):
    """As a camera's luma shows it, in three equal channels."""
    return in_colour(picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
