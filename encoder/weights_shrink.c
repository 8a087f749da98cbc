/*
 * weights_shrink.c - see weights_shrink.h. The file is written in two passes: what each
 * tensor becomes, as a header; then the tensors, a row at a time.
 */
#include "encoder/weights_shrink.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/half.h"
#include "encoder/weights_write.h"

enum { I8_MAX = 127, SCALE_NAME_MAX = 512 };

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
    struct wt_writer *out;
    float *row;  /* [the widest] */
    void *bytes; /* the same row, as it is written */
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

/* ---- Writing ---- */

/* "layer.weight" -> "layer.scale", as weights.h finds it. */
static void scale_name(const char *name, char out[SCALE_NAME_MAX])
{
    size_t n = strlen(name);
    n -= ends_with(name, ".weight") ? strlen(".weight") : 0;
    snprintf(out, SCALE_NAME_MAX, "%.*s.scale", (int)n, name);
}

static enum err describe_all(struct shrink *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct item *item = &s->items[i];
        TRY(wt_writer_describe(s->out, item->name, item->type, item->tensor.shape,
                               item->tensor.rank));
        if (item->type == WT_I8 && item->tensor.type != WT_I8) {
            char name[SCALE_NAME_MAX];
            scale_name(item->name, name);
            TRY(wt_writer_describe(s->out, name, WT_F32, &item->n_rows, 1));
        }
    }
    return ERR_OK;
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
        TRY(wt_writer_put(s->out, halves, item->n_cols * sizeof *halves));
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
        TRY_OUT(wt_writer_put(s->out, bytes, item->n_cols));
    }
    result = wt_writer_put(s->out, scales, item->n_rows * sizeof *scales);
out:
    alloc_free(scales);
    return result;
}

static enum err put_item(struct shrink *s, const struct item *item)
{
    if (item->type == item->tensor.type) {
        return wt_writer_put(s->out, item->tensor.data,
                             item->n_rows * item->n_cols * wt_type_size(item->type));
    }
    return item->type == WT_I8 ? put_bytes(s, item) : put_halves(s, item);
}

static enum err write_all(struct shrink *s)
{
    TRY(list_items(s));
    TRY(describe_all(s));
    TRY(wt_writer_begin(s->out));
    for (size_t i = 0; i < s->n; i++) {
        TRY(put_item(s, &s->items[i]));
    }
    return wt_writer_finish(s->out);
}

enum err wt_shrink(const char *const *paths, size_t n, const char *to,
                   enum wt_type type)
{
    struct shrink s = {.type = type};
    TRY(wt_open(&s.file, paths, n));
    enum err result = wt_writer_open(&s.out, to);
    if (result == ERR_OK) {
        result = write_all(&s);
    }
    wt_writer_close(s.out);
    alloc_free(s.bytes);
    alloc_free(s.row);
    alloc_free(s.items);
    wt_close(s.file);
    return result;
}
