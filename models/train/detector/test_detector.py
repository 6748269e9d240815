"""python -m unittest models.train.detector.test_detector: the decoding, the measure, the views' geometry, the losses."""
import math
import unittest

import numpy as np
import torch

from .ap import average_precision, curve, match
from .geometry import decode_heads, iou, letterbox, nms
from .cartoon import drawn_face
from .distill import LOGITS, MAPS, corrected, distill_losses, targets
from .draw import drawn
from .library import EXACT, FACE, IGNORE, SPEAK
from .loss import corners, flatten, grid
from .similarity import MIRROR, moved, similarity
from .match import unit_losses
from .stress import cover, darker, is_profile
from .student import FEATURES, HEADS, build, equalise, layers, normalise
from .train import heads_of
from .views import covering, settle


def face(x0, y0, x1, y1, score=0.9):
    return np.array([x0, y0, x1, y1, score, *[0] * 10], np.float32)


class Decoding(unittest.TestCase):
    def test_one_cell(self):
        head = np.full((16, 3, 4), -20, np.float32)
        head[:, 1, 2] = [20, 20, 0.25, 0.5, math.log(2), math.log(3), *([0.5, 1.0] * 5)]
        empty = [np.full((16, 2, 2), -20, np.float32)] * 2
        rows = decode_heads([head, *empty], 0.5)
        np.testing.assert_allclose(rows[0, :4], [18 - 8, 12 - 12, 18 + 8, 12 + 12], atol=1e-4)
        np.testing.assert_allclose(rows[0, 5:7], [20, 16], atol=1e-4)
        self.assertEqual(len(rows), 1)

    def test_training_decodes_alike(self):
        head = torch.randn(1, 16, 3, 4) * 0.3
        rows = decode_heads([head[0].numpy(), *[np.full((16, 1, 1), -20, np.float32)] * 2], 0.0)
        out = head.flatten(2).transpose(1, 2)
        boxes = corners(out, grid([head]))[0].numpy()
        np.testing.assert_allclose(rows[:12, :4], boxes, atol=1e-3)

    def test_nms_keeps_the_better(self):
        rows = nms(np.stack([face(0, 0, 10, 10, 0.5), face(1, 0, 11, 10, 0.8), face(30, 0, 40, 10, 0.6)]))
        self.assertEqual([round(float(v), 1) for v in rows[:, 4]], [0.8, 0.6])

    def test_letterbox_fills(self):
        canvas, s = letterbox(np.zeros((50, 100), np.uint8), 64, 64, 128)
        self.assertEqual((canvas.shape, s, int(canvas[40, 3]), int(canvas[10, 3])), ((64, 64), 0.64, 128, 0))


class Measure(unittest.TestCase):
    truth = np.array([[0, 0, 40, 40], [100, 0, 120, 20]], np.float32)

    def test_small_faces_count_neither_way(self):
        rows = np.stack([face(1, 0, 41, 40), face(100, 0, 120, 20), face(200, 0, 240, 40), face(60, 0, 70, 10)])
        self.assertEqual(match(rows, self.truth)[0].tolist(), [1, -1, 0, -1])

    def test_a_second_hit_is_false(self):
        rows = np.stack([face(0, 0, 40, 40, 0.9), face(0, 0, 40, 41, 0.8)])
        self.assertEqual(match(rows, self.truth)[0].tolist(), [1, 0])

    def test_ap_by_hand(self):
        # hit, false, hit of three faces: 1/3 * 1 + 1/3 * 2/3
        truth = np.array([[0, 0, 40, 40], [100, 0, 140, 40], [200, 0, 240, 40]], np.float32)
        rows = np.stack([face(0, 0, 40, 40, 0.9), face(0, 200, 40, 240, 0.8), face(100, 0, 140, 40, 0.7)])
        _, hits, false, faces = curve([rows], [truth])
        self.assertAlmostEqual(average_precision(hits, false, faces), 1 / 3 + 2 / 9)


