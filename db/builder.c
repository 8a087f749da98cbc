/*
 * builder.c - see builder.h.
 *
 * One mutex is over the state of both threads. A commit wakes the mover, and each pass
 * of the mover wakes the sealer: what was moved is unsealed, segments may be empty, and
 * at the opening the files of dropped collections are only known as such once their
 * rows are gone. Hence the order in which they are stopped.
 */
#include "db/builder.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/move.h"
#include "db/payload_index.h"
#include "db/seal.h"
#include "db/sweep.h"

enum {
    WAIT_MS = 2000,  /* a writer for the mover, at the most */
    WRITER_TURNS = 4 /* of the mover, to one of a writer */
};

/* One thread. All but the first three is under the builder's mutex. */
struct worker {
    struct builder *builder;
    enum err (*pass)(struct builder *builder);
    pthread_t thread;
    bool work; /* there may be something to do since the last pass began */
    bool busy; /* a pass is under way */
    bool stop;
    enum err result; /* of the last pass */
    char detail[ERR_DETAIL_MAX];
};

/* A writer takes turns with the moving, and where that cannot keep up, waits for its
 * end. */
enum moving { NOT_MOVING, TAKING_TURNS, FALLEN_BEHIND };

struct builder {
    struct duet *db;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct worker mover, sealer;
    enum moving moving; /* this and the next under the mutex */
    uint64_t n_turns;   /* transactions of the mover */
    struct sweep sweep; /* this and the next two are the sealer's own */
    uint64_t swept_ns;  /* when it last looked through the files */
    bool first_pass;
};

static void wake(struct worker *w)
{
    pthread_mutex_lock(&w->builder->mutex);
    w->work = true;
    pthread_cond_broadcast(&w->builder->changed);
    pthread_mutex_unlock(&w->builder->mutex);
}

/* ---- What the threads do ---- */

static void set_moving(struct builder *builder, enum moving moving)
{
    pthread_mutex_lock(&builder->mutex);
    builder->moving = moving;
    builder->n_turns++;
    pthread_cond_broadcast(&builder->changed);
    pthread_mutex_unlock(&builder->mutex);
}

/* Of move_todo. */
static void count_turn(void *arg)
{
    struct builder *builder = arg;
    pthread_mutex_lock(&builder->mutex);
    builder->n_turns++;
    pthread_cond_broadcast(&builder->changed);
    pthread_mutex_unlock(&builder->mutex);
}

static enum err move_due(struct builder *builder)
{
    struct move_todo todo;
    size_t n_moved;
    TRY(move_find(&todo, builder->db, false));
    if (todo.n > 0) {
        set_moving(builder, todo.is_much ? FALLEN_BEHIND : TAKING_TURNS);
    }
    todo.moved = count_turn;
    todo.arg = builder;
    enum err result = move_run(&todo, &n_moved);
    set_moving(builder, NOT_MOVING);
    move_todo_release(&todo);
    return result;
}

/* Unless a recovery is under way, whose own rows look like dropped ones; it wakes us when
 * it ends. */
static enum err reclaim(struct duet *db, size_t *n)
{
    *n = 0;
    if (pthread_mutex_trylock(&db->fill_mutex) != 0) {
        return ERR_OK;
    }
    enum err result = collection_reclaim(db->store, n);
    pthread_mutex_unlock(&db->fill_mutex);
    return result;
}

static enum err mover_pass(struct builder *builder)
{
    size_t n;
    enum err result = reclaim(builder->db, &n);
    if (result == ERR_OK) { /* those that a crash cut short */
        result = payload_indexes_build(builder->db->store);
    }
    if (result == ERR_OK) {
        result = move_due(builder);
    }
    wake(&builder->sealer);
    return result;
}

/* What is cheap to look for is looked for after each commit; files and dead readers
 * only at first, after a build, and as often as a file's grace is over. */
static enum err sealer_pass(struct builder *builder)
{
    struct duet *db = builder->db;
    size_t n_built;
    TRY(seal_due(db, builder->first_pass, &n_built));
    uint64_t now = clock_monotonic_ns();
    bool tidy = now - builder->swept_ns >= SWEEP_GRACE_MS * UINT64_C(1000000);
    if (builder->first_pass || tidy || n_built > 0) {
        TRY(store_drop_dead_readers(db->store));
        TRY(sweep_files(&builder->sweep, db, builder->first_pass));
        builder->swept_ns = now;
    }
    builder->first_pass = false;
    return ERR_OK;
}

