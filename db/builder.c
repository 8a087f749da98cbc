/*
 * builder.c - see builder.h.
 */
#include "db/builder.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/log.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/seal.h"
#include "db/sweep.h"

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

    struct sweep sweep; /* this and the next are the thread's own */
    bool first_pass;
};

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

/* What is cheap to look for is looked for after each commit; files and dead readers
 * only at first, after a build or a drop, and now and then. */
static enum err pass(struct builder *builder, bool tidy)
{
    struct duet *db = builder->db;
    size_t n_reclaimed;
    size_t n_built;
    TRY(reclaim(db, &n_reclaimed));
    TRY(seal_due(db, builder->first_pass, &n_built));
    if (builder->first_pass || tidy || n_reclaimed > 0 || n_built > 0) {
        TRY(store_drop_dead_readers(db->store));
        TRY(sweep_files(&builder->sweep, db, builder->first_pass));
    }
    builder->first_pass = false;
    return ERR_OK;
}

/* With the mutex held: until there is work, or for as long as a file's grace. Returns
 * whether the time was up. */
static bool wait_for_work(struct builder *builder)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += SWEEP_GRACE_MS / 1000;
    int rc = 0;
    while (!builder->work && !builder->stop && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&builder->changed, &builder->mutex, &until);
    }
    return rc == ETIMEDOUT;
}

static void *run(void *arg)
{
    struct builder *builder = arg;
    bool tidy = false;
    pthread_mutex_lock(&builder->mutex);
    while (builder->work || !builder->stop) {
        builder->work = false;
        builder->busy = true;
        pthread_mutex_unlock(&builder->mutex);
        enum err result = pass(builder, tidy);
        if (result != ERR_OK) {
            log_warn("segments: %s", err_detail());
        }
        pthread_mutex_lock(&builder->mutex);
        builder->result = result;
        memcpy(builder->detail, err_detail(), sizeof builder->detail);
        builder->busy = false;
        pthread_cond_broadcast(&builder->changed);
        tidy = wait_for_work(builder);
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
