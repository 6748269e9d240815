"""The card's tables from `evaluate --json`, `measure --both --json` and `sizes --json`: python -m models.train.detector.card [--json models/cards/detector.json]

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


SHOWN = ((0.45, 0.9), (0.5, 0.75), (0.5, 0.85), (0.5, 0.9), (0.5, 0.95), (0.55, 0.85), (0.65, 0.85))  # pairs of thresholds for the card; all are in the file
SIZES = {192: 160, 320: 256, 480: 384, 640: 480}


def people(m):
    """What people notice, at both thresholds of the committed net, and the choice of both nets' thresholds."""
    m = m["detector.onnx"]
    asked, alone = m["at"]
    table(("what people notice", f"shown to the head `face`, from {asked['threshold']:g}", f"detector alone, from {alone['threshold']:g}"),
          [(k, *(form(k, line[k]) for line in m["at"])) for k in asked if k != "threshold"])
    chosen = [line for line in m["both"] if (line["detector"], line["face head"]) in SHOWN]
    table(tuple(chosen[0]), [(f"{v['detector']:g}", f"{v['face head']:g}", *(form(k, x) for k, x in v.items() if k not in ("detector", "face head"))) for v in chosen])


def form(name, v):
    return f"{v:.3f}" if name.startswith("AP") else f"{v:.1f}" if "1,000" in name or (name.endswith("face head") and not name.startswith("pets")) else f"{100 * v:.1f} %"


def sizes(r):
    table(("longest side", "AP", "half found up to", "four in five up to", "detector, ms", "a whole frame, ms"),
          [(f"{s} (x{SIZES[int(s)]})", f"{v['ap']:.3f}", f"{v['half_m']:.1f} m", f"{v['most_m']:.1f} m", *(f"{v[k]:.1f}" if k in v else "" for k in ("detect_ms", "total_ms")))
           for s, v in r["sides"].items()])


def read(path):
    with open(path) as f:
        return json.load(f)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--json", default="models/cards/detector.json")
    a.add_argument("--measure", default="models/cards/detector_measure.json")
    a.add_argument("--sizes", default="models/cards/detector_sizes.json")
    args = a.parse_args()
    r = read(args.json)
    lines = {line["threshold"]: line for line in r["sweep"]}
    table(("measure", "value"), figures(r, lines[r["threshold"]]))
    rows = []
    for t, line in sorted(lines.items()):
        mark = "**" if t == r["threshold"] else ""
        rows.append((f"{mark}{t:g}{mark}", f"{line['wider_recall']:.3f}", f"{line['false_per_1000_rooms']:.0f}", f"{line['false_per_1000_scenes']:.0f}",
                     f"{without_people(line, r['counts']):.0f}", f"{line['false_per_1000_animals']:.0f}", f"{line['portraits_percent']:.1f}",
                     f"{line['close_ups_percent']:.1f}"))
    table(("threshold", "recall WIDER", "rooms", "scenes", "rooms and scenes", "animals", "portraits %", "close-ups %"), rows)
    people(read(args.measure))
    sizes(read(args.sizes))


if __name__ == "__main__":
    main()
