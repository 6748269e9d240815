"""A further stage on the released net itself: its late layers learn on FER2013 and on FairFace's unlabelled faces, early ones stay.

    python -m models.train.classifier.second --teach [--teacher FILE.onnx ...]    once: what the teachers say of every clean face
    python -m models.train.classifier.second [--run second] [--epochs 8]          trains; a second start goes on
    python -m models.train.classifier.second --run second --release --version V   the integer net with the new late layers

The net is read back from its packed file, so it needs no checkpoint of the long recipe. What is before `s2b0a` is not touched: those integers, and the side branch
that reads them, stay the same. Teachers (released nets and public XCEPTIONs, each with the mirror image) are asked about the clean face; the student sees it turned, moved,
blurred, shaded, masked or behind dark glasses and has to say the same. On FER2013 its labels and FER+'s votes count beside the teachers.
"""
import argparse
import csv
import math
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F

from ..common import intgraph, pack
from ..common.net import GraphNet
from ..common.quantize import quantize
from ..common.reference import reals, run
from . import augment
from .attach import append, named, taps, tensor, write
from .augment import uniform
from .data import clean_indices, ferplus_majority, leak_free, load_split
from .export import fit_temperature
from .faces import hashes, inner, near, sheets
from .framing import CACHE
from .net import MEAN, SHAPES, STD, layers
from .photos import WEIGHTS
from .pose import TAP, TAP_CHANNELS, TAP_SIDE, views
from .teach import PEERS, peer
from .train import RUNS, Average

FIRST_TRAINED = "s2b0a"
FILE = CACHE / "second_teacher.npz"


def float_net(graph, shape="deep"):
    """The packed net as floats, each batch norm an affine map of no statistics; heads `logits` (7) and `ferplus` (8)."""
    net = GraphNet(layers([("logits", 7), ("ferplus", 8)], **SHAPES[shape])).eval()
    ops = {op.name: op for op in named(graph, shape).ops}
    with torch.no_grad():
        for l in net.layers:
            if l.op != "conv":
                continue
            op, mod = ops[l.name], net.mods[l.name]
            sx = graph.scale_of(op.a)
            sw = op.scale.astype(np.float64) / sx if op.raw else op.m / 2.0**op.s * op.out_scale / sx
            w = torch.from_numpy(op.w.astype(np.float64) * sw[:, None, None, None]).permute(0, 3, 1, 2).float()
            bias = torch.from_numpy(op.bias * sx * sw).float()
            if l.raw:
                mod.weight.copy_(w), mod.bias.copy_(bias)
            else:
                mod[0].weight.copy_(w)
                bn = mod[1]
                bn.weight.fill_(1), bn.running_mean.zero_(), bn.running_var.fill_(1 - bn.eps), bn.bias.copy_(bias)
    return net


def trained(net):
    """The layers from FIRST_TRAINED on."""
    names = [l.name for l in net.layers]
    return [n for n in names[names.index(FIRST_TRAINED):] if n in net.mods]


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def teach(root, paths, weight):
    """(N,7) FER2013 and (N,8) FER+ probabilities of the teachers' mean, for FER2013's clean training faces and FairFace's."""
    train = load_split(root, "train")
    pixels = np.concatenate([train.pixels[clean_indices(train)], inner(sheets(root, "fairface_train"))])
    x = torch.from_numpy(np.ascontiguousarray(pixels))
    fer, plus = torch.zeros(len(x), 7), torch.zeros(len(x), 8)
    for path in paths:
        s = session(path)
        for flip in (False, True):
            for at in range(0, len(x), 256):
                part = x[at:at + 256, None].float()
                a, b = s.run(["logits", "ferplus"], {"image": (part.flip(3) if flip else part).numpy()})
                fer[at:at + 256] += torch.from_numpy(a).softmax(1) / (2 * len(paths))
                plus[at:at + 256] += torch.from_numpy(b).softmax(1) / (2 * len(paths))
        print(path, "has answered", flush=True)
    if weight:
        others = torch.zeros_like(fer)
        small = peer(Path(root).parent / "peers" / "xception" / PEERS[1])
        for flip in (False, True):
            for at in range(0, len(x), 1024):
                part = x[at:at + 1024, None].float()
                others[at:at + 1024] += small(part.flip(3) if flip else part) / 2
        fer = (1 - weight) * fer + weight * others
    np.savez(FILE, fer=fer.numpy(), plus=plus.numpy())


