"""The starting projects' nets and ours under one protocol: python -m models.train.classifier.zoo [NET ...] [--table]

FER2013's own labels, cleaned as for our net; mirror, roll, shift and scale; AdamW at 1e-3, one epoch of warm-up, cosine to
nothing over EPOCHS; the last weights are scored on PublicTest, none are chosen. Without names all nets are trained one
after the other; each goes on after its last finished epoch (models/train/runs/zoo). What two cores do not allow was cut:
`epochs` in zoo_nets.py, 0 for a net that is only measured.

`--table` trains nothing: it rounds each net to int8 with ONNX Runtime's `quantize_static`, scores that file, times all of
them in turn, one thread, and writes models/cards/zoo.json and its table to the terminal.
"""
import argparse
import json
import math
import os
import statistics
import time
import warnings

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn
from tqdm import tqdm

from ..common import markdown
from . import augment
from .data import clean_indices, leak_free, load_split
from .train import RUNS, normalise
from .zoo_nets import ZOO, keras_parameters

EPOCHS, BATCH, RATE, SEED = 8, 128, 1e-3, 1
FOLDER = RUNS / "zoo"
CARD = RUNS.parent.parent / "cards" / "zoo.json"


def mmac(net):
    """Multiply-accumulates of one 48x48 picture, in millions."""
    total, hooks = [], []
    for m in net.modules():
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            hooks.append(m.register_forward_hook(lambda m, _, out: total.append(m.weight.numel() * out[0, 0].numel() if out.ndim == 4 else m.weight.numel())))
    with torch.no_grad():
        net.eval()(torch.zeros(1, 1, 48, 48))
    for h in hooks:
        h.remove()
    return sum(total) / 1e6


def rate(at, epochs):
    """`at` in epochs."""
    return RATE * (max(at, 0.02) if at < 1 else 0.5 * (1 + math.cos(math.pi * (at - 1) / max(1e-9, epochs - 1))))


def one_epoch(net, opt, pixels, labels, epoch, epochs):
    # All randomness comes from the epoch's number, so a resumed run is the same run.
    torch.manual_seed(SEED * 1000 + epoch)
    g = torch.Generator().manual_seed(SEED * 1000 + epoch)
    order, steps = torch.randperm(len(pixels), generator=g), len(pixels) // BATCH
    net.train()
    for i in tqdm(range(steps), desc=f"epoch {epoch}", disable=None):
        for group in opt.param_groups:
            group["lr"] = rate(epoch + i / steps, epochs)
        pick = order[i * BATCH:(i + 1) * BATCH]
        x = augment.resample(pixels[pick][:, None].float(), augment.jitter(BATCH, g, 0.5)).clamp(0, 255)
        with torch.autocast("cpu", torch.bfloat16):
            out = net(normalise(x))
        opt.zero_grad(set_to_none=True)
        F.cross_entropy(out.float(), labels[pick]).backward()
        opt.step()


@torch.no_grad()
def accuracy(net, faces):
    net.eval()
    x = torch.from_numpy(faces.pixels)[:, None].float()
    answer = torch.cat([net(normalise(x[i:i + 256])).argmax(1) for i in range(0, len(x), 256)]).numpy()
    return answer == faces.labels


def train(entry, faces, test):
    epochs = EPOCHS if entry.epochs is None else entry.epochs
    torch.manual_seed(SEED)
    net = entry.build().to(memory_format=torch.channels_last)
    heavy, light = [p for p in net.parameters() if p.ndim > 1], [p for p in net.parameters() if p.ndim < 2]
    opt = torch.optim.AdamW([{"params": heavy, "weight_decay": 0.05}, {"params": light, "weight_decay": 0.0}], RATE)
    path, first, log = FOLDER / f"{entry.name}.pt", 0, []
    if path.exists():
        state = torch.load(path, weights_only=True)
        net.load_state_dict(state["net"])
        opt.load_state_dict(state["opt"])
        first, log = state["epoch"], state["log"]
    pixels, labels = torch.from_numpy(faces.pixels), torch.from_numpy(faces.labels)
    for epoch in range(first, epochs):
        begun = time.monotonic()
        one_epoch(net, opt, pixels, labels, epoch, epochs)
        took, right = time.monotonic() - begun, float(accuracy(net, test).mean())
        log.append([epoch, round(took), round(right, 4)])
        print(f"{entry.name}: epoch {epoch + 1} of {epochs}, PublicTest {100 * right:.1f} %, {took:.0f} s", flush=True)
        torch.save(dict(net=net.state_dict(), opt=opt.state_dict(), epoch=epoch + 1, epochs=epochs, log=log), path.with_suffix(".part"))
        os.replace(path.with_suffix(".part"), path)


