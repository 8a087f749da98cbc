/*
 * duet.c - opening and closing a database, and the small things of duet.h.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/model.h"
#include "db/pending.h"
#include "db/uuid.h"

/* An exact scan of fewer takes a millisecond or two. */
enum { SEAL_AT_DEFAULT = 16384 };

const char *duet_version(void)
{
    return DUET_VERSION;
}

const char *duet_error_detail(void)
{
    return err_detail();
}

const char *duet_error_name(enum err code)
{
    return err_name(code);
}

void duet_free(void *p)
{
    alloc_free(p);
}

void db_uuid(const struct duet *db, uint8_t out[DB_UUID_BYTES])
{
    memcpy(out, store_format(db->store)->uuid, DB_UUID_BYTES);
}

enum err db_id_of_name(const struct duet *db, const char *name, struct duet_id *out)
{
    uint8_t space[DB_UUID_BYTES];
    *out = (struct duet_id){.is_uuid = true};
    db_uuid(db, space);
    return uuid_of_name(space, name, out->uuid);
}

unsigned db_n_threads(const struct duet *db)
{
    return db->n_threads;
}

/* ---- Opening ---- */

unsigned db_threads(unsigned wanted)
{
    long n = wanted != 0 ? (long)wanted : sysconf(_SC_NPROCESSORS_ONLN);
    if (n < 1) {
        n = 1;
    }
    return n > LIMIT_THREADS_MAX ? LIMIT_THREADS_MAX : (unsigned)n;
}

static enum err copy_options(struct duet *db, const struct duet_options *o)
{
    db->write = o->write;
    db->n_threads = db_threads(o->n_threads);
    db->exact_decode = o->exact_decode;
    db->seal_at = o->seal_at == 0 ? SEAL_AT_DEFAULT : o->seal_at;
    db->folder = alloc_dup(o->path);
    if (db->folder == NULL) {
        return ERR_NOMEM;
    }
    if (o->model != NULL) {
        db->model_wanted = alloc_dup(o->model);
        return db->model_wanted == NULL ? ERR_NOMEM : ERR_OK;
    }
    return ERR_OK;
}

static enum err make_folder(const char *folder, const char *name)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    FAIL_IF(n < 0 || (size_t)n >= sizeof path, ERR_LIMIT,
            "the path of the database is too long");
    return file_make_folders(path);
}

/* A writer's steps before the store is opened. */
static enum err prepare_folder(struct duet *db, const struct duet_options *o)
{
    struct stat st;
    if (o->create) {
        TRY(file_make_folders(db->folder));
    }
    FAIL_IF(stat(db->folder, &st) != 0, ERR_NOT_FOUND, "%s: there is no database",
            db->folder);
    FAIL_IF(!S_ISDIR(st.st_mode), ERR_INVALID, "%s: not a folder, so not a database",
            db->folder);
    if (!o->write) {
        return ERR_OK;
    }
    TRY(writer_lock_take(&db->lock, db->folder));
    TRY(writer_lock_announce(&db->lock, o->url));
    TRY(make_folder(db->folder, "segments"));
    return make_folder(db->folder, "media");
}

static enum err open_parts(struct duet *db, const struct duet_options *o, bool build)
{
    struct store_options store = {
        .folder = db->folder, .write = o->write, .create = o->create};
    TRY(prepare_folder(db, o));
    TRY(store_open(&db->store, &store));
    TRY(segment_cache_open(&db->segments, db->folder));
    TRY(gauge_open(&db->gauge, db));
    segment_cache_set_gauge(db->segments, db->gauge);
    if (!db->write || !build) {
        return ERR_OK;
    }
    pending_finish(db);
    return builder_start(&db->builder, db);
}

static enum err open_database(struct duet **out, const struct duet_options *options,
                              bool build)
{
    *out = NULL;
    FAIL_IF(options->path == NULL || options->path[0] == '\0', ERR_INVALID,
            "the path of the database is empty");
    FAIL_IF(options->create && !options->write, ERR_INVALID,
            "a database is created by who may write it");
    struct duet *db = alloc_zero(1, sizeof *db);
    if (db == NULL) {
        return ERR_NOMEM;
    }
    db->lock.fd = -1;
    pthread_mutex_init(&db->model_mutex, NULL);
    pages_init(&db->pages);
    pthread_mutex_init(&db->fill_mutex, NULL);
    enum err result = copy_options(db, options);
    if (result == ERR_OK) {
        result = open_parts(db, options, build);
    }
    if (result != ERR_OK) {
        duet_close(db);
        return result;
    }
    *out = db;
    return ERR_OK;
}

enum err duet_open(struct duet **out, const struct duet_options *options)
{
    return open_database(out, options, true);
}

enum err db_open_still(struct duet **out, const struct duet_options *options)
{
    return open_database(out, options, false);
}

void duet_close(struct duet *db)
{
    if (db == NULL) {
        return;
    }
    gauge_close(db->gauge);
    builder_stop(db->builder);
    segment_cache_close(db->segments);
    pages_release(&db->pages);
    store_close(db->store);
    writer_lock_release(&db->lock);
    model_release(db);
    pthread_mutex_destroy(&db->model_mutex);
    pthread_mutex_destroy(&db->fill_mutex);
    alloc_free(db->model_wanted);
    alloc_free(db->folder);
    alloc_free(db);
}

enum err duet_announce(struct duet *db, const char *url)
{
    TRY(db_check_writable(db));
    return writer_lock_announce(&db->lock, url);
}
