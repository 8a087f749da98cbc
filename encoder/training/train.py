"""Trains the image head (and the image tower's tail), the English tower and the Chinese tower into one space.

Pictures come as cached features of a frozen tower (--start none), or as cached activations before block START, whose tail
is then trained (see cache.py). A run continues from another run's checkpoint with --init.

    python train.py --out OUT --name NAME --langs en --steps 900 [--start 11] [--init NAME] [--freeze image,en]
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
from towers import Head, ImageTower, TextTower

WEIGHTS = {
    "flickr8k": 1,
    "coco-2k": 1.5,
    "coco-val-9": 1.5,
    "imagenet-1-per-class": 1,
    "caltech-101": 0.5,
    "clothing": 0.4,
    "saleor": 1,
    "smartstore": 0.7,
    "myntra": 0.25,
    "magento-luma": 0.3,
    "openclipart": 0.35,
    "emoji": 0.4,
}
DIM = 384


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--out", required=True)
    p.add_argument("--name", required=True)
    p.add_argument("--minilm", default="")
    p.add_argument("--zh-vocab", default="")
    p.add_argument("--langs", default="en")
    p.add_argument("--taps", default="3,6,10,14,19,20")
    p.add_argument("--start", default="none")
    p.add_argument("--views", type=int, default=3)
    p.add_argument("--steps", type=int, default=900)
    p.add_argument("--batch", type=int, default=512)
    p.add_argument("--caps", type=int, default=1)
    p.add_argument("--lr-head", type=float, default=2e-3)
    p.add_argument("--lr-text", type=float, default=1e-4)
    p.add_argument("--lr-image", type=float, default=2e-4)
    p.add_argument("--decay", type=float, default=0.1)
    p.add_argument("--drop", type=float, default=0.4)
    p.add_argument("--text-drop", type=float, default=0.0)
    p.add_argument(
        "--freeze-layers",
        type=int,
        default=0,
        help="English layers that stay as they are, the embeddings always do",
    )
    p.add_argument("--hidden", type=int, default=0)
    p.add_argument("--text-hidden", type=int, default=0)
    p.add_argument("--classes", type=float, default=0.3, help="weight of the classifier distillation")
    p.add_argument(
        "--distil", type=float, default=0.5, help="weight of the English-to-Chinese distillation"
    )
    p.add_argument("--ema", type=float, default=0.99)
    p.add_argument("--init", default="")
    p.add_argument("--freeze", default="")
    p.add_argument("--word-drop", type=float, default=0.1)
    p.add_argument("--all", action="store_true", help="train on the held-out part too")
    p.add_argument("--free", action="store_true", help="only sources free of research-only terms")
    p.add_argument("--weights", default="", help="source=weight,... instead of the built-in ones")
    p.add_argument("--every", type=int, default=150)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--hours", type=float, default=9)
    return p.parse_args()


class Model(torch.nn.Module):
    """All the parts. image is the tower's tail (None when the features are frozen)."""

    def __init__(self, a, feat_dim, taps):
        super().__init__()
        self.taps = taps
        self.image = None
        if a.start != "none":
            self.image = ImageTower("lite2", taps)
            self.image.load_reference(torch.load(os.path.join(a.out, "lite2.pt")))
            self.image = self.image.to(memory_format=torch.channels_last)
            for p in list(self.image.stem.parameters()) + list(
                self.image.blocks[: int(a.start)].parameters()
            ):
                p.requires_grad_(False)
        self.head = Head(feat_dim, DIM, a.hidden, a.drop)
        self.text, self.heads = torch.nn.ModuleDict(), torch.nn.ModuleDict()
        for lang in a.langs.split(","):
            if lang == "en":
                tower = common.load_minilm(os.path.join(a.minilm, "model.safetensors"), a.text_drop)
            else:
                import zh_vocab

                tower = zh_vocab.initial_tower(a.minilm, a.zh_vocab, a.text_drop)
            self.text[lang], self.heads[lang] = tower, Head(384, DIM, a.text_hidden, 0.1)
        self.log_scale = torch.nn.Parameter(torch.tensor(math.log(20.0)))


