"""Collects the training pictures and their texts into one list, OUT/items.jsonl, and Chinese dictionary pairs, OUT/pairs.jsonl.

An item is {"path", "source", "free", "fold", "captions", "labels", "zh_captions", "zh_labels"}: captions are sentences that stand by
themselves, labels are noun phrases that go into prompts (see prompt()). "fold" is "held" for the part of train that
settings are chosen on, else "train". "free" says whether the source is free of research-only terms.

    python data.py --data DATA --emoji EMOJI --emojibase EMOJIBASE --openclipart PNG --openclipart-svg SVG \
                   --wordnet WORDNET --cedict CEDICT --out OUT
"""

import argparse
import collections
import gzip
import hashlib
import json
import os
import random
import re

from PIL import Image

Image.MAX_IMAGE_PIXELS = None
FREE = {"saleor", "clothing", "caltech-101", "coco-2k", "coco-val-9", "emoji", "openclipart"}
HELD = {"flickr8k": 600 / 6087, "coco-2k": 100 / 995, "openclipart": 0.06, "emoji": 0.06}

PHOTO = [
    "{}",
    "{}",
    "a {}",
    "a photo of a {}",
    "a photo of {}",
    "a picture of a {}",
    "one {}",
    "the {}",
    "a close-up of a {}",
]
DRAWN = [
    "{}",
    "{}",
    "a {}",
    "a drawing of a {}",
    "a picture of a {}",
    "clip art of a {}",
    "a cartoon {}",
    "an icon of a {}",
]
PRODUCT = ["{}", "{}", "a {}", "a photo of {}", "a product picture of {}", "{} on a white background"]
ZH_PHOTO = ["{}", "{}", "{}", "一张{}的照片", "{}的照片", "一个{}", "{}。"]
ZH_DRAWN = ["{}", "{}", "{}", "一张{}的图片", "{}的图画", "一个{}", "{}。"]
KIND = {
    "emoji": "drawn",
    "openclipart": "drawn",
    "myntra": "product",
    "magento-luma": "product",
    "smartstore": "product",
    "saleor": "product",
    "clothing": "product",
}


def prompt(item, rng, lang="en"):
    """One random text for an item, or None when it has none in that language."""
    captions, labels = (
        (item["captions"], item["labels"]) if lang == "en" else (item["zh_captions"], item["zh_labels"])
    )
    if captions and (not labels or rng.random() < 0.5):
        return rng.choice(captions)
    if not labels:
        return None
    kind = KIND.get(item["source"], "photo")
    if lang == "en":
        text = rng.choice({"photo": PHOTO, "drawn": DRAWN, "product": PRODUCT}[kind]).format(
            rng.choice(labels)
        )
        return re.sub(r"\b([Aa]) (?=[aeiouAEIOU])", r"\1n ", text)
    return rng.choice(ZH_DRAWN if kind == "drawn" else ZH_PHOTO).format(rng.choice(labels))


# Frames for dictionary pairs: (Chinese, English). A word learns to keep its sense beside colours, counts and places.
FRAMES = [("{}", "{}")] * 12 + [
    ("一个{}", "a {}"),
    ("一只{}", "a {}"),
    ("两个{}", "two {}"),
    ("{}的照片", "a photo of a {}"),
    ("一张{}的图片", "a picture of a {}"),
    ("红色的{}", "a red {}"),
    ("红{}", "red {}"),
    ("蓝色的{}", "a blue {}"),
    ("绿色的{}", "a green {}"),
    ("黄色的{}", "a yellow {}"),
    ("白色的{}", "a white {}"),
    ("黑色的{}", "a black {}"),
    ("黑{}", "black {}"),
    ("粉色的{}", "a pink {}"),
    ("棕色的{}", "a brown {}"),
    ("橙色的{}", "an orange {}"),
    ("小{}", "a small {}"),
    ("大{}", "a big {}"),
    ("草地上的{}", "a {} on the grass"),
    ("桌子上的{}", "a {} on a table"),
    ("一个人和{}", "a person with a {}"),
    ("水里的{}", "a {} in the water"),
    ("木头{}", "a wooden {}"),
    ("旧{}", "an old {}"),
    ("卡通{}", "a cartoon {}"),
]


