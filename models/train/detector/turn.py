"""A further stage on the released net: heads tilted by up to 60 degrees, covered, near and in the dark, and pets.

    python -m models.train.detector.turn [--name turned] [--epochs 30]      goes on where it stopped; then qat and release

It starts from the packed file, so it needs no checkpoint. Both teachers looked at the upright pictures (`label`); in a view that is turned their boxes and
landmarks are turned along and overrule what YuNet says of the turned view, which stops at half the tilt. Masks, glasses, caps, hands and darkness come after the
teacher has looked at the clean view. Batch norms are folded into affine maps that learn on without statistics.
"""
import argparse
import copy
import math
import time

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader

from ..common import pack
from .covers import covered
from .distill import distill_losses
from .library import Library
from .light import light, tint
from .paste import paste
from .paths import MODELS, RUNS
from .student import build, layers, normalise
from .train import Views, blend, by_cell, feature_scale, gather, heads_of, optimizer_of, quiet_worker, save
from .views import compose, mosaic, settle, zoom

SIZES = (192, 192, 256, 320)


def from_packed(path=MODELS / "weights" / "detector.moodnet"):
    """The released net as floats, each batch norm an affine map."""
    graph, net = pack.unpack(path.read_bytes()), build().eval()
    with torch.no_grad():
        for l, op in zip(layers(), graph.ops, strict=True):
            if l.op not in ("conv", "depthwise"):
                continue
            mod, sx = net.mods[l.name], graph.scale_of(op.a)
            sw = op.scale.astype(np.float64) / sx if op.raw else op.m / 2.0**op.s * op.out_scale / sx
            # Packed: a depthwise kernel is (rows, columns, channels), another (out, rows, columns, in).
            w = np.moveaxis(op.w.astype(np.float64), 2, 0)[:, None] if l.op == "depthwise" else np.moveaxis(op.w.astype(np.float64), 3, 1)
            w, bias = torch.from_numpy(w * sw[:, None, None, None]).float(), torch.from_numpy(op.bias * sx * sw).float()
            if l.raw:
                mod.weight.copy_(w), mod.bias.copy_(bias)
            else:
                mod[0].weight.copy_(w)
                bn = mod[1]
                bn.weight.fill_(1), bn.bias.copy_(bias), bn.running_mean.zero_(), bn.running_var.fill_(1 - bn.eps)
    return net


def noise_view(rng, size):
    """Blurred noise, as dull as a wall or as rough as leaves."""
    view = rng.normal(rng.uniform(60, 190), rng.uniform(10, 90), (size, size, 3))
    if rng.random() < 0.5:
        view = np.repeat(view[..., :1], 3, 2)
    view = cv2.GaussianBlur(view.clip(0, 255).astype(np.uint8), (0, 0), float(np.exp(rng.uniform(0, 2.5))))
    mean = view.mean()
    return np.clip((view - mean) * rng.uniform(1, 3) + mean, 0, 255).astype(np.uint8)


def turned_view(lib, rng, size):
    """A clean view (BGR) and its rows: three of five as in the first training, a quarter turned far, a tenth a near face in blurred noise."""
    u = rng.random()
    if u < 0.6:
        return compose(lib, rng, size, True)
    if u < 0.7:
        view, rows = noise_view(rng, size), np.zeros((0, 17), np.float32)
        for _ in range(int(rng.integers(1, 3))):
            view, rows = paste(lib, rng, view, settle(rows, size), reach=60)
        return view, settle(rows, size)
    if u < 0.75:
        return mosaic(lib, rng, size, reach=60)
    view, rows = zoom(lib, rng, size, False, reach=60)
    while rng.random() < 0.3:
        view, rows = paste(lib, rng, view, settle(rows, size), reach=60)
    return view, settle(rows, size)


