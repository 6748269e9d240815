"""Every figure of both cards, from the committed weights, by one command:

    python -m models.train.card [--program target/release/moodring]     all parts that are not up to date, then the cards' text
    python -m models.train.card --list                                  the parts: what each needs, how long it took, whether it is up to date
    python -m models.train.card --part answers --part clips [--again]   some of them

A part is up to date while its file in models/cards is of the committed weights (and, where it runs `moodring`, was measured with one); what is cut off begins again
with the part it was in. What is lacking for a part is said, and the others go on. `cards/measured.json` keeps what each was measured on; `docs/tools/figures.py --check`,
a test of the documents, fails where a weight has changed since. What was trained and tried on the way is in cards/tried.md: no command can measure that again.
"""
import argparse
import datetime
import json
import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .stamps import CARDS, MEASURED, ROOT, changed, read_stamps, stamp, weights_of

SHARED = ROOT.parent / "shared"
CACHE = ROOT / "models" / "train" / "cache"
PROGRAM = "{program}"

# What a part may need: where it lies, and how to get it.
NEEDS = {
    "fer2013": (SHARED / "data/fer2013", "FER2013, as the data folder's README describes it"),
    "wild": (SHARED / "data/faces/wild", "the wild set: data/faces/wild/CLASS/*.jpg"),
    "posed": (SHARED / "data/faces/cfee", "CFEE's and the Taiwanese faces: data/faces/cfee, data/faces/taiwanese"),
    "fairface": (SHARED / "data/faces/fairface_val", "FairFace's crops: data/faces/fairface_val"),
    "clips": (SHARED / "data/video", "the clips: data/video/acted_*.mp4"),
    "pets": (SHARED / "data/detect/pets", "dogs and cats: data/detect/pets"),
    "wider": (SHARED / "data/detect/wider_val_subset", "the WIDER subset: data/detect/wider_val_subset"),
    "photos": (SHARED / "photos", "the photos astronaut.png and solvay1927.jpg: photos/"),
    "yunet": (SHARED / "peers/yunet", "YuNet's files: peers/yunet"),
    "xception": (SHARED / "peers/xception", "both XCEPTIONs: peers/xception"),
    "aligned": (CACHE / "landmarks_public_test.npz", "python -m models.train.classifier.framing --split public_test (a minute)"),
    "landmarks": (CACHE / "landmarks_fairface_val.npz", "python -m models.train.classifier.faces (ten minutes)"),
    "labelled": (CACHE / "detector/photos.npz", "python -m models.train.detector.label (ten minutes)"),
}


@dataclass(frozen=True)
class Part:
    """`writes`: its file in models/cards. `nets`: whose weights it is of. `key`: the file holds more parts, and this is its own."""

    name: str
    what: str
    command: str
    writes: str
    needs: tuple
    nets: tuple
    key: str = ""

    def words(self, program):
        return shlex.split(self.command.replace(PROGRAM, shlex.quote(str(program))) + f" --json models/cards/{self.writes}")

    @property
    def runs_program(self):
        return PROGRAM in self.command


BOTH, FACES, MOODS = ("detector", "classifier"), ("detector",), ("classifier",)


def mirror(name, what, needs, nets):
    return Part(name, what, f"classifier.measure --part {name}", "mirror.json", needs, nets, name)


PARTS = (
    Part("crops", "PublicTest: accuracy, confusion, robustness, by the exact executor", "classifier.evaluate", "classifier.json", ("fer2013", "aligned"), MOODS),
    Part("peers", "the XCEPTIONs on the same pictures", "classifier.peers", "peers.json", ("fer2013", "xception", "aligned"), ()),
    mirror("answers", "wild and posed faces by each answer; what is shown and right", ("wild", "posed", "fer2013"), BOTH),
    mirror("covered", "PublicTest under drawn masks and dark glasses", ("fer2013",), MOODS),
    mirror("turned", "photos turned by known angles", ("wild",), BOTH),
    mirror("faces", "pets with a face, real faces lost", ("wild", "pets"), BOTH),
    mirror("fairness", "answers by age, gender and race", ("fairface",), MOODS),
    mirror("pose", "yaw and pitch against YuNet's landmarks", ("fairface", "landmarks"), MOODS),
    Part("groups", "faces found by age, gender and race, set into frames", "classifier.groups", "groups.json", ("fairface", "fer2013"), BOTH),
    Part("rule", "the choices of the answer `blend`", "classifier.blend", "blend.json", ("wild", "posed", "fer2013"), BOTH),
    Part("certainty", "what tells which answers to show", "classifier.certainty", "certainty.json", ("wild",), BOTH),
    Part("clips", "smoothings on the clips, by an imitation of the stream", "classifier.video --picture models/cards/video.svg", "video.json", ("clips",), BOTH),
    Part("run", "`moodring run` itself on the clips, in real time", f"classifier.video_run --program {PROGRAM}", "video_run.json", ("clips",), BOTH),
    Part("seen", "`moodring run` before the astronaut, dogs, cats and calm people", f"classifier.seen --program {PROGRAM}", "seen.json", ("photos", "pets", "wild"), BOTH),
    Part("resting", "a resting face for a minute", "classifier.resting", "resting.json", ("posed",), MOODS),
    Part("calibrate", "`calibrate` and `resting` on still faces and on clips", "classifier.calibrate", "calibrate.json", ("wild", "posed", "clips"), BOTH),
    Part("boxes", "AP, landmarks, thresholds, portraits", "detector.evaluate", "detector.json", ("wider", "photos", "yunet", "labelled"), FACES),
    Part("two-looks", "AP of `moodring detect`", f"detector.evaluate --command {PROGRAM}", "detector_command.json", ("wider",), FACES),
    Part("noticed", "what people notice; both thresholds", "detector.measure --both", "detector_measure.json", ("wider", "wild", "pets", "fer2013", "yunet", "labelled"), BOTH),
    Part("analyzed", "the same by `moodring analyze` itself", f"detector.by_program --program {PROGRAM}", "detector_program.json", ("wild", "pets", "fer2013", "labelled"), BOTH),
    Part("stress", "bad light, covered faces, profiles", "detector.stress", "detector_stress.json", ("wider", "yunet"), FACES),
    Part("sizes", "canvases: AP, range, milliseconds", f"detector.sizes --command {PROGRAM}", "detector_sizes.json", ("wider",), FACES),
    Part("page", "the page of misses and false alarms", "detector.page", "detector_page.json", ("wider", "labelled"), BOTH),
)


