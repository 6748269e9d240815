"""Teachers for a further student: the released net goes on learning at a rate that falls to nothing, rises and falls again; each fall
leaves a net that errs elsewhere (Huang et al., Snapshot ensembles, 2017). Together they know more than any of them.

    python -m models.train.classifier.cycles [--run cycles] [--cycles 3] [--epochs 6]     trains; a second start goes on
    python -m models.train.classifier.cycles --run deeper --shape deeper --cycles 1 --epochs 16
    python -m models.train.classifier.cycles --run cycles,deeper --judge                  each and all together on PublicTest

The net is read back from its packed file, with batch norms that begin as they are (`with_statistics`). Half of the target are FER2013's labels, half the
released net's own answers to the clean face (`second --teach`), and FER+'s votes beside them; views as in `second`, and mixup.
"""
import argparse
import json
import os
import time

import numpy as np
import torch

from ..common import pack
from ..common.net import GraphNet
from .data import clean_indices, load_split
from .net import SHAPES, layers
from .photos import WEIGHTS
from .second import FILE, Faces, Judge, float_net, normalise, predict, seen, soft
from .train import RUNS, Average


@torch.no_grad()
def with_statistics(net, pixels):
    """The same function with batch norms as a training net has them: filters of length 1, means and variances of `pixels` (N,48,48) u8."""
    x = normalise(torch.from_numpy(pixels)[:, None].float())
    found, hooks = {}, []
    for l in net.layers:
        if l.op != "conv" or l.raw:
            continue
        conv, bn = net.mods[l.name]
        size = conv.weight.flatten(1).norm(dim=1).clamp(min=1e-6)
        conv.weight /= size.view(-1, 1, 1, 1)
        bn.weight.copy_(size)
        hooks.append(bn.register_forward_pre_hook(lambda m, given, n=l.name: found.__setitem__(n, given[0])))
    net(x)
    for hook in hooks:
        hook.remove()
    for name, given in found.items():
        bn = net.mods[name][1]
        size, mean, var = bn.weight.clone(), given.mean((0, 2, 3)), given.var((0, 2, 3))
        bn.running_mean.copy_(mean), bn.running_var.copy_(var)
        bn.weight.copy_(size * (var + bn.eps).sqrt()), bn.bias.add_(size * mean)
    return net


# A teacher may be larger than what is released: a block more at each size (162 MMAC).
TEACHER_SHAPES = {"deep": SHAPES["deep"], "deeper": SHAPES["deep"] | {"blocks": (2, 3, 3)}}


def empty_net(shape):
    return GraphNet(layers([("logits", 7), ("ferplus", 8)], **TEACHER_SHAPES[shape])).eval()


@torch.no_grad()
def start_net(root, shape):
    """The released net to train, with blocks more that change nothing at first (Net2Net)."""
    train = load_split(root, "train")
    small = float_net(pack.unpack((WEIGHTS / "classifier.moodnet").read_bytes()))
    with_statistics(small, train.pixels[np.random.default_rng(3).choice(clean_indices(train), 1024, replace=False)])
    net = empty_net(shape)
    for name in {k.split(".")[1] for k in net.load_state_dict(small.state_dict(), strict=False).missing_keys}:
        torch.nn.init.kaiming_normal_(net.mods[name][0].weight, mode="fan_out", nonlinearity="relu")
        if name.endswith("b"):
            net.mods[name][1].weight.zero_()
    return net.to(memory_format=torch.channels_last)


def optimizer(net, lr):
    parameters = list(net.parameters())
    return torch.optim.SGD([{"params": [p for p in parameters if p.ndim > 1], "weight_decay": 5e-4}, {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0}],
                           lr, momentum=0.9, nesterov=True)


def step(net, opt, faces, pick, g, mix):
    """One batch, mixed with itself; the loss."""
    x, fer, plus = normalise(seen(faces.pixels[pick], g)), faces.fer[pick], faces.plus[pick]
    lam, other = float(mix.sample()), torch.randperm(len(pick), generator=g)
    with torch.autocast("cpu", torch.bfloat16):
        a, b = net((lam * x + (1 - lam) * x[other]).contiguous(memory_format=torch.channels_last))
    a, b = a.flatten(1).float(), b.flatten(1).float()
    loss = lam * (soft(a, fer) + soft(b, plus)) + (1 - lam) * (soft(a, fer[other]) + soft(b, plus[other]))
    opt.zero_grad(set_to_none=True)
    loss.backward()
    opt.step()
    return float(loss.detach())


