"""python -m pytest models/train/tests/test_time.py: what the measures of steadiness, of resting faces and of canvas sizes count."""
import tomllib
from pathlib import Path

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
    settings = video.judged(clips, {"a": [[0, 6, ["happy"]], [6, 12, ["sad", "neutral"]]]}, 0.45)
    lines = video.search(settings)
    assert lines and len(settings) == 175
    for a in lines:
        assert not any(b["acceptable"] >= a["acceptable"] and b["flips a minute"] < a["flips a minute"] for b in lines)


def torn(happy, sad):
    scores = np.full(7, (1 - happy - sad) / 5)
    scores[3], scores[4] = happy, sad
    return scores


def first_shown(wanted, scores, **settings):
    """mood/tests.rs, `first_shown`: a face that showed happiness and then this, every 100 ms; in tenths of a second."""
    rule = video.Hysteresis(0.45, **settings)
    assert rule.update(0.0, torn(0.9, 0.02), False) == 3
    return next((k for k in range(1, 100) if rule.update(k / 10, scores(k), False) == wanted), None)


def test_the_hysteresis_is_the_daemons():
    """The cases and the times of firmware/core/src/mood/tests.rs."""
    def sad(happy, sad, **settings):
        return first_shown(4, lambda k: torn(happy, sad), **settings)
    assert sad(0.05, 0.9) == 1
    assert sad(0.25, 0.50) == 11
    assert sad(0.44, 0.46) == 21
    assert sad(0.3, 0.44) is None
    assert sad(0.3, 0.6, settle=0.0) is None
    assert first_shown(4, lambda k: torn(0.5, 0.2) if k % 10 == 0 else torn(0.25, 0.45)) is None
    assert first_shown(video.UNSURE, lambda k: torn(0.16, 0.2)) is None
    assert first_shown(video.UNSURE, lambda k: torn(0.14, 0.2)) == 21
    assert first_shown(video.UNSURE, lambda k: torn(0.14, 0.2), settle=0.0) == 1
    assert (video.SMOOTH_S * 1000, video.MARGIN, video.SETTLE_S * 1000) == daemons()


def daemons():
    """The defaults of [mood]."""
    mood = tomllib.loads((Path(__file__).parents[3] / "daemon/base/src/config/default.toml").read_text())["mood"]
    assert mood["hold_ms"] == 0
    return mood["smooth_ms"], mood["margin"], mood["settle_ms"]


def test_each_clip_is_judged_by_what_is_best_on_the_others():
    # Counted, right, unsure, changes, length, delays: a setting that is right everywhere but changes much, a lazy one, and one that suits only clip a.
    much, lazy, lure = (2, 2.0, 0, 9, 60, [0.1]), (2, 1.0, 0, 3, 60, [0.2]), (2, 2.0, 0, 3, 60, [0.2])
    settings = {"much": {"a": much, "b": much, "c": much}, "lazy": {"a": lazy, "b": lazy, "c": lazy}, "lure": {"a": lure, "b": (2, 0.0, 0, 3, 60, [0.2]), "c": (2, 0.5, 0, 3, 60, [0.2])}}
    line = video.crossed(settings, 20)
    assert line["acceptable"] == 1.0 and line["flips a minute"] == 9
    line = video.crossed(settings, 5)
    assert line["flips a minute"] == 3 and line["acceptable"] == 2 / 6, "b is judged by what suits a and c"
    assert video.crossed(settings, 1) is None


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