def dark(rng, view):
    """A tenth to two fifths of the light and a sensor's noise."""
    if rng.random() < 0.5:
        x = 255 * (np.arange(256, dtype=np.float32) / 255) * rng.uniform(0.08, 0.4)
    else:
        x = 255 * (np.arange(256, dtype=np.float32) / 255) ** rng.uniform(1.5, 3) * rng.uniform(0.4, 0.9)
    view = cv2.LUT(view, x.clip(0, 255).astype(np.uint8))
    noise = np.empty(view.shape, np.int16)
    cv2.setRNGSeed(int(rng.integers(1 << 30)))
    cv2.randn(noise, 0, rng.uniform(1, 5))
    return cv2.add(view, noise, dtype=cv2.CV_8U)


class TurnedViews(Views):
    """As Views, with the cases above; what covers a face is drawn after the teacher has looked."""

    def compose(self, rng):
        return turned_view(self.lib, rng, self.size)

    def spoil(self, rng, view, rows):
        view = tint(rng, covered(rng, view, rows, 0.2))
        u = rng.random()
        return dark(rng, view) if u < 0.12 else light(rng, view) if u < 0.6 else view


def mixed(new, old, share):
    """Weights between two nets, the newer grown out of the older: often most of what was learned, and little of what was lost (Wortsman et al., 2022)."""
    return {k: v.lerp(new[k], share) if v.dtype.is_floating_point else v for k, v in old.items()}


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--name", default="turned")
    a.add_argument("--epochs", type=int, default=30)
    a.add_argument("--views", type=int, default=2400)
    a.add_argument("--batch", type=int, default=24)
    a.add_argument("--lr", type=float, default=6e-4)
    a.add_argument("--points", type=float, default=40.0, help="weight of the landmarks' loss")
    a.add_argument("--seed", type=int, default=31)
    a.add_argument("--mix", type=float, help="only write mix.pt: so much of the run's weights, the rest the released net's")
    args = a.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    run = RUNS / args.name
    run.mkdir(parents=True, exist_ok=True)
    if args.mix is not None:
        save(mixed(torch.load(run / "ema.pt", weights_only=True), from_packed().state_dict(), args.mix), run / "mix.pt")
        return
    lib, net, first = Library(run / "hard.npz"), from_packed().to(memory_format=torch.channels_last), 0
    ema, optimizer = copy.deepcopy(net), optimizer_of(net, args.lr, 1e-5)
    if (run / "last.pt").exists():
        state = torch.load(run / "last.pt", weights_only=True)
        for k, v in dict(net=net, ema=ema, optimizer=optimizer).items():
            v.load_state_dict(state[k])
        first, scale = state["epoch"] + 1, state["scale"]
    else:
        scale = feature_scale(lib)
    steps = args.views // args.batch
    for epoch in range(first, args.epochs):
        size, begun, sums = SIZES[epoch % len(SIZES)], time.time(), np.zeros(6)
        loader = DataLoader(TurnedViews(lib, args.seed, epoch, steps * args.batch, size), args.batch, num_workers=1, collate_fn=gather,
                            worker_init_fn=quiet_worker, prefetch_factor=6)
        cells = by_cell(scale, size)
        for i, (views, faces, teacher_out, taught) in enumerate(loader):
            at = (epoch + i / steps) / args.epochs
            for group in optimizer.param_groups:
                group["lr"] = args.lr * min(1, (epoch * steps + i + 1) / 50) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * at)))
            heads, features = heads_of(net, normalise(views), True)
            total, parts = distill_losses(heads, features, faces, teacher_out, taught, cells, 5.0, args.points)
            optimizer.zero_grad()
            total.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 10.0)
            optimizer.step()
            blend(ema, net, epoch * steps + i)
            sums += [float(v.detach()) for v in (total, *parts)]
        line = ",".join([str(epoch), str(size), *(f"{v / steps:.4f}" for v in sums), f"{time.time() - begun:.0f}"])
        save(dict(net=net.state_dict(), ema=ema.state_dict(), scale=scale, optimizer=optimizer.state_dict(), epoch=epoch), run / "last.pt")
        save(ema.state_dict(), run / "ema.pt")
        with open(run / "log.csv", "a") as log:
            log.write(line + "\n")
        print(line, flush=True)


if __name__ == "__main__":
    main()
