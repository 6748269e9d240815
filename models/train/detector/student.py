"""The detector's net as a list of layers: RGB in, one raw head of 16 channels per stride 8, 16, 32 out.

YuNet's plan (Wu et al., YuNet: A Tiny Millisecond-level Face Detector, 2023) with one unit less where units are dearest,
at stride 4, and one head for all that a cell says.
"""
import math

import torch

from ..common.net import GraphNet, add, conv, depthwise, maxpool2, upsample2

MEAN, STD = 128, 64  # the input's zero point and 1 / scale; a pixel outside the picture is 0, that is mean grey
CHANNELS = 3
DEFAULT_SIZE = (320, 256)  # width, height: multiples of 32, because the stride-32 map is doubled and added
FEATURES = ("h8", "h16", "h32")  # what the heads read: 64 channels after a ReLU
HEADS = ("head8", "head16", "head32")


def unit(name, x, channels):
    """1x1, then depthwise 3x3 and ReLU."""
    return [conv(f"{name}_pw", x, channels, 1, relu=False), depthwise(name, f"{name}_pw")]


def head(name, x):
    """A unit without its ReLU: the real-valued accumulators of 16 channels."""
    return [conv(f"{name}_pw", x, 16, 1, relu=False), depthwise(name, f"{name}_pw", relu=False, raw=True)]


def layers():
    net = [conv("c2", "in", 16, stride=2)] + unit("s2", "c2", 16) + [maxpool2("p4", "s2")]
    net += unit("s4a", "p4", 16) + unit("s4b", "s4a", 64) + unit("s4", "s4b", 64) + [maxpool2("p8", "s4")]
    net += unit("s8a", "p8", 64) + unit("s8", "s8a", 64) + [maxpool2("p16", "s8")]
    net += unit("s16a", "p16", 64) + unit("s16", "s16a", 64) + [maxpool2("p32", "s16")]
    net += unit("s32a", "p32", 64) + unit("s32b", "s32a", 64) + unit("s32", "s32b", 64)
    net += [upsample2("up16", "s32"), add("m16", "up16", "s16")] + unit("n16", "m16", 64)
    net += [upsample2("up8", "n16"), add("m8", "up8", "s8")] + unit("n8", "m8", 64)
    for feature, x in zip(FEATURES, ("n8", "n16", "s32")):
        net += unit(feature, x, 64)
    for name, feature in zip(HEADS, FEATURES):
        net += head(name, feature)
    return net


def build(seed=1):
    torch.manual_seed(seed)
    net = GraphNet(layers(), CHANNELS)
    for name in HEADS:
        dw = net.mods[name]
        torch.nn.init.zeros_(dw.bias)
        with torch.no_grad():
            dw.bias[1] = -math.log(99)  # obj starts rare
            dw.bias[2:4] = 0.5
            dw.bias[4:6] = 1.0
            dw.bias[6:16] = 0.5
    return net


def normalise(pictures):
    """BGR u8 (n, h, w, 3) to the net's input, RGB (n, 3, h, w)."""
    return ((pictures.flip(-1).float() - MEAN) / STD).permute(0, 3, 1, 2)


@torch.no_grad()
def equalise(net, batches):
    """Gives every channel between a unit's two halves the same reach, in place: what it says stays the same.

    There is nothing between the 1x1 and the depthwise conv, so a channel may be divided in one and multiplied in the
    other (Nagel et al., Data-free quantization, 2019, section 4.1); with u8 per tensor none then goes under.
    """
    reach, net = {}, net.eval()
    for x in batches:
        values = {"in": x}
        for l in net.layers:
            values[l.name] = y = net.apply_layer(l, values)
            if l.name.endswith("_pw"):
                top = y.abs().amax((0, 2, 3))
                reach[l.name] = torch.maximum(reach.get(l.name, top), top)
    for l in net.layers:
        if l.op == "depthwise":
            s = reach[l.inputs[0]].clamp(min=1e-3)
            bn, dw = net.mods[l.inputs[0]][1], net.mods[l.name]
            bn.weight /= s
            bn.bias /= s
            (dw if l.raw else dw[0]).weight *= s.view(-1, 1, 1, 1)
    return net
