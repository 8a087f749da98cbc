"""Caches pictures and frozen features once, so that heads train in minutes.

Writes OUT/{train,eval}.pixels (uint8 [n,S,S,3], whole picture squashed by PIL's bicubic) with their lists, and
OUT/{train,eval}.VIEW.f16 (float16 [n, 1280 + all taps]): the mean of the top, then of every block's output. VIEW 0 is the whole
picture, higher views are random crops (area 45-100 %, aspect 0.7-1.43, half of them flipped). OUT/train.actSTART.VIEW.f16
([n,h,w,c]) are the activations before block START, from which train.py fine-tunes the rest of the tower.

    python features.py --weights LITE2.pth --data DATA --out OUT [--views 4] [--start 16]
"""

import argparse
import json
import os
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from PIL import Image

import common
from towers import ImageTower


def load_squashed(path, size):
    """RGB8, transparency over white, squashed; this is what the C encoder does with the same file."""
    im = Image.open(path)
    if im.mode in ("P", "PA", "LA", "RGBA") or "transparency" in im.info:
        im = im.convert("RGBA")
        white = Image.new("RGBA", im.size, (255, 255, 255, 255))
        im = Image.alpha_composite(white, im)
    return im.convert("RGB").resize((size, size), Image.BICUBIC)


def to_tensor(u8):
    """[n,S,S,3] uint8 array -> normalised channels-last float tensor."""
    x = torch.from_numpy(np.array(u8)).permute(0, 3, 1, 2).float()
    x = x.sub_(127.0).div_(128.0)
    return x.contiguous(memory_format=torch.channels_last)


def random_view(u8, rng):
    """A random crop of one squashed picture, back at full size."""
    n = u8.shape[0]
    area, aspect = rng.uniform(0.45, 1.0), np.exp(rng.uniform(-0.36, 0.36))
    w, h = min(1.0, (area * aspect) ** 0.5), min(1.0, (area / aspect) ** 0.5)
    x, y = rng.uniform(0, 1 - w) * n, rng.uniform(0, 1 - h) * n
    im = Image.fromarray(u8).resize((n, n), Image.BILINEAR, box=(x, y, x + w * n, y + h * n))
    a = np.asarray(im)
    return a[:, ::-1] if rng.random() < 0.5 else a


def eval_rows(data):
    """The evaluation pictures in order of first mention."""
    paths = {}
    for line in open(os.path.join(data, "eval", "manifest.jsonl"), encoding="utf-8"):
        r = json.loads(line)
        paths.setdefault(os.path.join(data, "eval", r["file"]), r["source"])
    return list(paths)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--weights", required=True)
    p.add_argument("--data", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--views", type=int, default=3)
    p.add_argument("--start", type=int, default=16)
    p.add_argument("--variant", default="lite2")
    p.add_argument("--size", type=int, default=260)
    a = p.parse_args()
    threads = common.Threads()
    net = ImageTower(a.variant)
    net.taps = list(range(len(net.blocks)))
    fc = net.load_reference(torch.load(a.weights))
    torch.save(fc, os.path.join(a.out, "classifier.pt"))
    net = net.eval().to(memory_format=torch.channels_last)
    lists = {
        "train": [
            json.loads(x)["path"] for x in open(os.path.join(a.out, "items.jsonl"), encoding="utf-8")
        ],
        "eval": eval_rows(a.data),
    }
    for split, paths in lists.items():
        px = os.path.join(a.out, split + ".pixels")
        shape = (len(paths), a.size, a.size, 3)
        if not os.path.exists(px) or os.path.getsize(px) != np.prod(shape):
            mm = np.memmap(px + ".part", np.uint8, "w+", shape=shape)

            def put(i):
                mm[i] = np.asarray(load_squashed(paths[i], a.size))

            with ThreadPoolExecutor(2) as pool:
                list(pool.map(put, range(len(paths)), chunksize=64))
            mm.flush()
            os.rename(px + ".part", px)
            print(split, "pixels", shape, flush=True)
    for view in [1, 0][: a.views] + list(range(2, a.views)):
        for split, paths in lists.items():
            if split == "eval" and view:
                continue
            path = os.path.join(a.out, f"{split}.{view}.f16")
            keep = os.path.join(a.out, f"train.act{a.start}.{view}.f16")
            if os.path.exists(path) and (split == "eval" or os.path.exists(keep)):
                continue
            acts, have = None, os.path.exists(path)
            mm = np.memmap(
                os.path.join(a.out, split + ".pixels"), np.uint8, "r", shape=(len(paths), a.size, a.size, 3)
            )
            rng = random.Random(view)
            out = np.zeros((len(paths), net.dim()), np.float16)
            for b in range(0, len(paths), 64):
                threads.tick()
                u8 = mm[b : b + 64]
                if view:
                    u8 = np.stack([random_view(x, rng) for x in u8])
                with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=split == "train"):
                    x, taps = net.first(to_tensor(u8), a.start)
                    if split == "train":
                        y = x.permute(0, 2, 3, 1).to(torch.float16).numpy()
                        if acts is None:
                            shape = (len(paths),) + y.shape[1:]
                            acts = np.memmap(keep + ".part", np.float16, "w+", shape=shape)
                            with open(os.path.join(a.out, f"train.act{a.start}.json"), "w") as f:
                                f.write(json.dumps(shape) + "\n")
                        acts[b : b + 64] = y
                    if not have:
                        out[b : b + 64] = net.rest(x, taps, a.start).numpy().astype(np.float16)
            if not have:
                out.tofile(path)
            if split == "train":
                os.rename(keep + ".part", keep)
            print(split, "view", view, flush=True)


if __name__ == "__main__":
    main()
