"""Trains the expression classifier from nothing; a second start goes on where the last epoch ended, exactly.

    python -m models.train.classifier.framing     once: landmarks for the aligned half of the crops
    python -m models.train.classifier.train [--data ../shared/data] [--epochs 30] [--run NAME]
    python -m models.train.classifier.train --run calm --start-from classifier --weak-augmentation --epochs 5 --lr 0.01
                                                  a last stage: weaker augmentation, no mixup
    python -m models.train.classifier.train --run wide --shape wide --epochs 100 --decay-epochs 20 --low-resolution-side 40
    python -m models.train.classifier.train --run taught --shape wide --start-from wide_calm --weak-augmentation --epochs 75 --decay-epochs 30 \
        --low-resolution-side 40 --lr 0.05 --teacher models/train/runs/teacher.npz
                                                  distillation: targets by `teach`, mixed with the labels
    python -m models.train.classifier.train --run watched --shape deep --start-from taught --epochs 42 --decay-epochs 22 --low-resolution-side 40 \
        --lr 0.05 --online-teacher taught --online-teacher taught2 --teacher-share 0.7
                                                  the same, but teachers answer for each view: see `online_distillation`

With `--decay-epochs N` the rate stays level and falls to nothing over the last N epochs only, so a run can be made longer
(a larger --epochs) as long as the fall has not begun; `--branch RUN` copies another run's state, to let a copy fall early.
`--low-resolution-side` shows smaller pictures until the fall: cheaper, and the last epochs at 48 pixels put it right
(Touvron et al., Fixing the train-test resolution discrepancy, 2019).

Every epoch: a checkpoint in models/train/runs/NAME and a line in its log.csv (the averaged net on PublicTest).
"""
import argparse
import copy
import csv
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tqdm import tqdm

from . import augment
from .data import clean_indices, ferplus_majority, leak_free, load_split
from .framing import CACHE, trusted
from .net import MEAN, SHAPES, STD, grown, training_net
from .online_distillation import OnlineTeachers

RUNS = Path(__file__).parent.parent / "runs"
FIELDS = ("epoch", "lr", "loss", "seconds", "acc", "acc_leak_free", "acc_aligned", "ferplus_acc")


def normalise(x):
    return ((x - MEAN) / STD).contiguous(memory_format=torch.channels_last)


def align_maps(split, count):
    """(N,2,3) maps for alignment; the identity where YuNet's landmarks are not trusted."""
    path = CACHE / f"landmarks_{split}.npz"
    if not path.exists():
        raise SystemExit(f"no {path}: run `python -m models.train.classifier.framing` first")
    z = np.load(path)
    maps = torch.from_numpy(augment.similarity(z["points"].astype(np.float64)))
    if len(maps) != count:
        raise SystemExit(f"{path} is of another data set ({len(maps)} pictures, not {count}): delete it")
    good = torch.from_numpy(trusted(z["score"], z["spread"])).view(-1, 1, 1)
    return torch.where(good, maps, augment.identity(count))


def targets(faces, taught=None, share=0.0):
    """FER2013 as smoothed one-hot, FER+ as vote shares, and the weight of the second (0 for untrusted rows).

    `taught` (N,7) are a teacher's probabilities; they take `share` of the first target's weight.
    """
    one_hot = F.one_hot(torch.from_numpy(faces.labels), 7).float() * 0.9 + 0.1 / 7
    if taught is not None:
        one_hot = (1 - share) * one_hot + share * taught
    votes = torch.from_numpy(faces.votes)
    return one_hot, votes / votes.sum(1, keepdim=True).clamp(min=1), torch.from_numpy(faces.trusted).float()


def soft_loss(logits, target, weight):
    per = -(target * F.log_softmax(logits.flatten(1).float(), 1)).sum(1)
    return (per * weight).sum() / weight.sum().clamp(min=1)


@torch.no_grad()
def predict(net, x, batch=256):
    """Raw FER2013-head and FER+-head logits of f32 pictures 0..255 (N,1,48,48)."""
    outs = []
    for at in range(0, len(x), batch):
        with torch.autocast("cpu", torch.bfloat16):
            outs.append([o.flatten(1).float() for o in net(normalise(x[at:at + batch]))])
    return [torch.cat(o) for o in zip(*outs)]


def load_teacher(path, count):
    """(N,7) probabilities that `teach` wrote, in the order of the training sheets."""
    target = torch.from_numpy(np.load(path)["target"])
    if len(target) != count:
        raise SystemExit(f"{path} is of another data set ({len(target)} pictures, not {count}): run `teach` again")
    return target


# What runs of before called their settings.
FORMER_NAMES = {"calm": "weak_augmentation", "fall": "decay_epochs", "steady_side": "low_resolution_side", "watch": "online_teacher"}


