#!/usr/bin/env python3
"""Lists real pictures, and queries for them, for `make recall-data`.

    python3 tests/bench/real_pictures.py OUT DATA [EMOJI]

DATA is the folder with train/ and eval/ (docs/SPEED.md says where from); EMOJI is the
unpacked npm package emoji-datasource-google, or a folder above it. Debian's
openclipart-png and tuxpaint-stamps-default are taken where they are installed. Writes

    OUT/pictures.jsonl   for `duet add --jsonl`: path, text where there is one, source
    OUT/queries.txt      2,000 texts, one a line, none of which is in the database

Files of equal bytes are listed once, and none that Duet refuses as too large. Pictures
of eval/ go in without their captions, and so does one in ten of the drawings: those are
the queries. Which is which is told by a hash of the path below its source, so that every
machine makes the same lists.
"""
import hashlib
import json
import os
import struct
import sys

CLIPART = "/usr/share/openclipart/png"
STAMPS = "/usr/share/tuxpaint/stamps"
N_QUERIES = 2000


def draw(text):
    """A number in [0, 1) that only the text decides."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


def words_of(path):
    stem = os.path.splitext(os.path.basename(path))[0]
    return " ".join(w for w in stem.replace("-", "_").split("_") if not w.isdigit())


def manifest(data, split):
    """(path, name, captions, source) of each picture; captions in all its languages."""
    rows = {}
    with open(os.path.join(data, split, "manifest.jsonl"), encoding="utf-8") as f:
        for line in f:
            row = json.loads(line)
            captions = row["captions"] or ["a photo of a " + x for x in row["labels"][:1]]
            rows.setdefault(row["file"], (row["source"], []))[1].extend(captions)
    for name, (source, captions) in rows.items():
        yield os.path.join(data, split, name), name, captions, source


def is_too_large(path):
    """Whether a PNG has more pixels than Duet takes (LIMIT_IMAGE_PIXELS)."""
    with open(path, "rb") as f:
        width, height = struct.unpack(">II", f.read(24)[16:])
    return width * height > 178956970


def pngs(folder):
    for top, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(top, name)
            if name.endswith(".png") and not is_too_large(path):
                yield path


def clipart():
    for path in pngs(CLIPART):
        yield path, os.path.relpath(path, CLIPART), [words_of(path)], "openclipart"


def stamps():
    for path in pngs(STAMPS):
        caption = path[:-4] + ".txt"
        captions = []
        if os.path.exists(caption):
            with open(caption, encoding="utf-8") as f:
                captions = [f.readline().strip()]
        yield path, os.path.relpath(path, STAMPS), captions, "stamps"


def emoji(folder):
    for base in (folder, os.path.join(folder, "package")):
        if os.path.exists(os.path.join(base, "emoji.json")):
            break
    else:
        sys.exit(f"real_pictures.py: no emoji.json in {folder}")
    with open(os.path.join(base, "emoji.json"), encoding="utf-8") as f:
        names = {e["image"]: e["short_name"].replace("_", " ") for e in json.load(f)}
    for path in pngs(os.path.join(base, "img/google/64")):
        name = os.path.basename(path)
        yield path, name, [names[name]] if name in names else [], "emoji"


def pictures(data, emoji_folder):
    """(path, name, captions, source, are its captions queries)"""
    for row in manifest(data, "train"):
        yield *row, False
    for row in manifest(data, "eval"):
        yield *row, True
    for kind in clipart(), stamps(), emoji(emoji_folder) if emoji_folder else ():
        for row in kind:
            yield *row, draw(row[1]) < 0.1


def choose_queries(texts, taken):
    """N_QUERIES of {source: {text}}, as evenly over the sources as they have texts."""
    left = {s: sorted(t - taken, key=draw) for s, t in texts.items()}
    chosen = []
    while len(chosen) < N_QUERIES and any(left.values()):
        for source in sorted(left):
            if left[source] and len(chosen) < N_QUERIES:
                chosen.append(left[source].pop())
    return sorted(set(chosen), key=draw)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    out, data = sys.argv[1:3]
    seen, counts, taken, texts = set(), {}, set(), {}
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "pictures.jsonl"), "w", encoding="utf-8") as f:
        for path, _, captions, source, asks in pictures(data, *sys.argv[3:4] or [None]):
            with open(path, "rb") as picture:
                digest = hashlib.sha256(picture.read()).digest()
            if digest in seen:
                continue
            seen.add(digest)
            counts[source] = counts.get(source, 0) + 1
            row = {"path": os.path.abspath(path), "payload": {"from": source}}
            captions = [c.replace("\n", " ").strip() for c in captions]
            if asks:
                texts.setdefault(source, set()).update(c for c in captions if c)
            elif captions and captions[0]:
                row["text"] = captions[0]
                taken.add(captions[0])
            f.write(json.dumps(row, ensure_ascii=False) + "\n")
    queries = choose_queries(texts, taken)
    with open(os.path.join(out, "queries.txt"), "w", encoding="utf-8") as f:
        f.write("".join(q + "\n" for q in queries))
    print(f"{len(seen)} distinct pictures: {counts}; {len(queries)} queries")


if __name__ == "__main__":
    main()
