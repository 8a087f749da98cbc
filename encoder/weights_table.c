/*
 * weights_table.c - see weights_table.h.
 */
#include "encoder/weights_table.h"

#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 128 };

/* The pattern with its '#', if any, replaced by the number. */
static void expand_name(const char *pattern, size_t number, char name[NAME_MAX_BYTES])
{
    const char *mark = strchr(pattern, '#');
    if (mark == NULL) {
        (void)snprintf(name, NAME_MAX_BYTES, "%s", pattern);
    } else {
        (void)snprintf(name, NAME_MAX_BYTES, "%.*s%zu%s", (int)(mark - pattern),
                       pattern, number, mark + 1);
    }
}

enum err wt_load(const struct wt_file *file, const struct wt_param *params, size_t n,
                 const struct wt_target *target)
{
    for (const struct wt_param *p = params; p < params + n; p++) {
        char name[NAME_MAX_BYTES];
        void *destination = (char *)target->base + p->offset;
        size_t rows = target->sizes[p->rows];
        expand_name(p->name, target->number, name);
        if (p->kind == WT_MATRIX) {
            TRY(wt_matrix(file, name, rows, target->sizes[p->cols], destination));
        } else {
            TRY(wt_vector(file, name, rows, destination));
        }
    }
    return ERR_OK;
}
