#!/usr/bin/env python3
"""Makes the tokenizers of this folder and what the reference answers with them; see README.md.

    python make.py --data DATA [--golden DIR] [--check DUET_TEST --strings N]

--data is the folder with train/manifest.jsonl and eval/manifest.jsonl (captions to train on). With
--check the goldens are not written; N strings a tokenizer, and N with CLIP's real vocabulary as
open_clip ships it, go to a temporary folder, and DUET_TEST (build/tests/encoder/tok_golden_test)
compares them.
"""
import argparse
import base64
import gzip
import io
import json
import pathlib
import random
import string
import subprocess
import tempfile
import unicodedata

import sentencepiece
import transformers
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

SEED = 20240229
HERE = pathlib.Path(__file__).resolve().parent
FREE = ("COCO: captions CC BY 4.0", "MIT", "BSD-3-Clause")  # captions that may be committed
CLIP_SPECIAL = ["<|startoftext|>", "<|endoftext|>"]
CLIP_REGEX = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


# Corpora and strings.

def captions(data):
    """Every caption of the manifests that may be shown, in order, once."""
    found = {}
    for part in ("train", "eval"):
        for line in open(data / part / "manifest.jsonl", encoding="utf-8"):
            row = json.loads(line)
            if any(row["licence"].startswith(licence) for licence in FREE):
                for caption in row["captions"]:
                    found[caption] = None
    return list(found)


WORDS = {
    "zh": "红色 的 连衣裙 一只 猫 在 沙发 上 睡觉 夜晚 城市 天际线 海边 日落 老人 骑 自行车 复古 运动鞋 陶瓷 杯子 繁體 龍 豈 說",
    "ja": "赤い ドレス を 着た 女性 猫 が ソファ で 寝ている ｶﾀｶﾅ ﾊﾟﾝ ギター 東京 タワー の 夜景 ㌔ ㍿ 神 ヷ",
    "ko": "빨간 드레스 를 입은 여자 고양이 가 소파 에서 자고 있다 서울 야경 한글 각 힣 ㄱㅏㄱ",
    "ar": "فستان أحمر قطة نائمة على الأريكة مدينة في الليل لا إله ﷺ ١٢٣ مُحَمَّد ﻻ",
    "he": "שמלה אדומה חתול ישן על הספה עיר בלילה שָׁלוֹם",
    "hi": "लाल पोशाक में एक महिला बिल्ली सोफे पर सो रही है क़लम ज़मीन क्षत्रिय श्री १२३",
    "bn": "লাল শাড়ি পরা মহিলা বিড়াল ঢাকা য়",
    "ta": "சிவப்பு உடை பெண் பூனை கொ",
    "th": "ผู้หญิงใส่ชุดสีแดง แมวนอนบนโซฟา กำลัง เมืองตอนกลางคืน",
    "ru": "Красное платье кошка спит на диване ночной город Ёлка ЙОД",
    "el": "Κόκκινο φόρεμα ΟΔΥΣΣΕΥΣ γάτα στον καναπέ Σ ΑΣ ΐ",
    "tr": "İSTANBUL ISPARTA kırmızı elbise IĞDIR İi Iı",
    "de": "Straße STRASSE ẞ Grün Äpfel Übermut weißer Käse",
    "fr": "Élève déjà-vu l'été œuvre naïve garçon Ça",
    "vi": "Tiếng Việt phở bò đường phố Huế ắ ữ",
    "pl": "Zażółć gęślą jaźń ŁÓDŹ",
    "latin": "ﬁ ﬂ ﬀ ﬃ ĳ Ǆ ǅ ŉ K Å Ω ™ ½ ² ① Ⅷ ℃ № ａｂｃ ＡＢＣ １２３ ﹤ ｡",
    "odd": "ﬀı ẛ̣ ự a̶ Z̷̡͠a̴l̸g̷o e̊́ q̣̇ ḍ̇ ạ̈ 각 가 ᄀ ﹏ ͏ ͸ 𝒜𝓑𝔠 𝟘𝟙 ﷽ 🅰 Ⓐ ⓩ",
    "emoji": "😀 👍🏽 👨‍👩‍👧‍👦 🇩🇪🇯🇵 🏳️‍🌈 ❤️ ☃ ©️ 1️⃣ 🧑🏿‍🚀 🫠 👁️‍🗨️ ✊🏻",
    "code": "def f(x): return x**2 <b>bold</b> a_b-c.d e@f.com https://example.org/?q=1&r=%20 #tag @user $9.99 C++ \\n {} []",
    "en": "can't won't I'm you've he'd they'll it's IT'S 'tis rock'n'roll don’t 2nd 100% 3.14 1,000,000 A.B. T-shirt",
}
SPACES = [" ", " ", " ", " ", "  ", "\t", "\n", "\r\n", "\r", "\u00a0", "\u3000", "\u2003", "\u200b", "\u2028",
          "\x0b", "\x0c", "\x85", "\u1680", "\u180e", "\u2060", "\ufeff", "\u202f", "   \n ", "▁", "▁▁", "\u200d", "\u200c"]