def dictionary_pair(pair, rng):
    zh, en = rng.choice(FRAMES)
    gloss = re.sub(r"^(an?|the|to) ", "", rng.choice(pair["en"][:2]))
    return zh.format(pair["zh"]), re.sub(r"\b([Aa]) (?=[aeiouAEIOU])", r"\1n ", en.format(gloss))


def picturable(pairs, items):
    """The dictionary pairs whose gloss is made of words of the training texts, and how often to draw each."""
    seen = collections.Counter(
        w
        for it in items
        for t in set(it["captions"] + it["labels"])
        for w in re.findall(r"[a-z]+", t.lower())
    )
    out, weights = [], []
    for p in pairs:
        good = [
            g
            for g in p["en"][:3]
            if len(g.split()) <= 4 and all(w in seen for w in re.findall(r"[a-z]+", g.lower()))
        ]
        if good:
            out.append({"zh": p["zh"], "en": good})
            words = re.findall(r"[a-z]+", good[0].lower())
            weights.append(
                min(200, min(seen[w] for w in words) if words else 0) ** 0.5 / max(1, len(words) - 1)
            )
    return out, weights


def fold(source, path):
    h = int(hashlib.sha1(path.encode()).hexdigest()[:8], 16) / 2**32
    return "held" if h < HELD.get(source, 0) else "train"


def item(path, source, **kw):
    row = dict(
        path=path,
        source=source,
        free=source in FREE,
        fold=fold(source, os.path.basename(path)),
        captions=[],
        labels=[],
        zh_captions=[],
        zh_labels=[],
    )
    row.update(kw)
    return row


def wordnet(folder):
    """{wnid: (synonyms, gloss)} of the nouns."""
    out = {}
    for line in open(os.path.join(folder, "data.noun"), encoding="latin-1"):
        if line.startswith("  "):
            continue
        head, gloss = line.rstrip().split(" | ", 1)
        f = head.split()
        words = [f[4 + 2 * i].replace("_", " ") for i in range(int(f[3], 16))]
        out["n" + f[0]] = (words, gloss.split(";")[0].strip())
    return out


def singular(word):
    word = word.lower().replace("tshirt", "t-shirt")
    return (
        word
        if word.endswith(("ss", "jeans", "shorts", "pants", "glasses", "trousers", "tights"))
        else re.sub(r"s$", "", word)
    )


def shop_labels(r):
    """Noun phrases of a product: colour and kind."""
    out, labels = [], r.get("labels") or []
    colour = (r.get("colour") or "").lower()
    kind = singular(re.split(r" > ", r["category"])[-1]) if r.get("category") else ""
    if r["source"] == "magento-luma" and kind:
        kind = kind.replace(" & sweatshirt", "")
    if kind:
        out += [f"{colour} {kind}".strip()] * 2
        if labels and labels[0] in ("Men", "Women", "Boys", "Girls"):
            out.append(f"{colour} {kind} for {labels[0].lower()}".strip())
    return out


def read_manifest(data, nouns):
    rows = collections.OrderedDict()
    for line in open(os.path.join(data, "train", "manifest.jsonl"), encoding="utf-8"):
        r = json.loads(line)
        path = os.path.join(data, "train", r["file"])
        it = rows.setdefault(path, item(path, r["source"]))
        if r["lang"] == "zh":
            it["zh_captions"] += r["captions"]
            continue
        it["captions"] += r["captions"]
        if r["source"] == "imagenet-1-per-class":
            words, gloss = nouns.get(r["wnid"], (r["labels"], ""))
            it["labels"] = [r["labels"][0].replace("_", " ")] * 2 + words
            it["wnid"] = r["wnid"]
            if gloss:
                it["captions"] = [f"{it['labels'][0]}, {gloss}"]
        elif r["source"] in ("caltech-101", "clothing"):
            it["labels"] = [x.replace("_", " ").replace("-", " ") for x in r["labels"]]
        else:
            it["labels"] = shop_labels(r) if r.get("category") else []
            if r["source"] == "myntra":  # drop the brand and model words that no picture shows
                it["labels"] += [re.sub(r"^\S+ ", "", t) for t in r["captions"] if t.count(" ") > 2]
    return list(rows.values())


