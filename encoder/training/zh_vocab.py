"""The Chinese tower's vocabulary, and its start: MiniLM's layers under new character embeddings.

Vocabulary: special tokens, ASCII, Chinese punctuation, the commonest English words and pieces of the captions, and every
Han character that occurs in the captions and names or in at least MIN dictionary words. A character starts as the mean
of MiniLM's pieces of the English glosses of the dictionary words that contain it; Latin pieces are copied.

    python zh_vocab.py --out OUT --minilm MINILM --cedict CEDICT --vocab vocab-zh.txt
"""

import argparse
import collections
import gzip
import os
import re

import torch

import common

MIN = 3
PUNCT = "，。！？、；：“”‘’（）《》【】…—～·「」『』￥％＋－＝／"
STOP = set(
    "to of the a an in on and or for with be ; , . - ' ( ) is as by from at it etc sb sth one 's".split()
)


def is_han(c):
    return common.has_han(c)


def read_entries(path):
    for line in gzip.open(path, "rt", encoding="utf-8"):
        m = re.match(r"(\S+) (\S+) \[[^\]]*\] /(.*)/", line)
        if m and not line.startswith("#"):
            yield m.group(1), m.group(2), m.group(3).split("/")


def main():
    p = argparse.ArgumentParser()
    for name in ("out", "minilm", "cedict", "vocab"):
        p.add_argument("--" + name, required=True)
    a = p.parse_args()
    items = common.read_jsonl(os.path.join(a.out, "items.jsonl"))
    en = common.tokenizer(os.path.join(a.minilm, "vocab.txt"))
    table = common.load_minilm(
        os.path.join(a.minilm, "model.safetensors")
    ).bert.embeddings.word_embeddings.weight.data
    count, must = collections.Counter(), set()
    words = collections.Counter()
    for it in items:
        for t in it["zh_captions"] + it["zh_labels"]:
            must |= {c for c in t if is_han(c)}
        texts = it["captions"] + it["labels"]
        if texts:
            for ids in en(texts, add_special_tokens=False)["input_ids"]:
                words.update(en.convert_ids_to_tokens(ids))
    sums = collections.defaultdict(lambda: torch.zeros(table.shape[1]))
    mass = collections.Counter()
    twin = {}
    glossed = []
    for trad, simp, glosses in read_entries(a.cedict):
        both = set(simp) | set(trad)
        for c in both:
            count[c] += is_han(c)
        for t, s in zip(trad, simp):
            if t != s:
                twin.setdefault(t, s)
        plain = [
            re.sub(r"\([^)]*\)|\[[^\]]*\]|[\u4e00-\u9fff|]", "", g)
            for g in glosses[:2]
            if not re.match(r"(surname|variant|old variant|CL:|see )", g)
        ]
        if plain:
            glossed.append((both, len(simp), " ".join(plain)))
    for (both, n, _), ids in zip(
        glossed, en([g for _, _, g in glossed], add_special_tokens=False)["input_ids"]
    ):
        ids = [i for i, t in zip(ids, en.convert_ids_to_tokens(ids)) if t not in STOP][:12]
        if ids:
            v = table[torch.tensor(ids)].mean(0)
            for c in both:
                if is_han(c):
                    sums[c] += v / n**2
                    mass[c] += 1 / n**2
    have = set(en.get_vocab())
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens += [chr(c) for c in range(33, 127) if not chr(c).isupper()] + list(PUNCT)
    tokens += ["##" + c for c in "abcdefghijklmnopqrstuvwxyz0123456789"]
    tokens += [
        w for w, _ in words.most_common(2600) if w not in tokens and w.isascii() and not w.startswith("[")
    ]
    tokens += sorted(c for c in set(count) | must if is_han(c) and (c in must or count[c] >= MIN))
    tokens = list(dict.fromkeys(tokens))
    with open(a.vocab, "w", encoding="utf-8") as f:
        f.write("".join(t + "\n" for t in tokens))
    rows = torch.randn(len(tokens), table.shape[1]) * table.std() * 0.5
    typical = table[1000:20000].norm(dim=1).mean()
    vocab, known = en.get_vocab(), 0
    half = {chr(0xFEE0 + ord(c)): c for c in "!(),./:;?%+-="} | {"。": ".", "、": ",", "“": '"', "”": '"'}
    for i, t in enumerate(tokens):
        if is_han(t):
            if mass[t]:
                v = sums[t] / mass[t] - table[1000:20000].mean(0)
                rows[i] = v / v.norm() * typical * 0.9 + table[1000:20000].mean(0)
                known += 1
        elif half.get(t, t) in have:
            rows[i] = table[vocab[half.get(t, t)]]
            known += 1
    torch.save(rows, os.path.join(a.out, "zh_rows.pt"))
    torch.save({t: s for t, s in twin.items()}, os.path.join(a.out, "zh_twins.pt"))
    print(len(tokens), "tokens,", known, "with a start,", sum(map(is_han, tokens)), "Han")


LAYERS = (0, 1, 3, 5)  # of MiniLM's six


def initial_tower(minilm, vocab, drop, rows=None):
    tower = common.load_minilm(os.path.join(minilm, "model.safetensors"), drop)
    tower.bert.encoder.layer = torch.nn.ModuleList(tower.bert.encoder.layer[i] for i in LAYERS)
    tower.bert.config.num_hidden_layers = len(LAYERS)
    rows = torch.load(rows or os.path.join(os.path.dirname(vocab), "zh_rows.pt"))
    tower.bert.embeddings.word_embeddings = torch.nn.Embedding.from_pretrained(
        rows, freeze=False, padding_idx=0
    )
    tower.bert.config.vocab_size = rows.shape[0]
    return tower


if __name__ == "__main__":
    main()