def covered(x, g):
    """A mask over mouth and nose, or dark glasses, with soft borders and a grey of its own; (n,1,48,48)."""
    n = len(x)
    at = torch.arange(48).float() + 0.5
    rows, cols = at[None, :, None], at[None, None, :]
    grey = uniform(n, 10, 240, g).view(-1, 1, 1)
    edge = (uniform(n, 25, 31, g).view(-1, 1, 1) + 0.012 * (cols - 24) ** 2)
    mask = ((rows - edge) / 1.5).clamp(0, 1) * ((uniform(n, 15, 22, g).view(-1, 1, 1) - (cols - 24).abs()) / 1.5).clamp(0, 1)
    wide, high = uniform(n, 5.5, 8, g).view(-1, 1, 1), uniform(n, 3.5, 5.5, g).view(-1, 1, 1)
    lens = [1.3 - (((cols - c) / wide) ** 2 + ((rows - 19.5) / high) ** 2) for c in (15.4, 32.6)]
    glasses = (torch.maximum(*lens) * 4).clamp(0, 1) * 0.93
    which = (torch.rand(n, generator=g) < 0.5).view(-1, 1, 1)
    over = torch.where(which, mask, glasses)
    tone = torch.where(which, grey, grey * 0.2)
    return x * (1 - over[:, None]) + (tone * over)[:, None]


def shaded(x, g):
    """Light from one side."""
    n = len(x)
    at = (torch.arange(48).float() + 0.5) / 24 - 1
    a = uniform(n, 0, 2 * math.pi, g).view(-1, 1, 1)
    ramp = torch.sigmoid(uniform(n, 1, 4, g).view(-1, 1, 1) * (a.cos() * at[None, None, :] + a.sin() * at[None, :, None]))
    return x * (1 - uniform(n, 0.3, 0.8, g).view(-1, 1, 1, 1) * ramp[:, None])


def seen(x, g):
    """(n,64,64) -> (n,1,48,48) as a student sees it."""
    n = len(x)
    mirrored = torch.rand(n, generator=g) < 0.5
    x = torch.where(mirrored[:, None, None], x.flip(2), x)
    fill = "border" if float(torch.rand(1, generator=g)) < 0.7 else "zeros"
    x, _ = views(x, 8, torch.randn(n, generator=g) * 9, g, fill, gentle=True)
    for share, change in ((0.08, covered), (0.1, shaded), (0.12, augment.low_resolution), (0.06, augment.blur), (0.3, augment.light), (0.1, augment.noise),
                          (0.15, augment.erase)):
        x = augment.some(x, share, g, lambda v, c=change: c(v, g))
    return x.clamp(0, 255).round()


def ferplus_target(train):
    """(N,8) FER+'s votes as shares, and which rows' votes can be trusted."""
    order = [4, 5, 6, 1, 3, 2, 0, 7]  # FER+'s columns in our order: anger, disgust, fear, happiness, sadness, surprise, neutral, contempt
    votes = torch.from_numpy(train.votes[:, order]).float()
    told = torch.from_numpy(train.trusted) & (votes.sum(1) > 2)
    return votes / votes.sum(1, keepdim=True).clamp(min=1), told


class Faces:
    """64x64 faces and targets: FER2013 with labels and votes beside the teachers, FairFace with teachers only."""

    def __init__(self, root, label_share, fair):
        train = load_split(root, "train")
        train = train.take(clean_indices(train))
        z, n = np.load(FILE), len(train)
        own = np.pad(train.pixels, ((0, 0), (8, 8), (8, 8)), "edge")
        other = sheets(root, "fairface_train")
        self.pixels = torch.from_numpy(np.concatenate([own, other]))
        fer, plus = torch.from_numpy(z["fer"]).float(), torch.from_numpy(z["plus"]).float()
        hot = F.one_hot(torch.from_numpy(train.labels), 7).float() * 0.9 + 0.1 / 7
        fer[:n] = label_share * hot + (1 - label_share) * fer[:n]
        votes, told = ferplus_target(train)
        plus[:n] = torch.where(told[:, None], 0.7 * votes + 0.3 * plus[:n], plus[:n])
        # A face that may also stand in PublicTest teaches nothing.
        known = near(hashes(inner(other)), hashes(load_split(root, "public_test").pixels))
        self.usable = n + torch.from_numpy(np.flatnonzero(~known))
        self.fer, self.plus, self.own, self.fair = fer, plus, n, fair

    def order(self, g):
        fair = self.usable[torch.randperm(len(self.usable), generator=g)[:self.fair]]
        both = torch.cat([torch.arange(self.own), fair])
        return both[torch.randperm(len(both), generator=g)]


