/*
 * ingest.c - duet_add: lists the pictures, lets workers do them, commits in groups.
 *
 * Threads: N workers run ingest_picture, each on a picture of its own from file to
 * vectors, so that the cores are busy without any batch having to fill; only captions,
 * which are faster together, wait on their worker until it has several. The caller's
 * thread takes their results, commits a group when it is full or some seconds old, and
 * calls the caller's functions; workers go on meanwhile. What is lost by a crash is the
 * group under way, and the next run finds that out by itself.
 */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/db_internal.h"
#include "db/ingest_list.h"
#include "db/ingest_picture.h"
#include "db/ingest_prune.h"
#include "db/ingest_queue.h"

/* Between progress calls, and the age of the oldest result that is not committed. */
static const uint64_t TICK_NS = 100u * 1000 * 1000;
static const uint64_t GROUP_NS = 2ull * 1000 * 1000 * 1000;

/* One add under way. */
struct add {
    const struct duet_add_options *options;
    struct ingest_job job;
    struct ingest_list list;
    struct duet_add_progress progress;
    uint64_t start_ns, start_cpu_ns, tick_ns;
    bool cancelled;

    struct ingest_queue *queue;
    pthread_t workers[LIMIT_THREADS_MAX];
    unsigned n_workers;

    struct ingest_result *group[LIMIT_ADD_GROUP]; /* [n_group], to be committed */
    size_t n_group;
    uint64_t group_ns; /* when its first came */
};

/* ---- Telling --------------------------------------------------------------------- */

/* CPU time is the whole process's since the start: the workers do all but nothing of
 * it. */
static void update_clocks(struct add *add)
{
    add->progress.seconds = (double)(clock_monotonic_ns() - add->start_ns) * 1e-9;
    add->progress.cpu_seconds = (double)(clock_cpu_ns() - add->start_cpu_ns) * 1e-9;
}

static void count_done(struct duet_add_progress *progress, enum ingest_outcome outcome)
{
    progress->n_done++;
    progress->n_added += outcome == INGEST_ADDED;
    progress->n_updated += outcome == INGEST_UPDATED;
    progress->n_moved += outcome == INGEST_MOVED;
    progress->n_unchanged += outcome == INGEST_UNCHANGED;
}

/* Tells of the group's pictures as done, though they are not committed yet: a bar that
 * stands still for seconds looks like a program that does. */
static void tell_progress(struct add *add)
{
    update_clocks(add);
    add->tick_ns = clock_monotonic_ns();
    struct duet_add_progress now = add->progress;
    for (size_t i = 0; i < add->n_group; i++) {
        count_done(&now, add->group[i]->outcome);
    }
    if (add->options->progress != NULL &&
        !add->options->progress(add->options->arg, &now)) {
        add->cancelled = true;
    }
}

static void tell_failed(struct add *add, const char *path, enum err code,
                        const char *reason)
{
    add->progress.n_failed++;
    add->progress.n_done++;
    if (add->options->failed != NULL) {
        add->options->failed(add->options->arg, path, code, reason);
    }
}

static const char *file_of_lines(const struct duet_add_options *options)
{
    return options->jsonl != NULL ? options->jsonl : options->lines_of;
}

static const char *reason_of(const struct ingest_result *result)
{
    return result->reason != NULL ? result->reason : "out of memory";
}

/* Of a line: "FILE:LINE", and the picture's path before the reason. */
static void tell_line_failed(struct add *add, const struct ingest_item *item,
                             enum err code, const char *reason)
{
    char where[PATH_MAX + 32];
    char text[PATH_MAX + ERR_DETAIL_MAX];
    snprintf(where, sizeof where, "%s:%zu", file_of_lines(add->options), item->line);
    snprintf(text, sizeof text, "%s: %s", item->path, reason);
    tell_failed(add, where, code, text);
}

/* What was wrong with a picture; the sentence often begins with its path already. */
static void tell_result_failed(struct add *add, const struct ingest_result *result)
{
    const char *path = result->item->path;
    const char *reason = reason_of(result);
    size_t n = strlen(path);
    if (strncmp(reason, path, n) == 0 && strncmp(reason + n, ": ", 2) == 0) {
        reason += n + 2;
    }
    if (result->item->line != 0) {
        tell_line_failed(add, result->item, result->code, reason);
    } else {
        tell_failed(add, path, result->code, reason);
    }
}

/* ---- Listing --------------------------------------------------------------------- */

static bool on_found(void *arg, size_t n)
{
    struct add *add = arg;
    add->progress.n_found = n;
    if (clock_monotonic_ns() - add->tick_ns >= TICK_NS) {
        tell_progress(add);
    }
    return !add->cancelled;
}

static void on_walk_failed(void *arg, const char *path, enum err code,
                           const char *reason)
{
    tell_failed(arg, path, code, reason);
}

