"""Crops as the daemon cuts them, the side branch's labels, and outputs that are added without changing others."""
import json
import math

import numpy as np
import pytest
import torch

from models.train.classifier import attach, blend, face_cuts, faces, photos, pose, second, video
from models.train.classifier.data import LABELS
from models.train.classifier.export import WEIGHTS
from models.train.classifier.scores import coverage_table, softmax, wilson
from models.train.common import golden, pack
from models.train.common.reference import reals, run


def picture(side=240):
    """A grey photo with nothing symmetrical in it."""
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    return (127 + 60 * np.sin(x / 17 + y / 29) + 50 * np.cos(x / 31 - y / 13)).astype(np.uint8)


UPRIGHT = np.array([[1.5, 0, 80.0], [0, 1.5, 70.0]])


@pytest.mark.parametrize("degrees", [-50, -10, 25, 60])
def test_a_correction_undoes_what_the_training_views_do(degrees):
    """A crop that shows the head turned, moved and too large, as `views` labels it, becomes the upright one again."""
    place = np.array([3.0, -2.0, 0.1])
    c, s, size = math.cos(math.radians(degrees)), math.sin(math.radians(degrees)), math.exp(place[2])
    # Crop to photo of the wrong crop: the face's middle lies at PIVOT + place, turned clockwise, larger.
    inverse = np.array([[c, s], [-s, c]]) / size
    linear = UPRIGHT[:, :2] @ inverse
    wrong = np.concatenate([linear, (UPRIGHT[:, :2] @ photos.PIVOT + UPRIGHT[:, 2] - linear @ (photos.PIVOT + place[:2]))[:, None]], 1)
    right = photos.corrected(wrong, degrees, place)
    assert np.allclose(right, UPRIGHT)
    assert photos.roll_of(right) == pytest.approx(0, abs=1e-9)


def test_views_and_cuts_agree_about_clockwise():
    """The label `roll` of a training view is the angle by which `corrected` has to turn the crop back."""
    big = picture()
    margin = 16
    base = photos.cut(big, UPRIGHT, margin)
    g = torch.Generator().manual_seed(1)
    view, place = pose.views(torch.from_numpy(base)[None], margin, torch.tensor([30.0]), g, "border")
    found = place[0].numpy() * [10, 10, 1]
    # The same view cut from the photo itself.
    c, s, size = math.cos(math.radians(30)), math.sin(math.radians(30)), math.exp(found[2])
    linear = UPRIGHT[:, :2] @ np.array([[c, s], [-s, c]]) / size
    back = np.concatenate([linear, (UPRIGHT[:, :2] @ photos.PIVOT + UPRIGHT[:, 2] - linear @ (photos.PIVOT + found[:2]))[:, None]], 1)
    again = photos.cut(big, back)
    inside = slice(8, 40)
    assert np.abs(view[0, 0].numpy()[inside, inside] - again[inside, inside]).mean() < 3
    assert np.allclose(photos.corrected(back, 30, found), UPRIGHT)


class Compass:
    """A net that tells the roll of a crop by its own knowledge of how the crop was cut; errs by a tenth."""

    def __init__(self, tilt):
        self.tilt, self.asked = tilt, 0

    def __call__(self, crops):
        self.asked += 1
        left = math.radians(self.left)
        return {"pose": np.array([[math.sin(left), math.cos(left)] + [0.0] * 11]), "logits": np.zeros((1, 7))}


@pytest.mark.parametrize("tilt, asked", [(2, 1), (20, 2), (55, 3)])
def test_a_photo_is_cut_again_until_little_is_left(tilt, asked, monkeypatch):
    net, plain = Compass(tilt), photos.cut

    def cut(grey, back, margin=0):
        net.left = 0.8 * (tilt - photos.roll_of(back))
        return plain(grey, back, margin)

    monkeypatch.setattr(photos, "cut", cut)
    out = photos.read_face(net, picture(), UPRIGHT, 3)
    assert net.asked == asked
    assert out["roll"][0] == pytest.approx(tilt, abs=1.5)


def test_an_unsure_net_turns_nothing():
    assert photos.still_wrong(np.array([0.1, 0.1] + [0.0] * 8 + [0.5, 0.5, 0.3])) [0] == 0.0
    left, place = photos.still_wrong(np.array([0.5, 0.5] + [0.0] * 8 + [2.0, -0.1, 1.0]))
    assert left == pytest.approx(45) and place.tolist() == [photos.MOST_PX, -1.0, photos.MOST_SIZE]


