"""Adds outputs to the committed classifier and changes none of those that are there, bit for bit.

    python -m models.train.classifier.attach [--pose pose] [--data ../shared/data] [--version V]

`blend`: blend.json's rule as one more head on the same 160 features. `pose` and `face`: the side branch that `pose` trained, quantized on the integers that
the classifier itself hands it. Writes the packed file, the ONNX file and the golden vectors, and proves that what was there is the same.
"""
import argparse
import json

import numpy as np
import torch

from ..common import golden, intgraph, onnx_qdq, pack
from ..common.layers import head
from ..common.quantize import make_conv, quantize
from ..common.reference import run, run_all
from . import blend, pose
from .data import LABELS, load_split
from .export import MODELS, WEIGHTS
from .net import SHAPES, layers

FIRST = ("logits", "ferplus", "maps")


def named(graph, shape="deep"):
    """The committed graph with its layers' names, which the packed file does not keep, and nothing but its first three outputs."""
    names = [l.name for l in layers([("logits", 7), ("ferplus", 8)], maps=("maps", 7), **SHAPES[shape])]
    graph.ops, graph.outputs = graph.ops[:len(names)], graph.outputs[:3]
    for op, name in zip(graph.ops, names, strict=True):
        op.name = name
    return graph


def tensor(graph, name):
    return next(i + 1 for i, op in enumerate(graph.ops) if op.name == name)


def real_head(graph, name):
    """Weights (out, in) and bias of a head as reals."""
    op = graph.ops[tensor(graph, name) - 1]
    scale = op.scale.astype(np.float64)
    return op.w[:, 0, 0].astype(np.float64) * scale[:, None] / graph.scale_of(op.a), op.bias * scale


def add_blend(graph, rule):
    (wf, bf), (wp, bp) = real_head(graph, "logits"), real_head(graph, "ferplus")
    a, b, bias = rule["fer2013"], rule["ferplus"], np.array([rule["bias"][n] for n in LABELS])
    weights = {"blend": ((a * wf + b * wp[:7])[:, :, None, None], a * bf + b * bp[:7] + bias)}
    graph.ops.append(make_conv(head("blend", "gap", 7), tensor(graph, "gap"), graph, weights, None, "mse"))
    graph.outputs.append(len(graph.ops))
    graph.notes["temperature.blend"], graph.notes["certain.blend"] = f"{rule['temperature']:.4f}", f"{rule['certain']:.2f}"


def taps(graph, pixels, batch=64):
    """What the branch is handed: (N,12,12,96) u8, by the exact executor."""
    at, out = tensor(graph, pose.TAP), []
    for i in range(0, len(pixels), batch):
        values = [pixels[i:i + batch, :, :, None]]
        for k in range(at):
            values.append(run_all(graph, values, only=k))
        out.append(values[at])
    return np.concatenate(out)


def calibration(data, count=1024):
    """Views as the branch learned from, faces and others."""
    g, out = torch.Generator().manual_seed(9), []
    while sum(map(len, out)) < count:
        out.append(data.batch(g)[0])
    return torch.cat(out)[:count, 0].byte().numpy()


def add_branch(graph, net, pixels):
    at = tensor(graph, pose.TAP)
    scale = np.float64(np.float32(graph.scale_of(at)))
    side = quantize(net, taps(graph, pixels), kind=intgraph.CLASSIFIER, mean=graph.zero_of(at), std=float(1 / scale), width=pose.TAP_SIDE, height=pose.TAP_SIDE)
    append(graph, side, at)


def append(graph, part, at):
    """The operators and outputs of `part`, whose input is tensor `at` of the graph."""
    if (np.float32(part.scale), part.zero, part.channels) != (np.float32(graph.scale_of(at)), graph.zero_of(at), graph.channels_of(at)):
        raise AssertionError("the part reads its input at another scale than the net writes it")
    base = len(graph.ops)

    def moved(t):
        return t if t == intgraph.NONE else at if t == 0 else base + t

    for op in part.ops:
        op.a, op.b = moved(op.a), moved(op.b)
        graph.ops.append(op)
    graph.outputs += [base + t for t in part.outputs]


def write(graph, pictures):
    """Packed file, ONNX file and golden vectors. Returns the packed size and how far ONNX Runtime is off."""
    size = pack.write(WEIGHTS / "classifier.moodnet", graph)
    found = onnx_qdq.write(WEIGHTS / "classifier.onnx", graph, pictures)
    (MODELS / "golden" / "classifier.bin").write_bytes(golden.golden(graph, pack.pack(graph)))
    return size, found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--pose", metavar="RUN", help="the branch; without it only `blend` is added")
    parser.add_argument("--version")
    parser.add_argument("--face-threshold", type=float, default=0.75)
    parser.add_argument("--roll-trust", type=float, default=0.35)
    args = parser.parse_args()
    torch.set_num_threads(1)
    graph = named(pack.unpack((WEIGHTS / "classifier.moodnet").read_bytes()))
    test = load_split(args.data, "public_test").pixels[:256, :, :, None]
    before = run(graph, test)
    names = [*FIRST, "blend"]
    add_blend(graph, json.loads(blend.FILE.read_text()))
    if args.pose:
        add_branch(graph, pose.load(args.pose), calibration(pose.Data(args.data)))
        names += ["pose", "face"]
        graph.notes["face.threshold"], graph.notes["pose.roll_trust"] = f"{args.face_threshold:.2f}", f"{args.roll_trust:.2f}"
    graph.notes["outputs"] = ",".join(names)
    graph.notes["version"] = args.version or graph.notes["version"]
    after = run(graph, test)
    if not all((a == b).all() for a, b in zip(before, after)):
        raise AssertionError("an output that was there has changed")
    size, found = write(graph, test[:64])
    print(f"{', '.join(names)}; packed {size} bytes; {graph.notes}; ONNX differs by {found}")


if __name__ == "__main__":
    main()