def train(args):
    folder = RUNS / args.run
    folder.mkdir(parents=True, exist_ok=True)
    faces, judge = Faces(args.data, args.label_share, args.fair), Judge(args.data)
    net = start_net(args.data, args.shape)
    opt, ema, epoch, rows = optimizer(net, args.lr), Average(net, 0.998), 0, []
    if (folder / "last.pt").exists():
        s = torch.load(folder / "last.pt", weights_only=True)
        net.load_state_dict(s["net"]), ema.net.load_state_dict(s["ema"]), opt.load_state_dict(s["opt"])
        epoch, rows, ema.steps = s["epoch"], s["rows"], s["ema_steps"]
    else:
        print("before", judge(net.eval()), flush=True)
    mix = torch.distributions.Beta(0.2, 0.2)
    while epoch < args.epochs * args.cycles:
        g, start, total = torch.Generator().manual_seed(args.seed * 1000 + epoch), time.monotonic(), 0.0
        torch.manual_seed(args.seed * 1000 + epoch)
        order = faces.order(g)
        steps = len(order) // args.batch
        net.train()
        for i in range(steps):
            done = (epoch % args.epochs * steps + i) / (args.epochs * steps)
            for group in opt.param_groups:
                group["lr"] = args.lr * min(1, (i + 1) / 100 if epoch % args.epochs == 0 else 1) * (1 - done)
            total += step(net, opt, faces, order[i * args.batch:(i + 1) * args.batch], g, mix)
            ema.update(net)
        epoch += 1
        rows.append({"epoch": epoch, "loss": total / steps, "seconds": time.monotonic() - start, **{k: float(v) for k, v in judge(ema.net).items()}})
        torch.save({"net": net.state_dict(), "ema": ema.net.state_dict(), "opt": opt.state_dict(), "ema_steps": ema.steps, "epoch": epoch, "rows": rows}, folder / "last.tmp")
        os.replace(folder / "last.tmp", folder / "last.pt")
        if epoch % args.epochs == 0:
            torch.save(ema.net.state_dict(), folder / f"cycle{epoch // args.epochs}.pt")
        (folder / "log.json").write_text(json.dumps(rows))
        print(rows[-1], flush=True)


def teachers(runs):
    """The nets that the falls of some runs have left: each `RUN/cycleN`, and the net."""
    for path in sorted(path for run in runs for path in (RUNS / run).glob("cycle*.pt")):
        state = torch.load(path, weights_only=True)
        net = empty_net("deeper" if any(".s0b1a." in k for k in state) else "deep")
        net.load_state_dict(state)
        yield f"{path.parent.name}/{path.stem}", net.to(memory_format=torch.channels_last)


@torch.no_grad()
def answers(net, pixels):
    """Probabilities of both heads for (N,48,48) u8 and their mirror images: (N,7), (N,8)."""
    both = [predict(net, p) for p in (pixels, np.ascontiguousarray(pixels[:, :, ::-1]))]
    return [sum(torch.from_numpy(b[i]).softmax(1) for b in both).numpy() / 2 for i in (0, 1)]


def judge_all(args):
    judge = Judge(args.data)
    released = float_net(pack.unpack((WEIGHTS / "classifier.moodnet").read_bytes())).to(memory_format=torch.channels_last)
    given = {"released": answers(released, judge.test.pixels)}
    for name, net in teachers(args.run.split(",")):
        given[name] = answers(net, judge.test.pixels)
    given["all"] = [sum(a[i] for a in given.values()) / len(given) for i in (0, 1)]
    for name, (fer, plus) in given.items():
        right = fer.argmax(1) == judge.test.labels
        print(f"{name}: {right.mean():.4f}, leak-free {right[judge.free].mean():.4f}, FER+ {(plus.argmax(1) == judge.majority)[judge.mask].mean():.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--run", default="cycles")
    parser.add_argument("--judge", action="store_true")
    parser.add_argument("--shape", choices=TEACHER_SHAPES, default="deep")
    parser.add_argument("--cycles", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6, help="of a cycle")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--label-share", type=float, default=0.5, help="of FER2013's label beside the net's own answer")
    parser.add_argument("--fair", type=int, default=0, help="FairFace faces of an epoch")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if not FILE.exists():
        raise SystemExit("first the released net's answers: python -m models.train.classifier.second --teach")
    judge_all(args) if args.judge else train(args)


if __name__ == "__main__":
    main()
