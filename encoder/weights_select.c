/*
 * weights_select.c - see weights_select.h.
 */
#include "encoder/weights_select.h"

#include <string.h>

#include "base/alloc.h"
#include "encoder/weights_write.h"

struct select {
    struct wt_file *file;
    const struct wt_selection *selections; /* [n_selections] */
    size_t n_selections;
    struct wt_writer *out;
};

static const struct wt_selection *find(const struct select *s, const char *name)
{
    for (size_t i = 0; i < s->n_selections; i++) {
        if (strcmp(s->selections[i].name, name) == 0) {
            return &s->selections[i];
        }
    }
    return NULL;
}

static enum err check(const struct wt_selection *selection,
                      const struct wt_tensor *tensor)
{
    bool fits = (selection->rows == NULL || tensor->rank >= 1) &&
                (selection->cols == NULL || tensor->rank == 2);
    FAIL_IF(!fits, ERR_MODEL, "tensor \"%s\" has %zu dimensions", selection->name,
            tensor->rank);
    FAIL_IF((selection->rows != NULL &&
             selection->rows[selection->n_rows - 1] >= tensor->shape[0]) ||
                (selection->cols != NULL &&
                 selection->cols[selection->n_cols - 1] >= tensor->shape[1]),
            ERR_MODEL, "tensor \"%s\" is smaller than the config says",
            selection->name);
    return ERR_OK;
}

static enum err describe(struct select *s, const char *name)
{
    struct wt_tensor tensor;
    TRY(wt_find(s->file, name, &tensor));
    const struct wt_selection *selection = find(s, name);
    if (selection != NULL) {
        TRY(check(selection, &tensor));
        tensor.shape[0] = selection->rows != NULL ? selection->n_rows : tensor.shape[0];
        tensor.shape[1] = selection->cols != NULL ? selection->n_cols : tensor.shape[1];
    }
    return wt_writer_describe(s->out, name, tensor.type, tensor.shape, tensor.rank);
}

/* The chosen columns of one row; `room` is as long as they are. */
static enum err put_row(struct select *s, const struct wt_selection *selection,
                        const char *row, size_t item, size_t n_bytes, char *room)
{
    if (selection->cols == NULL) {
        return wt_writer_put(s->out, row, n_bytes);
    }
    for (size_t i = 0; i < selection->n_cols; i++) {
        memcpy(room + i * item, row + selection->cols[i] * item, item);
    }
    return wt_writer_put(s->out, room, selection->n_cols * item);
}

static enum err put_selected(struct select *s, const struct wt_selection *selection,
                             const struct wt_tensor *tensor)
{
    size_t item = wt_type_size(tensor->type), row = item;
    for (size_t i = 1; i < tensor->rank; i++) {
        row *= tensor->shape[i];
    }
    size_t n = selection->rows != NULL ? selection->n_rows : tensor->shape[0];
    char *room = alloc_array(row, 1);
    if (room == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ERR_OK;
    for (size_t i = 0; i < n && result == ERR_OK; i++) {
        size_t at = selection->rows != NULL ? selection->rows[i] : i;
        result = put_row(s, selection, (const char *)tensor->data + at * row, item, row,
                         room);
    }
    alloc_free(room);
    return result;
}

static enum err put(struct select *s, const char *name)
{
    struct wt_tensor tensor;
    TRY(wt_find(s->file, name, &tensor));
    const struct wt_selection *selection = find(s, name);
    if (selection != NULL) {
        return put_selected(s, selection, &tensor);
    }
    size_t n = wt_type_size(tensor.type);
    for (size_t i = 0; i < tensor.rank; i++) {
        n *= tensor.shape[i];
    }
    return wt_writer_put(s->out, tensor.data, n);
}

static enum err each(struct select *s,
                     enum err (*visit)(struct select *s, const char *name))
{
    for (size_t i = 0; wt_name(s->file, i) != NULL; i++) {
        if (wt_is_readable(s->file, i)) {
            TRY(visit(s, wt_name(s->file, i)));
        }
    }
    return ERR_OK;
}

static enum err write_all(struct select *s)
{
    TRY(each(s, describe));
    TRY(wt_writer_begin(s->out));
    TRY(each(s, put));
    return wt_writer_finish(s->out);
}

enum err wt_select(const char *const *paths, size_t n, const char *to,
                   const struct wt_selection *selections, size_t n_selections)
{
    struct select s = {.selections = selections, .n_selections = n_selections};
    TRY(wt_open(&s.file, paths, n));
    enum err result = wt_writer_open(&s.out, to);
    if (result == ERR_OK) {
        result = write_all(&s);
    }
    wt_writer_close(s.out);
    wt_close(s.file);
    return result;
}
