/*
 * commit.c - see commit.h.
 *
 * The queue is a list of writes, each on the stack of the thread that waits for it. Only
 * the leader takes writes off it, and only from its head, so it may follow the links of
 * its group without the lock once it has read them under it.
 */
#include "db/commit.h"

#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "db/store_parts.h"

struct commit_write {
    store_body *body;
    void *arg;
    enum err result;
    bool done; /* under the lock: `result` is final */
    char detail[ERR_DETAIL_MAX];
    pthread_cond_t turned; /* done, or first in the queue */
    struct commit_write *next;
};

void commits_init(struct commits *commits)
{
    *commits = (struct commits){.gather_ns = LIMIT_COMMIT_MS * UINT64_C(1000000)};
    pthread_mutex_init(&commits->mutex, NULL);
}

void commits_release(struct commits *commits)
{
    pthread_mutex_destroy(&commits->mutex);
}

size_t commits_waiting(const struct commits *commits)
{
    size_t n = 0;
    for (const struct commit_write *w = commits->first; w != NULL; w = w->next) {
        n++;
    }
    return n;
}

/* Keeps the thread's detail with the write whose it is. */
static void set_result(struct commit_write *w, enum err result)
{
    w->result = result;
    if (result != ERR_OK) {
        memcpy(w->detail, err_detail(), sizeof w->detail);
    }
}

/* ---- A group ---- */

struct group {
    struct commits *commits;
    struct store *store;
    struct commit_write *first, *last;
    size_t n;
    uint64_t end_ns; /* past it no more are taken */
    struct txn txn;
    size_t map_bytes;
};

/* The write behind the last of the group; NULL: none, or the group is full. */
static struct commit_write *next_write(struct group *g)
{
    if (g->n == LIMIT_COMMIT_WRITES || g->txn.n_bytes >= LIMIT_COMMIT_BYTES ||
        clock_monotonic_ns() >= g->end_ns) {
        return NULL;
    }
    pthread_mutex_lock(&g->commits->mutex);
    struct commit_write *next = g->last->next;
    pthread_mutex_unlock(&g->commits->mutex);
    return next;
}

/* Runs the body within the group. False: it has to lead a group itself. */
static bool run_nested(struct group *g, struct commit_write *w)
{
    struct txn txn;
    enum err result = store_nest(&g->txn, &txn, LIMIT_COMMIT_BYTES - g->txn.n_bytes);
    if (result == ERR_OK) {
        result = w->body(&txn, w->arg);
        if (result == ERR_OK && !txn.map_full && !txn.too_large) {
            result = store_nested_commit(&g->txn, &txn);
        }
        store_nested_end(&txn);
    }
    set_result(w, result);
    return !txn.map_full && !txn.too_large;
}

static void run_followers(struct group *g)
{
    for (struct commit_write *w = next_write(g); w != NULL && run_nested(g, w);
         w = next_write(g)) {
        g->last = w;
        g->n++;
    }
}

/* Runs and commits once. *map_full: the map was too small, nothing is done. */
static enum err run_once(struct group *g, bool *map_full)
{
    g->last = g->first;
    g->n = 1;
    *map_full = false;
    TRY(store_begin(g->store, &g->txn));
    g->map_bytes = store_map_bytes(g->store);
    enum err result = g->first->body(&g->txn, g->first->arg);
    if (result == ERR_OK && !g->txn.map_full) {
        set_result(g->first, ERR_OK);
        run_followers(g);
        result = store_commit(&g->txn);
    }
    *map_full = g->txn.map_full;
    store_end(&g->txn);
    return result;
}

/* Runs the first write of the queue, and with it those that fit. */
static void run_group(struct group *g)
{
    bool map_full;
    enum err result;
    g->end_ns = clock_monotonic_ns() + g->commits->gather_ns;
    do {
        result = run_once(g, &map_full);
    } while (map_full && (result = store_grow_map(g->store, g->map_bytes)) == ERR_OK);
    if (result != ERR_OK) {
        for (struct commit_write *w = g->first;; w = w->next) {
            set_result(w, result);
            if (w == g->last) {
                break;
            }
        }
    }
}

/* ---- The queue ---- */

/* Takes the group off the queue; then its threads may go on, and the next leader. */
static void hand_over(struct group *g)
{
    struct commits *commits = g->commits;
    pthread_mutex_lock(&commits->mutex);
    struct commit_write *next = g->last->next;
    commits->n_writes += g->n;
    commits->n_commits++;
    commits->first = next;
    if (next == NULL) {
        commits->last = NULL;
    } else {
        pthread_cond_signal(&next->turned);
    }
    struct commit_write *w = g->first;
    for (size_t i = 0; i < g->n; i++) {
        struct commit_write *after = w->next; /* a write that is done may be gone */
        w->done = true;
        pthread_cond_signal(&w->turned);
        w = after;
    }
    pthread_mutex_unlock(&commits->mutex);
}

/* Until the write is done, or the first. */
static void wait_for_turn(struct commits *commits, struct commit_write *w)
{
    pthread_mutex_lock(&commits->mutex);
    if (commits->last == NULL) {
        commits->first = w;
    } else {
        commits->last->next = w;
    }
    commits->last = w;
    while (!w->done && commits->first != w) {
        pthread_cond_wait(&w->turned, &commits->mutex);
    }
    pthread_mutex_unlock(&commits->mutex);
}

enum err commits_run(struct commits *commits, struct store *store,
                     enum err (*body)(struct txn *txn, void *arg), void *arg)
{
    struct commit_write w = {.body = body, .arg = arg};
    pthread_cond_init(&w.turned, NULL);
    wait_for_turn(commits, &w);
    if (!w.done) {
        struct group group = {.commits = commits, .store = store, .first = &w};
        run_group(&group);
        hand_over(&group);
    }
    pthread_cond_destroy(&w.turned);
    return w.result == ERR_OK ? ERR_OK : err_set(w.result, "%s", w.detail);
}

enum err store_update(struct store *store, store_body *body, void *arg)
{
    return commits_run(&store->commits, store, body, arg);
}
