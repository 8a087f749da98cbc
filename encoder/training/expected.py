"""Writes expected.json of a model's folder: what the reference makes of some texts and of the three pictures that
`duet model verify` draws (db/model_probe.c draws them alike, by whole numbers).

    python expected.py --model ../models/default
"""

import argparse
import json
import os
from importlib.metadata import version

import numpy as np
from PIL import Image

import reference

TEXTS = [
    "a dog on a beach",
    "two red apples beside a blue cup on a wooden table",
    "Straße, café & 3.5\" screws — 50% off!",
    "一只狗在海滩上奔跑",
    "桌子上有两个红苹果和一个蓝色的杯子",
    "🐕🏖️ 😀",
]
WIDTH, HEIGHT, DISCS, BAR = 320, 240, 4, 16


def draw(i):
    """Picture i as [HEIGHT, WIDTH, 3] bytes."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    rgb = np.stack([x * 255 // (WIDTH - 1), y * 255 // (HEIGHT - 1), np.full_like(x, 40 + 90 * i)], -1)
    for d in range(DISCS):
        dx, dy = x - (40 + 75 * d + 13 * i), y - (60 + 37 * d % 120)
        radius = 18 + 9 * ((d + i) % 4)
        rgb[dx * dx + dy * dy <= radius * radius] = 230 - 60 * d, 50 + 80 * ((d + i) % 3), 20 + 70 * d
    rgb[(y >= 190) & ((x // BAR + i) % 3 == 0)] = 255 * (i == 0), 200 * (i == 1), 180 * (i == 2)
    return (rgb & 255).astype(np.uint8)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    folder = parser.parse_args().model
    model = reference.Reference(folder)
    size = model.config["image"]["size"]
    pictures = [np.asarray(Image.fromarray(draw(i)).resize((size, size), Image.BICUBIC)) for i in range(3)]
    rows = [{"text": t, "vector": v} for t, v in zip(TEXTS, model.texts(TEXTS).tolist())]
    rows += [{"picture": i, "vector": v} for i, v in enumerate(model.images(np.stack(pictures)).tolist())]
    for row in rows:
        row["vector"] = [round(x, 6) for x in row["vector"]]
    with open(os.path.join(folder, "expected.json"), "w", encoding="utf-8") as f:
        versions = f"torch {version('torch')}, transformers {version('transformers')}, Pillow {version('pillow')}"
        f.write(f'{{"made_by": "the PyTorch reference ({versions})", "expected": [\n')
        f.write(",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]}\n")


if __name__ == "__main__":
    main()
