/*
 * gauge.c - see gauge.h, and duet_recall.
 *
 * One mutex is over everything but the check itself, which works on a copy. Askers only
 * try it: a question that would have to wait is not taken.
 */
#include "db/gauge.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/nearest.h"
#include "db/rank.h"
#include "db/vectors.h"

enum { START_AFTER = 32, SCAN_BYTES = 256 << 20 };

/* The question that is to be checked. */
struct job {
    struct asked_key key;
    float *vector; /* [dim], owned */
    size_t dim, k;
};

struct gauge {
    struct duet *db;
    atomic_bool ready; /* for a question; read without the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t thread;
    bool started, stop;
    unsigned rest;
    unsigned n_offered; /* before the thread is started */
    struct job job;     /* vector NULL: none */
    bool busy;          /* a check is under way, or its question taken */
    struct gauge_reading readings[GAUGE_READINGS_MAX];
    size_t n_readings;
    uint64_t random; /* the thread's own */
};

/* ---- One check ---- */

/* The collection of that number; *found false where it is gone. */
static enum err find_collection(struct txn *txn, uint32_t number,
                                struct record_collection *c, bool *found)
{
    struct cursor cursor;
    *found = false;
    TRY(cursor_open(txn, STORE_COLLECTIONS, (struct bytes){"", 0}, &cursor));
    enum err result = ERR_OK;
    while (cursor.key.data != NULL && !*found) {
        TRY_OUT(record_collection_read(c, cursor.value));
        *found = c->number == number;
        TRY_OUT(cursor_next(&cursor));
    }
out:
    cursor_close(&cursor);
    return result;
}

/* The place of the space of that number; n_spaces where it is gone. */
static size_t find_space(const struct record_collection *c, uint16_t number)
{
    size_t i = 0;
    while (i < c->n_spaces && c->spaces[i].number != number) {
        i++;
    }
    return i;
}

struct stretch {
    uint32_t first, end;
    double share; /* of all slots there are */
};

/* At random so many whole chunks as may be scanned; all where they are no more. */
static struct stretch choose_stretch(struct gauge *g, const struct vector_space *in,
                                     const struct record_space *state)
{
    uint32_t begin = state->n_segments > 0 ? state->segments[0].first : 0;
    uint32_t n_chunks =
        (state->next_slot - begin + RECORD_CHUNK_SLOTS - 1) / RECORD_CHUNK_SLOTS;
    size_t n_max = SCAN_BYTES / (RECORD_CHUNK_SLOTS * vector_row_bytes(in)) + 1;
    if (n_chunks <= n_max) {
        return (struct stretch){begin, state->next_slot, 1};
    }
    g->random = g->random * 6364136223846793005u + 1442695040888963407u;
    uint32_t n_places = n_chunks - (uint32_t)n_max + 1;
    uint32_t at = (uint32_t)((g->random >> 33) % n_places);
    uint32_t first = begin + at * RECORD_CHUNK_SLOTS;
    return (struct stretch){first, first + (uint32_t)n_max * RECORD_CHUNK_SLOTS,
                            (double)n_max / n_chunks};
}

static bool is_in(const struct rank *rank, struct duet_id id)
{
    size_t i = 0;
    while (i < rank->n && duet_id_compare(rank->hits[i].id, id) != 0) {
        i++;
    }
    return i < rank->n;
}

/* How many of `truth` are nearer than the last that the index found, and not there. */
static size_t count_missed(const struct rank *found, const struct rank *truth)
{
    size_t n = 0;
    float bar = found->n == found->k ? found->hits[found->n - 1].score : -INFINITY;
    for (size_t i = 0; i < truth->n; i++) {
        n += truth->hits[i].score > bar && !is_in(found, truth->hits[i].id) ? 1 : 0;
    }
    return n;
}

/* Both answers, and the comparison. */
static enum err compare(struct gauge *g, struct nearest *n, size_t k,
                        struct gauge_reading *reading)
{
    struct rank found = {.hits = NULL};
    struct rank truth = {.hits = NULL};
    struct record_space state;
    enum err result;
    TRY_OUT(rank_init(&found, k));
    TRY_OUT(rank_init(&truth, k));
    TRY_OUT(collection_space_get(n->in.txn, n->in.collection, n->in.space, &state));
    n->rank = &found;
    TRY_OUT(nearest_search(n));
    rank_sort(&found);
    struct stretch stretch = choose_stretch(g, &n->in, &state);
    n->rank = &truth;
    TRY_OUT(nearest_scan(n, stretch.first, stretch.end));
    reading->n_true = (double)found.n;
    reading->n_found =
        reading->n_true - (double)count_missed(&found, &truth) / stretch.share;
out:
    n->rank = NULL;
    rank_release(&found);
    rank_release(&truth);
    return result;
}

/* reading->n_true stays 0 where there is nothing to be checked any more. */
static enum err check_in(struct gauge *g, struct txn *txn, const struct job *job,
                         struct gauge_reading *reading)
{
    struct record_collection c;
    struct nearest_work work = {0};
    bool found;
    TRY(find_collection(txn, job->key.collection, &c, &found));
    size_t place = found ? find_space(&c, job->key.space) : 0;
    if (!found || place == c.n_spaces || c.spaces[place].dim != job->dim) {
        return ERR_OK;
    }
    struct nearest n = {
        .in = vector_space_of(txn, &c, place),
        .place = place,
        .segments = g->db->segments,
        .query = job->vector,
        .cross_modal = job->key.cross_modal,
        .is_check = true,
        .work = &work,
    };
    return compare(g, &n, job->k, reading);
}

