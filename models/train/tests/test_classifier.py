"""The classifier's training code on made-up data: geometry, cleaning, fused heads, exact resuming, the CSV."""
import argparse
import csv
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from models.train.classifier import augment, data, evaluate, export, export_csv, framing, train
from models.train.classifier.net import grown, training_net


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A data folder of 100 + 20 noise pictures, with landmarks, and a place for runs."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    for split, count in (("train", 100), ("public_test", 20)):
        folder = tmp_path / "fer2013" / split
        folder.mkdir(parents=True)
        pixels = rng.integers(0, 256, (count, 48, 48)).astype(np.uint8)
        if split == "train":
            pixels[1], pixels[2] = pixels[0], 7  # a copy and a blank
        for i in range(0, count, 20):
            Image.fromarray(pixels[i:i + 20].reshape(-1, 48)).save(folder / f"{i // 20:03}.png")
        votes = rng.multinomial(10, np.ones(10) / 10, count).astype(np.uint8)
        np.savez(tmp_path / "fer2013" / f"{split}_labels.npz", labels=rng.integers(0, 7, count).astype(np.uint8),
                 ferplus_votes=votes, match=np.where(np.arange(count) == 5, 3, 1).astype(np.uint8))
        points = augment.FRAMING + rng.normal(0, 1, (count, 5, 2))
        np.savez(tmp_path / f"landmarks_{split}.npz", score=np.ones(count), spread=np.zeros(count), points=points)
    monkeypatch.setattr(train, "CACHE", tmp_path)
    monkeypatch.setattr(train, "RUNS", tmp_path / "runs")
    return tmp_path


def trainer(folder, name, **changed):
    settings = dict(data=str(folder), run=name, epochs=2, batch=32, lr=0.05, seed=1, weak_augmentation=False, start_from=None,
                    shape="small", decay_epochs=0, low_resolution_side=48, branch=None, teacher=None, online_teacher=None, teacher_share=0.5)
    return train.Trainer(argparse.Namespace(**settings | changed))


def test_a_resumed_run_is_the_same_run(fake):
    whole = trainer(fake, "whole")
    whole.run()
    cut = trainer(fake, "cut")
    cut.run_epoch()
    cut.epoch = 1
    cut.save()
    resumed = trainer(fake, "cut")
    assert resumed.epoch == 1
    resumed.run_epoch()
    for a, b in zip(whole.ema.net.state_dict().values(), resumed.ema.net.state_dict().values()):
        assert torch.equal(a, b)


def test_other_settings_do_not_resume(fake):
    first = trainer(fake, "x")
    first.save()
    with pytest.raises(SystemExit, match="--epochs 2: choose another"):
        trainer(fake, "x", epochs=3)
    level = trainer(fake, "level", epochs=4, decay_epochs=2)
    level.save()
    assert trainer(fake, "level", epochs=9, decay_epochs=2).epoch == 0  # longer, as long as the fall has not begun
    level.epoch = 3
    level.save()
    with pytest.raises(SystemExit, match="--epochs 4"):
        trainer(fake, "level", epochs=9, decay_epochs=2)


def test_a_level_rate_falls_to_nothing_and_shows_small_pictures_until_then(fake):
    level = trainer(fake, "level", epochs=4, decay_epochs=2, low_resolution_side=40)
    assert [level.rate(step, 40, 10) for step in (10, 19, 20)] == [0.05] * 3
    assert level.rate(30, 40, 10) == pytest.approx(0.025) and level.rate(40, 40, 10) == 0
    assert np.isfinite(level.run_epoch())
    level.epoch = 1
    level.save()
    copy = trainer(fake, "copy", branch="level", decay_epochs=1)
    assert copy.epoch == 1 and not (copy.dir / "last.pt").exists()


def test_blanks_and_copies_are_cleaned_and_leaks_found(fake):
    faces = data.load_split(fake, "train")
    keep = data.clean_indices(faces)
    assert len(keep) == 98 and 0 in keep and 1 not in keep and 2 not in keep
    assert not faces.trusted[5] and faces.trusted[6]
    leaky = data.load_split(fake, "public_test")
    leaky.pixels[3] = faces.pixels[9]
    assert np.flatnonzero(~data.leak_free(leaky, faces)).tolist() == [3]


