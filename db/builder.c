/*
 * builder.c - see builder.h.
 */
#include "db/builder.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/vectors.h"
#include "index/bitmap.h"

enum {
    GRACE_MS = 60000,   /* a reader that saw an old manifest opens its files by then */
    SEGMENTS_MANY = 32, /* sizes that never carry; then all are built into one */
    RETIRED_MAX = 256   /* files waiting for their deletion; more wait unlisted */
};

/* A segment file that no manifest names any more. */
struct retired {
    struct segment_key key;
    uint64_t since_ns;
};

struct builder {
    struct duet *db;
    pthread_t thread;
    pthread_mutex_t mutex; /* over the five below */
    pthread_cond_t changed;
    bool work; /* something was written since the last pass began */
    bool busy; /* a pass is under way */
    bool stop;
    enum err result; /* of the last pass */
    char detail[ERR_DETAIL_MAX];

    struct retired retired[RETIRED_MAX]; /* the thread's own */
    size_t n_retired;
    bool first_pass; /* what a former process left needs no grace */
};

/* One space, and what is to be built of it: slots [first, first + n_slots), in place of
 * the segments numbered [from, to). */
struct plan {
    struct record_collection collection;
    size_t space;
    struct record_space state;
    size_t from, to;
    uint32_t first;
    uint32_t n_slots;
    uint32_t n_rows; /* vectors that live in it */
};

static struct segment_key key_of(const struct plan *plan, uint64_t generation)
{
    return (struct segment_key){plan->collection.number, plan->space, generation};
}

/* ---- Planning ---- */

static enum err count_live(const struct plan *plan, struct txn *txn, uint32_t first,
                           uint32_t n_slots, uint32_t *n_live)
{
    struct vector_space in = {txn, plan->collection.number, plan->space,
                              plan->collection.spaces[plan->space].dim};
    uint64_t words[RECORD_BLOCK_SLOTS / 64];
    *n_live = 0;
    for (uint32_t at = 0; at < n_slots; at += RECORD_BLOCK_SLOTS) {
        uint32_t n =
            n_slots - at < RECORD_BLOCK_SLOTS ? n_slots - at : RECORD_BLOCK_SLOTS;
        TRY(vector_live_get(in, first + at, n, words));
        *n_live += (uint32_t)bitmap_count(words, n);
    }
    return ERR_OK;
}

/* Loads the segment, so that a broken file is found also where nobody searches. */
static enum err try_segment(struct duet *db, const struct plan *plan,
                            const struct record_segment *s)
{
    struct segment *segment;
    TRY(segment_acquire(db->segments, key_of(plan, s->generation),
                        plan->collection.spaces[plan->space].dim, s->n_slots,
                        &segment));
    if (segment != NULL) {
        segment_release(db->segments, segment);
    }
    return ERR_OK;
}

/* A segment whose file is broken is built anew over the same slots. */
static enum err plan_repair(struct builder *builder, struct txn *txn, struct plan *plan,
                            bool *due)
{
    struct duet *db = builder->db;
    for (size_t i = 0; i < plan->state.n_segments && !*due; i++) {
        const struct record_segment *s = &plan->state.segments[i];
        if (builder->first_pass) {
            TRY(try_segment(db, plan, s));
        }
        if (!segment_is_broken(db->segments, key_of(plan, s->generation))) {
            continue;
        }
        plan->from = i;
        plan->to = i + 1;
        plan->first = s->first;
        plan->n_slots = s->n_slots;
        TRY(count_live(plan, txn, s->first, s->n_slots, &plan->n_rows));
        *due = true;
    }
    return ERR_OK;
}

