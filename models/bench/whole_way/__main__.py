"""The whole way from a camera's bytes to the expression, beside what people would install: models/bench/whole makes what this needs.

All take turns on one core in one run, each in a process of its own that is measured from outside. What counts is the ratio of the same
round, in processor time; milliseconds belong to the machine that the table names.
"""
import argparse
import json
from datetime import date
from pathlib import Path

import numpy as np

from .. import report as engines_report
from . import frames, report
from .process import Process

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
MADE = ROOT / "target" / "whole"
FILMS = [(form, faces) for form in ("yuyv", "mjpeg") for faces in (1, 8)]
SIDES_PX = {1: 150, 8: 110}
FRAMES = 10  # a film, a peer and a round
OURS, OURS_FER = "moodring", "moodring, FER2013's labels"


def main():
    parser = argparse.ArgumentParser(prog="models/bench/whole", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--starts", type=int, default=5, help="starts of each, for the first answer")
    parser.add_argument("--faces", type=int, default=500, help="faces of PublicTest")
    parser.add_argument("--core", type=int, default=0, help="the core that all run on")
    parser.add_argument("--only", help="names of peers, by commas")
    parser.add_argument("--ours", type=Path, default=ROOT / "target" / "release" / "examples" / "whole_way")
    parser.add_argument("--peers", type=Path, default=frames.SHARED / "peers", help="folder with YuNet's and XCEPTION's files")
    args = parser.parse_args()
    peers = commands(args)
    truth = films(args.faces)
    results = {"when": f"{date.today()}, {engines_report.machine()}", "rounds": args.rounds, "peers": {name: {} for name in peers}}
    first_answers(peers, args, results)
    timed(peers, args, results)
    accuracies(peers, args, truth, results)
    print(f"\n{report.write(results, MADE)}\n{MADE}: whole.md, whole.json, whole.png")


def commands(args):
    """Name -> command line."""
    own = {OURS: [args.ours], OURS_FER: [args.ours, "fer2013"]}
    python = {name: [MADE / name / "bin" / "python", HERE / f"peer_{name}.py"] for name in ("opencv", "mediapipe", "fer")}
    yunet, xception = args.peers / "yunet" / "yunet_n_320_320.onnx", args.peers / "xception" / "big_xception_54-0.66.onnx"
    others = {
        "OpenCV YuNet + ONNX Runtime XCEPTION": [*python["opencv"], yunet, xception],
        "MediaPipe face mesh (no expression)": python["mediapipe"],
        "PyPI fer": python["fer"],
        "npm @vladmandic/human, wasm": ["node", HERE / "peer_human.cjs", MADE / "node" / "node_modules"],
    }
    wanted = args.only.split(",") if args.only else None
    return {name: list(map(str, command)) for name, command in (own | others).items() if wanted is None or name in wanted}


def film_path(form, faces):
    return MADE / f"film-{faces}.{form}"


def films(count):
    """Writes all frames; where the faces of the portraits stand, and their labels."""
    crops, labels = frames.public_test()
    for form, faces in FILMS:
        shown = frames.film(crops[list(frames.IN_FILMS[:faces])], SIDES_PX[faces])
        frames.write(film_path(form, faces), shown, frames.yuyv if form == "yuyv" else frames.jpeg)
    places = []

    def portraits():
        for number in range(count):
            frame, place = frames.portrait(crops[number], number)
            places.append(place)
            yield frame

    frames.write(MADE / "portraits.yuyv", portraits(), frames.yuyv)
    return list(zip(places, labels[:count].tolist()))


def first_answers(peers, args, results):
    """From the start of the process to the first face read, in turn."""
    seconds = {name: [] for name in peers}
    for _ in range(args.starts):
        for name, command in peers.items():
            process = Process(command, args.core)
            process.ask(f"film yuyv 1 {film_path('yuyv', 1)}")
            for _ in range(frames.FILM_FRAMES):
                if process.ask("run 1").split()[0] != "0":
                    break
            seconds[name].append((process.since_start(), process.all_cpu()))
            process.close()
    for name, found in seconds.items():
        results["peers"][name]["first_answer_s"], results["peers"][name]["first_answer_cpu_s"] = np.median(found, 0).tolist()
        print(f"{name}: first answer after {np.median(found, 0)} s (clock, processor)", flush=True)


def timed(peers, args, results):
    """Rounds of all, in an order that turns by one each round; a process for each film and peer, so that nothing is remembered."""
    for form, faces in FILMS:
        running = {name: Process(command, args.core) for name, command in peers.items()}
        times, found, native = ({name: [] for name in peers} for _ in range(3))
        for process in running.values():
            process.ask(f"film {form} {faces} {film_path(form, faces)}")
            warm_up(process, faces)
        names = list(peers)
        for turn in range(args.rounds):
            for i in range(len(names)):
                name = names[(turn + i) % len(names)]
                answer, clock, cpu = running[name].timed(f"run {FRAMES}")
                values = list(map(int, answer.split())) + [0]
                times[name].append((cpu / FRAMES * 1e3, clock / FRAMES * 1e3))
                found[name].append(values[0] / FRAMES)
                native[name].append(values[1] / FRAMES / 1e6)
        for name, process in running.items():
            cpu, mine = np.array(times[name])[:, 0], np.array(times[OURS])[:, 0]
            ratios = mine / cpu
            results["peers"][name][f"{form} {faces}"] = {
                "cpu_ms": float(np.median(cpu)), "clock_ms": float(np.median(times[name], 0)[1]), "faces": float(np.mean(found[name])),
                "native_ms": float(np.median(native[name])), "ours_by_this": float(np.median(ratios)),
                "quartiles": np.percentile(ratios, (25, 75)).tolist(),
                "peak_mb": process.peak_mb() - film_path(form, faces).stat().st_size / 1e6}
            process.close()
            print(f"{form} {faces} {name}: {results['peers'][name][f'{form} {faces}']}", flush=True)


def warm_up(process, faces):
    """Once through the film, and on until all are found, for ours tells of nobody before some tenths of a second."""
    process.ask(f"run {frames.FILM_FRAMES}")
    for _ in range(9):
        if int(process.ask(f"run {FRAMES}").split()[0]) >= FRAMES * faces:
            return


def accuracies(peers, args, truth, results):
    for name, command in peers.items():
        process = Process(command, args.core)
        answers = json.loads(process.ask(f"answers {MADE / 'portraits.yuyv'}"))
        process.close()
        found = [in_crop(faces, place) for faces, (place, _) in zip(answers, truth, strict=True)]
        names_none = all(face is None or face["scores"] is None for face in found)
        right = sum(face is not None and bool(face["scores"]) and int(np.argmax(face["scores"])) == label
                    for face, (_, label) in zip(found, truth))
        seen = sum(face is not None for face in found)
        results["peers"][name]["accuracy"] = {"faces": len(truth), "found": seen, "right": None if names_none else right}
        print(f"{name}: found {seen}, right {right} of {len(truth)}", flush=True)


def in_crop(faces, place):
    """The largest face whose middle lies in the crop."""
    left, top, width, height = place
    inside = [face for face in faces
              if 0 < face["box"][0] + face["box"][2] / 2 - left < width and 0 < face["box"][1] + face["box"][3] / 2 - top < height]
    return max(inside, key=lambda face: face["box"][2], default=None)


if __name__ == "__main__":
    main()
