"""What the card says of faces before a mirror, from the committed weights: prints it and, with --json, writes it.

    python -m models.train.classifier.measure [--data ../shared/data] [--json models/cards/mirror.json] [--part NAME ...]

With --part the other parts of the file stay as they are, unless they are of another version of the net.

Parts: answers (wild through the detector, posed faces, PublicTest by FER+), covered (PublicTest under drawn masks and dark glasses), turned (photos turned by known
angles), faces (pets; real faces lost),
fairness (FairFace by age, gender and race), pose (FairFace's other persons). Everything runs in ONNX Runtime on the QDQ files, crops are cut as the daemon cuts them (`photos`).
"""
import argparse
import json
import math
import subprocess
from pathlib import Path

import cv2
import numpy as np
import torch

from . import blend, pose, second
from .data import LABELS, ferplus_majority, load_split
from .face_cuts import named
from .faces import cached_landmarks, inner, labels, sheets
from .photos import Classifier, FaceFinder, largest_human, read_grey, read_row, wild_faces
from .scores import calibration_error, coverage_table, macro_recall, softmax, wilson

ANGLES = (10, 20, 30, 45, 60)
HERE = Path(__file__).parent


def scores_of(net, out, answer="blend"):
    key = {"blend": "temperature.blend", "logits": "temperature", "ferplus": "temperature.ferplus"}[answer]
    return softmax(out[answer][:, :7] / float(net.notes[key]))


def summary(p, y, k=None):
    k = np.ones(len(y), bool) if k is None else k
    p, y = p[k], y[k]
    answer = p.argmax(1)
    return {"count": len(y), "accuracy": (answer == y).mean(), "macro": macro_recall(answer, y), "calibration_error": calibration_error(p, y),
            "calm_misread": np.isin(answer[y == 6], blend.CALM_MISREAD).mean(),
            "recall": {n: (answer[y == c] == c).mean() for c, n in enumerate(LABELS) if (y == c).any()}}


def shown(p, y, certain, hidden=None):
    """What is shown and right at this least probability; `hidden`: faces that are uncertain for another reason."""
    k = (p.max(1) >= certain) & (True if hidden is None else ~hidden)
    return {"certain": certain, "coverage": k.mean(), "right": (p.argmax(1) == y)[k].mean()}


def answers(root, net, finder):
    out = {}
    wild, y, missed = wild_faces(root, net, finder, 3)
    if "face" in wild:
        passed = 1 / (1 + np.exp(-wild["face"][:, 0])) >= float(net.notes["face.threshold"])
        wild, y, missed = {k: v[passed] for k, v in wild.items()}, y[passed], missed + int((~passed).sum())
    fitted = blend.Set(wild["logits"], wild["ferplus"], y).fitted
    hidden = profile(wild) if "pose" in wild else np.zeros(len(y), bool)
    for answer in ("blend", "logits", "ferplus"):
        p = scores_of(net, wild, answer)
        out[answer] = {"wild": summary(p, y), "wild, the half not fitted on": summary(p, y, ~fitted)}
    p, certain = scores_of(net, wild), float(net.notes["certain.blend"])
    out["wild without a face"] = missed
    out["wild called profile"] = hidden.mean()
    out["shown"] = {"default": shown(p, y, certain, hidden), "default, the half not fitted on": shown(p[~fitted], y[~fitted], certain, hidden[~fitted]),
                    "curve": [r for r in coverage_table(p, y) if round(r["certain"] * 100) % 5 == 0]}
    z = labels(root, "cfee")
    simple = z["kind"] == "simple"
    test = load_split(root, "public_test")
    mask, majority = ferplus_majority(test)
    mask &= majority < 7
    for name, pixels, y in (("cfee, simple", inner(sheets(root, "cfee"))[simple], np.array([blend.CFEE[c] for c in z["category"][simple]])),
                            ("taiwanese", inner(sheets(root, "taiwanese")), np.array([LABELS.index(c) for c in labels(root, "taiwanese")["intended"]])),
                            ("PublicTest by FER+'s majority", test.pixels[mask], majority[mask]), ("PublicTest by FER2013's label", test.pixels, test.labels)):
        said = net(pixels)
        for answer in ("blend", "logits", "ferplus"):
            out[answer][name] = summary(scores_of(net, said, answer), y)
    return out


