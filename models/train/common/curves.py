"""Draws a training's log: python -m models.train.common.curves LOG.csv [LOG.csv ...] --out FILE.svg

One row of panels per kind of figure, epochs to the right: shares (accuracies), losses and errors, the learning rate. Several logs follow each
other, as stages of one training do. The classifier's log has a header, the detector's columns are `DETECTOR`.
"""
import argparse
import csv
import math

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend first: no screen is needed)

DETECTOR = ("epoch", "loss", "objectness", "class", "box", "landmarks", "features", "seconds")
LEFT_OUT = ("epoch", "seconds")


def read(path):
    """{column: values}, from a log with or without a header."""
    with open(path, newline="") as f:
        rows = [row for row in csv.reader(f) if row]
    if not rows:
        raise SystemExit(f"{path} is empty: the first line comes with the first epoch's end")
    named = not rows[0][0].replace(".", "").isdigit()
    names, rows = (rows[0], rows[1:]) if named else (DETECTOR, rows)
    if any(len(row) != len(names) for row in rows):
        raise SystemExit(f"{path}: a line has not the {len(names)} columns {', '.join(names)}")
    return {name: [float(row[i]) for row in rows] for i, name in enumerate(names)}


def joined(logs):
    """The stages one after the other; a column that one of them lacks has gaps there."""
    names = dict.fromkeys(name for log in logs for name in log)
    lengths = [len(next(iter(log.values()))) for log in logs]
    return {name: [v for log, n in zip(logs, lengths) for v in log.get(name, [math.nan] * n)] for name in names}


def panels(columns):
    """(title, columns) of each panel that has something to show."""
    shares = [n for n in columns if "acc" in n]
    rate = [n for n in columns if n == "lr"]
    losses = [n for n in columns if n not in (*shares, *rate, *LEFT_OUT)]
    return [p for p in (("share of PublicTest", shares), ("loss", losses), ("learning rate", rate)) if p[1]]


def draw(columns, out, title):
    parts = panels(columns)
    plt.rcParams.update({"svg.hashsalt": "moodring", "svg.fonttype": "none", "font.size": 9})  # the same bytes each time
    figure, axes = plt.subplots(len(parts), 1, sharex=True, figsize=(7, 2.1 * len(parts)), squeeze=False, layout="constrained")
    for axis, (label, names) in zip(axes[:, 0], parts):
        for name in names:
            axis.plot(range(len(columns[name])), columns[name], label=name, linewidth=1.2)
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
        if len(names) > 1:
            axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))
        if len(names) > 1 and label == "loss":
            axis.set_yscale("log")  # parts of quite different size
    axes[0, 0].set_title(title, fontsize=10)
    axes[-1, 0].set_xlabel("epoch")
    figure.savefig(out, metadata={"Date": None} if out.endswith(".svg") else None)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="+", metavar="LOG.csv")
    parser.add_argument("--out", required=True, help="FILE.svg or FILE.png")
    parser.add_argument("--title", default="")
    args = parser.parse_args()
    draw(joined([read(p) for p in args.logs]), args.out, args.title)
    print(args.out)


if __name__ == "__main__":
    main()
