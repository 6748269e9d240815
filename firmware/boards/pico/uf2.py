#!/usr/bin/env python3
"""Makes the UF2 file that a Pico's boot loader takes out of the firmware's ELF files: uf2.py FIRMWARE.elf... OUT.uf2

UF2: https://github.com/microsoft/uf2. Blocks of 512 bytes with 256 bytes of flash each. A block names the family of chips
that it is for, and a boot loader passes over all others without a word: a file for one kind of Pico does nothing on the
other. So give the firmware for both: then one file serves both.
"""

import struct
import sys

FLASH = range(0x1000_0000, 0x1020_0000)  # 2 MB
PAGE = 256
RP2040_FAMILY = 0xE48B_FF56
RP2350_ARM_FAMILY = 0xE48B_FF59
# An RP2350's program has a block that begins with this, in the first 4 KB (data sheet, 5.9.1).
RP2350_BLOCK = struct.pack("<I", 0xFFFF_DED3)
FAMILY_ID_PRESENT = 0x2000


def loadable(elf: bytes):
    """Address and bytes of each segment that lies in flash."""
    if elf[:6] != b"\x7fELF\x01\x01":
        sys.exit("this is no little-endian 32-bit ELF file")
    offset, = struct.unpack_from("<I", elf, 28)
    size, count = struct.unpack_from("<HH", elf, 42)
    for number in range(count):
        kind, at, _, address, length = struct.unpack_from("<5I", elf, offset + number * size)
        if kind == 1 and length > 0:
            if address not in FLASH or address + length > FLASH.stop:
                sys.exit(f"a segment lies at {address:#x}, outside of flash")
            yield address, elf[at : at + length]


def memory_bytes(elf: bytes) -> int:
    """What the firmware takes of RAM before it runs: all but the stack of core 0."""
    offset, = struct.unpack_from("<I", elf, 28)
    size, count = struct.unpack_from("<HH", elf, 42)
    segments = (struct.unpack_from("<6I", elf, offset + number * size) for number in range(count))
    return sum(held for kind, _, address, _, _, held in segments if kind == 1 and address >= 0x2000_0000)


def pages(elf: bytes):
    """The pages of flash that the segments touch, in order; what no segment fills is 0."""
    filled = {}
    for address, data in loadable(elf):
        for place, byte in enumerate(data, address):
            start = place - place % PAGE
            filled.setdefault(start, bytearray(PAGE))[place - start] = byte
    return sorted(filled.items())


def family(all_pages) -> int:
    """The family of chips that a program is for."""
    start = b"".join(data for address, data in all_pages if address < FLASH.start + 4096)
    return RP2350_ARM_FAMILY if RP2350_BLOCK in start else RP2040_FAMILY


def uf2(elf: bytes) -> bytes:
    all_pages = pages(elf)
    chips = family(all_pages)
    blocks = []
    for number, (address, data) in enumerate(all_pages):
        head = struct.pack(
            "<8I", 0x0A32_4655, 0x9E5D_5157, FAMILY_ID_PRESENT, address, PAGE, number, len(all_pages), chips
        )
        blocks.append(head + bytes(data).ljust(476, b"\0") + struct.pack("<I", 0x0AB1_6F30))
    return b"".join(blocks)


if __name__ == "__main__":
    *programs, out = sys.argv[1:] or sys.exit(__doc__)
    if not programs:
        sys.exit(__doc__)
    whole = b""
    for program in programs:
        with open(program, "rb") as file:
            elf = file.read()
        image = uf2(elf)
        if not image:
            sys.exit(f"nothing in {program} belongs into flash")
        chip = {RP2040_FAMILY: "RP2040", RP2350_ARM_FAMILY: "RP2350"}[struct.unpack_from("<I", image, 28)[0]]
        flash = len(image) // 512 * PAGE
        print(f"{out}: {chip}: {flash} bytes of flash, {memory_bytes(elf)} bytes of RAM and the stack of core 0")
        whole += image
    with open(out, "wb") as file:
        file.write(whole)
