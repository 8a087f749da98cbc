/*
 * vectors.c - see vectors.h.
 */
#include "db/vectors.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/half.h"
#include "db/collection.h"

enum { BLOCK_CHUNKS = RECORD_BLOCK_SLOTS / RECORD_CHUNK_SLOTS };

static size_t chunk_bytes(const struct vector_space *in)
{
    return RECORD_CHUNK_SLOTS * vector_row_bytes(in);
}

static struct record_key chunk_key(const struct vector_space *in, uint32_t chunk)
{
    return record_key_chunk(in->collection, in->space, chunk);
}

/* A row that has exactly `n` bytes, or none. */
static enum err get_row(const struct vector_space *in, enum store_table table,
                        uint32_t i, size_t n, struct bytes *row)
{
    struct record_key key = chunk_key(in, i);
    TRY(store_get(in->txn, table, store_key(&key), row));
    FAIL_IF(row->data != NULL && row->n != n, ERR_CORRUPT,
            "a row of vectors has %zu bytes, not %zu", row->n, n);
    return ERR_OK;
}

static enum err put_row(const struct vector_space *in, enum store_table table,
                        uint32_t i, struct bytes row)
{
    struct record_key key = chunk_key(in, i);
    return store_put(in->txn, table, store_key(&key), row);
}

/* How far the squared length of a vector may be from 1 after its numbers were rounded
 * to floats: 2^-24 each, twice. */
static const double UNIT_ROUNDING = 0x1p-22;

enum err vector_check(const float *vector, size_t dim)
{
    for (size_t i = 0; i < dim; i++) {
        FAIL_IF(!isfinite(vector[i]), ERR_INVALID,
                "number %zu of a vector is not finite", i);
    }
    return ERR_OK;
}

enum err vector_normalise(float *vector, size_t dim)
{
    double sum = 0;
    TRY(vector_check(vector, dim));
    for (size_t i = 0; i < dim; i++) {
        sum += (double)vector[i] * vector[i];
    }
    FAIL_IF(sum == 0, ERR_INVALID, "a vector is all zero: it has no direction");
    if (fabs(sum - 1) <= UNIT_ROUNDING) {
        return ERR_OK;
    }
    double scale = 1 / sqrt(sum);
    for (size_t i = 0; i < dim; i++) {
        vector[i] = (float)(vector[i] * scale);
    }
    return ERR_OK;
}

/* ---- What is stored of a vector ---- */

static enum scan_type type_of(enum duet_datatype datatype)
{
    return datatype == DUET_UINT8     ? SCAN_UINT8
           : datatype == DUET_FLOAT16 ? SCAN_FLOAT16
                                      : SCAN_FLOAT32;
}

/* Cosine is the inner product where rows are stored at unit length; bytes are not. */
static enum scan_measure measure_of(const struct record_space_def *def)
{
    switch (def->distance) {
    case DUET_EUCLID:
        return SCAN_EUCLID;
    case DUET_MANHATTAN:
        return SCAN_MANHATTAN;
    case DUET_COSINE:
        return def->datatype == DUET_UINT8 ? SCAN_COSINE : SCAN_DOT;
    default:
        return SCAN_DOT;
    }
}

struct vector_space vector_space_of(struct txn *txn, const struct record_collection *c,
                                    size_t i)
{
    const struct record_space_def *def = &c->spaces[i];
    return (struct vector_space){
        .txn = txn,
        .collection = c->number,
        .space = def->number,
        .dim = def->dim,
        .kind = {measure_of(def), type_of(def->datatype)},
    };
}

void vector_row_read(const struct vector_space *in, const void *row, float *dst)
{
    if (in->kind.type == SCAN_FLOAT32) {
        memcpy(dst, row, in->dim * sizeof *dst);
        return;
    }
    for (size_t i = 0; i < in->dim; i++) {
        uint16_t half;
        if (in->kind.type == SCAN_UINT8) {
            dst[i] = *((const uint8_t *)row + i);
        } else {
            memcpy(&half, (const char *)row + i * sizeof half, sizeof half);
            dst[i] = half_to_float(half);
        }
    }
}

static void row_write(const struct vector_space *in, const float *vector, void *row)
{
    if (in->kind.type == SCAN_FLOAT32) {
        memcpy(row, vector, in->dim * sizeof *vector);
        return;
    }
    for (size_t i = 0; i < in->dim; i++) {
        uint16_t half = half_from_float(vector[i]);
        if (in->kind.type == SCAN_UINT8) {
            *((uint8_t *)row + i) = (uint8_t)vector[i];
        } else {
            memcpy((char *)row + i * sizeof half, &half, sizeof half);
        }
    }
}

