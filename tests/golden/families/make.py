"""Makes small models of every family with random weights, as they are published, and what the reference computes with them.

README.md has the command and the versions. Run it in this folder; it writes one folder a model and vectors.safetensors in each.
"""
import json
import pathlib
import shutil

import numpy as np
import open_clip
import torch
import transformers
from PIL import Image, ImageOps
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (BertTokenizer, ChineseCLIPConfig, ChineseCLIPModel, CLIPConfig, CLIPModel, CLIPTokenizer,
                          SiglipConfig, SiglipModel)
from transformers.models.chinese_clip.image_processing_pil_chinese_clip import ChineseCLIPImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

HERE = pathlib.Path(__file__).parent
PICTURES = sorted((HERE / "../model/images").iterdir())
TEXTS = [line for line in (HERE / "texts.txt").read_text("utf-8").split("\n") if line]
CLIP_MEAN, CLIP_STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]


def fill(model, seed):
    """Random weights under which every part of a tower matters: what passes through keeps its size."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if "logit" in name:
                p.fill_(-3.0 if "bias" in name else 2.5)
            elif "norm" in name.lower() or "ln_" in name:
                p.copy_(1 + 0.3 * noise if name.endswith("weight") else 0.2 * noise)
            elif p.ndim < 2 or "embed" in name or "probe" in name:
                p.copy_(0.5 * noise)
            elif name.endswith(("proj", "text_projection")):  # OpenCLIP's are [in, out]
                p.copy_(noise * 1.2 / p.shape[0] ** 0.5)
            else:
                p.copy_(noise * 1.2 / (p.numel() / p.shape[0]) ** 0.5)
    return model.eval()


# Tokenizers: small, but with the parts of the published ones. tests/golden/tokenizers has those that are tested in earnest.

def clip_tokenizer(folder, files):
    t = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>", continuing_subword_prefix=""))
    t.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=590, end_of_word_suffix="</w>", initial_alphabet=alphabet, special_tokens=[], show_progress=False)
    t.train_from_iterator(TEXTS, trainer)
    made = json.loads(t.to_str())["model"]
    # As OpenAI's vocabulary: bytes, bytes that end a word, merges, then the two special tokens.
    order = sorted(alphabet)
    tokens = order + [a + "</w>" for a in order]
    tokens += [t for t in sorted(made["vocab"], key=made["vocab"].get) if t not in set(tokens)]
    vocab = {token: i for i, token in enumerate(tokens + ["<|startoftext|>", "<|endoftext|>"])}
    merges = [tuple(m) for m in made["merges"]]
    tokenizer = CLIPTokenizer(vocab=vocab, merges=merges)
    tokenizer.save_pretrained(folder)
    if not files:  # the older pair of files instead
        (folder / "tokenizer.json").unlink()
        (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), "utf-8")
        (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges), "utf-8")
    return tokenizer, len(vocab)


def siglip_tokenizer(folder):
    t = Tokenizer(models.Unigram())
    t.normalizer = normalizers.Sequence([
        normalizers.Lowercase(), normalizers.Replace(Regex(r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]"), ""),
        normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()])
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    t.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    t.train_from_iterator(TEXTS, trainers.UnigramTrainer(vocab_size=300, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>",
                                                         show_progress=False))
    t.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", t.token_to_id("</s>"))])
    t.save(str(folder / "tokenizer.json"))
    write(folder, "tokenizer_config.json", {"pad_token": "</s>", "eos_token": "</s>", "unk_token": "<unk>", "model_max_length": 16,
                                            "tokenizer_class": "SiglipTokenizer"})
    return t, t.get_vocab_size(), t.token_to_id("</s>")


def gemma_tokenizer(folder):
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Replace(" ", "▁")
    t.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    t.train_from_iterator([s.lower() for s in TEXTS[: len(TEXTS) // 2]],
                          trainers.BpeTrainer(vocab_size=600, special_tokens=special + [f"<0x{i:02X}>" for i in range(256)], show_progress=False))
    made = json.loads(t.to_str())
    for token in made["added_tokens"]:  # the bytes are plain tokens, as in Gemma's file
        token["special"] = token["content"] in special
    made["added_tokens"] = [a for a in made["added_tokens"] if a["special"]]
    t = Tokenizer.from_str(json.dumps(made))
    t.post_processor = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", t.token_to_id("<eos>"))])
    t.save(str(folder / "tokenizer.json"))
    write(folder, "tokenizer_config.json", {"pad_token": {"content": "<pad>"}, "tokenizer_class": "GemmaTokenizer", "model_max_length": 16})
    # transformers' Siglip2Tokenizer puts this before; the published file does not have it.
    t.normalizer = normalizers.Sequence([normalizers.Lowercase(), t.normalizer])
    return t, t.get_vocab_size(), t.token_to_id("<pad>")


def bert_tokenizer(folder):
    words = sorted({w for s in TEXTS for w in s.lower().split() if w.isascii() and w.isalpha()})[:150]
    chars = sorted({c for s in TEXTS for c in s if "\u4e00" <= c <= "\u9fff"})
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *("##" + c for c in letters), *words, *chars, *"!?.,，。"]
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(tokens)) + "\n", "utf-8")
    return BertTokenizer(str(folder / "vocab.txt")), len(dict.fromkeys(tokens))


# Folders.

def write(folder, name, value):
    (folder / name).write_text(json.dumps(value, indent=1) + "\n", "utf-8")


def new(name):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def on_white(picture):
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture, mask=picture.getchannel("A"))
    return white


def pictures():
    return [on_white(ImageOps.exif_transpose(Image.open(p))) for p in PICTURES]


def through(processor):
    return torch.cat([processor(images=p, return_tensors="pt")["pixel_values"] for p in pictures()])


def features(output):
    return output if isinstance(output, torch.Tensor) else output.pooler_output


def save_vectors(folder, images, texts):
    unit = torch.nn.functional.normalize
    save_file({"images": unit(images.double()).float(), "texts": unit(texts.double()).float()}, folder / "vectors.safetensors")


def embed(folder, model, pixels, ids):
    """In double precision, one text at a time, so that no padding is needed where the model does not ask for any."""
    model = model.double()
    with torch.no_grad():
        images = features(model.get_image_features(pixel_values=pixels.double()))
        texts = torch.cat([features(model.get_text_features(input_ids=torch.tensor([i]))) for i in ids])
    save_vectors(folder, images, texts)


def clip_config(vocab, **other):
    text = dict(vocab_size=vocab, hidden_size=32, intermediate_size=80, num_hidden_layers=2, num_attention_heads=2,
                max_position_embeddings=20, eos_token_id=vocab - 1, bos_token_id=vocab - 2, pad_token_id=vocab - 1)
    vision = dict(hidden_size=48, intermediate_size=112, num_hidden_layers=2, num_attention_heads=3, image_size=48, patch_size=12)
    return CLIPConfig(text_config=text | other.get("text", {}), vision_config=vision | other.get("vision", {}), projection_dim=24)


def clip():
    folder = new("clip")
    tokenizer, vocab = clip_tokenizer(folder, files=True)
    model = fill(CLIPModel(clip_config(vocab)), 1)
    model.save_pretrained(folder)
    processor = CLIPImageProcessorPil(size={"shortest_edge": 48}, crop_size={"height": 48, "width": 48})
    processor.save_pretrained(folder)
    ids = [tokenizer(s, truncation=True, max_length=20)["input_ids"] for s in TEXTS]
    embed(folder, model, through(processor), ids)
    # The same weights as halves: the reference computes with what the halves stand for.
    for kind, dtype in (("clip-f16", torch.float16), ("clip-bf16", torch.bfloat16)):
        other = new(kind)
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"):
            shutil.copy(folder / name, other / name)
        halves = {k: v.to(dtype) for k, v in load_file(folder / "model.safetensors").items()}
        save_file(halves, other / "model.safetensors", metadata={"format": "pt"})
        model.load_state_dict({k: v.double() for k, v in halves.items()})
        embed(other, model, through(processor), ids)


def clip_old():
    """As the first published: the end token's wrong number, sizes as numbers, no tokenizer.json; and in shards."""
    folder = new("clip-old")
    tokenizer, vocab = clip_tokenizer(folder, files=False)
    config = clip_config(vocab, text=dict(eos_token_id=2, hidden_act="gelu"), vision=dict(hidden_act="gelu", image_size=40, patch_size=8))
    model = fill(CLIPModel(config), 2)
    model.save_pretrained(folder, max_shard_size="100KB")
    write(folder, "preprocessor_config.json", {
        "crop_size": 40, "do_center_crop": True, "do_normalize": True, "do_resize": True, "feature_extractor_type": "CLIPFeatureExtractor",
        "image_mean": CLIP_MEAN, "image_std": CLIP_STD, "resample": 3, "size": 44})
    processor = CLIPImageProcessorPil(size={"shortest_edge": 44}, crop_size={"height": 40, "width": 40})
    ids = [tokenizer(s, truncation=True, max_length=20)["input_ids"] for s in TEXTS]
    embed(folder, model, through(processor), ids)


