/*
 * upsert.c - see upsert.h.
 *
 * First every point is looked over; then texts and pictures are encoded, on several
 * threads where there are several of them, texts some at a time. Uploaded pictures are
 * kept: the original before the commit, since nobody else has it, the thumbnail after
 * it (media.h).
 */
#include "db/upsert.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/encode.h"
#include "db/media.h"
#include "db/model.h"
#include "db/vectors.h"

/* One vector to be made or copied. */
struct job {
    size_t point; /* its number in the request */
    size_t space;
    const struct duet_input *input;
    float *vector;                 /* [dim of the space], owned */
    struct encode_picture picture; /* of an upload */
    bool is_upload;
};

struct upsert {
    struct duet *db;
    const char *collection_name;
    const struct upsert_point *points;
    size_t n_points;
    struct record_collection collection;
    struct enc *enc; /* NULL: no input needs it */
    struct job *jobs;
    size_t n_jobs;
    struct db_write *writes;   /* [n_points] */
    struct db_source *sources; /* [n_points], of uploads */

    size_t n_together;      /* texts that one thread gathers */
    atomic_size_t next_job; /* of the encoding threads */
    pthread_mutex_t mutex;  /* over the three below */
    enum err result;        /* of the first point that failed, by number */
    size_t failed_job;
    char detail[ERR_DETAIL_MAX];
};

/* Says which point it was that failed. */
static enum err point_prefix(const struct upsert_point *p, enum err result)
{
    return p->operation == UPSERT_ONLY_OPERATION
               ? err_prefix(result, "point %zu", p->i)
               : err_prefix(result, "operation %zu: point %zu", p->operation, p->i);
}

/* ---- Looking over ---- */

static enum err choose_space(const struct record_collection *c,
                             const struct duet_named_input *v, size_t *space)
{
    if (v->space != NULL) {
        return collection_space_find(c, v->space, space);
    }
    *space = 0;
    if (encode_is_needed(v->input.kind) && collection_is_cross_modal(c)) {
        *space = v->input.kind == DUET_INPUT_TEXT ? DB_TEXT : DB_IMAGE;
        return ERR_OK;
    }
    FAIL_IF(c->n_spaces > 1, ERR_INVALID,
            "say which of the collection's %zu vector spaces a vector is for",
            c->n_spaces);
    return ERR_OK;
}

static enum err add_job(struct upsert *u, size_t point,
                        const struct duet_named_input *v)
{
    struct job *job = &u->jobs[u->n_jobs];
    const struct duet_input *input = &v->input;
    *job = (struct job){.point = point, .input = input};
    TRY(choose_space(&u->collection, v, &job->space));
    size_t dim = u->collection.spaces[job->space].dim;
    for (size_t i = u->n_jobs; i > 0 && u->jobs[i - 1].point == point; i--) {
        FAIL_IF(u->jobs[i - 1].space == job->space, ERR_INVALID,
                "two vectors for the space '%s'",
                u->collection.spaces[job->space].name);
    }
    if (encode_is_needed(input->kind)) {
        job->is_upload = input->kind == DUET_INPUT_IMAGE;
        if (u->enc == NULL) {
            TRY(model_for_write(u->db, &u->collection, &u->enc));
        }
    } else {
        FAIL_IF(input->kind != DUET_INPUT_VECTOR, ERR_INVALID,
                "a vector, a text or a picture is wanted");
        FAIL_IF(input->n != dim, ERR_CONFLICT,
                "a vector has %zu numbers, the space '%s' takes %zu", input->n,
                u->collection.spaces[job->space].name, dim);
    }
    job->vector = alloc_array(dim, sizeof *job->vector);
    if (job->vector == NULL) {
        return ERR_NOMEM;
    }
    buf_init(&job->picture.thumbnail, LIMIT_THUMBNAIL_BYTES);
    u->n_jobs++;
    return ERR_OK;
}

static enum err add_jobs(struct upsert *u)
{
    size_t n = 0;
    for (size_t i = 0; i < u->n_points; i++) {
        n += u->points[i].input->n_vectors;
    }
    u->jobs = alloc_array(n, sizeof *u->jobs);
    u->writes = alloc_zero(u->n_points, sizeof *u->writes);
    u->sources = alloc_zero(u->n_points, sizeof *u->sources);
    if (u->jobs == NULL || u->writes == NULL || u->sources == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < u->n_points; i++) {
        const struct duet_point_input *p = u->points[i].input;
        for (size_t v = 0; v < p->n_vectors; v++) {
            enum err result = add_job(u, i, &p->vectors[v]);
            if (result != ERR_OK) {
                return point_prefix(&u->points[i], result);
            }
        }
    }
    return ERR_OK;
}

/* ---- Encoding ---- */

/* One of the encoding threads. */
struct worker {
    struct upsert *u;
    struct encode_texts texts;          /* gathered, as they are faster together */
    struct job *jobs[ENCODE_TEXTS_MAX]; /* [texts.n], theirs */
};