/* Cuts fractions off where bytes are stored. */
static enum err fit_datatype(const struct record_space_def *def, float *vector)
{
    TRY(vector_check(vector, def->dim));
    for (size_t i = 0; i < def->dim; i++) {
        if (def->datatype == DUET_UINT8) {
            vector[i] = truncf(vector[i]);
            FAIL_IF(vector[i] < 0 || vector[i] > 255, ERR_INVALID,
                    "number %zu of a vector is not between 0 and 255, as the uint8 "
                    "space '%.64s' takes them",
                    i, def->name);
        }
        FAIL_IF(def->datatype == DUET_FLOAT16 && def->distance != DUET_COSINE &&
                    isinf(half_to_float(half_from_float(vector[i]))),
                ERR_INVALID,
                "number %zu of a vector is larger than the float16 space '%.64s' takes",
                i, def->name);
    }
    return ERR_OK;
}

enum err vector_prepare_query(const struct record_space_def *def, float *vector)
{
    TRY(fit_datatype(def, vector));
    return def->distance == DUET_COSINE ? vector_normalise(vector, def->dim) : ERR_OK;
}

enum err vector_prepare(const struct record_space_def *def, float *vector)
{
    if (def->distance != DUET_COSINE || def->datatype != DUET_UINT8) {
        return vector_prepare_query(def, vector);
    }
    TRY(fit_datatype(def, vector));
    for (size_t i = 0; i < def->dim; i++) {
        if (vector[i] != 0) {
            return ERR_OK;
        }
    }
    return err_set(ERR_INVALID, "a vector is all zero: it has no direction");
}

/* ---- Live bits ---- */

static enum err get_live_word(const struct vector_space *in, uint32_t chunk,
                              uint64_t *word)
{
    struct bytes block;
    TRY(get_row(in, STORE_LIVE, chunk / BLOCK_CHUNKS, RECORD_BLOCK_BYTES, &block));
    *word = block.data == NULL ? 0 : record_live_get(block.data, chunk % BLOCK_CHUNKS);
    return ERR_OK;
}

static bool is_all_zero(const uint8_t block[RECORD_BLOCK_BYTES])
{
    return block[0] == 0 && memcmp(block, block + 1, RECORD_BLOCK_BYTES - 1) == 0;
}

/* A block that is used up and dead has no row: long ranges of dead slots cost nothing,
 * neither room nor the time of a walk. */
static enum err put_live_word(const struct vector_writer *w, uint32_t chunk,
                              uint64_t word)
{
    uint32_t i = chunk / BLOCK_CHUNKS;
    uint8_t copy[RECORD_BLOCK_BYTES] = {0};
    struct bytes block;
    TRY(get_row(&w->in, STORE_LIVE, i, RECORD_BLOCK_BYTES, &block));
    if (block.data != NULL) {
        memcpy(copy, block.data, sizeof copy);
    }
    record_live_set(copy, chunk % BLOCK_CHUNKS, word);
    bool used_up = i < w->state.next_slot / RECORD_BLOCK_SLOTS;
    if (word == 0 && used_up && is_all_zero(copy)) {
        struct record_key key = chunk_key(&w->in, i);
        return store_delete(w->in.txn, STORE_LIVE, store_key(&key));
    }
    return put_row(&w->in, STORE_LIVE, i, (struct bytes){copy, sizeof copy});
}

/* ---- Writing ---- */

enum err vector_writer_open(struct vector_writer *w, struct vector_space in)
{
    memset(w, 0, sizeof *w);
    w->in = in;
    TRY(collection_space_get(in.txn, in.collection, in.space, &w->state));
    w->vectors = alloc_aligned(chunk_bytes(&in));
    return w->vectors == NULL ? ERR_NOMEM : ERR_OK;
}

