"""The ONNX file must compute what the reference computes, up to the last bit of a requantization."""
import numpy as np
import pytest

from models.train.common.onnx_qdq import compare, to_onnx

from .test_quantize import NETS, built


@pytest.mark.parametrize("case", NETS)
def test_onnxruntime_agrees_with_the_reference(case):
    _, g, x = built(*case)
    for worst, relative in compare(g, to_onnx(g), x[:8]):
        assert relative < 0.02, (worst, relative)


def test_a_wrong_scale_is_noticed():
    _, g, x = built(*NETS[0])
    model = to_onnx(g)
    g.ops[-1].scale = g.ops[-1].scale * np.float32(1.1)
    assert max(r for _, r in compare(g, model, x[:8])) > 0.02


def test_a_detector_takes_other_sizes():
    _, g, _ = built(*NETS[1])
    other = np.random.default_rng(0).integers(0, 256, (1, 96, 32, 3)).astype(np.uint8)
    assert max(r for _, r in compare(g, to_onnx(g), other)) < 0.02