class Stress(unittest.TestCase):
    def test_covers_cover_their_part_of_the_box_and_no_more(self):
        white = np.full((100, 100, 3), 255, np.uint8)
        masked = cover(white, np.array([[20, 20, 60, 60]], np.float32), "dark glasses")
        rows = np.flatnonzero((masked[:, 40] == 20).all(1))
        self.assertEqual((rows[0], rows[-1], int(white.min())), (31, 39, 255))
        self.assertEqual(int((masked != 255).any(2).sum()), 9 * 37)

    def test_a_nose_beside_the_eyes_is_a_profile_however_the_head_is_tilted(self):
        front = np.array([[10, 10], [30, 10], [20, 20], [12, 30], [28, 30]], float)
        side = front.copy()
        side[2] = 34, 20
        turn = np.array([[0.6, -0.8], [0.8, 0.6]])
        self.assertEqual([is_profile(p) for p in (front, front @ turn, side, side @ turn)], [False, False, True, True])

    def test_darkness_is_the_same_each_time(self):
        grey = np.full((8, 8, 3), 200, np.uint8)
        self.assertTrue((darker(grey, 0.25) == darker(grey, 0.25)).all())
        self.assertAlmostEqual(float(darker(grey, 0.25).mean()), 50, delta=1.5)


class Geometry(unittest.TestCase):
    def test_mirror_and_scale(self):
        row = np.array([[10, 10, 20, 30, 1, 12, 15, 18, 15, 15, 20, 13, 25, 17, 25, 1, 1]], np.float32)
        m = similarity(2.0, 0.0, True, (0, 0), (100, 0))
        out = moved(row, m, 2.0, 0.0, True)[0]
        np.testing.assert_allclose(out[:4], [60, 20, 80, 60], atol=1e-4)
        self.assertLess(out[5], out[7], "after mirroring the subject's right eye is again on the left")
        self.assertEqual(sorted(MIRROR), [0, 1, 2, 3, 4])

    def test_a_rolled_circle_keeps_its_box(self):
        row = np.array([[10, 10, 30, 30, 1, *[20] * 10, 1, 1]], np.float32)
        roll = math.radians(27)
        out = moved(row, similarity(1.0, roll, False, (20, 20), (50, 50)), 1.0, roll, False)[0]
        np.testing.assert_allclose(out[:4], [40, 40, 60, 60], atol=1e-3)

    def test_covering_leaves_no_border(self):
        point, wh = np.array([10.0, 90.0]), np.array([100.0, 100.0])
        place = covering(point, np.array([200.0, 20.0]), wh, 3.0, False, 256)
        start = place - point * 3
        self.assertTrue((start <= 0).all() and (start + wh * 3 >= 256).all())

    def test_half_faces_count_neither_way(self):
        rows = np.zeros((2, 17), np.float32)
        rows[:, :4], rows[:, 15] = [[-15, 0, 10, 25], [5, 5, 30, 30]], 1
        self.assertEqual(settle(rows, 64)[:, 15].tolist(), [0, 1])

    def test_a_region_stays_however_deep_the_zoom(self):
        rows = np.zeros((1, 17), np.float32)
        rows[:, :4], rows[:, 15] = [[-2000, -2000, 3000, 3000]], SPEAK
        self.assertEqual(settle(rows, 64)[:, [0, 1, 2, 3, 15]].tolist(), [[0, 0, 64, 64, SPEAK]])


