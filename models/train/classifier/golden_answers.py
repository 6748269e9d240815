"""Writes models/golden/classifier_answers.json: what the raw outputs of the golden vectors mean as scores, pose and face.

The rules of the notes in the packed file, in numpy and double precision: the daemon's own (daemon/vision/src/answer.rs,
firmware/core/src/pose.rs) must agree with them.

    python -m models.train.classifier.golden_answers [--check]
"""
import argparse
import json
from pathlib import Path

import numpy as np

from ..common import golden, pack, reference
from .data import LABELS
from .photos import still_wrong
from .scores import softmax

MODELS = Path(__file__).parents[2]
ANSWERS = MODELS / "golden" / "classifier_answers.json"


def answer(outputs, notes):
    """One picture's answer by the blend, from its named outputs."""
    scores = softmax(outputs["blend"][None] / float(notes["temperature.blend"]))[0]
    pose = outputs["pose"]
    roll, place = still_wrong(pose, float(notes["pose.roll_trust"]))
    yaw, pitch = softmax(pose[None, 2:7])[0], softmax(pose[None, 7:10])[0]
    return {
        "scores": dict(zip(LABELS, scores)),
        "roll_deg": roll,
        "offset_px": list(place[:2]),
        "log_size": place[2],
        "frontal": yaw[2],
        "profile": yaw[0] + yaw[4],
        "lowered": pitch[0],
        "face": outputs["face"][0],
    }


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, list) else round(float(value), 6)


def answers():
    packed = (MODELS / "weights" / "classifier.moodnet").read_bytes()
    graph = pack.unpack(packed)
    crc, vectors = golden.read((MODELS / "golden" / "classifier.bin").read_bytes())
    names = graph.notes["outputs"].split(",")
    said = []
    for _, raw in vectors:
        reals = reference.reals(graph, raw)
        outputs = {name: np.asarray(real, np.float64).ravel() for name, real in zip(names, reals)}
        said.append(rounded(answer(outputs, graph.notes)))
    return {"net": crc, "answers": said}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if the file is not what would be written")
    check = parser.parse_args().check
    text = json.dumps(answers(), indent=1) + "\n"
    if check and ANSWERS.read_text() != text:
        raise SystemExit(f"{ANSWERS} is stale: run python -m models.train.classifier.golden_answers")
    ANSWERS.write_text(text)


if __name__ == "__main__":
    main()
