"""Runs a training from nothing to the released files, step after step, and goes on where it was cut off.

A step that has ended is written into a journal, and is not run again; one that was cut off starts again, and trainings
go on from their last checkpoint. Where the recipe was changed, its steps run again from the first that differs.
"""
import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Step:
    """`command`: a module of `models.train` and its arguments. `why`: a few words for whoever waits."""

    why: str
    command: str

    def words(self):
        module, *rest = shlex.split(self.command)
        return [f"models.train.{module}", *rest]

    def __str__(self):
        return "python -m " + shlex.join(self.words())


def ended(journal):
    """The commands that have ended, in order."""
    return json.loads(journal.read_text()) if journal.exists() else []


def remaining(steps, done):
    """Index of the first step that has not ended."""
    same = [str(s) == d for s, d in zip(steps, done)]
    return same.index(False) if False in same else len(same)


def note(journal, commands):
    """Whole or not at all."""
    journal.parent.mkdir(parents=True, exist_ok=True)
    part = journal.with_suffix(".part")
    part.write_text(json.dumps(commands, indent=1))
    os.replace(part, journal)


def follow(steps, journal, run=subprocess.run):
    """All steps that are left. Ends with how to go on if one fails."""
    first = remaining(steps, ended(journal))
    for i, step in enumerate(steps):
        print(f"[{i + 1}/{len(steps)}] {step.why}{': done before' if i < first else ''}\n    {step}", flush=True)
        if i < first:
            continue
        done = run([sys.executable, "-m", *step.words()], cwd=ROOT)
        if done.returncode:
            raise SystemExit(f"This step failed ({done.returncode}). Once it is mended, the same command goes on here.")
        note(journal, [str(s) for s in steps[:i + 1]])
    print("All done.")
