"""Teachers that look at the very view the student is shown, mixed, tilted and darkened as it is, and answer for that.

What a teacher says of a picture that it was trained on is mostly the label once more (ours knows 87 % of the training
labels by heart, of others 71 %); no teacher has seen the views. (Beyer et al., Knowledge distillation: a good teacher is
patient and consistent, 2022, who call it function matching.)
"""
import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .net import SHAPES, training_net


def loaded(runs, name):
    """The averaged net of a run, `NAME` or `NAME:SHAPE` (default: wide), its batch-norms folded away; it learns nothing."""
    run, _, shape = name.partition(":")
    if shape and shape not in SHAPES:
        raise SystemExit(f"run {name}: the shape is one of {', '.join(SHAPES)}")
    path = runs / run / "last.pt"
    if not path.exists():
        raise SystemExit(f"run {name}: there is no {path}")
    net = training_net(shape or "wide").eval()
    net.load_state_dict(torch.load(path, weights_only=True)["ema"])
    for key, module in net.mods.items():
        if isinstance(module, torch.nn.Sequential):
            net.mods[key] = fuse_conv_bn_eval(*module)
    return net.requires_grad_(False).to(memory_format=torch.channels_last)


class OnlineTeachers:
    """The mean of several runs' answers: (N,1,48,48) as the student gets it -> (N,7) probabilities of FER2013's labels."""

    def __init__(self, runs, names):
        self.nets = [loaded(runs, name) for name in names]

    @torch.no_grad()
    def __call__(self, x):
        with torch.autocast("cpu", torch.bfloat16):
            logits = [net(x)[0].flatten(1).float() for net in self.nets]
        return torch.stack(logits).softmax(2).mean(0)
