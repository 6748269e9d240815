"""YuNet_n (Wu, Peng, Yu 2023, Apache-2.0), whose weights are not ours and not in this repository, as a list of our layers.

Its four heads per level are one of 16 channels here (cls, obj, box, landmarks): the same arithmetic, kinder to all engines.
"""
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import numpy_helper

from ..train.common import intgraph as ig
from ..train.common.layers import Layer, add, conv, maxpool2, upsample2
from ..train.common.quantize import Observer, round_net
from ..train.common.reference import windows

SIZE = 320  # width and height


def unit(name, x, out, relu=True, raw=False):
    """1x1, then depthwise 3x3: all that YuNet is made of."""
    return [conv(f"{name}_pw", x, out, 1, relu=False),
            Layer(f"{name}_dw", "depthwise", (f"{name}_pw",), 0, 3, 1, relu, raw)]


def layers():
    net = [conv("stem", "in", 16, stride=2)] + unit("m0", "stem", 16) + [maxpool2("pool0", "m0_dw")]
    net += unit("m1a", "pool0", 16) + unit("m1b", "m1a_dw", 64) + unit("m2a", "m1b_dw", 64) + unit("m2b", "m2a_dw", 64)
    x = "m2b_dw"
    for i in (3, 4, 5):
        net += [maxpool2(f"pool{i}", x)] + unit(f"m{i}a", f"pool{i}", 64) + unit(f"m{i}b", f"m{i}a_dw", 64)
        x = f"m{i}b_dw"
    net += unit("n32", "m5b_dw", 64) + [upsample2("up32", "n32_dw"), add("a16", "m4b_dw", "up32")]
    net += unit("n16", "a16", 64) + [upsample2("up16", "n16_dw"), add("a8", "m3b_dw", "up16")] + unit("n8", "a8", 64)
    for i in (8, 16, 32):
        net += unit(f"s{i}", f"n{i}_dw", 64)
    for i in (8, 16, 32):
        net += unit(f"head{i}", f"s{i}_dw", 16, relu=False, raw=True)
    return net


@dataclass
class Net:
    """What quantizing needs of a net."""

    layers: list
    in_channels: int
    weights: dict


def load(path):
    """The public file's weights under our layers' names. The file lists its convolutions in the order used here."""
    model = onnx.load(path)
    consts = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    found = [[consts[name].astype(np.float64) for name in n.input[1:]] for n in model.graph.node if n.op_type == "Conv"]
    names = ["stem"] + [f"{u}_{half}" for u in ("m0 m1a m1b m2a m2b m3a m3b m4a m4b m5a m5b n32 n16 n8 s8 s16 s32").split()
                        for half in ("pw", "dw")]
    if len(found) != len(names) + 24:
        raise ValueError(f"{path} is not YuNet_n: {len(found)} convolutions")
    weights = dict(zip(names, found))
    heads = found[len(names):]  # cls, box, obj, landmarks, each for three levels, each 1x1 and depthwise
    for level, stride in enumerate((8, 16, 32)):
        for half, end in enumerate(("pw", "dw")):
            parts = [heads[2 * (3 * kind + level) + half] for kind in (0, 2, 1, 3)]
            weights[f"head{stride}_{end}"] = [np.concatenate([p[i] for p in parts]) for i in (0, 1)]
    return Net(layers(), 3, {name: tuple(w) for name, w in weights.items()})


def forward(net, x):
    """Every value of the float net, and every convolution before its ReLU, on (N,H,W,C) reals, in NHWC."""
    values, before = {"in": x}, {}
    for l in net.layers:
        a = values[l.inputs[0]]
        if l.op in ("conv", "depthwise"):
            y = before[l.name] = convolve(l, a, *net.weights[l.name])
        elif l.op == "add":
            y = a + values[l.inputs[1]]
        elif l.op == "maxpool2":
            y = np.maximum.reduce([a[:, r::2, c::2] for r in (0, 1) for c in (0, 1)])
        else:
            y = a.repeat(2, 1).repeat(2, 2)
        values[l.name] = np.maximum(y, 0) if l.relu else y
    return values, before


def convolve(l, x, w, b):
    p = (l.kernel - 1) // 2
    views = windows(np.pad(x, ((0, 0), (p, p), (p, p), (0, 0))), l.kernel, l.stride)
    taps = w.reshape(*w.shape[:2], -1).astype(np.float32)
    if l.op == "depthwise":
        return sum(v * taps[:, 0, i] for i, v in enumerate(views)) + b.astype(np.float32)
    return sum(v @ taps[:, :, i].T for i, v in enumerate(views)) + b.astype(np.float32)


def quantized(path, pictures):
    """The integer graph; `pictures` are (N,320,320,3) u8, blue first, and calibrate."""
    net, seen = load(path), Observer()
    for picture in pictures:
        values, before = forward(net, picture[None].astype(np.float32))
        for l in net.layers:
            if not l.raw:
                seen.see(l.name, values[l.name])
            if l.name in before:
                seen.see_mean(l.name, before[l.name].transpose(0, 3, 1, 2))
    return round_net(net, net.weights, seen, pictures, kind=ig.DETECTOR, mean=0, std=1, width=SIZE, height=SIZE,
                     notes={"name": "yunet_n", "version": "public", "threshold": "0.6"})


def faithful(path, picture, session):
    """Largest difference of our float layers from the public file, as `session(path)` runs it, over scores and boxes."""
    values, _ = forward(load(path), picture[None].astype(np.float32))
    theirs = dict(session(path, {"input": picture.transpose(2, 0, 1)[None].astype(np.float32)}))
    worst = 0.0
    for stride in (8, 16, 32):
        mine = values[f"head{stride}_dw"].reshape(1, -1, 16)
        worst = max(worst, np.abs(1 / (1 + np.exp(-mine[..., :1])) - theirs[f"cls_{stride}"]).max(),
                    np.abs(1 / (1 + np.exp(-mine[..., 1:2])) - theirs[f"obj_{stride}"]).max(),
                    np.abs(mine[..., 2:6] - theirs[f"bbox_{stride}"]).max(),
                    np.abs(mine[..., 6:] - theirs[f"kps_{stride}"]).max())
    return float(worst)
