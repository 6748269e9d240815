"""What each mixture of the two heads and each balance scores: the table that `export`'s options were chosen from.

    python -m models.train.classifier.heads [--run NAME] [--data ../shared/data]
"""
import argparse

import numpy as np
import torch

from .data import ferplus_majority, leak_free, load_split
from .export import averaged, float_logits, fuse, label_shares


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--run", default="classifier")
    args = parser.parse_args()
    torch.set_num_threads(1)
    net, shape, epochs = averaged(args.run)
    test = load_split(args.data, "public_test")
    free = leak_free(test, load_split(args.data, "train"))
    mask, majority = ferplus_majority(test)
    a, b = (v[:, :7] for v in float_logits(fuse(net, shape, 0.0), test.pixels))
    shares = np.log(label_shares(args.data))
    print(f"{shape}, {epochs} epochs, float net\nshare  balance  PublicTest  leak-free  macro recall  FER+")
    for share in (0, 0.1, 0.25, 0.5, 1):
        for balance in (0, 0.1, 0.2, 0.3, 0.4, 0.5, 1):
            answer = ((1 - share) * a + share * b - balance * shares).argmax(1)
            right = answer == test.labels
            macro = np.mean([right[test.labels == c].mean() for c in range(7)])
            print(f"{share:5.2f}  {balance:7.2f}  {right.mean():10.4f}  {right[free].mean():9.4f}  {macro:12.4f}  "
                  f"{(answer == majority)[mask].mean():.4f}")


if __name__ == "__main__":
    main()
