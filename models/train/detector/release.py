"""From a checkpoint to the released files: python -m models.train.detector.release [--run NAME] [--version V] [--threshold T]

Quantizes after training on seeded training views, then writes weights/detector.moodnet, weights/detector.onnx and
golden/detector.bin, each checked against the integer reference.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import torch

from ..common import intgraph as ig
from ..common import onnx_qdq, pack
from ..common.golden import golden
from ..common.quantize import quantize
from .library import Library
from .paths import MODELS, RUNS
from .student import DEFAULT_SIZE, MEAN, STD, build, equalise, normalise
from .views import make


def calibration(count=192, size=256, seed=99):
    """Training views as the net will meet them: some of them dark, noisy or letterboxed, all from training pictures."""
    lib = Library()
    return np.stack([make(lib, np.random.default_rng((seed, i)), size)[0] for i in range(count)])


def integer_net(checkpoint, notes, how="mse", correct=True):
    net = build()
    net.load_state_dict(torch.load(checkpoint, weights_only=True))
    pictures, (width, height) = calibration(), DEFAULT_SIZE
    equalise(net, [normalise(torch.from_numpy(pictures[i:i + 16])) for i in range(0, len(pictures), 16)])
    # The reference and the engine read RGB.
    return quantize(net, np.ascontiguousarray(pictures[..., ::-1]), kind=ig.DETECTOR, mean=MEAN, std=STD, width=width, height=height, step=32,
                    notes=notes, how=how, correct=correct, batch=16)


def main():
    a = argparse.ArgumentParser(description=__doc__)
    a.add_argument("--run", default="taught")
    a.add_argument("--version", default="0.1.0")
    a.add_argument("--threshold", type=float, default=0.5)
    a.add_argument("--how", default="mse", choices=("mse", "max"))
    a.add_argument("--weights", default="ema.pt", help="ema.pt or ema_qat.pt of the run")
    a.add_argument("--out", default=None, help="write only the packed file to this path, and the ONNX file beside it")
    args = a.parse_args()
    torch.set_num_threads(1)
    notes = dict(name="detector", version=args.version, threshold=f"{args.threshold:g}")
    graph = integer_net(RUNS / args.run / args.weights, notes, args.how)
    packed = MODELS / "weights" / "detector.moodnet"
    if args.out:
        print(pack.write(Path(args.out), graph), "bytes;", onnx_qdq.write(Path(args.out).with_suffix(".onnx"), graph, calibration(4)))
        return
    sizes = dict(packed_bytes=pack.write(packed, graph))
    sizes["onnx_against_reference"] = onnx_qdq.write(MODELS / "weights" / "detector.onnx", graph, calibration(4))
    (MODELS / "golden" / "detector.bin").write_bytes(golden(graph, packed.read_bytes(), [(160, 128), (96, 64)]))
    print(json.dumps(sizes))


if __name__ == "__main__":
    main()
