"""Trains the detector. From the repository root:  python -m models.train.detector.train [--name RUN] [--start PATH]

Goes on where the run stopped: views depend on (seed, epoch, index) only, and a checkpoint holds everything else. The rate
stays level, so that a run may go on from session to session; `--cool E --epochs N` lets it fall from epoch E to nothing at N.
`last.pt` is the whole state after each epoch, `ema.pt` the smoothed weights, `log.csv` one line an epoch.
"""
import argparse
import copy
import os
import sys
import time

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from .distill import DenseYuNet, corrected, distill_losses
from .library import Library
from .paths import RUNS
from .student import FEATURES, build, normalise
from .views import compose, padded, spoil

PARTS = ("obj", "cls", "box", "points", "hint")
AGAIN, BLOCK = 2, 480  # each view is used so often, within so many different ones


class Views(Dataset):
    """`count` views of one epoch, each with its rows and what the teacher says of the clean view.

    Composing a view and asking the teacher cost as much as learning from it: each is used AGAIN times, in another light.
    """

    def __init__(self, lib, seed, epoch, count, size, gentle=False):
        self.lib, self.key, self.count, self.size, self.gentle = lib, (seed, epoch), count, size, gentle
        self.teacher, self.block, self.kept = None, 0, {}  # of each worker

    def __len__(self):
        return self.count

    def compose(self, rng):
        return compose(self.lib, rng, self.size, self.gentle)

    def spoil(self, rng, view, rows):
        return spoil(rng, view, self.gentle)

    def clean(self, j):
        view, rows = self.compose(np.random.default_rng((*self.key, j)))
        self.teacher = self.teacher or DenseYuNet()
        teacher_out, taught = self.teacher(view)
        return view, padded(rows), corrected(teacher_out, rows, self.size), taught

    def __getitem__(self, i):
        block, within = divmod(i, BLOCK * AGAIN)
        if block != self.block:
            self.block, self.kept = block, {}
        j = block * BLOCK + within % BLOCK
        if j not in self.kept:
            self.kept[j] = self.clean(j)
        view, *rest = self.kept[j]
        return self.spoil(np.random.default_rng((*self.key, i, 1)), view, rest[0]), *rest


def gather(items):
    return tuple(torch.from_numpy(np.stack(v)) for v in zip(*items))


def feature_scale(lib, count=96):
    """Root mean square of YuNet's features per channel and stride, so that each channel weighs alike: (cells, 64) of a 256 px view."""
    views, total = Views(lib, 5, 0, count, 256), 0
    for i in range(count):
        total = total + views[i][3].astype(np.float64) ** 2
    ends = np.cumsum([32 * 32, 16 * 16, 8 * 8])
    return torch.from_numpy(np.stack([np.sqrt(v.mean(0) / count) + 0.05 for v in np.split(total, ends[:-1])])).float()


def quiet_worker(_):
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def heads_of(net, x, bf16):
    """The net in bf16 up to its heads, the heads in f32: landmarks need more than eight bits. Also what the heads read."""
    values, outs = {"in": x.contiguous(memory_format=torch.channels_last)}, []
    for l in net.layers:
        exact = l.name.startswith("head")
        if exact:
            values[l.inputs[0]] = values[l.inputs[0]].float()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16 and not exact):
            values[l.name] = net.apply_layer(l, values)
        if l.raw:
            outs.append(values[l.name])
    return outs, [values[f] for f in FEATURES]


def optimizer_of(net, lr, decay):
    plain, heavy = [p for p in net.parameters() if p.ndim < 2], [p for p in net.parameters() if p.ndim >= 2]
    return torch.optim.AdamW([{"params": heavy, "weight_decay": decay}, {"params": plain, "weight_decay": 0.0}], lr=lr)


def rate(epoch, part, args, warm=2):
    """Warm-up over the first epochs, level, then straight down to a hundredth at the end."""
    at = epoch + part
    fall = (at - args.cool) / max(1, args.epochs - args.cool) if at > args.cool else 0.0
    return args.lr * min(1.0, (at + 0.05) / warm) * (1 - 0.99 * fall)


