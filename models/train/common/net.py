"""A net as a plain list of layers, so that training, quantizing and exporting all read the same list.

The operators are exactly those of firmware/nn/ARITHMETIC.md; nothing that cannot be packed can be written here.
"""
from dataclasses import dataclass

import torch
from torch import nn
import torch.nn.functional as F


@dataclass(frozen=True)
class Layer:
    """One operator. `inputs` are names of earlier layers; "in" is the picture."""

    name: str
    op: str  # conv | depthwise | add | maxpool2 | upsample2 | gap
    inputs: tuple
    out: int = 0  # output channels of a conv
    kernel: int = 3
    stride: int = 1
    relu: bool = False
    raw: bool = False  # a head: no batch norm, no activation, the real-valued accumulator


def conv(name, x, out, kernel=3, stride=1, relu=True):
    return Layer(name, "conv", (x,), out, kernel, stride, relu)


def depthwise(name, x, stride=1, relu=True):
    return Layer(name, "depthwise", (x,), 0, 3, stride, relu)


def add(name, a, b, relu=True):
    return Layer(name, "add", (a, b), relu=relu)


def maxpool2(name, x):
    return Layer(name, "maxpool2", (x,))


def upsample2(name, x):
    return Layer(name, "upsample2", (x,))


def gap(name, x):
    return Layer(name, "gap", (x,))


def head(name, x, out, kernel=1):
    """A raw output: a conv (dense on a 1x1 tensor) whose accumulator leaves the net as reals."""
    return Layer(name, "conv", (x,), out, kernel, 1, raw=True)


class GraphNet(nn.Module):
    """Runs a list of layers. Returns the raw heads' outputs in list order, NCHW."""

    def __init__(self, layers, in_channels=1):
        super().__init__()
        self.layers, self.in_channels = list(layers), in_channels
        self.mods = nn.ModuleDict()
        channels = {"in": in_channels}
        for l in self.layers:
            cin = channels[l.inputs[0]]
            if l.op in ("conv", "depthwise"):
                out = l.out if l.op == "conv" else cin
                c = nn.Conv2d(cin, out, l.kernel, l.stride, (l.kernel - 1) // 2,
                              groups=1 if l.op == "conv" else cin, bias=l.raw)
                self.mods[l.name] = c if l.raw else nn.Sequential(c, nn.BatchNorm2d(out))
                channels[l.name] = out
            else:
                assert all(channels[i] == cin for i in l.inputs), l
                channels[l.name] = cin
        self.channels = channels

    def forward(self, x):
        values, outs = {"in": x}, []
        for l in self.layers:
            y = self.apply_layer(l, values)
            values[l.name] = y
            if l.raw:
                outs.append(y)
        return outs

    def apply_layer(self, l, values):
        a = values[l.inputs[0]]
        if l.op in ("conv", "depthwise"):
            y = self.mods[l.name](a)
        elif l.op == "add":
            y = a + values[l.inputs[1]]
        elif l.op == "maxpool2":
            y = F.max_pool2d(a, 2)
        elif l.op == "upsample2":
            y = F.interpolate(a, scale_factor=2, mode="nearest")
        elif l.op == "gap":
            y = a.mean((2, 3), keepdim=True)
        return F.relu(y) if l.relu else y

    def mmac(self, height, width):
        """Million multiply-accumulates for one picture of this size."""
        sizes, total = {"in": (height, width)}, 0
        for l in self.layers:
            h, w = sizes[l.inputs[0]]
            if l.op in ("conv", "depthwise"):
                p = (l.kernel - 1) // 2
                h, w = ((v + 2 * p - l.kernel) // l.stride + 1 for v in (h, w))
                cin = 1 if l.op == "depthwise" else self.channels[l.inputs[0]]
                total += h * w * l.kernel**2 * cin * self.channels[l.name]
            elif l.op == "maxpool2":
                h, w = h // 2, w // 2
            elif l.op == "upsample2":
                h, w = h * 2, w * 2
            elif l.op == "gap":
                h = w = 1
            sizes[l.name] = (h, w)
        return total / 1e6