CONTROLS = [chr(c) for c in list(range(1, 32)) + [0x7f, 0x80, 0x8f, 0x9f, 0xad, 0x600, 0x61c, 0x200e, 0x202e, 0x2066,
                                                   0xe000, 0xfffd, 0xffff, 0xfffe, 0xe0041, 0xe0100, 0x1d173, 0x10ffff]]
SPECIALS = CLIP_SPECIAL + ["<|STARTOFTEXT|>", "<|endoftext|", "<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "</s>", "<s>",
                           "[CLS]", "[SEP]", "[UNK]", "[PAD]", "[MASK]", "[mask]", "<extra_id_0>", "<0x41>", "</w>", "##ing",
                           "\n\n", "<unused1>", "Dog", "dog"]
# Assigned by Unicode 14, which utf8proc 2.8 and the reference both know.
ASSIGNED = [c for c in range(1, 0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs")]


def assigned_text(rng):
    """Neighbouring code points of one place, as a script has them, or any."""
    if rng.random() < 0.6:
        at = rng.randrange(len(ASSIGNED) if rng.random() < 0.2 else 12000)
        chosen = ASSIGNED[at:at + 40]
    else:
        chosen = ASSIGNED
    out = "".join(chr(rng.choice(chosen)) for _ in range(rng.randrange(1, 10)))
    return "".join(c + (rng.choice(["\u0301", "\u0323", "\u05b0", "\u093c", "\u200d", "\u0308"]) if rng.random() < 0.1 else "")
                   for c in out)


def words_text(rng, sentences):
    kind = rng.choice(list(WORDS))
    words = WORDS[kind].split(" ")
    if rng.random() < 0.25:
        words = words + WORDS[rng.choice(list(WORDS))].split(" ") + rng.choice(sentences).split(" ")
    out = []
    for _ in range(rng.randrange(1, 8)):
        word = rng.choice(words)
        word = rng.choice([word, word, word, word.upper(), word.title(), unicodedata.normalize("NFD", word)])
        out += [word, rng.choice(SPACES) if rng.random() < 0.4 else rng.choice([" ", " ", ""])]
    return "".join(out)


def mixed_text(rng, sentences):
    parts = []
    for _ in range(rng.randrange(1, 7)):
        parts.append(rng.choice([
            lambda: rng.choice(SPECIALS), lambda: rng.choice(SPACES) * rng.randrange(1, 4), lambda: rng.choice(CONTROLS),
            lambda: rng.choice(sentences)[:rng.randrange(12)], lambda: chr(rng.choice(ASSIGNED)),
            lambda: rng.choice(string.punctuation) * rng.randrange(1, 4), lambda: str(rng.randrange(100000)),
            lambda: rng.choice(rng.choice(list(WORDS.values())).split(" "))])())
    return "".join(parts)


def long_text(rng, sentences):
    kind = rng.randrange(4)
    if kind == 0:  # one word
        return "".join(rng.choice(string.ascii_lowercase[:rng.randrange(1, 26)]) for _ in range(rng.randrange(80, 300)))
    if kind == 1:
        return rng.choice(["a", "ab", "狗", "é", "👍🏽", "\u0301", ".", "dog "]) * rng.randrange(50, 200)
    return rng.choice([" ", ""]).join(rng.choice(sentences) for _ in range(rng.randrange(4, 8)))


def strings(rng, sentences, n):
    """[max, text] for n texts."""
    fixed = ["", " ", "   ", "\n", "\t\n ", "a", "A", "é", "e\u0301", "\u0301", "狗", "👍🏽", "\u200d", "▁", "▁a", " a", "a ", "  a  b  ",
             "\u0130", "Σ", "ΑΣ", "\r\n", "\ufb01", "'s", "'S", "don't", "a\u0000b".replace("\0", ""), "<|endoftext|>", "</s>"]
    fixed += SPECIALS + SPACES + CONTROLS + [" " + s + " " for s in SPECIALS] + ["x" + s + "y" for s in SPECIALS]
    out = {text: 64 for text in fixed}
    # Longer than any buffer or stride within a tokenizer.
    out.update({text: 1200 for text in ("ab" * 2600, "x" + " " * 6000 + "y" + "\t\n" * 3000 + "z", "aé狗 " * 1500, "'" * 5000, "1" * 3000)})
    makers = [(0.22, lambda: rng.choice(sentences)), (0.60, lambda: words_text(rng, sentences)),
              (0.80, lambda: mixed_text(rng, sentences)), (0.985, lambda: assigned_text(rng)), (1, lambda: long_text(rng, sentences))]
    while len(out) < n:
        p = rng.random()
        text = next(make for limit, make in makers if p <= limit)()
        if "\0" not in text:
            out[text] = rng.randrange(2, 20) if rng.random() < 0.15 else rng.choice([64, 77])
    return [[limit, text] for text, limit in out.items()]


# Tokenizers.

def train_bpe(sentences, pre_tokenizer, normalizer=None, **options):
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizer
    if normalizer is not None:
        trained.normalizer = normalizer
    trained.train_from_iterator(sentences, trainers.BpeTrainer(show_progress=False, **options))
    return json.loads(trained.to_str())["model"]


def clip(sentences):
    """As transformers' CLIPTokenizer builds it."""
    pre = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(CLIP_REGEX), behavior="removed", invert=True),
                                   pre_tokenizers.ByteLevel(add_prefix_space=False)])
    norm = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    # The trainer breaks ties by the order of a hash map where it knows a suffix or a prefix; so the last character of
    # a word goes in as one of private use.
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    ends = {c: chr(0xe000 + i) for i, c in enumerate(alphabet)}
    back = {end: c + "</w>" for c, end in ends.items()}
    words = (" ".join(word[:-1] + ends[word[-1]] for word, _ in pre.pre_tokenize_str(norm.normalize_str(s))) for s in sentences)
    model = train_bpe(words, pre_tokenizers.WhitespaceSplit(), vocab_size=2600, initial_alphabet=alphabet + list(back))
    spell = lambda token: "".join(back.get(c, c) for c in token)
    # CLIP's own order: bytes, bytes that end a word, merges, the two special tokens.
    merges = [(spell(a), spell(b)) for a, b in model["merges"]]
    tokens = list(dict.fromkeys(alphabet + [c + "</w>" for c in alphabet] + ["".join(m) for m in merges])) + CLIP_SPECIAL
    vocab = {token: i for i, token in enumerate(tokens)}
    return transformers.CLIPTokenizer(vocab=vocab, merges=merges).backend_tokenizer, vocab, merges


