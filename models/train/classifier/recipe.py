"""Trains and releases the classifier from nothing by one command, and goes on where it was cut off:

    python -m models.train.classifier.recipe [--data ../shared/data] [--name PREFIX] [--version V] [--list]

The steps are the card's: some seven hours of one core. `--list` only prints them.
"""
import argparse
import shlex

from ..common.recipe import Step, follow
from .train import RUNS


def steps(data, name, version):
    given = f"--data {shlex.quote(data)}"
    wide, weak_stage, distilled, distilled2, online_distilled = (f"{name}{part}" for part in ("wide", "calm", "taught", "taught2", "watched"))
    pose = f"{name}pose"
    answers, answers2 = (shlex.quote(str(RUNS / f"{name}{part}.npz")) for part in ("teacher", "teacher2"))

    def train(run, settings, shape="wide"):
        return f"classifier.train {given} --run {run} --shape {shape} {settings}"

    distillation = "--weak-augmentation --low-resolution-side 40 --lr 0.05"
    return [
        Step("landmarks of FER2013's faces", f"classifier.framing {given}"),
        Step("66 epochs on the labels", train(wide, "--epochs 66 --decay-epochs 20 --low-resolution-side 40")),
        Step("a weak-augmentation stage of 5", train(weak_stage, f"--start-from {wide} --weak-augmentation --epochs 5 --lr 0.02")),
        Step("the teachers' probabilities", f"classifier.teach {given} --run {weak_stage}:wide --out {answers}"),
        Step("64 epochs of distillation", train(distilled, f"--start-from {weak_stage} --epochs 64 --decay-epochs 30 {distillation} --teacher {answers}")),
        Step("that net's probabilities and the others'", f"classifier.teach {given} --run {distilled}:wide --weights 4 1 1 --out {answers2}"),
        Step("a second teacher, 56 epochs",
             train(distilled2, f"--start-from {distilled} --epochs 56 --decay-epochs 28 {distillation} --teacher {answers2} --teacher-share 0.6")),
        Step("the released net: 42 epochs of online distillation by both teachers",
             train(online_distilled, f"--start-from {distilled} --epochs 42 --decay-epochs 22 --low-resolution-side 40 --lr 0.05 --online-teacher {distilled} --online-teacher {distilled2} "
                            "--teacher-share 0.7", "deep")),
        Step("the files in models/weights and models/golden", f"classifier.export {given} --run {online_distilled} --version {version}"),
        Step("YuNet's landmarks on the unlabelled faces", f"classifier.faces {given}"),
        Step("faces and what is none, cut out of whole pictures", f"classifier.face_cuts {given}"),
        Step("the side branch for pose and face", f"classifier.pose {given} --run {pose} --steps 2500"),
        Step("again, calmer, with crops that stand upright", f"classifier.pose {given} --run {pose}_calm --start-from {pose} --steps 2100 --lr 0.0012 --spoil 0.5"),
        Step("pose and face beside the answers", f"classifier.attach {given} --pose {pose}_calm --version {version}"),
        Step("the rule of the default answer", f"classifier.blend {given}"),
        Step("and that answer", f"classifier.attach {given} --pose {pose}_calm --version {version}"),
        Step("what the head `face` is taught again on", f"classifier.face_views {given}"),
        Step("and the head itself", f"classifier.face_head {given} --release --version {version}"),
        Step("the card's figures", f"classifier.evaluate {given} --run {online_distilled} --json models/cards/classifier.json"),
        Step("the card's figures of faces before a mirror", f"classifier.measure {given} --json models/cards/mirror.json"),
        Step("the card's figures of clips", f"classifier.video {given} --json models/cards/video.json"),
        Step("the card's figures of resting faces", f"classifier.resting {given} --json models/cards/resting.json"),
        Step("and of calibrated ones", f"classifier.calibrate {given} --json models/cards/calibrate.json")]


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
