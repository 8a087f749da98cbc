/*
 * hits.c - see hits.h, and duet_hits_release.
 */
#include "db/hits.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "db/vectors.h"

static enum err fill_source(struct duet_hit *hit, struct txn *txn,
                            const struct record_key *key)
{
    struct bytes value;
    struct db_source source;
    struct buf path;
    TRY(store_get(txn, STORE_SYSTEM, store_key(key), &value));
    if (value.data == NULL) {
        return ERR_OK;
    }
    buf_init(&path, PATH_MAX);
    enum err result = record_source_read(&source, &path, value);
    for (size_t i = 0; result == ERR_OK && i < DB_HASH_BYTES; i++) {
        snprintf(hit->hash + 2 * i, 3, "%02x", source.hash[i]);
    }
    if (result == ERR_OK && source.path[0] != '\0') {
        hit->source = alloc_dup(source.path);
        result = hit->source == NULL ? ERR_NOMEM : ERR_OK;
    }
    buf_release(&path);
    return result;
}

/* Names are copied, since hits outlive the collection's record. */
static enum err fill_vector(struct duet_hit *hit, struct vector_space in,
                            const char *name, uint32_t slot)
{
    struct duet_vector *v = &hit->vectors[hit->n_vectors++];
    v->dim = in.dim;
    v->space = alloc_dup(name);
    v->values = alloc_array(in.dim, sizeof *v->values);
    if (v->space == NULL || v->values == NULL) {
        return ERR_NOMEM;
    }
    return vector_get(in, slot, v->values);
}

static enum err fill_vectors(struct duet_hit *hit, struct txn *txn,
                             const struct record_collection *c,
                             const struct record_point *point)
{
    hit->vectors = alloc_zero(c->n_spaces + 1, sizeof *hit->vectors);
    if (hit->vectors == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < c->n_spaces; i++) {
        uint32_t slot = record_point_slot(point, c->spaces[i].number);
        if (slot != RECORD_NO_SLOT) {
            TRY(fill_vector(hit, vector_space_of(txn, c, i), c->spaces[i].name, slot));
        }
    }
    return ERR_OK;
}

/* Doubles the room when it is used up: at 0, 1, 2, 4, ... hits. */
static enum err make_room(struct duet_hits *out)
{
    if ((out->n & (out->n - 1)) != 0) {
        return ERR_OK;
    }
    size_t capacity = out->n == 0 ? 1 : 2 * out->n;
    struct duet_hit *hits = alloc_resize(out->hits, capacity, sizeof *hits);
    if (hits == NULL) {
        return ERR_NOMEM;
    }
    out->hits = hits;
    return ERR_OK;
}

enum err hits_append(struct duet_hits *out, struct txn *txn,
                     const struct record_collection *c, struct duet_id id,
                     struct hit_parts parts, bool *there)
{
    struct record_key key = record_key_point(c->number, id);
    struct bytes value;
    struct record_point point;
    TRY(store_get(txn, STORE_POINTS, store_key(&key), &value));
    *there = value.data != NULL;
    if (!*there) {
        return ERR_OK;
    }
    TRY(record_point_read(&point, value));
    TRY(make_room(out));
    struct duet_hit *hit = &out->hits[out->n++];
    *hit = (struct duet_hit){.id = id};
    if (parts.payload) {
        hit->payload = alloc_dup_n(point.payload.data, point.payload.n);
        if (hit->payload == NULL) {
            return ERR_NOMEM;
        }
        TRY(fill_source(hit, txn, &key));
    }
    return parts.vectors ? fill_vectors(hit, txn, c, &point) : ERR_OK;
}

void duet_hits_release(struct duet_hits *hits)
{
    for (size_t i = 0; i < hits->n; i++) {
        struct duet_hit *hit = &hits->hits[i];
        for (size_t v = 0; v < hit->n_vectors; v++) {
            alloc_free((void *)(size_t)hit->vectors[v].space);
            alloc_free(hit->vectors[v].values);
        }
        alloc_free(hit->vectors);
        alloc_free(hit->payload);
        alloc_free(hit->source);
        alloc_free((void *)(size_t)hit->space);
    }
    alloc_free(hits->hits);
    *hits = (struct duet_hits){0};
}
