/*
 * semi_real.c - see semi_real.h.
 */
#include "tests/bench/semi_real.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/npy.h"
#include "tests/index/vectors.h"

enum { N_MADE = 541, N_LISTS = 4, TEXT_STRIDE = 911 };

/* How far a drawn vector lies from the line between two real ones. */
static const float NOISE = 0.3f;

/* Appends the rows of a NumPy file, at unit length; false where there is none of
 * `dim`. */
static bool read_rows(const char *name, size_t dim, float **rows, size_t *n)
{
    char path[1000];
    struct file_map map;
    size_t n_file, dim_file, offset;
    const char *folder = getenv("DUET_VECTORS");
    snprintf(path, sizeof path, "%s/%s", folder ? folder : "../shared/data/vectors",
             name);
    if (file_map_open(&map, path, SIZE_MAX) != ERR_OK) {
        return false;
    }
    size_t n_head = map.size < NPY_HEADER_MAX ? map.size : NPY_HEADER_MAX;
    bool good = npy_header_read((const char *)map.data, n_head, &n_file, &dim_file,
                                &offset) == ERR_OK &&
                dim_file == dim && map.size - offset >= n_file * dim * sizeof **rows;
    float *grown =
        good ? alloc_resize(*rows, (*n + n_file) * dim, sizeof **rows) : NULL;
    if (grown != NULL) {
        memcpy(grown + *n * dim, map.data + offset, n_file * dim * sizeof **rows);
        for (size_t i = *n; i < *n + n_file; i++) {
            vectors_normalize(grown + i * dim, dim);
        }
        *rows = grown;
        *n += n_file;
    }
    file_map_close(&map);
    return grown != NULL;
}

void semi_real_init(struct semi_real *s, size_t dim)
{
    static const char *const texts[N_LISTS] = {"text_lvis1203.npy", "text_o365.npy",
                                               "text_oid500.npy", "text_coco80.npy"};
    *s = (struct semi_real){.dim = dim};
    s->is_real = read_rows("image_unsplash.npy", dim, &s->pictures, &s->n_pictures);
    for (size_t i = 0; i < N_LISTS && s->is_real; i++) {
        s->is_real = read_rows(texts[i], dim, &s->texts, &s->n_texts);
    }
    if (!s->is_real) {
        semi_real_release(s);
        s->dim = dim;
        s->n_pictures = s->n_texts = N_MADE;
        s->pictures = vectors_make(N_MADE, dim, 2);
        s->texts = vectors_make(N_MADE, dim, 3);
    }
}

void semi_real_release(struct semi_real *s)
{
    alloc_free(s->pictures);
    alloc_free(s->texts);
    *s = (struct semi_real){0};
}

void semi_real_picture(const struct semi_real *s, uint64_t number, float *dst)
{
    uint64_t random = number * UINT64_C(0xd1342543de82ef95) + 1;
    const float *a = s->pictures + vectors_random(&random) % s->n_pictures * s->dim;
    const float *b = s->pictures + vectors_random(&random) % s->n_pictures * s->dim;
    float share = (float)(vectors_random(&random) % 1000) / 2000;
    for (size_t i = 0; i < s->dim; i++) {
        dst[i] = (1 - share) * a[i] + share * b[i];
    }
    vectors_near(dst, NOISE, s->dim, dst, &random);
}

void semi_real_text(const struct semi_real *s, size_t i, size_t n, float *dst)
{
    size_t text = n <= s->n_texts ? i * (s->n_texts / n) : i * TEXT_STRIDE;
    memcpy(dst, s->texts + text % s->n_texts * s->dim, s->dim * sizeof *dst);
}