/* The whole chunks behind the last segment, and segments before them no larger. */
static enum err plan_seal(struct duet *db, struct txn *txn, struct plan *plan,
                          bool *due)
{
    const struct record_space *state = &plan->state;
    const struct record_segment *last =
        state->n_segments == 0 ? NULL : &state->segments[state->n_segments - 1];
    uint32_t end = state->next_slot / RECORD_CHUNK_SLOTS * RECORD_CHUNK_SLOTS;
    plan->first = last == NULL ? 0 : last->first + last->n_slots;
    plan->from = plan->to = state->n_segments;
    plan->n_slots = end - plan->first;
    if (plan->n_slots < db->seal_at) {
        return ERR_OK;
    }
    TRY(count_live(plan, txn, plan->first, plan->n_slots, &plan->n_rows));
    if (plan->n_rows < db->seal_at) {
        return ERR_OK;
    }
    bool many = state->n_segments >= SEGMENTS_MANY;
    while (plan->from > 0 &&
           (many || state->segments[plan->from - 1].n_slots <= plan->n_slots)) {
        plan->from--;
        plan->first = state->segments[plan->from].first;
        plan->n_slots = end - plan->first;
    }
    TRY(count_live(plan, txn, plan->first, plan->n_slots, &plan->n_rows));
    *due = true;
    return ERR_OK;
}

/* Looks at the spaces of all collections; the first with something due is `plan`. */
static enum err find_plan(struct builder *builder, struct txn *txn, struct plan *plan,
                          bool *due)
{
    struct cursor cursor;
    TRY(cursor_open(txn, STORE_COLLECTIONS, (struct bytes){"", 0}, &cursor));
    enum err result = ERR_OK;
    while (cursor.key.data != NULL && !*due) {
        TRY_OUT(record_collection_read(&plan->collection, cursor.value));
        for (size_t i = 0; i < plan->collection.n_spaces && !*due; i++) {
            plan->space = i;
            TRY_OUT(
                collection_space_get(txn, plan->collection.number, i, &plan->state));
            TRY_OUT(plan_repair(builder, txn, plan, due));
            if (!*due) {
                TRY_OUT(plan_seal(builder->db, txn, plan, due));
            }
        }
        TRY_OUT(cursor_next(&cursor));
    }
out:
    cursor_close(&cursor);
    return result;
}

/* ---- Building ---- */

struct source {
    struct builder *builder;
    const struct plan *plan;
};

/* An ann_read_fn. Dead slots are zero: the live bits hide them from every search. */
static enum err read_vectors(void *arg, size_t first, size_t n, float *dst)
{
    const struct source *source = arg;
    const struct plan *plan = source->plan;
    struct txn txn;
    TRY(store_read(source->builder->db->store, &txn));
    struct vector_space in = {&txn, plan->collection.number, plan->space,
                              plan->collection.spaces[plan->space].dim};
    enum err result = ERR_OK;
    size_t row = in.dim * sizeof(float);
    size_t at = plan->first + first;
    size_t end = at + n;
    while (at < end && result == ERR_OK) {
        struct bytes chunk;
        size_t in_chunk = at % RECORD_CHUNK_SLOTS;
        size_t n_here = RECORD_CHUNK_SLOTS - in_chunk;
        n_here = n_here < end - at ? n_here : end - at;
        result = vector_chunk_get(in, (uint32_t)(at / RECORD_CHUNK_SLOTS), &chunk);
        if (result == ERR_OK && chunk.data != NULL) {
            memcpy(dst, (const char *)chunk.data + in_chunk * row, n_here * row);
        } else {
            memset(dst, 0, n_here * row);
        }
        dst += n_here * in.dim;
        at += n_here;
    }
    store_end(&txn);
    return result;
}

struct manifest_switch {
    const struct plan *plan;
    uint64_t generation;
    bool switched;
};

/* Whether the manifest still has the segments that the plan replaces. Only this thread
 * changes it, but the collection may have been dropped meanwhile. */
static bool still_fits(const struct record_space *now, const struct plan *plan)
{
    if (now->n_segments != plan->state.n_segments) {
        return false;
    }
    for (size_t i = 0; i < now->n_segments; i++) {
        if (now->segments[i].generation != plan->state.segments[i].generation) {
            return false;
        }
    }
    return now->next_slot >= plan->first + plan->n_slots;
}

