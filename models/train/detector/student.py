"""The detector's net as a list of layers: one grey channel in, one raw head of 16 channels per stride 8, 16, 32 out."""
import math

import torch

from ..common.net import GraphNet, add, conv, depthwise, head, upsample2

MEAN, STD = 128, 64  # the input's zero point and 1 / scale; a pixel outside the picture is 0, that is mean grey
DEFAULT_SIZE = (320, 256)  # width, height: multiples of 32, because the stride-32 map is doubled and added


def pair(x, name, channels):
    """Depthwise then 1x1 with a shortcut."""
    return [depthwise(f"{name}_dw", x), conv(f"{name}_pw", f"{name}_dw", channels, 1, relu=False),
            add(name, f"{name}_pw", x)]


def residual(x, name, channels):
    """Two 3x3 convs with a shortcut."""
    return [conv(f"{name}_a", x, channels), conv(f"{name}_b", f"{name}_a", channels, relu=False),
            add(name, f"{name}_b", x)]


def layers():
    """Plain convs early with few channels; long reach at stride 32 so that a frame-filling face is seen whole."""
    net = [conv("c2", "in", 16, stride=2), conv("c4", "c2", 16, stride=2)] + pair("c4", "s4", 16)
    net += [conv("c8", "s4", 48, stride=2)] + pair("c8", "s8a", 48) + pair("s8a", "s8", 48)
    net += [conv("c16", "s8", 64, stride=2)]
    net += pair("c16", "s16a", 64) + pair("s16a", "s16b", 64) + pair("s16b", "s16", 64)
    net += [conv("c32", "s16", 64, stride=2)] + residual("c32", "s32a", 64) + residual("s32a", "s32", 64)
    net += [upsample2("up16", "s32"), add("m16", "up16", "s16")] + pair("m16", "p16a", 64) + pair("p16a", "p16", 64)
    net += [conv("side8", "p16", 48, 1, relu=False), upsample2("up8", "side8"), add("m8", "up8", "s8")]
    net += pair("m8", "p8a", 48) + pair("p8a", "p8", 48)
    return net + [head("head8", "p8", 16), head("head16", "p16", 16), head("head32", "s32", 16)]


# Layers that a net of an earlier version has under another name; what it lacks altogether starts as a shortcut.
EARLIER = {"s8a": "s8", "s16b": "s16", "p16a": "p16", "p8a": "p8"}
NEW = ("s4", "s8", "s16", "p16", "p8")


def graft(net, old):
    """Weights of version 0.1 into this deeper net so that it computes the same: each new pair adds nothing at first."""
    own = net.state_dict()
    for name in own:
        layer, rest = name.split(".", 2)[1:]
        base, _, part = layer.partition("_")
        if base in NEW and part:
            if part == "pw" and rest in ("1.weight", "1.bias"):
                own[name] = torch.zeros_like(own[name])
        else:
            own[name] = old[f"mods.{EARLIER.get(base, base)}{'_' + part if part else ''}.{rest}"]
    net.load_state_dict(own)


def load(net, path):
    """A checkpoint of smoothed weights into `net`; one of version 0.1 is grafted."""
    state = torch.load(path, weights_only=True)
    if "mods.s4_dw.0.weight" in state:
        net.load_state_dict(state)
    else:
        graft(net, state)


def build(seed=1):
    torch.manual_seed(seed)
    net = GraphNet(layers(), 1)
    for name in ("head8", "head16", "head32"):
        conv_ = net.mods[name]
        torch.nn.init.normal_(conv_.weight, std=0.01)
        torch.nn.init.zeros_(conv_.bias)
        with torch.no_grad():
            conv_.bias[1] = -math.log(99)  # obj starts rare
            conv_.bias[2:4] = 0.5
            conv_.bias[4:6] = 1.0
            conv_.bias[6:16] = 0.5
    return net


def normalise(grey):
    """u8 (n, h, w) to the net's input."""
    return (grey.unsqueeze(1).float() - MEAN) / STD
