/*
 * ann_file.c - ann_save and ann_load. A segment file, all numbers little-endian:
 *
 *     offset size
 *          0    8  "duet-ann"
 *          8    4  format version, 2; 1 is the same without the widths
 *         12    4  enum ann_kind
 *         16    4  dim
 *         20    4  metric: 0 the inner product, 1 the distance
 *         24    8  number of slots
 *         32    8  generation
 *         40    8  bytes of the payload, which fills the rest of the file
 *         48    8  XXH3-64 of the payload
 *         56    8  XXH3-64 of bytes [0, 56) of this header
 *         64   48  widths: for the same side and for across, nprobe, oversampling, ef,
 *                  recall (a float), questions, lessons, each 4 bytes
 *        112    8  0
 *        120    8  XXH3-64 of bytes [64, 120)
 *        128    …  payload: the index as FAISS 1.7.3 writes it
 *
 * The header's checksum has its place in every version, so a damaged version number is
 * damage and not the future. The checksums guard against decay and half-written files;
 * against forgers stand ann_layout.c before, and faiss_bridge_inspect after FAISS
 * reads.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <faiss/c_api/index_io_c.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/limits.h"
#include "index/ann_internal.h"
#include "index/ann_layout.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "FAISS writes in the machine's byte order, and the format is little-endian"
#endif

#define FORMAT_VERSION 2
#define FORMAT_WITHOUT_WIDTHS 1

static const char magic[8] = "duet-ann";

struct header {
    char magic[8];
    uint32_t version;
    uint32_t kind;
    uint32_t dim;
    uint32_t metric;
    uint64_t n;
    uint64_t generation;
    uint64_t payload_bytes;
    uint64_t payload_hash;
    uint64_t header_hash;
};

_Static_assert(sizeof(struct header) == 64, "the header has no padding");

struct widths {
    struct ann_width of[ANN_SIDES];
    uint64_t reserved;
    uint64_t hash;
};

_Static_assert(sizeof(struct widths) == 64, "the widths have no padding");

#define HEAD_BYTES (sizeof(struct header) + sizeof(struct widths))

static uint64_t hash_of_header(const struct header *h)
{
    return XXH3_64bits(h, offsetof(struct header, header_hash));
}

static uint64_t hash_of_widths(const struct widths *w)
{
    return XXH3_64bits(w, offsetof(struct widths, hash));
}

/* ---- save ---------------------------------------------------------------------------
 */

/* Puts header and widths in front of the payload at bytes[HEAD_BYTES, size). */
static void finish_head(const struct ann_info *info, char *bytes, size_t size)
{
    struct widths widths = {.reserved = 0};
    struct header h = {
        .version = FORMAT_VERSION,
        .kind = (uint32_t)info->kind,
        .dim = (uint32_t)info->dim,
        .metric = info->euclid ? 1 : 0,
        .n = info->n,
        .generation = info->generation,
        .payload_bytes = size - HEAD_BYTES,
        .payload_hash = XXH3_64bits(bytes + HEAD_BYTES, size - HEAD_BYTES),
    };
    memcpy(h.magic, magic, sizeof magic);
    h.header_hash = hash_of_header(&h);
    memcpy(widths.of, info->widths, sizeof widths.of);
    widths.hash = hash_of_widths(&widths);
    memcpy(bytes, &h, sizeof h);
    memcpy(bytes + sizeof h, &widths, sizeof widths);
}

/* fopencookie's idea of write: everything or 0. */
static ssize_t append_to_buffer(void *cookie, const char *bytes, size_t n)
{
    return buf_append(cookie, bytes, n) == ERR_OK ? (ssize_t)n : 0;
}

/* Room for header and widths, and behind it what FAISS writes. */
static enum err write_to_buffer(const struct ann *ann, struct buf *b)
{
    static const char room[HEAD_BYTES];
    TRY(buf_append(b, room, sizeof room));
    FILE *stream =
        fopencookie(b, "wb", (cookie_io_functions_t){.write = append_to_buffer});
    if (stream == NULL) {
        return err_errno(errno, "writing to memory");
    }
    int returned = faiss_write_index(ann->index, stream);
    bool is_short = ferror(stream) != 0;
    is_short |= fclose(stream) != 0;
    if (is_short) {
        return err_set(ERR_NOMEM, "out of memory for a segment's file");
    }
    return ann_faiss_result(returned, ERR_INTERNAL, "writing a segment");
}

enum err ann_save(const struct ann *ann, const char *path)
{
    struct buf b;
    buf_init(&b, SIZE_MAX / 2);
    enum err result = write_to_buffer(ann, &b);
    if (result == ERR_OK) {
        finish_head(&ann->info, b.data, b.size);
        result = file_write(path, b.data, b.size);
    }
    buf_release(&b);
    return result;
}