class Pictures:
    """Cached features or activations of the training pictures."""

    def __init__(self, a, n, taps):
        tower = ImageTower("lite2")
        outs = [s["out"] for s in tower.specs]
        ends = np.cumsum(outs)
        self.total = int(ends[-1]) + 1280
        cols = list(range(1280))  # the top comes first, then the blocks
        for t in taps:
            cols += range(1280 + int(ends[t]) - outs[t], 1280 + int(ends[t]))
        self.start = None if a.start == "none" else int(a.start)
        self.taps, self.cols = taps, torch.tensor(cols)
        self.slices = {t: (1280 + int(ends[t]) - outs[t], 1280 + int(ends[t])) for t in taps}
        self.means = [
            torch.from_numpy(np.fromfile(os.path.join(a.out, f"train.{v}.f16"), np.float16).reshape(n, -1))
            for v in range(a.views)
        ]
        w, b = torch.load(os.path.join(a.out, "classifier.pt"))
        self.fc = w, b
        if self.start is not None:
            shape = common.read_jsonl(os.path.join(a.out, f"train.act{self.start}.json"))[0]
            self.acts = [
                np.memmap(
                    os.path.join(a.out, f"train.act{self.start}.{v}.f16"),
                    np.float16,
                    "r",
                    shape=tuple(shape),
                )
                for v in range(a.views)
            ]

    def classes(self, view, idx):
        f = self.means[view][idx][:, :1280].float()
        return F.softmax(f @ self.fc[0].t() + self.fc[1], 1)

    def features(self, model, view, idx):
        """[len(idx), features] with gradients into the tail when there is one."""
        if self.start is None:
            return self.means[view][idx][:, self.cols].float()
        m = self.means[view][idx]
        taps = {t: m[:, s:e].float() for t, (s, e) in self.slices.items() if t < self.start}
        order = np.argsort(idx)
        x = np.empty((len(idx),) + self.acts[view].shape[1:], np.float16)
        x[order] = self.acts[view][np.asarray(idx)[order]]
        x = torch.from_numpy(x).to(torch.bfloat16).permute(0, 3, 1, 2)
        return model.image.rest(x, taps, self.start)


def drop_words(text, p, rng, han):
    if p <= 0 or rng.random() < 0.4:
        return text
    parts = list(text) if han else text.split()
    if len(parts) < 4:
        return text
    kept = [w for w in parts if rng.random() >= p]
    return ("" if han else " ").join(kept) or text


def evaluate(a, model, pics, toks, items, sets):
    model.eval()
    line = []
    for (source, lang), (idx, texts, owner) in sorted(sets.items()):
        if lang not in model.text or (source, lang) == ("coco-2k", "zh"):
            continue
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            f = torch.cat([pics.features(model, 0, idx[b : b + 128]) for b in range(0, len(idx), 128)])
            image = model.head(f.float())
        text = common.embed_texts(model.text[lang], model.heads[lang], toks[lang], texts)
        t, i = common.recall(image, text, owner, texts)
        line.append(
            "%s.%s %s | %s"
            % (source[:8], lang, " ".join("%.3f" % v for v in t), " ".join("%.3f" % v for v in i))
        )
    model.train()
    return "\n    ".join(line)


def teach(a, model, tok, items):
    """The English tower's vector for every picture with Chinese texts: the mean over its English captions."""
    path = os.path.join(a.out, f"teacher-{a.init}.pt")
    if os.path.exists(path):
        return torch.load(path)
    texts, owner = [], []
    for i, it in enumerate(items):
        if it["zh_captions"] or it["zh_labels"]:
            own = it["captions"] if it["source"] == "flickr8k" else [it["labels"][0]]
            texts += own
            owner += [i] * len(own)
    z = common.embed_texts(model.text["en"], model.heads["en"], tok, texts, batch=256)
    out = torch.zeros(len(items), z.shape[1]).index_add_(0, torch.tensor(owner), z)
    out = F.normalize(out, dim=1)
    torch.save(out, path)
    return out