def read_emoji(folder, base):
    names = {}
    for lang in ("en", "zh"):
        for e in json.load(open(os.path.join(base, lang, "data.json"), encoding="utf-8")):
            names.setdefault(e["hexcode"].replace("-FE0F", ""), {})[lang] = (e["label"], e.get("tags", []))
    out = []
    for e in json.load(open(os.path.join(folder, "emoji.json"), encoding="utf-8")):
        path = os.path.join(folder, "img", "google", "64", e["image"])
        n = names.get(e["unified"].replace("-FE0F", ""))
        if not n or not os.path.exists(path) or "en" not in n:
            continue
        flag = e["category"] == "Flags"
        if flag and len(out) % 4:  # 258 country flags would be an eighth of all drawings
            continue
        label, tags = n["en"]
        zlabel, ztags = n.get("zh", ("", []))
        label = re.sub(r"^flag: ", "flag of ", label)
        short = e["short_names"][0].replace("_", " ").replace("-", " ")
        it = item(
            path,
            "emoji",
            labels=[label] * 4 + ([short] if len(short) > 2 and not flag else []) + [label + " emoji"],
            zh_labels=[re.sub(r"^旗: ?", "", zlabel)] * 4 if zlabel else [],
        )
        if tags:
            it["captions"] = [label + ", " + ", ".join(tags[:4])]
        if ztags:
            it["zh_labels"] += ["，".join(ztags[:3])]
        out.append(it)
    return out


def read_openclipart(png, svg):
    found = []
    titles = collections.Counter()
    for d, _, files in sorted(os.walk(png)):
        for f in sorted(files):
            if not f.endswith(".png"):
                continue
            rel = os.path.relpath(os.path.join(d, f), png)
            s = ""
            if os.path.exists(os.path.join(svg, rel[:-3] + "svg")):
                s = open(os.path.join(svg, rel[:-3] + "svg"), encoding="utf-8", errors="replace").read()
            m = re.search(r"<dc:title[^>]*>(.*?)</dc:title>", s, re.S)
            title = re.sub(r"\s+", " ", re.sub(r"[_\-]+", " ", m.group(1))).strip().lower() if m else ""
            title = re.sub(r"^clipart by nicu buculei ", "", title)
            words = [
                re.sub(r"[_\-]+", " ", w).strip().lower()
                for w in re.findall(r"<rdf:li[^>]*>(.*?)</rdf:li>", s, re.S)
            ]
            found.append((rel, title, words))
            titles[title] += 1
    out, per = [], collections.Counter()
    for rel, title, words in found:
        if (
            "grama" in title
            or "gradient" in title
            or "-theme" in rel
            and "lemon" not in rel
            and "flat" not in rel
        ):
            continue
        parts = rel[:-4].split("/")
        name = re.sub(r"[_\-.]+", " ", re.sub(r"_?(_\d+\w*|\d+)$", "", parts[-1])).strip().lower()
        topics = [re.sub(r"[_\-]+", " ", t) for t in parts[1:-1] if not t.endswith(("theme", "icons"))]
        labels = []
        if title and titles[title] <= 8 and re.search(r"[a-z]{3}", title):
            labels += [re.sub(r" ?\d+$", "", title)] * 3
        elif parts[0] in ("shapes", "logos", "buttons"):
            continue
        else:
            labels += [name] * 2
        group = "/".join(parts[:-1])
        per[group] += 1
        if per[group] > {"computer": 25, "signs_and_symbols": 40}.get(parts[0], 70):
            continue
        bad = {
            "",
            "hash",
            "unsorted",
            "sign",
            "icon",
            "icons",
            "clip art",
            "clipart",
            "public domain",
            "svg",
            "theme",
        }
        labels += [w for w in words if w not in bad and re.search(r"[a-z]{3}", w) and len(w) < 25][:3]
        labels = [x for x in labels if x and len(x) < 60]
        if not labels:
            continue
        with Image.open(os.path.join(png, rel)) as im:
            if im.width * im.height > 3000000:  # a few hundred drawings are stored at poster size
                continue
        it = item(os.path.join(png, rel), "openclipart", labels=labels)
        if topics and topics[-1] not in labels[0]:
            it["captions"] = [f"{labels[0]}, {re.sub('s$', '', topics[-1])}"]
        out.append(it)
    return out


