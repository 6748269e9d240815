"""The side branch for pose and face: it reads what the finished classifier knows at 12x12 pixels, and changes nothing of it.

    python -m models.train.classifier.faces         once: YuNet's landmarks on the FairFace crops, for yaw and pitch
    python -m models.train.classifier.face_cuts     once: faces and what is none, cut out of whole pictures
    python -m models.train.classifier.pose [--run pose] [--steps 2000]

Roll's labels cost nothing: crops that YuNet set upright are turned by known angles. That YuNet leaves part of a head's tilt in them is noise of mean zero once the
turn is drawn evenly, and averages out. Yaw and pitch come from where YuNet sees the nose between eyes and mouth. The border of a turned crop tells the turn and the
blurred edges of FairFace tell the set, so most views keep only a disc around the face, set on another picture.
"""
import argparse
import csv
import math
import os
import time

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F

from ..common.net import GraphNet, add, conv, gap, head
from . import augment
from .augment import uniform
from .data import clean_indices, load_split
from .faces import cached_landmarks, sheets
from .face_cuts import FACE, NONE
from .face_cuts import MARGIN as CUT_MARGIN
from .framing import CACHE
from .photos import WEIGHTS
from .train import RUNS, Average

TAP, TAP_CHANNELS, TAP_SIDE = "s1b1", 96, 12  # the tensor of the classifier that the branch reads
POSE = 13  # sin, cos of roll; five yaw logits; three pitch logits; where the face lies and how large it is, see PLACE
PLACE, PLACE_UNIT = slice(10, 13), 10.0  # x, y of the face's middle from CENTRE in crop pixels / 10; ln of its size
CENTRE = torch.tensor([24.0, 27.8])  # what alignment puts in place: the mean of framing.json's landmarks
LEFT, HALF_LEFT, FRONTAL, HALF_RIGHT, RIGHT = range(5)  # where the subject looks, in the picture
DOWN, LEVEL, UP = range(3)
HALF_FROM, PROFILE_FROM = 20.0, 43.0  # degrees of yaw, by YuNet's landmarks; looked at on FairFace
LOW_NOSE, HIGH_NOSE = 0.615, 0.465  # its place between eyes 0 and mouth 1: one upright face of twenty is lower, one higher


def branch():
    """Layers: 12x12x96 of the classifier -> `pose` and `face` (1)."""
    return [conv("p0", "in", 96, 3, 2), conv("p1", "p0", 96, 3, relu=False), add("p2", "p1", "p0"), conv("p3", "p2", 128, 3), gap("pgap", "p3"),
            head("pose", "pgap", POSE), head("face", "pgap", 1)]


