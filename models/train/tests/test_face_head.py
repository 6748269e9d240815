"""The head `face` that is taught alone: the mean of heads is a head, it is packed as it answers, nothing else changes."""
import numpy as np
import onnx
import torch

from ..classifier import face_head, face_views
from ..classifier.export import WEIGHTS
from ..common import golden, onnx_qdq, pack
from ..common.reference import reals, run


def heads(count=len(face_head.SEEDS)):
    torch.manual_seed(3)
    return [face_head.FaceHead().eval() for _ in range(count)]


def read(count=64):
    return torch.rand(count, sum(face_views.GAPS.values()), generator=torch.Generator().manual_seed(5)) * 2


def test_the_mean_of_heads_is_one_head():
    some, x = heads(), read()
    with torch.no_grad():
        assert torch.allclose(face_head.mean(some)(x), torch.stack([h(x) for h in some]).mean(0), atol=1e-5)


def committed():
    return pack.unpack((WEIGHTS / "classifier.moodnet").read_bytes())


def test_another_head_changes_no_other_output_and_answers_as_in_float():
    pictures = np.concatenate([golden.pictures(48, 48, 1, seed) for seed in range(8)])
    old = committed()
    before = run(old, pictures)
    given = face_views.Tapped()(pictures[..., 0])[0]
    net = face_head.mean(heads())
    graph = face_head.with_head(committed(), net, torch.from_numpy(given))
    after = run(graph, pictures)
    assert all((a == b).all() for a, b in zip(before[:-1], after[:-1], strict=True))
    with torch.no_grad():
        want = net(torch.from_numpy(given)).numpy()
    said = reals(graph, after)[-1].reshape(-1)
    assert np.abs(said - want).max() < 0.1 * want.std() + 0.01
    again = run(pack.unpack(pack.pack(graph)), pictures)
    assert all((a == b).all() for a, b in zip(after, again, strict=True))


def test_a_crop_is_edged_only_outside_of_what_is_kept():
    rng = np.random.default_rng(1)
    crop = rng.integers(0, 256, (80, 80)).astype(np.uint8)
    for _ in range(20):
        out = face_views.edged(crop, rng)
        assert out.shape == crop.shape and (out[26:54, 26:54] == crop[26:54, 26:54]).all()


def test_of_two_cuts_the_better_is_kept():
    class Net:
        """The brighter a crop, the more it says is left to turn."""

        def __call__(self, crops):
            level = crops.reshape(len(crops), -1).mean(1)
            pose = np.zeros((len(crops), 13))
            pose[:, 0], pose[:, 1] = np.sin(level / 100), np.cos(level / 100)
            return level[:, None], level, pose

    sources = [np.full((80, 80), v, np.uint8) for v in (70, 90)]  # bright enough to stay as they are
    back = np.array([[1.0, 0, 16], [0, 1, 16]])
    assert face_views.settled(Net(), sources, [back, back]).ravel().tolist() == [70, 90]


def test_a_picture_counts_once_however_many_of_its_crops_pass():
    z = {"judge_set": np.array(["pets", "pets", "pets", "wild", "wild", "animals", "fairface_val", "people", "cfee", "taiwanese"]),
         "judge_picture": np.array([0, 0, 1, 2, 3, 4, -1, -1, -1, -1]), "judge_group": np.array([""] * 6 + ["60-69"] + [""] * 3)}
    z |= {f"count_{n}": 4 for n in ("wild", "near", "pets", "animals", "rooms_and_scenes")}
    said = face_head.judged(z, np.array([0.9, 0.9, 0.1, 0.9, 0.1, 0.9, 0.1, 1, 1, 1]))(0.5)
    assert said["pets"] == 0.25 and said["wild"] == 0.5 and said["animals"] == 250 and said["fair, from 60"] == 1 and said["people"] == 0


def test_every_head_behind_an_average_gives_rows_in_onnx():
    """However many layers lie between: a program that reads it takes one row a picture."""
    shapes = {o.name: len(o.type.tensor_type.shape.dim) for o in onnx.load(str(WEIGHTS / "classifier.onnx")).graph.output}
    assert shapes == {"logits": 2, "ferplus": 2, "maps": 4, "blend": 2, "pose": 2, "face": 2}
    graph = face_head.with_head(committed(), face_head.mean(heads()), read())
    assert [len(o.type.tensor_type.shape.dim) for o in onnx_qdq.to_onnx(graph).graph.output] == [2, 2, 4, 2, 2, 2]
