"""The slow truth: runs an integer Graph exactly as firmware/nn/ARITHMETIC.md says. Golden vectors come from here.

Tensors are (N,H,W,C). Sums are taken in float64, which is exact here: every partial sum is an integer below 2^53.
"""
import numpy as np

from . import intgraph as ig

I32 = (-(2**31), 2**31 - 1)


def requantize(acc, m, s):
    return (acc.astype(np.int64) * m + (np.int64(1) << (np.asarray(s, np.int64) - 1))) >> s


def windows(x, kernel, stride):
    """(N,H,W,C) of integers with padding already done -> the k*k shifted views, each (N,rows,cols,C), row by row."""
    rows, cols = ((v - kernel) // stride + 1 for v in x.shape[1:3])
    return [x[:, r:r + (rows - 1) * stride + 1:stride, c:c + (cols - 1) * stride + 1:stride]
            for r in range(kernel) for c in range(kernel)]


def accumulate(op, x, zero):
    """bias + sum((x - zero) * w) of a conv or depthwise conv, i64; padding is real 0."""
    p = (op.kernel - 1) // 2
    x = np.pad(x.astype(np.float64) - zero, ((0, 0), (p, p), (p, p), (0, 0)))
    views = windows(x, op.kernel, op.stride)
    if op.code == ig.CONV:
        w = op.w.astype(np.float64).reshape(op.out_channels, -1).T
        acc = np.concatenate(views, -1) @ w
    else:
        acc = sum(v * t for v, t in zip(views, op.w.astype(np.float64).reshape(op.kernel**2, -1)))
    acc = acc.astype(np.int64) + op.bias
    if acc.size and (acc.min() < I32[0] or acc.max() > I32[1]):
        raise OverflowError(f"{op.name}: accumulator leaves i32")
    return acc


def run_op(graph, op, a, b=None):
    za = graph.zero_of(op.a)
    if op.code in (ig.CONV, ig.DEPTHWISE):
        acc = accumulate(op, a, za)
        if op.raw:
            return acc.astype(np.int32)
        y = op.zy + requantize(acc, op.m, op.s)
    elif op.code == ig.ADD:
        acc = (a.astype(np.int64) - za) * op.ma + (b.astype(np.int64) - graph.zero_of(op.b)) * op.mb
        y = op.zy + ((acc + (1 << (op.s - 1))) >> op.s)
    elif op.code == ig.MAXPOOL2:
        h, w = a.shape[1] // 2 * 2, a.shape[2] // 2 * 2
        a = a[:, :h, :w]
        return np.maximum(np.maximum(a[:, ::2, ::2], a[:, 1::2, ::2]), np.maximum(a[:, ::2, 1::2], a[:, 1::2, 1::2]))
    elif op.code == ig.UPSAMPLE2:
        return a.repeat(2, 1).repeat(2, 2)
    elif op.code == ig.GAP:
        y = op.zy + requantize((a.astype(np.int64) - za).sum((1, 2), keepdims=True), op.m, op.s)
    else:
        raise ValueError(f"operator code {op.code}")
    return np.clip(y, op.lo, op.hi).astype(np.uint8)


def run_all(graph, values, only=None):
    """Appends every tensor to `values` (which holds the input); with `only`, computes that one operator and returns it."""
    if only is not None:
        op = graph.ops[only]
        return run_op(graph, op, values[op.a], None if op.b == ig.NONE else values[op.b])
    for i in range(len(graph.ops)):
        values.append(run_all(graph, values, only=i))
    return values


def run(graph, pictures, batch=64):
    """(N,H,W,C) u8 -> the raw i32 outputs in output order, each (N,rows,cols,channels)."""
    parts = []
    for at in range(0, len(pictures), batch):
        values = run_all(graph, [pictures[at:at + batch]])
        parts.append([values[t] for t in graph.outputs])
    return [np.concatenate(p) for p in zip(*parts)]


def reals(graph, raw):
    """Raw outputs as f32 reals: one f32 multiplication each."""
    return [r.astype(np.float32) * graph.ops[t - 1].scale for r, t in zip(raw, graph.outputs)]
