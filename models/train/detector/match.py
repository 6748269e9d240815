"""The first stage: each unit alone learns to say what YuNet_n says at the same place. python -m models.train.detector.match

From random weights. Each unit reads the teacher's tensor before it and is compared with the teacher's after it (FitNets,
Romero et al. 2015, all layers at once), so no error is handed on and all of them learn at the same time; `s4b` and `s4`
together stand for three units of the teacher. Views and their lights are those of train.py. Writes runs/NAME/matched.pt.
"""
import argparse
import copy
import sys
import time

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from .distill import LOGITS, MAPS, DenseYuNet
from .library import Library
from .paths import RUNS
from .student import build, normalise
from .train import blend, quiet_worker, save
from .views import compose, spoil


class TeacherUnits(Dataset):
    """Views with all of the teacher's tensors: the picture, then one array per layer of MAPS and LOGITS, (h, w, channels) f16."""

    def __init__(self, lib, seed, count, size):
        self.lib, self.seed, self.count, self.size, self.teacher = lib, seed, count, size, None
        self.names = [*MAPS.values(), *(n for four in LOGITS.values() for n in four)]

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        self.teacher = self.teacher or DenseYuNet(self.names)
        rng = np.random.default_rng((self.seed, i))
        view = spoil(rng, compose(self.lib, rng, self.size, False)[0], False)
        said = dict(zip(self.names, self.teacher.net.run(self.names, {"input": self.teacher.input(view)})))
        maps = [said[n] for n in MAPS.values()] + [np.concatenate([said[n] for n in four], 1) for four in LOGITS.values()]
        return view, *(m[0].clip(-100, 100).astype(np.float16) for m in maps)


def gather(items):
    return tuple(torch.from_numpy(np.stack(v)) for v in zip(*items))


def unit_losses(net, x, teacher_out, below=0.2):
    """{layer: squared error over the teacher's mean square, per channel}; every layer with a target hands on the target itself.

    Layers are compared before their ReLU, so that no channel can die; what the ReLU would cut weighs `below`.
    """
    values, losses = {"in": x.contiguous(memory_format=torch.channels_last)}, {}
    for l in net.layers:
        if l.name not in teacher_out:
            values[l.name] = net.apply_layer(l, values)
            continue
        y, want = net.mods[l.name](values[l.inputs[0]]), teacher_out[l.name].float()
        cut = F.relu if l.relu else lambda v: v
        mean = cut(want).square().mean((0, 2, 3), keepdim=True)
        error = (cut(y) - cut(want)).square() + below * (y - want).square()
        losses[l.name] = (error / (mean + 0.1 * mean.mean())).mean()
        values[l.name] = cut(want).contiguous(memory_format=torch.channels_last)
    return losses


def main():
    a = argparse.ArgumentParser(description=__doc__)
    a.add_argument("--name", default="colour")
    a.add_argument("--steps", type=int, default=1500)
    a.add_argument("--batch", type=int, default=12)
    a.add_argument("--size", type=int, default=160)
    a.add_argument("--lr", type=float, default=1e-2)
    a.add_argument("--seed", type=int, default=3)
    args = a.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    run = RUNS / args.name
    run.mkdir(parents=True, exist_ok=True)
    net = build(args.seed).to(memory_format=torch.channels_last).train()
    ema, begun = copy.deepcopy(net).eval(), time.time()
    optimizer = torch.optim.Adam(net.parameters(), lr=args.lr)
    loader = DataLoader(TeacherUnits(Library(), args.seed, args.steps * args.batch, args.size), args.batch, num_workers=1,
                        collate_fn=gather, worker_init_fn=quiet_worker, prefetch_factor=4)
    for step, (views, *teacher_out) in enumerate(tqdm(loader, "units", disable=not sys.stderr.isatty())):
        for group in optimizer.param_groups:
            group["lr"] = args.lr * min(1, (step + 1) / 50) * (1 - 0.99 * step / args.steps)
        losses = unit_losses(net, normalise(views), dict(zip((*MAPS, *LOGITS), teacher_out)))
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
        blend(ema, net, step, 0.98)
        if step % 100 == 99:
            print(step + 1, *(f"{k}={float(v.detach()):.4f}" for k, v in losses.items()), f"{time.time() - begun:.0f} s", flush=True)
            save(ema.state_dict(), run / "matched.pt")
    save(ema.state_dict(), run / "matched.pt")


if __name__ == "__main__":
    main()
