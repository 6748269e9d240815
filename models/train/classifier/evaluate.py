"""Every figure of the model card, from the committed weights: prints a report and, with --json, writes it.

    python -m models.train.classifier.evaluate [--data ../shared/data] [--json FILE] [--float FILE --run NAME] [--fast]

The packed file is run by the exact reference executor; changed pictures (blur, noise, ...) by ONNX Runtime on the
QDQ file, which is quicker (--fast uses it for everything). --float writes another file: the float net of a training run, and what is lost to int8.
Only who has that run's checkpoint can measure it; nobody needs it for the rest.
"""
import argparse
import io
import json

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from PIL import Image

from ..common import pack
from ..common.reference import reals, run
from . import augment
from .data import LABELS, ferplus_majority, leak_free, load_split
from .export import WEIGHTS, averaged, fit_temperature, float_logits, fuse, label_shares
from .train import align_maps


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def calibration_error(scores, labels, bins=15):
    """Expected calibration error (Guo et al. 2017, equation 3)."""
    sure, right = scores.max(1), scores.argmax(1) == labels
    which = np.minimum((sure * bins).astype(int), bins - 1)
    return float(sum(abs(right[which == b].mean() - sure[which == b].mean()) * (which == b).mean()
                     for b in range(bins) if (which == b).any()))


def crossed_error(logits, labels):
    """The same with the temperature fitted on one half (even rows) and measured on the other, both ways, averaged."""
    halves = [np.arange(len(labels)) % 2 == i for i in (0, 1)]
    return float(np.mean([calibration_error(softmax(logits[b] / fit_temperature(logits[a], labels[a])), labels[b])
                          for a, b in (halves, halves[::-1])]))


def per_class(answer, labels):
    table = np.zeros((7, 7), int)
    np.add.at(table, (labels, answer), 1)
    recall = table.diagonal() / table.sum(1)
    precision = table.diagonal() / np.maximum(table.sum(0), 1)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    return table, precision, recall, f1


def moved(x, roll=0.0, scale=1.0, shift=(0.0, 0.0)):
    m = torch.zeros(1, 2, 3)
    c, s = np.cos(np.radians(roll)) / scale, np.sin(np.radians(roll)) / scale
    m[0] = torch.tensor([[c, -s, 24 - 24 * c + 24 * s - shift[0] * 48], [s, c, 24 - 24 * s - 24 * c - shift[1] * 48]])
    return augment.resample(x, m.repeat(len(x), 1, 1))


def jpeg(x, quality):
    def one(p):
        f = io.BytesIO()
        Image.fromarray(p).save(f, "JPEG", quality=quality)
        return np.asarray(Image.open(f))
    return torch.from_numpy(np.stack([one(p) for p in x[:, 0].byte().numpy()]))[:, None].float()


def shrunk(x, side):
    small = F.interpolate(x, (side, side), mode="bilinear", antialias=True, align_corners=False)
    return F.interpolate(small, (48, 48), mode="bilinear", align_corners=False)


def blurred(x, sigma):
    k = torch.exp(-torch.arange(-4, 5.0) ** 2 / (2 * sigma**2))
    k = (k / k.sum()).view(1, 1, 1, 9)
    return F.conv2d(F.conv2d(F.pad(x, (4, 4, 4, 4), mode="replicate"), k), k.transpose(2, 3))


def changes(x):
    """name -> changed pictures (f32 0..255); the list of the robustness figure."""
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(3))
    yield "blur sigma 1", blurred(x, 1.0)
    yield "noise sigma 10", x + 10 * noise
    yield "JPEG 30", jpeg(x, 30)
    yield "half resolution", shrunk(x, 24)
    yield "quarter resolution", shrunk(x, 12)
    yield "gamma 0.4", 255 * (x / 255) ** 0.4
    yield "gamma 2.5", 255 * (x / 255) ** 2.5
    for roll in (-20, 20):
        yield f"roll {roll:+d}", moved(x, roll=roll)
    for d in (-0.12, 0.12):
        yield f"shift x {d:+.2f}", moved(x, shift=(d, 0))
        yield f"shift y {d:+.2f}", moved(x, shift=(0, d))
        yield f"scale {1 + d:.2f}", moved(x, scale=1 + d)


class Onnx:
    """The QDQ file in ONNX Runtime: f32 pictures 0..255 (N,1,48,48) -> (N,7), FER2013's answer; `both` also FER+'s (N,8)."""

    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(WEIGHTS / "classifier.onnx"), options, providers=["CPUExecutionProvider"])

    def both(self, x, batch=128):
        x = x.clamp(0, 255).round().numpy()
        outs = [self.session.run(None, {"image": x[i:i + batch]})[:2] for i in range(0, len(x), batch)]
        return [np.concatenate(o) for o in zip(*outs)]

    def __call__(self, x):
        return self.both(x)[0]


