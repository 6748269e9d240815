"""How far LLVM's model of a processor is off, where it can be measured: model_error.py WORK ROOT. The parts of a frame on this machine, by
kernels that the emulator also runs: modelled cycles beside measured ones. Writes WORK/model_error.json.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

import cycles
from measure import OUR_PARTS

MODEL = "sapphirerapids"
KERNELS = ["avx2", "portable"]
PARTS = ["letterbox", "detector", "align", "classifier"]
ROUNDS = "60"


def modelled(work, program, kernel, part):
    start = len(OUR_PARTS) + 1 + OUR_PARTS.index(part)
    blocks = work / "blocks"
    qemu = [work / "qemu/usr/bin/qemu-x86_64", "-cpu", "max", "-plugin", f"{work / 'plugin.so'},blocks={blocks},from={start},to={start + 1}"]
    subprocess.run([*qemu, *program, "2"], check=True, capture_output=True, env={**os.environ, "MOODRING_KERNEL": kernel})
    with open(blocks) as file:
        return cycles.total(cycles.read(file), MODEL)[0]


def measured(work, program, kernel):
    """Part -> cycles: the least time of many, since whatever else runs only makes it longer, by the clock of the same moment."""
    ticks = [float(subprocess.run([work / "ticks"], check=True, capture_output=True, text=True).stdout)]
    said = subprocess.run([*program, ROUNDS, "time"], check=True, capture_output=True, text=True, env={**os.environ, "MOODRING_KERNEL": kernel})
    ticks.append(float(subprocess.run([work / "ticks"], check=True, capture_output=True, text=True).stdout))
    found = re.findall(r"^(\w+) ([\d.]+) ([\d.]+)$", said.stdout, re.M)
    return {part: float(least) * 1e3 * max(ticks) for part, _, least in found}


def main(work, root):
    work, root = pathlib.Path(work), pathlib.Path(root)
    subprocess.run(["gcc", "-O1", "-o", work / "ticks", root / "firmware/nn/count/ticks.c"], check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
    weights = root / "models/weights"
    program = [target / "release/examples/frame_parts", weights / "detector.moodnet", weights / "classifier.moodnet"]
    rows = []
    for kernel in KERNELS:
        takes = [measured(work, program, kernel) for _ in range(5)]
        for part in PARTS:
            by_model, by_clock = modelled(work, program, kernel, part), min(take[part] for take in takes)
            rows.append({"kernel": kernel, "part": part, "modelled": by_model, "measured": by_clock, "ratio": round(by_clock / by_model, 2)})
            print(f"{kernel:8} {part:10} {by_model / 1e6:7.2f} million cycles modelled, {by_clock / 1e6:7.2f} measured, "
                  f"{by_clock / by_model:.2f} times as many", flush=True)
    (work / "model_error.json").write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
