"""Regenerates this folder: small random towers and what PyTorch makes of them. README.md has the command."""
import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional as F
from transformers import BertConfig, BertModel

# Kept equal to the tests in tests/encoder/. (kernel, stride, expand, out)
SIZE, STEM, FEATURES = 133, 48, 24
BLOCKS = [(3, 1, 1, 48), (5, 1, 6, 16), (3, 2, 6, 24), (5, 1, 4, 24), (5, 2, 3, 20), (7, 1, 2, 20)]
TAPS = [4, 1]
TEXT = dict(vocab_size=50, num_hidden_layers=2, hidden_size=24, num_attention_heads=3, intermediate_size=40,
            max_position_embeddings=16)
LENGTHS = [1, 7, 16]
HEAD_IN, HEAD_HIDDEN, HEAD_OUT = 20, 12, 9


def numbers(n):
    """n numbers between -1 and 1; golden_numbers() in tests/encoder/golden_tower.h gives the same."""
    i = np.arange(n, dtype=np.uint64) * 2654435761 % 2**32
    return (i >> 8).astype(np.float64) / 2**23 - 1


def half(*shape):
    """Random weights that keep the size of what passes through, exact in float16."""
    fan_in = np.prod(shape[1:]) if len(shape) == 2 or len(shape) == 4 else shape[0] * shape[1]
    return (torch.randn(*shape) * (1.4 / fan_in**0.5)).half()


def bias(n):
    return torch.randn(n) * 0.3


def image_weights():
    w = {"stem.weight": half(STEM, 3, 3, 3), "stem.bias": bias(STEM)}
    channels = STEM
    for i, (kernel, _, expand, out) in enumerate(BLOCKS):
        mid = channels * expand
        if expand > 1:
            w[f"blocks.{i}.expand.weight"], w[f"blocks.{i}.expand.bias"] = half(mid, channels), bias(mid)
        w[f"blocks.{i}.depthwise.weight"], w[f"blocks.{i}.depthwise.bias"] = half(kernel, kernel, mid), bias(mid)
        w[f"blocks.{i}.project.weight"], w[f"blocks.{i}.project.bias"] = half(out, mid), bias(out)
        channels = out
    w["top.weight"], w["top.bias"] = half(FEATURES, channels), bias(FEATURES)
    return w


def same(x, kernel, stride):
    """TensorFlow's SAME padding of [n, c, y, x]: the odd row and column go behind."""
    total = max((-(-x.shape[2] // stride) - 1) * stride + kernel - x.shape[2], 0)
    before, after = total // 2, total - total // 2
    return F.pad(x, (before, after, before, after))


def image_features(weights, pixels):
    w = {k: v.double() for k, v in weights.items()}

    def dense(x, name):
        return F.conv2d(x, w[name + ".weight"][:, :, None, None], w[name + ".bias"])

    x = F.relu6(F.conv2d(same(pixels.permute(0, 3, 1, 2), 3, 2), w["stem.weight"].permute(0, 3, 1, 2), w["stem.bias"], 2))
    means = {}
    for i, (kernel, stride, expand, out) in enumerate(BLOCKS):
        y = F.relu6(dense(x, f"blocks.{i}.expand")) if expand > 1 else x
        depthwise = w[f"blocks.{i}.depthwise.weight"].permute(2, 0, 1)[:, None]
        y = F.relu6(F.conv2d(same(y, kernel, stride), depthwise, w[f"blocks.{i}.depthwise.bias"], stride, groups=y.shape[1]))
        y = dense(y, f"blocks.{i}.project")
        x = x + y if stride == 1 and x.shape[1] == out else y
        means[i] = x.mean((2, 3))
    top = F.relu6(dense(x, "top")).mean((2, 3))
    return torch.cat([top] + [means[t] for t in TAPS], 1)


def text_weights(state):
    """int8 matrices with a scale a row; `state` gets the numbers that these stand for."""
    w = {}
    for name, v in state.items():
        if v.ndim == 2:
            scale = v.abs().amax(1) / 127
            w[name] = (v / scale[:, None]).round().to(torch.int8)
            w[name.replace(".weight", ".scale")] = scale
            state[name] = w[name].float() * scale[:, None]
        else:
            w[name] = v
    return w


def make_text():
    config = BertConfig(**TEXT, hidden_act="gelu", layer_norm_eps=1e-12)
    model = BertModel(config, add_pooling_layer=False).eval()
    state = {k: v + 0.1 * torch.randn_like(v) for k, v in model.state_dict().items() if v.is_floating_point()}
    weights = text_weights(state)
    model.load_state_dict(state, strict=False)
    model.double()
    golden = {}
    for n in LENGTHS:
        ids = (torch.arange(n) * 7 + 3) % TEXT["vocab_size"]
        golden[f"features.{n}"] = model(ids[None]).last_hidden_state[0].mean(0).float()
    save_file(weights, "text.safetensors")
    save_file(golden, "text-golden.safetensors")


def make_head(name, hidden):
    w = {"mean": bias(HEAD_IN), "scale": 1 + 0.3 * torch.rand(HEAD_IN), "linear.weight": half(HEAD_OUT, HEAD_IN),
         "linear.bias": bias(HEAD_OUT)}
    if hidden:
        w |= {"fc1.weight": half(hidden, HEAD_IN), "fc1.bias": bias(hidden), "fc2.weight": half(HEAD_OUT, hidden),
              "fc2.bias": bias(HEAD_OUT)}
    d = {k: v.double() for k, v in w.items()}
    z = (torch.from_numpy(numbers(2 * HEAD_IN)).view(2, HEAD_IN) - d["mean"]) * d["scale"]
    y = F.linear(z, d["linear.weight"], d["linear.bias"])
    if hidden:
        y = y + F.linear(F.gelu(F.linear(z, d["fc1.weight"], d["fc1.bias"])), d["fc2.weight"], d["fc2.bias"])
    save_file(w, name + ".safetensors")
    save_file({"vectors": F.normalize(y, dim=1).float()}, name + "-golden.safetensors")


def main():
    torch.manual_seed(20240501)
    with torch.no_grad():
        weights = image_weights()
        pixels = torch.from_numpy(numbers(2 * SIZE * SIZE * 3)).view(2, SIZE, SIZE, 3)
        save_file(weights, "image.safetensors")
        save_file({"features": image_features(weights, pixels).float()}, "image-golden.safetensors")
        make_text()
        make_head("head-linear", 0)
        make_head("head-mlp", HEAD_HIDDEN)


if __name__ == "__main__":
    main()
