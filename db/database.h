/*
 * database.h - what an open database is made of. Private to db/.
 */
#ifndef DB_DATABASE_H
#define DB_DATABASE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "db/builder.h"
#include "db/db_internal.h"
#include "db/gauge.h"
#include "db/pages.h"
#include "db/segment.h"
#include "db/store.h"
#include "db/text_cache.h"
#include "db/writer_lock.h"

struct duet {
    char *folder;
    bool write;
    unsigned n_threads;
    bool exact_decode;
    size_t seal_at;
    struct writer_lock lock; /* held where `write` */
    struct store *store;
    struct segment_cache *segments;
    struct gauge *gauge;
    struct builder *builder; /* NULL in a reader, and until started */
    struct pages pages;
    /* Held while a collection is being filled whose rows are marked as dropped: without
     * it none such are reclaimed. Taken before any transaction. */
    pthread_mutex_t fill_mutex;

    char *model_wanted;          /* duet_options.model; NULL: none was named */
    pthread_mutex_t model_mutex; /* over what follows */
    struct enc *model;           /* opened by the first need, then never changed */
    struct enc_pool *pool;       /* over the model, and as long */
    struct text_cache *texts;    /* of what it made of queries, and as long */
    char *model_name;            /* what finds it again, as recorded */
    bool model_warned;           /* another fingerprint was spoken of already */
};

/* duet_open for whoever mends the database before anything is built: no builder runs
 * until builder_start(&db->builder, db). */
enum err db_open_still(struct duet **out, const struct duet_options *options) ERR_CHECK;

#endif
