/*
 * weights_table.c - see weights_table.h.
 */
#include "encoder/weights_table.h"

#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 256 };

/* The target's prefix, then the pattern with its '#', if any, replaced by the number.
 */
static void expand_name(const char *pattern, const struct wt_target *target,
                        char name[NAME_MAX_BYTES])
{
    const char *prefix = target->prefix != NULL ? target->prefix : "";
    const char *mark = strchr(pattern, '#');
    if (mark == NULL) {
        (void)snprintf(name, NAME_MAX_BYTES, "%s%s", prefix, pattern);
    } else {
        (void)snprintf(name, NAME_MAX_BYTES, "%s%.*s%zu%s", prefix,
                       (int)(mark - pattern), pattern, target->number, mark + 1);
    }
}

static enum err load_param(struct wt_file *file, const struct wt_param *p,
                           const struct wt_target *target)
{
    char name[NAME_MAX_BYTES];
    void *destination = (char *)target->base + p->offset;
    size_t rows = target->sizes[p->rows], cols = target->sizes[p->cols];
    expand_name(p->name, target, name);
    switch (p->kind) {
    case WT_MATRIX:
        return wt_matrix(file, name, p->part, rows, cols, destination);
    case WT_TRANSPOSED:
        return wt_transposed(file, name, rows, cols, destination);
    case WT_VECTOR:
        break;
    }
    return wt_vector(file, name, p->part, rows, destination);
}

enum err wt_load(struct wt_file *file, const struct wt_param *params, size_t n,
                 const struct wt_target *target)
{
    for (const struct wt_param *p = params; p < params + n; p++) {
        TRY(load_param(file, p, target));
    }
    return ERR_OK;
}
