"""The detector's tables, from models/cards. Standard library only: `models.train.tables` writes them into the card."""
from ..common.markdown import percent, text

AT = (320, 640, 960, 1280)
SHOWN = ((0.45, 0.9), (0.5, 0.75), (0.5, 0.85), (0.5, 0.9), (0.5, 0.95), (0.55, 0.85), (0.65, 0.85))  # pairs of thresholds for the card; all are in the file
SIZES = {192: 160, 320: 256, 480: 384, 640: 480}


def without_people(line, counts):
    """False faces per 1,000 of rooms and scenes together."""
    kinds = ("rooms", "scenes")
    return sum(line[f"false_per_1000_{k}"] * counts[k] for k in kinds) / sum(counts[k] for k in kinds)


def rows_of_figures(r, line, command):
    near, far = r["landmarks"], r["landmarks_against_640"]
    yield "AP at IoU 0.5, WIDER subset, longest side 320", f"**{r['wider_320']['ap']:.3f}**"
    yield "recall at 99 % precision", f"{r['wider_320']['recall_at_99']:.3f}"
    yield "the same pictures shown in grey: AP", f"{r['wider_320_grey']['ap']:.3f}"
    yield "AP with the longest side 640", f"{r['wider_640']['ap']:.3f}"
    if command:
        yield "AP of `moodring detect`, which looks twice (docs/decisions/004)", f"{command['ap']:.3f}"
    yield (f"landmarks: mean error / eye distance against YuNet_n on the same canvas, {near['faces']} faces; near-profiles left out",
           f"{near['landmark_error']:.3f} (median {near['landmark_error_median']:.3f})")
    yield "roll from the eyes, median error, same faces", f"{near['roll_error_median_deg']:.1f} deg"
    yield "landmarks and roll against YuNet_n at 640", f"{far['landmark_error']:.3f}, {far['roll_error_median_deg']:.1f} deg"
    yield ("portraits found: face 50 to 95 % of the height, tilted up to 30 deg (PublicTest crops pasted as in training, grey)",
           f"{line['portraits_percent']:.1f} % of {r['counts']['portraits']}")
    yield "close-ups found: cut from real validation photos, same sizes and tilts", f"{line['close_ups_percent']:.1f} % of {r['counts']['close_ups']}"
    for name, what in (("astronaut.png", "1 face"), ("solvay1927.jpg", "29 faces")):
        yield f"{name} ({what}), at {', '.join(map(str, AT))} px", ", ".join(str(r["photos"][f"{name}@{s}"]) for s in AT) + " detections"


def lines_of(r):
    return {line["threshold"]: line for line in r["sweep"]}


def figures(read):
    r = read("detector")
    try:
        command = read("detector_command")
    except FileNotFoundError:
        command = None
    return text(("measure", "value"), rows_of_figures(r, lines_of(r)[r["threshold"]], command))


def thresholds(read):
    r, rows = read("detector"), []
    for t, line in sorted(lines_of(r).items()):
        mark = "**" if t == r["threshold"] else ""
        rows.append((f"{mark}{t:g}{mark}", f"{line['wider_recall']:.3f}", f"{line['false_per_1000_rooms']:.0f}", f"{line['false_per_1000_scenes']:.0f}",
                     f"{without_people(line, r['counts']):.0f}", f"{line['false_per_1000_animals']:.0f}", f"{line['portraits_percent']:.1f}", f"{line['close_ups_percent']:.1f}"))
    return text(("threshold", "recall WIDER", "rooms", "scenes", "rooms and scenes", "animals", "portraits %", "close-ups %"), rows)


def form(name, v):
    return f"{v:.3f}" if name.startswith("AP") else f"{v:.1f}" if "1,000" in name or (name.endswith("face head") and not name.startswith("pets")) else percent(v)


def noticed(read):
    asked, alone = read("detector_measure")["detector.onnx"]["at"]
    return text(("what people notice", f"shown to the head `face`, from {asked['threshold']:g}", f"detector alone, from {alone['threshold']:g}"),
                [(k, *(form(k, line[k]) for line in (asked, alone))) for k in asked if k != "threshold"])


def pairs(read):
    chosen = [v for v in read("detector_measure")["detector.onnx"]["both"] if (v["detector"], v["face head"]) in SHOWN]
    return text(tuple(chosen[0]), [(f"{v['detector']:g}", f"{v['face head']:g}", *(form(k, x) for k, x in v.items() if k not in ("detector", "face head"))) for v in chosen])


def sizes(read):
    return text(("longest side", "AP", "half found up to", "four in five up to", "detector, ms", "a whole frame, ms"),
                [(f"{s} (x{SIZES[int(s)]})", f"{v['ap']:.3f}", f"{v['half_m']:.1f} m", f"{v['most_m']:.1f} m", *(f"{v[k]:.1f}" if k in v else "" for k in ("detect_ms", "total_ms")))
                 for s, v in read("detector_sizes")["sides"].items()])


def stress(read):
    r = read("detector_stress")
    return text(("pictures", "AP", f"recall at {r['threshold']:g}", "AP of YuNet_n"), [(n, *(f"{v[k]:.3f}" for k in ("ap", "recall", "yunet_n_ap"))) for n, v in r["changes"].items()])


def profiles(read):
    r = read("detector_stress")
    return text(("of them", "faces", f"recall at {r['threshold']:g}"), [(n, v["faces"], f"{v['recall']:.3f}") for n, v in r["turned"].items()])


def page(read):
    p = read("detector_page")
    return (f"Above {p['threshold']:g} one look misses {p['missed']} of {p['faces']} faces, {p['missed with a lower score']} of them seen with a lower score, and takes {p['false']} places for faces; "
            f"of these the head `face` takes {p['false, the head face agrees']} for faces, too.\n\n"
            + text(("false faces in", "by the detector", "and the head `face`"), [(k, *v) for k, v in p["false by source"].items()]))


TABLES = {"boxes": figures, "thresholds": thresholds, "noticed": noticed, "pairs": pairs, "sizes": sizes, "stress": stress, "profiles": profiles, "page": page}
