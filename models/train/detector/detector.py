"""One detector, whatever file it comes from: grey picture in, rows of geometry.py out."""
from pathlib import Path

import cv2
import numpy as np
import torch

from ..common.pack import unpack
from ..common.reference import reals, run
from .geometry import decode_heads, letterbox, nms, rescale
from .student import MEAN, STD, build, load
from .teachers import session


class Detector:
    """`.pt`: float weights; `.onnx`: the QDQ file in ONNX Runtime; `.moodnet`: the packed file in our integer reference."""

    def __init__(self, path):
        path = str(path)
        if path.endswith(".pt"):
            net = build()
            load(net, path)
            self.heads = lambda grey: run_float(net.eval(), grey)
        elif path.endswith(".onnx"):
            s = session(path)
            self.heads = lambda grey: [h[0].transpose(2, 0, 1) for h in s.run(None, {"image": grey[None, None].astype(np.float32)})]
        else:
            graph = unpack(Path(path).read_bytes())
            self.heads = lambda grey: run_integer(graph, grey)

    def __call__(self, grey, width, height, threshold=0.02):
        canvas, s = letterbox(grey, width, height, MEAN)
        return rescale(nms(decode_heads(self.heads(canvas), threshold)), s)


@torch.no_grad()
def run_float(net, grey):
    x = (torch.from_numpy(np.ascontiguousarray(grey))[None, None].float() - MEAN) / STD
    return [h[0].numpy() for h in net(x)]


def run_integer(graph, grey):
    return [h[0].transpose(2, 0, 1) for h in reals(graph, run(graph, grey[None, :, :, None]))]


def to_grey(picture):
    """BGR to luma, as a camera's Y plane holds it."""
    return picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
