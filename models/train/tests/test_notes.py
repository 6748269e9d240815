"""Notes of a committed net are changed, and nothing else; two thresholds and what they let through."""
import numpy as np
import onnx

from models.train.classifier import photos
from models.train.classifier.export import WEIGHTS
from models.train.common import notes, pack


def test_only_notes_change():
    before = (WEIGHTS / "detector.moodnet").read_bytes()
    after = notes.renoted(before, {"threshold": "0.61", "new.key": "x"})
    a, b = pack.unpack(before), pack.unpack(after)
    assert b.notes == a.notes | {"threshold": "0.61", "new.key": "x"}
    b.notes = a.notes
    assert pack.pack(b) == before


def test_the_metadata_says_the_same():
    model = notes.renote_onnx(onnx.load(WEIGHTS / "detector.onnx"), {"threshold": "0.61", "new.key": "x"})
    said = {p.key: p.value for p in model.metadata_props}
    assert (said["threshold"], said["new.key"], said["name"]) == ("0.61", "x", "detector")


def test_both_files_of_the_detector_name_two_thresholds_and_photos_imitates_them():
    said = {p.key: p.value for p in onnx.load(WEIGHTS / "detector.onnx").metadata_props}
    assert pack.unpack((WEIGHTS / "detector.moodnet").read_bytes()).notes.items() <= said.items()
    assert (float(said["threshold"]), float(said["threshold.before_face"])) == (photos.ALONE, photos.THRESHOLD)


def row(side, score):
    return np.array([[0, 0, side, side, score, *[0] * 10]], np.float32)


def test_alone_both_looks_must_agree_and_before_the_head_the_better_counts_more():
    looks = [(0.5, row(100, 0.9)), (1.0, row(100, 0.4))]
    assert len(photos.fuse(looks, 0.66, 0.0)) == 0
    np.testing.assert_allclose(photos.fuse(looks, 0.66)[:, 4], [0.775], rtol=1e-6)


def test_a_larger_thing_that_is_no_face_does_not_hide_a_face():
    class Net:
        notes = {"face.threshold": "0.9"}

        def __init__(self):
            self.asked = 0

        def __call__(self, crops):
            self.asked += 1
            return {"face": np.array([[-3.0 if self.asked == 1 else 4.0]]), "pose": np.zeros((1, 13)), "blend": np.full((1, 7), self.asked)}

    rows = np.concatenate([row(80, 0.9), row(40, 0.9)])
    rows[:, 5:15] = np.concatenate([np.array([[24, 30, 56, 30, 40, 44, 28, 60, 52, 60]]), np.array([[12, 15, 28, 15, 20, 22, 14, 30, 26, 30]])])
    out, human = photos.largest_human(Net(), np.zeros((100, 100), np.uint8), rows, cuts=1)
    assert human and out["blend"][0, 0] == 2
