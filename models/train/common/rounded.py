"""Rounding in the loop, to train with it: a GraphNet as the integer engine runs it, gradients straight through.

Batch norm is frozen and folded; weights are rounded per channel and every stored tensor to u8 in the ranges that
quantize.py would choose (Jacob et al. 2018, section 3; Bengio et al. 2013 for the gradient).
"""
import torch
import torch.nn.functional as F

from .quantize import observe, weight_scales


def through(x, rounded):
    """`rounded` forward, the gradient of `x` backward."""
    return x + (rounded - x).detach()


class Rounded:
    """Runs a GraphNet as the integer engine would, in reals. Returns the heads' outputs and the layers named in `also`."""

    def __init__(self, net, batches, also=()):
        """`batches` are the real-valued NCHW pictures from which ranges are taken."""
        self.net, self.also = net.eval(), also
        seen = observe(net, batches)
        self.ranges = {n: seen.range(n, "mse") for n in seen.low}
        self.ratio = {}

    def folded(self, l):
        mod = self.net.mods[l.name]
        if l.raw:
            return mod.weight, mod.bias
        c, bn = mod
        gain = bn.weight / (bn.running_var + bn.eps).sqrt()
        return c.weight * gain.view(-1, 1, 1, 1), bn.bias - bn.running_mean * gain

    def weights(self, l):
        w, b = self.folded(l)
        top = w.detach().flatten(1).abs().amax(1).clamp(min=1e-8) / 127
        if l.name not in self.ratio:  # how far below its largest weight each channel is best cut, chosen once
            best = torch.from_numpy(weight_scales(w.detach().double().numpy(), "mse")).float()
            self.ratio[l.name] = (best / top).clamp(max=1.0)
        s = (top * self.ratio[l.name]).view(-1, 1, 1, 1)
        return through(w, (w / s).round().clamp(-127, 127) * s), b

    def stored(self, l, y):
        low, high = self.ranges[l.name]
        low = 0.0 if l.relu else low
        s = (high - low) / 255
        zero = round(-low / s)
        clipped = y.clamp(-zero * s, (255 - zero) * s)
        return through(clipped, (clipped / s).round() * s)

    def __call__(self, x):
        values, outs = {"in": x.contiguous(memory_format=torch.channels_last)}, []
        for l in self.net.layers:
            a = values[l.inputs[0]]
            if l.op in ("conv", "depthwise"):
                w, b = self.weights(l)
                y = F.conv2d(a, w, b, l.stride, (l.kernel - 1) // 2, groups=1 if l.op == "conv" else a.shape[1])
                y = F.relu(y) if l.relu else y
            else:
                y = self.net.apply_layer(l, values)
            values[l.name] = y if l.raw or l.op in ("maxpool2", "upsample2") else self.stored(l, y)
            if l.raw:
                outs.append(y)
        return outs, [values[name] for name in self.also]