def test_a_nose_beside_the_middle_is_yaw_and_a_low_one_is_pitch():
    frontal = np.array([[15.4, 18.84], [32.6, 18.84], [24.0, 28.62], [16.73, 36.34], [31.27, 36.34]])
    turned, low = frontal.copy(), frontal.copy()
    turned[2, 0] += 5
    low[2, 1] += 2.5
    mirrored = turned[[1, 0, 2, 4, 3]] * [-1, 1] + [48, 0]
    yaw, nose = pose.yaw_and_pitch(np.stack([frontal, turned, mirrored, low]))
    y, p = pose.classes(yaw, nose, np.ones(4))
    assert y.tolist() == [pose.FRONTAL, pose.HALF_RIGHT, pose.HALF_LEFT, pose.FRONTAL]
    assert p[0] == pose.LEVEL and p[3] == pose.DOWN
    assert pose.classes(yaw, nose, np.zeros(4))[0].tolist() == [-1] * 4


def test_what_is_in_doubt_is_neither():
    assert face_cuts.verdict("people", 0.9, 0.9, None, False) == face_cuts.FACE
    assert face_cuts.verdict("people", 0.9, 0.2, None, False) == face_cuts.DOUBT
    assert face_cuts.verdict("pets", 0.9, 0.9, None, False) == face_cuts.NONE
    assert face_cuts.verdict("pets", 0.9, 0.9, None, True) == face_cuts.DOUBT
    assert face_cuts.verdict("rooms", 0.9, 0.9, None, False) == face_cuts.DOUBT
    assert "dog_022.jpg" in face_cuts.named(face_cuts.HERE / "pet_people.txt")


def committed():
    return pack.unpack((WEIGHTS / "classifier.moodnet").read_bytes())


def test_blend_is_its_rule_on_both_heads():
    """The added head says what blend.json's rule makes of the two others, but for its own rounding."""
    graph, rule = committed(), json.loads(blend.FILE.read_text())
    names = graph.notes["outputs"].split(",")
    assert names[:4] == ["logits", "ferplus", "maps", "blend"]
    outs = dict(zip(names, (o.reshape(4, -1) for o in reals(graph, run(graph, golden.pictures(48, 48, 1))))))
    want = rule["fer2013"] * outs["logits"] + rule["ferplus"] * outs["ferplus"][:, :7] + [rule["bias"][n] for n in LABELS]
    assert np.abs(outs["blend"] - want).max() < 0.05 * want.std()


def test_attached_outputs_leave_the_others_alone():
    graph = committed()
    pictures = golden.pictures(48, 48, 1)
    before = run(graph, pictures)[:3]
    bare = attach.named(committed())
    attach.add_blend(bare, json.loads(blend.FILE.read_text()))
    attach.add_branch(bare, pose.GraphNet(pose.branch(), in_channels=pose.TAP_CHANNELS).eval(), pictures[..., 0])
    after = run(bare, pictures)
    assert all((a == b).all() for a, b in zip(before, after))
    assert [o.shape[-1] for o in after] == [7, 8, 7, 7, pose.POSE, 1]


def test_the_net_read_back_from_its_integers_answers_alike():
    graph = committed()
    x = golden.pictures(48, 48, 1)
    exact = [o.reshape(len(x), -1) for o in reals(graph, run(graph, x))[:2]]
    with torch.no_grad():
        net = second.float_net(graph)
        again = [o.flatten(1).numpy() for o in net((torch.from_numpy(x).permute(0, 3, 1, 2).float() - 128) / 64)]
    for a, b in zip(exact, again):
        assert np.sqrt(((a - b) ** 2).mean()) < 0.1 * a.std()


def test_shares_and_curves():
    low, high = wilson(50, 100)
    assert low == pytest.approx(0.4038, abs=1e-3) and high == pytest.approx(0.5962, abs=1e-3)
    assert wilson(0, 0) == (0.0, 1.0)
    rows = coverage_table(softmax(np.array([[4.0, 0], [0.1, 0], [0, 3.0]])), np.array([0, 1, 1]), limits=(0.0, 0.6))
    assert rows[0] == {"certain": 0.0, "coverage": 1.0, "right": pytest.approx(2 / 3)}
    assert rows[1] == {"certain": 0.6, "coverage": pytest.approx(2 / 3), "right": 1.0}


