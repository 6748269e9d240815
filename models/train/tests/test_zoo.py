"""The starting projects' nets are theirs, and a run of them that is cut off goes on as if it had not been."""
import numpy as np
import pytest
import torch

from models.train.classifier import zoo
from models.train.classifier.data import Faces
from models.train.classifier.zoo_nets import ZOO, Entry, keras_parameters, study


@pytest.mark.parametrize("entry", ZOO, ids=lambda e: e.name)
def test_every_net_answers_with_seven_logits(entry):
    net = entry.build().eval()
    with torch.no_grad():
        assert net(torch.zeros(2, 1, 48, 48)).shape == (2, 7)


@pytest.mark.parametrize("entry", [e for e in ZOO if e.parameters], ids=lambda e: e.name)
def test_parameters_are_the_reported_ones(entry):
    assert keras_parameters(entry.build()) == entry.parameters


def test_multiply_accumulates_agree_with_the_layer_lists():
    ours = next(e for e in ZOO if e.name == "ours").build()
    listed = ours.net.mmac(48, 48)
    assert zoo.mmac(ours) == pytest.approx(listed, rel=1e-3)


def test_the_rate_warms_up_and_ends_at_nothing():
    at = [zoo.rate(e / 10, 8) for e in range(81)]
    assert max(at) == at[10] == zoo.RATE and at[80] == pytest.approx(0)
    assert all(a < b for a, b in zip(at[1:10], at[2:11])) and all(a > b for a, b in zip(at[10:], at[11:]))


def faces(count):
    rng = np.random.default_rng(3)
    return Faces(rng.integers(0, 256, (count, 48, 48), dtype=np.uint8), rng.integers(0, 7, count), np.zeros((count, 10)), np.zeros(count, bool))


def test_a_run_that_is_cut_off_ends_like_one_that_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(zoo, "BATCH", 8)
    ends = []
    for parts in ((2,), (1, 2)):
        folder = tmp_path / str(len(parts))
        folder.mkdir()
        monkeypatch.setattr(zoo, "FOLDER", folder)
        for epochs in parts:
            # The rate falls over all epochs, so the first part runs under the whole run's plan and is cut.
            monkeypatch.setattr(zoo, "rate", lambda at, _: 1e-3 / (1 + at))
            zoo.train(Entry("study", study, "", "", epochs=epochs), faces(24), faces(8))
        ends.append(torch.load(folder / "study.pt", weights_only=True))
    for name, value in ends[0]["net"].items():
        assert torch.equal(value, ends[1]["net"][name]), name
    assert [row[0] for row in ends[1]["log"]] == [0, 1]