class Distilling(unittest.TestCase):
    """One 64 px view; the teacher sees a face of 32 px at the stride-16 cell (1, 1)."""

    def setUp(self):
        torch.manual_seed(0)
        self.heads = [torch.randn(1, 16, n, n) * 0.1 for n in (8, 4, 2)]
        self.cells, self.out = grid(self.heads), flatten(self.heads)
        self.teacher_out = torch.zeros(1, 84, 16)
        self.at = 64 + 1 * 4 + 1
        self.teacher_out[0, self.at] = torch.tensor([0.9, 0.8, 0.5, 0.5, math.log(2), math.log(2), *[0.5] * 10])

    def told_with(self, *rows):
        faces = torch.zeros(1, 4, 17)
        faces[..., 15] = -1
        for k, (box, kind) in enumerate(rows):
            faces[0, k, :4], faces[0, k, 15] = torch.tensor(box), kind
        return targets(self.out, corners(self.out, self.cells), self.cells, faces, self.teacher_out)

    def test_among_people_the_teacher_is_believed(self):
        obj, free, trust, *_ = self.told_with(([0.0, 0, 64, 64], SPEAK))
        self.assertAlmostEqual(float(obj[0, self.at]), 0.8, places=5)
        self.assertTrue(bool(free.all()) and float(trust[0, self.at]) > 0.8)

    def test_elsewhere_its_face_is_false(self):
        obj, free, trust, *_, sure = self.told_with()
        self.assertEqual((float(obj.sum()), float(trust.sum()), bool(free.all())), (0.0, 0.0, True))
        self.assertEqual((sure < 0).nonzero().tolist(), [[0, self.at]])
        for kind in (SPEAK, IGNORE, FACE):  # where it may be right nothing is sure
            self.assertEqual(float(self.told_with(([0.0, 0, 64, 64], kind))[-1].min()), 0.0)

    def test_what_is_unsure_teaches_nothing(self):
        free = self.told_with(([8.0, 8, 40, 40], IGNORE))[1]
        self.assertFalse(bool(free[0, self.at]))

    def test_a_face_it_misses_is_learned_from_the_label(self):
        self.teacher_out[:] = 0
        obj, _, trust, owner, *_ = self.told_with(([8.0, 8, 40, 40], FACE), ([0.0, 0, 64, 64], SPEAK))
        self.assertGreater(int((owner >= 0).sum()), 0)
        self.assertTrue(bool((obj[owner >= 0] == 1).all()) and float(trust.sum()) == 0)

    def test_the_answer_of_the_teacher_is_the_minimum(self):
        """A student that says what the teacher says has no box or landmark loss."""
        out = self.teacher_out.clone()
        out[..., :2] = torch.logit(out[..., :2].clamp(1e-4, 1 - 1e-4))
        heads = [v.transpose(1, 2).reshape(1, 16, n, n) for v, n in zip(out.split([64, 16, 4], 1), (8, 4, 2))]
        faces = torch.zeros(1, 1, 17)
        faces[0, 0, 2:4], faces[0, 0, 15] = 64, SPEAK
        features = [torch.zeros(1, w, n, n) for w, n in zip((64, 64, 64), (8, 4, 2))]
        _, (_, _, box, points, _) = distill_losses(heads, features, faces, self.teacher_out, torch.zeros(1, 84, 64), 1.0)
        self.assertLess(float(box) + float(points), 1e-4)


    def test_a_near_face_is_learned_more_surely_than_the_teacher_sees_it(self):
        teacher_out = torch.zeros(1, 4 * 84, 16)
        teacher_out[0, 256 + 64 + 5] = torch.tensor([0.9, 0.5, 0.5, 0.5, *[math.log(3.9)] * 2, *[0.5] * 10])  # 125 px at (48, 48)
        heads = [torch.zeros(1, 16, n, n) for n in (16, 8, 4)]
        self.cells, self.out, self.teacher_out = grid(heads), flatten(heads), teacher_out
        seen = [float(self.told_with((box, FACE))[0].max()) for box in ([-14.0, -14, 110, 110], [4.0, 4, 92, 92])]
        self.assertAlmostEqual(seen[0], 0.1 * 0.5 + 0.9, places=5)
        self.assertAlmostEqual(seen[1], 0.7 * 0.5 + 0.3, places=5)

    def test_known_landmarks_replace_the_teachers_in_their_faces_cells_only(self):
        rows = np.zeros((2, 17), np.float32)
        rows[:, :4] = [[8, 8, 40, 40], [40, 40, 64, 64]]
        rows[:, 5:15], rows[:, 15], rows[:, 16] = np.arange(10) + 20, [SPEAK, FACE], [EXACT, 1]
        teacher_out = corrected(self.teacher_out[0].numpy(), rows, 64)
        changed = np.flatnonzero((teacher_out != self.teacher_out[0].numpy()).any(1))
        where = (self.cells[:, :2] + 0.5) * self.cells[:, 2:3]
        inside = ((where > 8) & (where < 40)).all(1).nonzero().flatten()
        self.assertEqual(changed.tolist(), inside.tolist())
        column, row, stride = self.cells[changed[0], :3].tolist()
        points = (teacher_out[changed[0], 6:16].reshape(5, 2) + [column, row]) * stride
        np.testing.assert_allclose(points.ravel(), rows[0, 5:15], rtol=1e-6)
        np.testing.assert_array_equal(teacher_out[:, :6], self.teacher_out[0, :, :6])


