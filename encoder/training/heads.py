"""Trains heads on cached picture features (features.py) and cached text features (pool.py): a minute or two.

With --start 16 the image tower's last stages are trained too, from their cached activations, while the text towers stay as they are.

    python heads.py --out OUT --name NAME --towers NAME [--zh NAME] [--views 2] [--steps 1200] [--start 16 --init NAME]

Takes the text towers of checkpoint --towers (and the Chinese one of --zh) and writes a checkpoint with new heads.
"""

import argparse
import copy
import math
import os
import random
import time

import numpy as np
import torch
from torch.nn import functional as F

import common
import data
import names
import pool
import train
from towers import Head, ImageTower


class Tail(torch.nn.Module):
    """What Pictures.features() asks for: an object with the tower under .image; and the head."""

    def __init__(self, a, width, taps):
        super().__init__()
        self.image = None
        if a.start != "none":
            self.image = ImageTower("lite2", taps)
            self.image.load_reference(torch.load(os.path.join(a.out, "lite2.pt")))
            self.image = self.image.to(memory_format=torch.channels_last)
            self.image.requires_grad_(False)
            self.image.blocks[int(a.start) :].requires_grad_(True)
            self.image.top.requires_grad_(True)
        self.head = Head(width, train.DIM, a.hidden, a.drop)


def features(tail, pics, view, idx):
    with torch.autocast("cpu", torch.bfloat16, enabled=tail.image is not None):
        return pics.features(tail, view, idx).float()


def report(tail, heads, pics, pools, items, sets, feature_sets):
    line = []
    head = tail.head.eval()
    done = {}
    with torch.no_grad():
        for (source, lang), (idx, texts, owner) in sorted(sets.items()):
            if (source, lang) not in feature_sets:
                continue
            if source not in done:
                done[source] = {
                    i: v
                    for b in range(0, len(idx), 128)
                    for i, v in zip(idx[b : b + 128], head(features(tail, pics, 0, idx[b : b + 128])))
                }
            t, i = common.recall(
                torch.stack(
                    [
                        done[source][i] if i in done[source] else head(features(tail, pics, 0, [i]))[0]
                        for i in idx
                    ]
                ),
                heads[lang].eval()(feature_sets[source, lang]),
                owner,
                texts,
            )
            line.append(
                "%s.%s %s | %s"
                % (source[:8], lang, " ".join("%.3f" % v for v in t), " ".join("%.3f" % v for v in i))
            )
    head.train()
    for h in heads.values():
        h.train()
    return "\n    ".join(line)


def named_texts(a, base, order):
    """{language: (features by text, rows of a name's texts, classes it covers, how often)} for names of classes and hypernyms."""
    cover = names.concepts(order, a.names)
    words = {"en": {w: [w] for w in cover}}
    if a.zh:
        zh = {}
        for r in common.read_jsonl(os.path.join(a.out, "pairs.jsonl")):
            w = gloss_of(r)
            if w in cover and 1 <= len(r["zh"]) <= 3:
                zh.setdefault(w, []).append(r["zh"])
        words["zh"] = zh
    frames = {
        "en": ["{}", "a {}", "a photo of a {}", "a drawing of a {}"],
        "zh": ["{}", "{}", "一个{}", "{}的照片"],
    }
    out = {}
    for lang, of in words.items():
        state = base if lang == "en" else torch.load(os.path.join(a.out, a.zh + ".pt"))["model"]
        tower = pool.load_tower(state, lang)
        tok = common.tokenizer(a.vocab_en if lang == "en" else a.vocab_zh)
        texts, rows, known = [], [], []
        for w, ts in of.items():
            rows.append([])
            known.append(w)
            for t in ts:
                for f in frames[lang]:
                    rows[-1].append(len(texts))
                    texts.append(f.format(t))
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            feats = torch.cat(
                [common.encode(tower, tok, texts[b : b + 256]).float() for b in range(0, len(texts), 256)]
            )
        c = torch.zeros(len(known), 1000)
        for r, w in enumerate(known):
            c[r, torch.tensor(cover[w])] = 1
        size = np.array([len(cover[w]) for w in known])
        draw = size**0.5 / (size**0.5).sum()
        print(lang, len(known), "names", len(texts), "texts", [of[w][:3] for w in list(of)[:12]], flush=True)
        out[lang] = feats, rows, c, draw
    return out


def gloss_of(r):
    g = r["en"][0] if isinstance(r["en"], list) else r["en"]
    g = g.lower().split("(")[0].strip()
    for x in ("a ", "an ", "the "):
        g = g.removeprefix(x)
    return g