static enum err switch_body(struct txn *txn, void *arg)
{
    struct manifest_switch *sw = arg;
    const struct plan *plan = sw->plan;
    struct record_space s;
    sw->switched = false;
    TRY(collection_space_get(txn, plan->collection.number, plan->space, &s));
    if (!still_fits(&s, plan)) {
        return ERR_OK;
    }
    memmove(&s.segments[plan->from + 1], &s.segments[plan->to],
            (s.n_segments - plan->to) * sizeof s.segments[0]);
    s.segments[plan->from] = (struct record_segment){plan->first, plan->n_slots,
                                                     plan->n_rows, sw->generation};
    s.n_segments = s.n_segments - (plan->to - plan->from) + 1;
    s.next_generation = sw->generation + 1;
    sw->switched = true;
    return collection_space_put(txn, plan->collection.number, plan->space, &s);
}

static enum err build_file(struct builder *builder, const struct plan *plan,
                           uint64_t generation)
{
    struct duet *db = builder->db;
    char path[PATH_MAX];
    struct ann *ann;
    struct source source = {builder, plan};
    struct ann_build_options options = {
        .dim = plan->collection.spaces[plan->space].dim,
        .generation = generation,
        .n_threads = db->n_threads,
    };
    TRY(segment_path(db->segments, key_of(plan, generation), path));
    TRY(ann_build(&ann, &options, plan->n_slots, read_vectors, &source));
    enum err result = ann_save(ann, path);
    ann_close(ann);
    return result;
}

static enum err build(struct builder *builder, const struct plan *plan)
{
    struct duet *db = builder->db;
    /* The generation of a file that a crash left is used again, its file replaced. */
    struct manifest_switch sw = {plan, plan->state.next_generation, false};
    TRY(build_file(builder, plan, sw.generation));
    TRY(store_update(db->store, switch_body, &sw));
    for (size_t i = plan->from; i < plan->to && sw.switched; i++) {
        segment_forget(db->segments, key_of(plan, plan->state.segments[i].generation));
    }
    return ERR_OK;
}

/* Builds what is due, one segment after another. */
static enum err build_all(struct builder *builder)
{
    struct plan *plan = alloc_zero(1, sizeof *plan);
    if (plan == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ERR_OK;
    bool due = true;
    while (due && result == ERR_OK) {
        struct txn txn;
        due = false;
        TRY_OUT(store_read(builder->db->store, &txn));
        result = find_plan(builder, &txn, plan, &due);
        store_end(&txn);
        if (result == ERR_OK && due) {
            result = build(builder, plan);
        }
    }
out:
    alloc_free(plan);
    return result;
}

/* ---- Deleting files ---- */

static enum err is_named(struct duet *db, struct segment_key key, bool *named)
{
    struct txn txn;
    struct record_space state;
    *named = false;
    TRY(store_read(db->store, &txn));
    enum err result = collection_space_get(&txn, key.collection, key.space, &state);
    store_end(&txn);
    TRY(result);
    for (size_t i = 0; i < state.n_segments; i++) {
        *named = *named || state.segments[i].generation == key.generation;
    }
    return ERR_OK;
}

/* Whether the grace time of an unnamed file is over; it begins when it is first seen.
 */
static bool grace_is_over(struct builder *builder, struct segment_key key)
{
    uint64_t now = clock_monotonic_ns();
    for (size_t i = 0; i < builder->n_retired; i++) {
        struct retired *r = &builder->retired[i];
        if (memcmp(&r->key, &key, sizeof key) == 0) {
            return now - r->since_ns >= GRACE_MS * UINT64_C(1000000);
        }
    }
    if (builder->n_retired < RETIRED_MAX) {
        struct retired *r = &builder->retired[builder->n_retired++];
        memcpy(&r->key, &key, sizeof key);
        r->since_ns = now;
    }
    return builder->first_pass;
}

static void unretire(struct builder *builder, struct segment_key key)
{
    for (size_t i = 0; i < builder->n_retired; i++) {
        if (memcmp(&builder->retired[i].key, &key, sizeof key) == 0) {
            builder->retired[i] = builder->retired[--builder->n_retired];
            return;
        }
    }
}

/* A segment_visit. */
static void sweep_file(void *arg, struct segment_key key, const char *path)
{
    struct builder *builder = arg;
    bool named = false;
    bool temporary = key.collection == 0;
    if (!temporary && (is_named(builder->db, key, &named) != ERR_OK || named)) {
        return;
    }
    if (!temporary && !grace_is_over(builder, key)) {
        return;
    }
    if (unlink(path) != 0 && errno != ENOENT) {
        log_warn("%s: %s", path, strerror(errno));
    }
    segment_forget(builder->db->segments, key);
    unretire(builder, key);
}

/* ---- The thread ---- */

static enum err pass(struct builder *builder)
{
    struct duet *db = builder->db;
    TRY(collection_reclaim(db->store));
    TRY(build_all(builder));
    TRY(store_drop_dead_readers(db->store));
    TRY(segment_files_walk(db->segments, sweep_file, builder));
    builder->first_pass = false;
    return ERR_OK;
}

/* With the mutex held; until there is work or, while files wait for their deletion or
 * readers may have died, a grace time has passed. */
static void wait_for_work(struct builder *builder)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += GRACE_MS / 1000;
    int rc = 0;
    while (!builder->work && !builder->stop && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&builder->changed, &builder->mutex, &until);
    }
}