class Net(unittest.TestCase):
    def setUp(self):
        self.net = build(3).eval()
        for m in self.net.modules():  # as after some training: no channel like another
            if isinstance(m, torch.nn.BatchNorm2d):
                torch.nn.init.uniform_(m.weight, 0.1, 2)
                torch.nn.init.normal_(m.bias, std=0.1)
        self.x = torch.randn(2, 3, 64, 64)

    def test_equalised_it_says_the_same(self):
        with torch.no_grad():
            before = self.net(self.x)
            reach = self.reach("s4_pw")
            after = equalise(self.net, [self.x])(self.x)
        for a, b in zip(before, after):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)
        self.assertGreater(float(reach.max() / reach.min()), 3)
        torch.testing.assert_close(self.reach("s4_pw"), torch.ones(64), rtol=1e-4, atol=1e-4)

    @torch.no_grad()
    def reach(self, name):
        values = {"in": self.x}
        for l in self.net.layers:
            values[l.name] = self.net.apply_layer(l, values)
        return values[name].abs().amax((0, 2, 3))

    def test_a_unit_that_says_the_same_has_no_loss(self):
        """Told its own tensors a net has nothing to learn; told others it has, in that layer alone."""
        with torch.no_grad():
            values, teacher_out = {"in": self.x}, {}
            for l in self.net.layers:
                values[l.name] = self.net.apply_layer(l, values)
                if l.name in MAPS or l.name in LOGITS:
                    teacher_out[l.name] = self.net.mods[l.name](values[l.inputs[0]])
            self.assertLess(max(float(v) for v in unit_losses(self.net, self.x, teacher_out).values()), 1e-6)
            teacher_out["s8"] = teacher_out["s8"] + 1
            wrong = {k for k, v in unit_losses(self.net, self.x, teacher_out).items() if float(v) > 1e-6}
        self.assertEqual(wrong, {"s8", "s16a", "n8"}, "itself, and what reads it")

    def test_heads_and_features_are_found(self):
        with torch.no_grad():
            heads, features = heads_of(self.net, self.x, False)
            plain = self.net(self.x)
        for a, b in zip(heads, plain):
            torch.testing.assert_close(a, b)
        self.assertEqual([tuple(f.shape[1:]) for f in features], [(64, 8, 8), (64, 4, 4), (64, 2, 2)])
        self.assertTrue(set(FEATURES) <= set(MAPS) and set(HEADS) == set(LOGITS))

    def test_a_drawn_face_has_its_landmarks_where_it_is_dark(self):
        rng, darker = np.random.default_rng(4), []
        for _ in range(40):
            patch, face = drawn_face(rng)
            right, left, nose, *corners_ = face[4:].reshape(5, 2)
            self.assertTrue(patch.shape == (48, 48) and right[1] == left[1] < nose[1] < corners_[0][1] == corners_[1][1])
            np.testing.assert_allclose([right[0] + left[0], nose[0], corners_[0][0] + corners_[1][0]], [48, 24, 48], rtol=1e-6)
            x, y = np.round(left - 0.5).astype(int)
            darker.append(int(patch[int(nose[1]), x]) - int(patch[y, x]))
        self.assertGreater(np.mean(darker), 30)  # than the cheek below; some eyes are nearly lost in blur

    def test_drawn_things_are_patches(self):
        for seed in range(20):
            patch = drawn(np.random.default_rng(seed))
            self.assertEqual((patch.shape, patch.dtype), ((48, 48), np.uint8))
            self.assertGreater(patch.std(), 0.5)


class Training(unittest.TestCase):
    def test_it_can_learn_one_face(self):
        torch.set_num_threads(1)
        net, view = build(), torch.zeros(2, 64, 64, 3, dtype=torch.uint8)
        view[:, 16:48, 16:48] = 200
        rows = torch.zeros(2, 4, 17)
        rows[..., 15] = -1
        rows[:, 0] = torch.tensor([16., 16, 48, 48, 1, 24, 26, 40, 26, 32, 34, 26, 42, 38, 42, 1, 1])
        teacher_out, taught = torch.zeros(2, 84, 16), torch.zeros(2, 84, 64)  # a teacher that sees nothing
        features = [torch.zeros(2, 64, n, n) for n in (8, 4, 2)]
        optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
        for _ in range(60):
            total, _ = distill_losses(net(normalise(view)), features, rows, teacher_out, taught, 1.0)
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
        with torch.no_grad():
            best = nms(decode_heads([h[0].numpy() for h in net(normalise(view))], 0.1))[0]
        self.assertGreater(float(iou(best[None], np.array([[16, 16, 48, 48]], np.float32))[0, 0]), 0.8)

    def test_the_work_stays_small(self):
        self.assertLess(build().mmac(240, 320), 80)
        self.assertTrue(all(l.out % 16 == 0 for l in layers()))


if __name__ == "__main__":
    unittest.main()
