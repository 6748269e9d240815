"""Writes FER2013 splits from the sheets as Kaggle's fer2013.csv (emotion,pixels,Usage), for `moodring eval`.

    python -m models.train.classifier.export_csv OUT.csv [--data ../shared/data] [--split public_test ...]
"""
import argparse
import csv

from .data import load_split
from .sources import USAGE


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--split", nargs="+", choices=USAGE, default=["public_test"])
    args = parser.parse_args()
    with open(args.out, "w", newline="") as f:
        writer = csv.writer(f)
        writer.writerow(("emotion", "pixels", "Usage"))
        for split in args.split:
            faces = load_split(args.data, split)
            for label, face in zip(faces.labels, faces.pixels):
                writer.writerow((label, " ".join(map(str, face.ravel())), USAGE[split]))


if __name__ == "__main__":
    main()
