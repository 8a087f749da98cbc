"""Writes a model folder from checkpoints of train.py: int8 text towers, float16 image tower and heads; or all float32.

python export.py --out OUT --name NAME [--zh NAME] [--blend NAME] --minilm MINILM --zh-vocab vocab-zh.txt --model FOLDER [--fp32 FOLDER]
"""

import argparse
import json
import os
import shutil

import torch
from safetensors.torch import save_file

from towers import MEAN, STD, ImageTower


def quantise(w):
    """Symmetric int8 by row; of a few clips of the row's largest value the one with the least squared error."""
    w = w.float()
    best, scale = None, None
    for clip in (1.0, 0.97, 0.94, 0.9, 0.86, 0.82):
        s = (w.abs().amax(1) * clip / 127).clamp(min=1e-12)
        err = ((w / s[:, None]).round().clamp(-127, 127) * s[:, None] - w).square().sum(1)
        if best is None:
            best, scale = err, s
        else:
            scale = torch.where(err < best, s, scale)
            best = torch.minimum(err, best)
    return (w / scale[:, None]).round().clamp(-127, 127).to(torch.int8), scale


def sub(state, prefix):
    return {k[len(prefix) :]: v.contiguous() for k, v in state.items() if k.startswith(prefix)}


def text_tensors(state, int8):
    out = {}
    for k, v in state.items():
        if "position_ids" in k or "token_type_ids" in k or "pooler" in k:
            continue
        if int8 and v.ndim == 2:
            q, s = quantise(v)
            out[k], out[k[: -len("weight")] + "scale"] = q, s
        else:
            out[k] = v.float()
    return out


def image_tensors(tower, dtype):
    out = {
        "stem.weight": tower.stem.weight.permute(0, 2, 3, 1),
        "stem.bias": tower.stem.bias,
        "top.weight": tower.top.weight[:, :, 0, 0],
        "top.bias": tower.top.bias,
    }
    for i, b in enumerate(tower.blocks):
        p = f"blocks.{i}."
        if b.expand is not None:
            out[p + "expand.weight"], out[p + "expand.bias"] = b.expand.weight[:, :, 0, 0], b.expand.bias
        out[p + "depthwise.weight"], out[p + "depthwise.bias"] = (
            b.depthwise.weight[:, 0].permute(1, 2, 0),
            b.depthwise.bias,
        )
        out[p + "project.weight"], out[p + "project.bias"] = b.project.weight[:, :, 0, 0], b.project.bias
    # Biases stay float32, as the C kernels read them in place.
    return {
        k: v.detach().to(torch.float32 if k.endswith("bias") else dtype).contiguous()
        for k, v in out.items()
    }


def head_tensors(state, dtype):
    return {k: v.to(dtype if v.ndim == 2 else torch.float32).contiguous() for k, v in state.items()}


def write(folder, image, taps, heads, texts, dims, scale, a, int8):
    os.makedirs(folder, exist_ok=True)
    half = torch.float16 if int8 else torch.float32
    save_file(image_tensors(image, half), os.path.join(folder, "image.safetensors"))
    save_file(head_tensors(heads["image"], half), os.path.join(folder, "head-image.safetensors"))
    config = {
        "format": 1,
        "name": "duet-default",
        "version": "1",
        "space": "duet-default-" + a.space,
        "dim": dims,
        "logit_scale": scale,
        "licence": "research and evaluation; see LICENSE",
        "image": {
            "architecture": "efficientnet-lite",
            "weights": "image.safetensors",
            "head": "head-image.safetensors",
            "size": 260,
            "resize": "squash",
            "interpolation": "bicubic",
            "mean": [round(m, 8) for m in MEAN],
            "std": [round(s, 8) for s in STD],
            "stem": 32,
            "blocks": [{k: s[k] for k in ("kernel", "stride", "expand", "out")} for s in image.specs],
            "features": 1280,
            "taps": taps,
        },
        "text": [],
    }
    for lang, state in texts.items():
        t = text_tensors(state, int8)
        save_file(t, os.path.join(folder, f"text-{lang}.safetensors"))
        save_file(head_tensors(heads[lang], half), os.path.join(folder, f"head-text-{lang}.safetensors"))
        shutil.copy(
            a.zh_vocab if lang == "zh" else os.path.join(a.minilm, "vocab.txt"),
            os.path.join(folder, f"vocab-{lang}.txt"),
        )
        os.chmod(os.path.join(folder, f"vocab-{lang}.txt"), 0o644)
        layers = 1 + max(int(k.split(".")[2]) for k in t if k.startswith("encoder.layer."))
        config["text"].append(
            {
                "language": lang,
                "architecture": "bert",
                "weights": f"text-{lang}.safetensors",
                "head": f"head-text-{lang}.safetensors",
                "vocab": f"vocab-{lang}.txt",
                "layers": layers,
                "hidden": 384,
                "heads": 12,
                "intermediate": 1536,
                "max_tokens": 128,
                "lowercase": True,
                "layer_norm_eps": 1e-12,
                "pool": "mean",
            }
        )
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as f:
        json.dump(config, f, indent=1)
        f.write("\n")
    sizes = {f: os.path.getsize(os.path.join(folder, f)) for f in sorted(os.listdir(folder))}
    print(
        folder,
        {k: round(v / 1e6, 2) for k, v in sizes.items()},
        "total %.1f MB" % (sum(sizes.values()) / 1e6),
    )


def main():
    p = argparse.ArgumentParser()
    for name in ("out", "name", "minilm", "zh-vocab", "model"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--zh", default="")
    p.add_argument(
        "--blend",
        default="",
        help="a checkpoint of the same run's earlier stage: picture tower and heads become the mean of both",
    )
    p.add_argument("--fp32", default="")
    p.add_argument("--space", default="1")
    a = p.parse_args()
    ckpt = torch.load(os.path.join(a.out, a.name + ".pt"))
    state, taps = ckpt["model"], ckpt["taps"]
    if a.blend:
        other = torch.load(os.path.join(a.out, a.blend + ".pt"))["model"]
        state = {k: v if k.startswith("text.") else 0.5 * (v + other[k]) for k, v in state.items()}
    zh = torch.load(os.path.join(a.out, a.zh + ".pt"))["model"] if a.zh else state
    image = ImageTower("lite2", taps)
    tower = sub(state, "image.")
    if tower:
        image.load_state_dict(tower)
    else:
        image.load_reference(torch.load(os.path.join(a.out, "lite2.pt")))
    heads = {"image": sub(state, "head."), "en": sub(state, "heads.en.")}
    texts = {"en": sub(state, "text.en.bert.")}
    if any(k.startswith("text.zh.") for k in zh):
        heads["zh"], texts["zh"] = sub(zh, "heads.zh."), sub(zh, "text.zh.bert.")
    dims = heads["image"]["linear.weight"].shape[0]
    scale = round(float(state["log_scale"].exp()), 4)
    write(a.model, image, taps, heads, texts, dims, scale, a, True)
    if a.fp32:
        write(a.fp32, image, taps, heads, texts, dims, scale, a, False)


if __name__ == "__main__":
    main()
