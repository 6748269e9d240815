"""python -m pytest models/train/tests/test_card.py: the one command for the cards, what it calls up to date, and that each figure of the cards was measured."""
import json
import re
import subprocess
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from models.train import card, stamps, tables, targets
from models.train.classifier import certainty, feed, groups, measure, video, video_run
from models.train.common.markdown import text

CARDS = ("classifier.md", "detector.md")
DECIMAL = re.compile(r"(?<![\w.])-?\d[\d,]*\.\d+")


def leaves(value):
    """Every number of a JSON, also those in its texts."""
    if isinstance(value, dict):
        value = [*value.values(), *value.keys()]
    if isinstance(value, list):
        for v in value:
            yield from leaves(v)
    elif isinstance(value, str):
        yield from (float(n.replace(",", "")) for n in DECIMAL.findall(value))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield float(value)


def measured():
    return np.array([v for path in stamps.CARDS.glob("*.json") for v in leaves(json.loads(path.read_text()))])


def strange(shown, values):
    """Decimal numbers of a text that are no measured value, share in percent or count in 1,000, rounded as they are written."""
    out = []
    for number in set(DECIMAL.findall(shown)):
        digits, wanted = len(number.split(".")[1]), float(number.replace(",", ""))
        if not any((np.abs(values * k - wanted) <= 10**-digits / 2 + 1e-9).any() for k in (1, 100)):
            out.append(number)
    return sorted(out)


def blocks(document):
    return "\n".join(re.findall(r"<!--card \w+-->\n(.*?)<!--/card-->", document, re.DOTALL))


@pytest.mark.parametrize("name", CARDS)
def test_each_number_in_the_cards_tables_was_measured(name):
    document, values = (stamps.CARDS / name).read_text(), measured()
    values = np.concatenate([values, [without for without in weighted()], least()])
    assert blocks(document).count("|") > 100
    assert strange(blocks(document), values) == []
    assert strange("| 0.9876543 |", values) == ["0.9876543"]


def weighted():
    """What a table computes out of two measured figures."""
    r = tables.read("detector")
    return [tables.detector_tables.without_people(line, r["counts"]) for line in r["sweep"]]


def least():
    """What was aimed at."""
    return [p[0] for rows in (targets.rows_of_classifier, targets.rows_of_detector) for _, pairs, *_ in rows(tables.read) for p in pairs]


def test_each_part_was_measured_on_the_committed_weights():
    measured_parts = stamps.read_stamps()
    assert set(measured_parts) <= {p.name for p in card.PARTS}
    assert {name: stamps.changed(one) for name, one in measured_parts.items() if stamps.changed(one)} == {}
    shown = tables.measured(None)
    for part in card.PARTS:
        assert (f"| {part.name} | {part.writes} | **not" in shown) == (part.name not in measured_parts), "what is not of these weights is said in the card"


def test_a_table_that_is_not_measured_yet_says_how_it_is():
    def make(_):
        raise FileNotFoundError(2, "No such file", "/somewhere/groups.json")
    assert tables.shown("found", make) == "*Not measured yet: `python -m models.train.card --part groups`.*\n"


def test_a_changed_weight_makes_a_part_stale(tmp_path):
    (tmp_path / "models/weights").mkdir(parents=True)
    file = tmp_path / "models/weights/detector.moodnet"
    file.write_bytes(b"old")
    one = {"weights": stamps.weights_of(["detector"], tmp_path)}
    assert stamps.changed(one, tmp_path) == []
    file.write_bytes(b"new")
    assert stamps.changed(one, tmp_path) == ["detector"]


