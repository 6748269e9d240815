"""A short fine-tune of the trained net with rounding in the loop: python -m models.train.detector.qat [--run NAME]

How the rounding is done: common/rounded.py. Writes runs/NAME/ema_qat.pt, in the form of ema.pt.
"""
import argparse
import time

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader

from ..common.rounded import Rounded
from .distill import distill_losses
from .library import Library
from .paths import RUNS
from .release import calibration
from .student import FEATURES, build, equalise, normalise
from .train import Views, blend, by_cell, gather, optimizer_of, quiet_worker, save
from .turn import TurnedViews


def main():
    a = argparse.ArgumentParser(description=__doc__)
    a.add_argument("--run", default="taught")
    a.add_argument("--steps", type=int, default=600)
    a.add_argument("--batch", type=int, default=16)
    a.add_argument("--lr", type=float, default=1e-4)
    a.add_argument("--start", default="ema.pt", help="weights of the run to start from")
    a.add_argument("--seed", type=int, default=8)
    a.add_argument("--size", type=int, default=256)
    a.add_argument("--points", type=float, default=10.0, help="weight of the landmarks' loss")
    a.add_argument("--turned", action="store_true", help="on the views of turn.py")
    args = a.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    run = RUNS / args.run
    net, ema, state = build(), build(), torch.load(run / "last.pt", weights_only=True)
    scale = by_cell(state["scale"], args.size)
    pictures = calibration()
    batches = [normalise(torch.from_numpy(pictures[i:i + 16])) for i in range(0, len(pictures), 16)]
    net.load_state_dict(torch.load(run / args.start, weights_only=True))
    equalise(net, batches)
    ema.load_state_dict(net.state_dict())
    rounded, ema = Rounded(net, batches, also=FEATURES), ema.eval()
    optimizer, lib = optimizer_of(net, args.lr, 0.0), Library(run / "hard.npz")
    kind = TurnedViews if args.turned else Views
    loader = DataLoader(kind(lib, args.seed, 0, args.steps * args.batch, args.size, gentle=True), args.batch, num_workers=1,
                        collate_fn=gather, worker_init_fn=quiet_worker, prefetch_factor=6)
    begun, sums = time.time(), np.zeros(6)
    for step, (views, faces, teacher_out, taught) in enumerate(loader):
        for group in optimizer.param_groups:
            group["lr"] = args.lr * min(1, (step + 1) / 50) * (1 - 0.95 * step / args.steps)
        heads, features = rounded(normalise(views))
        total, parts = distill_losses(heads, features, faces, teacher_out, taught, scale, 6.0, args.points)
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        optimizer.step()
        blend(ema, net, step + 200, 0.99)
        sums += [float(v.detach()) for v in (total, *parts)]
        if step % 50 == 49:
            print(step + 1, *(round(v, 4) for v in sums / 50), f"{time.time() - begun:.0f} s", flush=True)
            sums[:] = 0
            save(ema.state_dict(), run / "ema_qat.pt")
    save(ema.state_dict(), run / "ema_qat.pt")


if __name__ == "__main__":
    main()
