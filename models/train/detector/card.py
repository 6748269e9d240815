"""The card's tables from `evaluate --json`: python -m models.train.detector.card [--json models/cards/detector.json]

Prints Markdown, to be pasted between the card's sentences; no figure of these tables is typed by hand.
"""
import argparse
import json

from ..common.markdown import table

AT = (320, 640, 960, 1280)


def without_people(line, counts):
    """False faces per 1,000 of rooms and scenes together."""
    kinds = ("rooms", "scenes")
    return sum(line[f"false_per_1000_{k}"] * counts[k] for k in kinds) / sum(counts[k] for k in kinds)


def figures(r, line):
    near, far = r["landmarks"], r["landmarks_against_640"]
    yield "AP at IoU 0.5, WIDER subset, longest side 320", f"**{r['wider_320']['ap']:.3f}**"
    yield "recall at 99 % precision", f"{r['wider_320']['recall_at_99']:.3f}"
    yield "the same pictures shown in grey: AP", f"{r['wider_320_grey']['ap']:.3f}"
    yield "AP with the longest side 640", f"{r['wider_640']['ap']:.3f}"
    yield (f"landmarks: mean error / eye distance against YuNet_n on the same canvas, {near['faces']} faces",
           f"{near['landmark_error']:.3f} (median {near['landmark_error_median']:.3f})")
    yield "roll from the eyes, median error, same faces", f"{near['roll_error_median_deg']:.1f} deg"
    yield "landmarks and roll against YuNet_n at 640", f"{far['landmark_error']:.3f}, {far['roll_error_median_deg']:.1f} deg"
    yield ("portraits found: face 50 to 95 % of the height, tilted up to 30 deg",
           f"{line['portraits_percent']:.1f} % of {r['counts']['portraits']}")
    yield "close-ups found: cut from real validation photos, same sizes and tilts", f"{line['close_ups_percent']:.1f} % of {r['counts']['close_ups']}"
    for name, what in (("astronaut.png", "1 face"), ("solvay1927.jpg", "29 faces")):
        yield f"{name} ({what}), at {', '.join(map(str, AT))} px", ", ".join(str(r["photos"][f"{name}@{s}"]) for s in AT) + " detections"


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--json", default="models/cards/detector.json")
    with open(a.parse_args().json) as f:
        r = json.load(f)
    lines = {line["threshold"]: line for line in r["sweep"]}
    table(("measure", "value"), figures(r, lines[r["threshold"]]))
    rows = []
    for t, line in sorted(lines.items()):
        mark = "**" if t == r["threshold"] else ""
        rows.append((f"{mark}{t:g}{mark}", f"{line['wider_recall']:.3f}", f"{line['false_per_1000_rooms']:.0f}", f"{line['false_per_1000_scenes']:.0f}",
                     f"{without_people(line, r['counts']):.0f}", f"{line['false_per_1000_animals']:.0f}", f"{line['portraits_percent']:.1f}",
                     f"{line['close_ups_percent']:.1f}"))
    table(("threshold", "recall WIDER", "rooms", "scenes", "rooms and scenes", "animals", "portraits %", "close-ups %"), rows)


if __name__ == "__main__":
    main()