def openclip(name, seed, custom, quick_gelu, vision, interpolation, resize_mode):
    folder = new(name)
    tokenizer, vocab = clip_tokenizer(folder, files=True)
    text = dict(context_length=20, vocab_size=vocab, width=32, heads=2, layers=2, hf_tokenizer_name="somebody/tokenizer")
    cfg = dict(embed_dim=24, quick_gelu=quick_gelu, vision_cfg=vision, text_cfg=text) | (dict(custom_text=True) if custom else {})
    preprocess = dict(mean=CLIP_MEAN, std=CLIP_STD, interpolation=interpolation, resize_mode=resize_mode)
    write(folder, "open_clip_config.json", {"model_cfg": cfg, "preprocess_cfg": preprocess})
    make = open_clip.CustomTextCLIP if custom else open_clip.CLIP
    model = fill(make(24, vision, {k: v for k, v in text.items() if k != "hf_tokenizer_name"}, quick_gelu=quick_gelu), seed)
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    transform = open_clip.image_transform(vision["image_size"], is_train=False, mean=CLIP_MEAN, std=CLIP_STD,
                                          interpolation=interpolation, resize_mode=resize_mode)
    pixels = torch.stack([transform(p) for p in pictures()])
    ids = [tokenizer(s, truncation=True, max_length=20)["input_ids"] for s in TEXTS]
    padded = torch.tensor([i + [0] * (20 - len(i)) for i in ids])
    model = model.double()
    with torch.no_grad():
        save_vectors(folder, model.encode_image(pixels.double()), model.encode_text(padded))