def normalise(x):
    return ((x - MEAN) / STD).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def predict(net, pixels, batch=256):
    outs = []
    for at in range(0, len(pixels), batch):
        with torch.autocast("cpu", torch.bfloat16):
            outs.append([o.flatten(1).float() for o in net(normalise(torch.from_numpy(pixels[at:at + batch])[:, None].float()))])
    return [torch.cat(o).numpy() for o in zip(*outs)]


class Judge:
    """PublicTest by both heads after each epoch."""

    def __init__(self, root):
        self.test = load_split(root, "public_test")
        self.free = leak_free(self.test, load_split(root, "train"))
        self.mask, self.majority = ferplus_majority(self.test)

    def __call__(self, net):
        fer, plus = predict(net, self.test.pixels)
        right = fer.argmax(1) == self.test.labels
        return {"acc": right.mean(), "acc_leak_free": right[self.free].mean(), "ferplus": (plus.argmax(1) == self.majority)[self.mask].mean()}


def late_net(net, shape="deep"):
    """The layers from FIRST_TRAINED on as a net of its own that reads the tensor before them; with the maps of `logits`."""
    every = layers([("logits", 7), ("ferplus", 8)], maps=("maps", 7), **SHAPES[shape])
    first = [l.name for l in every].index(FIRST_TRAINED)
    late = [replace(l, inputs=tuple("in" if i == TAP else i for i in l.inputs)) for l in every[first:]]
    out, state = GraphNet(late, in_channels=TAP_CHANNELS).eval(), net.state_dict()
    state |= {"mods.maps.weight": state["mods.logits.weight"], "mods.maps.bias": torch.zeros(7)}
    out.load_state_dict({k: state[k] for k in out.state_dict()})
    return out


