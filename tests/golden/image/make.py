"""Writes the pictures of this folder and what Pillow makes of them; README.md has the command and versions.

Every picture NAME is accompanied by NAME.rgb, the raw upright RGB pixels over white. good.txt lists them with
their size and how far a pixel may be off; bad.txt lists files that must fail, in bad/, with the error they get;
resize.txt lists hashes of resized noise (see image_resize_test.c for how the noise is made).
"""
import io
import os
import struct
import zlib

import numpy as np
import piexif
import pillow_heif
from PIL import Image, ImageCms, ImageOps

pillow_heif.register_heif_opener()
W, H = 37, 23
EXACT, LOSSY = (0, 0.0), (2, 0.3)
good, bad = [], []


def scene(width=W, height=H):
    """A gradient, hard edges and a little noise: something for every codec to get wrong."""
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([x * 255 // max(width - 1, 1), y * 255 // max(height - 1, 1), (x + y) * 7 % 256], axis=2)
    rgb[height // 4:height // 2, width // 4:width // 2] = (250, 20, 30)
    noise = np.random.default_rng(7).integers(-6, 7, rgb.shape)
    return Image.fromarray(np.clip(rgb + noise, 0, 255).astype(np.uint8))


def alpha(width=W, height=H):
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(((x * 9 + y * 5) % 256).astype(np.uint8))


def flatten(image):
    """What the encoder must see: upright, on white, 8-bit RGB."""
    image = ImageOps.exif_transpose(image)
    if image.mode == "I;16":  # Pillow's own conversion clips instead of shifting
        return Image.fromarray((np.array(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGB", image.size, (255, 255, 255))
        white.paste(image, mask=image.getchannel("A"))
        return white
    return image.convert("RGB")


def keep(name, data, tolerance, expected=None):
    with open(name, "wb") as f:
        f.write(data)
    expected = expected or flatten(Image.open(io.BytesIO(data)))
    with open(name + ".rgb", "wb") as f:
        f.write(expected.tobytes())
    good.append(f"{name} {expected.width} {expected.height} {tolerance[0]} {tolerance[1]}")


def save(name, image, tolerance=EXACT, **options):
    out = io.BytesIO()
    image.save(out, **options)
    keep(name, out.getvalue(), tolerance)


def keep_bad(name, data, error):
    with open(os.path.join("bad", name), "wb") as f:
        f.write(data)
    bad.append(f"{name} {error}")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def png(samples, depth, colour, interlaced=False, extra=b""):
    """PNG of samples [height, width, channels], of 8 or 16 bits; Pillow writes neither 16-bit colour nor Adam7."""
    height, width = samples.shape[:2]
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    raw = b""
    for x0, y0, dx, dy in passes:
        part = samples[y0::dy, x0::dx]
        if part.size:
            part = part.astype(">u2" if depth == 16 else "u1")
            raw += b"".join(b"\0" + row.tobytes() for row in part)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(raw, 9))
            + chunk(b"IEND", b""))


def exif(orientation=1):
    degrees = ((48, 1), (51, 1), (2969, 100))
    return piexif.dump({
        "0th": {piexif.ImageIFD.Orientation: orientation, piexif.ImageIFD.Make: b"Acme ",
                piexif.ImageIFD.Model: "Caméra 5".encode()},
        "Exif": {piexif.ExifIFD.DateTimeOriginal: b"2024:05:01 12:30:59"},
        "GPS": {piexif.GPSIFD.GPSLatitudeRef: b"S", piexif.GPSIFD.GPSLatitude: degrees,
                piexif.GPSIFD.GPSLongitudeRef: b"W", piexif.GPSIFD.GPSLongitude: ((2, 1), (1764, 100), (0, 1))},
    })


def broken_exif():
    """Every field there and every field wrong."""
    return piexif.dump({
        "0th": {piexif.ImageIFD.Orientation: 9, piexif.ImageIFD.Make: b"\xff\xfe", piexif.ImageIFD.Model: b"a\nb",
                piexif.ImageIFD.DateTime: b"2023:02:29 00:00:00"},
        "Exif": {piexif.ExifIFD.DateTimeOriginal: b"0000:00:00 00:00:00",
                 piexif.ExifIFD.DateTimeDigitized: b"yesterday afternoon"},
        "GPS": {piexif.GPSIFD.GPSLatitudeRef: b"N", piexif.GPSIFD.GPSLatitude: ((95, 1), (0, 1), (0, 1)),
                piexif.GPSIFD.GPSLongitudeRef: b"E", piexif.GPSIFD.GPSLongitude: ((1, 0), (0, 1), (0, 1))},
    })


def jpegs():
    s = scene()
    for name, options in {
        "420": {"subsampling": "4:2:0"}, "422": {"subsampling": "4:2:2"}, "444": {"subsampling": "4:4:4"},
        "progressive": {"progressive": True}, "restart": {"restart_marker_blocks": 1}, "rgb": {"keep_rgb": True},
        "q10": {"quality": 10},
    }.items():
        save(f"jpeg_{name}.jpg", s, LOSSY, format="JPEG", **options)
    save("jpeg_grey.jpg", s.convert("L"), LOSSY, format="JPEG")
    save("jpeg_cmyk.jpg", s.convert("CMYK"), LOSSY, format="JPEG", quality=90)
    save("jpeg_ycck.jpg", s.convert("CMYK"), LOSSY, format="JPEG", quality=90)
    patch_ycck("jpeg_ycck.jpg")
    save("jpeg_1x1.jpg", s.crop((9, 9, 10, 10)), LOSSY, format="JPEG")
    save("jpeg_1x23.jpg", s.crop((9, 0, 10, H)), LOSSY, format="JPEG")
    for turn in range(1, 9):
        save(f"jpeg_turn{turn}.jpg", s, LOSSY, format="JPEG", exif=exif(turn))
    save("jpeg_broken_exif.jpg", s, LOSSY, format="JPEG", exif=broken_exif())


def patch_ycck(name):
    """Says in the Adobe marker that the four channels are YCCK: another picture, but a valid one."""
    data = bytearray(open(name, "rb").read())
    data[data.index(b"Adobe") + 11] = 2
    os.remove(name + ".rgb")
    good.pop()
    keep(name, bytes(data), LOSSY)


def pngs():
    s, a = scene(), alpha()
    rgba = Image.merge("RGBA", (*s.split(), a))
    save("png_rgb.png", s, format="PNG")
    save("png_rgba.png", rgba, format="PNG")
    save("png_grey.png", s.convert("L"), format="PNG")
    save("png_la.png", Image.merge("LA", (s.convert("L"), a)), format="PNG")
    save("png_1bit.png", s.convert("1"), format="PNG")
    palette = s.quantize(16)
    save("png_palette4.png", palette, format="PNG", bits=4)
    save("png_palette2.png", s.quantize(4), format="PNG", bits=2)
    save("png_palette8.png", s.quantize(200), format="PNG")
    save("png_palette_trns.png", palette, format="PNG", transparency=bytes(range(0, 256, 16)))
    save("png_grey_trns.png", s.convert("L"), format="PNG", transparency=int(np.array(s.convert("L"))[0, 0]))
    save("png_rgb_trns.png", s, format="PNG", transparency=s.getpixel((0, 0)))
    save("png_exif.png", s, format="PNG", exif=exif(6))
    save("png_1x1.png", s.crop((9, 9, 10, 10)), format="PNG")
    rgb16 = np.array(s).astype(int) * 257 + np.random.default_rng(3).integers(-99, 100, (H, W, 3))
    rgb16 = np.clip(rgb16, 0, 65535)
    a16 = np.array(a).astype(int)[:, :, None] * 257
    keep("png_rgb16.png", png(rgb16, 16, 2), EXACT)
    keep("png_rgba16.png", png(np.concatenate([rgb16, a16], axis=2), 16, 6), EXACT)
    keep("png_grey16.png", png(rgb16[:, :, :1], 16, 0), EXACT)
    keep("png_la16.png", png(np.concatenate([rgb16[:, :, :1], a16], axis=2), 16, 4), EXACT)
    keep("png_adam7.png", png(np.array(s), 8, 2, interlaced=True), EXACT)
    keep("png_adam7_rgba.png", png(np.array(rgba), 8, 6, interlaced=True), EXACT)
    keep("png_adam7_1x1.png", png(np.array(s)[9:10, 9:10], 8, 2, interlaced=True), EXACT)
    packed = [np.packbits(np.unpackbits((np.array(s.convert("L")) >> (8 - depth))[:, :, None], axis=2)[:, :, -depth:]
                          .reshape(H, -1), axis=1) for depth in (2, 4)]
    for depth, rows in zip((2, 4), packed):
        data = bytearray(png(rows[:, :, None], depth, 0))
        data[16:20] = struct.pack(">I", W)
        data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
        keep(f"png_grey{depth}.png", bytes(data), EXACT)


def cut_pngs():
    """Files that end behind their last pixel, which Pillow reads: no IEND, or a part of it."""
    for name, n_cut in (("png_no_end.png", 12), ("png_half_end.png", 5)):
        keep(name, open("png_rgb.png", "rb").read()[:-n_cut], EXACT)
    keep("png_interlaced_no_end.png", open("png_adam7_rgba.png", "rb").read()[:-12], EXACT)
    keep("png_exif_no_end.png", open("png_exif.png", "rb").read()[:-12], EXACT)


def profiles():
    """A colour profile, sRGB's own and one of another name, is ignored by the reference and by us."""
    s = scene()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    other = srgb.replace("sRGB".encode("utf-16-be"), "wide".encode("utf-16-be"))
    assert other != srgb and b"sRGB" not in other
    for name, profile in (("srgb", srgb), ("wide", other)):
        save(f"profile_{name}.jpg", s, LOSSY, format="JPEG", icc_profile=profile)
        save(f"profile_{name}.png", s, format="PNG", icc_profile=profile)
        save(f"profile_{name}.webp", s, format="WEBP", lossless=True, icc_profile=profile)
        save(f"profile_{name}.heic", scene(64, 48), LOSSY, format="HEIF", quality=90, chroma=444, icc_profile=profile)


def webps():
    s = scene()
    rgba = Image.merge("RGBA", (*s.split(), alpha()))
    save("webp_lossy.webp", s, LOSSY, format="WEBP", quality=80)
    save("webp_lossless.webp", s, format="WEBP", lossless=True)
    save("webp_alpha.webp", rgba, LOSSY, format="WEBP", quality=80)
    save("webp_alpha_lossless.webp", rgba, format="WEBP", lossless=True, exact=True)
    save("webp_exif.webp", s, LOSSY, format="WEBP", exif=exif(8))
    save("webp_animated.webp", s, format="WEBP", lossless=True, save_all=True, append_images=[ImageOps.invert(s)])
    save("webp_1x1.webp", s.crop((9, 9, 10, 10)), LOSSY, format="WEBP")


def heifs():
    s = scene(64, 48)
    rgba = Image.merge("RGBA", (*s.split(), alpha(64, 48)))
    save("heif_444.heic", s, LOSSY, format="HEIF", quality=90, chroma=444)
    save("heif_420.heic", s, LOSSY, format="HEIF", quality=90)
    save("heif_turned.heic", s, LOSSY, format="HEIF", quality=90, chroma=444, exif=exif(6))
    save("heif_alpha.heic", rgba, LOSSY, format="HEIF", quality=90, chroma=444)
    save("heif_grey.heic", s.convert("L"), LOSSY, format="HEIF", quality=90)
    heif_10bit()
    save("avif_444.avif", s, LOSSY, format="AVIF", quality=90, subsampling="4:4:4")
    save("avif_turned.avif", s, LOSSY, format="AVIF", quality=90, subsampling="4:4:4", exif=exif(8))


def heif_10bit():
    """What newer phones write."""
    y, x = np.mgrid[0:48, 0:64]
    samples = np.stack([x * 1000, y * 1300, (x + y) * 500], axis=2).astype("<u2")
    out = io.BytesIO()
    deep = pillow_heif.from_bytes(mode="RGB;16", size=(64, 48), data=samples.tobytes())
    deep.save(out, quality=90, chroma=444)
    keep("heif_10bit.heic", out.getvalue(), LOSSY)


def psd(image):
    """A flat 8-bit PSD without layers, raw."""
    planes = b"".join(plane.tobytes() for plane in image.split())
    header = struct.pack(">4sH6xHIIHH", b"8BPS", 1, len(image.getbands()), image.height, image.width, 8, 3)
    return header + struct.pack(">IIIH", 0, 0, 0, 0) + planes


def others():
    s = scene()
    grey = s.convert("L")
    rgba = Image.merge("RGBA", (*s.split(), alpha()))
    palette = s.quantize(64)
    save("gif_plain.gif", palette, format="GIF")
    save("gif_interlaced.gif", palette, format="GIF", interlace=1)
    transparent = s.quantize(32)
    save("gif_transparent.gif", transparent, format="GIF", transparency=5, background=7)
    save("gif_animated.gif", palette, format="GIF", save_all=True, append_images=[palette.rotate(180)])
    save("bmp_rgb.bmp", s, format="BMP")
    save("bmp_rgba.bmp", rgba, format="BMP")
    save("bmp_palette.bmp", palette, format="BMP")
    save("bmp_1bit.bmp", s.convert("1"), format="BMP")
    save("bmp_grey.bmp", grey, format="BMP")
    save("tga_rgb.tga", s, format="TGA")
    save("tga_rgba.tga", rgba, format="TGA")
    save("tga_rle.tga", s.quantize(4).convert("RGB"), format="TGA", compression="tga_rle")
    save("tga_grey.tga", grey, format="TGA")
    save("tga_palette.tga", palette, format="TGA")
    save("pnm_rgb.ppm", s, format="PPM")
    save("pnm_grey.pgm", grey, format="PPM")
    rgb16 = np.array(s).astype(">u2") * 256 + 77
    keep("pnm_rgb16.ppm", b"P6 # sixteen bits\n%d %d\n65535\n" % (W, H) + rgb16.astype(">u2").tobytes(), EXACT)
    keep("pnm_max15.ppm", b"P6 %d %d 15\n" % (W, H) + (np.array(s) >> 4).tobytes(), EXACT)
    keep("psd_rgb.psd", psd(s), EXACT)
    hdr()


def hdr():
    """Radiance is not Pillow's; a flat picture of light 0.5 and 1 comes out by gamma 2.2."""
    half, full = bytes((128, 128, 128, 128)), bytes((128, 128, 128, 129))
    data = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 2 +X 2\n" + half + full + full + half
    value = int(0.5 ** (1 / 2.2) * 255 + 0.5)
    pixels = np.array([[value, 255], [255, value]], dtype=np.uint8)
    keep("hdr_flat.hdr", data, EXACT, Image.fromarray(np.stack([pixels] * 3, axis=2)))


def bads():
    keep_bad("empty.jpg", b"", "invalid")
    keep_bad("page.jpg", b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n", "invalid")
    keep_bad("text.png", b"This is a text and no picture at all.\n", "invalid")
    keep_bad("zeros.jpg", bytes(512), "invalid")
    keep_bad("picture.tif", b"II*\0\x08\0\0\0", "unsupported")
    side = 60000
    keep_bad("huge.png", png_header(side, side), "limit")
    keep_bad("wide.png", png_header(2**31 - 1, 1), "limit")
    keep_bad("many_pixels.png", png_header(20000, 20000), "limit")
    keep_bad("zero_width.png", png_header(0, 5), "invalid")
    jpeg = bytearray(open("jpeg_444.jpg", "rb").read())
    at = jpeg.index(b"\xff\xc0") + 5
    keep_bad("huge.jpg", bytes(jpeg[:at]) + struct.pack(">HH", side, side) + bytes(jpeg[at + 4:]), "limit")
    keep_bad("zero_height.jpg", bytes(jpeg[:at]) + struct.pack(">HH", 0, W) + bytes(jpeg[at + 4:]), "invalid")
    keep_bad("no_end.jpg", bytes(jpeg[:-2]), "invalid")
    gif = bytearray(open("gif_plain.gif", "rb").read())
    keep_bad("huge.gif", bytes(gif[:6]) + struct.pack("<HH", side, side) + bytes(gif[10:]), "limit")
    keep_bad("zero.gif", bytes(gif[:6]) + struct.pack("<HH", 0, 0) + bytes(gif[10:]), "invalid")
    bmp = bytearray(open("bmp_rgb.bmp", "rb").read())
    keep_bad("huge.bmp", bytes(bmp[:18]) + struct.pack("<ii", side, side) + bytes(bmp[26:]), "limit")
    keep_bad("lowest_height.bmp", bytes(bmp[:18]) + struct.pack("<ii", 8, -2**31) + bytes(bmp[26:]), "limit")
    runs = bytearray(open("bmp_palette.bmp", "rb").read())
    runs[30] = 1
    keep_bad("run_lengths.bmp", bytes(runs), "unsupported")
    ink = bytearray(psd(scene()))
    ink[25] = 4
    keep_bad("cmyk.psd", bytes(ink), "unsupported")
    tga = bytearray(open("tga_rgb.tga", "rb").read())
    keep_bad("huge.tga", bytes(tga[:12]) + struct.pack("<HH", side, side) + bytes(tga[16:]), "limit")
    keep_bad("huge.psd", psd(scene())[:14] + struct.pack(">II", side, side) + psd(scene())[22:], "limit")
    keep_bad("huge.ppm", b"P6 60000 60000 255\n" + bytes(64), "limit")
    keep_bad("overflow.ppm", b"P6 99999999999 99999999999 255\n" + bytes(64), "limit")
    keep_bad("zero.ppm", b"P6 0 9 255\n", "invalid")
    keep_bad("huge.hdr", b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 60000 +X 60000\n" + bytes(64), "limit")
    avif = bytearray(open("avif_444.avif", "rb").read())
    at = avif.index(b"ispe") + 8
    keep_bad("huge.avif", bytes(avif[:at]) + struct.pack(">II", side, side) + bytes(avif[at + 8:]), "limit")
    png_data = bytearray(open("png_rgb.png", "rb").read())
    png_data[len(png_data) // 2] ^= 0xFF
    keep_bad("damaged.png", bytes(png_data), "invalid")


def png_header(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(64)))
            + chunk(b"IEND", b""))


def noise(width, height):
    """The bytes that image_resize_test.c makes: a linear congruential generator's high byte."""
    state, out = 1, bytearray(width * height * 3)
    for i in range(len(out)):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out[i] = state >> 24
    return Image.frombytes("RGB", (width, height), bytes(out))


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def resizes():
    sizes = [(1, 1, 7, 5), (1, 9, 4, 4), (5, 1, 3, 3), (2, 2, 2, 2), (37, 23, 37, 11), (37, 23, 11, 23),
             (37, 23, 16, 16), (37, 23, 100, 90), (300, 7, 13, 260), (7, 300, 260, 13), (640, 48, 26, 26),
             (225, 300, 260, 260), (261, 259, 260, 260), (500, 400, 1, 1), (1000, 3, 4, 2), (333, 17, 332, 16)]
    with open("resize.txt", "w") as f:
        for w, h, out_w, out_h in sizes:
            picture = noise(w, h)
            for name, resample in (("bicubic", Image.BICUBIC), ("bilinear", Image.BILINEAR)):
                small = picture.resize((out_w, out_h), resample)
                f.write(f"{w} {h} {out_w} {out_h} {name} {fnv1a(small.tobytes()):016x}\n")


if __name__ == "__main__":
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    os.makedirs("bad", exist_ok=True)
    for make in (jpegs, pngs, cut_pngs, profiles, webps, heifs, others, bads, resizes):
        make()
    with open("good.txt", "w") as f:
        f.write("".join(line + "\n" for line in good))
    with open("bad.txt", "w") as f:
        f.write("".join(line + "\n" for line in bad))
