"""Makes the goldens of full-size models with weights that anybody can make again: each number is a hash of its place.

README.md has the command and the versions. Of a model, a folder holds its config, its preprocessing, the names and shapes of its tensors
(tensors.txt) and what transformers computes with it; tests/slow/full_size_test.c writes the weights themselves.
"""
import json
import pathlib
import shutil
import sys

import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from transformers import ChineseCLIPConfig, ChineseCLIPModel, CLIPConfig, CLIPModel, SiglipConfig, SiglipModel

sys.path.insert(0, str(pathlib.Path(__file__).parent / "../families"))
import make as families  # noqa: E402

HERE = pathlib.Path(__file__).parent
N_PICTURES, N_TEXTS = 8, 12


def hashed(n, seed):
    """n numbers in [-1, 1): the finalizer of MurmurHash3 over place and seed; full_size_test.c has the same."""
    x = np.arange(n, dtype=np.uint32) + np.uint32(seed * 2654435761 % 2**32)
    with np.errstate(over="ignore"):
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x85EBCA6B)
        x ^= x >> np.uint32(13)
        x *= np.uint32(0xC2B2AE35)
        x ^= x >> np.uint32(16)
    return (x >> np.uint32(8)).astype(np.float32) / np.float32(2**23) - np.float32(1)


def weights(name, shape, seed):
    """So that what passes through a layer keeps its size."""
    u = hashed(int(np.prod(shape, dtype=np.int64)), seed)
    norm = "norm" in name.lower() or "layrnorm" in name
    if "logit" in name:
        return np.full(shape, -3.0 if "bias" in name else 2.5, np.float32)
    if norm and name.endswith("weight"):
        return (np.float32(1) + np.float32(0.5) * u).reshape(shape)
    if norm or len(shape) < 2 or "embed" in name or "probe" in name:
        return (np.float32(0.5) * u).reshape(shape)
    fan_in = int(np.prod(shape[1:], dtype=np.int64))
    return (np.float32(2.0 / fan_in**0.5) * u).reshape(shape)


def build(name, model, tokenizer_folder, make_ids, processor):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    model.config.save_pretrained(folder)
    processor.save_pretrained(folder)
    (folder / "tokenizer").write_text(tokenizer_folder + "\n")
    state = {k: v for k, v in model.state_dict().items() if v.is_floating_point()}
    names = sorted(state)
    lines = []
    with torch.no_grad():
        for seed, key in enumerate(names):
            shape = tuple(state[key].shape)
            state[key].copy_(torch.from_numpy(weights(key, shape, seed)))
            lines.append(" ".join([key, *map(str, shape)]))
    (folder / "tensors.txt").write_text("\n".join(lines) + "\n")
    pictures = families.pictures()[:N_PICTURES]
    pixels = torch.cat([processor(images=p, return_tensors="pt")["pixel_values"] for p in pictures])
    with torch.no_grad():
        images = families.features(model.get_image_features(pixel_values=pixels))
        texts = torch.cat([families.features(model.get_text_features(input_ids=torch.tensor([i]))) for i in make_ids(families.TEXTS[:N_TEXTS])])
    families.save_vectors(folder, images, texts)
    print(name, sum(v.numel() for v in state.values()), "parameters", flush=True)


def clip_ids(folder, max_length):
    tokenizer = families.Tokenizer.from_file(str(HERE / "../families" / folder / "tokenizer.json"))
    tokenizer.enable_truncation(max_length)
    return lambda texts: [tokenizer.encode(t).ids for t in texts]


def siglip_ids(folder, padding, lower=False):
    tokenizer = families.Tokenizer.from_file(str(HERE / "../families" / folder / "tokenizer.json"))
    tokenizer.enable_truncation(64)
    tokenizer.enable_padding(length=64, pad_id=tokenizer.token_to_id(padding))
    return lambda texts: [tokenizer.encode(t.lower() if lower else t).ids for t in texts]


def bert_ids():
    tokenizer = families.BertTokenizer(str(HERE / "../families/chinese-clip/vocab.txt"))
    return lambda texts: [tokenizer(t, truncation=True, max_length=512)["input_ids"] for t in texts]


def main():
    torch.set_num_threads(2)
    transformers.logging.set_verbosity_error()
    clip_size = {"shortest_edge": 224}, {"height": 224, "width": 224}
    build("clip-vit-base-patch32", CLIPModel(CLIPConfig(text_config=dict(eos_token_id=2))).eval(), "clip", clip_ids("clip", 77),
          families.CLIPImageProcessorPil(size=clip_size[0], crop_size=clip_size[1]))
    build("clip-vit-large-patch14-336", CLIPModel(CLIPConfig(
        text_config=dict(eos_token_id=2, hidden_size=768, intermediate_size=3072, num_attention_heads=12, projection_dim=768),
        vision_config=dict(hidden_size=1024, intermediate_size=4096, num_attention_heads=16, num_hidden_layers=24, image_size=336, patch_size=14,
                           projection_dim=768), projection_dim=768)).eval(), "clip", clip_ids("clip", 77),
          families.CLIPImageProcessorPil(size={"shortest_edge": 336}, crop_size={"height": 336, "width": 336}))
    build("chinese-clip-vit-base-patch16", ChineseCLIPModel(ChineseCLIPConfig(
        text_config=dict(vocab_size=21128), vision_config=dict(patch_size=16))).eval(), "chinese-clip", bert_ids(),
          families.ChineseCLIPImageProcessorPil(size={"height": 224, "width": 224}, do_center_crop=False))
    build("siglip-base-patch16-224", SiglipModel(SiglipConfig()).eval(), "siglip", siglip_ids("siglip", "</s>"),
          families.SiglipImageProcessorPil(size={"height": 224, "width": 224}))
    build("siglip2-base-patch16-256", SiglipModel(SiglipConfig(
        text_config=dict(vocab_size=256000), vision_config=dict(image_size=256))).eval(), "siglip2", siglip_ids("siglip2", "<pad>", lower=True),
          families.SiglipImageProcessorPil(size={"height": 256, "width": 256}, resample=2))


main()