def calibration(root, count=1024):
    """Half of FER2013's training faces, half of FairFace's: (count,48,48) u8."""
    rng, train = np.random.default_rng(2), load_split(root, "train")
    own = train.pixels[rng.choice(clean_indices(train), count // 2, replace=False)]
    fair = inner(sheets(root, "fairface_train"))
    return np.concatenate([own, fair[rng.choice(len(fair), count - len(own), replace=False)]])


def with_late_layers(graph, net, pixels):
    """The graph's integers up to TAP, then the late layers of `net`, quantized on what those hand them for `pixels` (N,48,48) u8."""
    at = tensor(graph, TAP)
    given = taps(graph, pixels)
    graph.ops, graph.outputs = graph.ops[:at], []
    std = float(1 / np.float64(np.float32(graph.scale_of(at))))
    append(graph, quantize(late_net(net), given, kind=intgraph.CLASSIFIER, mean=graph.zero_of(at), std=std, width=TAP_SIDE, height=TAP_SIDE), at)
    return graph


def release(args):
    """The committed integers up to TAP, then the run's late layers."""
    graph = named(pack.unpack((WEIGHTS / "classifier.moodnet").read_bytes()))
    net = float_net(graph)
    net.load_state_dict(torch.load(RUNS / args.run / "last.pt", weights_only=True)["ema"])
    graph = with_late_layers(graph, net, calibration(args.data))
    test = load_split(args.data, "public_test")
    logits, votes = (v.reshape(len(test), -1) for v in reals(graph, run(graph, test.pixels[..., None]))[:2])
    mask, majority = ferplus_majority(test)
    graph.notes = {k: graph.notes[k] for k in ("name", "labels")} | {"version": args.version}
    graph.notes["temperature"] = f"{fit_temperature(logits, test.labels):.4f}"
    graph.notes["temperature.ferplus"] = f"{fit_temperature(votes[mask], majority[mask]):.4f}"
    write(graph, test.pixels[:64, ..., None])
    plain = predict(net, test.pixels)
    print(f"int8: FER2013 {(logits.argmax(1) == test.labels).mean():.4f}, FER+ {(votes.argmax(1) == majority)[mask].mean():.4f}; "
          f"float: {(plain[0].argmax(1) == test.labels).mean():.4f}, {(plain[1].argmax(1) == majority)[mask].mean():.4f}")


def soft(logits, target):
    return -(target * F.log_softmax(logits, 1)).sum(1).mean()


def train(args):
    folder = RUNS / args.run
    folder.mkdir(parents=True, exist_ok=True)
    faces, judge = Faces(args.data, args.label_share, args.fair), Judge(args.data)
    net = float_net(pack.unpack((WEIGHTS / "classifier.moodnet").read_bytes())).to(memory_format=torch.channels_last)
    wanted = trained(net)
    for name, mod in net.mods.items():
        for p in mod.parameters():
            p.requires_grad_(name in wanted)
    ema = Average(net, 0.999)
    opt = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], args.lr, weight_decay=args.decay)
    epoch, rows = 0, []
    if (folder / "last.pt").exists():
        s = torch.load(folder / "last.pt", weights_only=True)
        net.load_state_dict(s["net"]), ema.net.load_state_dict(s["ema"]), opt.load_state_dict(s["opt"])
        epoch, rows, ema.steps = s["epoch"], s["rows"], s["ema_steps"]
    else:
        print("before", judge(net), flush=True)
    while epoch < args.epochs:
        g, start, total = torch.Generator().manual_seed(100 + epoch), time.monotonic(), 0.0
        order = faces.order(g)
        steps = len(order) // args.batch
        for i in range(steps):
            at = (epoch * steps + i) / (args.epochs * steps)
            for group in opt.param_groups:
                group["lr"] = args.lr * min(1, (epoch * steps + i + 1) / 100) * max(0.02, 0.5 * (1 + math.cos(math.pi * at)))
            pick = order[i * args.batch:(i + 1) * args.batch]
            x, fer, plus = normalise(seen(faces.pixels[pick], g)), faces.fer[pick], faces.plus[pick]
            with torch.autocast("cpu", torch.bfloat16):
                a, b = net(x)
            loss = soft(a.flatten(1).float(), fer) + soft(b.flatten(1).float(), plus)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            ema.update(net)
            total += float(loss.detach())
        epoch += 1
        rows.append({"epoch": epoch, "loss": total / steps, "seconds": time.monotonic() - start, **{k: float(v) for k, v in judge(ema.net).items()}})
        torch.save({"net": net.state_dict(), "ema": ema.net.state_dict(), "opt": opt.state_dict(), "ema_steps": ema.steps, "epoch": epoch, "rows": rows}, folder / "last.tmp")
        os.replace(folder / "last.tmp", folder / "last.pt")
        with open(folder / "log.csv", "w", newline="") as f:
            writer = csv.DictWriter(f, rows[0])
            writer.writeheader()
            writer.writerows([{k: round(v, 5) for k, v in r.items()} for r in rows])
        print(rows[-1], flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--run", default="second")
    parser.add_argument("--teach", action="store_true")
    parser.add_argument("--release", action="store_true", help="write models/weights from the run; then `attach` adds the other outputs")
    parser.add_argument("--version", default="own")
    parser.add_argument("--teacher", action="append", metavar="FILE.onnx", help="released nets (default: the committed one)")
    parser.add_argument("--peer-weight", type=float, default=0.0, help="of the public mini XCEPTION in the teachers' mean")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=3e-4)
    parser.add_argument("--decay", type=float, default=0.01)
    parser.add_argument("--label-share", type=float, default=0.5, help="of FER2013's label beside the teachers")
    parser.add_argument("--fair", type=int, default=20000, help="FairFace faces of an epoch")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.release:
        release(args)
    elif args.teach:
        teach(args.data, args.teacher or [WEIGHTS / "classifier.onnx"], args.peer_weight)
    else:
        train(args)


if __name__ == "__main__":
    main()
