/*
 * vectors.h - seeded unit vectors in clusters, as encoders make them, for the tests and
 * benches of index/.
 */
#ifndef TESTS_INDEX_VECTORS_H
#define TESTS_INDEX_VECTORS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

/* A step of splitmix64. */
static inline uint64_t vectors_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Nearly normal: the sum of four uniform numbers, mean 0, variance 1. */
static inline float vectors_normal(uint64_t *state)
{
    uint64_t r = vectors_random(state);
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += (double)(r >> (16 * i) & 0xffff) / 65536 - 0.5;
    }
    return (float)(sum * sqrt(3.0));
}

static inline void vectors_normalize(float *v, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++) {
        sum += (double)v[i] * v[i];
    }
    for (size_t i = 0; i < dim; i++) {
        v[i] = (float)(v[i] / sqrt(sum));
    }
}

/* A unit vector near `centre` (NULL: anywhere): `noise` is the length of the offset. */
static inline void vectors_near(const float *centre, float noise, size_t dim,
                                float *dst, uint64_t *random)
{
    for (size_t i = 0; i < dim; i++) {
        float offset = vectors_normal(random) / sqrtf((float)dim);
        dst[i] = centre == NULL ? offset : centre[i] + noise * offset;
    }
    vectors_normalize(dst, dim);
}

/* [n, dim] unit vectors round n / 50 + 1 centres; freed with alloc_free. */
static inline float *vectors_make(size_t n, size_t dim, uint64_t seed)
{
    size_t n_centres = n / 50 + 1;
    float *centres = alloc_array(n_centres * dim, sizeof *centres);
    float *v = alloc_array(n * dim, sizeof *v);
    for (size_t i = 0; i < n_centres; i++) {
        vectors_near(NULL, 1, dim, centres + i * dim, &seed);
    }
    for (size_t i = 0; i < n; i++) {
        const float *centre = centres + vectors_random(&seed) % n_centres * dim;
        vectors_near(centre, 1.2f, dim, v + i * dim, &seed);
    }
    alloc_free(centres);
    return v;
}

/* The vectors of a build; an ann_read_fn reads them. */
struct vectors_source {
    const float *v; /* [n, dim] */
    size_t n;
    size_t dim;
};

static inline enum err vectors_read(void *arg, size_t first, size_t n, float *dst)
{
    const struct vectors_source *s = arg;
    FAIL_IF(first + n > s->n, ERR_INTERNAL, "slots past the end were asked for");
    memcpy(dst, s->v + first * s->dim, n * s->dim * sizeof *dst);
    return ERR_OK;
}

#endif
