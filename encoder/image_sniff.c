/*
 * image_sniff.c - formats by their first bytes.
 */
#include <string.h>
#include <strings.h>

#include "encoder/image_internal.h"

struct mark {
    size_t offset;
    const char *bytes;
    size_t n;
};

#define MARK(offset, text)                                                             \
    {                                                                                  \
        (offset), (text), sizeof(text) - 1                                             \
    }

static bool has_mark(const uint8_t *bytes, size_t n, struct mark mark)
{
    return n >= mark.offset + mark.n &&
           memcmp(bytes + mark.offset, mark.bytes, mark.n) == 0;
}

/* ISO media files name their kinds in the first box: its size, "ftyp", the brand, a
 * version, compatible brands. Whether one of them is among brands[n_brands]; the first
 * alone counts where `first_only`. */
static bool has_brand(const uint8_t *bytes, size_t n, const char brands[][5],
                      size_t n_brands, bool first_only)
{
    if (n < 12 || memcmp(bytes + 4, "ftyp", 4) != 0) {
        return false;
    }
    size_t box = (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 |
                 (size_t)bytes[2] << 8 | bytes[3];
    size_t end = first_only || box < 12 ? 12 : box < n ? box : n;
    for (size_t at = 8; at + 4 <= end; at += at == 8 ? 8 : 4) {
        for (size_t i = 0; i < n_brands; i++) {
            if (memcmp(bytes + at, brands[i], 4) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Also where the first brand is the general "mif1". */
static bool is_avif(const uint8_t *bytes, size_t n)
{
    static const char brands[][5] = {"avif", "avis"};
    return has_brand(bytes, n, brands, sizeof(brands) / sizeof(brands[0]), false);
}

static bool is_heif(const uint8_t *bytes, size_t n)
{
    static const char brands[][5] = {"heic", "heix", "hevc", "hevx",
                                     "heim", "heis", "mif1", "msf1"};
    return has_brand(bytes, n, brands, sizeof(brands) / sizeof(brands[0]), true);
}

/* "P5" or "P6" and a blank: grey and colour, binary. */
static bool is_pnm(const uint8_t *bytes, size_t n)
{
    return n >= 3 && bytes[0] == 'P' && (bytes[1] == '5' || bytes[1] == '6') &&
           strchr(" \t\r\n", bytes[2]) != NULL && bytes[2] != '\0';
}

static bool is_depth(unsigned bits)
{
    return bits == 8 || bits == 15 || bits == 16 || bits == 24 || bits == 32;
}

/* No mark, so every field of the header must make sense together. */
static bool is_tga(const uint8_t *h, size_t n)
{
    if (n < 18) {
        return false;
    }
    unsigned kind = h[2] & ~8u; /* 8 is set where run lengths are coded */
    unsigned depth = h[16];
    bool has_pixels = (h[12] | h[13]) != 0 && (h[14] | h[15]) != 0;
    bool paletted =
        h[1] == 1 && kind == 1 && depth == 8 && is_depth(h[7]) && (h[5] | h[6]) != 0;
    bool colour = h[1] == 0 && kind == 2 && is_depth(depth) && depth != 8;
    bool grey = h[1] == 0 && kind == 3 && (depth == 8 || depth == 16);
    /* The two highest bits of the descriptor are reserved and 0. */
    return has_pixels && (paletted || colour || grey) && (h[17] & 0xC0) == 0;
}

enum img_format img_sniff(const void *bytes, size_t n)
{
    static const struct {
        struct mark mark;
        enum img_format format;
    } marks[] = {
        {MARK(0, "\xFF\xD8\xFF"), IMG_JPEG},
        {MARK(0, "\x89PNG\r\n\x1A\n"), IMG_PNG},
        {MARK(0, "GIF87a"), IMG_GIF},
        {MARK(0, "GIF89a"), IMG_GIF},
        {MARK(0, "BM"), IMG_BMP},
        {MARK(0, "8BPS\0\1"), IMG_PSD},
        {MARK(0, "#?RADIANCE\n"), IMG_HDR},
        {MARK(0, "#?RGBE\n"), IMG_HDR},
    };
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (has_mark(bytes, n, marks[i].mark)) {
            return marks[i].format;
        }
    }
    if (has_mark(bytes, n, (struct mark)MARK(0, "RIFF")) &&
        has_mark(bytes, n, (struct mark)MARK(8, "WEBP"))) {
        return IMG_WEBP;
    }
    if (is_avif(bytes, n)) {
        return IMG_AVIF;
    }
    if (is_heif(bytes, n)) {
        return IMG_HEIF;
    }
    if (is_pnm(bytes, n)) {
        return IMG_PNM;
    }
    return is_tga(bytes, n) ? IMG_TGA : IMG_UNKNOWN;
}

static bool is_web_page(const uint8_t *bytes, size_t n)
{
    const char *text = (const char *)bytes;
    return n >= 14 && (strncasecmp(text, "<!doctype html", 14) == 0 ||
                       strncasecmp(text, "<html", 5) == 0);
}

enum err img_sniff_refuse(const uint8_t *bytes, size_t n)
{
    static const struct {
        struct mark mark;
        enum err code; /* unsupported: a picture; invalid: none */
        const char *what;
    } marks[] = {
        {MARK(0, "II*\0"), ERR_UNSUPPORTED, "TIFF"},
        {MARK(0, "MM\0*"), ERR_UNSUPPORTED, "TIFF"},
        {MARK(0, "\xFF\x0A"), ERR_UNSUPPORTED, "JPEG XL"},
        {MARK(0, "\0\0\0\x0CJXL \r\n\x87\n"), ERR_UNSUPPORTED, "JPEG XL"},
        {MARK(0, "\0\0\0\x0CjP  \r\n\x87\n"), ERR_UNSUPPORTED, "JPEG 2000"},
        {MARK(0, "8BPS\0\2"), ERR_UNSUPPORTED, "large Photoshop documents"},
        {MARK(0, "\0\0\1\0"), ERR_UNSUPPORTED, "Windows icons"},
        {MARK(0, "P1"), ERR_UNSUPPORTED, "PNM as text"},
        {MARK(0, "P2"), ERR_UNSUPPORTED, "PNM as text"},
        {MARK(0, "P3"), ERR_UNSUPPORTED, "PNM as text"},
        {MARK(0, "P4"), ERR_UNSUPPORTED, "PNM bitmaps"},
        {MARK(0, "<svg"), ERR_UNSUPPORTED, "SVG"},
        {MARK(4, "ftyp"), ERR_INVALID, "a film"},
        {MARK(0, "<?xml"), ERR_INVALID, "an XML document"},
        {MARK(0, "%PDF-"), ERR_INVALID, "a PDF document"},
        {MARK(0, "%!PS"), ERR_INVALID, "a PostScript document"},
        {MARK(0, "PK\3\4"), ERR_INVALID, "a ZIP archive"},
        {MARK(0, "\x1F\x8B"), ERR_INVALID, "a gzip archive"},
    };
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (!has_mark(bytes, n, marks[i].mark)) {
            continue;
        }
        FAIL_IF(marks[i].code == ERR_UNSUPPORTED, ERR_UNSUPPORTED,
                "pictures of this kind are not read: %s", marks[i].what);
        return err_set(ERR_INVALID, "not a picture but %s", marks[i].what);
    }
    FAIL_IF(is_web_page(bytes, n), ERR_INVALID, "not a picture but a web page");
    return err_set(ERR_INVALID,
                   "not a picture: the first bytes are of no known format");
}

const char *img_format_name(enum img_format format)
{
    static const char *const names[] = {
        [IMG_UNKNOWN] = "unknown", [IMG_JPEG] = "jpeg", [IMG_PNG] = "png",
        [IMG_WEBP] = "webp",       [IMG_HEIF] = "heif", [IMG_GIF] = "gif",
        [IMG_AVIF] = "avif",       [IMG_BMP] = "bmp",   [IMG_TGA] = "tga",
        [IMG_PSD] = "psd",         [IMG_PNM] = "pnm",   [IMG_HDR] = "hdr",
    };
    size_t n = sizeof(names) / sizeof(names[0]);
    return (size_t)format < n ? names[format] : names[IMG_UNKNOWN];
}