def open_clip_names(hf):
    """The weights of a CLIPModel under OpenCLIP's names and in its shapes."""
    out = {"logit_scale": hf["logit_scale"],
           "visual.conv1.weight": hf["vision_model.embeddings.patch_embedding.weight"],
           "visual.class_embedding": hf["vision_model.embeddings.class_embedding"],
           "visual.positional_embedding": hf["vision_model.embeddings.position_embedding.weight"],
           "visual.proj": hf["visual_projection.weight"].T.contiguous(),
           "token_embedding.weight": hf["text_model.embeddings.token_embedding.weight"],
           "positional_embedding": hf["text_model.embeddings.position_embedding.weight"],
           "text_projection": hf["text_projection.weight"].T.contiguous()}
    for kind in ("weight", "bias"):
        out[f"visual.ln_pre.{kind}"] = hf[f"vision_model.pre_layrnorm.{kind}"]
        out[f"visual.ln_post.{kind}"] = hf[f"vision_model.post_layernorm.{kind}"]
        out[f"ln_final.{kind}"] = hf[f"text_model.final_layer_norm.{kind}"]
        for theirs, ours in (("vision_model.encoder.layers", "visual.transformer.resblocks"),
                             ("text_model.encoder.layers", "transformer.resblocks")):
            for i in range(2):
                layer, block = f"{theirs}.{i}", f"{ours}.{i}"
                out[f"{block}.attn.in_proj_{kind}"] = torch.cat([hf[f"{layer}.self_attn.{p}_proj.{kind}"] for p in "qkv"])
                for a, b in (("self_attn.out_proj", "attn.out_proj"), ("layer_norm1", "ln_1"), ("layer_norm2", "ln_2"),
                             ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj")):
                    out[f"{block}.{b}.{kind}"] = hf[f"{layer}.{a}.{kind}"]
    return out


def clip_as_open_clip():
    """clip-f16 once more, in OpenCLIP's layout."""
    folder, hf = new("clip-f16-open-clip"), HERE / "clip-f16"
    vision = dict(image_size=48, layers=2, width=48, patch_size=12, head_width=16, mlp_ratio=112.5 / 48)
    text = dict(context_length=20, vocab_size=json.loads((hf / "config.json").read_text())["text_config"]["vocab_size"],
                width=32, heads=2, layers=2, mlp_ratio=2.5)
    write(folder, "open_clip_config.json", {"model_cfg": dict(embed_dim=24, quick_gelu=True, vision_cfg=vision, text_cfg=text)})
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(hf / name, folder / name)
    weights = open_clip_names(load_file(hf / "model.safetensors"))
    save_file(weights, folder / "open_clip_model.safetensors")
    model = open_clip.CLIP(24, vision, text, quick_gelu=True).double().eval()
    model.load_state_dict({k: v.double() for k, v in weights.items()})
    pixels = torch.stack([open_clip.image_transform(48, is_train=False, mean=CLIP_MEAN, std=CLIP_STD)(p) for p in pictures()])
    tokenizer = CLIPTokenizer.from_pretrained(hf)
    ids = [tokenizer(s, truncation=True, max_length=20)["input_ids"] for s in TEXTS]
    with torch.no_grad():
        save_vectors(folder, model.encode_image(pixels.double()), model.encode_text(torch.tensor([i + [0] * (20 - len(i)) for i in ids])))


def chinese_clip():
    folder = new("chinese-clip")
    tokenizer, vocab = bert_tokenizer(folder)
    config = ChineseCLIPConfig(
        text_config=dict(vocab_size=vocab, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
                         max_position_embeddings=24),
        vision_config=dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=48, patch_size=12),
        projection_dim=20)
    model = fill(ChineseCLIPModel(config), 5)
    model.save_pretrained(folder)
    processor = ChineseCLIPImageProcessorPil(size={"height": 48, "width": 48}, do_center_crop=False)
    processor.save_pretrained(folder)
    ids = [tokenizer(s, truncation=True, max_length=24)["input_ids"] for s in TEXTS]
    embed(folder, model, through(processor), ids)