def test_ferplus_columns_become_our_labels():
    votes = np.eye(10, dtype=np.float32) * 10
    faces = data.Faces(np.zeros((10, 48, 48), np.uint8), np.zeros(10, int), votes, np.ones(10, bool))
    mask, label = data.ferplus_majority(faces)
    names = [data.LABELS[i] if i < 7 else "none" for i in label[:8]]
    assert names == ["neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "none"]
    assert mask.tolist() == [True] * 8 + [False] * 2


@pytest.mark.parametrize("roll,scale,shift", [(0, 1, (0, 0)), (25, 1.3, (4, -7)), (-80, 0.4, (10, 3))])
def test_similarity_recovers_the_map(roll, scale, shift):
    a, b = scale * np.cos(np.radians(roll)), scale * np.sin(np.radians(roll))
    linear = np.array([[a, -b], [b, a]])
    points = augment.FRAMING @ linear.T + shift
    got = augment.similarity(points[None])[0]
    np.testing.assert_allclose(got, np.column_stack([linear, shift]), atol=1e-4)


def test_resampling_moves_what_it_says():
    x = torch.zeros(1, 1, 48, 48)
    x[0, 0, 20, 10] = 255
    same = augment.resample(x, augment.identity(1))
    assert torch.allclose(same, x, atol=1e-3)
    right = evaluate.moved(x, shift=(0.125, 0))  # 6 pixels
    assert right[0, 0, 20, 16] > 250 and right[0, 0, 20, 10] < 5
    g = torch.Generator().manual_seed(0)
    aligned = augment.resample(x, augment.compose(augment.identity(1), augment.identity(1)))
    assert torch.allclose(aligned, x, atol=1e-3)
    out = augment.augment(torch.full((64, 48, 48), 90, dtype=torch.uint8), augment.identity(64), g)
    assert out.shape == (64, 1, 48, 48) and out.min() >= 0 and out.max() <= 255 and torch.equal(out, out.round())


def test_fused_head_is_the_mixture_of_both():
    net = train.training_net().eval()
    x = torch.randn(2, 1, 48, 48)
    with torch.no_grad():
        fer, votes = (o.flatten(1) for o in net(x))
        got = export.fuse(net, "small", 0.3)(x)[0].flatten(1)
        balanced = export.fuse(net, "small", 0.3, 0.5, np.full(7, 0.25))(x)[0].flatten(1)
    ours = torch.empty_like(fer)
    ours[:, list(data.FERPLUS_TO_FER)] = votes[:, :7]
    assert torch.allclose(got, 0.7 * fer + 0.3 * ours, atol=1e-5)
    assert torch.allclose(balanced, got + 0.5 * np.log(4), atol=1e-5)


def test_a_teacher_takes_its_share_of_the_target(tmp_path):
    votes = np.eye(10, dtype=np.float32)[:2] * 10
    faces = data.Faces(np.zeros((2, 48, 48), np.uint8), np.array([0, 3]), votes, np.array([True, True]))
    taught = np.full((2, 7), 1 / 7, np.float32)
    np.savez(tmp_path / "t.npz", target=taught)
    plain = train.targets(faces)[0]
    mixed = train.targets(faces, train.load_teacher(tmp_path / "t.npz", 2), 0.5)[0]
    assert torch.allclose(mixed, (plain + 1 / 7) / 2) and torch.allclose(mixed.sum(1), torch.ones(2))
    with pytest.raises(SystemExit, match="run `teach` again"):
        train.load_teacher(tmp_path / "t.npz", 3)


def test_calibration_error_and_temperature():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 7, 4000)
    sure = np.full((4000, 7), 0.05)
    sure[np.arange(4000), np.where(rng.random(4000) < 0.7, labels, (labels + 1) % 7)] = 0.7
    assert evaluate.calibration_error(sure, labels) < 0.03
    assert evaluate.calibration_error(np.eye(7)[sure.argmax(1)], labels) == pytest.approx(0.3, abs=0.03)
    temperature = export.fit_temperature((3 * np.log(sure)).astype(np.float32), labels)
    assert temperature == pytest.approx(3, abs=0.3)


