"""The networks: image tower, text towers and heads, as they are shipped.

ImageTower is EfficientNet-Lite with its batch norms folded into the convolutions (that is the form in which the model
is stored and run, and also the form that is fine-tuned). TextTower is a plain BERT encoder with mean pooling. Head is
the projection into the shared space. Everything here runs on the CPU, in float32 or under bfloat16 autocast.
"""

import torch
from torch import nn
from torch.nn import functional as F

import depthwise

MEAN = [127.0 / 255] * 3  # EfficientNet-Lite: (p - 127) / 128
STD = [128.0 / 255] * 3

# (repeats, kernel, stride, expand, out) of EfficientNet-Lite0; width and depth are multiplied below.
STAGES = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
]
VARIANTS = {"lite0": (1.0, 1.0, 224), "lite1": (1.0, 1.1, 240), "lite2": (1.1, 1.2, 260)}


def round_filters(filters, width, divisor=8):
    filters *= width
    new = max(divisor, int(filters + divisor / 2) // divisor * divisor)
    return int(new + divisor if new < 0.9 * filters else new)


def block_specs(variant):
    """One dict a block: kernel, stride, expand, in, out."""
    width, depth, _ = VARIANTS[variant]
    specs, cin = [], 32
    for s, (repeats, kernel, stride, expand, out) in enumerate(STAGES):
        if s not in (0, len(STAGES) - 1):
            repeats = int(-(-repeats * depth // 1))
        out = round_filters(out, width)
        for r in range(repeats):
            specs.append(
                dict(kernel=kernel, stride=stride if r == 0 else 1, expand=expand, inp=cin, out=out)
            )
            cin = out
    return specs


def same_pad(x, kernel, stride):
    """TensorFlow's SAME padding: the odd pixel goes after."""
    pads = []
    for n in (x.shape[3], x.shape[2]):
        total = max((-(-n // stride) - 1) * stride + kernel - n, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads) if any(pads) else x


def conv(x, layer, kernel, stride):
    if layer.groups > 1 and depthwise.usable(x):
        pad = kernel // 2 if stride == 1 else 0
        x = (x if stride == 1 else same_pad(x, kernel, stride)).to(torch.bfloat16)
        return depthwise.Depthwise.apply(x, layer.weight, layer.bias, stride, pad)
    if stride == 1:
        return F.conv2d(x, layer.weight, layer.bias, 1, kernel // 2, 1, layer.groups)
    return F.conv2d(same_pad(x, kernel, stride), layer.weight, layer.bias, stride, 0, 1, layer.groups)


class Block(nn.Module):
    def __init__(self, kernel, stride, expand, inp, out):
        super().__init__()
        mid = inp * expand
        self.kernel, self.stride, self.residual = kernel, stride, stride == 1 and inp == out
        self.expand = nn.Conv2d(inp, mid, 1) if expand != 1 else None
        self.depthwise = nn.Conv2d(mid, mid, kernel, groups=mid)
        self.project = nn.Conv2d(mid, out, 1)

    def forward(self, x):
        y = x
        if self.expand is not None:
            y = F.relu6(self.expand(y))
        y = F.relu6(conv(y, self.depthwise, self.kernel, self.stride))
        y = self.project(y)
        return x + y if self.residual else y


class ImageTower(nn.Module):
    """Features: mean of top's output, then the means of the tapped blocks' outputs, in the order of taps."""

    def __init__(self, variant="lite2", taps=()):
        super().__init__()
        self.variant, self.taps = variant, list(taps)
        self.specs = block_specs(variant)
        self.stem = nn.Conv2d(3, 32, 3)
        self.blocks = nn.ModuleList(Block(**s) for s in self.specs)
        self.top = nn.Conv2d(self.specs[-1]["out"], 1280, 1)

    def dim(self):
        return 1280 + sum(self.specs[t]["out"] for t in self.taps)

    def first(self, x, upto):
        """Stem and blocks 0..upto-1: (output, {tap: mean})."""
        taps = {}
        x = F.relu6(conv(x, self.stem, 3, 2))
        for i in range(upto):
            x = self.blocks[i](x)
            if i in self.taps:
                taps[i] = x.float().mean((2, 3))
        return x, taps

    def rest(self, x, taps, start):
        taps = dict(taps)
        for i in range(start, len(self.blocks)):
            x = self.blocks[i](x)
            if i in self.taps:
                taps[i] = x.float().mean((2, 3))
        x = F.relu6(self.top(x)).float().mean((2, 3))
        return torch.cat([x] + [taps[t] for t in self.taps], 1)

    def forward(self, x):
        y, taps = self.first(x, 0)
        return self.rest(y, taps, 0)

    def load_reference(self, state):
        """Weights of efficientnet-lite-pytorch's EfficientNet; batch norms folded. Returns the classifier (w, b)."""

        def fold(layer, name, bn, eps=1e-3):
            g = state[bn + ".weight"] / torch.sqrt(state[bn + ".running_var"] + eps)
            layer.weight.data.copy_(state[name + ".weight"] * g.view(-1, 1, 1, 1))
            layer.bias.data.copy_(state[bn + ".bias"] - state[bn + ".running_mean"] * g)

        fold(self.stem, "_conv_stem", "_bn0")
        for i, b in enumerate(self.blocks):
            p = f"_blocks.{i}."
            if b.expand is not None:
                fold(b.expand, p + "_expand_conv", p + "_bn0")
            fold(b.depthwise, p + "_depthwise_conv", p + "_bn1")
            fold(b.project, p + "_project_conv", p + "_bn2")
        fold(self.top, "_conv_head", "_bn1")
        return state["_fc.weight"].clone(), state["_fc.bias"].clone()


class TextTower(nn.Module):
    """A BERT encoder; the feature is the mean of the last hidden states over the real tokens."""

    def __init__(self, config):
        super().__init__()
        from transformers import BertModel

        config._attn_implementation = "eager"  # the fused one is slow backwards on a CPU
        self.bert = BertModel(config, add_pooling_layer=False)

    def forward(self, ids, mask):
        h = self.bert(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        m = mask.unsqueeze(2).float()
        return (h * m).sum(1) / m.sum(1)


class Head(nn.Module):
    """z = (x - mean) * scale; unit length of linear(z) + fc2(gelu(fc1(z)))."""

    def __init__(self, inp, dim, hidden=0, drop=0.0):
        super().__init__()
        self.register_buffer("mean", torch.zeros(inp))
        self.register_buffer("scale", torch.ones(inp))
        self.linear = nn.Linear(inp, dim)
        self.fc1 = nn.Linear(inp, hidden) if hidden else None
        self.fc2 = nn.Linear(hidden, dim) if hidden else None
        if hidden:
            nn.init.zeros_(self.fc2.weight)
            nn.init.zeros_(self.fc2.bias)
        self.drop = nn.Dropout(drop)

    def standardise(self, x):
        self.mean.copy_(x.mean(0))
        self.scale.copy_(1 / (x.std(0) + 1e-3))

    def forward(self, x):
        z = self.drop((x.float() - self.mean) * self.scale)
        y = self.linear(z)
        if self.fc1 is not None:
            y = y + self.fc2(F.gelu(self.fc1(z)))
        return F.normalize(y.float(), dim=1)
