"""The reference executor against plain loops written here anew, and the rounding rule at its edges."""
import numpy as np
import pytest

from models.train.common import intgraph as ig
from models.train.common.intgraph import Graph, Op, add_factors, fixed_point
from models.train.common.reference import requantize, run_op


def loop_requantize(acc, m, s):
    return (int(acc) * int(m) + (1 << (int(s) - 1))) >> int(s)


def graph(zero):
    return Graph(ig.CLASSIFIER, 3, 6, 5, 0, zero, 0.02)


def loop_conv(op, x, zx):
    h, w, _ = x.shape
    p = (op.kernel - 1) // 2
    rows, cols = (h + 2 * p - op.kernel) // op.stride + 1, (w + 2 * p - op.kernel) // op.stride + 1
    out = np.zeros((rows, cols, op.out_channels), np.int64)
    for r in range(rows):
        for c in range(cols):
            for o in range(op.out_channels):
                acc = int(op.bias[o])
                for i in range(op.kernel):
                    for j in range(op.kernel):
                        y, z = r * op.stride + i - p, c * op.stride + j - p
                        if not (0 <= y < h and 0 <= z < w):
                            continue
                        if op.code == ig.DEPTHWISE:
                            acc += (int(x[y, z, o]) - zx) * int(op.w[i, j, o])
                        else:
                            acc += sum((int(x[y, z, k]) - zx) * int(op.w[o, i, j, k]) for k in range(x.shape[2]))
                if not op.raw:
                    acc = min(max(op.zy + loop_requantize(acc, op.m[o], op.s[o]), op.lo), op.hi)
                out[r, c, o] = acc
    return out


@pytest.mark.parametrize("code", [ig.CONV, ig.DEPTHWISE])
@pytest.mark.parametrize("kernel,stride", [(1, 1), (1, 2), (3, 1), (3, 2)])
@pytest.mark.parametrize("zero,raw", [(0, False), (117, False), (255, True)])
def test_convolutions_equal_plain_loops(code, kernel, stride, zero, raw):
    rng = np.random.default_rng(kernel * 10 + stride + zero)
    out = 4 if code == ig.CONV else 3
    op = Op(code, 0, out, kernel=kernel, stride=stride, raw=raw, zy=0 if raw else 9, lo=3, hi=240)
    op.w = rng.integers(-127, 128, (out, kernel, kernel, 3) if code == ig.CONV else (kernel, kernel, 3)).astype(np.int8)
    op.bias = rng.integers(-5000, 5000, out)
    op.m, op.s = (np.array(v) for v in zip(*(fixed_point(f) for f in rng.uniform(1e-4, 0.02, out))))
    x = rng.integers(0, 256, (2, 5, 6, 3)).astype(np.uint8)
    got = run_op(graph(zero), op, x)
    for i in range(2):
        np.testing.assert_array_equal(got[i], loop_conv(op, x[i], zero))


def test_accumulator_beyond_i32_is_refused():
    op = Op(ig.CONV, 0, 1, kernel=1, stride=1, raw=True, w=np.full((1, 1, 1, 3), 127, np.int8), bias=np.array([2**31 - 10]))
    with pytest.raises(OverflowError):
        run_op(graph(0), op, np.full((1, 5, 6, 3), 255, np.uint8))


def test_add_equals_plain_loop():
    rng = np.random.default_rng(3)
    g = graph(100)
    ma, mb, s = add_factors(0.71, 1.9)
    op = Op(ig.ADD, 0, 3, b=0, zy=30, lo=0, hi=255, ma=ma, mb=mb, s=s)
    a, b = rng.integers(0, 256, (2, 1, 5, 6, 3)).astype(np.uint8)
    got = run_op(g, op, a, b)
    for x, y, z in zip(a.flat, b.flat, got.flat):
        want = 30 + (((int(x) - 100) * ma + (int(y) - 100) * mb + (1 << (s - 1))) >> s)
        assert z == min(max(want, 0), 255)
    assert 255 * (ma + mb) + (1 << (s - 1)) < 2**31


def test_pool_drops_odd_edges_and_upsample_repeats():
    x = np.arange(5 * 7, dtype=np.uint8).reshape(1, 5, 7, 1)
    pooled = run_op(graph(0), Op(ig.MAXPOOL2, 0, 1), x)
    assert pooled[0, :, :, 0].tolist() == [[8, 10, 12], [22, 24, 26]]
    up = run_op(graph(0), Op(ig.UPSAMPLE2, 0, 1), pooled)
    assert up.shape == (1, 4, 6, 1) and up[0, 3, 5, 0] == 26 and up[0, 2, 1, 0] == 22


def test_average_pool_with_a_zero_point():
    x = np.array([100, 101, 103, 110], np.uint8).reshape(1, 2, 2, 1)
    m, s = fixed_point(2.0 / 4)
    got = run_op(graph(100), Op(ig.GAP, 0, 1, zy=7, m=m, s=s), x)
    assert got.item() == 7 + 7  # (0 + 1 + 3 + 10) / 4 * 2 = 7


@pytest.mark.parametrize("value,want", [(1, 1), (-1, 0), (3, 2), (-3, -1), (2, 1), (-2, -1)])
def test_halves_round_towards_plus_infinity(value, want):
    m, s = fixed_point(0.5)
    assert requantize(np.array([value]), m, s)[0] == want


@pytest.mark.parametrize("real", [1e-9, 0.3, 0.5, 0.999999999999, 1.0, 1.5, 1000.0])
def test_fixed_point_is_close_and_in_range(real):
    m, s = fixed_point(real)
    assert 2**30 <= m < 2**31 and 1 <= s <= 62
    assert abs(m / 2**s - real) <= real * 2**-30