static enum err make_list(struct add *add)
{
    struct walk_options walk = {
        .found = on_found, .failed = on_walk_failed, .arg = add};
    TRY(ingest_list_make(&add->list, add->options, walk));
    add->progress.n_found = add->list.n + add->progress.n_failed;
    add->progress.walked = true;
    FAIL_IF(add->progress.n_found == 0, ERR_INVALID, "%s: there are no pictures",
            add->list.walk.n_roots > 0 ? add->list.walk.roots[0]
                                       : file_of_lines(add->options));
    return ERR_OK;
}

/* ---- Working --------------------------------------------------------------------- */

/* One thread's. Results with a caption wait until there are several of them. */
struct worker {
    struct add *add;
    struct ingest_scratch scratch;
    struct ingest_result *waiting[ENCODE_TEXTS_MAX]; /* [scratch.captions.n] */
};

static void caption_failed(void *arg, size_t i, enum err result)
{
    struct worker *w = arg;
    ingest_result_fail(w->waiting[i], err_prefix(result, "the caption"));
}

static void encode_captions(struct worker *w)
{
    size_t n = w->scratch.captions.n;
    const struct encode_model model = encode_model_of(w->add->job.db);
    encode_texts_run(&model, &w->scratch.captions, caption_failed, w);
    for (size_t i = 0; i < n; i++) {
        ingest_queue_put(w->add->queue, w->waiting[i]);
    }
}

static void do_picture(struct worker *w, const struct ingest_item *item)
{
    struct add *add = w->add;
    struct ingest_result *result = alloc_zero(1, sizeof *result);
    if (result == NULL) { /* the picture is not done; the next run will */
        ingest_queue_stop(add->queue);
        return;
    }
    ingest_picture(result, &add->job, item, &w->scratch);
    if (!result->has_caption) {
        ingest_queue_put(add->queue, result);
        return;
    }
    w->waiting[w->scratch.captions.n - 1] = result;
    if (w->scratch.captions.n == ENCODE_TEXTS_MAX) {
        encode_captions(w);
    }
}

static void *work(void *arg)
{
    struct add *add = arg;
    struct worker *w = alloc_zero(1, sizeof *w);
    size_t i;
    if (w == NULL) {
        ingest_queue_stop(add->queue);
    } else {
        w->add = add;
        buf_init(&w->scratch.bytes, LIMIT_IMAGE_FILE_BYTES);
        while (ingest_queue_next(add->queue, &i)) {
            do_picture(w, &add->list.items[i]);
        }
        encode_captions(w);
        buf_release(&w->scratch.bytes);
        alloc_free(w);
    }
    ingest_queue_leave(add->queue);
    return NULL;
}

/* A worker a core, or some more where the model takes pictures together: then the
 * others wait for the towers, and meet there. */
static unsigned n_workers_of(const struct add *add)
{
    enum { WORKERS_A_CORE_MAX = 4 };
    size_t together = enc_info(add->job.enc)->picture_batch;
    unsigned n = add->options->n_threads;
    n = n == 0 ? db_n_threads(add->job.db) : n;
    n *= together < WORKERS_A_CORE_MAX ? (unsigned)together : WORKERS_A_CORE_MAX;
    n = n > LIMIT_THREADS_MAX ? LIMIT_THREADS_MAX : n;
    return n > add->list.n ? (unsigned)add->list.n : n;
}

/* Starts the workers; at least one, or it fails. */
static enum err start_workers(struct add *add)
{
    unsigned n = n_workers_of(add);
    TRY(ingest_queue_open(&add->queue, add->list.n, LIMIT_ADD_GROUP));
    while (add->n_workers < n) {
        ingest_queue_enter(add->queue);
        if (pthread_create(&add->workers[add->n_workers], NULL, work, add) != 0) {
            ingest_queue_leave(add->queue);
            break;
        }
        add->n_workers++;
    }
    FAIL_IF(add->n_workers == 0 && n > 0, ERR_NOMEM, "no thread can be started");
    return ERR_OK;
}

static void drop(struct ingest_result *result)
{
    ingest_result_release(result);
    alloc_free(result);
}

/* Lets the workers end, whatever they still hand over. */
static void stop_workers(struct add *add)
{
    struct ingest_result *result;
    if (add->queue == NULL) {
        return;
    }
    ingest_queue_stop(add->queue);
    while (ingest_queue_take(add->queue, &result, TICK_NS)) {
        if (result != NULL) {
            drop(result);
        }
    }
    for (unsigned i = 0; i < add->n_workers; i++) {
        pthread_join(add->workers[i], NULL);
    }
    ingest_queue_close(add->queue);
}

/* ---- Committing ------------------------------------------------------------------ */

static void empty_group(struct add *add)
{
    for (size_t i = 0; i < add->n_group; i++) {
        drop(add->group[i]);
    }
    add->n_group = 0;
}

