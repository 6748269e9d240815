"""The integer net: what the packed file holds, as dataclasses of numpy arrays. No arithmetic here."""
from dataclasses import dataclass, field

import numpy as np

CONV, DEPTHWISE, ADD, MAXPOOL2, UPSAMPLE2, GAP = 1, 2, 3, 4, 5, 6
CLASSIFIER, DETECTOR = 1, 2
NONE = 65535


@dataclass
class Op:
    """One operator; the fields of firmware/nn/ARITHMETIC.md. `a`, `b` are tensor numbers; unused fields stay None.

    w: i8 (out,k,k,in) for conv, (k,k,channels) for depthwise; bias, m: i64 holding i32; s: i64; out_scale: f32.
    For add: ma, mb and s (int). For gap: m, s (int).
    """

    code: int
    a: int
    out_channels: int
    b: int = NONE
    kernel: int = 0
    stride: int = 0
    raw: bool = False
    zy: int = 0
    lo: int = 0
    hi: int = 255
    out_scale: float = 0.0
    w: np.ndarray = None
    bias: np.ndarray = None
    m: object = None
    s: object = None
    scale: np.ndarray = None  # raw: f32 per channel
    ma: int = None
    mb: int = None
    name: str = ""  # the layer's name in training; not packed


@dataclass
class Graph:
    """A whole net. Tensor 0 is the input, operator i makes tensor i + 1. step 0: only the default size."""

    kind: int
    channels: int
    width: int
    height: int
    step: int
    zero: int
    scale: float
    ops: list = field(default_factory=list)
    outputs: list = field(default_factory=list)
    notes: dict = field(default_factory=dict)

    def scale_of(self, tensor):
        return self.scale if tensor == 0 else self.ops[tensor - 1].out_scale

    def zero_of(self, tensor):
        return self.zero if tensor == 0 else self.ops[tensor - 1].zy

    def channels_of(self, tensor):
        return self.channels if tensor == 0 else self.ops[tensor - 1].out_channels


def fixed_point(real):
    """(m, s) of ARITHMETIC.md's rounding rule, for one positive real factor."""
    f, e = np.frexp(float(real))
    m, s = round(f * 2**31), 31 - int(e)
    if m == 2**31:
        m, s = 2**30, s - 1
    if not 1 <= s <= 62:
        raise ValueError(f"factor {real} is outside what m / 2^s can hold (s = {s})")
    return m, s


def add_factors(fa, fb):
    """(ma, mb, s) for an add: the largest s <= 20 with both multipliers in 1..=2^22."""
    for s in range(20, 0, -1):
        ma, mb = round(fa * 2**s), round(fb * 2**s)
        if max(ma, mb) <= 2**22:
            return max(ma, 1), max(mb, 1), s
    raise ValueError(f"add factors {fa}, {fb} are too large")