def covered(root, net, _):
    """PublicTest as it is, under drawn masks and behind drawn dark glasses: each answer by its own labels, and how often blend says calm faces are angry, sad, afraid or disgusted."""
    test = load_split(root, "public_test")
    mask, majority = ferplus_majority(test)
    mask &= majority < 7
    x, out = torch.from_numpy(test.pixels)[:, None].float(), {}
    for name, masks in (("as they are", None), ("a mask", 1.0), ("dark glasses", 0.0)):
        shown_ = x if masks is None else second.covered(x, torch.Generator().manual_seed(1), masks)
        said = net(shown_.clamp(0, 255).round()[:, 0].byte().numpy())
        fer, plus, both = (scores_of(net, said, a) for a in ("logits", "ferplus", "blend"))
        out[name] = {"FER2013": (fer.argmax(1) == test.labels).mean(), "FER+": (plus.argmax(1) == majority)[mask].mean(),
                     "blend": summary(both, majority, mask), "blend uncertain": (both.max(1) < float(net.notes["certain.blend"])).mean()}
    return out


def profile(out):
    yaw = softmax(out["pose"][:, 2:7])
    return yaw[:, 0] + yaw[:, 4] > 0.5


def through_analyze(command, root):
    """The wild set through `moodring analyze --json` itself: what this file imitates. Faces of a picture: the largest counts."""
    paths = [(str(p), c) for c, name in enumerate(LABELS) for p in sorted((Path(root) / "faces" / "wild" / name).glob("*.jpg"))]
    said = subprocess.run([command, "analyze", "--json", *(p for p, _ in paths)], capture_output=True, text=True, check=False)
    lines = {v["image"]: v.get("faces", []) for v in map(json.loads, said.stdout.splitlines())}
    if len(lines) != len(paths):
        raise SystemExit(f"{command} analyze: {len(lines)} lines for {len(paths)} pictures\n{said.stderr[-2000:]}")
    scores, y = [], []
    for path, c in paths:
        if found := lines[path]:
            face = max(found, key=lambda f: f["box"][2] * f["box"][3])
            scores.append([face["scores"][n] for n in LABELS])
            y.append(c)
    return {"pictures": len(paths)} | summary(np.array(scores), np.array(y))


def turn_picture(grey, degrees):
    """The whole picture turned about its middle, clockwise; grey corners."""
    h, w = grey.shape
    m = cv2.getRotationMatrix2D((w / 2, h / 2), -degrees, 1)
    return cv2.warpAffine(grey, m, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=128)


def turned(root, net, finder, every=6):
    """Wild pictures (each `every`th), turned: the change of the reported roll, and whether the expression is the same. By cuts 1 (the detector's landmarks) and 3."""
    pictures = [read_grey(p) for name in LABELS for p in sorted((Path(root) / "faces" / "wild" / name).glob("*.jpg"))[::every]]
    out = {}
    for cuts in (1, 3) if "pose" in net.names else (1,):
        table = {}
        straight = [look(net, finder, g, cuts) for g in pictures]
        for angle in ANGLES:
            errors, same, lost, count = [], [], 0, 0
            for g, before in zip(pictures, straight):
                if before is None:
                    continue
                for sign in (-1, 1):
                    now = look(net, finder, turn_picture(g, sign * angle), cuts)
                    count += 1
                    if now is None:
                        lost += 1
                        continue
                    errors.append(abs((now[0] - before[0] - sign * angle + 180) % 360 - 180))
                    same.append(now[1] == before[1])
            table[angle] = {"count": count, "not found": lost, "within 5 degrees": np.mean(np.array(errors) <= 5), "median error": np.median(errors),
                            "same expression": np.mean(same)}
        out[f"{cuts} cut{'s' * (cuts > 1)}"] = table
    return out


def look(net, finder, grey, cuts):
    rows = finder(grey)
    if not len(rows):
        return None
    out, human = largest_human(net, grey, rows, cuts)
    if not human:
        return None
    return float(out["roll"][0]), int(out.get("blend", out["logits"]).argmax())