def test_stamps_are_kept_beside_each_other(tmp_path):
    path = tmp_path / "measured.json"
    stamps.stamp("a", {"seconds": 1}, path)
    stamps.stamp("b", {"seconds": 2}, path)
    stamps.stamp("a", {"seconds": 3}, path)
    assert stamps.read_stamps(path) == {"a": {"seconds": 3}, "b": {"seconds": 2}}


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A card of its own: two parts, the second of which lacks something."""
    monkeypatch.setattr(card, "CARDS", tmp_path)
    monkeypatch.setattr(card, "read_stamps", lambda: stamps.read_stamps(tmp_path / "measured.json"))
    monkeypatch.setattr(card, "stamp", lambda name, one: stamps.stamp(name, one, tmp_path / "measured.json"))
    monkeypatch.setitem(card.NEEDS, "moon", (tmp_path / "moon", "the moon: fetch it"))
    return tmp_path, (card.Part("one", "first", "a.b", "one.json", (), ("detector",)), card.Part("two", "second", "c.d", "two.json", ("moon",), ("detector",)))


def test_what_is_lacking_is_said_and_the_rest_goes_on(house, monkeypatch, capsys):
    folder, parts = house
    ran = []

    def measured_at_once(part, _):
        ran.append(part.name)
        (folder / part.writes).write_text("{}")
        card.stamp(part.name, {"weights": stamps.weights_of(part.nets), "seconds": 5, "date": "2026-11-30"})
        return True

    monkeypatch.setattr(card, "measure", measured_at_once)
    assert card.work(parts, {}, None, False) == ["two"]
    assert ran == ["one"] and "lacks the moon: fetch it" in capsys.readouterr().out
    (folder / "moon").write_text("")
    assert card.work(parts, card.read_stamps(), None, False) == [] and ran == ["one", "two"], "what is up to date is not measured again"
    assert card.work(parts, card.read_stamps(), None, True) == [] and ran == ["one", "two", "one", "two"]


def test_a_part_that_fails_is_not_called_measured(house):
    folder, parts = house
    assert not card.measure(parts[0], None, lambda *a, **k: SimpleNamespace(returncode=1))
    assert card.read_stamps() == {}
    assert card.measure(parts[0], None, lambda *a, **k: SimpleNamespace(returncode=0))
    assert card.read_stamps()["one"]["weights"] == stamps.weights_of(["detector"])


def test_a_part_that_runs_the_program_says_that_it_lacks_one():
    part = next(p for p in card.PARTS if p.name == "run")
    assert any("cargo build" in how for how in card.lacking(part, None))
    assert "--program" in part.words("/x y/moodring") and "/x y/moodring" in part.words("/x y/moodring")


def test_an_unknown_part_is_an_error_that_names_all(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["card", "--part", "moods"])
    with pytest.raises(SystemExit):
        card.main()
    error = capsys.readouterr().err
    assert "no part moods" in error and "answers" in error


def test_the_tables_need_nothing_but_the_standard_library():
    shown = subprocess.run(["python3", "-I", "-c", "import sys; sys.path.insert(0, '.'); sys.modules['numpy'] = None; import models.train.tables"], cwd=stamps.ROOT, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr


def test_parts_of_another_version_are_not_kept(tmp_path):
    path = tmp_path / "mirror.json"
    path.write_text(json.dumps({"version": "1", "answers": 7}))
    assert measure.others(path, "1")["answers"] == 7
    assert measure.others(path, "2") == {} == measure.others(tmp_path / "none.json", "2")


def test_a_target_is_met_only_if_all_of_it_is():
    at_least = targets.row("a", [(0.9, 0.95), (0.9, 0.89)], targets.percent, "x")
    at_most = targets.row("b", [(6, 6.0)], targets.one, "x", at_most=True)
    none = targets.row("c", [(0.5, 0.4)], targets.percent, "x")
    shown = targets.table([at_least, at_most, none]).splitlines()[2:]
    assert "**1 of 2**" in shown[0] and "| yes |" in shown[1] and "**no**" in shown[2]


def test_a_table_in_markdown():
    assert text(("a", "b"), [("x", 1)]) == "| a | b |\n|---|---:|\n| x | 1 |\n"


def test_the_states_follow_from_the_events():
    changes = [(99.0, "uncertain"), (100.95, "happy"), (101.5, "nobody")]
    times, shown = video_run.states(changes, 100.0, 2.0, 4)
    assert times.tolist() == [0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75]
    happy = video.LABELS.index("happy")
    assert shown.tolist() == [video.UNSURE] * 4 + [happy] * 2 + [video_run.NOBODY] * 2
    line = video.summed([(times, shown, [[0, 1, ["happy"]], [1, 2, ["happy"]]])])
    assert line["acceptable"] == pytest.approx(0.25) and line["uncertain"] == pytest.approx(0.5)
    assert line["flips a minute"] == pytest.approx(2 / 1.75 * 60)


def test_a_film_at_another_rate_has_the_frames_of_its_time():
    film = list(range(60))  # two seconds at 30
    assert feed.at_rate(film, 30, 15) == list(range(0, 60, 2))
    assert feed.at_rate(film, 30, 30) == film
    assert feed.at_rate(film, 25, 30)[:7] == [0, 0, 1, 2, 3, 4, 5]
    data, size = feed.planes(np.zeros((5, 7, 3), np.uint8))
    assert size == (6, 4) and len(data) == 6 * 4 * 3 // 2


@pytest.mark.parametrize("kind", groups.KINDS)
def test_a_face_lies_where_it_was_set(kind):
    for seed in range(40):
        m, box = groups.place(np.random.default_rng(seed), kind)
        assert (box[:2] >= -1).all() and box[2] <= groups.FRAME[0] + 1 and box[3] <= groups.FRAME[1] + 1
        tall = box[3] - box[1]
        assert groups.KINDS[kind][0] - 1e-3 <= tall <= groups.KINDS[kind][1] + 1e-3
        picture = groups.into_frame(np.random.default_rng(seed), np.full((groups.SIDE, groups.SIDE), 255, np.uint8), m, "near")
        middle = ((box[:2] + box[2:]) / 2).astype(int)
        assert picture.shape == (480, 640, 3) and picture[middle[1], middle[0], 0] >= 254


def test_what_says_who_is_right_is_found_and_what_does_not_is_not():
    rng = np.random.default_rng(1)
    y, told = rng.integers(0, 7, 800), rng.normal(size=800)
    right = rng.random(800) < 1 / (1 + np.exp(-2 * told))
    nobody = np.zeros(800, bool)
    good = certainty.shown_and_right(told[:, None], right, y, nobody)
    blind = certainty.shown_and_right(rng.normal(size=(800, 1)), right, y, nobody)
    assert good["shown"] == pytest.approx(0.75, abs=0.01) and good["right"] > right.mean() + 0.08 > blind["right"] + 0.04
    (a, b), (c, d) = certainty.halves(y, 3)
    assert (a == ~b).all() and (a == d).all() and abs(int(a.sum()) - 400) <= 7


def test_groups_count_only_whom_they_ask_about():
    z = {"age": np.array(["0-2", "0-2", "3-9"]), "gender": np.array(["Male", "Female", "Male"]), "race": np.array(["White"] * 3)}
    out = groups.by_group(z, [True, None, False])
    assert out["all"][:2] == [2, 0.5] and out["age 0-2"][:2] == [1, 1.0] and "gender Female" not in out
    low, high = out["all"][2:]
    assert 0 <= low < 0.5 < high <= 1


def test_a_clip_that_cannot_be_read_is_said(tmp_path):
    (tmp_path / "no.mp4").write_bytes(b"nothing")
    with pytest.raises(SystemExit, match="no film"):
        feed.read_clip(tmp_path / "no.mp4", 15)


def test_a_clip_is_read_at_the_rate_asked_for(tmp_path):
    path = str(tmp_path / "a.avi")
    film = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"MJPG"), 30, (32, 24))
    for k in range(30):
        film.write(np.full((24, 32, 3), 8 * k, np.uint8))
    film.release()
    frames, size = feed.read_clip(path, 15)
    assert len(frames) == 15 and size == (32, 24)


def test_cards_are_json_for_everybody():
    """Python writes infinities that no other reader takes."""
    def refuse(constant):
        raise AssertionError(constant)

    files = sorted(stamps.CARDS.glob("*.json"))
    assert len(files) > 10
    for file in files:
        json.loads(file.read_text(), parse_constant=refuse)
