"""Ratios of our kernels to each other and to ONNX Runtime, beside the stored ones: models/bench/guard starts it.

Each ratio is a median over rounds in which all take turns on one core, by processor time. A series of rounds is run some times; what the series
differ by, half as much again, is what a ratio may move, and at least FLOOR.
"""
import argparse
import json
import os
import sys
from datetime import date
from pathlib import Path

import numpy as np

from . import report
from .whole_way.process import Process

MODELS = Path(__file__).parents[1]
BASELINE = Path(__file__).with_name("guard.json")
SERVER = MODELS.parent / "target" / "release" / "examples" / "bench_server"
# Net, width, height, channels, runs of the fast ones and of the portable kernel in a round.
NETS = {"detector": (320, 256, 3, 12, 2), "classifier": (48, 48, 1, 24, 2)}
KERNELS = {"avx512_vnni": ("vnni", "avx2", "portable"), "avx_vnni": ("avxvnni", "avx2", "portable"), "avx2": ("avx2", "portable")}
# Measured as well where a processor has it.
NARROW = {"avx_vnni": "avxvnni"}
PEER = "ONNX Runtime int8"
SERIES = 3
FLOOR = 0.08


def main():
    parser = argparse.ArgumentParser(prog="models/bench/guard", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help=f"in each of {SERIES} series")
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--store", action="store_true", help="take what is measured as the new baseline for this kind of processor")
    parser.add_argument("--baseline", type=Path, default=BASELINE)
    args = parser.parse_args()
    flags = set(Path("/proc/cpuinfo").read_text().split())
    kind = next((kind for kind in KERNELS if kind in flags), None)
    if kind is None:
        sys.exit("guard: neither AVX2 nor VNNI here: nothing to compare")
    kernels = list(dict.fromkeys([*KERNELS[kind], *(kernel for flag, kernel in NARROW.items() if flag in flags)]))
    stored = json.loads(args.baseline.read_text()) if args.baseline.exists() else {}
    found = [series(kernels, args) for _ in range(SERIES)]
    now = {name: float(np.median([one[name] for one in found])) for name in found[0]}
    spread = {name: float(np.ptp([one[name] for one in found])) / now[name] for name in now}
    if args.store:
        stored[kind] = {"when": f"{date.today()}, {report.machine()}", "ratios": {
            name: {"ratio": round(now[name], 4), "may_move": round(max(FLOOR, 1.5 * spread[name]), 3)} for name in now}}
        args.baseline.write_text(json.dumps(stored, indent=1) + "\n")
        print(f"guard: stored in {args.baseline.name}")
    elif kind not in stored:
        print(f"guard: no baseline for processors with {kind}: models/bench/guard --store on the code before the change", file=sys.stderr)
        sys.exit(2)
    sys.exit(judge(stored[kind], now, spread))


def judge(baseline, now, spread):
    """Prints the table; 1 if something moved."""
    print(f"| ratio of processor times | {baseline['when'].split(',')[0]} | now | moved by | may move | |\n|---|---|---|---|---|---|")
    moved = []
    for name, was in baseline["ratios"].items():
        if name not in now:
            print(f"| {name} | {was['ratio']:.3f} | not on this processor | | | |")
            continue
        change = now[name] / was["ratio"] - 1
        if is_moved := abs(change) > was["may_move"]:
            moved.append(name)
        print(f"| {name} | {was['ratio']:.3f} | {now[name]:.3f} (series within {spread[name]:.1%}) | {change:+.1%} | {was['may_move']:.1%} "
              f"| {'**MOVED**' if is_moved else ''} |")
    if moved:
        print(f"guard: moved: {'; '.join(moved)}. If it is meant, say so with the change and store it: --store", file=sys.stderr)
    return int(bool(moved))


def series(kernels, args):
    """Name of the ratio -> its median over the rounds, for all nets."""
    ratios = {}
    for net, (width, height, channels, *runs) in NETS.items():
        fast = kernels[0]
        servers = {kernel: Process([SERVER, MODELS / "weights" / f"{net}.moodnet"], args.core, {"MOODRING_KERNEL": kernel}) for kernel in kernels}
        peer = [sys.executable, "-m", "models.bench.guard_of_kernels_peer", MODELS / "weights" / f"{net}.onnx", width, height, channels]
        servers[PEER] = Process(list(map(str, peer)), args.core)
        times = {name: [] for name in servers}
        names = list(servers)
        for turn in range(args.rounds + 1):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                count = runs[1] if name == "portable" else runs[0]
                _, _, cpu = servers[name].timed(f"run {count}")
                times[name].append(cpu / count)
        for server in servers.values():
            server.close()
        # The first round warms up.
        print(f"{net}, processor ms: " + ", ".join(f"{name} {np.median(t[1:]) * 1e3:.2f}" for name, t in times.items()), flush=True)
        mine = np.array(times[fast][1:])
        for name in names[1:]:
            theirs = np.array(times[name][1:])
            ratio = mine / theirs if name == PEER else theirs / mine
            ratios[f"{net}: {fast} / {name}" if name == PEER else f"{net}: {name} / {fast}"] = float(np.median(ratio))
    return ratios


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