/* The chunk of the next slot into memory: values in the map must not be changed. */
static enum err load_chunk(struct vector_writer *w)
{
    struct bytes vectors = {NULL, 0};
    struct bytes ids = {NULL, 0};
    w->chunk = w->state.next_slot / RECORD_CHUNK_SLOTS;
    w->live = 0;
    if (w->state.next_slot % RECORD_CHUNK_SLOTS != 0) {
        TRY(get_row(&w->in, STORE_VECTORS, w->chunk, chunk_bytes(&w->in), &vectors));
        TRY(get_row(&w->in, STORE_SLOTS, w->chunk, RECORD_SLOTS_BYTES, &ids));
        FAIL_IF(vectors.data == NULL || ids.data == NULL, ERR_CORRUPT,
                "the last chunk of vectors is missing");
        TRY(get_live_word(&w->in, w->chunk, &w->live));
    }
    if (vectors.data != NULL) {
        memcpy(w->vectors, vectors.data, vectors.n);
        memcpy(w->ids, ids.data, sizeof w->ids);
    } else {
        memset(w->vectors, 0, chunk_bytes(&w->in));
        memset(w->ids, 0, sizeof w->ids);
    }
    w->loaded = true;
    return ERR_OK;
}

static enum err delete_chunk(const struct vector_space *in, uint32_t chunk)
{
    struct record_key key = chunk_key(in, chunk);
    TRY(store_delete(in->txn, STORE_VECTORS, store_key(&key)));
    return store_delete(in->txn, STORE_SLOTS, store_key(&key));
}

/* Writes the chunk in memory; one that is used up and dead is not kept. */
static enum err flush_chunk(struct vector_writer *w)
{
    bool used_up = w->chunk < w->state.next_slot / RECORD_CHUNK_SLOTS;
    w->loaded = false;
    TRY(put_live_word(w, w->chunk, w->live));
    if (used_up && w->live == 0) {
        return delete_chunk(&w->in, w->chunk);
    }
    struct bytes vectors = {w->vectors, chunk_bytes(&w->in)};
    TRY(put_row(&w->in, STORE_VECTORS, w->chunk, vectors));
    return put_row(&w->in, STORE_SLOTS, w->chunk,
                   (struct bytes){w->ids, sizeof w->ids});
}

enum err vector_writer_add(struct vector_writer *w, struct duet_id id,
                           const float *vector, uint32_t *slot)
{
    FAIL_IF(w->state.next_slot >= LIMIT_SLOTS_MAX - 1, ERR_LIMIT,
            "the space has used all its %u slots", LIMIT_SLOTS_MAX);
    if (!w->loaded) {
        TRY(load_chunk(w));
    }
    size_t i = w->state.next_slot % RECORD_CHUNK_SLOTS;
    row_write(&w->in, vector, w->vectors + i * vector_row_bytes(&w->in));
    record_id_write(id, w->ids + i * RECORD_ID_BYTES);
    w->live |= UINT64_C(1) << i;
    *slot = w->state.next_slot++;
    w->state.n_live++;
    return i + 1 == RECORD_CHUNK_SLOTS ? flush_chunk(w) : ERR_OK;
}

static enum err drop_stored(struct vector_writer *w, uint32_t chunk, uint64_t bit)
{
    uint64_t live;
    TRY(get_live_word(&w->in, chunk, &live));
    FAIL_IF((live & bit) == 0, ERR_CORRUPT, "a point's vector is marked as dead");
    live &= ~bit;
    TRY(put_live_word(w, chunk, live));
    bool used_up = chunk < w->state.next_slot / RECORD_CHUNK_SLOTS;
    return used_up && live == 0 ? delete_chunk(&w->in, chunk) : ERR_OK;
}

enum err vector_writer_drop(struct vector_writer *w, uint32_t slot)
{
    uint32_t chunk = slot / RECORD_CHUNK_SLOTS;
    uint64_t bit = UINT64_C(1) << (slot % RECORD_CHUNK_SLOTS);
    FAIL_IF(slot >= w->state.next_slot || w->state.n_live == 0, ERR_CORRUPT,
            "a point's vector is in a slot never used");
    if (w->loaded && chunk == w->chunk) {
        FAIL_IF((w->live & bit) == 0, ERR_CORRUPT,
                "a point's vector is marked as dead");
        w->live &= ~bit;
    } else {
        TRY(drop_stored(w, chunk, bit));
    }
    w->state.n_live--;
    return ERR_OK;
}

enum err vector_writer_finish(struct vector_writer *w)
{
    if (w->loaded) {
        TRY(flush_chunk(w));
    }
    return collection_space_put(w->in.txn, w->in.collection, w->in.space, &w->state);
}

void vector_writer_release(struct vector_writer *w)
{
    alloc_free(w->vectors);
    w->vectors = NULL;
}

/* ---- Reading ---- */

enum err vector_chunk_get(struct vector_space in, uint32_t i, struct bytes *vectors)
{
    return get_row(&in, STORE_VECTORS, i, chunk_bytes(&in), vectors);
}