static void check(struct gauge *g, const struct job *job, struct gauge_reading *reading)
{
    struct txn txn;
    *reading = (struct gauge_reading){.key = job->key, .n_checks = 1};
    enum err result = store_read(g->db->store, &txn);
    if (result == ERR_OK) {
        result = check_in(g, &txn, job, reading);
        store_end(&txn);
    }
    if (result != ERR_OK) {
        reading->n_true = 0;
        log_write(LOG_DEBUG, "recall gauge: %s", err_detail());
    }
}

/* ---- The thread ---- */

/* With the mutex held. */
static void add_reading(struct gauge *g, const struct gauge_reading *r)
{
    size_t i = 0;
    if (r->n_true == 0) {
        return;
    }
    while (i < g->n_readings && !asked_key_equal(g->readings[i].key, r->key)) {
        i++;
    }
    if (i == GAUGE_READINGS_MAX) {
        return;
    }
    if (i == g->n_readings) {
        g->readings[g->n_readings++] = (struct gauge_reading){.key = r->key};
    }
    g->readings[i].n_checks++;
    g->readings[i].n_true += r->n_true;
    g->readings[i].n_found += r->n_found;
}

/* With the mutex held: for `ns`, or until the end. */
static void rest(struct gauge *g, uint64_t ns)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    ns += (uint64_t)until.tv_nsec;
    until.tv_sec += (time_t)(ns / 1000000000u);
    until.tv_nsec = (long)(ns % 1000000000u);
    int rc = 0;
    while (!g->stop && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&g->changed, &g->mutex, &until);
    }
}

/* With the mutex held on entry and return. */
static void check_job(struct gauge *g)
{
    struct job job = g->job;
    struct gauge_reading reading;
    g->job.vector = NULL;
    g->busy = true;
    pthread_mutex_unlock(&g->mutex);
    uint64_t start = clock_monotonic_ns();
    check(g, &job, &reading);
    uint64_t took = clock_monotonic_ns() - start;
    alloc_free(job.vector);
    pthread_mutex_lock(&g->mutex);
    add_reading(g, &reading);
    g->busy = false;
    pthread_cond_broadcast(&g->changed);
    if (g->rest > 0) {
        rest(g, took * g->rest);
    }
    atomic_store(&g->ready, true);
}

static void *run(void *arg)
{
    struct gauge *g = arg;
    pthread_mutex_lock(&g->mutex);
    while (!g->stop) {
        if (g->job.vector != NULL) {
            check_job(g);
        } else {
            pthread_cond_wait(&g->changed, &g->mutex);
        }
    }
    pthread_mutex_unlock(&g->mutex);
    return NULL;
}

/* ---- Life ---- */

enum err gauge_open(struct gauge **out, struct duet *db)
{
    *out = alloc_zero(1, sizeof **out);
    if (*out == NULL) {
        return ERR_NOMEM;
    }
    (*out)->db = db;
    (*out)->rest = GAUGE_REST;
    (*out)->random = clock_monotonic_ns();
    atomic_init(&(*out)->ready, true);
    pthread_mutex_init(&(*out)->mutex, NULL);
    pthread_cond_init(&(*out)->changed, NULL);
    return ERR_OK;
}

void gauge_close(struct gauge *g)
{
    if (g == NULL) {
        return;
    }
    pthread_mutex_lock(&g->mutex);
    g->stop = true;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->mutex);
    if (g->started) {
        pthread_join(g->thread, NULL);
    }
    alloc_free(g->job.vector);
    pthread_cond_destroy(&g->changed);
    pthread_mutex_destroy(&g->mutex);
    alloc_free(g);
}

void gauge_set_rest(struct gauge *g, unsigned rest)
{
    pthread_mutex_lock(&g->mutex);
    g->rest = rest;
    pthread_mutex_unlock(&g->mutex);
}

void gauge_wait(struct gauge *g)
{
    pthread_mutex_lock(&g->mutex);
    while (g->busy || g->job.vector != NULL) {
        pthread_cond_wait(&g->changed, &g->mutex);
    }
    pthread_mutex_unlock(&g->mutex);
}

/* With the mutex held; whether there is a thread to take questions. */
static bool start(struct gauge *g)
{
    if (!g->started && (g->rest == 0 || ++g->n_offered >= START_AFTER)) {
        g->started = pthread_create(&g->thread, NULL, run, g) == 0;
    }
    return g->started;
}

/* With the mutex held. */
static void take(struct gauge *g, struct asked_key key, const struct gauge_question *q)
{
    float *vector = alloc_array(q->dim, sizeof *vector);
    if (vector == NULL) {
        return;
    }
    memcpy(vector, q->vector, q->dim * sizeof *vector);
    g->job = (struct job){key, vector, q->dim, q->k < GAUGE_K_MAX ? q->k : GAUGE_K_MAX};
    atomic_store(&g->ready, false);
    pthread_cond_broadcast(&g->changed);
}

void gauge_offer(struct gauge *g, struct asked_key key, const struct gauge_question *q)
{
    if (g == NULL || !atomic_load(&g->ready) || pthread_mutex_trylock(&g->mutex) != 0) {
        return;
    }
    if (!g->stop && g->job.vector == NULL && !g->busy && start(g)) {
        take(g, key, q);
    }
    pthread_mutex_unlock(&g->mutex);
}

size_t gauge_read(struct gauge *g, struct gauge_reading *out, size_t n_max)
{
    pthread_mutex_lock(&g->mutex);
    size_t n = g->n_readings < n_max ? g->n_readings : n_max;
    memcpy(out, g->readings, n * sizeof *out);
    pthread_mutex_unlock(&g->mutex);
    return n;
}