def lacking(part, program):
    """What it needs and is not there, each with the way to get it."""
    found = [how for path, how in map(NEEDS.get, part.needs) if not path.exists()]
    if part.runs_program and not program:
        found.append("a `moodring`: cargo build --release --locked, then --program target/release/moodring")
    return found


def up_to_date(part, stamps):
    return (CARDS / part.writes).exists() and part.name in stamps and not changed(stamps[part.name])


def table(parts, stamps, program):
    for part in parts:
        lacks, before = lacking(part, program), stamps.get(part.name)
        state = "up to date" if up_to_date(part, stamps) else "of other weights" if before else "not measured"
        print(f"{part.name:10} {state:16} {minutes(before['seconds']) if before and before['seconds'] else '':>9}  {part.what}")
        for how in lacks:
            print(f"{'':38}lacks {how}")


def minutes(seconds):
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def measure(part, program, run=subprocess.run):
    """Runs one part and writes down what it was measured on. True if it ended well."""
    words = part.words(program)
    print("    python -m models.train." + shlex.join(words), flush=True)
    weights, began = weights_of(part.nets), time.monotonic()
    if run([sys.executable, "-m", f"models.train.{words[0]}", *words[1:]], cwd=ROOT, stdout=subprocess.DEVNULL).returncode:
        return False
    if weights != weights_of(part.nets):
        print("    the weights changed meanwhile: not kept")
        return False
    stamp(part.name, {"file": part.writes, "weights": weights, "seconds": round(time.monotonic() - began), "date": datetime.date.today().isoformat()}
          | ({"program": version(program)} if part.runs_program else {}))
    return True


def version(program):
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", metavar="NAME", help="only this one; may be said more than once")
    parser.add_argument("--again", action="store_true", help="also what is up to date")
    parser.add_argument("--list", action="store_true", help="measure nothing")
    parser.add_argument("--program", type=Path, metavar="PATH", help="a `moodring` built for release, for the parts that run it")
    args = parser.parse_args()
    names = {p.name: p for p in PARTS}
    if unknown := [n for n in args.part or () if n not in names]:
        parser.error(f"there is no part {', '.join(unknown)}; parts: {', '.join(names)}")
    if args.program and not os.access(args.program, os.X_OK):
        parser.error(f"{args.program} is no program: cargo build --release --locked makes target/release/moodring")
    program = args.program and args.program.resolve()
    parts, stamps = [names[n] for n in args.part] if args.part else PARTS, read_stamps()
    if args.list:
        table(parts, stamps, program)
        return 0
    bad = work(parts, stamps, program, args.again)
    subprocess.run([sys.executable, "docs/tools/figures.py"], cwd=ROOT, check=True)
    print(f"{MEASURED.relative_to(ROOT)} has what each part was measured on; the cards' tables and figures are written.")
    return 1 if bad else 0


def work(parts, stamps, program, again):
    """Names of the parts that could not be measured."""
    bad = []
    for i, part in enumerate(parts, 1):
        print(f"[{i}/{len(parts)}] {part.name}: {part.what}", flush=True)
        if lacks := lacking(part, program):
            print("".join(f"    left out, since it lacks {how}\n" for how in lacks), end="")
            bad.append(part.name)
        elif up_to_date(part, stamps) and not again:
            print(f"    up to date, of {stamps[part.name]['date']}")
        elif measure(part, program):
            print(f"    took {minutes(read_stamps()[part.name]['seconds'])}", flush=True)
        else:
            print("    failed: the error is above; the same command goes on here once it is mended")
            bad.append(part.name)
    if bad:
        print(f"Not measured: {', '.join(bad)}. Their figures in the cards are what they were.")
    return bad


if __name__ == "__main__":
    sys.exit(main())
