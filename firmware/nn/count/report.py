"""WORK/counts.json as tables: report.py WORK."""

import json
import pathlib
import sys

OTHERS = {"classifier": ["ONNX Runtime", "XNNPACK"], "detector": ["ONNX Runtime", "XNNPACK"], "letterbox": ["OpenCV"], "align": ["OpenCV"]}
COLUMNS = {"instructions": "millions of instructions", "cycles": "millions of cycles, modelled", "moved": "MB loaded and stored"}


def value(record, column):
    return record["load_bytes"] + record["store_bytes"] if column == "moved" else record[column]


def rows(counts, column):
    """Core, work, ours, each other, ours / the better one's."""
    for core, parts in counts.items():
        for part, engines in parts.items():
            others = [value(engines[name], column) for name in OTHERS.get(part, []) if name in engines]
            ours = value(engines["ours"], column)
            if others:
                yield [core, part, f"{ours / 1e6:.2f}", *(f"{other / 1e6:.2f}" for other in others), f"{ours / min(others):.2f}"]


def nets(counts, column):
    """Ours / the better one's for both nets together, by core."""
    for core, parts in counts.items():
        ours = sum(value(parts[net]["ours"], column) for net in ("detector", "classifier"))
        others = [sum(value(parts[net][name], column) for net in ("detector", "classifier")) for name in OTHERS["detector"]]
        yield core, ours / min(others)


def main(work):
    counts = json.loads(pathlib.Path(work, "counts.json").read_text())
    for column, title in COLUMNS.items():
        print(f"\n{title}: core, work, ours, others (ONNX Runtime, XNNPACK; or OpenCV), ours / the better one's")
        for row in rows(counts, column):
            print("| " + " | ".join(row) + " |")
        print("both nets:", ", ".join(f"{core} {ratio:.2f}" for core, ratio in nets(counts, column)))


if __name__ == "__main__":
    main(*sys.argv[1:])