def main():
    a = parse()
    torch.manual_seed(a.seed)
    rng, nrng = random.Random(a.seed), np.random.default_rng(a.seed)
    items = common.read_jsonl(os.path.join(a.out, "items.jsonl"))
    taps = [int(t) for t in a.taps.split(",") if t]
    pics = Pictures(a, len(items), taps)
    langs, frozen = a.langs.split(","), a.freeze.split(",")
    model = Model(a, len(pics.cols), taps)
    toks = {}
    if "en" in langs:
        toks["en"] = common.tokenizer(os.path.join(a.minilm, "vocab.txt"))
    only_zh = "zh" in langs and "en" in frozen and "image" in frozen
    if "zh" in langs:
        toks["zh"] = common.tokenizer(a.zh_vocab)
    weight = dict(WEIGHTS)
    for pair in filter(None, a.weights.split(",")):
        k, v = pair.split("=")
        weight[k] = float(v)
    w = np.array(
        [
            weight[it["source"]] * (a.all or it["fold"] == "train") * (it["free"] or not a.free)
            for it in items
        ]
    )
    usable = w > 0
    with torch.no_grad():
        sample = nrng.choice(np.flatnonzero(usable), 2048)
        model.head.standardise(
            torch.cat([pics.means[v][sample][:, pics.cols].float() for v in range(min(2, a.views))])
        )
        for lang in langs:
            texts = [t for t in (data.prompt(items[i], rng, lang) for i in sample) if t]
            with torch.autocast("cpu", torch.bfloat16):
                model.heads[lang].standardise(
                    common.encode(model.text[lang].eval(), toks[lang], texts).float()
                )
    if a.init:
        state = torch.load(os.path.join(a.out, a.init + ".pt"))["model"]
        own = model.state_dict()
        state = {k: v for k, v in state.items() if k in own and own[k].shape == v.shape}
        print("from", a.init, len(state), "tensors of", len(own), flush=True)
        model.load_state_dict(state, strict=False)
    for part, name in (
        (model.head, "image"),
        (model.image, "image"),
        (model.text["en"] if "en" in langs else None, "en"),
        (model.heads["en"] if "en" in langs else None, "en"),
    ):
        if part is not None and name in frozen:
            part.requires_grad_(False)
    if "en" in langs:
        model.text["en"].bert.embeddings.requires_grad_(False)
        model.text["en"].bert.encoder.layer[: a.freeze_layers].requires_grad_(False)
    groups = [(model.head, a.lr_head), (model.heads, a.lr_head), (model.text, a.lr_text)]
    if model.image is not None:
        groups.append((model.image, a.lr_image))
    params = []
    for part, lr in groups:
        ps = [p for p in part.parameters() if p.requires_grad]
        big, small = [p for p in ps if p.ndim > 1], [p for p in ps if p.ndim <= 1]
        decay = a.decay if lr == a.lr_head else 0.02
        params += [
            dict(params=big, lr=lr, base=lr, weight_decay=decay),
            dict(params=small, lr=lr, base=lr, weight_decay=0),
        ]
    params.append(dict(params=[model.log_scale], lr=1e-3, base=1e-3, weight_decay=0))
    opt = torch.optim.AdamW(params, betas=(0.9, 0.98))
    train_params = [p for g in params for p in g["params"]]
    ema = copy.deepcopy(model)
    sets = common.held_sets(items)

    synonyms = {}
    order = sorted(it["wnid"] for it in items if "wnid" in it)  # the classifier's classes are in wnid order
    for it in items:
        if "wnid" in it:
            synonyms[order.index(it["wnid"])] = it
    pairs, often = (
        data.picturable(common.read_jsonl(os.path.join(a.out, "pairs.jsonl")), items)
        if "zh" in langs
        else ([], [])
    )

    teacher = None
    if "zh" in langs and a.distil > 0:
        teacher = teach(a, model, toks["en"], items)
    print(
        "training",
        sum(p.numel() for p in train_params) / 1e6,
        "M parameters on",
        int(usable.sum()),
        "pictures",
        flush=True,
    )
    prob = w / w.sum()
    zh_ok = np.array([bool(it["zh_captions"] or it["zh_labels"]) for it in items])
    begin, sums, threads = time.time(), {}, common.Threads()
    model.train()
    for step in range(a.steps):
        threads.tick()
        used = (time.time() - begin) / 3600 / a.hours
        at = max(step / a.steps, used)
        if at >= 1:
            break
        f = min(1, (step + 1) / 60) * (0.5 + 0.5 * math.cos(math.pi * at)) + 0.01
        for g in opt.param_groups:
            g["lr"] = g["base"] * f
        pr = prob * zh_ok / (prob * zh_ok).sum() if only_zh else prob
        idx = nrng.choice(len(items), a.batch, replace=False, p=pr)
        view = int(nrng.integers(a.views))
        loss = 0
        with torch.autocast("cpu", torch.bfloat16):
            image = model.head(pics.features(model, view, idx).float())
            scale = model.log_scale.exp().clamp(max=100)
            for lang in langs:
                if lang == "en" and only_zh:
                    continue
                texts, owner = [], []
                for r, i in enumerate(idx):
                    got = {data.prompt(items[i], rng, lang) for _ in range(a.caps)} - {None}
                    texts += sorted(got)
                    owner += [r] * len(got)
                owner = torch.tensor(owner)
                extra = []
                if lang == "en" and a.classes > 0 and "en" not in frozen:
                    p = pics.classes(view, idx)
                    likely = np.asarray(p.mean(0))
                    chosen = np.unique(
                        np.r_[
                            nrng.choice(1000, 64, replace=False, p=likely / likely.sum()),
                            nrng.integers(0, 1000, 32),
                        ]
                    )
                    chosen = np.array([c for c in chosen if c in synonyms])
                    extra = [data.prompt(dict(synonyms[c], captions=[]), rng) for c in chosen]
                z = common.encode(
                    model.text[lang],
                    toks[lang],
                    [drop_words(t, a.word_drop, rng, lang == "zh") for t in texts] + extra,
                )
                z = model.heads[lang](z.float())
                part = common.contrastive(image, z[: len(texts)], owner, [t.lower() for t in texts], scale)
                sums[lang] = sums.get(lang, 0) + float(part.detach())
                if extra:
                    q = p[:, chosen]
                    mass = q.sum(1)
                    lp = F.log_softmax(scale * image @ z[len(texts) :].t(), 1)
                    kl = -(q * lp).sum(1)  # cross entropy weighted by the mass that the chosen classes hold
                    part = part + a.classes * kl.sum() / mass.sum()
                    sums["classes"] = sums.get("classes", 0) + float(kl.sum().detach() / mass.sum())
                loss = loss + part
                if lang == "zh" and a.distil > 0:
                    d = common.contrastive(
                        teacher[idx], z, owner, texts, scale
                    )  # the same sentences against the English tower
                    zh, en = map(
                        list, zip(*(data.dictionary_pair(r, rng) for r in rng.choices(pairs, often, k=96)))
                    )
                    target = common.embed_texts(model.text["en"], model.heads["en"], toks["en"], en)
                    y = model.heads["zh"](common.encode(model.text["zh"], toks["zh"], zh, chunks=1).float())
                    w = (
                        common.contrastive(target, y, torch.arange(len(zh)), zh, scale)
                        + 2 * (1 - (target * y).sum(1)).mean()
                    )
                    sums["teacher"] = sums.get("teacher", 0) + float(d.detach())
                    sums["words"] = sums.get("words", 0) + float(w.detach())
                    loss = loss + a.distil * (d + w)
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(train_params, 2.0)
        opt.step()
        k = min(a.ema, (step + 1) / (step + 10))
        with torch.no_grad():
            for p, q in zip(ema.parameters(), model.parameters()):
                if q.requires_grad:
                    p.lerp_(q, 1 - k)
        if (step + 1) % 10 == 0:
            print(
                step + 1,
                "%.0fs" % (time.time() - begin),
                {k: round(v / 10, 3) for k, v in sums.items()},
                "scale %.1f" % float(scale.detach()),
                torch.get_num_threads(),
                flush=True,
            )
            sums = {}
        if (step + 1) % a.every == 0 or step + 1 == a.steps:
            print("   ", evaluate(a, ema, pics, toks, items, sets), flush=True)
            torch.save(
                dict(model=ema.state_dict(), taps=taps, args=vars(a)), os.path.join(a.out, a.name + ".pt")
            )
    print("    final", evaluate(a, ema, pics, toks, items, sets), flush=True)
    torch.save(dict(model=ema.state_dict(), taps=taps, args=vars(a)), os.path.join(a.out, a.name + ".pt"))


if __name__ == "__main__":
    main()
