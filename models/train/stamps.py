"""What each measurement was made of: cards/measured.json, and whether the committed weights are still those. Standard library only: the documents' test reads it, too."""
import hashlib
import json
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CARDS = ROOT / "models" / "cards"
MEASURED = CARDS / "measured.json"


def weights_of(nets, root=ROOT):
    """{net: the beginning of its packed file's SHA-256}."""
    return {n: hashlib.sha256((root / "models" / "weights" / f"{n}.moodnet").read_bytes()).hexdigest()[:16] for n in nets}


def read_stamps(path=MEASURED):
    return json.loads(path.read_text()) if path.exists() else {}


def changed(one, root=ROOT):
    """The nets that are no longer those that this was measured on."""
    return [n for n, was in one["weights"].items() if weights_of([n], root)[n] != was]


def stamp(name, one, path=MEASURED):
    """Whole or not at all; a part's name stays where it is."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(read_stamps(path) | {name: one}, indent=1) + "\n")
    os.replace(part, path)
