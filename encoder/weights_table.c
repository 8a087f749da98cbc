/*
 * weights_table.c - see weights_table.h.
 */
#include "encoder/weights_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"

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
                           const struct wt_target *target, void *destination)
{
    char name[NAME_MAX_BYTES];
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
        TRY(load_param(file, p, target, (char *)target->base + p->offset));
    }
    return ERR_OK;
}

/* Marks. */

/* The half float next to x, as a float. */
static float round_to_half(float x)
{
    uint32_t bits;
    if (fabsf(x) < 0x1p-14f) { /* subnormal halves stand at equal distances */
        return rintf(x * 0x1p24f) * 0x1p-24f + 0.0f; /* no -0 */
    }
    memcpy(&bits, &x, sizeof bits);
    bits += 0xfff + ((bits >> 13) & 1); /* to even */
    bits &= ~(uint32_t)0x1fff;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Mixes in the first row of a matrix; that of a vector is all of it. */
static enum err mix_row(const struct wt_matrix *matrix, uint64_t *mark)
{
    size_t n = matrix->n_cols;
    float *row = alloc_array(n, sizeof *row);
    if (row == NULL) {
        return ERR_NOMEM;
    }
    wt_row(matrix, 0, 0, n, row);
    for (size_t i = 0; i < n; i++) {
        row[i] = round_to_half(row[i]);
    }
    *mark = XXH3_64bits_withSeed(row, n * sizeof *row, *mark);
    alloc_free(row);
    return ERR_OK;
}

static enum err mark_param(struct wt_file *file, const struct wt_param *p,
                           const struct wt_target *target, uint64_t *mark)
{
    struct wt_matrix matrix = {.type = WT_F32, .n_rows = 1};
    const float *vector;
    if (p->kind != WT_VECTOR) {
        TRY(load_param(file, p, target, &matrix));
        return mix_row(&matrix, mark);
    }
    TRY(load_param(file, p, target, &vector));
    matrix.data = vector;
    matrix.n_cols = target->sizes[p->rows];
    return mix_row(&matrix, mark);
}

enum err wt_mark(struct wt_file *file, const struct wt_param *params, size_t n,
                 const struct wt_target *target, uint64_t *mark)
{
    for (const struct wt_param *p = params; p < params + n; p++) {
        TRY(mark_param(file, p, target, mark));
    }
    return ERR_OK;
}
