"""A trained GraphNet -> an integer Graph: fold batch norm, choose ranges on real inputs, round, correct the bias.

Weights: i8 per output channel, symmetric, scale by least squared error. Activations: u8 per tensor, range by least
squared error over samples (`mse`), or the full range (`max`). The rules are firmware/nn/ARITHMETIC.md's.
"""
import numpy as np

from . import intgraph as ig
from .intgraph import Graph, Op
from .reference import accumulate, run_all

SAMPLES = 4096  # values kept per tensor and calibration batch
CORRECTED_ON = 256  # pictures on which biases are corrected


def folded(net):
    """{layer name: (w, b)} of convolutions with batch norm folded in: w (out,in/groups,k,k), b (out), float64."""
    out = {}
    for l in net.layers:
        if l.op not in ("conv", "depthwise"):
            continue
        mod = net.mods[l.name]
        if l.raw:
            w, b = mod.weight.detach().double(), mod.bias.detach().double()
        else:
            c, bn = mod
            gain = bn.weight.detach().double() / (bn.running_var.double() + bn.eps).sqrt()
            w = c.weight.detach().double() * gain.view(-1, 1, 1, 1)
            b = bn.bias.detach().double() - bn.running_mean.double() * gain
        out[l.name] = (w.numpy(), b.numpy())
    return out


class Observer:
    """Range and a sample of the values of every tensor, and the mean per channel of what convolutions make."""

    def __init__(self):
        self.low, self.high, self.sample, self.sums, self.count = {}, {}, {}, {}, {}
        self.rng = np.random.default_rng(0)

    def see(self, name, x):
        self.low[name] = min(self.low.get(name, 0.0), float(x.min()))
        self.high[name] = max(self.high.get(name, 0.0), float(x.max()))
        flat = np.asarray(x, np.float32).ravel()
        pick = flat[self.rng.integers(0, len(flat), min(SAMPLES, len(flat)))]
        self.sample.setdefault(name, []).append(pick)

    def see_mean(self, name, x):
        self.sums[name] = self.sums.get(name, 0.0) + np.asarray(x, np.float64).sum((0, 2, 3))
        self.count[name] = self.count.get(name, 0) + x.shape[0] * x.shape[2] * x.shape[3]

    def range(self, name, how):
        """(low, high) that the u8 of this tensor spans; 0 lies inside."""
        low, high = self.low[name], max(self.high[name], 1e-6)
        if how == "max":
            return low, high
        v = np.concatenate(self.sample[name])
        best = min(np.linspace(0.3, 1.0, 36), key=lambda f: clip_error(v, low * f, high * f))
        return low * best, high * best


def clip_error(v, low, high):
    scale = (high - low) / 255
    zero = round(-low / scale)
    return float(np.mean((v - (np.clip(np.round(v / scale) + zero, 0, 255) - zero) * scale) ** 2))


def observe(net, batches):
    """Runs the float net on real-valued NCHW batches."""
    import torch  # not above: whoever brings a net without torch brings its observations too

    seen = Observer()
    net.eval()
    with torch.no_grad():
        for x in batches:
            values = {"in": x}
            for l in net.layers:
                values[l.name] = y = net.apply_layer(l, values)
                if not l.raw:
                    seen.see(l.name, y)
                if l.op in ("conv", "depthwise"):
                    seen.see_mean(l.name, net.mods[l.name](values[l.inputs[0]]))
    return seen


def weight_scales(w, how):
    """Per output channel: the scale whose rounding to -127..127 loses least (how = mse), or max / 127."""
    flat = w.reshape(len(w), -1)
    top = np.abs(flat).max(1) / 127
    top[top == 0] = 1e-8
    if how == "max":
        return top
    tries = np.linspace(0.7, 1.0, 31)
    errors = [((np.clip(np.round(flat / (top * t)[:, None]), -127, 127) * (top * t)[:, None] - flat) ** 2).sum(1)
              for t in tries]
    return top * tries[np.argmin(errors, 0)]


def make_conv(l, x, graph, weights, seen, how):
    w, b = weights[l.name]
    sx = graph.scale_of(x)
    depthwise = l.op == "depthwise"
    op = Op(ig.DEPTHWISE if depthwise else ig.CONV, x, len(w), kernel=l.kernel, stride=l.stride, raw=l.raw, name=l.name)
    # A channel of tiny weights but a real bias: its bias must still fit in i32.
    sw = np.maximum(weight_scales(w, how), np.abs(b) / (sx * 2**29))
    if not l.raw:
        place(op, l, seen, how)
        # A channel so faint that its factor leaves the fixed-point range: it is zero at u8 precision.
        sw = np.maximum(sw, 2.0**-30 * op.out_scale / sx)
    # Rounded to f32 before anything follows from it: the ONNX file holds f32, and `moodring model pack` must come to the same bytes.
    sw = sw.astype(np.float32).astype(np.float64)
    q = np.clip(np.round(w / sw.reshape(-1, 1, 1, 1)), -127, 127).astype(np.int8)
    op.w = q[:, 0].transpose(1, 2, 0).copy() if depthwise else q.transpose(0, 2, 3, 1).copy()
    op.bias = np.round(b / (sx * sw)).astype(np.int64)
    if l.raw:
        op.scale = (sx * sw).astype(np.float32)
        return op
    op.m, op.s = (np.array(v, np.int64) for v in zip(*(ig.fixed_point(f) for f in sx * sw / op.out_scale)))
    return op