def read_cedict(path):
    """Pairs (Chinese word, English gloss) of CC-CEDICT, and {gloss: [words]} of short, plain glosses."""
    pairs, back = [], collections.defaultdict(list)
    for line in gzip.open(path, "rt", encoding="utf-8"):
        m = re.match(r"(\S+) (\S+) \[[^\]]*\] /(.*)/", line)
        if not m or line.startswith("#"):
            continue
        word = m.group(2)
        glosses = []
        for g in m.group(3).split("/"):
            if re.match(
                r"(surname|variant of|old variant|see |CL:|also written|abbr\.|used in|\(Tw\)|classifier|Japanese variant)",
                g,
            ):
                continue
            g = re.sub(r"\([^)]*\)|\[[^\]]*\]", "", g).strip()
            if g and not re.search(r"[\u4e00-\u9fff|]", g) and len(g) < 80:
                glosses.append(g)
        if not glosses or len(word) > 8 or not re.search(r"[\u4e00-\u9fff]", word):
            continue
        pairs.append({"zh": word, "en": glosses[:4]})
        for k, g in enumerate(glosses[:3]):
            back[re.sub(r"^(an?|the|to) ", "", g.lower())].append((k, len(word) == 1, len(word), word))
    return pairs, {g: [w for _, _, _, w in sorted(v)[:2]] for g, v in back.items() if len(g) < 30}


def main():
    p = argparse.ArgumentParser()
    for name in (
        "data",
        "emoji",
        "emojibase",
        "openclipart",
        "openclipart-svg",
        "wordnet",
        "cedict",
        "out",
    ):
        p.add_argument("--" + name, required=True)
    a = p.parse_args()
    items = read_manifest(a.data, wordnet(a.wordnet)) + read_emoji(a.emoji, a.emojibase)
    items += read_openclipart(a.openclipart, a.openclipart_svg)
    pairs, back = read_cedict(a.cedict)
    for it in items:
        if it["source"] not in ("flickr8k", "emoji"):
            for label in dict.fromkeys(x.lower() for x in it["labels"]):
                hits = back.get(label) or back.get(singular(label))
                if hits:
                    it["zh_labels"] += hits
    os.makedirs(a.out, exist_ok=True)
    with open(os.path.join(a.out, "items.jsonl"), "w", encoding="utf-8") as f:
        for it in items:
            f.write(json.dumps(it, ensure_ascii=False) + "\n")
    with open(os.path.join(a.out, "pairs.jsonl"), "w", encoding="utf-8") as f:
        for r in pairs:
            f.write(json.dumps(r, ensure_ascii=False) + "\n")
    count = collections.Counter((it["source"], it["fold"]) for it in items)
    for k, n in sorted(count.items()):
        print(*k, n)
    print("pairs", len(pairs), "with Chinese labels", sum(bool(i["zh_labels"]) for i in items))
    rng = random.Random(1)
    for it in rng.sample(items, 12):
        print(it["source"], "|", prompt(it, rng), "|", prompt(it, rng, "zh"))


if __name__ == "__main__":
    main()
