"""Regenerates tests/golden/model from a model folder: token ids, text and picture vectors of the reference implementation.

python goldens.py --model FOLDER --data DATA --openclipart PNG --golden tests/golden/model
"""

import argparse
import json
import os
import random
import sys

import numpy as np
from PIL import Image

import common
from reference import Reference

SCRIPTS = [
    "Привет, мир! Собака бежит по снегу.",
    "Ένας σκύλος τρέχει στο χιόνι",
    "كلب يركض في الثلج",
    "כלב רץ בשלג",
    "कुत्ता बर्फ में दौड़ रहा है",
    "หมาวิ่งบนหิมะ",
    "犬が雪の中を走っている",
    "개가 눈 속을 달린다",
    "ქართული ენა",
    "Հայերեն լեզու",
    "ਪੰਜਾਬੀ",
    "தமிழ் மொழி",
    "ಕನ್ನಡ",
    "മലയാളം",
    "ភាសាខ្មែរ",
    "မြန်မာဘာသာ",
    "አማርኛ",
    "ᏣᎳᎩ",
    "ᚠᚢᚦᚨᚱᚲ",
    "𐍈𐌰𐌹𐍂𐌹",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝒻𝒶𝓃𝒸𝓎",
    "ﬁne ﬂow eﬃcient ﬀ",
    "Ｆｕｌｌ　ｗｉｄｔｈ １２３",
    "ŁÓDŹ Østergård Þór ßtraße İstanbul ıI",
    "naïve café résumé Ångström São Paulo",
    "cafe\u0301 re\u0301sume\u0301 A\u030angstro\u0308m",
    "x\u0300\u0301\u0302\u0303y",
    "ǅ ǆ Ǆ ﷺ ㎏ ½ ² ™ ℃",
    "Việt Nam đẹp lắm",
    "Türkçe ğüşiöç İĞÜŞÖÇ",
    "čeština žluťoučký kůň",
    "ελληνικά ΆΈΉΊΌΎΏ ΐΰ ς σ Σ",
    "Ёлка ё Й й Ї",
    "ʻokina ʼ ’ ‘ ‛",
]
HAN = [
    "你好，世界！",
    "繁體中文的測試：學習機器視覺",
    "一只dog在草地上，red苹果 iPhone 12!",
    "㐀㐁䶵 𠀀𠮷𪛖 豈更 ⼀⼁",
    "〇一二三，四五六。",
    "「引号」『书名』《论语》…——",
    "猫cat狗dog",
    "2024年5月1日",
    "￥100元 ５０％",
    "東京タワー と 富士山",
    "서울 漢字 test",
    "你\u0301好",
    "a你b好c",
    "　全角　空格　",
    "好" * 150,
    "三个 人 在 海边",
    "红色的苹果🍎和绿色的梨🍐",
]
EMOJI = [
    "🐶",
    "🍎🍏",
    "👩‍👩‍👧‍👦 family",
    "🇨🇳 flag",
    "I ❤️ NY",
    "👍🏽 ok",
    "☀️🌧",
    "1️⃣2️⃣",
    "a🐱b",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
]
ODD = [
    "",
    " ",
    "   \t\n ",
    "\u00a0",
    "\u3000",
    "\u200b",
    "\u2028\u2029",
    "a\u00a0b",
    "a\u200bb",
    "a\tb\nc\rd",
    "\x01\x02a\x7fb\x1f",
    "a\x00b",
    "a\ufffdb",
    "\ufeffBOM",
    "soft\u00adhyphen",
    "\u202eright to left\u202c",
    "\u0085next",
    "\ue000private",
    "a\u2060b",
    "zero\u200cwidth\u200djoin",
    "[CLS] [SEP]",
    "[MASK] a [UNK] b [PAD]",
    "##ing ##s",
    "[cls]",
    "...",
    "!!!???",
    "--- -- -",
    "a-b_c/d\\e|f",
    "don't won't it's",
    "U.S.A. e.g. i.e.",
    "$5.99 #1 50% @home a&b",
    "3.14159 1,000,000 10^6 2+2=4",
    "http://example.org/a?b=c&d=e",
    "me@example.org",
    "C++ C# .NET",
    "<b>bold</b>",
    "`code` ~tilde~",
    "“quotes” ‘single’ «guillemets»",
    "¿Qué? ¡Sí!",
    "§ ¶ † ‡ • · …",
    "← → ↑ ↓ ⇒",
    "∑ ∫ √ ∞ ≠ ≤",
    "€ £ ¥ ₿ ¢",
    "©®™",
    "♠♥♦♣",
    "■□▲△",
    "x" * 99,
    "x" * 100,
    "x" * 101,
    "y" * 300,
    "antidisestablishmentarianism",
    "pneumonoultramicroscopicsilicovolcanoconiosis",
    "supercalifragilisticexpialidocious " * 3,
    "word " * 200,
    "A Very Long Title " * 30,
    "a, b; c: d! " * 40,
    "é" * 101,
    "e\u0301" * 120,
    "\u0301",
    "\u0301\u0302",
    " \u0301a",
    "I\u0307",
    "İ",
    "ẞ ß",
    "K Å Ω",
    "ŉ ǰ",
    "\U000e0041tag",
    "\u0600\u06dd",
    "\u180e",
    "ａｂｃＡＢＣ",
]
ADJ = ["red", "small", "wooden", "old", "black and white", "shiny", "striped", "yellow", "huge", "blue"]
NOUN = [
    "apple",
    "dog",
    "train",
    "chair",
    "guitar",
    "airplane",
    "cup of coffee",
    "elephant",
    "bicycle",
    "umbrella",
    "running shoe",
    "pizza",
    "butterfly",
    "clock",
    "lighthouse",
]
PLACE = [
    "on a white background",
    "in the snow",
    "on the beach",
    "next to a river",
    "at night",
    "on a table",
    "in front of a house",
    "under a tree",
]
ZADJ = ["红色的", "小", "木头", "旧的", "黑白的", "发亮的", "黄色的", "巨大的", "蓝色的", "漂亮的"]
ZNOUN = [
    "苹果",
    "狗",
    "火车",
    "椅子",
    "吉他",
    "飞机",
    "咖啡",
    "大象",
    "自行车",
    "雨伞",
    "跑鞋",
    "披萨",
    "蝴蝶",
    "时钟",
    "灯塔",
    "小女孩",
    "运动员",
]
ZPLACE = ["在白色背景上", "在雪地里", "在海滩上", "在河边", "在夜里", "在桌子上", "在房子前面", "在树下"]