@torch.no_grad()
def blend(ema, net, step, decay=0.998):
    d = min(decay, (step + 1) / (step + 20))
    for a, b in zip(ema.state_dict().values(), net.state_dict().values()):
        if a.dtype.is_floating_point:
            a.lerp_(b, 1 - d)
        else:
            a.copy_(b)


def save(state, path):
    """Whole or not at all."""
    torch.save(state, path.with_suffix(".part"))
    os.replace(path.with_suffix(".part"), path)


def arguments():
    a = argparse.ArgumentParser(description=__doc__)
    a.add_argument("--name", default="taught")
    a.add_argument("--start", help="weights for a new run: matched.pt of match.py")
    a.add_argument("--epochs", type=int, default=1000)
    a.add_argument("--cool", type=int, default=1000, help="from this epoch the rate falls, pictures are mostly plain, boxes weigh more")
    a.add_argument("--views", type=int, default=2400, help="views per epoch")
    a.add_argument("--batch", type=int, default=24)
    a.add_argument("--lr", type=float, default=1.5e-3)
    a.add_argument("--points", type=float, default=30.0, help="weight of the landmarks' loss")
    a.add_argument("--seed", type=int, default=11)
    return a.parse_args()


def main():
    args = arguments()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    run = RUNS / args.name
    run.mkdir(parents=True, exist_ok=True)
    net, lib = build(args.seed).to(memory_format=torch.channels_last), Library(run / "hard.npz")
    if args.start:
        net.load_state_dict(torch.load(args.start, weights_only=True))
    ema, scale, first = copy.deepcopy(net), None, 0
    optimizer = optimizer_of(net, args.lr, 1e-4)
    if (run / "last.pt").exists():
        state = torch.load(run / "last.pt", weights_only=True)
        for k, v in dict(net=net, ema=ema, optimizer=optimizer).items():
            v.load_state_dict(state[k])
        first, scale = state["epoch"] + 1, state["scale"]
        print(f"goes on at epoch {first}", flush=True)
    scale = feature_scale(lib) if scale is None else scale
    steps = args.views // args.batch
    for epoch in range(first, args.epochs):
        line = one_epoch(net, ema, scale, optimizer, lib, args, epoch, steps)
        save(dict(net=net.state_dict(), ema=ema.state_dict(), scale=scale,
                  optimizer=optimizer.state_dict(), epoch=epoch), run / "last.pt")
        save(ema.state_dict(), run / "ema.pt")
        with open(run / "log.csv", "a") as log:
            log.write(line + "\n")
        print(line, flush=True)


def view_size(epoch, gentle):
    """Small views are cheap; every fourth epoch has larger ones, and the last ones are as large as the daemon's canvas."""
    return 320 if gentle else 256 if epoch % 4 == 2 else 192


def by_cell(scale, size):
    """The scale of each cell's features."""
    return torch.cat([row.expand((size // s) ** 2, -1) for row, s in zip(scale, (8, 16, 32))])


def one_epoch(net, ema, scale, optimizer, lib, args, epoch, steps):
    net.train()
    ema.eval()
    gentle = epoch >= args.cool
    size = view_size(epoch, gentle)
    views = Views(lib, args.seed, epoch, steps * args.batch, size, gentle)
    loader = DataLoader(views, args.batch, num_workers=1, collate_fn=gather, worker_init_fn=quiet_worker, prefetch_factor=6)
    begun, sums, cells = time.time(), np.zeros(1 + len(PARTS)), by_cell(scale, size)
    for i, (views, faces, teacher_out, taught) in enumerate(tqdm(loader, f"epoch {epoch}", disable=not sys.stderr.isatty())):
        for group in optimizer.param_groups:
            group["lr"] = rate(epoch, i / steps, args)
        heads, features = heads_of(net, normalise(views), True)
        total, parts = distill_losses(heads, features, faces, teacher_out, taught, cells, 6.0 if gentle else 4.0, args.points)
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        optimizer.step()
        blend(ema, net, epoch * steps + i)
        sums += [float(v.detach()) for v in (total, *parts)]
    return ",".join([str(epoch), *(f"{v / steps:.4f}" for v in sums), f"{time.time() - begun:.0f}"])


if __name__ == "__main__":
    main()