enum err vector_chunk_check(struct vector_space in, struct bytes vectors)
{
    FAIL_IF(vectors.n != chunk_bytes(&in), ERR_CORRUPT,
            "a row of vectors has %zu bytes, not %zu", vectors.n, chunk_bytes(&in));
    return ERR_OK;
}

enum err vector_ids_get(struct vector_space in, uint32_t i, struct bytes *ids)
{
    return get_row(&in, STORE_SLOTS, i, RECORD_SLOTS_BYTES, ids);
}

enum err vector_id_get(struct vector_space in, uint32_t slot, struct duet_id *id)
{
    struct bytes ids;
    TRY(vector_ids_get(in, slot / RECORD_CHUNK_SLOTS, &ids));
    FAIL_IF(ids.data == NULL, ERR_CORRUPT, "slot %u belongs to no point", slot);
    return record_id_read(id, (const uint8_t *)ids.data +
                                  slot % RECORD_CHUNK_SLOTS * RECORD_ID_BYTES);
}

enum err vector_get(struct vector_space in, uint32_t slot, float *dst)
{
    struct bytes vectors;
    TRY(vector_chunk_get(in, slot / RECORD_CHUNK_SLOTS, &vectors));
    FAIL_IF(vectors.data == NULL, ERR_CORRUPT, "slot %u has no vector", slot);
    size_t at = slot % RECORD_CHUNK_SLOTS * vector_row_bytes(&in);
    vector_row_read(&in, (const char *)vectors.data + at, dst);
    return ERR_OK;
}

enum err vector_live_get(struct vector_space in, uint32_t first, size_t n,
                         uint64_t *words)
{
    struct bytes block = {NULL, 0};
    uint32_t block_at = UINT32_MAX;
    for (size_t i = 0; i < n / RECORD_CHUNK_SLOTS; i++) {
        uint32_t chunk = first / RECORD_CHUNK_SLOTS + (uint32_t)i;
        if (chunk / BLOCK_CHUNKS != block_at) {
            block_at = chunk / BLOCK_CHUNKS;
            TRY(get_row(&in, STORE_LIVE, block_at, RECORD_BLOCK_BYTES, &block));
        }
        words[i] =
            block.data == NULL ? 0 : record_live_get(block.data, chunk % BLOCK_CHUNKS);
    }
    return ERR_OK;
}

/* ---- Walking ---- */

/* The row that the cursor came to. */
static enum err enter_block(struct vector_walk *walk)
{
    walk->at = 0;
    if (walk->cursor.key.data == NULL) {
        return ERR_OK;
    }
    TRY(record_key_number(walk->cursor.key, &walk->block));
    FAIL_IF(walk->cursor.value.n != RECORD_BLOCK_BYTES ||
                walk->block >= LIMIT_SLOTS_MAX / RECORD_BLOCK_SLOTS,
            ERR_CORRUPT, "a row of live bits is none");
    return ERR_OK;
}

enum err vector_walk_open(struct vector_walk *walk, struct vector_space in,
                          uint32_t from)
{
    struct record_key start = chunk_key(&in, from / BLOCK_CHUNKS);
    *walk = (struct vector_walk){.prefix = record_key_space(in.collection, in.space)};
    TRY(cursor_open(in.txn, STORE_LIVE, store_key(&walk->prefix), &walk->cursor));
    enum err result = cursor_seek(&walk->cursor, store_key(&start));
    if (result == ERR_OK) {
        result = enter_block(walk);
    }
    if (result != ERR_OK) {
        cursor_close(&walk->cursor);
    } else if (walk->cursor.key.data != NULL && walk->block == from / BLOCK_CHUNKS) {
        walk->at = from % BLOCK_CHUNKS;
    }
    return result;
}

enum err vector_walk_next(struct vector_walk *walk)
{
    walk->live = 0;
    while (walk->cursor.key.data != NULL) {
        for (; walk->at < BLOCK_CHUNKS; walk->at++) {
            walk->live = record_live_get(walk->cursor.value.data, walk->at);
            if (walk->live != 0) {
                walk->chunk = walk->block * BLOCK_CHUNKS + walk->at++;
                return ERR_OK;
            }
        }
        TRY(cursor_next(&walk->cursor));
        TRY(enter_block(walk));
    }
    return ERR_OK;
}

void vector_walk_close(struct vector_walk *walk)
{
    cursor_close(&walk->cursor);
}
