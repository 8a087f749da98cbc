/*
 * reembed_encode.c - see reembed.h.
 */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "db/database.h"
#include "db/original.h"
#include "db/reembed.h"
#include "db/sidecar.h"

void reembed_item_set(struct reembed_item *item, enum err result)
{
    item->result = result;
    alloc_free(item->reason);
    item->reason = result == ERR_OK ? NULL : alloc_dup(err_detail());
}

bool reembed_is_lost(enum err result)
{
    return result == ERR_NOT_FOUND || result == ERR_INVALID || result == ERR_LIMIT ||
           result == ERR_UNSUPPORTED;
}

/* ---- What there is ---- */

/* Reads the caption beside the picture's file, as it was when the picture was added:
 * databases before format 3 kept none. */
static enum err read_notes(struct reembed_item *item)
{
    struct sidecar notes;
    TRY(sidecar_read(&notes, item->source.path));
    enum err result = ERR_OK;
    if (notes.text == NULL || notes.hash != item->source.notes_hash) {
        result = err_set(ERR_NOT_FOUND,
                         "%s: the caption beside it is gone or another by now",
                         item->source.path);
    } else {
        item->n = strlen(notes.text);
        item->text = alloc_dup(notes.text);
        result = item->text == NULL ? ERR_NOMEM : ERR_OK;
    }
    sidecar_release(&notes);
    return result;
}

static enum err look(const struct duet *db, struct reembed_item *item)
{
    switch (item->kind) {
    case DB_OF_TEXT:
        return ERR_OK;
    case DB_OF_PICTURE:
        return original_look(db, &item->source);
    case DB_OF_NOTES:
        return read_notes(item);
    default:
        return err_set(ERR_NOT_FOUND, "it was given as numbers");
    }
}

void reembed_look(const struct duet *db, struct reembed_item *item)
{
    reembed_item_set(item, look(db, item));
}

/* ---- Encoding ---- */

struct group {
    const struct reembed_model *model;
    struct reembed_item *items; /* [n] */
    size_t n;
    size_t n_together; /* texts that one thread gathers */
    atomic_size_t next;
    atomic_bool short_of_memory;
};

struct worker {
    struct group *group;
    struct buf bytes; /* of a picture file */
    struct encode_texts texts;
    struct reembed_item *waiting[ENCODE_TEXTS_MAX]; /* [texts.n] */
};

static enum err encode_picture(struct worker *w, struct reembed_item *item)
{
    const struct reembed_model *model = w->group->model;
    const struct encode_how how = {.patient = true};
    buf_clear(&w->bytes);
    TRY(original_read(model->db, &item->source, &w->bytes));
    return encode_image(&model->encode, w->bytes.data, w->bytes.size, &how,
                        item->vector);
}

static void text_failed(void *arg, size_t i, enum err result)
{
    struct worker *w = arg;
    reembed_item_set(w->waiting[i], result);
}

static void run_texts(struct worker *w)
{
    if (w->texts.n > 0) {
        encode_texts_run(&w->group->model->encode, &w->texts, text_failed, w);
    }
}

static enum err encode_item(struct worker *w, struct reembed_item *item)
{
    item->vector =
        alloc_array(enc_info(w->group->model->encode.enc)->dim, sizeof *item->vector);
    if (item->vector == NULL) {
        return ERR_NOMEM;
    }
    if (item->kind == DB_OF_PICTURE) {
        return encode_picture(w, item);
    }
    if (item->kind != DB_OF_TEXT) {
        TRY(look(w->group->model->db, item));
    }
    w->waiting[w->texts.n] = item;
    return encode_texts_add(&w->group->model->encode, &w->texts, item->text, item->n,
                            item->vector);
}

static void *work(void *arg)
{
    struct group *g = arg;
    struct worker *w = alloc_zero(1, sizeof *w);
    if (w == NULL) {
        atomic_store(&g->short_of_memory, true);
        return NULL;
    }
    w->group = g;
    buf_init(&w->bytes, LIMIT_IMAGE_FILE_BYTES);
    for (;;) {
        size_t i = atomic_fetch_add(&g->next, 1);
        if (i >= g->n) {
            break;
        }
        reembed_item_set(&g->items[i], encode_item(w, &g->items[i]));
        if (w->texts.n == g->n_together) {
            run_texts(w);
        }
    }
    run_texts(w);
    buf_release(&w->bytes);
    alloc_free(w);
    return NULL;
}

/* Where a model takes pictures together some more threads than cores wait for it, and
 * meet there. */
static size_t n_workers(const struct reembed_model *model, size_t n_items)
{
    enum { WORKERS_A_CORE_MAX = 4 };
    size_t together = enc_info(model->encode.enc)->picture_batch;
    size_t n = model->n_threads *
               (together < WORKERS_A_CORE_MAX ? together : WORKERS_A_CORE_MAX);
    n = n > LIMIT_THREADS_MAX ? LIMIT_THREADS_MAX : n < 1 ? 1 : n;
    return n > n_items ? n_items : n;
}

enum err reembed_encode(const struct reembed_model *model, struct reembed_item *items,
                        size_t n)
{
    pthread_t threads[LIMIT_THREADS_MAX];
    struct group g = {.model = model, .items = items, .n = n};
    size_t n_wanted = n_workers(model, n);
    size_t n_threads = 0;
    if (n == 0) {
        return ERR_OK;
    }
    g.n_together = (n + n_wanted - 1) / n_wanted;
    g.n_together = g.n_together > ENCODE_TEXTS_MAX ? ENCODE_TEXTS_MAX : g.n_together;
    /* The caller's own thread is one of them; fewer than wanted is fine. */
    while (n_threads + 1 < n_wanted &&
           pthread_create(&threads[n_threads], NULL, work, &g) == 0) {
        n_threads++;
    }
    work(&g);
    for (size_t i = 0; i < n_threads; i++) {
        pthread_join(threads[i], NULL);
    }
    FAIL_IF(g.short_of_memory, ERR_NOMEM, "out of memory");
    return ERR_OK;
}