def sentences(rng, lang, n):
    out = []
    while len(out) < n:
        if lang == "en":
            s = rng.choice(["A {} {} {}.", "a {} {} {}", "The {} {} is {}!", "{} {}, {}"]).format(
                rng.choice(ADJ), rng.choice(NOUN), rng.choice(PLACE)
            )
        else:
            s = rng.choice(["{1}{0}{2}。", "一个{0}{1}{2}", "{2}有{0}{1}", "两个{0}{1}，{2}！"]).format(
                rng.choice(ZADJ), rng.choice(ZNOUN), rng.choice(ZPLACE)
            )
        if s not in out:
            out.append(s)
    return out


def mixed(rng, pool, n):
    """Strings stitched from pieces of the others."""
    out = []
    for _ in range(n):
        parts = [rng.choice(pool) for _ in range(rng.randint(2, 4))]
        out.append(
            rng.choice(["", " ", ", ", "\n"]).join(p[rng.randint(0, 3) : rng.randint(4, 24)] for p in parts)
        )
    return out


def write_tokens(path, tok, texts):
    with open(path, "w", encoding="utf-8") as f:
        for t in texts:
            ids = tok(t, truncation=True, max_length=common.MAX_TOKENS)["input_ids"]
            f.write(json.dumps({"text": t, "ids": ids}, ensure_ascii=False, separators=(",", ":")) + "\n")


