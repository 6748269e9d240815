"""What a packed net says of itself and costs: notes, multiplications, weights. The file is described in firmware/nn/ARITHMETIC.md.

Only the standard library, so that documents can be checked where nothing is installed; the engine's own reader is firmware/nn.
"""
import struct

HEADER = struct.Struct("<6If3I8x")  # from offset 16 to 64
HEAD = struct.Struct("<4B3H4BHf")
CONV, DEPTHWISE, ADD, POOL, UPSAMPLE, AVERAGE = range(1, 7)
RAW = 1


class PackedNet:
    def __init__(self, path):
        data = path.read_bytes()
        if data[:8] != b"moodnet1":
            raise ValueError(f"{path} is not a packed net")
        (_, self.channels, self.width, self.height, self.step, _, _, self.operators, outputs, notes) = HEADER.unpack(data[16:64])
        text = data[64:64 + notes].decode()
        self.notes = dict(line.split("=", 1) for line in text.splitlines())
        self.first = 64 + notes + -notes % 4 + 4 * outputs
        self.data = data

    def cost(self, size=None):
        """(multiplications, weights) of one run at `size`, (width, height), or at the net's own."""
        width, height = size or (self.width, self.height)
        shapes, at, products, weights = [(width, height, self.channels)], self.first, 0, 0
        for _ in range(self.operators):
            code, kernel, stride, flags, a, _, out, *_ = HEAD.unpack(self.data[at:at + HEAD.size])
            at += HEAD.size
            shape = output_shape(code, kernel, stride, out, shapes[a])
            if code in (CONV, DEPTHWISE):
                count = kernel * kernel * (shapes[a][2] if code == CONV else 1) * out
                weights += count
                products += count * shape[0] * shape[1]
                at += count + -count % 4 + 4 * out + (4 if flags & RAW else 8) * out
            else:
                at += {ADD: 12, AVERAGE: 8}.get(code, 0)
            shapes.append(shape)
        if at != len(self.data):
            raise ValueError(f"{len(self.data) - at} bytes are left after the last operator: this reader is out of date")
        return products, weights


def output_shape(code, kernel, stride, out, shape):
    width, height, _ = shape
    if code in (CONV, DEPTHWISE):
        pad = (kernel - 1) // 2
        return (width + 2 * pad - kernel) // stride + 1, (height + 2 * pad - kernel) // stride + 1, out
    if code == POOL:
        return width // 2, height // 2, out
    if code == UPSAMPLE:
        return 2 * width, 2 * height, out
    return (1, 1, out) if code == AVERAGE else (width, height, out)