def test_best_face_decodes_yunet():
    """One hot cell at stride 16, row 2, column 3, its nose half a cell right and a quarter down."""
    shapes = [(1, (64 // s) ** 2) for s in (8, 16, 32)]
    outs = [np.zeros((*s, 1)) for s in shapes] * 2 + [np.zeros((*s, 4)) for s in shapes] + [np.zeros((*s, 10)) for s in shapes]
    outs = [o.copy() for o in outs]
    outs[1][0, 11], outs[4][0, 11] = 0.81, 1.0
    outs[10][0, 11, 4:6] = 0.5, 0.25
    score, points = framing.best_face(outs, 64)
    assert score[0] == pytest.approx(0.9)
    assert points[0, 2].tolist() == [3.5 * 16, 2.25 * 16] and points[0, 0].tolist() == [48, 32]


def test_csv_holds_the_split(fake, monkeypatch):
    out = fake / "fer.csv"
    monkeypatch.setattr(sys, "argv", ["export_csv", str(out), "--data", str(fake)])
    export_csv.main()
    rows = list(csv.DictReader(open(out)))
    faces = data.load_split(fake, "public_test")
    assert len(rows) == 20 and {r["Usage"] for r in rows} == {"PublicTest"}
    assert int(rows[7]["emotion"]) == faces.labels[7]
    assert np.array_equal(np.array(rows[7]["pixels"].split(), int), faces.pixels[7].ravel())


def test_the_calm_stage_begins_with_the_averaged_net(fake):
    first = trainer(fake, "first")
    first.run_epoch()
    first.save()
    second = trainer(fake, "calm", epochs=1, weak_augmentation=True, start_from="first")
    for a, b in zip(first.ema.net.state_dict().values(), second.net.state_dict().values()):
        assert torch.equal(a, b)
    assert np.isfinite(second.run_epoch())


def test_watching_teachers_answer_for_each_view_and_a_run_goes_on_exactly(fake):
    first = trainer(fake, "first")
    first.run_epoch()
    first.save()
    settings = dict(epochs=2, decay_epochs=1, low_resolution_side=40, start_from="first", online_teacher=["first:small", "first:small"], teacher_share=0.7)
    whole = trainer(fake, "watched", **settings)
    x = train.normalise(torch.rand(4, 1, 48, 48) * 255)
    teacher_answers = whole.online_teachers(x)
    with torch.no_grad():
        assert torch.allclose(teacher_answers, first.ema.net(x)[0].flatten(1).softmax(1), atol=0.02) and not teacher_answers.requires_grad
    whole.run()
    cut = trainer(fake, "cut", **settings)
    cut.run_epoch()
    cut.epoch = 1
    cut.save()
    resumed = trainer(fake, "cut", **settings)
    resumed.run_epoch()
    for a, b in zip(whole.ema.net.state_dict().values(), resumed.ema.net.state_dict().values()):
        assert torch.equal(a, b)
    with pytest.raises(SystemExit, match="there is no"):
        trainer(fake, "y", online_teacher=["nobody"])
    with pytest.raises(SystemExit, match="one of them only"):
        trainer(fake, "y", online_teacher=["first:small"], teacher="t.npz")


def test_a_grown_net_answers_as_before_and_learns():
    old, new = training_net("wide").eval(), training_net("deep").eval()
    new.load_state_dict(grown(new, old.state_dict()))
    x = torch.randn(2, 1, 48, 48)
    assert torch.equal(old(x)[0], new(x)[0])
    new(x)[0].sum().backward()
    assert new.mods["last"][1].weight.grad.abs().max() > 0
    assert grown(old, old.state_dict()).keys() == old.state_dict().keys()
