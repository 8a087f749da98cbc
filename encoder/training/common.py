"""What the training scripts share: loading towers, tokenizers, batches of text, losses and recall."""

import json
import os

import numpy as np
import torch
from torch.nn import functional as F

from towers import TextTower

MAX_TOKENS = 128


def read_jsonl(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def has_han(text):
    return any(
        "\u2e80" <= c <= "\u2fdf"
        or "\u3400" <= c <= "\u4dbf"
        or "\u4e00" <= c <= "\u9fff"
        or "\uf900" <= c <= "\ufaff"
        or "\U00020000" <= c <= "\U0003134f"
        for c in text
    )


def tokenizer(vocab):
    """The reference tokenizer for a vocabulary file."""
    from transformers import BertTokenizer

    words = {w.rstrip("\n"): i for i, w in enumerate(open(vocab, encoding="utf-8"))}
    return BertTokenizer(vocab=words, do_lower_case=True, model_max_length=MAX_TOKENS)


def bert_config(vocab_size, layers=6, hidden=384, heads=12, intermediate=1536, drop=0.1):
    from transformers import BertConfig

    return BertConfig(
        vocab_size=vocab_size,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=intermediate,
        max_position_embeddings=MAX_TOKENS,
        type_vocab_size=2,
        hidden_dropout_prob=drop,
        attention_probs_dropout_prob=drop,
        layer_norm_eps=1e-12,
    )


def load_minilm(weights, drop=0.1):
    from safetensors.torch import load_file

    state = {
        k.removeprefix("bert."): v
        for k, v in load_file(weights).items()
        if "pooler" not in k and "position_ids" not in k
    }
    tower = TextTower(bert_config(state["embeddings.word_embeddings.weight"].shape[0], drop=drop))
    state["embeddings.position_embeddings.weight"] = state["embeddings.position_embeddings.weight"][
        :MAX_TOKENS
    ]
    tower.bert.load_state_dict(state)
    return tower


def encode(tower, tok, texts, chunks=4, limit=MAX_TOKENS):
    """Features of texts, in length-sorted chunks so that little padding is computed."""
    ids = [
        e[: limit - 1] + e[-1:] if len(e) > limit else e
        for e in tok(texts, truncation=True, max_length=limit)["input_ids"]
    ]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    step = -(-len(ids) // chunks)
    out = []
    for b in range(0, len(ids), step):
        part = order[b : b + step]
        n = max(len(ids[i]) for i in part)
        batch = torch.zeros(len(part), n, dtype=torch.long)
        mask = torch.zeros(len(part), n, dtype=torch.long)
        for r, i in enumerate(part):
            batch[r, : len(ids[i])] = torch.tensor(ids[i])
            mask[r, : len(ids[i])] = 1
        out.append(tower(batch, mask))
    back = torch.empty(len(ids), dtype=torch.long)
    back[torch.tensor(order)] = torch.arange(len(ids))
    return torch.cat(out)[back]


def embed_texts(tower, head, tok, texts, bf16=True, batch=512):
    """Unit vectors of texts, without gradients."""
    was = tower.training
    tower.eval(), head.eval()
    out = []
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        for b in range(0, len(texts), batch):
            out.append(head(encode(tower, tok, texts[b : b + batch]).float()).float())
    tower.train(was), head.train(was)
    return torch.cat(out)


def contrastive(image, text, owner, words, scale):
    """Symmetric InfoNCE for texts that own a picture each; equal sentences of other pictures do not count as negatives."""
    m, n = text.shape[0], image.shape[0]
    logits = scale * text @ image.t()
    same = {}
    for i, w in enumerate(words):
        same.setdefault(w, []).append(i)
    mask = torch.zeros(m, n, dtype=torch.bool)
    for group in same.values():
        if len(group) > 1:
            mask[torch.tensor(group).view(-1, 1), owner[torch.tensor(group)].view(1, -1)] = True
    pos = torch.zeros(m, n, dtype=torch.bool)
    pos[torch.arange(m), owner] = True
    hit = logits[torch.arange(m), owner]
    t2i = F.cross_entropy(logits.masked_fill(mask & ~pos, -1e4), owner, reduction="none")
    neg = torch.logsumexp(logits.masked_fill(mask | pos, -1e4), 0)[owner]
    i2t = torch.logaddexp(hit, neg) - hit
    return 0.5 * (t2i.mean() + i2t.mean())


def recall(image, text, owner, words):
    """recall@1/5/10 both ways: a hit is the text's own picture or one with the same sentence."""
    sims = text @ image.t()
    n = image.shape[0]
    own = [set() for _ in range(n)]
    pictures = {}
    for o, w in zip(owner, words):
        pictures.setdefault(w, set()).add(o)
    t2i, i2t = np.zeros(3), np.zeros(3)
    top = sims.topk(min(10, n), 1).indices.tolist()
    for row, w in zip(top, words):
        good = pictures[w]
        rank = next((r for r, j in enumerate(row) if j in good), 99)
        t2i += [rank < 1, rank < 5, rank < 10]
    for i, o in enumerate(owner):
        own[o].add(i)
    top = sims.t().topk(min(10, sims.shape[0]), 1).indices.tolist()
    for j, row in enumerate(top):
        rank = next((r for r, i in enumerate(row) if i in own[j]), 99)
        i2t += [rank < 1, rank < 5, rank < 10]
    return t2i / len(words), i2t / n


def eval_sets(data):
    """{(source, lang): (picture paths, texts, owners)} of DATA/eval."""
    sets = {}
    for r in read_jsonl(os.path.join(data, "eval", "manifest.jsonl")):
        pics, texts, owner = sets.setdefault((r["source"], r["lang"]), ([], [], []))
        pics.append(os.path.join(data, "eval", r["file"]))
        texts += r["captions"]
        owner += [len(pics) - 1] * len(r["captions"])
    return sets


def held_sets(items):
    """The same from the held-out part of train, by index into items."""
    sets = {}
    for i, it in enumerate(items):
        if it["fold"] != "held":
            continue
        for lang, texts in (
            ("en", it["captions"] if it["source"] in ("flickr8k", "coco-2k") else it["labels"][:1]),
            ("zh", it["zh_captions"] or it["zh_labels"][:1]),
        ):
            if texts:
                pics, all_texts, owner = sets.setdefault((it["source"], lang), ([], [], []))
                pics.append(i)
                all_texts += texts
                owner += [len(pics) - 1] * len(texts)
    return sets


class Threads:
    """Two threads while the machine is ours; one while others keep a core busy, for then two wait for each other."""

    def __init__(self):
        self.most = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count()))
        torch.set_num_threads(self.most)
        self.mark = self.now()

    @staticmethod
    def now():
        f = open("/proc/stat").readline().split()[1:9]
        t, idle = os.times(), int(f[3]) + int(f[4])
        tick = os.sysconf("SC_CLK_TCK")
        return sum(map(int, f)) / tick, (sum(map(int, f)) - idle) / tick, t.user + t.system

    def tick(self):
        now = self.now()
        wall = (now[0] - self.mark[0]) / os.cpu_count()
        if wall > 0.8:
            others = ((now[1] - self.mark[1]) - (now[2] - self.mark[2])) / wall
            torch.set_num_threads(max(1, self.most - round(others + 0.1)))
            self.mark = now