static void *run(void *arg)
{
    struct builder *builder = arg;
    pthread_mutex_lock(&builder->mutex);
    while (builder->work || !builder->stop) {
        builder->work = false;
        builder->busy = true;
        pthread_mutex_unlock(&builder->mutex);
        enum err result = pass(builder);
        if (result != ERR_OK) {
            log_warn("segments: %s", err_detail());
        }
        pthread_mutex_lock(&builder->mutex);
        builder->result = result;
        memcpy(builder->detail, err_detail(), sizeof builder->detail);
        builder->busy = false;
        pthread_cond_broadcast(&builder->changed);
        wait_for_work(builder);
    }
    pthread_mutex_unlock(&builder->mutex);
    return NULL;
}

enum err builder_start(struct builder **out, struct duet *db)
{
    *out = NULL;
    struct builder *builder = alloc_zero(1, sizeof *builder);
    if (builder == NULL) {
        return ERR_NOMEM;
    }
    builder->db = db;
    builder->work = true;
    builder->first_pass = true;
    pthread_mutex_init(&builder->mutex, NULL);
    pthread_cond_init(&builder->changed, NULL);
    int rc = pthread_create(&builder->thread, NULL, run, builder);
    if (rc != 0) {
        pthread_cond_destroy(&builder->changed);
        pthread_mutex_destroy(&builder->mutex);
        alloc_free(builder);
        return err_errno(rc, "cannot start a thread");
    }
    *out = builder;
    return ERR_OK;
}

void builder_wake(struct builder *builder)
{
    if (builder == NULL) {
        return;
    }
    pthread_mutex_lock(&builder->mutex);
    builder->work = true;
    pthread_cond_broadcast(&builder->changed);
    pthread_mutex_unlock(&builder->mutex);
}

enum err builder_wait(struct builder *builder)
{
    pthread_mutex_lock(&builder->mutex);
    builder->work = true;
    pthread_cond_broadcast(&builder->changed);
    while (builder->work || builder->busy) {
        pthread_cond_wait(&builder->changed, &builder->mutex);
    }
    enum err result = builder->result;
    if (result != ERR_OK) {
        err_set(result, "%s", builder->detail);
    }
    pthread_mutex_unlock(&builder->mutex);
    return result;
}

void builder_stop(struct builder *builder)
{
    if (builder == NULL) {
        return;
    }
    pthread_mutex_lock(&builder->mutex);
    builder->stop = true;
    pthread_cond_broadcast(&builder->changed);
    pthread_mutex_unlock(&builder->mutex);
    pthread_join(builder->thread, NULL);
    pthread_cond_destroy(&builder->changed);
    pthread_mutex_destroy(&builder->mutex);
    alloc_free(builder);
}