/* Does the job or, for a text, gathers it. */
static enum err do_job(struct worker *w, struct job *job)
{
    struct upsert *u = w->u;
    const struct duet_input *input = job->input;
    const struct record_space_def *def = &u->collection.spaces[job->space];
    if (input->kind == DUET_INPUT_TEXT) {
        const struct encode_model model = encode_model_of(u->db);
        w->jobs[w->texts.n] = job;
        return encode_texts_add(&model, &w->texts, input->bytes, input->n, job->vector);
    }
    if (encode_is_needed(input->kind)) {
        struct encode_how how = {.patient = true,
                                 .picture = job->is_upload ? &job->picture : NULL};
        return encode_input(u->db, input, &how, job->vector);
    }
    memcpy(job->vector, input->vector, def->dim * sizeof(float));
    return vector_prepare(def, job->vector);
}

/* Keeps the failure of the first job by number, so that the answer does not depend on
 * which thread was quicker. */
static void keep_failure(struct upsert *u, const struct job *job, enum err result)
{
    size_t i = (size_t)(job - u->jobs);
    pthread_mutex_lock(&u->mutex);
    if (u->result == ERR_OK || i < u->failed_job) {
        point_prefix(&u->points[job->point], result);
        u->result = result;
        u->failed_job = i;
        memcpy(u->detail, err_detail(), sizeof u->detail);
    }
    pthread_mutex_unlock(&u->mutex);
    atomic_store(&u->next_job, u->n_jobs);
}

static void text_failed(void *arg, size_t i, enum err result)
{
    struct worker *w = arg;
    keep_failure(w->u, w->jobs[i], result);
}

static void run_texts(struct worker *w)
{
    if (w->texts.n > 0) {
        const struct encode_model model = encode_model_of(w->u->db);
        encode_texts_run(&model, &w->texts, text_failed, w);
    }
}

/* A thread's work: jobs from the common counter until they are done or one fails. */
static void work(struct worker *w)
{
    struct upsert *u = w->u;
    for (;;) {
        size_t i = atomic_fetch_add(&u->next_job, 1);
        if (i >= u->n_jobs) {
            break;
        }
        enum err result = do_job(w, &u->jobs[i]);
        if (result != ERR_OK) {
            keep_failure(u, &u->jobs[i], result);
            return;
        }
        if (w->texts.n == u->n_together) {
            run_texts(w);
        }
    }
    run_texts(w);
}

static void *do_jobs(void *arg)
{
    struct upsert *u = arg;
    struct worker *w = alloc_zero(1, sizeof *w);
    if (w == NULL) {
        keep_failure(u, &u->jobs[0], ERR_NOMEM);
        return NULL;
    }
    w->u = u;
    work(w);
    alloc_free(w);
    return NULL;
}

/* So many texts at a time that each thread has its share. */
static size_t share_texts(const struct upsert *u, size_t n_threads)
{
    size_t n = 0;
    for (size_t i = 0; i < u->n_jobs; i++) {
        n += u->jobs[i].input->kind == DUET_INPUT_TEXT;
    }
    size_t share = (n + n_threads - 1) / n_threads;
    return share < 1 ? 1 : share > ENCODE_TEXTS_MAX ? ENCODE_TEXTS_MAX : share;
}

static enum err do_all_jobs(struct upsert *u)
{
    pthread_t threads[LIMIT_THREADS_MAX];
    size_t n_threads = 0;
    size_t n_wanted = u->enc == NULL ? 1 : db_n_threads(u->db);
    if (u->n_jobs == 0) {
        return ERR_OK;
    }
    if (n_wanted > u->n_jobs) {
        n_wanted = u->n_jobs;
    }
    u->n_together = share_texts(u, n_wanted);
    /* The caller's own thread is one of them; fewer than wanted is fine. */
    while (n_threads + 1 < n_wanted &&
           pthread_create(&threads[n_threads], NULL, do_jobs, u) == 0) {
        n_threads++;
    }
    do_jobs(u);
    for (size_t i = 0; i < n_threads; i++) {
        pthread_join(threads[i], NULL);
    }
    FAIL_IF(u->result != ERR_OK, u->result, "%s", u->detail);
    return ERR_OK;
}

/* ---- Writing ---- */

/* An uploaded picture is its point's; where there are two, that of the space "image". */
static void choose_source(struct upsert *u, const struct job *job)
{
    struct db_write *write = &u->writes[job->point];
    if (!job->is_upload || (write->source != NULL && job->space != DB_IMAGE)) {
        return;
    }
    struct db_source *source = &u->sources[job->point];
    *source = (struct db_source){.path = "", .size = job->input->n};
    memcpy(source->hash, job->picture.hash, DB_HASH_BYTES);
    write->source = source;
}

/* Says what the vector was made from, and keeps that where nobody else does. Of another
 * picture than the point's there is no more than the vector. */
