"""A net as a plain list of layers, so that training, quantizing and exporting all read the same list. No torch here.

The operators are exactly those of firmware/nn/ARITHMETIC.md; nothing that cannot be packed can be written here.
"""
from dataclasses import dataclass


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


def depthwise(name, x, stride=1, relu=True, raw=False):
    return Layer(name, "depthwise", (x,), 0, 3, stride, relu, raw)


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
