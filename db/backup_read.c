/*
 * backup_read.c - see backup_read.h.
 */
#include "db/backup_read.h"

#include <string.h>
#include <unistd.h>

#include "db/store.h"

struct reader {
    const struct backup_visitor *visitor;
    struct backup_stream stream;
    struct backup_counts counts;
    struct buf block;
    struct buf file; /* pieces so far of the file `name` */
    char name[256];
};

static enum err count_rows(struct reader *r)
{
    struct bytes in = {r->block.data, r->block.size};
    char name[256];
    TRY(backup_get_name(&in, name));
    bool points = strcmp(name, store_table_name(STORE_POINTS)) == 0;
    while (in.n > 0) {
        struct bytes key;
        struct bytes value;
        TRY(backup_get_row(&in, &key, &value));
        r->counts.n_rows++;
        r->counts.n_points += points ? 1 : 0;
    }
    return ERR_OK;
}

static enum err end_file(struct reader *r)
{
    struct media_file file;
    media_file_parse(&file, r->name);
    FAIL_IF(file.kind == MEDIA_OTHER ||
                !media_is_sound(&file, r->file.data, r->file.size),
            ERR_CORRUPT, "the backup has a picture that is none");
    r->counts.n_files++;
    return r->visitor->file == NULL
               ? ERR_OK
               : r->visitor->file(r->visitor->arg, &file, &r->file);
}

static enum err add_piece(struct reader *r)
{
    struct bytes in = {r->block.data, r->block.size};
    char name[256];
    uint64_t at;
    uint64_t size;
    TRY(backup_get_name(&in, name));
    TRY(backup_get_u64(&in, &at));
    TRY(backup_get_u64(&in, &size));
    if (at == 0) {
        buf_clear(&r->file);
        memcpy(r->name, name, sizeof name);
    }
    FAIL_IF(strcmp(name, r->name) != 0 || at != r->file.size || size < in.n ||
                at > size - in.n,
            ERR_CORRUPT, "the pieces of a picture in the backup do not fit");
    TRY(buf_append(&r->file, in.data, in.n));
    return r->file.size == size ? end_file(r) : ERR_OK;
}

static enum err check_end(struct reader *r)
{
    struct bytes in = {r->block.data, r->block.size};
    struct backup_counts told;
    char more;
    TRY(backup_get_u64(&in, &told.n_rows));
    TRY(backup_get_u64(&in, &told.n_files));
    TRY(backup_get_u64(&in, &told.n_points));
    FAIL_IF(told.n_rows != r->counts.n_rows || told.n_files != r->counts.n_files ||
                told.n_points != r->counts.n_points,
            ERR_CORRUPT, "the backup holds less or more than it says");
    FAIL_IF(read(r->stream.fd, &more, 1) > 0, ERR_CORRUPT,
            "there is more behind the end of the backup");
    return ERR_OK;
}

static enum err read_blocks(struct reader *r)
{
    for (;;) {
        enum backup_kind kind;
        TRY(backup_read_block(&r->stream, &kind, &r->block));
        if (kind == BACKUP_END) {
            return check_end(r);
        }
        if (kind == BACKUP_FILE) {
            TRY(add_piece(r));
            continue;
        }
        if (r->visitor->rows == NULL) {
            return ERR_OK;
        }
        TRY(count_rows(r));
        TRY(r->visitor->rows(r->visitor->arg, &r->block));
    }
}

enum err backup_read(int fd, const struct backup_visitor *visitor,
                     struct backup_counts *counts, uint64_t *n_bytes)
{
    struct reader r = {.visitor = visitor};
    buf_init(&r.block, BACKUP_BLOCK_MAX);
    buf_init(&r.file, LIMIT_IMAGE_FILE_BYTES);
    enum err result = backup_read_head(&r.stream, fd);
    if (result == ERR_OK) {
        result = read_blocks(&r);
    }
    buf_release(&r.block);
    buf_release(&r.file);
    *counts = r.counts;
    *n_bytes = r.stream.n_bytes;
    return result;
}