static enum err keep_origin(struct upsert *u, struct job *job)
{
    const struct duet_input *input = job->input;
    struct db_write *write = &u->writes[job->point];
    job->is_upload = job->is_upload &&
                     memcmp(job->picture.hash, write->source->hash, DB_HASH_BYTES) == 0;
    if (job->space < DB_ORIGINS && input->kind == DUET_INPUT_TEXT) {
        write->origins[job->space] =
            (struct db_origin){DB_OF_TEXT, input->bytes, input->n};
    }
    if (!job->is_upload) {
        return ERR_OK;
    }
    if (job->space < DB_ORIGINS) {
        write->origins[job->space].kind = DB_OF_PICTURE;
    }
    return media_put_original(u->db, job->picture.hash, input->bytes, input->n);
}

/* After the commit, so a failure is no failure of the upsert any more. The original
 * once again, as a sweep may have come between. */
static void keep_thumbnail(struct upsert *u, struct job *job)
{
    if (!job->is_upload) {
        return;
    }
    const struct buf *thumbnail = &job->picture.thumbnail;
    enum err result =
        media_put_original(u->db, job->picture.hash, job->input->bytes, job->input->n);
    if (result == ERR_OK) {
        result =
            db_media_put(u->db, job->picture.hash, thumbnail->data, thumbnail->size);
    }
    if (result != ERR_OK) {
        log_warn("a thumbnail could not be kept: %s", err_detail());
    }
}

static enum err fill_write(struct upsert *u, size_t i)
{
    const struct upsert_point *p = &u->points[i];
    struct db_write *write = &u->writes[i];
    write->id = p->input->id;
    if (p->vectors_only) {
        FAIL_IF(p->input->n_vectors == 0, ERR_INVALID, "there is no vector");
        write->keep = UINT32_MAX;
        return ERR_OK;
    }
    write->payload = p->input->payload == NULL ? "{}" : p->input->payload;
    write->n_payload = p->input->payload == NULL ? 2 : p->input->n_payload;
    write->drop_source = true;
    return db_check_payload(write);
}

static enum err fill_writes(struct upsert *u)
{
    for (size_t i = 0; i < u->n_points; i++) {
        enum err result = fill_write(u, i);
        if (result != ERR_OK) {
            return point_prefix(&u->points[i], result);
        }
    }
    for (size_t i = 0; i < u->n_jobs; i++) {
        u->writes[u->jobs[i].point].vectors[u->jobs[i].space] = u->jobs[i].vector;
        choose_source(u, &u->jobs[i]);
    }
    for (size_t i = 0; i < u->n_jobs; i++) {
        TRY(keep_origin(u, &u->jobs[i]));
    }
    return ERR_OK;
}

void upsert_keep_thumbnails(struct upsert *u)
{
    for (size_t i = 0; i < u->n_jobs; i++) {
        if (!u->writes[u->jobs[i].point].skip) {
            keep_thumbnail(u, &u->jobs[i]);
        }
    }
}

enum err upsert_skip(struct upsert *u, size_t i, struct buf *orphans)
{
    u->writes[i].skip = true;
    return u->writes[i].source == NULL
               ? ERR_OK
               : buf_append(orphans, u->writes[i].source->hash, DB_HASH_BYTES);
}

static enum err read_collection(struct upsert *u)
{
    struct txn txn;
    TRY(store_read(u->db->store, &txn));
    enum err result = collection_get(&txn, u->collection_name, &u->collection);
    store_end(&txn);
    return result;
}

void upsert_release(struct upsert *u)
{
    if (u == NULL) {
        return;
    }
    for (size_t i = 0; i < u->n_jobs; i++) {
        alloc_free(u->jobs[i].vector);
        buf_release(&u->jobs[i].picture.thumbnail);
    }
    alloc_free(u->jobs);
    alloc_free(u->writes);
    alloc_free(u->sources);
    pthread_mutex_destroy(&u->mutex);
    alloc_free(u);
}

const struct record_collection *upsert_collection(const struct upsert *u)
{
    return &u->collection;
}

struct db_write *upsert_write(struct upsert *u, size_t i)
{
    return &u->writes[i];
}

enum err upsert_prepare(struct upsert **out, struct duet *db, const char *collection,
                        const struct upsert_point *points, size_t n)
{
    *out = NULL;
    struct upsert *u = alloc_zero(1, sizeof *u);
    if (u == NULL) {
        return ERR_NOMEM;
    }
    u->db = db;
    u->collection_name = collection;
    u->points = points;
    u->n_points = n;
    pthread_mutex_init(&u->mutex, NULL);
    enum err result;
    TRY_OUT(read_collection(u));
    TRY_OUT(add_jobs(u));
    TRY_OUT(do_all_jobs(u));
    TRY_OUT(fill_writes(u));
    *out = u;
out:
    if (result != ERR_OK) {
        upsert_release(u);
    }
    return result;
}
