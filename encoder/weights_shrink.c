/*
 * weights_shrink.c - see weights_shrink.h. The file is written in two passes: what each
 * tensor becomes, as a header; then the tensors, a row at a time.
 */
#include "encoder/weights_shrink.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/half.h"
#include "base/json.h"
#include "base/limits.h"

enum { HEADER_ALIGN = 64, I8_MAX = 127, SCALE_NAME_MAX = 512 };

static const char *const type_names[] = {
    [WT_F32] = "F32", [WT_F16] = "F16", [WT_BF16] = "BF16", [WT_I8] = "I8"};
static const size_t type_sizes[] = {
    [WT_F32] = 4, [WT_F16] = 2, [WT_BF16] = 2, [WT_I8] = 1};

/* A tensor and what becomes of it. */
struct item {
    const char *name;
    struct wt_tensor tensor;
    size_t n_rows, n_cols; /* rows by the first dimension; of a scalar 1 x 1 */
    enum wt_type type;     /* it is written as */
};

struct shrink {
    struct wt_file *file;
    struct item *items; /* [n] */
    size_t n;
    enum wt_type type;
    FILE *out;
    const char *path;
    struct buf header;
    size_t offset; /* of the next tensor in the data area */
    bool first;    /* in the header */
    float *row;    /* [the widest] */
    void *bytes;   /* the same row, as it is written */
};

/* ---- What becomes of each ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* The towers ask for a matrix by a name that ends so, and of no other tensor. What is
 * multiplied the other way round (text_projection, visual.proj) is called otherwise. */
static bool is_matrix_by_rows(const struct item *item)
{
    return (item->tensor.rank == 2 || item->tensor.rank == 4) &&
           ends_with(item->name, "weight");
}

static enum wt_type type_of(const struct item *item, enum wt_type wanted)
{
    enum wt_type now = item->tensor.type;
    if (item->tensor.rank < 2 || now == WT_I8) {
        return now;
    }
    if (wanted == WT_I8 && is_matrix_by_rows(item)) {
        return WT_I8;
    }
    return WT_F16;
}

static enum err add_item(struct shrink *s, const char *name)
{
    struct item *item = &s->items[s->n];
    item->name = name;
    TRY(wt_find(s->file, name, &item->tensor));
    const struct wt_tensor *tensor = &item->tensor;
    item->n_rows = tensor->rank < 2 ? 1 : tensor->shape[0];
    item->n_cols = tensor->rank < 2 ? tensor->shape[0] : 1;
    for (size_t i = 1; i < tensor->rank; i++) {
        item->n_cols *= tensor->shape[i];
    }
    item->type = type_of(item, s->type);
    s->n++;
    return ERR_OK;
}

static enum err list_items(struct shrink *s)
{
    size_t n = 0, widest = 1;
    while (wt_name(s->file, n) != NULL) {
        n++;
    }
    s->items = alloc_zero(n == 0 ? 1 : n, sizeof *s->items);
    if (s->items == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        if (wt_is_readable(s->file, i)) {
            TRY(add_item(s, wt_name(s->file, i)));
        }
    }
    for (size_t i = 0; i < s->n; i++) {
        widest = s->items[i].n_cols > widest ? s->items[i].n_cols : widest;
    }
    s->row = alloc_array(widest, sizeof *s->row);
    s->bytes = alloc_array(widest, sizeof(float));
    return s->row == NULL || s->bytes == NULL ? ERR_NOMEM : ERR_OK;
}

/* ---- The header ---- */

/* One tensor of `shape`, of n numbers. Names were read from JSON: they are quoted. */
static enum err describe(struct shrink *s, const char *name, enum wt_type type,
                         const size_t *shape, size_t rank)
{
    size_t n = type_sizes[type];
    struct json_object *quoted = json_object_new_string(name);
    if (quoted == NULL) {
        return ERR_NOMEM;
    }
    enum err result =
        buf_printf(&s->header, "%s%s:{\"dtype\":\"%s\",\"shape\":[", s->first ? "" : ",",
                   json_text(quoted), type_names[type]);
    json_object_put(quoted);
    TRY(result);
    for (size_t i = 0; i < rank; i++) {
        TRY(buf_printf(&s->header, "%s%zu", i == 0 ? "" : ",", shape[i]));
        n *= shape[i];
    }
    TRY(buf_printf(&s->header, "],\"data_offsets\":[%zu,%zu]}", s->offset,
                   s->offset + n));
    s->offset += n;
    s->first = false;
    return ERR_OK;
}

/* "layer.weight" -> "layer.scale", as weights.h finds it. */
static void scale_name(const char *name, char out[SCALE_NAME_MAX])
{
    size_t n = strlen(name);
    n -= ends_with(name, ".weight") ? strlen(".weight") : 0;
    snprintf(out, SCALE_NAME_MAX, "%.*s.scale", (int)n, name);
}

static bool gets_scale(const struct item *item)
{
    return item->type == WT_I8 && item->tensor.type != WT_I8;
}

