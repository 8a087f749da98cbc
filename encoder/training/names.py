"""Teaches the text heads bare nouns ("dog", "fruit"): names of ImageNet classes and of what WordNet says they are.

The classifier gives every training picture a probability for each class; a name's is the sum over the classes below it.
The name's similarities to a batch of pictures are drawn to that distribution. Pictures and towers stand still.

    python names.py --out OUT --name NAME --init NAME --images CACHE --towers NAME --zh NAME --minilm MINILM --wordnet WORDNET
"""

import argparse
import collections
import os
import random

import numpy as np
import torch
from torch.nn import functional as F

import common
import heads as tails
import pool
import train
from towers import Head


def hypernyms(folder):
    """{wnid: [wnid of its hypernyms]} and {wnid: first word}."""
    up, word = {}, {}
    for line in open(os.path.join(folder, "data.noun"), encoding="latin-1"):
        if line.startswith("  "):
            continue
        f = line.split(" | ")[0].split()
        n = int(f[3], 16)
        word["n" + f[0]] = f[4].replace("_", " ").lower()
        at = 4 + 2 * n
        up["n" + f[0]] = [
            "n" + f[at + 2 + 4 * k] for k in range(int(f[at])) if f[at + 1 + 4 * k] in ("@", "@i")
        ]
    return up, word


def concepts(order, folder):
    """{name: class numbers}: every class, and every hypernym that covers 2 to 140 classes."""
    up, word = hypernyms(folder)
    below = collections.defaultdict(set)
    for c, wnid in enumerate(order):
        todo = [wnid]
        while todo:
            x = todo.pop()
            below[word[x]].add(c)
            todo += up[x]
    return {w: sorted(cs) for w, cs in below.items() if len(cs) <= 140}


def picture_vectors(out, m, taps, items):
    """Vectors of all whole training pictures under a checkpoint with a tuned tail, and the classifier's probabilities."""
    a = argparse.Namespace(out=out, start="16", views=1, hidden=0, drop=0.0)
    pics = train.Pictures(a, len(items), taps)
    tail = tails.Tail(a, len(pics.cols), taps)
    tail.load_state_dict({k: v for k, v in m.items() if k.startswith(("head.", "image."))})
    tail.eval()
    z, p = [], []
    with torch.no_grad():
        for b in range(0, len(items), 128):
            idx = list(range(b, min(b + 128, len(items))))
            z.append(tail.head(tails.features(tail, pics, 0, idx)))
            p.append(pics.classes(0, idx).half())
    return torch.cat(z), torch.cat(p)


def main():
    p = argparse.ArgumentParser()
    for name in ("out", "name", "init", "images", "towers", "zh", "minilm", "wordnet"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--steps", type=int, default=400)
    p.add_argument("--lr", type=float, default=4e-4)
    p.add_argument("--weight", type=float, default=0.5)
    a = p.parse_args()
    torch.manual_seed(1)
    rng, nrng = random.Random(1), np.random.default_rng(1)
    items = common.read_jsonl(os.path.join(a.out, "items.jsonl"))
    state = torch.load(os.path.join(a.out, a.init + ".pt"))
    m = state["model"]
    if not os.path.exists(a.images):
        torch.save(picture_vectors(a.out, m, state["taps"], items), a.images)
    image, classes = torch.load(a.images)
    names = concepts(sorted(it["wnid"] for it in items if "wnid" in it), a.wordnet)
    known = list(names)
    cover = torch.zeros(len(known), 1000)
    for r, w in enumerate(known):
        cover[r, torch.tensor(names[w])] = 1
    size = np.array([len(names[w]) for w in known])
    draw = size**0.5 / (size**0.5).sum()
    tower = pool.load_tower(m, "en")
    tok = common.tokenizer(os.path.join(a.minilm, "vocab.txt"))
    frames = ["{}", "a {}", "a photo of a {}", "a drawing of a {}"]
    texts = [f.format(w) for w in known for f in frames]
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        named = torch.cat(
            [common.encode(tower, tok, texts[b : b + 256]).float() for b in range(0, len(texts), 256)]
        )
    print(len(known), "names", sorted(known, key=lambda w: -len(names[w]))[:40], flush=True)
    pools = {
        k: torch.load(os.path.join(a.out, f"pool-{n}-{k}.pt")) for k, n in (("en", a.towers), ("zh", a.zh))
    }
    heads = {k: Head(384, train.DIM) for k in pools}
    rows = {k: [[] for _ in items] for k in pools}
    for k, pl in pools.items():
        heads[k].load_state_dict(
            {x[len(f"heads.{k}.") :]: v for x, v in m.items() if x.startswith(f"heads.{k}.")}
        )
        for r, o in enumerate(pl["owner"].tolist()):
            rows[k][o].append(r)
    w = np.array([train.WEIGHTS[it["source"]] * (it["fold"] == "train") for it in items])
    prob = w / w.sum()
    held = common.held_sets(items)
    opt = torch.optim.AdamW([q for h in heads.values() for q in h.parameters()], lr=a.lr, weight_decay=0.05)
    scale = float(m["log_scale"].exp())

    def report():
        for (source, lang), (idx, words, owner) in sorted(held.items()):
            at = {(pools[lang]["texts"][r], i): r for i in idx for r in rows[lang][i]}
            keep = [k for k in range(len(words)) if (words[k], idx[owner[k]]) in at]
            f = pools[lang]["feats"][torch.tensor([at[words[k], idx[owner[k]]] for k in keep])]
            with torch.no_grad():
                t, i = common.recall(
                    image[idx], heads[lang](f), [owner[k] for k in keep], [words[k] for k in keep]
                )
            print(
                "   ",
                source,
                lang,
                " ".join("%.3f" % v for v in t),
                "|",
                " ".join("%.3f" % v for v in i),
                flush=True,
            )

    report()
    for step in range(a.steps):
        for g in opt.param_groups:
            g["lr"] = a.lr * min(1, (step + 1) / 20) * (1 - step / a.steps)
        idx = nrng.choice(len(items), 768, replace=False, p=prob)
        x = image[idx]
        loss = 0
        for k, h in heads.items():
            own = [(r, rng.choice(rows[k][i])) for r, i in enumerate(idx) if rows[k][i]]
            z = h(pools[k]["feats"][torch.tensor([c for _, c in own])])
            part = common.contrastive(
                x,
                z,
                torch.tensor([r for r, _ in own]),
                [pools[k]["texts"][c].lower() for _, c in own],
                scale,
            )
            loss = loss + part * (1 if k == "en" else 0.5)
        chosen = torch.from_numpy(nrng.choice(len(known), 128, replace=False, p=draw))
        q = classes[idx].float() @ cover[chosen].t()
        q = torch.where(q > 0.05, q, 0 * q)
        mass = q.sum(0)
        y = heads["en"](named[chosen * len(frames) + torch.randint(len(frames), (128,))])
        lp = F.log_softmax(scale * y @ x.t(), 1)
        match = -(q.t() / mass.clamp(min=1e-3)[:, None] * lp).sum(1)
        match = (match * mass.clamp(max=3)).sum() / mass.clamp(max=3).sum()
        opt.zero_grad()
        (loss + a.weight * match).backward()
        opt.step()
        if (step + 1) % 100 == 0:
            print(
                step + 1,
                "contrast %.3f names %.3f" % (float(loss.detach()), float(match.detach())),
                flush=True,
            )
    report()
    for k, h in heads.items():
        m.update({f"heads.{k}.{x}": v for x, v in h.state_dict().items()})
    torch.save(state, os.path.join(a.out, a.name + ".pt"))


if __name__ == "__main__":
    main()
