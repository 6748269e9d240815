"""What kinds of operators take on a core: operators.py WORK ROOT CORE. One operator of each kind and shape, counted and modelled alone:
instructions and cycles for 16 outputs, and products a cycle.
"""

import re
import sys

import cycles
from measure import CORES, Counter, between, marks

# Net and number of an operator, as `run_net NET 1 operators` lists them, and what it stands for.
WANTED = [
    ("detector", 0, "3x3 of 3 channels, first of the detector, with loading the picture"),
    ("detector", 1, "1x1 of 16 channels"),
    ("detector", 8, "1x1 of 64 channels"),
    ("detector", 7, "depthwise 3x3"),
    ("detector", 10, "max pool"),
    ("detector", 31, "upsample"),
    ("detector", 32, "add"),
    ("detector", 42, "depthwise 3x3, raw"),
    ("classifier", 2, "3x3 of 48 channels, rows of 24"),
    ("classifier", 10, "3x3 of 96 channels, rows of 12"),
    ("classifier", 17, "3x3 of 160 channels, rows of 6"),
]


def listed(said):
    """Outputs and products of each operator."""
    found = re.findall(r"operator \S+ (\d+)x(\d+)x(\d+) (\d+)", said)
    return [(int(r) * int(c) * int(n), int(macs)) for r, c, n, macs in found]


def main(work, root, core):
    counter, model = Counter(work, root), CORES[core][2]
    program = counter.root / "target/arm/aarch64-unknown-linux-gnu/release/examples/run_net"
    print(f"| operator, {core} | instructions for 16 outputs | cycles | products a cycle |\n|---|---|---|---|")
    for net, number, name in WANTED:
        command = [program, counter.root / f"models/weights/{net}.moodnet", "2", "operators"]
        operators = listed(counter.guest(core, command, "", peer=False))
        start = len(operators) + 2 + number  # the first run's marks: begin, each operator, end
        blocks = counter.work / "blocks-of-operators"
        found = between(marks(counter.guest(core, command, f",blocks={blocks},from={start},to={start + 1}", peer=False)), start)
        with open(blocks) as file:
            took = cycles.total(cycles.read(file), model)[0]
        outputs, macs = operators[number]
        per = outputs / 16
        print(f"| {name} | {found['instructions'] / per:.0f} | {took / per:.0f} | {f'{macs / took:.1f}' if macs else ''} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
