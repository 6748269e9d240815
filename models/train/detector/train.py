"""Trains the detector. From the repository root:  python -m models.train.detector.train [--epochs N] [--name RUN]

Goes on where the run stopped: views depend on (seed, epoch, index) only, and a checkpoint holds everything else.
`last.pt` is the whole state after each epoch, `ema.pt` the smoothed weights, `log.csv` one line an epoch.
"""
import argparse
import copy
import math
import os
import sys
import time

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from .loss import losses
from .paths import RUNS
from .student import build, normalise
from .views import Library, make


class Views(Dataset):
    """`count` views of one epoch."""

    def __init__(self, lib, seed, epoch, count, size, gentle=False):
        self.lib, self.key, self.count, self.size, self.gentle = lib, (seed, epoch), count, size, gentle

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        return make(self.lib, np.random.default_rng((*self.key, i)), self.size, self.gentle)


def gather(items):
    return torch.from_numpy(np.stack([v for v, _ in items])), torch.from_numpy(np.stack([r for _, r in items]))


def quiet_worker(_):
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def heads_of(net, x, bf16):
    """The net in bf16 up to its heads, the heads in f32: landmarks need more than eight bits."""
    values, outs = {"in": x.contiguous(memory_format=torch.channels_last)}, []
    for l in net.layers:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16 and not l.raw):
            if l.raw:
                values[l.inputs[0]] = values[l.inputs[0]].float()
            values[l.name] = net.apply_layer(l, values)
        if l.raw:
            outs.append(values[l.name])
    return outs


def optimizer_of(net, lr, decay):
    plain = [p for p in net.parameters() if p.ndim < 2]
    heavy = [p for p in net.parameters() if p.ndim >= 2]
    return torch.optim.AdamW([{"params": heavy, "weight_decay": decay}, {"params": plain, "weight_decay": 0.0}], lr=lr)


def rate(step, total, peak, warm=300):
    """Warm-up, then a cosine to a hundredth."""
    if step < warm:
        return peak * (step + 1) / warm
    u = min(1.0, (step - warm) / max(1, total - warm))
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * u)))


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


def main():
    a = argparse.ArgumentParser(description=__doc__)
    a.add_argument("--name", default="first")
    a.add_argument("--epochs", type=int, default=36)
    a.add_argument("--views", type=int, default=6000, help="views per epoch")
    a.add_argument("--batch", type=int, default=24)
    a.add_argument("--small-from", type=int, default=22, help="from this epoch three of four use small views (cheaper)")
    a.add_argument("--lr", type=float, default=2.5e-3)
    a.add_argument("--gentle-from", type=int, default=47, help="from this epoch mostly plain pictures, boxes weigh more")
    a.add_argument("--seed", type=int, default=7)
    a.add_argument("--f32", action="store_true")
    args = a.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    run = RUNS / args.name
    run.mkdir(parents=True, exist_ok=True)
    net = build(args.seed).to(memory_format=torch.channels_last)
    ema = copy.deepcopy(net)
    optimizer = optimizer_of(net, args.lr, 0.02)
    first = 0
    if (run / "last.pt").exists():
        state = torch.load(run / "last.pt", weights_only=True)
        net.load_state_dict(state["net"]), ema.load_state_dict(state["ema"]), optimizer.load_state_dict(state["optimizer"])
        first = state["epoch"] + 1
        print(f"goes on at epoch {first}", flush=True)
    lib, steps = Library(), args.views // args.batch
    for epoch in range(first, args.epochs):
        line = one_epoch(net, ema, optimizer, lib, args, epoch, steps)
        save(dict(net=net.state_dict(), ema=ema.state_dict(), optimizer=optimizer.state_dict(), epoch=epoch), run / "last.pt")
        save(ema.state_dict(), run / "ema.pt")
        with open(run / "log.csv", "a") as log:
            log.write(line + "\n")
        print(line, flush=True)


def view_size(epoch, args):
    """256, or 192 in three of four epochs from `small_from` on; the last two see full size."""
    small = epoch >= args.small_from and epoch % 4 != 0 and epoch < args.epochs - 2
    return 192 if small else 256


def one_epoch(net, ema, optimizer, lib, args, epoch, steps):
    net.train()
    ema.eval()
    gentle = epoch >= args.gentle_from
    views = Views(lib, args.seed, epoch, steps * args.batch, view_size(epoch, args), gentle)
    loader = DataLoader(views, args.batch, num_workers=1, collate_fn=gather, worker_init_fn=quiet_worker, prefetch_factor=6)
    begun, sums = time.time(), np.zeros(5)
    for i, (views, faces) in enumerate(tqdm(loader, f"epoch {epoch}", disable=not sys.stderr.isatty())):
        step = epoch * steps + i
        for group in optimizer.param_groups:
            group["lr"] = rate(step, args.epochs * steps, args.lr)
        total, parts = losses(heads_of(net, normalise(views), not args.f32), faces, 6.0 if gentle else 4.0)
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        optimizer.step()
        blend(ema, net, step)
        sums += [float(v.detach()) for v in (total, *parts)]
        if epoch == 0 and i % 50 == 49:
            print(i + 1, *(round(v, 4) for v in sums / (i + 1)), f"{(i + 1) * args.batch / (time.time() - begun):.0f} views/s", flush=True)
    return ",".join([str(epoch), *(f"{v / steps:.4f}" for v in sums), f"{time.time() - begun:.0f}"])


if __name__ == "__main__":
    main()