/* ---- load ---------------------------------------------------------------------------
 */

/* A file that is being read. */
struct reading {
    struct file_map map;
    struct header header;
    struct widths widths; /* all zero in a file of version 1 */
    const unsigned char *payload;
    size_t payload_bytes;
};

static enum err check_header(struct reading *r)
{
    struct header *h = &r->header;
    FAIL_IF(r->map.size < sizeof *h, ERR_CORRUPT, "the file ends in its header");
    memcpy(h, r->map.data, sizeof *h);
    FAIL_IF(memcmp(h->magic, magic, sizeof magic) != 0, ERR_CORRUPT,
            "this is no segment file");
    FAIL_IF(h->header_hash != hash_of_header(h), ERR_CORRUPT,
            "the header's checksum is wrong");
    FAIL_IF(h->version != FORMAT_VERSION && h->version != FORMAT_WITHOUT_WIDTHS,
            ERR_VERSION, "a segment of format %u; this program knows %u", h->version,
            FORMAT_VERSION);
    FAIL_IF(h->metric > 1 || h->dim == 0 || h->dim > LIMIT_DIM_MAX || h->n == 0 ||
                h->n >= LIMIT_SLOTS_MAX,
            ERR_CORRUPT, "the header tells of what is never written");
    return ERR_OK;
}

static bool width_fits(const struct ann_width *w)
{
    return w->nprobe <= LIMIT_SLOTS_MAX && w->oversampling <= ANN_OVERSAMPLING_MAX &&
           w->ef <= ANN_EF_MAX && w->recall >= 0 && w->recall <= 1;
}

static enum err check_widths(struct reading *r)
{
    struct widths *w = &r->widths;
    if (r->header.version == FORMAT_WITHOUT_WIDTHS) {
        return ERR_OK;
    }
    FAIL_IF(r->map.size < HEAD_BYTES, ERR_CORRUPT, "the file ends in its header");
    memcpy(w, r->map.data + sizeof r->header, sizeof *w);
    FAIL_IF(w->hash != hash_of_widths(w), ERR_CORRUPT,
            "the checksum of its widths is wrong");
    for (size_t i = 0; i < ANN_SIDES; i++) {
        FAIL_IF(!width_fits(&w->of[i]), ERR_CORRUPT,
                "the widths are such as are never written");
    }
    return ERR_OK;
}

static enum err check_payload(struct reading *r)
{
    const struct header *h = &r->header;
    size_t head = h->version == FORMAT_VERSION ? HEAD_BYTES : sizeof *h;
    r->payload = r->map.data + head;
    r->payload_bytes = r->map.size - head;
    FAIL_IF(h->payload_bytes != r->payload_bytes || r->payload_bytes == 0, ERR_CORRUPT,
            "the file has %zu bytes behind its header instead of %llu",
            r->payload_bytes, (unsigned long long)h->payload_bytes);
    FAIL_IF(h->payload_hash != XXH3_64bits(r->payload, r->payload_bytes), ERR_CORRUPT,
            "the checksum is wrong");
    struct ann_info told = {.kind = (enum ann_kind)h->kind,
                            .euclid = h->metric == 1,
                            .dim = h->dim,
                            .n = h->n};
    return ann_layout_check(r->payload, r->payload_bytes, &told);
}

static enum err read_payload(struct ann **out, const struct reading *r)
{
    /* fmemopen wants a void * and reads only. */
    FILE *stream = fmemopen((void *)(size_t)r->payload, r->payload_bytes, "rb");
    if (stream == NULL) {
        return err_errno(errno, "reading from memory");
    }
    FaissIndex *index = NULL;
    enum err result = ann_faiss_result(faiss_read_index(stream, 0, &index), ERR_CORRUPT,
                                       "reading a segment");
    fclose(stream);
    return result == ERR_OK ? ann_adopt(out, index, r->header.generation) : result;
}

static enum err load_mapped(struct ann **out, struct reading *r)
{
    TRY(check_header(r));
    TRY(check_widths(r));
    TRY(check_payload(r));
    TRY(read_payload(out, r));
    memcpy((*out)->info.widths, r->widths.of, sizeof r->widths.of);
    return ERR_OK;
}

enum err ann_load(struct ann **out, const char *path)
{
    struct reading r = {.payload = NULL};
    *out = NULL;
    TRY(file_map_open(&r.map, path, SIZE_MAX));
    if (r.map.data != NULL) {
        /* All of it is going to be read: let the disk begin at once. */
        madvise((void *)(size_t)r.map.data, r.map.size, MADV_WILLNEED);
    }
    enum err result = load_mapped(out, &r);
    file_map_close(&r.map);
    return result == ERR_OK ? ERR_OK : err_prefix(result, "%s", path);
}
