"""Milliseconds of a frame on boards, estimated: estimate.py WORK. From the modelled cycles and counted misses of WORK/counts.json and what
WORK/model_error.json says of such a model. Nobody has measured any of it.

The least: the model's cycles times the smallest ratio of measured to modelled ones found here, for nets and for pictures apart (1 for
in-order cores), all misses hidden. The most: times the largest ratio, 1.3 at least since no Arm was checked, and every miss waited for.
"""

import json
import pathlib
import sys

# Board, core, clocks in GHz slowest and fastest, nanoseconds to the second cache and to what lies behind it, if waited for: memory, or a third
# cache that holds the nets (Pi 5, Orin). An A78AE is counted as an A76.
BOARDS = [
    ("Pi 3 A+, B, B+", "A53", (1.2, 1.4), 12, 160),
    ("Zero 2 W", "A53", (1.0, 1.0), 15, 170),
    ("Pi 4", "A72", (1.5, 1.8), 12, 130),
    ("Pi 5", "A76", (2.4, 2.4), 4, 25),
    ("Orin Nano", "A76", (1.5, 1.7), 6, 35),
    ("AGX Orin", "A76", (2.2, 2.2), 5, 30),
]
LEAST_MARGIN = 1.3
# What makes real cycles fewer here is blocks that overlap; these cores do not overlap them.
IN_ORDER = ("A53", "A55")
PARTS = ["letterbox", "detector", "decode", "align", "classifier"]
NETS = ("detector", "classifier")


def spread(errors):
    """The smallest and the largest factor from modelled to real cycles."""
    ratios = [row["ratio"] for row in errors]
    return min(*ratios, 1.0), max(*ratios, LEAST_MARGIN)


def milliseconds(count, clocks, waits_ns, factors):
    """From ... to, of one piece of work."""
    (slow, fast), (second, behind) = clocks, waits_ns
    least = count["cycles"] * factors[0] / fast
    most = count["cycles"] * factors[1] / slow + count["l1"] * second + count["l2"] * behind
    return least / 1e6, most / 1e6


def rounded(ms):
    return f"{ms:.0f}" if ms >= 9.5 else f"{ms:.1f}"


def table(counts, errors):
    """Rows of: board, core, detector, classifier, the whole frame; each from ... to."""
    of_nets, of_pictures = (spread([row for row in errors if (row["part"] in NETS) == net]) for net in (True, False))
    for board, core, clocks, second, behind in BOARDS:
        if core not in counts:
            continue
        found = {}
        for part in PARTS:
            least, most = of_nets if part in NETS else of_pictures
            factors = (1.0 if core in IN_ORDER else least, most)
            found[part] = milliseconds(counts[core][part]["ours"], clocks, (second, behind), factors)
        found["frame"] = tuple(map(sum, zip(*found.values())))
        yield [board, core, *(f"{rounded(found[part][0])} to {rounded(found[part][1])}" for part in ("detector", "classifier", "frame"))]


def main(work):
    counts, errors = (json.loads(pathlib.Path(work, name).read_text()) for name in ("counts.json", "model_error.json"))
    print("| board | core | detector, ms | classifier, ms | frame with one face, ms |\n|---|---|---|---|---|")
    for row in table(counts, errors):
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
