"""Graph <-> the packed file of firmware/nn/ARITHMETIC.md (little endian, magic `moodnet1`)."""
import struct
import zlib

import numpy as np

from . import intgraph as ig
from .intgraph import Graph, Op

MAGIC = b"moodnet1"
HEADER = struct.Struct("<6If3I8x")  # from offset 16 to 64
HEAD = struct.Struct("<4B3H4BHf")  # an operator's head, without the reserved bytes' meaning
assert HEADER.size == 48 and HEAD.size == 20


def padded(b):
    return b + bytes(-len(b) % 4)


def array(values, kind):
    """An array as bytes of the type `kind`, padded to 4; refuses values that the type can't hold."""
    out = np.asarray(values).astype(kind)
    if not np.array_equal(out, values):
        raise ValueError(f"a value doesn't fit in {kind}")
    return padded(out.tobytes())


def body(op):
    if op.code in (ig.CONV, ig.DEPTHWISE):
        out = array(op.w, "<i1") + array(op.bias, "<i4")
        return out + (array(op.scale, "<f4") if op.raw else array(op.m, "<i4") + array(op.s, "<u4"))
    if op.code == ig.ADD:
        return struct.pack("<2iI", op.ma, op.mb, op.s)
    if op.code == ig.GAP:
        return struct.pack("<iI", op.m, op.s)
    return b""


def pack(graph):
    """Graph -> bytes."""
    notes = "".join(f"{k}={v}\n" for k, v in graph.notes.items()).encode()
    tail = HEADER.pack(graph.kind, graph.channels, graph.width, graph.height, graph.step, graph.zero, graph.scale,
                       len(graph.ops), len(graph.outputs), len(notes))
    tail += padded(notes) + array(graph.outputs, "<u4")
    for op in graph.ops:
        tail += HEAD.pack(op.code, op.kernel, op.stride, int(op.raw), op.a, op.b, op.out_channels,
                          op.zy, op.lo, op.hi, 0, 0, op.out_scale) + body(op)
    return MAGIC + struct.pack("<2I", 16 + len(tail), zlib.crc32(tail)) + tail


class Reader:
    """Cuts a file into records; a file that ends early is named as such."""

    def __init__(self, data, at):
        self.data, self.at = data, at

    def bytes(self, n):
        if self.at + n > len(self.data):
            raise ValueError(f"the file ends at {len(self.data)}, a record needs {self.at + n}")
        self.at += n
        return self.data[self.at - n:self.at]

    def struct(self, fmt):
        fmt = struct.Struct(fmt) if isinstance(fmt, str) else fmt
        return fmt.unpack(self.bytes(fmt.size))

    def array(self, kind, shape):
        n = int(np.prod(shape)) * np.dtype(kind).itemsize
        return np.frombuffer(self.bytes(n + -n % 4)[:n], kind).reshape(shape)


def unpack(data):
    """bytes -> Graph. Raises ValueError with the cause on a damaged file."""
    if data[:8] != MAGIC:
        raise ValueError("not a moodnet1 file")
    length, crc = struct.unpack("<2I", data[8:16])
    if length != len(data):
        raise ValueError(f"the header says {length} bytes, the file has {len(data)}")
    if crc != zlib.crc32(data[16:]):
        raise ValueError("the checksum is wrong: the file is damaged")
    r = Reader(data, 16)
    kind, channels, width, height, step, zero, scale, ops, outputs, notes = r.struct(HEADER)
    text = r.bytes(notes + -notes % 4)[:notes].decode()
    graph = Graph(kind, channels, width, height, step, zero, scale,
                  notes=dict(line.split("=", 1) for line in text.splitlines()))
    graph.outputs = [int(t) for t in r.array("<u4", (outputs,))]
    for _ in range(ops):
        graph.ops.append(read_op(r, graph))
    if r.at != len(data):
        raise ValueError(f"{len(data) - r.at} bytes are left after the last operator")
    return graph


def read_op(r, graph):
    code, kernel, stride, flags, a, b, out, zy, lo, hi, _, _, out_scale = r.struct(HEAD)
    op = Op(code, a, out, b, kernel, stride, bool(flags & 1), zy, lo, hi, out_scale, name=f"op{len(graph.ops)}")
    if code in (ig.CONV, ig.DEPTHWISE):
        shape = (out, kernel, kernel, graph.channels_of(a)) if code == ig.CONV else (kernel, kernel, out)
        op.w = r.array("<i1", shape)
        op.bias = r.array("<i4", (out,)).astype(np.int64)
        if op.raw:
            op.scale = r.array("<f4", (out,))
        else:
            op.m, op.s = r.array("<i4", (out,)).astype(np.int64), r.array("<u4", (out,)).astype(np.int64)
    elif code == ig.ADD:
        op.ma, op.mb, op.s = r.struct("<2iI")
    elif code == ig.GAP:
        op.m, op.s = r.struct("<iI")
    return op


def write(path, graph):
    """Packs, checks that what was written reads back the same, and saves. Returns the file's length."""
    data = pack(graph)
    if pack(unpack(data)) != data:
        raise AssertionError("the packed file doesn't survive reading and writing")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return len(data)
