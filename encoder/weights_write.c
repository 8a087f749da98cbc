/*
 * weights_write.c - see weights_write.h.
 */
#include "encoder/weights_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/json.h"
#include "base/limits.h"

enum { DATA_ALIGN = 64 };

static const struct {
    const char *name;
    size_t size;
} types[] = {[WT_F32] = {"F32", 4},
             [WT_F16] = {"F16", 2},
             [WT_BF16] = {"BF16", 2},
             [WT_I8] = {"I8", 1}};

struct wt_writer {
    char *path; /* owned */
    FILE *file;
    struct buf header;
    size_t described, put; /* bytes of tensors */
    bool finished;
};

size_t wt_type_size(enum wt_type type)
{
    return types[type].size;
}

static enum err open_file(struct wt_writer *w)
{
    int fd = open(w->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) {
        FAIL_IF(errno == EEXIST, ERR_EXISTS, "%s is there already", w->path);
        return err_errno(errno, "%s", w->path);
    }
    w->file = fdopen(fd, "wb");
    if (w->file == NULL) {
        close(fd);
        unlink(w->path);
        return ERR_NOMEM;
    }
    return ERR_OK;
}

enum err wt_writer_open(struct wt_writer **out, const char *path)
{
    *out = NULL;
    struct wt_writer *w = alloc_zero(1, sizeof *w);
    if (w == NULL) {
        return ERR_NOMEM;
    }
    buf_init(&w->header, LIMIT_MODEL_HEADER_BYTES);
    w->path = alloc_dup(path);
    enum err result = w->path == NULL ? ERR_NOMEM : open_file(w);
    if (result == ERR_OK) {
        result = buf_append(&w->header, "{", 1);
    }
    if (result != ERR_OK) {
        wt_writer_close(w);
        return result;
    }
    *out = w;
    return ERR_OK;
}

/* `"name":`, with a comma before all but the first. */
static enum err put_name(struct wt_writer *w, const char *name)
{
    struct json_object *quoted = json_object_new_string(name);
    if (quoted == NULL) {
        return ERR_NOMEM;
    }
    enum err result = buf_printf(&w->header, "%s%s:", w->header.size > 1 ? "," : "",
                                 json_text(quoted));
    json_object_put(quoted);
    return result;
}

enum err wt_writer_describe(struct wt_writer *w, const char *name, enum wt_type type,
                            const size_t *shape, size_t rank)
{
    size_t n = types[type].size;
    TRY(put_name(w, name));
    TRY(buf_printf(&w->header, "{\"dtype\":\"%s\",\"shape\":[", types[type].name));
    for (size_t i = 0; i < rank; i++) {
        TRY(buf_printf(&w->header, "%s%zu", i == 0 ? "" : ",", shape[i]));
        n *= shape[i];
    }
    TRY(buf_printf(&w->header, "],\"data_offsets\":[%zu,%zu]}", w->described,
                   w->described + n));
    w->described += n;
    return ERR_OK;
}

static enum err write_bytes(struct wt_writer *w, const void *bytes, size_t n)
{
    FAIL_IF(fwrite(bytes, 1, n, w->file) != n, errno == ENOSPC ? ERR_FULL : ERR_IO,
            "%s: %s", w->path, strerror(errno));
    return ERR_OK;
}

enum err wt_writer_begin(struct wt_writer *w)
{
    uint8_t length[sizeof(uint64_t)];
    TRY(buf_append(&w->header, "}", 1));
    while ((w->header.size + sizeof length) % DATA_ALIGN != 0) {
        TRY(buf_append(&w->header, " ", 1));
    }
    for (size_t i = 0; i < sizeof length; i++) {
        length[i] = (uint8_t)((uint64_t)w->header.size >> (8 * i));
    }
    TRY(write_bytes(w, length, sizeof length));
    return write_bytes(w, w->header.data, w->header.size);
}

enum err wt_writer_put(struct wt_writer *w, const void *bytes, size_t n)
{
    w->put += n;
    return write_bytes(w, bytes, n);
}

enum err wt_writer_finish(struct wt_writer *w)
{
    FAIL_IF(w->put != w->described, ERR_INTERNAL,
            "%s: %zu bytes of tensors were written, %zu described", w->path, w->put,
            w->described);
    FAIL_IF(fflush(w->file) != 0 || fsync(fileno(w->file)) != 0,
            errno == ENOSPC ? ERR_FULL : ERR_IO, "%s: %s", w->path, strerror(errno));
    w->finished = true;
    return ERR_OK;
}

void wt_writer_close(struct wt_writer *w)
{
    if (w == NULL) {
        return;
    }
    if (w->file != NULL) {
        fclose(w->file);
        if (!w->finished) {
            unlink(w->path);
        }
    }
    buf_release(&w->header);
    alloc_free(w->path);
    alloc_free(w);
}
