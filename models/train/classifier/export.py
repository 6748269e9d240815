"""A training run -> the released files: packed int8 net, ONNX with QDQ nodes, golden vectors.

    python -m models.train.classifier.export [--run NAME] [--data ../shared/data] [--version V]

Turns the two training heads into the shipped outputs (`fuse`), quantizes with training pictures only, fits each answer's
softmax temperature on PublicTest (stored in the notes; it changes no answer, only how sure it sounds).
"""
import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from ..common import golden, intgraph, onnx_qdq, pack
from ..common.quantize import quantize
from ..common.reference import reals, run
from . import augment
from .data import FERPLUS_TO_FER, LABELS, clean_indices, ferplus_majority, load_split
from .net import MEAN, STD, shipped_net, training_net
from .train import RUNS, align_maps

MODELS = Path(__file__).parents[2]
WEIGHTS = MODELS / "weights"
NEVER = -20.0  # a logit of e^-20 beside the others


def averaged(run_name):
    """The averaged training net of a run's last checkpoint, its shape's name, and the number of finished epochs."""
    state = torch.load(RUNS / run_name / "last.pt", weights_only=True)
    shape = state["args"].get("shape", "small")
    net = training_net(shape).eval()
    net.load_state_dict(state["ema"])
    return net, shape, state["epoch"]


def fuse(net, shape, share, balance=0.0, shares=None):
    """The three outputs that are shipped, all linear in the same features.

    `logits`: (1 - share) * FER2013's head + share * FER+'s first seven, less `balance` * log of each label's share of the
    training set (`shares`), so that rare expressions are not passed over (Menon et al., Long-tail learning via logit
    adjustment, ICLR 2021: 1 is the best balanced recall, 0 the best accuracy where the shares stay as they are). `ferplus`: FER+'s eight classes in our order.
    `maps`: the weights of `logits` on each of the last 6x6 pixels, without bias; their average is the logits but for it
    (Zhou et al., Learning Deep Features for Discriminative Localization, CVPR 2016).
    """
    out = shipped_net(shape).eval()
    state = {k: v for k, v in net.state_dict().items() if not k.startswith(("mods.fer.", "mods.ferplus."))}
    for part in ("weight", "bias"):
        fer, votes = net.state_dict()[f"mods.fer.{part}"], net.state_dict()[f"mods.ferplus.{part}"]
        in_our_order = votes[:8].clone()  # contempt stays last; unknown and not-a-face are left behind
        for column, label in enumerate(FERPLUS_TO_FER):
            in_our_order[label] = votes[column]
        state[f"mods.ferplus.{part}"] = in_our_order
        state[f"mods.logits.{part}"] = (1 - share) * fer + share * in_our_order[:7]
    if balance:
        state["mods.logits.bias"] = state["mods.logits.bias"] - balance * torch.log(torch.from_numpy(shares)).float()
    state["mods.maps.weight"] = state["mods.logits.weight"]
    state["mods.maps.bias"] = torch.zeros(7)
    out.load_state_dict(state)
    return out


def label_shares(root):
    """(7,) each FER2013 label's share of the training set."""
    faces = load_split(root, "train")
    counts = np.bincount(faces.labels[clean_indices(faces)], minlength=7)
    return counts / counts.sum()


@torch.no_grad()
def without_votes(trained):
    """A net that no FER+ vote taught gives FER2013's answer on that output too, and never says contempt."""
    fer, votes = trained.mods["fer"], trained.mods["ferplus"]
    votes.weight.zero_()
    votes.bias.fill_(NEVER)
    for column, label in enumerate(FERPLUS_TO_FER):
        votes.weight[column], votes.bias[column] = fer.weight[label], fer.bias[label]


@torch.no_grad()
def float_logits(net, pixels, batch=256):
    """(N,48,48) u8 -> (N,7) and (N,8) f32 by the float net: FER2013's answer and FER+'s."""
    x = (torch.from_numpy(pixels)[:, None].float() - MEAN) / STD
    outs = [[o.flatten(1) for o in net(x[i:i + batch])[:2]] for i in range(0, len(x), batch)]
    return [torch.cat(o).numpy() for o in zip(*outs)]


def calibration(root, count=1024):
    """Training pictures (count,48,48,1) u8: half as they are, a quarter aligned, a quarter augmented."""
    faces = load_split(root, "train")
    pick = np.random.default_rng(2).choice(clean_indices(faces), count, replace=False)
    pixels, maps = torch.from_numpy(faces.pixels[pick]), align_maps("train", len(faces))[pick]
    half, quarter = count // 2, count // 4
    aligned = augment.resample(pixels[half:half + quarter, None].float(), maps[half:half + quarter])
    changed = augment.augment(pixels[half + quarter:], maps[half + quarter:], torch.Generator().manual_seed(2))
    x = torch.cat([pixels[:half, None].float(), aligned, changed])
    return x.clamp(0, 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()


def fit_temperature(logits, labels):
    """The softmax temperature of least negative log-likelihood (Guo et al. 2017, section 4.2)."""
    tries = np.exp(np.linspace(np.log(0.2), np.log(3), 200))
    x, y = torch.from_numpy(logits), torch.from_numpy(labels)
    return float(min(tries, key=lambda t: float(F.cross_entropy(x / float(t), y))))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--run", default="classifier")
    parser.add_argument("--version", default="1")
    parser.add_argument("--ferplus-share", type=float, default=0.0)
    parser.add_argument("--balance", type=float, default=0.0, help="towards rare expressions, see `heads`")
    args = parser.parse_args()
    torch.set_num_threads(1)
    trained, shape, epochs = averaged(args.run)
    if not load_split(args.data, "train").trusted.any():
        print("No FER+ votes in this data: the output of FER+'s labels repeats FER2013's answer")
        without_votes(trained)
    net, test = fuse(trained, shape, args.ferplus_share, args.balance, label_shares(args.data)), load_split(args.data, "public_test")
    notes = {"name": "moodring-classifier", "version": args.version, "labels": ",".join(LABELS)}
    graph = quantize(net, calibration(args.data), kind=intgraph.CLASSIFIER, mean=MEAN, std=STD, width=48, height=48, notes=notes)
    logits, votes = (v.reshape(len(test), -1) for v in reals(graph, run(graph, test.pixels[..., None]))[:2])
    graph.notes["temperature"] = f"{fit_temperature(logits, test.labels):.4f}"
    mask, majority = ferplus_majority(test)
    judged = (votes[mask], majority[mask]) if mask.any() else (logits, test.labels)
    graph.notes["temperature.ferplus"] = f"{fit_temperature(*judged):.4f}"
    size = pack.write(WEIGHTS / "classifier.moodnet", graph)
    found = onnx_qdq.write(WEIGHTS / "classifier.onnx", graph, test.pixels[:64, ..., None])
    (MODELS / "golden" / "classifier.bin").write_bytes(golden.golden(graph, pack.pack(graph)))
    print(f"{shape}, {epochs} epochs; packed {size} bytes; {graph.notes}; ONNX differs by {found}")
    plain = float_logits(net, test.pixels)
    for name, real, int8, labels, rows in (("FER2013", plain[0], logits, test.labels, slice(None)),
                                           ("FER+", plain[1], votes, majority, mask)):
        right, answer = labels[rows], int8[rows].argmax(1)
        print(f"{name} on PublicTest: float {(real[rows].argmax(1) == right).mean():.4f}, int8 {(answer == right).mean():.4f}, "
              f"same answer {(real[rows].argmax(1) == answer).mean():.4f}")


if __name__ == "__main__":
    main()
