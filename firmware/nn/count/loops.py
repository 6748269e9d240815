"""Cycles of the NEON kernels' inner loops by llvm-mca: loops.py ASSEMBLY. A72 is modelled by LLVM as A57, its elder of the
same pipes; A76 by Neoverse N1, its twin for servers."""

import re
import subprocess
import sys

# Kernel, pattern of its functions, what multiplies in it and how many products each does, processors.
KERNELS = [
    ("neon", "Mull", {"smull": 8, "smull2": 8, "smlal": 8, "smlal2": 8}, {"A53": "cortex-a53", "A72": "cortex-a72"}),
    ("dotprod", "dotprod4tile", {"sdot": 16}, {"A76": "neoverse-n1"}),
    ("i8mm", "i8mm4tile", {"usmmla": 32}, {"Neoverse V2": "neoverse-v2"}),
]


def loops(body):
    """Runs of instructions that end with a jump to their begin and hold no other target."""
    lines = [line for line in body.split("\n") if line.strip() and not re.match(r"\s+\.|\s*//", line)]
    places = {line.split(":")[0]: i for i, line in enumerate(lines) if line.startswith(".L")}
    for end, line in enumerate(lines):
        jump = re.search(r"\s(?:b\.\w+|cbnz|tbnz)\s.*?(\.L\w+)", line)
        begin = places.get(jump[1], end) if jump else end
        inner = lines[begin + 1 : end + 1]
        if begin < end and not any(line.startswith(".L") for line in inner):
            yield inner


def cycles(inner, processor):
    text = ".Lx:\n" + "\n".join(re.sub(r"\.L\w+", ".Lx", line) for line in inner)
    command = ["llvm-mca-22", "-mtriple=aarch64", f"-mcpu={processor}", "-mattr=+dotprod,+i8mm", "-iterations=1000"]
    report = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
    return int(re.search(r"Total Cycles:\s+(\d+)", report)[1]) / 1000


assembly = open(sys.argv[1]).read()
print("kernel   processor    products  instructions  cycles  products a cycle")
for kernel, pattern, products, processors in KERNELS:
    found = set()
    for function in re.finditer(rf"^_\S*{pattern}\S*:\n(.*?)^\.Lfunc_end", assembly, re.S | re.M):
        for inner in loops(function[1]):
            work = sum(products.get(line.split()[0], 0) for line in inner)
            if work:
                found.add((work, tuple(inner)))
    for work, inner in sorted(found, reverse=True)[:2]:
        for name, processor in processors.items():
            took = cycles(inner, processor)
            print(f"{kernel:8} {name:12} {work:8} {len(inner):13} {took:7.1f} {work / took:17.1f}")
