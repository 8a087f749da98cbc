/*
 * learn_questions.c - see learn_questions.h.
 */
#include "db/learn_questions.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "db/asked.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/encode.h"
#include "db/phrases.h"
#include "db/vectors.h"

enum { LINE_MIN = 3, TRIES = 16 /* places to look at for one vector, on average */ };

void questions_release(struct questions *q)
{
    alloc_free(q->vectors);
    alloc_free(q->own);
    q->vectors = NULL;
    q->own = NULL;
}

/* A step of splitmix64. */
static uint64_t next_random(struct questions *q)
{
    uint64_t z = (q->random += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Keeps the vector at the end of the list, if it can be searched with. */
static void keep(struct questions *q, const struct learn_range *range, uint32_t own,
                 enum ann_lesson lesson)
{
    float *vector = q->vectors + q->n * q->dim;
    const struct record_space_def *def = &range->collection->spaces[range->place];
    if (vector_prepare_query(def, vector) == ERR_OK) {
        q->own[q->n++] = own;
        q->lessons |= (uint32_t)lesson;
    }
}

/* ---- Vectors of a space ---- */

/* The i-th bit that is set, counted from 0. */
static unsigned bit_at(uint64_t word, unsigned i)
{
    for (; i > 0; i--) {
        word &= word - 1;
    }
    return (unsigned)__builtin_ctzll(word);
}

/* One vector that lives of the chunk, at random; none where all have died. */
static enum err take_of_chunk(struct questions *q, const struct learn_range *range,
                              struct vector_space in, uint32_t chunk,
                              enum ann_lesson lesson)
{
    uint64_t live;
    uint32_t first = chunk * RECORD_CHUNK_SLOTS;
    TRY(vector_live_get(in, first, RECORD_CHUNK_SLOTS, &live));
    if (live == 0) {
        return ERR_OK;
    }
    unsigned n_live = (unsigned)__builtin_popcountll(live);
    uint32_t slot = first + bit_at(live, (unsigned)(next_random(q) % n_live));
    TRY(vector_get(in, slot, q->vectors + q->n * q->dim));
    bool is_own = lesson == ANN_OWN_VECTORS;
    keep(q, range, is_own ? slot : QUESTION_OF_NOBODY, lesson);
    return ERR_OK;
}

/* Vectors of the segment, until there are `n` questions. */
static enum err take_own(struct questions *q, const struct learn_range *range, size_t n)
{
    struct txn txn;
    TRY(store_read(range->db->store, &txn));
    struct vector_space in = vector_space_of(&txn, range->collection, range->place);
    enum err result = ERR_OK;
    for (size_t i = 0; i < n * TRIES && q->n < n && result == ERR_OK; i++) {
        uint32_t chunk = range->chunks[next_random(q) % range->n_chunks];
        result = take_of_chunk(q, range, in, chunk, ANN_OWN_VECTORS);
    }
    store_end(&txn);
    return result;
}

/* Vectors of the other space of a cross-modal collection; chunks are looked up at
 * random, so those of the long dead are missed. */
static enum err take_other(struct questions *q, const struct learn_range *range,
                           size_t n)
{
    struct txn txn;
    struct record_space state;
    size_t other = range->place == DB_IMAGE ? DB_TEXT : DB_IMAGE;
    const struct record_space_def *def = &range->collection->spaces[other];
    if (def->dim != q->dim) {
        return ERR_OK;
    }
    TRY(store_read(range->db->store, &txn));
    struct vector_space in = vector_space_of(&txn, range->collection, other);
    enum err result =
        collection_space_get(&txn, range->collection->number, def->number, &state);
    uint32_t n_chunks = (state.next_slot + RECORD_CHUNK_SLOTS - 1) / RECORD_CHUNK_SLOTS;
    for (size_t i = 0; i < n * TRIES && q->n < n && n_chunks > 0 && result == ERR_OK;
         i++) {
        uint32_t chunk = (uint32_t)(next_random(q) % n_chunks);
        result = take_of_chunk(q, range, in, chunk, ANN_OTHER_SPACE);
    }
    store_end(&txn);
    return result;
}

/* ---- What was asked ---- */

static void take_asked(struct questions *q, const struct learn_range *range,
                       enum ann_side side, size_t n)
{
    struct asked_key key = {range->collection->number,
                            range->collection->spaces[range->place].number,
                            side == ANN_CROSS_SIDE};
    float *vectors = q->vectors + q->n * q->dim;
    size_t n_asked = asked_copy(segment_cache_asked(range->db->segments), key, q->dim,
                                vectors, n - q->n);
    for (size_t i = 0; i < n_asked; i++) {
        memmove(q->vectors + q->n * q->dim, vectors + i * q->dim,
                q->dim * sizeof *vectors);
        keep(q, range, QUESTION_OF_NOBODY, ANN_ASKED);
    }
}

/* ---- Phrases ---- */

/* The line at a random place of the list; n 0 where it is a comment, or too short. */
static struct bytes line_at_random(struct questions *q, const struct buf *list)
{
    const char *end = list->data + list->size;
    const char *at = list->data + next_random(q) % list->size;
    const char *begin = memchr(at, '\n', (size_t)(end - at));
    begin = begin == NULL ? list->data : begin + 1;
    const char *stop = memchr(begin, '\n', (size_t)(end - begin));
    stop = stop == NULL ? end : stop;
    bool is_phrase = stop - begin >= LINE_MIN && begin[0] != '#';
    return (struct bytes){begin, is_phrase ? (size_t)(stop - begin) : 0};
}

static void encode_phrases(struct questions *q, const struct learn_range *range,
                           const struct buf *list, size_t n)
{
    struct encode_how how = {.patient = true};
    for (size_t i = 0; i < n * TRIES && q->n < n && list->size > 0; i++) {
        struct bytes line = line_at_random(q, list);
        struct duet_input input = {
            .kind = DUET_INPUT_TEXT, .bytes = line.data, .n = line.n};
        if (line.n > 0 && encode_input(range->db, &input, &how,
                                       q->vectors + q->n * q->dim) == ERR_OK) {
            keep(q, range, QUESTION_OF_NOBODY, ANN_PHRASES);
        }
    }
}

/* Whether the model that made the collection is open already; it is not opened for
 * this. */
static bool model_is_open(const struct learn_range *range, size_t dim)
{
    struct duet *db = range->db;
    pthread_mutex_lock(&db->model_mutex);
    bool is_open =
        db->model != NULL && db->pool != NULL && enc_info(db->model)->dim == dim &&
        strcmp(enc_info(db->model)->space, range->collection->model_space) == 0;
    pthread_mutex_unlock(&db->model_mutex);
    return is_open;
}

/* Nothing of it is necessary: what fails is done without. */
static void take_phrases(struct questions *q, const struct learn_range *range, size_t n)
{
    struct buf path;
    struct buf list;
    if (!model_is_open(range, q->dim)) {
        return;
    }
    buf_init(&path, PATH_MAX);
    buf_init(&list, LIMIT_PHRASES_BYTES);
    enum err result = phrases_find("en", &path);
    if (result == ERR_OK) {
        result = file_read(path.data, &list);
    }
    if (result == ERR_OK) {
        encode_phrases(q, range, &list, n);
    } else {
        log_write(LOG_DEBUG, "learning without phrases: %s", err_detail());
    }
    buf_release(&list);
    buf_release(&path);
}

/* ---- Which ---- */

static enum err gather_across(struct questions *q, const struct learn_range *range,
                              size_t n)
{
    bool cross_modal = collection_is_cross_modal(range->collection);
    take_asked(q, range, ANN_CROSS_SIDE, cross_modal ? n / 2 : n);
    if (cross_modal) {
        TRY(take_other(q, range, n));
    }
    if (cross_modal && q->n < LEARN_QUESTIONS_MIN && range->place == DB_IMAGE) {
        take_phrases(q, range, n);
    }
    if (q->n < LEARN_QUESTIONS_MIN) {
        q->n = 0;
        TRY(take_own(q, range, n));
        q->lessons = ANN_OWN_VECTORS | ANN_SAFETY_FACTOR;
    }
    return ERR_OK;
}

static enum err gather(struct questions *q, const struct learn_range *range,
                       enum ann_side side, size_t n)
{
    if (side == ANN_CROSS_SIDE) {
        return gather_across(q, range, n);
    }
    take_asked(q, range, side, n / 2);
    return take_own(q, range, n);
}

enum err questions_gather(struct questions *q, const struct learn_range *range,
                          enum ann_side side, size_t n)
{
    *q = (struct questions){.random = range->first + 1};
    q->dim = range->collection->spaces[range->place].dim;
    /* One more: encoders write a vector that may not be kept. */
    q->vectors = alloc_array((n + 1) * q->dim, sizeof *q->vectors);
    q->own = alloc_array(n + 1, sizeof *q->own);
    enum err result = q->vectors == NULL || q->own == NULL ? ERR_NOMEM : ERR_OK;
    if (result == ERR_OK && range->n_chunks > 0) {
        result = gather(q, range, side, n);
    }
    q->n = q->n < LEARN_QUESTIONS_MIN ? 0 : q->n;
    if (result != ERR_OK) {
        questions_release(q);
    }
    return result;
}
