"""python -m unittest models.train.detector.test_turn: the released net read back, what is drawn over faces, teachers' agreement, joined looks."""
import unittest

import numpy as np
import torch

from ..classifier.photos import fuse
from ..common import pack
from ..common.reference import reals, run
from .covers import KINDS, covered, frame
from .label import mean_points
from .library import FACE
from .joins import JOINS, ability, between, join
from .paths import MODELS
from .sets import turn
from .student import normalise
from .turn import dark, from_packed, noise_view


def row(x=40, y=40, side=60, turned=0.0):
    """A face whose landmarks are turned by `turned` radians about its middle."""
    points = np.array([(0.32, 0.38), (0.68, 0.38), (0.5, 0.58), (0.36, 0.76), (0.64, 0.76)]) - 0.5
    c, s = np.cos(turned), np.sin(turned)
    points = points @ np.array([[c, s], [-s, c]]) * side + np.array([x, y]) + side / 2
    return np.array([x, y, x + side, y + side, 0.9, *points.ravel(), FACE, 1], np.float32)


class Released(unittest.TestCase):
    def test_floats_of_the_packed_file_say_what_its_integers_say(self):
        graph = pack.unpack((MODELS / "weights" / "detector.moodnet").read_bytes())
        picture = np.random.default_rng(3).integers(0, 256, (64, 96, 3), np.uint8)
        picture[16:48, 20:60] //= 3
        whole = reals(graph, run(graph, np.ascontiguousarray(picture[None, :, :, ::-1])))
        with torch.no_grad():
            mine = from_packed()(normalise(torch.from_numpy(picture)[None]))
        for a, b in zip(mine, whole):
            a, b = a[0].permute(1, 2, 0).numpy(), b[0]
            self.assertGreater(np.corrcoef(a.ravel(), b.ravel())[0, 1], 0.98)
            self.assertLess(np.abs(a - b).mean(), 0.35)


class Covers(unittest.TestCase):
    def test_a_cover_stays_near_its_face_and_turns_with_it(self):
        for kind in KINDS:
            for turned in (0.0, 0.9):
                view = np.full((200, 200, 3), 120, np.uint8)
                r = row(70, 70, 60, turned)
                out = kind(np.random.default_rng(4), view, r, 0.0)
                changed = np.argwhere((out != view).any(-1))[:, ::-1]
                self.assertGreater(len(changed), 60, kind.__name__)
                o, across, down = frame(r)
                at = np.linalg.solve(np.stack([across, down], 1), (changed - o).T)
                self.assertLess(np.abs(at[0]).max(), 2.2, kind.__name__)
                self.assertLess(np.abs(at[1]).max(), 2.9, kind.__name__)

    def test_a_mask_hides_the_mouth_and_glasses_the_eyes(self):
        view, r = np.full((200, 200, 3), 120, np.uint8), row(70, 70, 60, 0.5)
        p = r[5:15].reshape(5, 2).round().astype(int)
        mouth, eye = ((p[3] + p[4]) // 2)[::-1], p[0][::-1]
        masked, dark_glasses = (kind(np.random.default_rng(8), view, r, 0.0) for kind in KINDS[:2])
        self.assertTrue((masked[tuple(mouth)] != 120).any() and (masked[tuple(eye)] == 120).all())
        self.assertTrue((dark_glasses[tuple(eye)] < 80).all() and (dark_glasses[tuple(mouth)] == 120).all())

    def test_only_known_faces_are_covered(self):
        view, unknown = np.full((200, 200, 3), 120, np.uint8), row()
        unknown[16] = 0
        small = row(side=10)
        self.assertTrue((covered(np.random.default_rng(1), view, np.stack([unknown, small]), share=1.0) == view).all())
        self.assertTrue((covered(np.random.default_rng(1), view, np.stack([row()]), share=1.0) != view).any())


class Cases(unittest.TestCase):
    def test_dark_is_dark_and_noise_is_none_of_it_flat(self):
        rng = np.random.default_rng(2)
        for _ in range(20):
            self.assertLess(dark(rng, np.full((32, 32, 3), 180, np.uint8)).mean(), 150)
            self.assertEqual(noise_view(rng, 64).shape, (64, 64, 3))

    def test_teachers_that_disagree_give_no_landmarks(self):
        a = row()[5:15]
        self.assertTrue(mean_points(a, a + 1)[1])
        np.testing.assert_allclose(mean_points(a, a + 1)[0], a + 0.5)
        between = mean_points(a, a + 5)
        self.assertTrue(between[1])
        np.testing.assert_allclose(between[0], a)
        self.assertFalse(mean_points(a, a + 12)[1])


class Joined(unittest.TestCase):
    def looks(self):
        def face(x, side, score):
            return np.array([x, 0, x + side, side, score, *[0] * 10], np.float32)
        coarse = np.stack([face(0, 100, 0.9), face(300, 100, 0.3), face(600, 500, 0.8)])
        fine = np.stack([face(5, 100, 0.7), face(302, 100, 0.9), face(1200, 30, 0.75)])
        return [(0.5, coarse), (1.0, fine)]

    def test_half_way_is_the_one_of_the_daemon(self):
        for threshold in (0.55, 0.65, 0.75):
            rows = join(self.looks(), between)
            np.testing.assert_allclose(rows[rows[:, 4] >= threshold], fuse(self.looks(), threshold))

    def test_every_rule_lies_between_the_looks(self):
        for name, rule in JOINS.items():
            score = rule(np.array([0.9, 0.5]), np.array([60.0, 120.0]))
            self.assertTrue(0.5 <= score <= 0.9, name)

    def test_a_look_that_sees_such_faces_badly_says_little(self):
        able = ability(np.array([8.0, 20.0, 100.0, 300.0, 600.0]))
        self.assertEqual((able[0], able[2], able[4]), (0, 1, 0))
        self.assertTrue(0 < able[1] < 1 and 0 < able[3] < 1)

    def test_a_turned_picture_is_whole(self):
        grey = np.zeros((40, 80), np.uint8)
        grey[0, 0] = grey[0, 79] = grey[39, 0] = 255
        self.assertGreater(int((turn(grey, 45) > 140).sum()), 2)


if __name__ == "__main__":
    unittest.main()
