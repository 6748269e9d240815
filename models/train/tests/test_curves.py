"""Training logs as pictures: both kinds of log, stages in a row, the same bytes each time."""
import math

import pytest

from models.train.common import curves


def test_both_kinds_of_log_are_drawn_and_the_picture_is_the_same_each_time(tmp_path):
    classifier, detector = tmp_path / "a.csv", tmp_path / "b.csv"
    classifier.write_text("epoch,lr,loss,seconds,acc\n0.0,0.05,2.1,70,0.66\n1.0,0.01,1.9,70,0.70\n")
    detector.write_text("0,5.4,1.2,0.8,0.5,0.1,0.2,38\n1,4.8,0.8,0.8,0.5,0.1,0.2,60\n")
    columns = curves.joined([curves.read(classifier), curves.read(classifier)])
    assert columns["acc"] == [0.66, 0.70, 0.66, 0.70]
    assert [names for _, names in curves.panels(columns)] == [["acc"], ["loss"], ["lr"]]
    taught = curves.read(detector)
    assert taught["landmarks"] == [0.1, 0.1] and "seconds" not in curves.panels(taught)[0][1]
    out = tmp_path / "a.svg"
    curves.draw(columns, str(out), "title")
    first = out.read_bytes()
    curves.draw(columns, str(out), "title")
    assert b"<svg" in first and first == out.read_bytes()


def test_a_column_that_a_stage_lacks_has_a_gap():
    both = curves.joined([{"epoch": [0.0], "acc": [0.5]}, {"epoch": [0.0]}])
    assert both["acc"][0] == 0.5 and math.isnan(both["acc"][1])


def test_broken_logs_are_named(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("")
    with pytest.raises(SystemExit, match="is empty"):
        curves.read(log)
    log.write_text("0,1,2\n")
    with pytest.raises(SystemExit, match="8 columns"):
        curves.read(log)
