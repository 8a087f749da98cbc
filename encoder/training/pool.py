"""Caches the pooled features of all training texts under a checkpoint's text towers, so that heads.py needs no tower.

python pool.py --out OUT --name NAME --vocab vocab-LANG.txt --lang en|zh      -> OUT/pool-NAME-LANG.pt
"""

import argparse
import os
import random
import time

import torch

import common
import data
from towers import TextTower


def load_tower(state, lang):
    state = {
        k[len(f"text.{lang}.bert.") :]: v for k, v in state.items() if k.startswith(f"text.{lang}.bert.")
    }
    layers = 1 + max(int(k.split(".")[2]) for k in state if k.startswith("encoder.layer."))
    tower = TextTower(
        common.bert_config(state["embeddings.word_embeddings.weight"].shape[0], layers, drop=0.0)
    )
    tower.bert.load_state_dict(state)
    return tower.eval()


def pool_texts(items, lang):
    """Up to five texts a picture: its captions, or prompts of its labels."""
    rng = random.Random(5)
    texts, owner = [], []
    for i, it in enumerate(items):
        own = list(it["captions"] if lang == "en" else it["zh_captions"])
        if it["source"] not in ("flickr8k", "coco-2k", "coco-val-9"):
            own = own[:1] + [
                t
                for t in (data.prompt(dict(it, captions=[], zh_captions=[]), rng, lang) for _ in range(3))
                if t
            ]
        own = list(dict.fromkeys(own))[:5]
        texts += own
        owner += [i] * len(own)
    return texts, owner


def main():
    p = argparse.ArgumentParser()
    for name in ("out", "name", "vocab", "lang"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--free", action="store_true", help="only texts of sources free of research-only terms")
    a = p.parse_args()
    items = common.read_jsonl(os.path.join(a.out, "items.jsonl"))
    tower, tok = load_tower(
        torch.load(os.path.join(a.out, a.name + ".pt"))["model"], a.lang
    ), common.tokenizer(a.vocab)
    texts, owner = pool_texts(
        [
            (
                it
                if it["free"] or not a.free
                else dict(it, source="", captions=[], labels=[], zh_captions=[], zh_labels=[])
            )
            for it in items
        ],
        a.lang,
    )
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    feats = torch.zeros(len(texts), 384)
    begin = time.time()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for b in range(0, len(order), 256):
            part = order[b : b + 256]
            feats[torch.tensor(part)] = common.encode(
                tower, tok, [texts[i] for i in part], chunks=1
            ).float()
            if b % (256 * 20) == 0:
                print(b, "of", len(order), "%.0fs" % (time.time() - begin), flush=True)
    torch.save(
        dict(texts=texts, owner=torch.tensor(owner), feats=feats),
        os.path.join(a.out, f"pool-{a.name}-{a.lang}.pt"),
    )


if __name__ == "__main__":
    main()