def clip_old(new):
    """As the files of 2022: merges as strings, no type and no later options, tokens to be normalized."""
    file = json.loads(new.to_str())
    model = file["model"]
    file["added_tokens"][0]["normalized"] = file["added_tokens"][1]["normalized"] = True
    file["pre_tokenizer"]["pretokenizers"] = [
        {"type": "Split", "pattern": {"Regex": CLIP_REGEX}, "behavior": "Removed", "invert": True},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}]
    file["model"] = {"dropout": None, "unk_token": "<|endoftext|>", "continuing_subword_prefix": "",
                     "end_of_word_suffix": "</w>", "fuse_unk": False, "vocab": model["vocab"],
                     "merges": [" ".join(m) for m in model["merges"]]}
    ids = {t: model["vocab"][t] for t in CLIP_SPECIAL}
    file["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": CLIP_SPECIAL[0], "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                   {"SpecialToken": {"id": CLIP_SPECIAL[1], "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in CLIP_SPECIAL}}
    return file


RULES = [("ab", "Q"), ("a", "z"), ("\u0301", ""), ("e\u0301", "E\u0301"), ("\u00e9", "ee"), ("\u00df", "ss"), ("\u200d", ""), ("\r", " "),
         ("\t", " "), ("\u72d7", "dog cat"), ("\ufb03", "f"), ("\u0958", "\u0915"), ("\u00fc", "u")]


def spm(sentences, rules=None):
    """A unigram model by sentencepiece with its own charsmap: nmt_nfkc, or a small one of `rules`."""
    model = io.BytesIO()
    how = {"vocab_size": 4000, "normalization_rule_name": "nmt_nfkc"}
    if rules is not None:
        with tempfile.NamedTemporaryFile("w", suffix=".tsv", delete=False, encoding="utf-8") as file:
            for old, new in rules:
                print(" ".join(f"{ord(c):X}" for c in old), " ".join(f"{ord(c):X}" for c in new), sep="\t", file=file)
        how = {"vocab_size": 1500, "normalization_rule_tsv": file.name}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=model, model_type="unigram", character_coverage=0.9995, **how, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, hard_vocab_limit=False,
        input_sentence_size=0, shuffle_input_sentence=False, num_threads=1, minloglevel=2)
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model.getvalue())
    return model.getvalue(), proto


def siglip(proto):
    """As SpmConverter and T5Converter of transformers convert it, behind the canonicalization of SigLIP."""
    vocab = [(piece.piece, piece.score) for piece in proto.pieces]
    tok = Tokenizer(models.Unigram(vocab, unk_id=proto.trainer_spec.unk_id, byte_fallback=False))
    tok.normalizer = normalizers.Sequence([
        normalizers.Lowercase(), normalizers.Replace(Regex("[" + "".join("\\" + c for c in string.punctuation) + "]"), ""),
        normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip(),
        normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap), normalizers.Strip(left=False, right=True),
        normalizers.Replace(Regex(" {2,}"), "▁")])
    tok.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    eos = tok.token_to_id("</s>")
    tok.post_processor = processors.TemplateProcessing(single=["$A", "</s>"], pair=["$A", "</s>", "$B", "</s>"],
                                                       special_tokens=[("</s>", eos)])
    tok.add_special_tokens([AddedToken(t, lstrip=True, rstrip=True, normalized=False, special=True) for t in ("</s>", "<unk>", "<pad>")])
    return tok