static enum err describe_all(struct shrink *s)
{
    TRY(buf_append(&s->header, "{", 1));
    for (size_t i = 0; i < s->n; i++) {
        const struct item *item = &s->items[i];
        TRY(describe(s, item->name, item->type, item->tensor.shape, item->tensor.rank));
        if (gets_scale(item)) {
            char name[SCALE_NAME_MAX];
            scale_name(item->name, name);
            TRY(describe(s, name, WT_F32, &item->n_rows, 1));
        }
    }
    TRY(buf_append(&s->header, "}", 1));
    while (s->header.size % HEADER_ALIGN != HEADER_ALIGN - sizeof(uint64_t)) {
        TRY(buf_append(&s->header, " ", 1));
    }
    return ERR_OK;
}

/* ---- The tensors ---- */

static enum err put(struct shrink *s, const void *bytes, size_t n)
{
    FAIL_IF(fwrite(bytes, 1, n, s->out) != n, errno == ENOSPC ? ERR_FULL : ERR_IO,
            "%s: %s", s->path, strerror(errno));
    return ERR_OK;
}

static enum err put_header(struct shrink *s)
{
    uint8_t length[sizeof(uint64_t)];
    for (size_t i = 0; i < sizeof length; i++) {
        length[i] = (uint8_t)((uint64_t)s->header.size >> (8 * i));
    }
    TRY(put(s, length, sizeof length));
    return put(s, s->header.data, s->header.size);
}

/* Row `row` as floats into s->row. */
static void widen_row(struct shrink *s, const struct item *item, size_t row)
{
    const struct wt_matrix matrix = {.data = item->tensor.data,
                                     .type = item->tensor.type,
                                     .n_rows = item->n_rows,
                                     .n_cols = item->n_cols};
    wt_row(&matrix, row, 0, item->n_cols, s->row);
}

static enum err put_halves(struct shrink *s, const struct item *item)
{
    uint16_t *halves = s->bytes;
    for (size_t row = 0; row < item->n_rows; row++) {
        widen_row(s, item, row);
        for (size_t i = 0; i < item->n_cols; i++) {
            FAIL_IF(!(fabsf(s->row[i]) <= HALF_MAX), ERR_MODEL,
                    "tensor \"%s\" holds %g, which is no half float", item->name,
                    (double)s->row[i]);
            halves[i] = half_from_float(s->row[i]);
        }
        TRY(put(s, halves, item->n_cols * sizeof *halves));
    }
    return ERR_OK;
}

static enum err find_scale(const struct item *item, const float *row, float *scale)
{
    float most = 0;
    for (size_t i = 0; i < item->n_cols; i++) {
        FAIL_IF(!isfinite(row[i]), ERR_MODEL, "tensor \"%s\" holds %g", item->name,
                (double)row[i]);
        most = fabsf(row[i]) > most ? fabsf(row[i]) : most;
    }
    *scale = most > 0 ? most / I8_MAX : 1;
    return ERR_OK;
}

static enum err put_bytes(struct shrink *s, const struct item *item)
{
    int8_t *bytes = s->bytes;
    float *scales = alloc_array(item->n_rows, sizeof *scales);
    if (scales == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ERR_OK;
    for (size_t row = 0; row < item->n_rows; row++) {
        widen_row(s, item, row);
        TRY_OUT(find_scale(item, s->row, &scales[row]));
        for (size_t i = 0; i < item->n_cols; i++) {
            bytes[i] = (int8_t)lrintf(s->row[i] / scales[row]);
        }
        TRY_OUT(put(s, bytes, item->n_cols));
    }
    result = put(s, scales, item->n_rows * sizeof *scales);
out:
    alloc_free(scales);
    return result;
}

static enum err put_item(struct shrink *s, const struct item *item)
{
    if (item->type == item->tensor.type) {
        return put(s, item->tensor.data,
                   item->n_rows * item->n_cols * type_sizes[item->type]);
    }
    return item->type == WT_I8 ? put_bytes(s, item) : put_halves(s, item);
}

static enum err write_all(struct shrink *s)
{
    TRY(list_items(s));
    TRY(describe_all(s));
    TRY(put_header(s));
    for (size_t i = 0; i < s->n; i++) {
        TRY(put_item(s, &s->items[i]));
    }
    FAIL_IF(fflush(s->out) != 0 || fsync(fileno(s->out)) != 0,
            errno == ENOSPC ? ERR_FULL : ERR_IO, "%s: %s", s->path, strerror(errno));
    return ERR_OK;
}

static enum err open_out(struct shrink *s)
{
    int fd = open(s->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) {
        FAIL_IF(errno == EEXIST, ERR_EXISTS, "%s is there already", s->path);
        return err_errno(errno, "%s", s->path);
    }
    s->out = fdopen(fd, "wb");
    if (s->out == NULL) {
        close(fd);
        unlink(s->path);
        return ERR_NOMEM;
    }
    return ERR_OK;
}

enum err wt_shrink(const char *const *paths, size_t n, const char *to,
                   enum wt_type type)
{
    struct shrink s = {.type = type, .path = to, .first = true};
    buf_init(&s.header, LIMIT_MODEL_HEADER_BYTES);
    TRY(wt_open(&s.file, paths, n));
    enum err result = open_out(&s);
    if (result == ERR_OK) {
        result = write_all(&s);
        if (fclose(s.out) != 0 && result == ERR_OK) {
            result = err_errno(errno, "%s", to);
        }
        if (result != ERR_OK) {
            unlink(to);
        }
    }
    alloc_free(s.bytes);
    alloc_free(s.row);
    alloc_free(s.items);
    buf_release(&s.header);
    wt_close(s.file);
    return result;
}