def place(op, l, seen, how, positive=False):
    """Output scale, zero point and clamp from the observed range."""
    low, high = seen.range(l.name, how)
    if l.relu or positive:
        op.out_scale, op.zy = float(np.float32(high / 255)), 0
    else:
        op.out_scale = float(np.float32((high - low) / 255))
        op.zy = int(np.clip(round(-low / op.out_scale), 0, 255))


def make_other(l, inputs, graph, seen, sizes, how):
    a = inputs[0]
    op = Op({"add": ig.ADD, "maxpool2": ig.MAXPOOL2, "upsample2": ig.UPSAMPLE2, "gap": ig.GAP}[l.op], a,
            graph.channels_of(a), name=l.name)
    if l.op == "add":
        op.b = inputs[1]
        place(op, l, seen, how)
        op.ma, op.mb, op.s = ig.add_factors(graph.scale_of(a) / op.out_scale, graph.scale_of(op.b) / op.out_scale)
    elif l.op == "gap":
        place(op, l, seen, how, positive=graph.zero_of(a) == 0)
        h, w = sizes[a]
        op.m, op.s = ig.fixed_point(graph.scale_of(a) / (op.out_scale * h * w))
    else:
        op.out_scale, op.zy = graph.scale_of(a), graph.zero_of(a)
    return op


def out_size(op, h, w):
    """Output rows and columns of an operator on an h x w input."""
    if op.code in (ig.CONV, ig.DEPTHWISE):
        p = (op.kernel - 1) // 2
        return (h + 2 * p - op.kernel) // op.stride + 1, (w + 2 * p - op.kernel) // op.stride + 1
    return {ig.ADD: (h, w), ig.MAXPOOL2: (h // 2, w // 2), ig.UPSAMPLE2: (2 * h, 2 * w), ig.GAP: (1, 1)}[op.code]


def quantize(net, pictures, *, mean, std, batch=64, **form):
    """GraphNet and calibration pictures (N,H,W,C) u8 -> Graph. `mean` is an integer, normalisation (byte - mean) / std.

    The rest as for `round_net`.
    """
    import torch

    def real(some):
        return [torch.from_numpy((some[i:i + batch].astype(np.float32) - mean) / std).permute(0, 3, 1, 2).contiguous()
                for i in range(0, len(some), batch)]

    seen = observe(net, real(pictures))
    # Means are compared on the same pictures: those of a part and of the whole differ by more than rounding does.
    part = pictures[np.linspace(0, len(pictures) - 1, min(CORRECTED_ON, len(pictures))).astype(int)]
    again = observe(net, real(part))
    seen.sums, seen.count = again.sums, again.count
    return round_net(net, folded(net), seen, part, mean=mean, std=std, **form)


def round_net(net, weights, seen, pictures, *, kind, mean, std, width, height, step=0, notes=None, how="mse", correct=True):
    """Layers (`net.layers`, `net.in_channels`), their folded weights and what an Observer saw -> Graph.

    `width`, `height` are the default input size; `step` 0 allows only that. `correct` shifts each bias so that the
    integer net's mean per channel on `pictures` equals the float net's, which `seen` must have taken from the same ones.
    """
    graph = Graph(kind, net.in_channels, width, height, step, int(mean), float(np.float32(1 / std)), notes=dict(notes or {}))
    number, sizes = {"in": 0}, {0: (height, width)}
    for l in net.layers:
        inputs = [number[i] for i in l.inputs]
        if l.op in ("conv", "depthwise"):
            op = make_conv(l, inputs[0], graph, weights, seen, how)
        else:
            op = make_other(l, inputs, graph, seen, sizes, how)
        graph.ops.append(op)
        number[l.name] = len(graph.ops)
        sizes[len(graph.ops)] = out_size(op, *sizes[inputs[0]])
        if l.raw:
            graph.outputs.append(len(graph.ops))
    if correct:
        correct_bias(graph, seen, pictures)
    check(graph)
    return graph


def correct_bias(graph, seen, pictures):
    """Nagel et al. 2019, section 4.2, measured instead of derived; in order, since each fix moves what follows.

    The means of `seen` must be those of these very pictures.
    """
    values = [pictures]
    for i, op in enumerate(graph.ops):
        if op.code in (ig.CONV, ig.DEPTHWISE):
            factor = graph.scale_of(op.a) * scales_of(op, graph)
            mean = accumulate(op, values[op.a], graph.zero_of(op.a)).mean((0, 1, 2)) * factor
            want = seen.sums[op.name] / seen.count[op.name]
            op.bias = np.clip(op.bias + np.round((want - mean) / factor), -(2**30), 2**30).astype(np.int64)
        values.append(run_all(graph, values, only=i))


def scales_of(op, graph):
    """Weight scale per output channel, recovered from the requantizing factors (or the raw scale)."""
    if op.raw:
        return op.scale.astype(np.float64) / graph.scale_of(op.a)
    return op.m / 2.0**op.s * op.out_scale / graph.scale_of(op.a)


def check(graph):
    """The proofs that the parser makes too: accumulators fit in i32, fields are in range."""
    for op in graph.ops:
        if op.code in (ig.CONV, ig.DEPTHWISE):
            axes = (1, 2, 3) if op.code == ig.CONV else (0, 1)
            zero = graph.zero_of(op.a)
            top = np.abs(op.w.astype(np.int64)).sum(axes) * max(zero, 255 - zero) + np.abs(op.bias)
            if top.max() >= 2**31:
                raise ValueError(f"{op.name}: an accumulator can reach {top.max()}, i32 overflows")
    if len(graph.outputs) == 0:
        raise ValueError("a net without a raw head has no output")