def siglip_first(proto):
    """Every option that the other does not use: scheme "first", whole text, a token that is normalized."""
    tok = siglip(proto)
    tok.normalizer = normalizers.Sequence([
        normalizers.Nmt(), normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap), normalizers.Strip(left=True, right=False),
        normalizers.Replace("ü", "ue")])
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Punctuation("contiguous"),
                                                 pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=False)])
    tok.add_tokens([AddedToken("Dog", single_word=True, normalized=True), AddedToken("ｄｏｇｓ", normalized=True)])
    return tok


def siglip_words(proto):
    tok = siglip(proto)
    tok.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Prepend("x")])
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Whitespace(),
                                                 pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)])
    return tok


def siglip_split(proto):
    """As files made for browsers are: a step for each punctuation mark, and the text split at white space first."""
    file = json.loads(siglip(proto).to_str())
    charsmap = next(step for step in file["normalizer"]["normalizers"] if step["type"] == "Precompiled")
    file["normalizer"]["normalizers"] = (
        [{"type": "Lowercase"}] + [{"type": "Replace", "pattern": {"String": c}, "content": ""} for c in string.punctuation] +
        [{"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "}, {"type": "Strip", "strip_left": True, "strip_right": True},
         charsmap, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}])
    file["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [
        {"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True, "prepend_scheme": "always"}]}
    return Tokenizer.from_str(json.dumps(file))


def gemma(sentences):
    """As Siglip2Tokenizer builds it, without its Lowercase, which the caller asks for."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    model = train_bpe(sentences, pre_tokenizers.Split("▁", "merged_with_next"), normalizers.Replace(" ", "▁"),
                      vocab_size=3200, limit_alphabet=1500)
    tokens = list(dict.fromkeys(special + ["<unused1>", "\n\n", "▁▁"] + [f"<0x{b:02X}>" for b in range(256)] + list(model["vocab"])))
    tok = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=[tuple(m) for m in model["merges"]],
                               unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tok.normalizer = normalizers.Replace(" ", "▁")
    tok.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tok.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in special])
    tok.add_tokens([AddedToken(t, normalized=False) for t in ("<unused1>", "\n\n", "▁▁")])
    tok.post_processor = processors.TemplateProcessing(single="$A <eos>", pair="$A <eos> $B <eos>", special_tokens=[("<eos>", 1)])
    return tok


def gemma_plain(tok):
    """No bytes to fall back to, unknown ones apart, pieces that are tokens left whole."""
    file = json.loads(tok.to_str())
    file["model"].update(byte_fallback=False, fuse_unk=False, ignore_merges=True)
    file["pre_tokenizer"] = {"type": "Split", "pattern": {"Regex": "▁"}, "behavior": "MergedWithNext", "invert": False}
    file["post_processor"] = None
    return file


def bert(sentences):
    """Every piece may begin a word or go on in one."""
    norm, pre = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    pieces = list(train_bpe(sentences, pre, norm, vocab_size=1700, limit_alphabet=900)["vocab"])
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + pieces + ["##" + piece for piece in pieces]
    trained = Tokenizer(models.WordPiece({t: i for i, t in enumerate(vocab)}, unk_token="[UNK]"))
    trained.normalizer, trained.pre_tokenizer = norm, pre
    trained.add_special_tokens(vocab[:5])
    trained.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
                                                           special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return trained


# Files that must be refused.

def small_bpe():
    vocab = ["<unk>", "a", "b", "c", "ab", "abc", "<s>"]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [
                {"id": 6, "content": "<s>", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}],
            "normalizer": None, "pre_tokenizer": None,
            "post_processor": {"type": "TemplateProcessing",
                               "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                               "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [6], "tokens": ["<s>"]}}},
            "decoder": None,
            "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                      "vocab": {t: i for i, t in enumerate(vocab)}, "merges": [["a", "b"], ["ab", "c"]]}}


def small_unigram():
    file = small_bpe()
    file.update(post_processor=None, added_tokens=[])
    file["model"] = {"type": "Unigram", "unk_id": 0, "byte_fallback": False,
                     "vocab": [["<unk>", 0.0], ["▁", -2.0], ["a", -3.0], ["▁a", -2.5]]}
    return file


def charsmap(units, texts):
    raw = (4 * len(units)).to_bytes(4, "little") + b"".join(u.to_bytes(4, "little") for u in units) + texts
    return base64.b64encode(raw).decode()


def trie(label, target):
    """A double array of 256 units with one key of one byte, whose value is `target`."""
    units = [0] * 256
    units[0] = 0  # the root: its children are at 0 ^ label
    units[label] = label | 0x100 | ((label ^ 2) << 10)  # has a value, at label ^ (label ^ 2) = 2
    units[2] = 0x80000000 | target
    return units


def bad_files(folder):
    """(name, error, words of its sentence, file); the two called good are the same without a fault."""
    def bpe(change):
        file = small_bpe()
        change(file)
        return file

    def unigram(change):
        file = small_unigram()
        change(file)
        return file

    def normal(value):
        return bpe(lambda f: f.update(normalizer=value))

    def pre(value):
        return bpe(lambda f: f.update(pre_tokenizer=value))

    def mapped(base):
        return normal({"type": "Precompiled", "precompiled_charsmap": base})

    def model(**change):
        return bpe(lambda f: f["model"].update(change))

    def added(**change):
        return bpe(lambda f: f["added_tokens"][0].update(change))

    def regex(pattern):
        return pre({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False})

    def template(*pieces, **more):
        return bpe(lambda f: f["post_processor"].update(single=list(pieces), **more))

    a, start = {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<s>", "type_id": 0}}
    wordpiece = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
                 "vocab": {"[UNK]": 0, "a": 1}}
    bert_pair = {"normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None,
                                "lowercase": True}, "pre_tokenizer": {"type": "BertPreTokenizer"}}

    def word(model_change, **steps):
        return bpe(lambda f: f.update({"model": {**wordpiece, **model_change}, "post_processor": None, "added_tokens": [], **bert_pair, **steps}))

    good_map = charsmap(trie(ord("a"), 0), b"b\0")
    text = json.dumps
    bad = [
        ("good-bpe", "ok", "-", small_bpe()), ("good-unigram", "ok", "-", small_unigram()), ("good-charsmap", "ok", "-", mapped(good_map)),
        ("good-wordpiece", "ok", "-", word({})),
        ("empty", "model", "empty", ""), ("not-json", "model", "not JSON", "tokenizer"), ("array", "model", "'{'", "[]"),
        ("cut", "model", "not JSON", text(small_bpe())[:-40]), ("behind", "model", "more behind", text(small_bpe()) + "x"),
        ("not-utf8", "model", "UTF-8", text(small_bpe()).replace("abc", "\udcff")), ("deep", "model", "deep", '{"model":' + "[" * 400 + "]" * 400 + "}"),
        ("deep-sequence", "model", "nesting", text(normal(None)).replace('"normalizer": null', '"normalizer": ' + '{"type":"Sequence","normalizers":[' * 200 + "]}" * 200)),
        ("no-model", "model", "\"model\"", bpe(lambda f: f.pop("model"))), ("no-vocab", "model", "vocab", bpe(lambda f: f["model"].pop("vocab"))),
        ("no-merges", "model", "merges", bpe(lambda f: f["model"].pop("merges"))), ("word-level", "unsupported", "WordLevel", model(type="WordLevel")),
        ("id-twice", "model", "have the id 1", model(vocab={"<unk>": 0, "a": 1, "b": 1})), ("id-gap", "model", "has the id 1", model(vocab={"<unk>": 0, "a": 2})),
        ("id-great", "model", "too great", model(vocab={"<unk>": 0, "a": 4000000000})), ("id-negative", "model", "whole number", model(vocab={"<unk>": 0, "a": -1})),
        ("id-fraction", "model", "whole number", model(vocab={"<unk>": 0, "a": 1.5})), ("id-text", "model", "whole number", model(vocab={"<unk>": "0"})),
        ("vocab-array", "model", "'{'", model(vocab=["a"])), ("token-twice", "model", "twice", text(small_bpe()).replace('"b": 2', '"a": 2')),
        ("merge-unknown", "model", "no token", model(merges=[["a", "x"]])), ("merge-whole-unknown", "model", "\"ba\"", model(merges=[["b", "a"]])),
        ("merge-of-three", "model", "two tokens", model(merges=[["a", "b", "c"]])), ("merge-of-one", "model", "two tokens", model(merges=[["a"]])),
        ("merge-line-of-three", "model", "two tokens", model(merges=["a b c"])), ("merge-number", "model", "'['", model(merges=[1])),
        ("merge-prefix", "model", "right part", model(continuing_subword_prefix="##", merges=[["ab", "c"]])),
        ("affix-long", "model", "over 64 bytes", model(end_of_word_suffix="x" * 65)), ("dropout", "unsupported", "dropout", model(dropout=0.1)),
        ("flag-text", "model", "fuse_unk", model(fuse_unk="no")), ("unk-number", "model", "unk_token", model(unk_token=3)),
        ("score-nan", "model", "no number", text(small_unigram()).replace("-2.5", "NaN")), ("score-infinite", "model", "out of range", text(small_unigram()).replace("-2.5", "-1e999")),
        ("score-missing", "model", "its score", text(small_unigram()).replace(", -2.5", "")), ("score-text", "model", "no number", text(small_unigram()).replace("-2.5", '"-2.5"')),
        ("unigram-twice", "model", "twice", text(small_unigram()).replace("▁a", "a").replace("\\u2581a", "a")), ("unk-past", "model", "past the end", unigram(lambda f: f["model"].update(unk_id=4))),
        ("unk-negative", "model", "unk_id", unigram(lambda f: f["model"].update(unk_id=-1))), ("unigram-object", "model", "'['", unigram(lambda f: f["model"].update(vocab={"a": 0}))),
        ("normalizer-unknown", "unsupported", "Shout", normal({"type": "Shout"})), ("normalizer-bert", "unsupported", "BertNormalizer", normal(bert_pair["normalizer"])),
        ("normalizer-no-type", "model", "type", normal({"lowercase": True})), ("normalizers-missing", "model", "normalizers", normal({"type": "Sequence"})),
        ("normalizers-many", "model", "64 normalizers", normal({"type": "Sequence", "normalizers": [{"type": "NFC"}] * 65})),
        ("replace-no-pattern", "model", "Regex", normal({"type": "Replace", "content": ""})), ("replace-empty", "unsupported", "empty pattern", normal({"type": "Replace", "pattern": {"String": ""}, "content": ""})),
        ("replace-no-content", "model", "content", normal({"type": "Replace", "pattern": {"String": "a"}})), ("strip-missing", "model", "strip_right", normal({"type": "Strip", "strip_left": True})),
        ("map-not-base64", "model", "base64", mapped("AA*=")), ("map-cut-base64", "model", "base64", mapped(good_map[:-1])), ("map-empty", "model", "base64", mapped("")),
        ("map-short", "model", "cut short", mapped("AAAAAAAA")), ("map-trie-past", "model", "cut short", mapped(base64.b64encode(b"\xff\xff\xff\x7f" + b"\0" * 64).decode())),
        ("map-not-utf8", "model", "UTF-8", mapped(charsmap(trie(ord("a"), 0), b"\xff\0"))), ("map-text-past", "model", "replacements", mapped(charsmap(trie(ord("a"), 99), b"b\0"))),
        ("map-text-middle", "model", "replacements", mapped(charsmap(trie(ord("a"), 1), "é\0".encode()))), ("map-unit-past", "model", "out of itself", mapped(charsmap(trie(ord("a"), 0)[:100], b"b\0"))),
        ("map-root-past", "model", "out of itself", mapped(charsmap([0xffffff00], b"b\0"))),
        ("pre-unknown", "unsupported", "UnicodeScripts", pre({"type": "UnicodeScripts"})), ("pre-bert", "unsupported", "BertPreTokenizer", pre({"type": "BertPreTokenizer"})),
        ("pre-missing", "model", "pretokenizers", pre({"type": "Sequence"})), ("behaviour", "model", "behavior", pre({"type": "Split", "pattern": {"String": " "}, "behavior": "Maybe", "invert": False})),
        ("regex-bad", "model", "regex", regex("(a")), ("regex-range", "model", "regex", regex("[z-a]")), ("regex-long", "model", "bytes", regex("a" * 5000)),
        ("regex-back-reference", "unsupported", "escape", regex(r"(a)\1")), ("regex-call", "unsupported", "escape", regex(r"(?:a)\g<0>?")), ("regex-look-behind", "unsupported", "group", regex("(?<=a)b")),
        ("regex-atomic", "unsupported", "group", regex("(?>a+)b")), ("regex-absent", "unsupported", "group", regex("(?~a)")), ("regex-callout", "unsupported", "group", regex("(*FAIL)")),
        ("regex-look", "unsupported", "look-ahead", regex("(?=(a|b)+)a")),
        ("metaspace-two", "model", "one character", pre({"type": "Metaspace", "replacement": "ab"})), ("metaspace-scheme", "model", "prepend_scheme", pre({"type": "Metaspace", "replacement": "a", "prepend_scheme": "x"})),
        ("metaspace-disagrees", "model", "disagree", pre({"type": "Metaspace", "replacement": "a", "add_prefix_space": False})),
        ("processor", "unsupported", "Swap", bpe(lambda f: f.update(post_processor={"type": "Swap"}))), ("processors-two", "unsupported", "more than one", bpe(lambda f: f.update(post_processor={"type": "Sequence", "processors": [f["post_processor"]] * 2}))),
        ("template-b", "model", "sequence B", template(start, {"Sequence": {"id": "B", "type_id": 0}})), ("template-twice", "unsupported", "twice", template(a, a)), ("template-none", "unsupported", "without its sequence", template(start)),
        ("template-unknown", "model", "special tokens", template(start, a, special_tokens={})), ("template-id-past", "model", "past the vocabulary", template(start, a, special_tokens={"<s>": {"id": "<s>", "ids": [7], "tokens": ["<s>"]}})),
        ("template-id-negative", "model", "whole number", template(start, a, special_tokens={"<s>": {"id": "<s>", "ids": [-1], "tokens": ["<s>"]}})), ("template-many", "model", "on one side", template(*[start] * 17, a)),
        ("pair-cut", "model", "cls", bpe(lambda f: f.update(post_processor={"type": "BertProcessing", "sep": ["<s>", 6]}))), ("pair-short", "model", "whole number", bpe(lambda f: f.update(post_processor={"type": "BertProcessing", "sep": ["<s>"], "cls": ["<s>", 6]}))),
        ("added-other-id", "model", "says id 5", added(id=5)), ("added-empty", "model", "empty", added(content="")), ("added-flag", "model", "lstrip", added(lstrip=1)), ("added-object", "model", "array", bpe(lambda f: f.update(added_tokens={}))),
        ("added-alike", "model", "look alike", bpe(lambda f: f.update(normalizer={"type": "Lowercase"}, added_tokens=[
            {"id": 7 + i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": True, "special": False} for i, t in enumerate(("Q", "q"))]))),
        ("added-vanishes", "model", "empty once normalized", bpe(lambda f: f.update(normalizer={"type": "Strip", "strip_left": True, "strip_right": True}, added_tokens=[
            {"id": 7, "content": " ", "single_word": False, "lstrip": False, "rstrip": False, "normalized": True, "special": False}]))),
        ("word-prefix", "unsupported", "prefix", word({"continuing_subword_prefix": "@"})), ("word-chars", "unsupported", "200 characters", word({"max_input_chars_per_word": 200})),
        ("word-no-unk", "model", "[UNK]", word({"vocab": {"a": 0}})), ("word-steps", "unsupported", "WordPiece", word({}, normalizer=None, pre_tokenizer=None)), ("bert-bpe", "unsupported", "BPE", bpe(lambda f: f.update(bert_pair))),
        ("token-long", "model", "1025 bytes", model(vocab={"<unk>": 0, "a" * 1025: 1}, merges=[])), ("added-long", "model", "2000 bytes", bpe(lambda f: f["added_tokens"].append(
            {**f["added_tokens"][0], "id": 7, "content": "x" * 2000}))),
        ("word-normalized", "unsupported", "normalized token", word({}, added_tokens=[{**small_bpe()["added_tokens"][0], "id": 2, "normalized": True}])),
        ("version", "unsupported", "2.0", bpe(lambda f: f.update(version="2.0"))), ("version-number", "model", "version", bpe(lambda f: f.update(version=1))),
        ("bert-options", "unsupported", "these options", word({}, normalizer={**bert_pair["normalizer"], "strip_accents": False})),
    ]
    (folder.path / "bad").mkdir(exist_ok=True)
    for name, _, _, file in bad:
        raw = file if isinstance(file, str) else json.dumps(file, ensure_ascii=False, separators=(",", ":"))
        (folder.path / "bad" / (name + ".json")).write_bytes(raw.encode("utf-8", "surrogateescape"))
    folder.write("bad.txt", "".join(f"{name} {error} {words}\n" for name, error, words, _ in bad))


# Writing and checking.

def lowered(tok):
    copy = Tokenizer.from_str(tok.to_str())
    copy.normalizer = normalizers.Sequence([normalizers.Lowercase(), copy.normalizer])
    return copy


def answers(tok, cases):
    """One line a text: whether it was truncated, and the ids."""
    lines = []
    for limit, text in cases:
        tok.no_truncation()
        full = ids = tok.encode(text).ids
        if len(full) > limit:
            tok.enable_truncation(limit)
            ids = tok.encode(text).ids
        lines.append(" ".join(map(str, [int(len(full) > len(ids))] + ids)))
    tok.no_truncation()
    return "\n".join(lines) + "\n"


class Folder:
    def __init__(self, path):
        self.path, self.cases = pathlib.Path(path), []
        self.path.mkdir(parents=True, exist_ok=True)

    def write(self, name, text):
        (self.path / name).write_text(text, encoding="utf-8")

    def strings(self, name, cases):
        self.write(name, "".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) + "\n" for case in cases))

    def case(self, how, files, name, tok, cases, strings_name):
        """`how` is how Duet opens `files`: json, lower, vocab or bpe."""
        self.write(name + ".ids", answers(tok, cases))
        self.cases.append(" ".join([how, files[0], files[-1], strings_name, name + ".ids"]))

    def end(self):
        self.write("cases.txt", "\n".join(self.cases) + "\n")


def compact(file):
    return json.dumps(json.loads(file) if isinstance(file, str) else file, ensure_ascii=False, separators=(",", ":")) + "\n"


def write_all(folder, sentences, cases):
    few = cases if len(cases) > 20000 else cases[::8]
    folder.strings("strings.jsonl", cases)
    folder.strings("few.jsonl", few)
    clip_tok, vocab, merges = clip(sentences)
    folder.write("clip.json", compact(clip_tok.to_str()))
    folder.case("json", ["clip.json"], "clip", clip_tok, cases, "strings.jsonl")
    old = compact(clip_old(clip_tok))
    folder.write("clip-old.json", old)
    folder.case("json", ["clip-old.json"], "clip-old", Tokenizer.from_str(old), few, "few.jsonl")
    folder.write("clip-vocab.json", compact(vocab))
    folder.write("clip-merges.txt", "#version: 0.2\n" + "".join(" ".join(m) + "\n" for m in merges))
    folder.case("bpe", ["clip-vocab.json", "clip-merges.txt"], "clip-pair", clip_tok, few, "few.jsonl")
    model, proto = spm(sentences)
    for name, tok, chosen, where in (("siglip", siglip(proto), cases, "strings.jsonl"),
                                     ("siglip-first", siglip_first(spm(sentences, RULES)[1]), few, "few.jsonl"),
                                     ("siglip-words", siglip_words(spm(sentences, RULES)[1]), few, "few.jsonl"),
                                     ("siglip-split", siglip_split(spm(sentences, RULES)[1]), few, "few.jsonl")):
        file = compact(tok.to_str())
        folder.write(name + ".json", file)
        folder.case("json", [name + ".json"], name, Tokenizer.from_str(file), chosen, where)
    gemma_tok = gemma(sentences)
    folder.write("siglip2.json", compact(gemma_tok.to_str()))
    folder.case("lower", ["siglip2.json"], "siglip2", lowered(gemma_tok), cases, "strings.jsonl")
    plain = compact(gemma_plain(gemma_tok))
    folder.write("siglip2-plain.json", plain)
    folder.case("json", ["siglip2-plain.json"], "siglip2-plain", Tokenizer.from_str(plain), few, "few.jsonl")
    bert_tok = bert(sentences)
    folder.write("bert.json", compact(bert_tok.to_str()))
    folder.case("json", ["bert.json"], "bert", bert_tok, cases, "strings.jsonl")
    return model, proto


def check_slow_siglip(model, proto, cases):
    """Where transformers' SiglipTokenizer, without a tokenizer.json, answers otherwise."""
    with tempfile.TemporaryDirectory() as path:
        (pathlib.Path(path) / "spiece.model").write_bytes(model)
        slow = transformers.SiglipTokenizer(str(pathlib.Path(path) / "spiece.model"))
    fast = siglip(proto)
    other = [text for _, text in cases if slow(text).input_ids != fast.encode(text).ids]
    print(f"SiglipTokenizer: {len(other)} of {len(cases)} texts have other ids")
    for text in other[:400:20]:
        print("   ", ascii(text))


def real_clip(folder, cases):
    """CLIP's own vocabulary, in a temporary folder only."""
    import open_clip
    path = pathlib.Path(open_clip.__file__).parent / "bpe_simple_vocab_16e6.txt.gz"
    lines = gzip.open(path).read().decode().split("\n")[1:49152 - 256 - 2 + 1]
    merges = [tuple(line.split()) for line in lines]
    vocab = open_clip.tokenizer.SimpleTokenizer().encoder
    vocab = {t.replace("<start_of_text>", CLIP_SPECIAL[0]).replace("<end_of_text>", CLIP_SPECIAL[1]): i for t, i in vocab.items()}
    tok = transformers.CLIPTokenizer(vocab=vocab, merges=merges).backend_tokenizer
    folder.write("real-vocab.json", compact(vocab))
    folder.write("real-merges.txt", "#version: 0.2\n" + "".join(" ".join(m) + "\n" for m in merges))
    folder.write("real.json", compact(tok.to_str()))
    folder.case("bpe", ["real-vocab.json", "real-merges.txt"], "real-pair", tok, cases, "strings.jsonl")
    folder.case("json", ["real.json"], "real", tok, cases, "strings.jsonl")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--golden", type=pathlib.Path, default=HERE)
    parser.add_argument("--check", type=pathlib.Path)
    parser.add_argument("--strings", type=int, default=5200)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    sentences = captions(options.data)
    rng = random.Random(options.seed)
    corpus = sentences + [words_text(rng, sentences) for _ in range(6000)]
    if options.check is None:
        folder = Folder(options.golden)
        write_all(folder, corpus, strings(rng, sentences, options.strings))
        bad_files(folder)
        folder.end()
        return
    with tempfile.TemporaryDirectory() as path:
        folder = Folder(path)
        cases = strings(rng, sentences, options.strings)
        model, proto = write_all(folder, corpus, cases)
        real_clip(folder, cases)
        folder.end()
        check_slow_siglip(model, proto, cases[:20000])
        subprocess.run([options.check, path], check=True)


if __name__ == "__main__":
    main()
