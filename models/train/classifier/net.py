"""The classifier's layers: a small residual net of plain 3x3 convolutions on a 48x48 grey crop."""
import torch

from ..common.net import GraphNet, add, conv, gap, head

MEAN, STD = 128, 64  # input: (byte - MEAN) / STD; MEAN is the integer zero point of the packed net


def block(layers, name, x, width, stride):
    """Two 3x3 convolutions and a way around them; the way is a 1x1 convolution where the size changes."""
    layers += [conv(f"{name}a", x, width, 3, stride), conv(f"{name}b", f"{name}a", width, 3, relu=False)]
    if stride == 2:
        layers.append(conv(f"{name}s", x, width, 1, 2, relu=False))
        x = f"{name}s"
    layers.append(add(name, f"{name}b", x))
    return name


def last_word(layers, x, width):
    """One 3x3 convolution and the way around it: as good as nothing while its batch-norm's scale is zero."""
    layers += [conv("last", x, width, 3, relu=False), add("lasta", "last", x)]
    return "lasta"


def layers(heads, widths=(32, 64, 128), blocks=(1, 2, 3), stem=16, last=False, maps=None):
    """`heads` is a list of (name, outputs). 48 -> 24 -> 12 -> 6 pixels, then the average.

    `last`: one more convolution at 6x6. `maps` is (name, outputs) of a head that reads the last 6x6 pixels themselves, for class activation maps.
    """
    out, x = [conv("stem", "in", stem)], "stem"
    for i, (width, count) in enumerate(zip(widths, blocks)):
        for j in range(count):
            x = block(out, f"s{i}b{j}", x, width, 2 if j == 0 else 1)
    x = last_word(out, x, widths[-1]) if last else x
    out.append(gap("gap", x))
    out += [head(name, "gap", n) for name, n in heads]
    return out + ([head(maps[0], x, maps[1])] if maps else [])


# Name -> shape. `small` is what version 0.9 shipped (57 MMAC, 0.97 M weights); `wide` is wider and shallower (89 MMAC,
# 1.17 M), all widths multiples of a 512-bit register's 16 lanes.
SHAPES = {
    "small": dict(widths=(32, 64, 128), blocks=(1, 2, 3), stem=16),
    "wide": dict(widths=(48, 96, 160), blocks=(1, 2, 2), stem=16),
    "deep": dict(widths=(48, 96, 160), blocks=(1, 2, 2), stem=16, last=True),
}


def training_net(shape="small"):
    """Two heads: FER2013's 7 labels and FER+'s 10 vote columns."""
    return GraphNet(layers([("fer", 7), ("ferplus", 10)], **SHAPES[shape]))


def shipped_net(shape="small"):
    """`logits` (7, FER2013's order), `ferplus` (the same 7 and contempt), and `maps` (6x6 of 7): see `export.fuse`."""
    return GraphNet(layers([("logits", 7), ("ferplus", 8)], maps=("maps", 7), **SHAPES[shape]))


def grown(net, start):
    """`start`, the state of a net without the last convolution, for one that has it and gives the same answers at first.

    (Chen et al., Net2Net: accelerating learning via knowledge transfer, 2016.) A state of the same shape stays as it is.
    """
    new = {k: v for k, v in net.state_dict().items() if k.startswith("mods.last.") and k not in start}
    if "mods.last.1.weight" in new:
        new["mods.last.1.weight"] = torch.zeros_like(new["mods.last.1.weight"])
    return start | new
