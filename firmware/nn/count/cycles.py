"""Cycles of what ran: cycles.py BLOCKS PROCESSOR [TOP]. BLOCKS is what plugin.c wrote: how often each block of instructions ran, and its
code. LLVM's model of the processor says what a block takes when it runs again and again with all data in the first cache, and no jump is
foreseen wrongly. TOP prints the blocks that take most.
"""

import json
import re
import subprocess
import sys

VERSION = 22
ITERATIONS = 100
# A block that ran less than this share of the code is not modelled by itself: it gets the mean of the others.
NEGLIGIBLE = 0.0005


def read(lines):
    """Code -> how often it ran; the same code may have been translated more than once."""
    blocks = {}
    for line in lines:
        ran, _, code = line.split()
        blocks[code] = blocks.get(code, 0) + int(ran)
    return blocks


def triple_of(processor):
    return "aarch64" if processor.startswith(("cortex", "neoverse")) else "x86_64"


def assembly(code, triple, processor):
    """The block's instructions as LLVM writes them; a jump's target does not matter."""
    bytes_ = " ".join(f"0x{code[i:i + 2]}" for i in range(0, len(code), 2))
    command = [f"llvm-mc-{VERSION}", f"-triple={triple}", "-disassemble"]
    command += ["-mattr=+all"] if triple == "aarch64" else [f"-mcpu={processor}"]
    done = subprocess.run(command, input=bytes_, capture_output=True, text=True, check=True).stdout
    return [line.strip() for line in done.splitlines() if line.startswith("\t") and not line.strip().startswith(".")]


def modelled(blocks, processor):
    """Code -> (instructions, cycles of one pass) by llvm-mca, all blocks in one call."""
    triple = triple_of(processor)
    listing, texts = [], {}
    for number, code in enumerate(blocks):
        texts[code] = assembly(code, triple, processor)
        # What a model does not know (system calls, barriers) does not run in inner loops.
        known = [line for line in texts[code] if not re.match(r"(svc|syscall|mrs|msr|dmb|isb|dsb|nop|endbr)", line)]
        listing += [f"# LLVM-MCA-BEGIN b{number}", *(known or ["nop"]), "# LLVM-MCA-END"]
    command = [f"llvm-mca-{VERSION}", f"-mtriple={triple}", f"-mcpu={processor}", f"-iterations={ITERATIONS}", "-json"]
    command += ["-mattr=+dotprod,+i8mm"] if triple == "aarch64" else []
    report = subprocess.run(command, input="\n".join(listing) + "\n", capture_output=True, text=True)
    if report.returncode:
        raise SystemExit(report.stderr[:2000])
    regions = json.loads(report.stdout)["CodeRegions"]
    found = {region["Name"]: region["SummaryView"]["TotalCycles"] / ITERATIONS for region in regions}
    return {code: (len(texts[code]), found[f"b{number}"]) for number, code in enumerate(blocks)}


def total(blocks, processor):
    """Cycles of all blocks together, the modelled share of the code that ran, and the modelled blocks, the costliest first: (cycles,
    instructions, ran, code)."""
    weight = {code: ran * len(code) for code, ran in blocks.items()}
    everything = sum(weight.values())
    chosen = [code for code in blocks if weight[code] >= NEGLIGIBLE * everything]
    model = modelled(chosen, processor)
    rows = sorted(((blocks[code] * model[code][1], model[code][0], blocks[code], code) for code in chosen), reverse=True)
    share = sum(weight[code] for code in chosen) / everything
    return sum(row[0] for row in rows) / share, share, rows


def main(path, processor, top=0):
    with open(path) as file:
        cycles, share, rows = total(read(file), processor)
    print(f"{processor} cycles {cycles / 1e6:.3f} million; {share:.1%} of the code modelled block by block")
    for took, instructions, ran, code in rows[:int(top)]:
        print(f"\n{took / 1e6:.3f} million: {instructions} instructions in {took / ran:.1f} cycles, {ran} times")
        print("\n".join(assembly(code, triple_of(processor), processor)[:200]))


if __name__ == "__main__":
    main(*sys.argv[1:])
