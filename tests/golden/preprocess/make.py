"""Writes photographs in many formats, and what the reference processors make of these and of all pictures of
../image; README.md has the command and versions.

processors.txt: NAME and what the processor makes of the bytes 0, 1, 127 and 255, for red, green and blue.
goldens.txt: PICTURE PROCESSOR SIZE and either "hash" with the FNV-1a of all bytes of the tensor or "grid" with the bytes
at 8 x 8 places in hexadecimal. A byte of the tensor is round((value * std + mean) * 255). PICTURE is a file, or
noise-WxH, which tests/encoder/noise.h makes as well.
"""
import argparse
import os
import sys

import numpy as np
import pillow_heif
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image, ImageOps
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Normalize, Resize, ToTensor
from transformers.models.chinese_clip.image_processing_pil_chinese_clip import ChineseCLIPImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../image"))
from noise import fnv1a, noise  # noqa: E402

pillow_heif.register_heif_opener()
torch.set_num_threads(1)
CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
HALF = (0.5, 0.5, 0.5)
GRID = 8  # places to either side


def transformers_processor(processor):
    def run(image):
        return processor(image, return_tensors="np")["pixel_values"][0].transpose(1, 2, 0)
    return run, processor.image_mean, processor.image_std


def torchvision_transform(transform, mean, std):
    return (lambda image: transform(image).numpy().transpose(1, 2, 0)), mean, std


def open_clip(mode, interpolation, mean, std, size=224):
    cfg = PreprocessCfg(size=size, mean=mean, std=std, interpolation=interpolation, resize_mode=mode)
    return torchvision_transform(image_transform_v2(cfg, is_train=False), mean, std)


def odd_crop():
    """Torchvision's own crop where an odd number of pixels goes on both axes."""
    steps = [Resize(259, InterpolationMode.BICUBIC), CenterCrop(224), ToTensor(), Normalize(CLIP_MEAN, CLIP_STD)]
    return torchvision_transform(Compose(steps), CLIP_MEAN, CLIP_STD)


PROCESSORS = {
    "clip": transformers_processor(CLIPImageProcessorPil()),
    "clip-259": transformers_processor(CLIPImageProcessorPil(size={"shortest_edge": 259})),
    "chinese-clip": transformers_processor(
        ChineseCLIPImageProcessorPil(size={"height": 224, "width": 224}, do_center_crop=False)),
    "siglip": transformers_processor(SiglipImageProcessorPil()),
    "siglip2": transformers_processor(
        SiglipImageProcessorPil(size={"height": 256, "width": 256}, resample=Image.BILINEAR)),
    "open-clip": open_clip("shortest", "bicubic", CLIP_MEAN, CLIP_STD),
    "open-clip-259": odd_crop(),
    "open-clip-squash": open_clip("squash", "bilinear", HALF, HALF, 240),
}

# A panorama, its turn, exact sizes, one pixel more and less, odd and even excess on either axis, single pixels.
SIZES = [(1, 1), (2, 1), (1, 200), (224, 224), (225, 224), (224, 225), (223, 227), (226, 229), (227, 224), (224, 231),
         (259, 259), (259, 262), (640, 480), (481, 640), (333, 500), (5000, 13), (13, 5000), (1200, 37), (300, 299),
         (30, 17), (257, 1023)]


def tensor_bytes(processor, image):
    run, mean, std = processor
    exact = (run(image).astype(np.float64) * std + np.array(mean)) * 255
    rounded = np.rint(exact)
    assert np.abs(exact - rounded).max() < 0.01, "a value that is no byte's"
    return rounded.astype(np.uint8)


def grid(values):
    at = [(2 * i + 1) * values.shape[0] // (2 * GRID) for i in range(GRID)]
    return values[np.ix_(at, at)].tobytes().hex()


def write_goldens(name, image, exact, f):
    for processor_name, processor in PROCESSORS.items():
        values = tensor_bytes(processor, image)
        kind, data = ("hash", f"{fnv1a(values.tobytes()):016x}") if exact else ("grid", grid(values))
        f.write(f"{name} {processor_name} {values.shape[0]} {kind} {data}\n")


def write_photos(photo):
    """One photograph in every format, kind and orientation; small, because they are committed."""
    small = photo.crop((0, 0, 2300, 1291)).resize((180, 101), Image.LANCZOS)
    options = {"quality": 85}
    for turn in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = turn
        small.save(f"turn{turn}.jpg", exif=exif.tobytes(), **options)
    small.save("progressive.jpg", progressive=True, **options)
    small.save("full-colour.jpg", subsampling="4:4:4", **options)
    small.convert("L").save("grey.jpg", **options)
    small.convert("CMYK").save("cmyk.jpg", **options)
    small.crop((20, 0, 120, 101)).save("photo.png")
    small.quantize(64).save("palette.png")
    small.quantize(64).save("photo.gif")
    small.save("photo.webp", **options)
    small.crop((20, 0, 120, 101)).save("lossless.webp", lossless=True)
    small.save("photo.heic", format="HEIF", **options)
    small.save("photo.avif", format="AVIF", **options)


def load(name):
    return ImageOps.exif_transpose(Image.open(name)).convert("RGB")


def pictures():
    """Names, from here, with the pixels and whether every decoder must find the same."""
    with open("../image/good.txt") as f:
        for line in f:
            name, width, height, largest, _ = line.split()
            with open(f"../image/{name}.rgb", "rb") as pixels:
                yield f"../image/{name}", Image.frombytes("RGB", (int(width), int(height)), pixels.read()), largest == "0"
    for name in sorted(os.listdir(".")):
        if name.rpartition(".")[2] in ("jpg", "png", "gif", "webp", "heic", "avif"):
            yield name, load(name), name in ("photo.png", "palette.png", "photo.gif", "lossless.webp")
    for name in sorted(os.listdir("../model/images")):
        if name.startswith("photo"):
            yield f"../model/images/{name}", load(f"../model/images/{name}"), False
    for width, height in SIZES:
        yield f"noise-{width}x{height}", noise(width, height), True


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--photo", help="make dandelions.jpg anew from this photograph")
    photo = arguments.parse_args().photo
    if photo:
        large = Image.open(photo).convert("RGB").resize((3700, 2081), Image.LANCZOS)
        large.crop((150, 0, 2450, 2081)).save("dandelions.jpg", quality=46, optimize=True)
    write_photos(Image.open("dandelions.jpg"))
    with open("processors.txt", "w") as f:
        for name, (run, _, _) in PROCESSORS.items():
            levels = [run(Image.new("RGB", (300, 300), (v, v, v)))[0, 0] for v in (0, 1, 127, 255)]
            f.write(name + "".join(f" {value:.9g}" for level in levels for value in level) + "\n")
    with open("goldens.txt", "w") as f:
        for name, image, exact in pictures():
            write_goldens(name, image, exact, f)


if __name__ == "__main__":
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    sys.exit(main())
