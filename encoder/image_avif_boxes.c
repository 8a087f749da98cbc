/*
 * image_avif_boxes.c - what an AVIF file's lists would cost libavif, counted before
 * libavif reads them.
 *
 * libavif 0.11 keeps a kilobyte and more for each item that a file names, which takes
 * the file three bytes; looks each one up among all others; copies items of several
 * extents together, though these may overlap; and ends the process where an allocation
 * fails. So a file of one megabyte can take eight seconds and 200 megabytes, and one of
 * ten a quarter of an hour. Nothing in its interface bounds that.
 *
 * The boxes that it descends into are walked here with its own rules or wider ones.
 * What is malformed is left to libavif to refuse; it reads no further than that, and so
 * no more than was counted. Pictures have some tens of boxes and items; a grid of a
 * thousand tiles is within the limit.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "encoder/image_internal.h"

/* Bytes of memory, rounded up from what libavif 0.11 was measured to take. */
enum {
    COST_BOX = 8192,    /* a track or a property with its arrays */
    COST_LISTED = 1024, /* a byte in a list of items */
    COST_EXTENT = 64,   /* one that may take no byte in the file */
    COST_TABLED = 64,   /* a byte in a table of a sequence's frames */
    DEPTH_MAX = 8       /* moov, trak, mdia, minf, stbl, ... */
};

struct cost {
    uint64_t lists;  /* bytes of memory */
    uint64_t merged; /* bytes of items in several extents */
};

/* Bytes that are being read. Past the end zeros are read, and `n` stays 0. */
struct span {
    const uint8_t *at;
    size_t n;
};

static uint64_t take(struct span *span, size_t n_bytes)
{
    uint64_t value = 0;
    if (n_bytes > span->n) {
        span->n = 0;
        return 0;
    }
    for (size_t i = 0; i < n_bytes; i++) {
        value = value << 8 | span->at[i];
    }
    span->at += n_bytes;
    span->n -= n_bytes;
    return value;
}

struct box {
    uint8_t type[4];
    struct span body;
};

/* The next box, cut to what is there. False at the end, or where none begins. */
static bool take_box(struct span *span, struct box *box)
{
    const uint8_t *begin = span->at;
    size_t n = span->n;
    if (n < 8) {
        return false;
    }
    uint64_t size = take(span, 4);
    memcpy(box->type, span->at, 4);
    (void)take(span, 4);
    if (size == 1) {
        size = take(span, 8);
    }
    size_t n_head = (size_t)(span->at - begin);
    if (size == 0 || size > n) {
        size = n;
    }
    if (size < n_head) {
        return false;
    }
    box->body = (struct span){span->at, (size_t)size - n_head};
    *span = (struct span){begin + size, n - (size_t)size};
    return true;
}

static bool is_one_of(const struct box *box, const char types[][5], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (memcmp(box->type, types[i], 4) == 0) {
            return true;
        }
    }
    return false;
}

/* The extents of one item; those of an item with several are copied together. */
static void count_extents(struct cost *cost, struct span *span, unsigned n_skip,
                          unsigned n_length)
{
    uint64_t n = take(span, 2), length = 0;
    bool there = span->n > 0 || n_skip + n_length == 0;
    for (uint64_t i = 0; i < n && there; i++) {
        (void)take(span, n_skip);
        length += take(span, n_length) & UINT32_MAX;
        there = span->n > 0 || n_skip + n_length == 0;
    }
    cost->lists += n * COST_EXTENT;
    cost->merged += n > 1 ? length : 0;
}

/* Where the items lie: sizes of the fields, then a row for each item. */
static void count_locations(struct cost *cost, struct span span)
{
    uint64_t version = take(&span, 4) >> 24, sizes = take(&span, 2);
    unsigned n_offset = sizes >> 12 & 15, n_length = sizes >> 8 & 15;
    unsigned n_base = sizes >> 4 & 15, n_index = version == 0 ? 0 : sizes & 15;
    unsigned n_id = version < 2 ? 2 : 4;
    uint64_t n = take(&span, n_id);
    for (uint64_t i = 0; i < n && span.n > 0; i++) {
        (void)take(&span, n_id + (version == 0 ? 0 : 2) + 2);
        (void)take(&span, n_base);
        count_extents(cost, &span, n_index + n_offset, n_length);
    }
}

static void count_boxes(struct cost *cost, struct span span, unsigned depth)
{
    static const char folders[][5] = {"moov", "trak", "mdia", "minf",
                                      "stbl", "meta", "iprp", "ipco"};
    static const char lists[][5] = {"iloc", "iinf", "iref", "ipma"};
    static const char tables[][5] = {"stts", "stsc", "stsz", "stco",
                                     "co64", "stss", "stsd"};
    struct box box;
    while (depth < DEPTH_MAX && take_box(&span, &box)) {
        cost->lists += depth > 0 ? COST_BOX : 0; /* those at the top are not kept */
        if (is_one_of(&box, lists, sizeof(lists) / sizeof(lists[0]))) {
            cost->lists += (uint64_t)box.body.n * COST_LISTED;
        } else if (is_one_of(&box, tables, sizeof(tables) / sizeof(tables[0]))) {
            cost->lists += (uint64_t)box.body.n * COST_TABLED;
        }
        if (memcmp(box.type, "iloc", 4) == 0) {
            count_locations(cost, box.body);
        } else if (is_one_of(&box, folders, sizeof(folders) / sizeof(folders[0]))) {
            if (memcmp(box.type, "meta", 4) == 0) {
                (void)take(&box.body, 4); /* version and flags */
            }
            count_boxes(cost, box.body, depth + 1);
        }
    }
}

enum err img_avif_check(const uint8_t *bytes, size_t n, size_t *n_memory)
{
    struct cost cost = {0};
    count_boxes(&cost, (struct span){bytes, n}, 0);
    FAIL_IF(cost.lists > LIMIT_IMAGE_LIST_BYTES, ERR_LIMIT,
            "AVIF past a limit: it lists more items or frames than pictures have");
    FAIL_IF(cost.merged > n, ERR_INVALID, "broken AVIF: its items overlap");
    *n_memory = (size_t)(cost.lists + cost.merged) + 2 * n; /* EXIF, ICC profile */
    return ERR_OK;
}