static struct timespec after_ms(long ms)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += ms / 1000;
    return t;
}

/* With the mutex held: until there is work, or for as long as a file's grace. */
static void wait_for_work(struct worker *w)
{
    struct timespec until = after_ms(SWEEP_GRACE_MS);
    int rc = 0;
    while (!w->work && !w->stop && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&w->builder->changed, &w->builder->mutex, &until);
    }
    w->work = w->work || rc == ETIMEDOUT;
}

static void *run(void *arg)
{
    struct worker *w = arg;
    struct builder *builder = w->builder;
    pthread_mutex_lock(&builder->mutex);
    while (w->work || !w->stop) {
        w->work = false;
        w->busy = true;
        pthread_mutex_unlock(&builder->mutex);
        enum err result = w->pass(builder);
        if (result != ERR_OK) {
            log_warn("segments: %s", err_detail());
        }
        pthread_mutex_lock(&builder->mutex);
        w->result = result;
        memcpy(w->detail, err_detail(), sizeof w->detail);
        w->busy = false;
        pthread_cond_broadcast(&builder->changed);
        wait_for_work(w);
    }
    pthread_mutex_unlock(&builder->mutex);
    return NULL;
}

/* ---- Life ---- */

static enum err start_worker(struct worker *w, struct builder *builder,
                             enum err (*pass)(struct builder *builder))
{
    *w = (struct worker){.builder = builder, .pass = pass};
    int rc = pthread_create(&w->thread, NULL, run, w);
    return rc == 0 ? ERR_OK : err_errno(rc, "cannot start a thread");
}

/* When it has done what there is to do. */
static void stop_worker(struct worker *w)
{
    pthread_mutex_lock(&w->builder->mutex);
    w->stop = true;
    pthread_cond_broadcast(&w->builder->changed);
    pthread_mutex_unlock(&w->builder->mutex);
    pthread_join(w->thread, NULL);
}

static void free_builder(struct builder *builder)
{
    pthread_cond_destroy(&builder->changed);
    pthread_mutex_destroy(&builder->mutex);
    alloc_free(builder);
}

enum err builder_start(struct builder **out, struct duet *db)
{
    *out = NULL;
    struct builder *builder = alloc_zero(1, sizeof *builder);
    if (builder == NULL) {
        return ERR_NOMEM;
    }
    builder->db = db;
    builder->first_pass = true;
    pthread_mutex_init(&builder->mutex, NULL);
    pthread_cond_init(&builder->changed, NULL);
    enum err result = start_worker(&builder->sealer, builder, sealer_pass);
    if (result != ERR_OK) {
        free_builder(builder);
        return result;
    }
    result = start_worker(&builder->mover, builder, mover_pass);
    if (result != ERR_OK) {
        stop_worker(&builder->sealer);
        free_builder(builder);
        return result;
    }
    wake(&builder->mover);
    *out = builder;
    return ERR_OK;
}

void builder_wake(struct builder *builder)
{
    if (builder == NULL) {
        return;
    }
    wake(&builder->mover);
    struct timespec until = after_ms(WAIT_MS);
    int rc = 0;
    pthread_mutex_lock(&builder->mutex);
    uint64_t n_turns = builder->n_turns;
    while ((builder->moving == FALLEN_BEHIND ||
            (builder->moving == TAKING_TURNS &&
             builder->n_turns - n_turns < WRITER_TURNS)) &&
           rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&builder->changed, &builder->mutex, &until);
    }
    pthread_mutex_unlock(&builder->mutex);
}

static bool is_idle(const struct worker *w)
{
    return !w->work && !w->busy;
}

enum err builder_wait(struct builder *builder)
{
    pthread_mutex_lock(&builder->mutex);
    builder->mover.work = true;
    pthread_cond_broadcast(&builder->changed);
    while (!is_idle(&builder->mover) || !is_idle(&builder->sealer)) {
        pthread_cond_wait(&builder->changed, &builder->mutex);
    }
    const struct worker *failed =
        builder->mover.result != ERR_OK ? &builder->mover : &builder->sealer;
    enum err result = failed->result;
    if (result != ERR_OK) {
        err_set(result, "%s", failed->detail);
    }
    pthread_mutex_unlock(&builder->mutex);
    return result;
}

void builder_stop(struct builder *builder)
{
    if (builder == NULL) {
        return;
    }
    stop_worker(&builder->mover);
    stop_worker(&builder->sealer);
    free_builder(builder);
}
