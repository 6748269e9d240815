"""Trains and releases the detector from nothing by one command, and goes on where it was cut off:

    python -m models.train.detector.recipe [--name RUN] [--version V] [--list]

The steps are those of the card, put in order: there the settings were changed at restarts as time allowed. `--list` only prints them.
"""
import argparse

from ..common.recipe import Step, follow
from .paths import RUNS

MINED = (60, 120, 182)  # epochs after which places where it fires without cause are looked for
FALL, END = 182, 239


def steps(name, version):
    train = f"detector.train --name {name} --views 2400 --lr 1e-3 --points 40"
    out = [Step("two teachers label the photos", "detector.label"),
           Step("every unit learns alone from YuNet_n's", f"detector.match --name {name}")]
    for epoch in MINED:
        out += [Step(f"the whole net, to epoch {epoch}", f"{train} --start {RUNS / name / 'matched.pt'} --epochs {epoch}"),
                Step("what it takes for a face and is none", f"detector.mine --run {name}")]
    return out + [
        Step(f"the whole net, the rate falling from epoch {FALL} to {END}", f"{train} --cool {FALL} --epochs {END}"),
        Step("with rounding in the loop", f"detector.qat --run {name} --steps 400 --points 40 --seed 9 --size 320"),
        Step("the files in models/weights and models/golden",
             f"detector.release --run {name} --weights ema_qat.pt --version {version} --threshold 0.65"),
        Step("the card's figures", "detector.evaluate --json models/cards/detector.json")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="recipe", help="of the run; its checkpoints lie in models/train/runs/detector/NAME")
    parser.add_argument("--version", default="own", help="written into the packed file")
    parser.add_argument("--list", action="store_true", help="only print the steps")
    args = parser.parse_args()
    todo = steps(args.name, args.version)
    if args.list:
        print(*(f"{s}    # {s.why}" for s in todo), sep="\n")
    else:
        follow(todo, RUNS / args.name / "recipe.json")


if __name__ == "__main__":
    main()
