"""The head `face` alone, taught again on what the finished net and its side branch know: nothing else of the net changes, bit for bit.

    python -m models.train.classifier.face_views                    cache/face_views_*.npz: what it learns from, and what it is judged on (ten minutes)
    python -m models.train.classifier.face_head [--release --version V --threshold T]

The head reads both means over the picture, the classifier's 160 and the branch's 128 numbers, through hidden layers of 1x1 convolutions (0.1 MMAC).
"""
import argparse

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..common import pack
from ..common.layers import add, conv, head
from ..common.markdown import table
from ..common.quantize import Observer, make_conv, make_other
from ..common.reference import run
from . import attach, pose
from .data import load_split
from .export import WEIGHTS
from .face_views import FILES, GAPS, Tapped

HIDDEN, SEEDS = (64, 32), (1, 2, 3, 4)  # the mean of so many heads is one head of as many times the width
BRANCH = [l.name for l in pose.branch()]
WIDTH, DEEP = (h * len(SEEDS) for h in HIDDEN)
LAYERS = [conv("face_a", "gap", WIDTH, 1, relu=False), conv("face_b", "pgap", WIDTH, 1, relu=False), add("face_ab", "face_a", "face_b"),
          conv("face_c", "face_ab", DEEP, 1), head("face", "face_c", 1)]


class FaceHead(nn.Module):
    """The same layers on the two vectors. `values` gives every layer's output by its name."""

    def __init__(self, h=HIDDEN[0], i=HIDDEN[1]):
        super().__init__()
        a, b = GAPS.values()
        self.mods = nn.ModuleDict({"face_a": nn.Linear(a, h), "face_b": nn.Linear(b, h), "face_c": nn.Linear(h, i), "face": nn.Linear(i, 1)})

    def values(self, gap, pgap, drop=0.0):
        a, b = self.mods["face_a"](gap), self.mods["face_b"](pgap)
        ab = F.relu(a + b)
        c = F.relu(self.mods["face_c"](F.dropout(ab, drop, self.training)))
        return {"face_a": a, "face_b": b, "face_ab": ab, "face_c": c, "face": self.mods["face"](F.dropout(c, drop, self.training))}

    def forward(self, x, drop=0.0):
        return self.values(x[:, :GAPS["gap"]], x[:, GAPS["gap"]:], drop)["face"][:, 0]


def mean(heads):
    """One head that says the mean of what these say."""
    out = FaceHead(WIDTH, DEEP).eval()
    state = out.state_dict()
    parts = [h.state_dict() for h in heads]
    for name in ("face_a", "face_b"):
        for what in ("weight", "bias"):
            state[f"mods.{name}.{what}"] = torch.cat([p[f"mods.{name}.{what}"] for p in parts])
    state["mods.face_c.weight"] = torch.block_diag(*(p["mods.face_c.weight"] for p in parts))
    state["mods.face_c.bias"] = torch.cat([p["mods.face_c.bias"] for p in parts])
    state["mods.face.weight"] = torch.cat([p["mods.face.weight"] for p in parts], 1) / len(parts)
    state["mods.face.bias"] = torch.stack([p["mods.face.bias"] for p in parts]).mean(0)
    out.load_state_dict(state)
    return out


