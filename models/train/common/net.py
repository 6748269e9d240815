"""A list of layers as a torch module, to train it."""
import torch
from torch import nn
import torch.nn.functional as F

from .layers import Layer, add, conv, depthwise, gap, head, maxpool2, upsample2  # noqa: F401  (nets import them from here)


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
