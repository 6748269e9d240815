"""A net that goes on learning begins as the released one: its batch norms, and blocks that it grows, change nothing at first."""
import numpy as np
import torch

from ..classifier import cycles
from ..classifier.photos import WEIGHTS
from ..classifier.second import float_net, normalise
from ..common import pack


def crops(seed, count):
    return np.random.default_rng(seed).integers(0, 256, (count, 48, 48), np.uint8)


def released():
    return float_net(pack.unpack((WEIGHTS / "classifier.moodnet").read_bytes()))


@torch.no_grad()
def answers(net, pixels):
    return [o.flatten(1) for o in net(normalise(torch.from_numpy(pixels)[:, None].float()))]


def test_batch_norms_with_statistics_are_the_same_function():
    before, after = (answers(net, crops(1, 8)) for net in (released(), cycles.with_statistics(released(), crops(2, 64))))
    for a, b in zip(before, after):
        assert torch.allclose(a, b, atol=2e-3)


def test_and_the_batch_itself_gives_nearly_the_same_while_it_learns():
    pixels = crops(2, 64)
    net = cycles.with_statistics(released(), pixels)
    resting, learning = answers(net, pixels), answers(net.train(), pixels)
    for a, b in zip(resting, learning):
        assert torch.allclose(a, b, atol=0.05)


def test_a_deeper_net_begins_as_the_released_one(monkeypatch):
    faces = type("Faces", (), {"pixels": crops(3, 1024)})
    monkeypatch.setattr(cycles, "load_split", lambda root, split: faces)
    monkeypatch.setattr(cycles, "clean_indices", lambda split: np.arange(1024))
    deeper = cycles.start_net("nowhere", "deeper")
    assert "s0b1a" in deeper.mods and "s0b1a" not in released().mods
    for a, b in zip(answers(released(), crops(1, 8)), answers(deeper.eval(), crops(1, 8))):
        assert torch.allclose(a, b, atol=2e-3)
