"""Counts our nets, the parts of a frame, and what others take for the same, on each of Arm's cores: measure.py WORK ROOT [CORE ...].
`run` makes what this needs. Writes WORK/counts.json, one record for each core, piece of work and engine:
instructions, bytes loaded and stored, lines that miss two caches, and cycles by LLVM's model of the core.
"""

import json
import os
import pathlib
import subprocess
import sys

import cycles

V8 = "fp asimd evtstrm crc32 cpuid"
V82 = f"{V8} atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp"
# qemu's model, our kernel, LLVM's model, caches (KiB:ways), what Linux says of the core: features, part, variant. This qemu has no A55, but
# an A76 has its instructions. LLVM models A72 as the A57, its elder of the same pipes, and N1 is A76's twin for servers.
CORES = {
    "A53": ("cortex-a53", "neon", "cortex-a53", "32:4", "512:16", V8, "0xd03", 0),
    "A55": ("cortex-a76", "dotprod", "cortex-a55", "32:4", "256:8", V82, "0xd05", 2),
    "A72": ("cortex-a72", "neon", "cortex-a72", "32:2", "1024:16", V8, "0xd08", 0),
    "A76": ("cortex-a76", "dotprod", "neoverse-n1", "64:4", "512:8", V82, "0xd0b", 4),
}
NETS = {"classifier": (48, 48), "detector": (320, 256)}
OUR_PARTS = ["letterbox", "detector", "decode", "align", "classifier"]
COLUMNS = ["instructions", "loads", "stores", "load_bytes", "store_bytes", "l1", "l2"]


def marks(text):
    """What the plugin said at each mark."""
    lines = [line[line.index("mark "):] for line in text.splitlines() if "mark " in line]
    return [dict(zip(COLUMNS, map(int, line.split()[1:]))) for line in lines]


def between(found, start):
    """What lies between one mark and the next, without the mark's own instructions."""
    return {key: found[start + 1][key] - found[start][key] for key in COLUMNS}


class Counter:
    def __init__(self, work, root):
        self.work, self.root = pathlib.Path(work), pathlib.Path(root)
        self.python = self.work / "python"

    def guest(self, core, command, options, peer):
        """A program on an emulated core; returns what plugin and program said."""
        cpu = CORES[core][0]
        qemu = [self.work / "qemu/usr/bin/qemu-aarch64", "-cpu", cpu, "-plugin", f"{self.work / 'plugin.so'}{options}", "-d", "plugin"]
        if peer:
            qemu += ["-L", self.python, "-E", f"PYTHONHOME={self.python / 'usr'}", "-E", f"PYTHONPATH={self.work / 'site'}"]
            qemu += ["-E", "PYTHONNOUSERSITE=1", "-E", "PYTHONHASHSEED=0"]
        else:
            qemu += ["-L", "/usr/aarch64-linux-gnu", "-E", f"MOODRING_KERNEL={CORES[core][1]}"]
        done = subprocess.run([*qemu, *command], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(map(str, command))} on {core}: {done.stdout}{done.stderr}"[-3000:])
        return done.stdout + done.stderr

    def describe(self, core):
        """What a system with that core says of it: qemu looks for files here first."""
        *_, features, part, variant = CORES[core]
        folder = self.python / "proc"
        folder.mkdir(exist_ok=True)
        (folder / "cpuinfo").write_text(
            f"processor\t: 0\nFeatures\t: {features}\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
            f"CPU variant\t: 0x{variant}\nCPU part\t: {part}\nCPU revision\t: 3\n\n")

    def count(self, core, command, start, peer):
        """The piece of work between marks `start` and the next."""
        _, _, model, l1, l2, *_ = CORES[core]
        blocks = self.work / "blocks"
        plain = marks(self.guest(core, command, f",blocks={blocks},from={start},to={start + 1}", peer))
        touched = marks(self.guest(core, command, f",memory=on,l1={l1},l2={l2}", peer))
        with open(blocks) as file:
            took, modelled, _ = cycles.total(cycles.read(file), model)
        return {**between(touched, start), "instructions": between(plain, start)["instructions"],
                "cycles": round(took), "modelled": round(modelled, 3)}

    def ours(self, core, part):
        examples = self.root / "target/arm/aarch64-unknown-linux-gnu/release/examples"
        weights = self.root / "models/weights"
        command = [examples / "frame_parts", weights / "detector.moodnet", weights / "classifier.moodnet", "2"]
        return self.count(core, command, len(OUR_PARTS) + 1 + OUR_PARTS.index(part), peer=False)

    def theirs(self, core, what, start, *arguments):
        command = [self.python / "usr/bin/python3.11", self.root / "firmware/nn/count/peers.py", what, "3", *map(str, arguments)]
        return self.count(core, command, start, peer=True)


def main(work, root, *wanted):
    counter, path = Counter(work, root), pathlib.Path(work, "counts.json")
    found = json.loads(path.read_text()) if path.exists() else {}
    for core in wanted or CORES:
        counter.describe(core)
        cases = {(part, "ours"): lambda part=part: counter.ours(core, part) for part in OUR_PARTS}
        if not os.environ.get("ONLY_OURS"):
            for net, size in NETS.items():
                cases[net, "ONNX Runtime"] = lambda net=net, size=size: counter.theirs(core, f"{root}/models/weights/{net}.onnx", 4, *size)
                cases[net, "XNNPACK"] = lambda net=net, size=size: counter.theirs(core, f"{work}/{net}.tflite", 4, *size)
            cases["letterbox", "OpenCV"] = lambda: counter.theirs(core, "parts", 4)
            cases["align", "OpenCV"] = lambda: counter.theirs(core, "parts", 6)
        for (part, engine), count in cases.items():
            record = found.setdefault(core, {}).setdefault(part, {})[engine] = count()
            print(f"{core} {part:10} {engine:12} {record['instructions'] / 1e6:7.2f} million instructions, "
                  f"{(record['load_bytes'] + record['store_bytes']) / 1e6:6.1f} MB moved, "
                  f"{record['cycles'] / 1e6:7.2f} million cycles modelled", flush=True)
            path.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
