"""FER2013 as people have it: Kaggle's CSV with and without FER+, folders per class; what is said when it is none of them."""
import csv

import numpy as np
import pytest
import torch
from PIL import Image

from models.train.classifier import data, export
from models.train.classifier.data import load_split
from models.train.classifier.net import training_net
from models.train.classifier.sources import LABELS

USAGES = ["Training"] * 3 + ["PublicTest"] * 2 + ["PrivateTest"]


@pytest.fixture
def kaggle(tmp_path):
    """(folder, pixels): six rows of three splits in the columns' other order, as icml_face_data.csv has them."""
    pixels = np.random.default_rng(0).integers(0, 256, (6, 48, 48))
    with open(tmp_path / "icml_face_data.csv", "w", newline="") as f:
        f.write("emotion, Usage, pixels\n")
        csv.writer(f).writerows((i, u, " ".join(map(str, p.ravel()))) for i, (u, p) in enumerate(zip(USAGES, pixels)))
    return tmp_path, pixels


def ferplus(folder, usages):
    with open(folder / "fer2013new.csv", "w", newline="") as f:
        writer = csv.writer(f)
        writer.writerow(["Usage", "Image name", *"nhsudafcxX"])
        writer.writerows([u, f"{i}.png", *np.eye(10, dtype=int)[i] * 10] for i, u in enumerate(usages))


@pytest.mark.parametrize("name", ["", "icml_face_data.csv"])
def test_the_csv_is_read_by_its_columns(kaggle, name):
    folder, pixels = kaggle
    test = load_split(folder / name, "public_test")
    assert np.array_equal(test.pixels, pixels[3:5]) and test.labels.tolist() == [3, 4]
    assert not test.trusted.any() and not data.ferplus_majority(test)[0].any()
    assert len(load_split(folder / name, "train")) == 3


def test_votes_beside_it_belong_to_its_rows(kaggle):
    folder, _ = kaggle
    ferplus(folder, USAGES)
    test = load_split(folder, "public_test")
    assert test.trusted.all() and test.votes.argmax(1).tolist() == [3, 4]
    ferplus(folder, USAGES[::-1])
    with pytest.raises(SystemExit, match="does not match"):
        load_split(folder, "public_test")


@pytest.mark.parametrize("row, says", [("9,Training,1 2", "row 8: emotion is '9'"), ("1,Training,1 2", "row 8: not 2304 pixels")])
def test_a_bad_row_is_named(kaggle, row, says):
    folder, _ = kaggle
    with open(folder / "icml_face_data.csv", "a") as f:
        f.write(row + "\n")
    with pytest.raises(SystemExit, match=says):
        load_split(folder, "train")


def test_folders_per_class(tmp_path):
    for split in ("train", "test"):
        for i, name in enumerate(LABELS):
            (tmp_path / split / name).mkdir(parents=True)
            Image.new("RGB", (96, 96), (i * 30,) * 3).save(tmp_path / split / name / "a.png")
    faces = load_split(tmp_path, "public_test")
    assert faces.labels.tolist() == list(range(7)) and faces.pixels[:, 5, 5].tolist() == [30 * i for i in range(7)]
    assert len(load_split(tmp_path, "train")) == 7 and not faces.trusted.any()
    (tmp_path / "train" / "sad" / "a.png").unlink()
    (tmp_path / "train" / "sad").rmdir()
    with pytest.raises(SystemExit, match="no folder sad"):
        load_split(tmp_path, "train")


def test_what_is_no_data_set_is_said(tmp_path):
    (tmp_path / "fer2013.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SystemExit, match="no columns emotion"):
        load_split(tmp_path, "train")
    with pytest.raises(SystemExit, match="give --data"):
        load_split(tmp_path / "nowhere", "train")


def test_without_votes_the_other_output_repeats_the_first():
    torch.manual_seed(0)
    net = training_net("small").eval()
    export.without_votes(net)
    with torch.no_grad():
        logits, votes, _ = export.fuse(net, "small", 0.0)(torch.randn(5, 1, 48, 48))
    assert torch.allclose(votes[:, :7], logits, atol=1e-5) and (votes[:, 7] == export.NEVER).all()