def siglip(name, make_tokenizer, seed, resample, size, patch):
    folder = new(name)
    tokenizer, vocab, padding = make_tokenizer(folder)
    config = SiglipConfig(
        text_config=dict(vocab_size=vocab, hidden_size=32, intermediate_size=72, num_hidden_layers=2, num_attention_heads=2,
                         max_position_embeddings=16),
        vision_config=dict(hidden_size=32, intermediate_size=72, num_hidden_layers=2, num_attention_heads=2, image_size=size, patch_size=patch))
    model = fill(SiglipModel(config), seed)
    model.save_pretrained(folder)
    processor = SiglipImageProcessorPil(size={"height": size, "width": size}, resample=resample)
    processor.save_pretrained(folder)
    tokenizer.enable_truncation(16)
    tokenizer.enable_padding(length=16, pad_id=padding)
    embed(folder, model, through(processor), [tokenizer.encode(s).ids for s in TEXTS])


if __name__ == "__main__":
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    (HERE / "pictures.txt").write_text("".join(p.name + "\n" for p in PICTURES))
    clip()
    clip_old()
    openclip("open-clip", 3, False, False, dict(image_size=40, layers=2, width=48, patch_size=8, head_width=16), "bicubic", "shortest")
    openclip("open-clip-custom", 4, True, True, dict(image_size=42, layers=2, width=40, patch_size=14, head_width=20, mlp_ratio=2.5),
             "bilinear", "squash")
    clip_as_open_clip()
    chinese_clip()
    siglip("siglip", siglip_tokenizer, 6, 3, 50, 16)  # 2 pixels a side belong to no patch
    siglip("siglip2", gemma_tokenizer, 7, 2, 48, 16)
    for extra in HERE.glob("*/*"):  # not read by anybody here
        if extra.name in ("special_tokens_map.json", "generation_config.json", "added_tokens.json"):
            extra.unlink()
