"""Two tiny random nets that use every operator on awkward shapes, with golden vectors, for the engine's tests.

    python -m models.train.common.make_test_net        rewrites firmware/nn/tests/data/*, byte for byte the same

every_op: kind 1, grey 27x21, one raw output. pyramid: kind 2, RGB, any multiple of 32, three raw outputs of 16.
Random weights with forced hard cases: extreme biases, a dead channel, clamps that bite, non-zero zero points.
"""
from pathlib import Path

import numpy as np
import torch

from . import intgraph as ig
from .golden import golden, pictures
from .net import GraphNet, add, conv, depthwise, gap, head, maxpool2, upsample2
from .pack import pack, write
from .quantize import quantize

OUT = Path(__file__).parents[3] / "firmware/nn/tests/data"


def every_op():
    """Odd sizes on purpose (width x height): 27x21 -> 14x11 -> 7x6 -> 14x12 -> 7x6 -> 3x3, an odd column dropped."""
    return [
        conv("a", "in", 5),
        conv("b", "a", 9, stride=2),
        conv("c", "b", 9, relu=False),
        add("d", "c", "b"),
        depthwise("e", "d"),
        depthwise("f", "e", stride=2, relu=False),
        conv("g", "d", 9, kernel=1, stride=2, relu=False),
        add("h", "f", "g", relu=False),
        upsample2("i", "h"),
        conv("j", "i", 17, kernel=1),
        maxpool2("k", "j"),
        maxpool2("l", "k"),
        conv("m", "l", 33),
        gap("n", "m"),
        head("o", "n", 7),
    ]


def pyramid():
    return [
        conv("a", "in", 8, stride=2),
        depthwise("b", "a", stride=2),
        conv("c", "b", 16, kernel=1),
        conv("d", "c", 16, stride=2),
        maxpool2("e", "d"),
        conv("f", "e", 24),
        conv("g", "f", 24, stride=2, relu=False),
        conv("h", "g", 24, kernel=1, relu=False),
        upsample2("i", "h"),
        add("j", "f", "i"),
        conv("k", "j", 16, kernel=1, relu=False),
        upsample2("l", "k"),
        add("m", "d", "l", relu=False),
        head("p8", "m", 16),
        head("p16", "j", 16, kernel=3),
        head("p32", "g", 16),
    ]


def random_net(layers, channels, seed):
    torch.manual_seed(seed)
    net = GraphNet(layers, channels).eval()
    for m in net.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.weight.data.uniform_(-1.5, 1.5)
            m.bias.data.uniform_(-0.5, 0.5)
            m.running_mean.uniform_(-0.3, 0.3)
            m.running_var.uniform_(0.2, 2.0)
    return net


def harden(graph):
    """Hard cases that random weights don't make."""
    for op in graph.ops:
        if op.code == ig.CONV and not op.raw and op.out_channels > 8:
            op.w = op.w.copy()
            op.w[0] = 0  # a dead channel
            op.bias[1], op.bias[2] = 2**29, -(2**29)  # clamps at both ends
            op.w[3] = np.where(op.w[3] < 0, -127, 127)
        if op.code == ig.ADD and op.zy == 0:
            op.hi = 200  # an upper clamp below 255
    return graph


def build(name, layers, kind, channels, width, height, step, sizes):
    net = random_net(layers, channels, 11)
    rng = np.random.default_rng(5)
    calibration = np.concatenate([pictures(height, width, channels), rng.integers(0, 256, (12, height, width, channels))])
    graph = harden(quantize(net, calibration.astype(np.uint8), kind=kind, mean=117, std=50, width=width, height=height,
                            step=step, notes={"name": name, "version": "test"}, correct=False))
    size = write(OUT / f"{name}.moodnet", graph)
    data = golden(graph, pack(graph), sizes)
    (OUT / f"{name}.golden").write_bytes(data)
    print(f"{name}: model {size} bytes, golden {len(data)} bytes")


def main():
    torch.set_num_threads(1)
    build("every_op", every_op(), ig.CLASSIFIER, 1, 27, 21, 0, None)
    build("pyramid", pyramid(), ig.DETECTOR, 3, 32, 32, 32, [(32, 32), (64, 32)])


if __name__ == "__main__":
    main()