def current_names(settings):
    return {FORMER_NAMES.get(k, k): v for k, v in settings.items()}


class Average:
    """Exponential moving average of weights and batch-norm statistics."""

    def __init__(self, net, decay=0.999):
        self.net, self.decay, self.steps = copy.deepcopy(net).eval(), decay, 0

    @torch.no_grad()
    def update(self, net):
        self.steps += 1
        d = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for mine, new in zip(self.net.state_dict().values(), net.state_dict().values()):
            mine.lerp_(new, 1 - d) if mine.is_floating_point() else mine.copy_(new)


class Trainer:
    def __init__(self, args):
        if args.teacher and args.online_teacher:
            raise SystemExit("--teacher and --online-teacher: a share of the target can be given to one of them only")
        self.args, self.dir = args, RUNS / args.run
        self.dir.mkdir(parents=True, exist_ok=True)
        train, self.test = load_split(args.data, "train"), load_split(args.data, "public_test")
        keep = clean_indices(train)
        self.free = leak_free(self.test, train)
        self.align = align_maps("train", len(train))[keep]
        taught = load_teacher(args.teacher, len(train))[keep] if args.teacher else None
        self.online_teachers = OnlineTeachers(RUNS, args.online_teacher) if args.online_teacher else None
        train = train.take(keep)
        self.pixels, self.targets = torch.from_numpy(train.pixels), targets(train, taught, args.teacher_share)
        self.test_x = torch.from_numpy(self.test.pixels)[:, None].float()
        self.test_aligned = augment.resample(self.test_x, align_maps("public_test", len(self.test)))
        torch.manual_seed(args.seed)
        self.net = training_net(args.shape).to(memory_format=torch.channels_last)
        for m in self.net.modules():
            if isinstance(m, torch.nn.Conv2d) and m.bias is None:
                torch.nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
        self.ema = Average(self.net)
        decayed = [p for p in self.net.parameters() if p.ndim > 1]
        free = [p for p in self.net.parameters() if p.ndim <= 1]
        self.opt = torch.optim.SGD([{"params": decayed, "weight_decay": 5e-4}, {"params": free, "weight_decay": 0}],
                                   args.lr, momentum=0.9, nesterov=True)
        self.epoch, self.rows = 0, []
        if args.start_from:
            start = torch.load(RUNS / args.start_from / "last.pt", weights_only=True)["ema"]
            self.net.load_state_dict(grown(self.net, start))
            self.ema = Average(self.net, decay=0.998)
        self.resume()

    def rate(self, step, total, warm):
        if step < warm:
            return self.args.lr * (step + 1) / warm
        if self.args.decay_epochs:
            return self.args.lr * min(1.0, (total - step) / (self.args.decay_epochs * warm))
        return self.args.lr * 0.5 * (1 + math.cos(math.pi * (step - warm) / (total - warm)))

    def run_epoch(self):
        # All randomness of an epoch comes from its number, so a resumed run is the same run.
        g = torch.Generator().manual_seed(self.args.seed * 1000 + self.epoch)
        mix = torch.distributions.Beta(0.2, 0.2)
        torch.manual_seed(self.args.seed * 1000 + self.epoch)
        order = torch.randperm(len(self.pixels), generator=g)
        low_resolution = self.epoch < self.args.epochs - self.args.decay_epochs
        # What no teacher has seen is worth most, so with online distillation pictures are mixed to the end.
        weak = self.args.weak_augmentation or (self.online_teachers is not None and not low_resolution)
        mixed = self.online_teachers is not None or not weak
        side = self.args.low_resolution_side if self.args.decay_epochs and low_resolution else augment.SIDE
        steps, batch, loss_sum = len(order) // self.args.batch, self.args.batch, 0.0
        self.net.train()
        for i in tqdm(range(steps), desc=f"epoch {self.epoch}", disable=None):
            for group in self.opt.param_groups:
                group["lr"] = self.rate(self.epoch * steps + i, self.args.epochs * steps, steps)
            pick = order[i * batch:(i + 1) * batch]
            x = normalise(augment.augment(self.pixels[pick], self.align[pick], g, weak))
            fer, votes, weight = (t[pick] for t in self.targets)
            lam, other = float(mix.sample()) if mixed else 1.0, torch.randperm(batch, generator=g)
            x = lam * x + (1 - lam) * x[other]
            teacher_answers = self.online_teachers(x) if self.online_teachers else None
            if side < augment.SIDE:
                x = F.interpolate(x, (side, side), mode="bilinear", antialias=True, align_corners=False)
                x = x.contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                out = self.net(x)
            all_alike, online_share = torch.ones(batch), self.args.teacher_share if self.online_teachers else 0.0
            loss = online_share * soft_loss(out[0], teacher_answers, all_alike) if self.online_teachers else 0.0
            for share, s in ((lam, slice(None)), (1 - lam, other)):
                label = (1 - online_share) * soft_loss(out[0], fer[s], all_alike)
                loss = loss + share * (label + soft_loss(out[1], votes[s], weight[s]))
            self.opt.zero_grad(set_to_none=True)
            loss.backward()
            self.opt.step()
            self.ema.update(self.net)
            loss_sum += float(loss.detach())
        return loss_sum / steps

    def score(self):
        logits, aligned = predict(self.ema.net, self.test_x)[0], predict(self.ema.net, self.test_aligned)[0]
        answer = logits.argmax(1).numpy()
        right = answer == self.test.labels
        mask, majority = ferplus_majority(self.test)
        return {"acc": right.mean(), "acc_leak_free": right[self.free].mean(),
                "acc_aligned": (aligned.argmax(1).numpy() == self.test.labels).mean(),
                "ferplus_acc": (answer == majority)[mask].mean() if mask.any() else math.nan}

    def save(self):
        state = {"epoch": self.epoch, "net": self.net.state_dict(), "ema": self.ema.net.state_dict(),
                 "ema_steps": self.ema.steps, "opt": self.opt.state_dict(), "rows": self.rows, "args": vars(self.args)}
        torch.save(state, self.dir / "last.tmp")
        os.replace(self.dir / "last.tmp", self.dir / "last.pt")

    def resume(self):
        if (self.dir / "last.pt").exists():
            s = torch.load(self.dir / "last.pt", weights_only=True)
            self.refuse_other_settings(s)
        elif self.args.branch:
            s = torch.load(RUNS / self.args.branch / "last.pt", weights_only=True)
        else:
            return
        self.net.load_state_dict(s["net"])
        self.ema.net.load_state_dict(s["ema"])
        self.opt.load_state_dict(s["opt"])
        self.epoch, self.rows, self.ema.steps = s["epoch"], s["rows"], s["ema_steps"]

    def refuse_other_settings(self, s):
        old, new = ({"shape": "small", "decay_epochs": 0, "low_resolution_side": 48, "teacher_share": 0.5} | a for a in (current_names(s["args"]), vars(self.args)))
        fixed = ["batch", "lr", "seed", "weak_augmentation", "start_from", "shape", "decay_epochs", "low_resolution_side", "branch", "teacher", "online_teacher", "teacher_share"]
        if not old["decay_epochs"] or s["epoch"] > old["epochs"] - old["decay_epochs"]:
            fixed.append("epochs")
        for k in fixed:
            if (old.get(k) or None) != (new[k] or None):
                raise SystemExit(f"{self.dir} was started with --{k.replace('_', '-')} {old.get(k)}: choose another --run")

    def run(self):
        while self.epoch < self.args.epochs:
            start = time.monotonic()
            loss = self.run_epoch()
            row = {"epoch": self.epoch, "lr": self.opt.param_groups[0]["lr"], "loss": loss,
                   "seconds": time.monotonic() - start, **self.score()}
            self.rows.append({k: round(float(v), 5) for k, v in row.items()})
            self.epoch += 1
            self.save()
            with open(self.dir / "log.csv", "w", newline="") as f:
                writer = csv.DictWriter(f, FIELDS)
                writer.writeheader()
                writer.writerows(self.rows)
            print(" ".join(f"{k}={v:.4g}" for k, v in self.rows[-1].items()), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data", help="sheets, Kaggle's fer2013.csv or folders per class: see `sources`")
    parser.add_argument("--run", default="classifier")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start-from", metavar="RUN", help="begin with that run's averaged net")
    parser.add_argument("--shape", choices=SHAPES, default="small")
    parser.add_argument("--decay-epochs", "--fall", type=int, default=0, metavar="N", help="constant rate that decays over the last N epochs (default: a cosine)")
    parser.add_argument("--low-resolution-side", "--steady-side", type=int, default=48, metavar="PIXELS", help="picture size before the decay")
    parser.add_argument("--branch", metavar="RUN", help="begin with a copy of that run's whole state")
    parser.add_argument("--weak-augmentation", "--calm", action="store_true", help="weaker augmentation, no mixup")
    parser.add_argument("--teacher", metavar="NPZ", help="soft targets that `teach` wrote")
    parser.add_argument("--online-teacher", "--watch", metavar="RUN[:SHAPE]", action="append", help="online distillation: a teacher that answers for each view; may be repeated")
    parser.add_argument("--teacher-share", type=float, default=0.5, help="of the FER2013 target (default 0.5)")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    Trainer(args).run()


if __name__ == "__main__":
    main()
