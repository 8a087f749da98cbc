/*
 * backup_stream.c - see backup_stream.h.
 */
#include "db/backup_stream.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static const char magic[8] = "duet-bak";
static const uint32_t byte_order = 0x01020304;

struct head {
    char magic[8];
    uint32_t version;
    uint32_t format; /* of the rows */
    uint32_t byte_order;
    uint32_t unused;
    uint8_t uuid[DB_UUID_BYTES];
    int64_t written_ms;
    uint64_t unused_too;
    uint64_t hash; /* of what is before it */
};

struct block {
    uint32_t kind;
    uint32_t n;
    uint64_t hash; /* of kind and n and payload, seeded with the hash before */
};

_Static_assert(sizeof(struct head) == 64, "no padding");
_Static_assert(sizeof(struct block) == 16, "no padding");

static uint64_t hash_of_block(const struct backup_stream *s, const struct block *block,
                              const void *payload)
{
    uint64_t seed = XXH3_64bits_withSeed(block, offsetof(struct block, hash), s->hash);
    return XXH3_64bits_withSeed(payload, block->n, seed);
}

/* ---- Writing ---- */

static enum err write_all(struct backup_stream *s, const void *bytes, size_t n)
{
    const char *at = bytes;
    s->n_bytes += n;
    while (n > 0) {
        ssize_t done = write(s->fd, at, n);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return err_errno(errno, "the backup");
        }
        at += done;
        n -= (size_t)done;
    }
    return ERR_OK;
}

enum err backup_write_head(struct backup_stream *s, int fd,
                           const struct record_format *format)
{
    struct head head = {.version = BACKUP_VERSION,
                        .format = format->version,
                        .byte_order = byte_order,
                        .written_ms = clock_wall_ms()};
    memcpy(head.magic, magic, sizeof magic);
    memcpy(head.uuid, format->uuid, sizeof head.uuid);
    head.hash = XXH3_64bits(&head, offsetof(struct head, hash));
    *s = (struct backup_stream){.fd = fd, .hash = head.hash};
    return write_all(s, &head, sizeof head);
}

enum err backup_write_block(struct backup_stream *s, enum backup_kind kind,
                            const struct buf *payload)
{
    struct block block = {.kind = kind, .n = (uint32_t)payload->size};
    block.hash = hash_of_block(s, &block, payload->data);
    s->hash = block.hash;
    TRY(write_all(s, &block, sizeof block));
    return write_all(s, payload->data, payload->size);
}

enum err backup_put_u64(struct buf *out, uint64_t value)
{
    return buf_append(out, &value, sizeof value);
}

enum err backup_put_name(struct buf *out, const char *name)
{
    uint8_t n = (uint8_t)strlen(name);
    TRY(buf_append(out, &n, 1));
    return buf_append(out, name, n);
}

enum err backup_put_row(struct buf *out, struct bytes key, struct bytes value)
{
    uint16_t n_key = (uint16_t)key.n;
    uint32_t n_value = (uint32_t)value.n;
    TRY(buf_append(out, &n_key, sizeof n_key));
    TRY(buf_append(out, &n_value, sizeof n_value));
    TRY(buf_append(out, key.data, key.n));
    return buf_append(out, value.data, value.n);
}

/* ---- Reading ---- */

static enum err read_all(struct backup_stream *s, void *dst, size_t n)
{
    char *at = dst;
    s->n_bytes += n;
    while (n > 0) {
        ssize_t got = read(s->fd, at, n);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_errno(errno, "the backup");
        }
        FAIL_IF(got == 0, ERR_CORRUPT, "the backup ends early: it was cut short");
        at += got;
        n -= (size_t)got;
    }
    return ERR_OK;
}

enum err backup_read_head(struct backup_stream *s, int fd)
{
    struct head head;
    *s = (struct backup_stream){.fd = fd};
    TRY(read_all(s, &head, sizeof head));
    FAIL_IF(memcmp(head.magic, magic, sizeof magic) != 0, ERR_CORRUPT,
            "this is no backup of duet");
    FAIL_IF(head.byte_order == __builtin_bswap32(byte_order), ERR_VERSION,
            "the backup was made on a machine of another byte order");
    FAIL_IF(head.hash != XXH3_64bits(&head, offsetof(struct head, hash)), ERR_CORRUPT,
            "the head of the backup is damaged");
    FAIL_IF(head.version != BACKUP_VERSION || head.format > RECORD_FORMAT_VERSION,
            ERR_VERSION, "the backup is of a later version of duet (%u, format %u)",
            head.version, head.format);
    s->hash = head.hash;
    return ERR_OK;
}

enum err backup_read_block(struct backup_stream *s, enum backup_kind *kind,
                           struct buf *payload)
{
    struct block block;
    uint64_t at = s->n_bytes;
    buf_clear(payload);
    TRY(read_all(s, &block, sizeof block));
    FAIL_IF(block.n > BACKUP_BLOCK_MAX || block.kind < BACKUP_ROWS ||
                block.kind > BACKUP_END,
            ERR_CORRUPT, "the backup is damaged at byte %llu", (unsigned long long)at);
    char *room = buf_reserve(payload, block.n);
    if (room == NULL) {
        return ERR_NOMEM;
    }
    TRY(read_all(s, room, block.n));
    payload->size += block.n;
    FAIL_IF(block.hash != hash_of_block(s, &block, room), ERR_CORRUPT,
            "the backup is damaged at byte %llu: a checksum is wrong",
            (unsigned long long)at);
    payload->data[payload->size] = '\0';
    s->hash = block.hash;
    *kind = (enum backup_kind)block.kind;
    return ERR_OK;
}

/* Takes `n` bytes. */
static enum err take(struct bytes *in, size_t n, const void **out)
{
    *out = in->data;
    FAIL_IF(n > in->n, ERR_CORRUPT, "a block of the backup makes no sense");
    in->data = (const char *)in->data + n;
    in->n -= n;
    return ERR_OK;
}

enum err backup_get_u64(struct bytes *in, uint64_t *value)
{
    const void *bytes = NULL;
    TRY(take(in, sizeof *value, &bytes));
    memcpy(value, bytes, sizeof *value);
    return ERR_OK;
}

enum err backup_get_name(struct bytes *in, char name[256])
{
    const void *bytes = NULL;
    uint8_t n;
    TRY(take(in, 1, &bytes));
    memcpy(&n, bytes, 1);
    TRY(take(in, n, &bytes));
    memcpy(name, bytes, n);
    name[n] = '\0';
    return ERR_OK;
}

enum err backup_get_row(struct bytes *in, struct bytes *key, struct bytes *value)
{
    const void *bytes = NULL;
    uint16_t n_key;
    uint32_t n_value;
    TRY(take(in, sizeof n_key, &bytes));
    memcpy(&n_key, bytes, sizeof n_key);
    TRY(take(in, sizeof n_value, &bytes));
    memcpy(&n_value, bytes, sizeof n_value);
    key->n = n_key;
    value->n = n_value;
    TRY(take(in, n_key, &key->data));
    FAIL_IF(n_key == 0 || n_key > BACKUP_KEY_MAX, ERR_CORRUPT,
            "a row of the backup has a key that cannot be");
    return take(in, n_value, &value->data);
}
