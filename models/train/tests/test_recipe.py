"""A recipe's steps run in order and once, go on after a failure, and again from where the recipe was changed."""
import argparse
import importlib
import sys
from types import SimpleNamespace

import pytest

from models.train.classifier import recipe as classifier
from models.train.common.recipe import Step, ended, follow
from models.train.detector import recipe as detector

STEPS = [Step("first", "a.b --x 1"), Step("second", "a.c"), Step("third", "a.d 'two words'")]


class Runner:
    def __init__(self, fails=()):
        self.ran, self.fails = [], fails

    def __call__(self, command, cwd):
        assert (cwd / "models").is_dir()
        self.ran.append(command[2:])
        return SimpleNamespace(returncode=3 if command[2] in self.fails else 0)


def test_steps_run_once_and_go_on_after_a_failure(tmp_path, capsys):
    journal, broken = tmp_path / "run" / "recipe.json", Runner(fails=["models.train.a.c"])
    with pytest.raises(SystemExit, match="failed .3.*goes on here"):
        follow(STEPS, journal, broken)
    assert broken.ran == [["models.train.a.b", "--x", "1"], ["models.train.a.c"]]
    mended = Runner()
    follow(STEPS, journal, mended)
    assert mended.ran == [["models.train.a.c"], ["models.train.a.d", "two words"]]
    assert "first: done before" in capsys.readouterr().out
    again = Runner()
    follow(STEPS, journal, again)
    assert again.ran == [] and len(ended(journal)) == 3


def test_a_changed_recipe_runs_again_from_the_change(tmp_path):
    journal, runner = tmp_path / "recipe.json", Runner()
    follow(STEPS, journal, runner)
    changed = [STEPS[0], Step("second", "a.c --longer"), STEPS[2]]
    follow(changed, journal, again := Runner())
    assert [r[0] for r in again.ran] == ["models.train.a.c", "models.train.a.d"]


class Understood(Exception):
    """Raised in place of a step's work, once its options were read."""


@pytest.mark.parametrize("steps", [classifier.steps("a folder/x", "r_", "1"), detector.steps("r", "1")], ids=["classifier", "detector"])
def test_every_step_understands_its_options(steps, monkeypatch):
    whole = argparse.ArgumentParser.parse_args

    def parse(self, *args):
        raise Understood(whole(self, *args))

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse)
    for step in steps:
        module, *options = step.words()
        if module.endswith(".label"):  # has none
            assert not options
            continue
        monkeypatch.setattr(sys, "argv", [module, *options])
        with pytest.raises(Understood):
            importlib.import_module(module).main()
