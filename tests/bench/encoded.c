/*
 * encoded.c - see encoded.h.
 */
#include "tests/bench/encoded.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "tests/bench/rig.h"

enum { PAGE = 1000, FILE_BYTES_MAX = 16 << 20 };

static float *grow(float *rows, size_t n_rows, size_t dim)
{
    rows = alloc_resize(rows, n_rows * dim, sizeof *rows);
    if (rows == NULL) {
        rig_fail("out of memory");
    }
    return rows;
}

static void take_point(struct encoded *e, const struct duet_hit *hit)
{
    const float *image = NULL, *text = NULL;
    for (size_t i = 0; i < hit->n_vectors; i++) {
        const struct duet_vector *v = &hit->vectors[i];
        image = strcmp(v->space, "image") == 0 ? v->values : image;
        text = strcmp(v->space, "text") == 0 ? v->values : text;
        e->dim = v->dim;
    }
    if (image == NULL) {
        return;
    }
    if (e->n == e->capacity) {
        e->capacity = e->capacity * 2 + PAGE;
        e->images = grow(e->images, e->capacity, e->dim);
        e->texts = grow(e->texts, e->capacity, e->dim);
    }
    float *text_row = e->texts + e->n * e->dim;
    memcpy(e->images + e->n * e->dim, image, e->dim * sizeof *image);
    memset(text_row, 0, e->dim * sizeof *text_row);
    if (text != NULL) {
        memcpy(text_row, text, e->dim * sizeof *text);
    }
    e->n++;
}

/* A page of points from `from` on (NULL: the first); false at the end, else *next is
 * where to go on. */
static bool take_page(struct encoded *e, struct duet *db, const struct duet_id *from,
                      struct duet_id *next)
{
    struct duet_hits page, points;
    struct duet_id ids[PAGE];
    rig_check(duet_scroll(db, "default", from, PAGE + 1, &page));
    bool more = page.n > PAGE;
    size_t n = more ? PAGE : page.n;
    for (size_t i = 0; i < n; i++) {
        ids[i] = page.hits[i].id;
    }
    if (more) {
        *next = page.hits[PAGE].id;
    }
    rig_check(duet_get(db, "default", ids, n, true, &points));
    for (size_t i = 0; i < points.n; i++) {
        take_point(e, &points.hits[i]);
    }
    duet_hits_release(&page);
    duet_hits_release(&points);
    return more;
}

void encoded_read(struct encoded *e, struct duet *db)
{
    struct duet_id next;
    *e = (struct encoded){0};
    bool more = take_page(e, db, NULL, &next);
    while (more) {
        struct duet_id from = next;
        more = take_page(e, db, &from, &next);
    }
    if (e->n < PAGE) {
        rig_fail("the database has fewer than 1000 pictures");
    }
}

void encoded_release(struct encoded *e)
{
    alloc_free(e->images);
    alloc_free(e->texts);
    *e = (struct encoded){0};
}

static void encode(struct duet *db, const char *text, size_t dim, float *dst)
{
    float *vector;
    size_t dim_model;
    struct duet_input input = duet_input_text(text);
    rig_check(duet_embed(db, &input, &vector, &dim_model));
    if (dim_model != dim) {
        rig_fail("the model's vectors are of another size than the database's");
    }
    memcpy(dst, vector, dim * sizeof *dst);
    duet_free(vector);
}

void encoded_lines(struct duet *db, const char *path, size_t n, size_t dim, float *dst)
{
    struct buf text;
    size_t n_lines = 0;
    char *rest = NULL;
    buf_init(&text, FILE_BYTES_MAX);
    rig_check(file_read(path, &text));
    char **lines = alloc_array(text.size / 2 + 1, sizeof *lines);
    if (lines == NULL || text.data == NULL) {
        rig_fail("the file of queries is empty");
    }
    for (char *line = strtok_r(text.data, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        lines[n_lines++] = line;
    }
    if (n_lines < n) {
        rig_fail("the file of queries has too few lines");
    }
    for (size_t i = 0; i < n; i++) {
        encode(db, lines[encoded_spread(i, n, n_lines)], dim, dst + i * dim);
    }
    alloc_free(lines);
    buf_release(&text);
}

size_t encoded_spread(size_t i, size_t n_used, size_t n_all)
{
    return i * n_all / n_used;
}

float encoded_dot(const float *a, const float *b, size_t dim)
{
    float sum = 0;
    for (size_t i = 0; i < dim; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}