/* After the commit, as media.h asks. One that cannot be written is made by a later run,
 * so it is no reason to stop. */
static void put_thumbnail(struct add *add, const struct ingest_result *result)
{
    const struct buf *jpeg = &result->thumbnail;
    if (jpeg->size > 0 && db_media_put(add->job.db, result->source.hash, jpeg->data,
                                       jpeg->size) != ERR_OK) {
        log_warn("%s: no thumbnail: %s", result->item->path, err_detail());
    }
}

/* Writes the group durably; its pictures count as done only now. */
static enum err commit_group(struct add *add)
{
    struct db_write writes[LIMIT_ADD_GROUP];
    if (add->n_group == 0) {
        return ERR_OK;
    }
    for (size_t i = 0; i < add->n_group; i++) {
        writes[i] = *ingest_result_write(add->group[i]);
    }
    TRY(db_write_points(add->job.db, add->job.collection, writes, add->n_group));
    for (size_t i = 0; i < add->n_group; i++) {
        put_thumbnail(add, add->group[i]);
        count_done(&add->progress, add->group[i]->outcome);
    }
    empty_group(add);
    return ERR_OK;
}

/* Takes over the result. */
static enum err accept_result(struct add *add, struct ingest_result *result)
{
    if (result->has_write) {
        add->group_ns = add->n_group == 0 ? clock_monotonic_ns() : add->group_ns;
        add->group[add->n_group++] = result;
        return add->n_group == LIMIT_ADD_GROUP ? commit_group(add) : ERR_OK;
    }
    enum err code = ERR_OK;
    if (result->outcome == INGEST_UNCHANGED) {
        count_done(&add->progress, INGEST_UNCHANGED);
    } else if (ingest_is_fatal(result->code)) {
        code = err_set(result->code, "%s", reason_of(result));
    } else {
        tell_result_failed(add, result);
    }
    drop(result);
    return code;
}

static enum err collect(struct add *add)
{
    struct ingest_result *result;
    while (ingest_queue_take(add->queue, &result, TICK_NS)) {
        if (result != NULL) {
            TRY(accept_result(add, result));
        }
        uint64_t now = clock_monotonic_ns();
        if (add->n_group > 0 && now - add->group_ns >= GROUP_NS) {
            TRY(commit_group(add));
        }
        if (now - add->tick_ns >= TICK_NS) {
            tell_progress(add);
        }
        if (add->cancelled) {
            ingest_queue_stop(add->queue);
        }
    }
    return commit_group(add);
}

/* ---- duet_add -------------------------------------------------------------------- */

static enum err ensure_collection(struct duet *db, const char *name)
{
    struct duet_collections list;
    enum err result = duet_collections_list(db, name, &list);
    if (result == ERR_NOT_FOUND) {
        return duet_collection_create(db, name, NULL, 0);
    }
    duet_collections_release(&list);
    return result;
}

static enum err run(struct add *add)
{
    TRY(make_list(add));
    TRY(ensure_collection(add->job.db, add->job.collection));
    TRY(db_encoder_for(add->job.db, add->job.collection, &add->job.enc));
    tell_progress(add);
    TRY(start_workers(add));
    TRY(collect(add));
    FAIL_IF(add->cancelled, ERR_CANCELLED, "stopped; what was done is kept");
    FAIL_IF(add->progress.n_done < add->progress.n_found, ERR_NOMEM, "out of memory");
    return add->options->prune ? ingest_prune(add->job.db, add->job.collection,
                                              &add->list.walk, &add->progress.n_pruned)
                               : ERR_OK;
}

enum err duet_add(struct duet *db, const char *collection,
                  const struct duet_add_options *options,
                  struct duet_add_progress *result)
{
    FAIL_IF(options->n_paths == 0 && options->jsonl == NULL && options->n_lines == 0,
            ERR_INVALID, "nothing to add was named");
    TRY(db_check_writable(db));
    struct add *add = alloc_zero(1, sizeof *add);
    FAIL_IF(add == NULL, ERR_NOMEM, "out of memory");
    add->options = options;
    add->job = (struct ingest_job){.db = db, .collection = collection};
    add->start_ns = clock_monotonic_ns();
    add->start_cpu_ns = clock_cpu_ns();
    enum err code = run(add);
    stop_workers(add);
    empty_group(add);
    ingest_list_release(&add->list);
    tell_progress(add);
    if (result != NULL) {
        *result = add->progress;
    }
    alloc_free(add);
    return code;
}

enum err duet_id_of_file(struct duet *db, const char *path, struct duet_id *out)
{
    char canonical[PATH_MAX];
    *out = (struct duet_id){0};
    TRY(walk_canonical(canonical, path));
    return db_id_of_name(db, canonical, out);
}
