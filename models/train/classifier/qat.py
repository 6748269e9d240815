"""A short fine-tune of a finished run with rounding in the loop: python -m models.train.classifier.qat --run NAME

Writes runs/NAME_qat/last.pt, which `export --run NAME_qat` takes as any other run. Calm augmentation, no mixup. Minutes on a
core; it starts from the beginning when it is started again.
"""
import argparse
import copy

import torch
from tqdm import tqdm

from . import augment
from .data import clean_indices, load_split
from .export import averaged, calibration
from .net import MEAN, STD
from .train import RUNS, Average, align_maps, normalise, soft_loss, targets
from ..common.rounded import Rounded


def real(pictures, batch=64):
    """(N,48,48,1) u8 -> batches of what the net takes."""
    x = (torch.from_numpy(pictures).permute(0, 3, 1, 2).float() - MEAN) / STD
    return list(x.split(batch))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--run", required=True)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=0.002)
    parser.add_argument("--seed", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    g = torch.Generator().manual_seed(args.seed)
    net, shape, epochs = averaged(args.run)
    rounded, ema = Rounded(net, real(calibration(args.data))), Average(copy.deepcopy(net), 0.98)
    train = load_split(args.data, "train")
    keep = clean_indices(train)
    align, train = align_maps("train", len(train))[keep], train.take(keep)
    pixels, (fer, votes, weight) = torch.from_numpy(train.pixels), targets(train)
    optimizer = torch.optim.SGD(net.parameters(), args.lr, momentum=0.9, nesterov=True)
    order, loss_sum = torch.randperm(len(pixels), generator=g), 0.0
    for step in (bar := tqdm(range(args.steps), disable=None)):
        for group in optimizer.param_groups:
            group["lr"] = args.lr * min(1, (step + 1) / 20) * (1 - step / args.steps)
        pick = order[torch.arange(step * args.batch, (step + 1) * args.batch) % len(order)]
        heads, _ = rounded(normalise(augment.augment(pixels[pick], align[pick], g, True)))
        loss = soft_loss(heads[0], fer[pick], torch.ones(args.batch)) + soft_loss(heads[1], votes[pick], weight[pick])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        ema.update(net)
        loss_sum += float(loss.detach())
        if step % 20 == 19:
            bar.write(f"step {step + 1} loss {loss_sum / 20:.4f}")
            loss_sum = 0.0
    folder = RUNS / f"{args.run}_qat"
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"epoch": epochs, "ema": ema.net.state_dict(), "args": {"shape": shape}}, folder / "last.pt")
    print(f"wrote {folder / 'last.pt'}")


if __name__ == "__main__":
    main()
