"""Recall of a model folder on DATA/eval by the reference implementation, by source and language, both directions.

    python evaluate.py --model FOLDER --data DATA --out OUT [--stamps FOLDER]

OUT holds eval.pixels from features.py. --stamps also reports the demo library (never trained on) by its captions.
"""

import argparse
import os
import re

import numpy as np
import torch

import common
from features import eval_rows, load_squashed
from reference import Reference


def line(source, lang, n, image, text, owner, words):
    t, i = common.recall(image, text, owner, words)
    print(
        "| %s | %s | %d | %s | %s |"
        % (source, lang, n, " / ".join("%.3f" % v for v in t), " / ".join("%.3f" % v for v in i)),
        flush=True,
    )


def main():
    p = argparse.ArgumentParser()
    for name in ("model", "data", "out"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--stamps", default="")
    p.add_argument("--sources", default="", help="only these, comma-separated")
    p.add_argument("--vectors", default="", help="cache the pictures' vectors in this file")
    a = p.parse_args()
    ref = Reference(a.model)
    rows = {q: i for i, q in enumerate(eval_rows(a.data))}
    if a.vectors and os.path.exists(a.vectors):
        image = torch.load(a.vectors)
    else:
        image = ref.images(
            np.memmap(os.path.join(a.out, "eval.pixels"), np.uint8, "r", shape=(len(rows), 260, 260, 3))
        )
        if a.vectors:
            torch.save(image, a.vectors)
    print(
        "| source | language | pictures | text->image R@1/5/10 | image->text R@1/5/10 |\n|---|---|---|---|---|"
    )
    for (source, lang), (pics, texts, owner) in common.eval_sets(a.data).items():
        if not texts or a.sources and source not in a.sources.split(","):
            continue
        line(
            source,
            lang,
            len(pics),
            image[torch.tensor([rows[q] for q in pics])],
            ref.texts(texts),
            owner,
            texts,
        )
    if a.stamps:
        pics, en, zh = [], [], []
        for d, _, files in sorted(os.walk(a.stamps)):
            for f in sorted(files):
                cap = os.path.join(d, re.sub(r"\.png$", ".txt", f))
                if f.endswith(".png") and os.path.exists(cap):
                    text = open(cap, encoding="utf-8", errors="replace").read().splitlines()
                    chinese = [x.split("=", 1)[1] for x in text if x.startswith("zh_CN.utf8=")] or [
                        x.split("=", 1)[1] for x in text if x.startswith("zh_TW.utf8=")
                    ]
                    pics.append(os.path.join(d, f))
                    en.append(text[0] if text else "")
                    zh.append(chinese[0] if chinese else "")
        vectors = a.vectors + ".stamps" if a.vectors else ""
        if vectors and os.path.exists(vectors):
            image = torch.load(vectors)
        else:
            image = ref.images(np.stack([np.asarray(load_squashed(q, 260)) for q in pics]))
            if vectors:
                torch.save(image, vectors)
        for lang, words in (("en", en), ("zh", zh)):
            at = [i for i, w in enumerate(words) if w]
            line(
                "tuxpaint-stamps",
                lang,
                len(at),
                image[torch.tensor(at)],
                ref.texts([words[i] for i in at]),
                range(len(at)),
                [words[i] for i in at],
            )


if __name__ == "__main__":
    main()