def make_images(folder, data, clip, rng):
    """Small pictures that may be committed: CC0 photos, public-domain drawings, and generated ones."""
    os.makedirs(folder, exist_ok=True)
    clothing = [
        os.path.join(data, "train", r["file"])
        for r in common.read_jsonl(os.path.join(data, "train", "manifest.jsonl"))
        if r["source"] == "clothing"
    ]
    drawings = []
    for topic in ("animals", "food", "transportation", "plants", "tools"):
        for d, _, files in sorted(os.walk(os.path.join(clip, topic))):
            drawings += [os.path.join(d, f) for f in sorted(files) if f.endswith(".png")]
    names = []

    def save(im, name, **kw):
        im.save(os.path.join(folder, name), **kw)
        names.append(name)

    for i, path in enumerate(rng.sample(clothing, 28)):
        im = Image.open(path).convert("RGB")
        im.thumbnail(((160, 128, 200, 97)[i % 4],) * 2)
        if i % 7 == 5:
            im = im.crop((0, 0, im.width, im.height // 3))
        if i % 4 == 0:
            save(im, f"photo{i:02}.jpg", quality=80)
        elif i % 4 == 1:
            save(im, f"photo{i:02}.webp", quality=75)
        elif i % 4 == 2:
            save(im.convert("L"), f"photo{i:02}-grey.jpg", quality=80)
        else:
            save(im.quantize(32), f"photo{i:02}-palette.png", optimize=True)
    n = 0
    for path in rng.sample(drawings, 80):
        with Image.open(path) as im:
            if n == 30 or im.width * im.height > 2000000 or im.mode != "RGBA":
                continue
            im.thumbnail(((128, 96, 150, 72)[n % 4],) * 2)
            if n % 5 == 3:
                save(im.convert("LA"), f"drawing{n:02}-grey-alpha.png", optimize=True)
            elif n % 5 == 4:
                save(im, f"drawing{n:02}-alpha.webp", quality=80)
            elif n % 5 == 2:
                save(im.quantize(64), f"drawing{n:02}-palette-alpha.png", optimize=True)
            else:
                save(im, f"drawing{n:02}-alpha.png", optimize=True)
            n += 1
    save(Image.new("RGB", (1, 1), (200, 30, 40)), "one-pixel.png")
    save(Image.linear_gradient("L").resize((300, 7)), "flat-grey.png")
    save(
        Image.merge(
            "RGB",
            [
                Image.radial_gradient("L").resize((31, 260)),
                Image.linear_gradient("L").resize((31, 260)),
                Image.new("L", (31, 260), 90),
            ],
        ),
        "tall.png",
    )
    return names


def main():
    p = argparse.ArgumentParser()
    for name in ("model", "data", "openclipart", "golden"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--keep-images", action="store_true", help="do not make the pictures anew")
    a = p.parse_args()
    rng = random.Random(7)
    ref = Reference(a.model)
    os.makedirs(a.golden, exist_ok=True)
    coco = [
        c
        for r in common.read_jsonl(os.path.join(a.data, "train", "manifest.jsonl"))
        if r["source"] == "coco-2k"
        for c in r["captions"]
    ]
    en = ODD + SCRIPTS + EMOJI + HAN + rng.sample(coco, 420) + sentences(rng, "en", 250)
    en += mixed(rng, SCRIPTS + EMOJI + ODD[:90] + en[-300:], 1040 - len(en))
    zh = ODD + HAN * 1 + SCRIPTS + EMOJI + sentences(rng, "zh", 550) + sentences(rng, "en", 60)
    zh += mixed(rng, SCRIPTS + EMOJI + HAN + ODD[:90] + zh[-500:], 1040 - len(zh))
    write_tokens(os.path.join(a.golden, "tokens-en.jsonl"), ref.toks["en"], en)
    write_tokens(os.path.join(a.golden, "tokens-zh.jsonl"), ref.toks["zh"], zh)
    texts = (
        rng.sample(coco, 70)
        + sentences(rng, "en", 30)
        + sentences(rng, "zh", 80)
        + [t for t in HAN if len(t) < 60]
        + ["", " ", "dog", "Café", "a red apple", "word " * 200, "好" * 150, "狗"]
        + EMOJI[:4]
    )
    np.asarray(ref.texts(texts), "<f4").tofile(os.path.join(a.golden, "texts.f32"))
    with open(os.path.join(a.golden, "texts.jsonl"), "w", encoding="utf-8") as f:
        for t in texts:
            f.write(
                json.dumps({"text": t, "language": "zh" if common.has_han(t) else "en"}, ensure_ascii=False)
                + "\n"
            )
    folder = os.path.join(a.golden, "images")
    listing = os.path.join(a.golden, "images.jsonl")
    names = (
        [r["file"] for r in common.read_jsonl(listing)]
        if a.keep_images
        else make_images(folder, a.data, a.openclipart, rng)
    )
    with open(listing, "w") as f:
        for n in names:
            f.write(json.dumps({"file": n}) + "\n")
    np.asarray(ref.image_files([os.path.join(folder, n) for n in names]), "<f4").tofile(
        os.path.join(a.golden, "images.f32")
    )
    import PIL
    import torch
    import transformers

    size = sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(a.golden) for f in fs)
    print(
        len(en),
        "en strings,",
        len(zh),
        "zh strings,",
        len(texts),
        "texts,",
        len(names),
        "pictures,",
        size,
        "bytes; python",
        sys.version.split()[0],
        "torch",
        torch.__version__,
        "transformers",
        transformers.__version__,
        "pillow",
        PIL.__version__,
        "numpy",
        np.__version__,
    )


if __name__ == "__main__":
    main()