def faces(root, net, finder):
    """Pets with a face before and after the head `face`; odd ones were not learned from. Real faces of wild and of AFW-like photos lost."""
    threshold = float(net.notes.get("face.threshold", 0))
    people = named(HERE / "pet_people.txt")
    counts = {"learned from": [0, 0, 0], "not learned from": [0, 0, 0]}
    for path in sorted((Path(root) / "detect" / "pets").glob("*.jpg")):
        if path.name in people:
            continue
        picture = cv2.imread(str(path))
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        found = [read_row(net, grey, r, 3, mirror=False) for r in finder(picture) if r[3] - r[1] >= 20]
        c = counts["not learned from" if int(path.stem.split("_")[1]) % 2 else "learned from"]
        c[0] += 1
        alone = finder.alone(picture)
        c[1] += bool((alone[:, 3] - alone[:, 1] >= 20).any())
        c[2] += any(is_face(o, threshold) for o in found)
    out = {"pets " + k: {"pictures": n, "with a face by the detector": a / n, "with a face": b / n} for k, (n, a, b) in counts.items()}
    wild, y, _ = wild_faces(root, net, finder, 3)
    if "face" in wild:
        kept = 1 / (1 + np.exp(-wild["face"][:, 0])) >= threshold
        out["wild faces lost"] = {"count": len(kept), "share": 1 - kept.mean()}
    return out


def is_face(out, threshold):
    return "face" not in out or 1 / (1 + math.exp(-float(out["face"][0, 0]))) >= threshold


def fairness(root, net, _):
    """The answers' distribution, what is uncertain, called profile or no face, by FairFace's groups, with 95 % intervals."""
    z, said = labels(root, "fairface_val"), net(inner(sheets(root, "fairface_val")))
    p, certain = scores_of(net, said), float(net.notes["certain.blend"])
    answer, unsure = p.argmax(1), p.max(1) < certain
    out = {}
    for kind in ("age", "gender", "race"):
        for group in np.unique(z[kind]):
            k = z[kind] == group
            n = int(k.sum())
            row = {"count": n, "uncertain": share(unsure[k])}
            if "face" in said:
                lost = 1 / (1 + np.exp(-said["face"][:, 0])) < float(net.notes["face.threshold"])
                row |= {"profile": share(profile(said)[k]), "no face": share(lost[k])}
            row |= {n: share((answer == c)[k]) for c, n in enumerate(LABELS)}
            out[f"{kind} {group}"] = row
    return out


def pose_classes(root, net, _):
    """Yaw and pitch on FairFace's other persons, against what YuNet's landmarks say: rows are theirs, columns the net's; where the landmarks are near a border or unsure nothing counts."""
    said = net(inner(sheets(root, "fairface_val")))["pose"]
    score, points = cached_landmarks("fairface_val")
    yaw, pitch = pose.classes(*pose.yaw_and_pitch(points.astype(np.float64)), score)
    out = {}
    for name, told, logits in (("yaw", yaw, said[:, 2:7]), ("pitch", pitch, said[:, 7:10])):
        table = np.zeros((logits.shape[1],) * 2, int)
        np.add.at(table, (told[told >= 0], logits[told >= 0].argmax(1)), 1)
        out[name] = {"table": table.tolist(), "agree": table.diagonal().sum() / table.sum(), "recall": list(table.diagonal() / table.sum(1).clip(min=1))}
    out["profile found"] = float((profile({"pose": said}) & np.isin(yaw, (0, 4))).sum() / np.isin(yaw, (0, 4)).sum())
    out["frontal called profile"] = float(profile({"pose": said})[yaw == pose.FRONTAL].mean())
    return out


def share(hits):
    low, high = wilson(int(hits.sum()), len(hits))
    return [hits.mean(), low, high]


def plain(v):
    if isinstance(v, dict):
        return {str(k): plain(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)):
        return [plain(x) for x in v]
    return round(float(v), 4) if isinstance(v, (float, np.floating)) else int(v) if isinstance(v, (int, np.integer, np.bool_)) else v


def others(path, version):
    """What the file has of this version of the net."""
    before = json.loads(Path(path).read_text()) if Path(path).exists() else {}
    return before if before.get("version") == version else {}


PARTS = {"answers": answers, "covered": covered, "turned": turned, "faces": faces, "fairness": fairness, "pose": pose_classes}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--json")
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--command", metavar="PATH", help="a `moodring`: the wild set through its `analyze`, too")
    args = parser.parse_args()
    net, finder = Classifier(), FaceFinder()
    out = {"version": net.notes["version"]} | {name: plain(PARTS[name](args.data, net, finder)) for name in args.part or PARTS}
    if args.part and args.json:
        out = others(args.json, out["version"]) | out
    if args.command:
        out["wild through analyze"] = plain(through_analyze(args.command, args.data))
    text = json.dumps(out, indent=1)
    print(text)
    if args.json:
        Path(args.json).write_text(text + "\n")


if __name__ == "__main__":
    main()
