#!/usr/bin/env python3
"""Writes expected.txt: what transformers makes of labels for a picture; see README.md."""
import os

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from PIL import Image
from tokenizers import Tokenizer
from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
PICTURE = os.path.join(HERE, "../model/images/photo00.jpg")
ENGLISH, CHINESE = ["a dog", "a cat", "red"], ["狗", "猫", "红"]
# folder of ../families: labels, and the token that pads SigLIP's texts to their whole length
CASES = {"clip": (ENGLISH, None), "chinese-clip": (CHINESE, None), "siglip": (ENGLISH, "</s>"), "siglip2": (ENGLISH, "<pad>")}


def tokens(folder, labels, pad, model):
    if pad is None:
        return dict(AutoTokenizer.from_pretrained(folder)(labels, padding=True, return_tensors="pt"))
    # What AutoTokenizer makes of these small tokenizers needs files that they do not have.
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    length = model.config.text_config.max_position_embeddings
    rows = [tokenizer.encode(label).ids for label in labels]
    filler = tokenizer.token_to_id(pad)
    return {"input_ids": torch.tensor([row + [filler] * (length - len(row)) for row in rows])}


def main():
    with open(os.path.join(HERE, "expected.txt"), "w", encoding="utf-8") as out:
        for family, (labels, pad) in CASES.items():
            folder = os.path.join(HERE, "../families", family)
            model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
            pixels = AutoImageProcessor.from_pretrained(folder, use_fast=False)(
                images=Image.open(PICTURE).convert("RGB"), return_tensors="pt")
            with torch.no_grad():
                logits = model(**tokens(folder, labels, pad, model), pixel_values=pixels["pixel_values"]).logits_per_image[0]
            likely = torch.sigmoid(logits) if "siglip" in family else torch.softmax(logits, 0)
            for label, probability in zip(labels, likely):
                out.write(f"{family}\t{label}\t{probability:.6f}\n")


if __name__ == "__main__":
    main()
