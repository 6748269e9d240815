"""The card's tables of faces before a mirror, from `measure --json`, `video --json` and `calibrate --json`: python -m models.train.classifier.mirror_card

Prints Markdown, to be pasted between the card's sentences; no figure of these tables is typed by hand.
"""
import argparse
import json
from pathlib import Path

from ..common.markdown import table
from .card import percent
from .data import LABELS

CARDS = Path(__file__).parents[2] / "cards"
NAMES = {"blend": "blend (the default)", "logits": "FER2013's", "ferplus": "FER+'s"}
SETS = ("wild", "wild, the half not fitted on", "cfee, simple", "taiwanese", "PublicTest by FER+'s majority", "PublicTest by FER2013's label")


def answers(a):
    rows = [(s, NAMES[k], a[k][s]["count"], percent(a[k][s]["accuracy"]), f"{a[k][s]['macro']:.3f}", f"{a[k][s]['calibration_error']:.3f}", percent(a[k][s]["calm_misread"]))
            for s in SETS for k in NAMES]
    table(("faces", "answer", "count", "accuracy", "macro recall", "calibration error", "neutral called angry, disgust, fear or sad"), rows)
    table(("wild, recall", *LABELS), [(NAMES[k], *(percent(a[k]["wild"]["recall"].get(n, 0)) for n in LABELS)) for k in NAMES])
    table(("shown from a probability of", "share shown", "right of these"), [(f"{r['certain']:.2f}", percent(r["coverage"]), percent(r["right"])) for r in a["shown"]["curve"]])
    for name in ("default", "default, the half not fitted on"):
        r = a["shown"][name]
        print(f"{name} (from {r['certain']:.2f}, profiles uncertain): shown {percent(r['coverage'])}, right {percent(r['right'])}\n")


def covered(c):
    table(("PublicTest", "FER2013 answer", "FER+ answer", "blend by FER+'s majority", "calm called angry, sad, fear or disgust", "blend uncertain"),
          [(k, percent(v["FER2013"]), percent(v["FER+"]), percent(v["blend"]["accuracy"]), percent(v["blend"]["calm_misread"]), percent(v["blend uncertain"])) for k, v in c.items()])


def turned(t):
    rows = [(f"{angle} degrees", cuts, v["count"], v["not found"], percent(v["within 5 degrees"]), f"{v['median error']:.1f}", percent(v["same expression"]))
            for cuts, by in t.items() for angle, v in by.items()]
    table(("turned by", "with up to", "photos", "no face found", "within 5 degrees", "median error", "same expression"), rows)


def faces(f):
    table(("pets", "pictures", "with a face by the detector", "with a face"),
          [(k.removeprefix("pets "), v["pictures"], percent(v["with a face by the detector"]), percent(v["with a face"])) for k, v in f.items() if k.startswith("pets")])
    lost = f["wild faces lost"]
    print(f"Of {lost['count']} wild faces {100 * lost['share']:.2f} % are lost.\n")


def interval(v):
    return f"{100 * v[0]:.0f} ({100 * v[1]:.0f} to {100 * v[2]:.0f})"


def fairness(f):
    table(("group", "faces", "uncertain", "profile", "no face", *LABELS),
          [(g, v["count"], interval(v["uncertain"]), interval(v["profile"]), f"{100 * v['no face'][0]:.1f} ({100 * v['no face'][1]:.1f} to {100 * v['no face'][2]:.1f})",
            *(interval(v[n]) for n in LABELS)) for g, v in f.items()])


def pose(p):
    names = ("profile", "half", "frontal", "half", "profile")
    table(("YuNet's landmarks \\ the net: looks to the picture's left ... right", *names), [(n, *row) for n, row in zip(names, p["yaw"]["table"])])
    table(("landmarks \\ the net", "down", "level", "up"), [(n, *row) for n, row in zip(("down", "level", "up"), p["pitch"]["table"])])
    print(f"Of profiles by the landmarks {percent(p['profile found'])} are called so, of frontal faces {percent(p['frontal called profile'])}.\n")


def video(v):
    table(("frames a second", "smoothing", "acceptable", "uncertain", "flips a minute", "median delay, s", "segments never shown"),
          [(rate.split()[0], way, percent(r["acceptable"]), percent(r["uncertain"]), f"{r['flips a minute']:.1f}", f"{r['median delay, seconds']:.2f}", percent(r["segments never shown"]))
           for rate, t in v.items() for way, r in t.items()])


def calibrate(c):
    ways = {"neither": "neither", "resting": "`resting` alone", "calibrated": "`calibrate` alone", "both": "both"}
    bad = "angry, sad, fear or disgust"

    def pair(some, way, when):
        v = c["calm"][f"{some}, {way}"][when]
        return f"{percent(v['neutral'])} / {percent(v[bad])}"

    calm = c["calm"]
    table((f"{calm['faces']} calm wild faces held for a minute: shown as neutral / as {bad}", "first ten seconds", "after 50 seconds",
           f"the {calm['serious']} serious ones: first ten seconds", "after 50 seconds"),
          [(name, *(pair(some, way, when) for some in ("all", "serious") for when in ("first ten seconds", "after 50 seconds"))) for way, name in ways.items()])
    rows = [(ways.get(k, k), v) for k, v in c["posed"].items()] + [("a stranger, by somebody's serious face", c["strangers"])]
    names = [n for n in LABELS if n in rows[0][1]]
    table(("CFEE's persons, right after two seconds", *names, "mean"), [(k, *(percent(v[n]) for n in (*names, "mean"))) for k, v in rows])
    table(("posed, held for a minute, with `resting`", "persons", "shown in the first ten seconds", "after 50 seconds"),
          [(n, v["persons"], percent(v["first ten seconds"]), percent(v["after 50 seconds"])) for n, v in c.get("held", {}).items()])
    table(("clips three times in a row", "acceptable", "uncertain", "flips a minute"),
          [(ways[k], percent(v["acceptable"]), percent(v["uncertain"]), f"{v['flips a minute']:.1f}") for k, v in c["clips"].items()])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", default=CARDS / "mirror.json")
    parser.add_argument("--video", default=CARDS / "video.json")
    parser.add_argument("--calibrate", default=CARDS / "calibrate.json")
    args = parser.parse_args()
    m = json.loads(Path(args.json).read_text())
    for name, show in (("answers", answers), ("covered", covered), ("turned", turned), ("faces", faces), ("pose", pose), ("fairness", fairness)):
        if name in m:
            show(m[name])
    if Path(args.video).exists():
        video(json.loads(Path(args.video).read_text()))
    if Path(args.calibrate).exists():
        calibrate(json.loads(Path(args.calibrate).read_text()))


if __name__ == "__main__":
    main()