def fit(x, y, weight, *, epochs=30, lr=2e-3, decay=0.1, drop=0.3, seed=1):
    torch.manual_seed(seed)
    net, g = FaceHead(), torch.Generator().manual_seed(seed)
    opt = torch.optim.AdamW(net.parameters(), lr, weight_decay=decay)
    steps = epochs * (len(x) // 512)
    schedule = torch.optim.lr_scheduler.OneCycleLR(opt, lr, total_steps=steps + 1)
    net.train()
    for _ in range(epochs):
        order = torch.randperm(len(x), generator=g)
        for k in order.split(512)[:len(x) // 512]:
            loss = (F.binary_cross_entropy_with_logits(net(x[k], drop), y[k], reduction="none") * weight[k]).mean()
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            schedule.step()
    return net.eval()


def balanced(z):
    """Weights of the views: as much face as none; of what is none, animals and pets count half."""
    y, source = z["train_face"], z["train_source"]
    w = np.ones(len(y))
    for name, share in SHARES.items():
        k = source == name
        w[k] = share / max(k.sum(), 1)
    return w / w.mean()


SHARES = {"fair": 0.30, "people": 0.06, "squashed": 0.07, "mask_kaggle": 0.04, "mask_wearing": 0.04, "fer": 0.02,
          "animals": 0.22, "pets": 0.12, "rooms": 0.08, "scenes": 0.06, "empty": 0.02}


def judged(z, score):
    """What people notice, of one head's scores (0 to 1) of every judged crop, at a threshold: {name: share}. A picture has a face if one of its crops passes."""
    sets, picture, group = z["judge_set"], z["judge_picture"], z["judge_group"]

    def at(threshold):
        out, passes = {}, score >= threshold
        for name in ("wild", "near", "pets", "animals", "rooms and scenes"):
            k = sets == name
            count = int(z["count_" + name.replace(" ", "_")])
            if name in ("animals", "rooms and scenes"):
                out[name] = 1000 * passes[k].sum() / count
            else:
                with_face = len(np.unique(picture[k & passes]))
                out[name] = 1 - with_face / len(np.unique(picture[k])) if name == "wild" else with_face / count
        for name in ("people", "cfee", "taiwanese"):
            out[name] = 1 - passes[sets == name].mean()
        fair = sets == "fairface_val"
        out["fair"] = 1 - passes[fair].mean()
        old = fair & np.isin(group, ("60-69", "more than 70"))
        out["fair, from 60"] = 1 - passes[old].mean()
        return out

    return at


def report(name, at, thresholds):
    lines = [(name, f"{t:g}", *(f"{v:.1f}" if k in ("animals", "rooms and scenes") else f"{100 * v:.2f} %" for k, v in at(t).items())) for t in thresholds]
    table(("head", "threshold", "wild lost", "near found", "pets with a face", "animals in 1,000", "rooms, scenes", "people lost", "cfee lost", "taiwanese lost",
           "FairFace val lost", "from 60 lost"), lines)


def names():
    """Of every operator but the old head `face`, in the committed net's order."""
    return ["blend", *BRANCH[:-1]]


def with_head(graph, net, x):
    """The graph with this head instead of its old one; `x` (N,288): what the layers are measured on."""
    graph = renamed(graph)
    first = {op.name: i + 1 for i, op in enumerate(graph.ops)}
    graph.ops = [op for op in graph.ops if op.name not in {l.name for l in LAYERS}]
    seen = Observer()
    with torch.no_grad():
        for part in x.split(1024):
            for name, v in net.values(part[:, :GAPS["gap"]], part[:, GAPS["gap"]:]).items():
                seen.see(name, v.numpy()[:, :, None, None])
    weights = {n: (m.weight.detach().double().numpy()[:, :, None, None], m.bias.detach().double().numpy()) for n, m in net.mods.items()}
    number = {n: first[n] for n in GAPS}
    sizes = {i: (1, 1) for i in range(len(graph.ops) + len(LAYERS) + 1)}
    for l in LAYERS:
        inputs = [number[i] for i in l.inputs]
        graph.ops.append(make_conv(l, inputs[0], graph, weights, seen, "mse") if l.op == "conv" else make_other(l, inputs, graph, seen, sizes, "mse"))
        number[l.name] = len(graph.ops)
    graph.outputs[-1] = len(graph.ops)
    return graph


def renamed(graph):
    """The committed graph with the names of its layers, which the packed file does not keep."""
    ops, outputs = graph.ops, graph.outputs
    base = attach.named(graph).ops
    rest = ops[len(base):]
    tail = ["face"] if len(rest) == len(names()) + 1 else [l.name for l in LAYERS]
    for op, name in zip(rest, names() + tail, strict=True):
        op.name = name
    graph.ops, graph.outputs = ops, outputs
    return graph


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--release", action="store_true")
    parser.add_argument("--version")
    parser.add_argument("--threshold", type=float, default=0.85)
    args = parser.parse_args()
    torch.set_num_threads(1)
    z = {k: v for file in FILES.values() for k, v in np.load(file).items()}
    sigmoid = lambda v: 1 / (1 + np.exp(-v))
    report("committed", judged(z, sigmoid(z["judge_old"])), (0.75, 0.9, 0.95))
    x = torch.from_numpy(z["train_x"]).float()
    y, weight = torch.from_numpy(z["train_face"]).float(), torch.from_numpy(balanced(z)).float()
    net = mean([fit(x, y, weight, seed=s) for s in SEEDS])
    with torch.no_grad():
        said = net(torch.from_numpy(z["judge_x"]).float()).numpy()
    report("new, float", judged(z, sigmoid(said)), (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95))
    if args.release:
        release(args, z, net, x)


def release(args, z, net, x):
    graph = pack.unpack((WEIGHTS / "classifier.moodnet").read_bytes())
    test = load_split(args.data, "public_test").pixels[:256, :, :, None]
    before = run(graph, test)
    graph = with_head(graph, net, x[::7])
    graph.notes |= {"face.threshold": f"{args.threshold:g}", "version": args.version or graph.notes["version"]}
    after = run(graph, test)
    if not all((a == b).all() for a, b in zip(before[:-1], after[:-1], strict=True)):
        raise AssertionError("another output than `face` has changed")
    size, found = attach.write(graph, test[:64])
    print(f"packed {size} bytes; {graph.notes}; ONNX differs by {found}")
    said = Tapped()(z["judge_crops"])[1]
    report("new, int8", judged(z, 1 / (1 + np.exp(-said))), (args.threshold,))


if __name__ == "__main__":
    main()
