"""Trains and releases the classifier from nothing by one command, and goes on where it was cut off:

    python -m models.train.classifier.recipe [--data ../shared/data] [--name PREFIX] [--version V] [--list]

The steps are the card's: some five hours of one core. `--list` only prints them.
"""
import argparse
import shlex

from ..common.recipe import Step, follow
from .train import RUNS


def steps(data, name, version):
    given = f"--data {shlex.quote(data)}"
    run = {part: f"{name}{part}" for part in ("wide", "calm", "taught")}
    teacher = RUNS / f"{name}teacher.npz"

    def train(part, settings):
        return f"classifier.train {given} --run {run[part]} --shape wide {settings}"

    return [
        Step("landmarks of FER2013's faces", f"classifier.framing {given}"),
        Step("66 epochs on the labels", train("wide", "--epochs 66 --fall 20 --steady-side 40")),
        Step("a calm stage of 5", train("calm", f"--start-from {run['wide']} --calm --epochs 5 --lr 0.02")),
        Step("what the teachers say", f"classifier.teach {given} --run {run['calm']}:wide --out {shlex.quote(str(teacher))}"),
        Step("64 epochs under teachers", train("taught", f"--start-from {run['calm']} --calm --epochs 64 --fall 30 --steady-side 40 "
                                               f"--lr 0.05 --teacher {shlex.quote(str(teacher))}")),
        Step("the files in models/weights and models/golden", f"classifier.export {given} --run {run['taught']} --version {version} --balance 0.2"),
        Step("the card's figures", f"classifier.evaluate {given} --run {run['taught']} --balance 0.2 --json models/cards/classifier.json")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data", help="sheets, Kaggle's fer2013.csv or folders per class: see `sources`")
    parser.add_argument("--name", default="recipe_", help="what its runs' names in models/train/runs begin with")
    parser.add_argument("--version", default="own", help="written into the packed file")
    parser.add_argument("--list", action="store_true", help="only print the steps")
    args = parser.parse_args()
    todo = steps(args.data, args.name, args.version)
    if args.list:
        print(*(f"{s}    # {s.why}" for s in todo), sep="\n")
    else:
        follow(todo, RUNS / f"{args.name}recipe.json")


if __name__ == "__main__":
    main()