def names_loss(h, named, p, image, scale, nrng):
    """A name's similarities to the batch, drawn to the probabilities that the classifier gives what is below it."""
    feats, rows, cover, draw = named
    n = min(128, len(rows) // 2)
    chosen = nrng.choice(len(rows), n, replace=False, p=draw)
    q = p.float() @ cover[torch.from_numpy(chosen)].t()
    q = torch.where(q > 0.05, q, 0 * q)
    mass = q.sum(0)
    y = h(feats[torch.tensor([rows[c][nrng.integers(len(rows[c]))] for c in chosen])])
    lp = F.log_softmax(scale * y @ image.t(), 1)
    match = -(q.t() / mass.clamp(min=1e-3)[:, None] * lp).sum(1)
    return (match * mass.clamp(max=3)).sum() / mass.clamp(max=3).sum()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--out", required=True)
    p.add_argument("--name", required=True)
    p.add_argument("--towers", required=True)
    p.add_argument("--zh", default="")
    p.add_argument("--taps", default="3,6,10,14,19,20")
    p.add_argument("--views", type=int, default=1)
    p.add_argument("--hidden", type=int, default=0)
    p.add_argument("--text-hidden", type=int, default=0)
    p.add_argument("--steps", type=int, default=1200)
    p.add_argument("--batch", type=int, default=512)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--decay", type=float, default=0.2)
    p.add_argument("--drop", type=float, default=0.4)
    p.add_argument("--text-drop", type=float, default=0.1)
    p.add_argument("--classes", type=float, default=0.3)
    p.add_argument("--zh-weight", type=float, default=0.5)
    p.add_argument("--start", default="none")
    p.add_argument("--init", default="", help="checkpoint whose image head and tower to start from")
    p.add_argument("--lr-image", type=float, default=1e-4)
    p.add_argument("--ema", type=float, default=0.98)
    p.add_argument("--hours", type=float, default=9)
    p.add_argument("--keep-en", action="store_true", help="leave the English head as it is")
    p.add_argument("--all", action="store_true")
    p.add_argument("--free", action="store_true")
    p.add_argument("--names", default="", help="WordNet's folder: teach bare nouns too, as names.py does")
    p.add_argument("--names-weight", type=float, default=0.4)
    p.add_argument("--vocab-en", default="")
    p.add_argument("--vocab-zh", default="")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    torch.manual_seed(a.seed)
    rng, nrng = random.Random(a.seed), np.random.default_rng(a.seed)
    items = common.read_jsonl(os.path.join(a.out, "items.jsonl"))
    taps = [int(t) for t in a.taps.split(",") if t]
    pics = train.Pictures(a, len(items), taps)
    base = torch.load(os.path.join(a.out, a.towers + ".pt"))["model"]
    pools = {"en": torch.load(os.path.join(a.out, f"pool-{a.towers}-en.pt"))}
    if a.zh:
        pools["zh"] = torch.load(os.path.join(a.out, f"pool-{a.zh}-zh.pt"))
    rows = {lang: [[] for _ in items] for lang in pools}
    for lang, pool in pools.items():
        for r, o in enumerate(pool["owner"].tolist()):
            rows[lang][o].append(r)
    w = np.array(
        [
            train.WEIGHTS[it["source"]] * (a.all or it["fold"] == "train") * (it["free"] or not a.free)
            for it in items
        ]
    )
    prob = w / w.sum()
    tail = Tail(a, len(pics.cols), taps)
    head = tail.head
    heads = {lang: Head(384, train.DIM, a.text_hidden, a.text_drop) for lang in pools}
    sample = torch.from_numpy(nrng.choice(np.flatnonzero(w > 0), 4096, replace=False))
    head.standardise(torch.cat([pics.means[v][sample][:, pics.cols].float() for v in range(a.views)]))
    for lang, h in heads.items():
        h.standardise(pools[lang]["feats"])
        prefix = f"heads.{lang}."
        if lang == "en" and a.text_hidden == 0:
            h.load_state_dict({k[len(prefix) :]: v for k, v in base.items() if k.startswith(prefix)})
    if a.init:
        first = torch.load(os.path.join(a.out, a.init + ".pt"))["model"]
        tail.load_state_dict(
            {k: v for k, v in first.items() if k.startswith(("head.", "image."))}, strict=False
        )
        for lang, h in heads.items():
            h.load_state_dict(
                {k[len(f"heads.{lang}.") :]: v for k, v in first.items() if k.startswith(f"heads.{lang}.")},
                strict=False,
            )
    log_scale = torch.nn.Parameter(torch.tensor(math.log(20.0)))
    parts = [head] + [h for lang, h in heads.items() if not (a.keep_en and lang == "en")]
    ps = [q for part in parts for q in part.parameters()]
    opt = torch.optim.AdamW(
        [
            dict(params=[q for q in ps if q.ndim > 1], weight_decay=a.decay, base=a.lr),
            dict(params=[q for q in ps if q.ndim < 2], weight_decay=0, base=a.lr),
            dict(params=[log_scale], weight_decay=0, base=2e-3),
        ]
        + (
            [
                dict(
                    params=[q for q in tail.image.parameters() if q.requires_grad],
                    weight_decay=0.02,
                    base=a.lr_image,
                )
            ]
            if tail.image is not None
            else []
        ),
        lr=a.lr,
        betas=(0.9, 0.98),
    )
    order = sorted(it["wnid"] for it in items if "wnid" in it)
    where = {it["wnid"]: i for i, it in enumerate(items) if "wnid" in it}
    class_rows = [rows["en"][where[x]] for x in order]
    sets, feature_sets = common.held_sets(items), {}
    for (source, lang), (idx, texts, owner) in list(sets.items()):
        if lang not in pools:
            continue
        known = {}
        for i in idx:
            for r in rows[lang][i]:
                known[pools[lang]["texts"][r], i] = r
        keep = [k for k, (t, o) in enumerate(zip(texts, owner)) if (t, idx[o]) in known]
        if not keep:
            continue
        sets[source, lang] = (idx, [texts[k] for k in keep], [owner[k] for k in keep])
        feature_sets[source, lang] = pools[lang]["feats"][
            torch.tensor([known[texts[k], idx[owner[k]]] for k in keep])
        ]
    named = {}
    if a.names:
        named = named_texts(a, base, order)
    modules = torch.nn.ModuleDict(dict(tail=tail, **{"text_" + k: h for k, h in heads.items()}))
    average = copy.deepcopy(modules)
    begin = time.time()
    for step in range(a.steps):
        at = max(step / a.steps, (time.time() - begin) / 3600 / a.hours)
        if at >= 1:
            break
        f = min(1, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * at))
        for g in opt.param_groups:
            g["lr"] = g["base"] * f
        idx = nrng.choice(len(items), a.batch, replace=False, p=prob)
        view = int(nrng.integers(a.views))
        image = head(features(tail, pics, view, idx))
        scale = log_scale.exp().clamp(max=100)
        loss = 0
        for lang, h in heads.items():
            own = [(r, rng.choice(rows[lang][i])) for r, i in enumerate(idx) if rows[lang][i]]
            at = torch.tensor([k for _, k in own])
            z = h(pools[lang]["feats"][at])
            words = [pools[lang]["texts"][k].lower() for _, k in own]
            part = common.contrastive(image, z, torch.tensor([r for r, _ in own]), words, scale)
            if lang == "en" and a.classes > 0:
                q = pics.classes(view, idx)
                chosen = np.unique(
                    np.r_[
                        nrng.choice(
                            1000,
                            100,
                            replace=False,
                            p=np.asarray(q.mean(0), np.float64) / float(q.mean(0).double().sum()),
                        ),
                        nrng.integers(0, 1000, 50),
                    ]
                )
                y = h(pools["en"]["feats"][torch.tensor([rng.choice(class_rows[c]) for c in chosen])])
                q = q[:, chosen]
                part = part + a.classes * -(q * F.log_softmax(scale * image @ y.t(), 1)).sum() / q.sum()
            if lang in named:
                part = part + a.names_weight * names_loss(h, named[lang], pics.classes(view, idx), image, scale, nrng)
            loss = loss + part * (a.zh_weight if lang == "zh" else 1)
        opt.zero_grad()
        loss.backward()
        opt.step()
        k = min(a.ema, (step + 1) / (step + 10))
        with torch.no_grad():
            for q, r in zip(average.parameters(), modules.parameters()):
                if r.requires_grad:
                    q.lerp_(r, 1 - k)
        if tail.image is not None and (step + 1) % 20 == 0:
            print(step + 1, "%.0fs" % (time.time() - begin), "loss %.3f" % float(loss.detach()), flush=True)
        if (step + 1) % (80 if tail.image is not None else 400) == 0 or step + 1 == a.steps:
            print(
                step + 1,
                "%.0fs" % (time.time() - begin),
                "loss %.3f scale %.1f" % (float(loss.detach()), float(scale.detach())),
                "\n   ",
                report(
                    average["tail"],
                    {k: average["text_" + k] for k in heads},
                    pics,
                    pools,
                    items,
                    sets,
                    feature_sets,
                ),
                flush=True,
            )
    print(
        "final\n   ",
        report(
            average["tail"],
            {k: average["text_" + k] for k in heads},
            pics,
            pools,
            items,
            sets,
            feature_sets,
        ),
        flush=True,
    )
    state = {k: v for k, v in base.items() if not k.startswith(("head.", "heads.", "image.", "text.zh."))}
    if a.zh:
        state.update(
            {
                k: v
                for k, v in torch.load(os.path.join(a.out, a.zh + ".pt"))["model"].items()
                if k.startswith("text.zh.")
            }
        )
    state.update({k: v for k, v in average["tail"].state_dict().items()})
    for lang in heads:
        state.update({f"heads.{lang}." + k: v for k, v in average["text_" + lang].state_dict().items()})
    state["log_scale"] = log_scale.detach()
    torch.save(dict(model=state, taps=taps, args=vars(a)), os.path.join(a.out, a.name + ".pt"))


if __name__ == "__main__":
    main()