class Trunk:
    """The committed classifier up to the branch, in ONNX Runtime: (N,1,48,48) f32 0..255 -> (N,96,12,12) u8, and its scale."""

    def __init__(self, path=WEIGHTS / "classifier.onnx"):
        model = onnx.load(str(path))
        del model.graph.output[:]
        model.graph.output.append(onnx.helper.make_tensor_value_info(f"{TAP}.u8", onnx.TensorProto.UINT8, None))
        model = onnx.utils.Extractor(model).extract_model(["image"], [f"{TAP}.u8"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        scale = next(i for i in model.graph.initializer if i.name == f"{TAP}.scale")
        self.scale = float(onnx.numpy_helper.to_array(scale))

    def __call__(self, x):
        return torch.from_numpy(self.session.run(None, {"image": np.ascontiguousarray(x, np.float32)})[0])


def yaw_and_pitch(points):
    """(yaw degrees, right in the picture positive; nose's place between eyes 0 and mouth 1) from (N,5,2) landmarks of upright crops."""
    eyes, mouth, nose = points[:, :2].mean(1), points[:, 3:].mean(1), points[:, 2]
    down = mouth - eyes
    height = np.maximum(np.linalg.norm(down, axis=1), 1e-3)
    axis = down / height[:, None]
    across = np.stack([axis[:, 1], -axis[:, 0]], 1)
    side = ((nose - (eyes + mouth) / 2) * across).sum(1) / height
    eye = ((points[:, 1] - points[:, 0]) * across).sum(1) / height
    # A nose stands 0.55 of the height from eyes to mouth before the plane of both; frontal eyes are as far apart as they are from the mouth.
    yaw = np.degrees(np.arctan2(side / 0.55, np.maximum(eye, 0.0)))
    return yaw, ((nose - eyes) * axis).sum(1) / height


def classes(yaw, nose, score):
    """Yaw and pitch classes, -1 where the landmarks say nothing sure."""
    y = np.digitize(yaw, [-PROFILE_FROM, -HALF_FROM, HALF_FROM, PROFILE_FROM])
    p = np.digitize(-nose, [-LOW_NOSE, -HIGH_NOSE])  # a low nose: looks down
    near = np.minimum.reduce([abs(abs(yaw) - HALF_FROM), abs(abs(yaw) - PROFILE_FROM)]) < 3
    unsure = (score < 0.5) | near
    return np.where(unsure, -1, y), np.where((score < 0.5) | (abs(yaw) > 40) | (abs(nose - LOW_NOSE) < 0.008) | (abs(nose - HIGH_NOSE) < 0.008), -1, p)


UPRIGHT = 40.0  # degrees: whether a crop is a face is asked of crops that stand about upright, as the last cut does


def turning(n, g, small=0.0):
    """Turns in degrees: most within 70, some small ones, some of the whole circle; of a share `small` ones only."""
    which = torch.rand(n, generator=g)
    which = torch.where(torch.rand(n, generator=g) < small, torch.full((n,), 0.8), which)
    r = torch.where(which < 0.70, uniform(n, -70, 70, g), torch.randn(n, generator=g) * 8)
    return torch.where(which > 0.92, uniform(n, -180, 180, g), r)


def views(x, margin, roll, g, fill, gentle=False):
    """(N,S,S) crops with a margin -> (N,1,48,48) turned by `roll` degrees clockwise about the face, moved, scaled; and (N,3) where that puts it (PLACE).

    Mirrored ones come in mirrored.
    """
    n, side = len(x), x.shape[1]
    r = torch.deg2rad(roll)
    far = 0.5 if gentle else 1.0
    scale = torch.exp((torch.randn(n, generator=g) * 0.11 * far).clamp(-0.3, 0.3))
    shift = (torch.randn(n, 2, generator=g) * 2.3 * far).clamp(-7, 7)
    m = torch.zeros(n, 2, 3)
    m[:, 0, 0], m[:, 0, 1], m[:, 1, 0], m[:, 1, 1] = r.cos() * scale, r.sin() * scale, -r.sin() * scale, r.cos() * scale
    m[:, :, 2] = CENTRE + margin - torch.einsum("nij,nj->ni", m[:, :, :2], CENTRE + shift)
    # Normalised: p_in = side/2 (n_in + 1), p_out = 24 (n_out + 1).
    t = (m[:, :, 2] + m[:, :, :2].sum(2) * 24) / (side / 2) - 1
    theta = torch.cat([m[:, :, :2] * 24 / (side / 2), t[:, :, None]], 2)
    grid = F.affine_grid(theta, (n, 1, 48, 48), align_corners=False)
    place = torch.cat([shift / PLACE_UNIT, -scale.log()[:, None]], 1)
    return F.grid_sample(x[:, None].float() - 128, grid, "bilinear", fill, align_corners=False) + 128, place


def on_another(x, grounds, g):
    """Only a disc around the face stays, on another picture; returns which were."""
    n = len(x)
    at = torch.arange(48).float() + 0.5
    centre = CENTRE + torch.tensor([0.0, -2.0]) + torch.randn(n, 2, generator=g) * 1.5
    radius = uniform(n, 17, 27, g)
    d = ((at[None, None, :] - centre[:, 0, None, None]) ** 2 + (at[None, :, None] - centre[:, 1, None, None]) ** 2).sqrt()
    mask = ((radius[:, None, None] - d) / 2 + 0.5).clamp(0, 1)[:, None]
    return x * mask + grounds * (1 - mask)


def spoilt(x, g, much=1.0):
    """Bad light and bad cameras, as in `augment`; `much`: how often."""
    for share, change in ((0.25, augment.low_resolution), (0.12, augment.blur), (0.4, augment.light), (0.15, augment.noise), (0.2, augment.erase)):
        x = augment.some(x, share * much, g, lambda v, c=change: c(v, g))
    return x.clamp(0, 255).round()


class Data:
    """Faces with pose labels, faces and others cut from whole pictures, grounds."""

    def __init__(self, root, hold_pets=True, spoil=1.0):
        self.spoil = spoil
        self.fair = torch.from_numpy(sheets(root, "fairface_train"))
        score, points = cached_landmarks("fairface_train")
        yaw, nose = yaw_and_pitch(points.astype(np.float64))
        y, p = classes(yaw, nose, score)
        self.yaw, self.pitch = torch.from_numpy(y), torch.from_numpy(p)
        fer = load_split(root, "train")
        self.fer = torch.from_numpy(np.pad(fer.pixels[clean_indices(fer)], ((0, 0), (8, 8), (8, 8)), "edge"))
        z = np.load(CACHE / "face_cuts.npz")
        pets = z["source"] == "pets"
        self.held = pets & (np.array([int(n.split("_")[1].split(".")[0]) % 2 for n in np.where(pets, z["name"], "x_0.")]) == 1) if hold_pets else pets & False
        firing = np.maximum(z["mine"], z["theirs"]) > 0
        use = ~self.held
        self.faces = torch.from_numpy(z["crops"][use & (z["face"] == FACE)])
        self.others = torch.from_numpy(z["crops"][use & (z["face"] == NONE) & firing])
        self.empty = torch.from_numpy(z["crops"][use & (z["face"] == NONE) & ~firing])
        # Rare kinds of views are shown as often as common ones.
        self.fair_weight = torch.ones(len(self.fair))
        self.fair_weight[(self.yaw == LEFT) | (self.yaw == RIGHT)] = 4
        self.fair_weight[(self.yaw == HALF_LEFT) | (self.yaw == HALF_RIGHT)] = 2
        self.fair_weight[(self.pitch == UP) | (self.pitch == DOWN)] *= 2

    def batch(self, g, size=128):
        """Pictures (n,1,48,48) and labels: roll degrees (NaN: unknown), place, yaw, pitch, face (each -1: unknown)."""
        counts = {"fair": size * 5 // 16, "fer": size // 16, "faces": size // 4, "others": size * 5 // 16, "empty": size // 16}
        out = []
        for name, n in counts.items():
            pool = getattr(self, name)
            pick = torch.multinomial(self.fair_weight, n, generator=g) if name == "fair" else torch.randint(len(pool), (n,), generator=g)
            x, margin = pool[pick], (pool.shape[1] - 48) // 2
            roll = turning(n, g, 0.0 if name == "fair" else 0.6) * (1.5 if name != "fair" else 1.0)
            roll = (roll + 180) % 360 - 180
            yaw = pitch = torch.full((n,), -1)
            if name == "fair":
                yaw, pitch = self.yaw[pick], self.pitch[pick]
            mirrored = torch.rand(n, generator=g) < 0.5
            x = torch.where(mirrored[:, None, None], x.flip(2), x)
            yaw = torch.where(mirrored & (yaw >= 0), 4 - yaw, yaw)
            fill = ("border", "reflection", "zeros")[int(torch.randint(3, (1,), generator=g))]
            x, place = views(x, margin, roll, g, fill)
            discs = torch.rand(n, generator=g) < (0.7 if name in ("fair", "fer") else 0.35)
            grounds = views(self.empty[torch.randint(len(self.empty), (n,), generator=g)], CUT_MARGIN, uniform(n, -20, 20, g), g, "border")[0]
            x = torch.where(discs.view(-1, 1, 1, 1), on_another(x, grounds, g), x)
            real = name in ("fair", "fer", "faces")
            face = torch.full((n,), int(real))
            if name in ("fair", "fer"):  # their own borders would come to mean "face"
                face = torch.where(discs, face, -1)
            face = torch.where(roll.abs() > UPRIGHT, -1, face)
            out.append((x, roll if real else torch.full((n,), float("nan")), place, yaw, pitch, face))
        x, *labels = (torch.cat(v) for v in zip(*out))
        return spoilt(x, g, self.spoil), labels


def losses(pose, face, labels):
    roll, place, yaw, pitch, is_face = labels
    known = ~roll.isnan()
    r = torch.deg2rad(roll[known])
    turn = ((pose[known, :2] - torch.stack([r.sin(), r.cos()], 1)) ** 2).sum(1).mean()
    parts = [3.0 * turn, 10.0 * ((pose[known, PLACE] - place[known]) ** 2).sum(1).mean()]
    for logits, label, weight in ((pose[:, 2:7], yaw, 0.4), (pose[:, 7:10], pitch, 0.25)):
        if (label >= 0).any():
            parts.append(weight * F.cross_entropy(logits[label >= 0], label[label >= 0]))
    told = is_face >= 0
    parts.append(F.binary_cross_entropy_with_logits(face[told, 0], is_face[told].float()))
    return sum(parts), [float(p.detach()) for p in parts]


def load(run):
    net = GraphNet(branch(), in_channels=TAP_CHANNELS).eval()
    net.load_state_dict(torch.load(RUNS / run / "last.pt", weights_only=True)["ema"])
    return net


def answers(net, trunk, x, batch=256):
    """(N,48,48) u8 -> pose (N,10), face (N,) by the float branch."""
    out = []
    with torch.no_grad():
        for at in range(0, len(x), batch):
            tap = trunk(np.asarray(x[at:at + batch])[:, None])
            out.append([o.flatten(1) for o in net(tap.float() * trunk.scale)])
    pose, face = (torch.cat(v).numpy() for v in zip(*out))
    return pose, face[:, 0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--run", default="pose")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--replay", type=int, default=1, help="old batches learned again for each new one")
    parser.add_argument("--start-from", metavar="RUN", help="begin with that run's averaged branch")
    parser.add_argument("--spoil", type=float, default=1.0, help="how often views are darkened, blurred, shrunk, covered")
    parser.add_argument("--all-pets", action="store_true", help="learn from all pets; else odd ones are kept for measuring")
    args = parser.parse_args()
    torch.set_num_threads(1)
    folder = RUNS / args.run
    folder.mkdir(parents=True, exist_ok=True)
    data, trunk = Data(args.data, not args.all_pets, args.spoil), Trunk()
    print({k: len(getattr(data, k)) for k in ("fair", "fer", "faces", "others", "empty")},
          "yaw", np.bincount(data.yaw + 1), "pitch", np.bincount(data.pitch + 1), flush=True)
    torch.manual_seed(1)
    net = GraphNet(branch(), in_channels=TAP_CHANNELS).to(memory_format=torch.channels_last)
    ema, opt = Average(net, 0.995), torch.optim.AdamW(net.parameters(), args.lr, weight_decay=0.02)
    step, rows = 0, []
    if args.start_from and not (folder / "last.pt").exists():
        start = torch.load(RUNS / args.start_from / "last.pt", weights_only=True)["ema"]
        net.load_state_dict(start), ema.net.load_state_dict(start)
    if (folder / "last.pt").exists():
        s = torch.load(folder / "last.pt", weights_only=True)
        net.load_state_dict(s["net"]), ema.net.load_state_dict(s["ema"]), opt.load_state_dict(s["opt"])
        step, rows, ema.steps = s["step"], s["rows"], s["ema_steps"]
    store, seen, start = [], [], time.monotonic()
    net.train()
    while step < args.steps:
        g = torch.Generator().manual_seed(step + 1)
        x, labels = data.batch(g)
        store.append((trunk(x.numpy()), labels))
        store = store[-300:]
        for group in opt.param_groups:
            group["lr"] = args.lr * min(1, (step + 1) / 50) * max(0.01, 0.5 * (1 + math.cos(math.pi * step / args.steps)))
        for k in [len(store) - 1] + torch.randint(len(store), (args.replay,), generator=g).tolist():
            tap, told = store[k]
            with torch.autocast("cpu", torch.bfloat16):
                pose, face = net((tap.float() * trunk.scale).contiguous(memory_format=torch.channels_last))
            loss, parts = losses(pose.flatten(1).float(), face.flatten(1).float(), told)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            ema.update(net)
            seen.append(parts)
        step += 1
        if step % 100 == 0 or step == args.steps:
            mean = np.mean([p for p in seen if len(p) == 5], 0)
            rows.append([step, *(round(float(v), 4) for v in mean), round(time.monotonic() - start, 1)])
            seen = []
            torch.save({"net": net.state_dict(), "ema": ema.net.state_dict(), "opt": opt.state_dict(), "ema_steps": ema.steps, "step": step, "rows": rows}, folder / "last.tmp")
            os.replace(folder / "last.tmp", folder / "last.pt")
            with open(folder / "log.csv", "w", newline="") as f:
                csv.writer(f).writerows([["step", "roll", "place", "yaw", "pitch", "face", "seconds"], *rows])
            print(*rows[-1], flush=True)


if __name__ == "__main__":
    main()
