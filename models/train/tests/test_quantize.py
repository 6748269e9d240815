"""Quantizing random nets: near the float net; the packed file reads back; damage is noticed; golden vectors hold."""
import numpy as np
import pytest
import torch

from models.train.common import golden, make_test_net, pack
from models.train.common.net import GraphNet, conv, gap, head
from models.train.common.quantize import folded, quantize
from models.train.common.reference import reals, run


def small_net(layers, channels):
    net = make_test_net.random_net(layers, channels, 3)
    for m in net.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.weight.data.uniform_(0.8, 1.2)
    return net


def built(layers, channels, width, height, step, kind, correct=True):
    net = small_net(layers, channels)
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (48, height, width, channels)).astype(np.uint8)
    g = quantize(net, x, kind=kind, mean=120, std=60, width=width, height=height, step=step,
                 notes={"name": "t", "labels": "a,b"}, correct=correct)
    return net, g, x


NETS = [(make_test_net.every_op(), 1, 27, 21, 0, 1), (make_test_net.pyramid(), 3, 64, 32, 32, 2)]


@pytest.mark.parametrize("case", NETS)
def test_int8_follows_the_float_net(case):
    net, g, x = built(*case)
    with torch.no_grad():
        want = net(torch.from_numpy((x.astype(np.float32) - 120) / 60).permute(0, 3, 1, 2).contiguous())
    for w, got in zip(want, reals(g, run(g, x))):
        w = w.permute(0, 2, 3, 1).numpy()
        noise = np.sqrt(((got - w) ** 2).mean()) / w.std()
        assert noise < 0.12, f"relative error {noise:.3f}"
        assert np.corrcoef(got.ravel(), w.ravel())[0, 1] > 0.99


def test_folded_weights_equal_batch_norm():
    net = small_net([conv("a", "in", 4, relu=False), gap("g", "a"), head("o", "g", 2)], 2)
    w, b = folded(net)["a"]
    x = torch.randn(1, 2, 8, 8)
    want = net.mods["a"](x)
    got = torch.nn.functional.conv2d(x.double(), torch.from_numpy(w), torch.from_numpy(b), padding=1)
    assert torch.allclose(got.float(), want, atol=1e-4)


def test_bias_correction_compares_means_of_the_same_pictures():
    """With 600 pictures it once compared the means of 256 of them with those of all: worse than no correction."""
    net = small_net([conv("a", "in", 8), gap("g", "a"), head("o", "g", 3)], 1)
    rng = np.random.default_rng(4)
    brightness = rng.integers(1, 256, (600, 1, 1, 1))  # pictures differ far more than rounding does
    x = (rng.integers(0, 256, (600, 12, 12, 1)) * brightness // 255).astype(np.uint8)
    with torch.no_grad():
        want = net(torch.from_numpy((x.astype(np.float32) - 120) / 60).permute(0, 3, 1, 2))[0].flatten(1).numpy()

    def error(correct):
        g = quantize(net, x, kind=1, mean=120, std=60, width=12, height=12, notes={"labels": "a"}, correct=correct)
        return np.abs((reals(g, run(g, x))[0].reshape(600, 3) - want).mean(0)).max() / want.std()

    assert error(True) < min(0.002, error(False) + 1e-3)


def test_bias_correction_brings_the_mean_nearer():
    def error(correct):
        net, g, x = built(NETS[0][0], 1, 27, 21, 0, 1, correct)
        with torch.no_grad():
            want = net(torch.from_numpy((x.astype(np.float32) - 120) / 60).permute(0, 3, 1, 2).contiguous())[0]
        return np.abs((reals(g, run(g, x))[0] - want.permute(0, 2, 3, 1).numpy()).mean((0, 1, 2))).mean()

    assert error(True) < error(False)


@pytest.mark.parametrize("case", NETS)
def test_packed_file_runs_the_same(case):
    _, g, x = built(*case)
    data = pack.pack(g)
    back = pack.unpack(data)
    assert pack.pack(back) == data and len(data) % 4 == 0 and back.notes == g.notes
    for a, b in zip(run(g, x[:4]), run(back, x[:4])):
        np.testing.assert_array_equal(a, b)


def test_a_damaged_file_is_refused():
    data = pack.pack(built(*NETS[0])[1])
    for at in (0, 9, 20, len(data) // 2, len(data) - 1):
        bad = bytearray(data)
        bad[at] ^= 1
        with pytest.raises(ValueError):
            pack.unpack(bytes(bad))
    with pytest.raises(ValueError):
        pack.unpack(data[:-4])


def test_committed_test_nets_hold_their_golden_vectors():
    for name in ("every_op", "pyramid"):
        packed = (make_test_net.OUT / f"{name}.moodnet").read_bytes()
        crc, vectors = golden.read((make_test_net.OUT / f"{name}.golden").read_bytes())
        assert crc == int.from_bytes(packed[12:16], "little")
        g = pack.unpack(packed)
        for picture, outs in vectors:
            for got, want in zip(run(g, picture[None]), outs):
                np.testing.assert_array_equal(got[0], want)
