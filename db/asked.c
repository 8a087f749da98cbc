/*
 * asked.c - see asked.h.
 */
#include "db/asked.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"

enum { KEEP = 128, KINDS_MAX = 16, CHANCE_MIN = 8 };

struct kind {
    struct asked_key key;
    size_t dim;
    float *vectors; /* [KEEP, dim], owned; NULL: the place is free */
    size_t n;       /* kept */
    uint64_t n_seen;
    uint64_t used; /* the number of the note that came last, of all */
};

struct asked {
    pthread_mutex_t mutex; /* over all of it */
    struct kind kinds[KINDS_MAX];
    uint64_t n_notes;
    uint64_t random;
};

enum err asked_open(struct asked **out)
{
    *out = alloc_zero(1, sizeof **out);
    if (*out == NULL) {
        return ERR_NOMEM;
    }
    (*out)->random = 88172645463325252u;
    pthread_mutex_init(&(*out)->mutex, NULL);
    return ERR_OK;
}

void asked_close(struct asked *asked)
{
    if (asked == NULL) {
        return;
    }
    for (size_t i = 0; i < KINDS_MAX; i++) {
        alloc_free(asked->kinds[i].vectors);
    }
    pthread_mutex_destroy(&asked->mutex);
    alloc_free(asked);
}

/* The place of the key; NULL where it has none. */
static struct kind *find_kind(struct asked *asked, struct asked_key key, size_t dim)
{
    for (size_t i = 0; i < KINDS_MAX; i++) {
        struct kind *k = &asked->kinds[i];
        if (k->vectors != NULL && k->dim == dim && asked_key_equal(k->key, key)) {
            return k;
        }
    }
    return NULL;
}

/* A free place, or that which was not used for longest. */
static struct kind *make_kind(struct asked *asked, struct asked_key key, size_t dim)
{
    struct kind *oldest = &asked->kinds[0];
    for (size_t i = 1; i < KINDS_MAX; i++) {
        oldest = asked->kinds[i].used < oldest->used ? &asked->kinds[i] : oldest;
    }
    alloc_free(oldest->vectors);
    *oldest = (struct kind){.key = key, .dim = dim};
    oldest->vectors = alloc_array(KEEP * dim, sizeof *oldest->vectors);
    return oldest->vectors == NULL ? NULL : oldest;
}

/* xorshift64 (Marsaglia, 2003). */
static uint64_t next_random(struct asked *asked)
{
    asked->random ^= asked->random << 13;
    asked->random ^= asked->random >> 7;
    asked->random ^= asked->random << 17;
    return asked->random;
}

/* Where the next vector goes; KEEP: nowhere. As a reservoir (Vitter's algorithm R), but
 * never less likely than one in eight, so that what was asked long ago is forgotten. */
static size_t place_of_next(struct asked *asked, struct kind *k)
{
    uint64_t n = ++k->n_seen;
    if (k->n < KEEP) {
        return k->n++;
    }
    uint64_t range = n < KEEP * CHANCE_MIN ? n : KEEP * CHANCE_MIN;
    uint64_t at = next_random(asked) % range;
    return at < KEEP ? (size_t)at : KEEP;
}

void asked_note(struct asked *asked, struct asked_key key, const float *vector,
                size_t dim)
{
    if (pthread_mutex_trylock(&asked->mutex) != 0) {
        return;
    }
    struct kind *k = find_kind(asked, key, dim);
    k = k != NULL ? k : make_kind(asked, key, dim);
    if (k != NULL) {
        k->used = ++asked->n_notes;
        size_t at = place_of_next(asked, k);
        if (at < KEEP) {
            memcpy(k->vectors + at * dim, vector, dim * sizeof *vector);
        }
    }
    pthread_mutex_unlock(&asked->mutex);
}

size_t asked_copy(struct asked *asked, struct asked_key key, size_t dim, float *dst,
                  size_t n_max)
{
    pthread_mutex_lock(&asked->mutex);
    const struct kind *k = find_kind(asked, key, dim);
    size_t n = k == NULL ? 0 : k->n < n_max ? k->n : n_max;
    if (n > 0) {
        memcpy(dst, k->vectors, n * dim * sizeof *dst);
    }
    pthread_mutex_unlock(&asked->mutex);
    return n;
}