def exact(graph, x):
    outs = reals(graph, run(graph, x.clamp(0, 255).round().byte().permute(0, 2, 3, 1).numpy()))[:2]
    return [o.reshape(len(x), -1) for o in outs]


def ferplus(votes, test, temperature):
    """What the FER+ output scores against the FER+ majority, contempt being one of its answers; and without that answer."""
    mask, majority = ferplus_majority(test)
    if not mask.any():
        return None
    scores = softmax(votes[mask] / temperature)
    table = np.zeros((8, 8), int)
    np.add.at(table, (majority[mask], scores.argmax(1)), 1)
    return {"accuracy": (scores.argmax(1) == majority[mask]).mean(), "count": int(mask.sum()),
            "accuracy_without_contempt": (scores[:, :7].argmax(1) == majority[mask]).mean(),
            "calibration_error": calibration_error(scores, majority[mask]), "macro_recall_7": (table.diagonal() / table.sum(1))[:7].mean(),
            "confusion": table.tolist()}


def report(args):
    graph = pack.unpack((WEIGHTS / "classifier.moodnet").read_bytes())
    onnx, test = Onnx(), load_split(args.data, "public_test")
    free = leak_free(test, load_split(args.data, "train"))
    x = torch.from_numpy(test.pixels)[:, None].float()
    logits, votes = onnx.both(x) if args.fast else exact(graph, x)
    answer, temperature = logits.argmax(1), float(graph.notes["temperature"])
    right = answer == test.labels
    table, precision, recall, f1 = per_class(answer, test.labels)
    mask, majority = ferplus_majority(test)
    scores = softmax(logits / temperature)
    out = {
        "executor": "onnxruntime" if args.fast else "reference", "version": graph.notes["version"], "temperature": temperature,
        "accuracy": right.mean(), "accuracy_leak_free": right[free].mean(), "leak_free_count": int(free.sum()),
        "macro_recall": recall.mean(), "macro_f1": f1.mean(), "ferplus_accuracy": (answer == majority)[mask].mean() if mask.any() else None,
        "ferplus_count": int(mask.sum()), "calibration_error": calibration_error(scores, test.labels),
        "calibration_error_crossed": crossed_error(logits, test.labels),
        "accuracy_mirrored_too": ((logits + onnx(x.flip(3))).argmax(1) == test.labels).mean(),
        "per_class": {n: {"precision": precision[i], "recall": recall[i], "f1": f1[i], "count": int(table[i].sum())}
                      for i, n in enumerate(LABELS)},
        "confusion": table.tolist(),
    }
    aligned = augment.resample(x, align_maps("public_test", len(test)))
    out["accuracy_aligned"] = (onnx(aligned).argmax(1) == test.labels).mean()
    out["changed"] = {name: (onnx(y).argmax(1) == test.labels).mean() for name, y in changes(x)}
    out["robustness"] = np.mean(list(out["changed"].values())) / out["accuracy"]
    dark = x.mean((1, 2, 3)).numpy() < 80
    out["accuracy_dark"] = {"mean_below": 80, "count": int(dark.sum()), "accuracy": right[dark].mean()}
    out["ferplus_output"] = ferplus(votes, test, float(graph.notes["temperature.ferplus"]))
    return out, (float_report(args, test, answer, votes) if args.float else None)


def float_report(args, test, answer, votes):
    """The float net of a checkpoint, and what rounding to int8 cost it."""
    trained, shape, _ = averaged(args.run)
    plain, plain_votes = float_logits(fuse(trained, shape, args.ferplus_share, args.balance, label_shares(args.data)), test.pixels)
    mask, majority = ferplus_majority(test)
    accuracy = (plain.argmax(1) == test.labels).mean()
    out = {"run": args.run, "float_accuracy": accuracy, "lost_to_int8_points": 100 * (accuracy - (answer == test.labels).mean()),
           "same_answer_as_float": (plain.argmax(1) == answer).mean()}
    if mask.any():
        out["float_accuracy_ferplus_output"] = (plain_votes.argmax(1) == majority)[mask].mean()
        out["lost_to_int8_points_ferplus_output"] = 100 * (out["float_accuracy_ferplus_output"] - (votes.argmax(1) == majority)[mask].mean())
    return out


def rounded(value):
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return round(float(value), 4) if isinstance(value, (float, np.floating)) else value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--json")
    parser.add_argument("--run", default="watched")
    parser.add_argument("--float", metavar="FILE.json")
    parser.add_argument("--ferplus-share", type=float, default=0.0)
    parser.add_argument("--balance", type=float, default=0.0)
    parser.add_argument("--fast", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for out, path in zip(map(rounded, report(args)), (args.json, args.float)):
        if out is not None:
            text = json.dumps(out, indent=1)
            print(text)
        if path:
            with open(path, "w") as f:
                f.write(text + "\n")


if __name__ == "__main__":
    main()
