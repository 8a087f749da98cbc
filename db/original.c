/*
 * original.c - see original.h, and duet_original.
 */
#include "db/original.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "db/encode.h"
#include "db/media.h"
#include "encoder/image.h"

static enum err check_hash(const struct db_source *source, const void *bytes, size_t n)
{
    uint8_t hash[DB_HASH_BYTES];
    encode_hash(bytes, n, hash);
    FAIL_IF(memcmp(hash, source->hash, DB_HASH_BYTES) != 0, ERR_NOT_FOUND,
            "%s: not the picture any more that was added",
            source->path[0] == '\0' ? "the copy of an upload" : source->path);
    return ERR_OK;
}

/* What keeps us from a file, told as the original's absence. */
static enum err not_there(enum err result)
{
    return result == ERR_OK || result == ERR_NOMEM || result == ERR_LIMIT
               ? result
               : ERR_NOT_FOUND;
}

enum err original_read(const struct duet *db, const struct db_source *source,
                       struct buf *out)
{
    size_t before = out->size;
    TRY(not_there(source->path[0] == '\0' ? media_read_original(db, source->hash, out)
                                          : file_read(source->path, out)));
    enum err result = check_hash(source, out->data + before, out->size - before);
    if (result != ERR_OK) {
        out->size = before;
    }
    return result;
}

static enum err look_at_file(const struct db_source *source)
{
    struct stat st;
    struct file_map file;
    FAIL_IF(stat(source->path, &st) != 0, ERR_NOT_FOUND, "%s: the file is gone",
            source->path);
    FAIL_IF(!S_ISREG(st.st_mode) || (uint64_t)st.st_size != source->size, ERR_NOT_FOUND,
            "%s: not the picture any more that was added", source->path);
    if ((int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec ==
        source->mtime_ns) {
        return ERR_OK;
    }
    TRY(not_there(file_map_open(&file, source->path, LIMIT_IMAGE_FILE_BYTES)));
    enum err result = check_hash(source, file.data, file.size);
    file_map_close(&file);
    return result;
}

enum err original_look(const struct duet *db, const struct db_source *source)
{
    if (source->path[0] != '\0') {
        return look_at_file(source);
    }
    FAIL_IF(!media_has_original(db, source->hash), ERR_NOT_FOUND,
            "the copy of an upload is gone from media/");
    return ERR_OK;
}

/* As browsers know them; what is none of ours they should not try to guess. */
static const char *type_of(const struct buf *bytes)
{
    switch (img_sniff(bytes->data, bytes->size)) {
    case IMG_JPEG:
        return "image/jpeg";
    case IMG_PNG:
        return "image/png";
    case IMG_WEBP:
        return "image/webp";
    case IMG_HEIF:
        return "image/heic";
    case IMG_AVIF:
        return "image/avif";
    case IMG_GIF:
        return "image/gif";
    case IMG_BMP:
        return "image/bmp";
    default:
        return "application/octet-stream";
    }
}

enum err duet_original(struct duet *db, const char *collection, struct duet_id id,
                       struct duet_picture *out)
{
    struct db_source source;
    struct buf path;
    struct buf file;
    *out = (struct duet_picture){0};
    buf_init(&path, PATH_MAX);
    buf_init(&file, LIMIT_IMAGE_FILE_BYTES);
    enum err result;
    TRY_OUT(db_source_get(db, collection, id, &path, &source));
    TRY_OUT(original_read(db, &source, &file));
    out->type = type_of(&file);
    out->n = file.size;
    out->bytes = buf_take(&file);
    result = out->bytes == NULL ? ERR_NOMEM : ERR_OK;
out:
    buf_release(&path);
    buf_release(&file);
    return result;
}
