"""What an ensemble of teachers answers to every training picture, kept as soft targets for the student's FER2013 head.

    python -m models.train.classifier.teach [--run wide_calm:wide] [--peer PATH.onnx] [--weights W ...] [--out runs/NAME.npz]

Teachers are our own finished runs and the public XCEPTIONs of `../shared/peers/xception` (MIT), which differ enough from
ours to be wrong elsewhere. Each sees a picture and its mirror image; the target is the mean of all probabilities, weighted by `--weights`
(Hinton et al., Distilling the knowledge in a neural network, 2015; here at temperature 1). Prints how each teacher and
the ensemble do on PublicTest, and the ensemble on what it was trained on, then writes (N, 7) float32 in the order of the training sheets.
"""
import argparse
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from tqdm import tqdm

from .data import load_split
from .train import RUNS, predict
from .online_distillation import loaded

PEERS = ("big_xception_54-0.66.onnx", "mini_xception_102-0.66.onnx")


def own(name):
    """A run of ours, `NAME` or `NAME:SHAPE`, as a function from (N,1,48,48) f32 0..255 to (N,7) probabilities."""
    net = loaded(RUNS, name)
    return lambda x: predict(net, x)[0].softmax(1)


def peer(path):
    """A public XCEPTION: N x 64 x 64 x 1 in [-1, 1], and already probabilities in FER2013's order."""
    if not Path(path).exists():
        raise SystemExit(f"no {path}: give --peer a path, or --peer none")
    session = onnxruntime.InferenceSession(str(path))
    name = session.get_inputs()[0].name

    def answer(x):
        out = []
        for part in tqdm(x.split(256), desc=Path(path).stem, disable=None):
            part = F.interpolate(part, (64, 64), mode="bilinear", align_corners=False) / 127.5 - 1
            out.append(torch.from_numpy(session.run(None, {name: part.permute(0, 2, 3, 1).numpy()})[0]).flatten(1))
        return torch.cat(out)

    return answer


def with_mirror(teacher, x):
    return (teacher(x) + teacher(x.flip(3))) / 2


def shares(weights, teachers):
    """Each teacher's share of the mean; together one."""
    weights = weights or [1.0] * len(teachers)
    if len(weights) != len(teachers) or min(weights) <= 0:
        raise SystemExit(f"--weights: one above 0 for each of {', '.join(teachers)}")
    return [w / sum(weights) for w in weights]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--run", action="append", metavar="NAME[:SHAPE]", help="default: wide_calm:wide")
    parser.add_argument("--peer", action="append", metavar="PATH", help="default: both of ../shared/peers/xception; none: no peer")
    parser.add_argument("--weights", type=float, nargs="+", metavar="W", help="of each teacher in the mean, runs first (default: all alike)")
    parser.add_argument("--out", default=str(RUNS / "teacher.npz"))
    args = parser.parse_args()
    peers = args.peer or [Path(args.data).parent / "peers" / "xception" / p for p in PEERS]
    teachers = {name: own(name) for name in args.run or ["wide_calm:wide"]}
    teachers |= {Path(p).stem: peer(p) for p in peers if str(p) != "none"}

    weights = shares(args.weights, teachers)

    test = load_split(args.data, "public_test")
    x = torch.from_numpy(test.pixels)[:, None].float()
    answers = {name: with_mirror(t, x) for name, t in teachers.items()}
    answers["ensemble"] = sum(w * p for w, p in zip(weights, answers.values()))
    for name, p in answers.items():
        print(f"{name}: {(p.argmax(1).numpy() == test.labels).mean():.4f} of PublicTest")
    train = load_split(args.data, "train")
    x = torch.from_numpy(train.pixels)[:, None].float()
    target = sum(w * with_mirror(t, x) for w, t in zip(weights, teachers.values()))
    print(f"ensemble: {(target.argmax(1).numpy() == train.labels).mean():.4f} of Training, which they have seen")
    np.savez(args.out, target=target.numpy().astype(np.float32), teachers=np.array(list(teachers)))
    print(f"{args.out}: {len(target)} targets of {len(teachers)} teachers")


if __name__ == "__main__":
    main()
