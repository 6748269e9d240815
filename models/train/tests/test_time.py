"""python -m pytest models/train/tests/test_time.py: what the measures of steadiness, of resting faces and of canvas sizes count."""
import numpy as np

from models.train.classifier import video
from models.train.classifier.resting import RestingFace
from models.train.detector.sizes import range_m, smallest


def test_a_mood_that_changes_only_where_it_must_is_counted():
    clips = {"a": (np.array([0.0, 60.0]), None, None)}
    assert video.needed(clips, {"a": [[0, 1, ["happy", "sad"]], [1, 2, ["sad"]], [2, 3, ["neutral", "sad"]]]}) == 0
    assert video.needed(clips, {"a": [[0, 1, ["happy"]], [1, 2, ["sad"]], [2, 3, ["sad", "fear"]], [3, 4, ["fear"]], [4, 5, ["happy"]]]}) == 3


def test_no_line_of_a_search_is_beaten_by_another():
    rng = np.random.default_rng(1)
    times = np.arange(0, 12, 0.1)
    scores = rng.dirichlet(np.full(7, 0.4), len(times))
    scores[times < 6, 3] += 1
    scores /= scores.sum(1, keepdims=True)
    clips = {"a": (times, scores, np.zeros(len(times), bool))}
    lines = video.search(clips, {"a": [[0, 6, ["happy"]], [6, 12, ["sad", "neutral"]]]}, 0.45)
    assert lines
    for a in lines:
        assert not any(b["acceptable"] >= a["acceptable"] and b["flips a minute"] < a["flips a minute"] for b in lines)


def hold(face, scores, seconds, rate=25):
    for _ in range(seconds * rate):
        last = face.update(np.array(scores), 1 / rate)
    return last


def test_a_serious_face_becomes_neutral_as_in_the_daemon():
    """The sequence and the bounds of firmware/core/src/resting.rs's own test."""
    serious = [0.89, 0.005, 0.005, 0.01, 0.005, 0.005, 0.08]
    face = RestingFace()
    np.testing.assert_allclose(hold(face, serious, 11), serious)
    calm = hold(face, serious, 60)
    assert calm.argmax() == 6 and calm.max() > 0.55
    rest = (1 - 0.99 - 0.004) / 4
    fury = face.update(np.array([0.99, rest, rest, 0.0, rest, rest, 0.004]), 0.04)
    assert fury.argmax() == 0


def test_a_lasting_smile_teaches_nothing():
    face = RestingFace()
    hold(face, [0.4, 0.0125, 0.0125, 0.5, 0.0125, 0.0125, 0.05], 100)
    assert face.learned == 0


def test_the_range_follows_from_the_smallest_face():
    assert smallest([(8, 30, 0.4), (10, 30, 0.85), (12, 30, 0.7), (16, 30, 0.81), (20, 30, 0.9)]) == 16
    assert smallest([(8, 30, 0.4), (10, 30, 0.5)]) == 10
    assert abs(range_m(640, 16) - 2 * range_m(320, 16)) < 1e-9
    # Half of 0.4 m of width at 60 degrees across is 0.346 m away.
    assert abs(range_m(320, 160) - 0.3464) < 1e-3