class Pictures(CalibrationDataReader):
    """256 training pictures, one by one."""

    def __init__(self, faces):
        chosen = np.random.default_rng(SEED).permutation(len(faces))[:256]
        self.rest = iter(as_input(faces.pixels[chosen])[:, None])

    def get_next(self):
        x = next(self.rest, None)
        return None if x is None else {"image": x}


def as_input(pixels):
    return normalise(torch.from_numpy(pixels)[:, None].float()).contiguous().numpy()


def to_int8(entry, net, faces):
    """Per-channel int8 weights, u8 activations, QDQ: a session of one thread."""
    path = FOLDER / f"{entry.name}.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net.eval(), torch.zeros(1, 1, 48, 48), str(path), dynamo=False, opset_version=17, input_names=["image"],
                          output_names=["logits"])
    quant_pre_process(str(path), str(path), skip_symbolic_shape=True)
    quantize_static(str(path), str(path.with_suffix(".int8.onnx")), Pictures(faces), quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path.with_suffix(".int8.onnx")), options, providers=["CPUExecutionProvider"])


def times_ms(sessions, x, rounds=40):
    """Median time of each session, all in turn, so that a busy machine is busy for all."""
    found = {name: [] for name in sessions}
    for _ in range(rounds):
        for name, s in sessions.items():
            begun = time.perf_counter()
            s.run(None, {"image": x})
            found[name].append(1000 * (time.perf_counter() - begun))
    return {name: statistics.median(v) for name, v in found.items()}


def table(faces, test, free):
    rows, sessions = [], {}
    inputs = as_input(test.pixels)[:, None]
    for entry in tqdm(ZOO, desc="int8"):
        net, path = entry.build(), FOLDER / f"{entry.name}.pt"
        state = torch.load(path, weights_only=True) if path.exists() else None
        row = dict(net=entry.name, source=entry.source, reported=entry.reported, parameters=keras_parameters(net), mmac=round(mmac(net), 1))
        if state:
            net.load_state_dict(state["net"])
            right = accuracy(net, test)
            row |= dict(epochs=state["epoch"], seconds_per_epoch=round(statistics.median(s for _, s, _ in state["log"])),
                        public_test=round(100 * float(right.mean()), 1), leak_free=round(100 * float(right[free].mean()), 1))
        sessions[entry.name] = to_int8(entry, net, faces)
        if state:
            answers = np.array([sessions[entry.name].run(None, {"image": x})[0].argmax() for x in inputs])
            row["public_test_int8"] = round(100 * float((answers == test.labels).mean()), 1)
        rows.append(row)
    ms = times_ms(sessions, inputs[0])
    for row in rows:
        row |= dict(int8_ms=round(ms[row["net"]], 3), time_to_ours=round(ms[row["net"]] / ms["ours"], 2))
    return rows


def lines(rows):
    for r in rows:
        trained = "public_test" in r
        yield (f"{r['net']} ({r['source']})", r["reported"], f"{r['parameters']:,}", f"{r['mmac']:.1f}", r.get("epochs", 0),
               f"{r['public_test']} ({r['leak_free']})" if trained else "not trained", r.get("public_test_int8", "-"), f"{r['time_to_ours']:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", metavar="NET", help="of " + ", ".join(e.name for e in ZOO))
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    unknown = set(args.nets) - {e.name for e in ZOO}
    if unknown:
        parser.error(f"no net {', '.join(sorted(unknown))}: there are {', '.join(e.name for e in ZOO)}")
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    whole, test = load_split(args.data, "train"), load_split(args.data, "public_test")
    faces = whole.take(clean_indices(whole))
    if args.table:
        rows = table(faces, test, leak_free(test, whole))
        CARD.write_text(json.dumps(rows, indent=1) + "\n")
        markdown.table(("net", "its project's figure", "parameters", "MMAC", "epochs", "PublicTest (leak-free) %", "in int8 %", "int8 time / ours"),
                       lines(rows))
        return
    for entry in ZOO:
        if not args.nets or entry.name in args.nets:
            train(entry, faces, test)


if __name__ == "__main__":
    main()