def test_a_mood_changes_when_another_is_wanted_for_long_enough():
    t = np.arange(0, 2, 0.1)
    sure = np.eye(7)[np.where(t < 0.95, 3, 6)] * 0.9 + 0.1 / 7
    flicker = sure.copy()
    flicker[4] = np.eye(7)[0]
    nobody_turned = np.zeros(len(t), bool)
    for scores in (sure, flicker):
        shown = video.hysteresis(t, scores, nobody_turned, 0.5, 0.1, 0.0, 0.3)
        assert (np.diff(shown) != 0).sum() == 1
        assert t[(shown == 6).argmax()] == pytest.approx(1.3)
    counted, right, unsure, flips, length, delays = video.judge(t, shown, [[0.0, 0.9, ["happy"]], [1.0, 1.9, ["neutral"]]])
    assert counted == pytest.approx(1.8) and right == pytest.approx(1.5) and unsure == 0 and flips == 1 and delays == [pytest.approx(0.3)]
    assert (video.hysteresis(t, sure, ~nobody_turned, 0.5) == video.UNSURE).all()


def test_smoothing_does_not_depend_on_the_frame_rate():
    fine, coarse = np.linspace(0, 1, 61), np.linspace(0, 1, 16)
    step = [np.where(t[:, None] > 0, np.eye(7)[2], np.eye(7)[5]) for t in (fine, coarse)]
    assert np.allclose(video.exponential(fine, step[0])[-1], video.exponential(coarse, step[1])[-1])


def test_a_face_seen_elsewhere_is_found_again():
    x = np.stack([picture()[:48, i:i + 48] for i in (0, 40, 90)])
    noisy = np.clip(x[1:2].astype(int) + np.random.default_rng(0).integers(-4, 5, x[1:2].shape), 0, 255).astype(np.uint8)
    assert faces.near(faces.hashes(x), faces.hashes(noisy)).tolist() == [False, True, False]
    assert not faces.near(faces.hashes(x), faces.hashes(noisy)[:0]).any()


def test_late_layers_are_quantized_again_on_what_the_early_ones_hand_them():
    """What `second --release` does, without training: early tensors stay the same integers, answers stay about the same."""
    graph, x = committed(), golden.pictures(48, 48, 1)
    before = [o.reshape(len(x), -1) for o in reals(graph, run(graph, x))[:2]]
    net = second.float_net(committed())
    again = second.with_late_layers(attach.named(committed()), net, x[..., 0])
    assert [o.name for o in again.ops] == [o.name for o in attach.named(committed()).ops]
    at = attach.tensor(again, pose.TAP)
    assert all((a.w == b.w).all() and (a.bias == b.bias).all() for a, b in zip(again.ops[:at], graph.ops[:at]) if a.w is not None)
    for a, b in zip(before, (o.reshape(len(x), -1) for o in reals(again, run(again, x))[:2])):
        assert np.sqrt(((a - b) ** 2).mean()) < 0.15 * a.std()


def test_a_head_on_its_top_is_cut_by_its_box():
    """align.rs's from_crop_at: landmarks serve up to 60 degrees; beyond, the box says where the face lies."""
    row = np.zeros(15)
    low, high = photos.BOX_IN_CROP[:2], photos.BOX_IN_CROP[2:]
    row[:4] = np.concatenate([2 * low + 30, 2 * high + 30])
    row[5:15] = (2 * np.array(similarity_landmarks()) + 30).ravel()
    middle = (row[:2] + row[2:4]) / 2
    for roll in (180, -170, 120, -90):
        back = photos.at_roll(row, roll)
        assert abs((photos.roll_of(back) - roll + 180) % 360 - 180) < 1e-6
        assert np.allclose(back[:, :2] @ (low + high) / 2 + back[:, 2], middle)
    back, straight = photos.at_roll(row, 50), photos.crop_to_photo(row)
    assert np.allclose(back[:, :2] @ photos.PIVOT + back[:, 2], straight[:, :2] @ photos.PIVOT + straight[:, 2])


def similarity_landmarks():
    return json.loads((photos.WEIGHTS.parent / "train" / "classifier" / "framing.json").read_text())["landmarks"]
