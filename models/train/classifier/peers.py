"""What others install today, on the same pictures: mini and big XCEPTION (MIT) from ../shared/peers/xception.

    python -m models.train.classifier.peers [--data ../shared/data] [--peers ../shared/peers/xception] [--json FILE]

Their input is 64x64 grey in [-1, 1]; pictures are resized bilinearly. Float nets, one pass, PublicTest.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F

from . import augment
from .data import ferplus_majority, leak_free, load_split
from .evaluate import changes
from .train import align_maps


def runner(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def answers(x):
        y = F.interpolate(x.clamp(0, 255), (64, 64), mode="bilinear", align_corners=False) / 127.5 - 1
        y = y.permute(0, 2, 3, 1).numpy()
        return np.concatenate([session.run(None, {name: y[i:i + 64]})[0] for i in range(0, len(y), 64)]).argmax(1)
    return answers


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--peers", default="../shared/peers/xception")
    parser.add_argument("--json")
    args = parser.parse_args()
    torch.set_num_threads(1)
    test = load_split(args.data, "public_test")
    free = leak_free(test, load_split(args.data, "train"))
    mask, majority = ferplus_majority(test)
    x = torch.from_numpy(test.pixels)[:, None].float()
    aligned = augment.resample(x, align_maps("public_test", len(test)))
    report = {}
    for path in sorted(Path(args.peers).glob("*.onnx")):
        answers = runner(path)
        plain = answers(x)
        right = plain == test.labels
        changed = np.mean([(answers(y) == test.labels).mean() for _, y in changes(x)])
        one = {"accuracy": right.mean(), "accuracy_leak_free": right[free].mean(), "macro_recall": np.mean([right[test.labels == c].mean() for c in range(7)]),
               "ferplus_accuracy": (plain == majority)[mask].mean(), "accuracy_aligned": (answers(aligned) == test.labels).mean(), "robustness": changed / right.mean()}
        report[path.stem] = {k: round(float(v), 4) for k, v in one.items()}
        print(path.stem, report[path.stem], flush=True)
    if args.json:
        Path(args.json).write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
