/*
 * label_cache.h - made labels (db/duet_encoder.h) kept for the next request that asks for
 * the same, since encoding a hundred takes seconds: the few used last.
 *
 *     struct label_use use;
 *     TRY(label_cache_take(cache, db, &options, &use));
 *     ... duet_label_vector(use.labels, …) ...
 *     label_cache_give(cache, &use);
 *
 * Any thread. Labels in use stay, whatever comes meanwhile; two who ask for the same new
 * ones at once both make them.
 */
#ifndef NET_LABEL_CACHE_H
#define NET_LABEL_CACHE_H

#include <stddef.h>

#include "base/error.h"
#include "db/duet_encoder.h"

struct label_cache;
struct label_entry;

/* Labels in use. */
struct label_use {
    struct duet_labels *labels;
    struct label_entry *entry; /* NULL: they are not kept, and end with the use */
};

enum err label_cache_open(struct label_cache **out) ERR_CHECK;
/* With no labels in use. Accepts NULL. */
void label_cache_close(struct label_cache *cache);

/* Those kept, or new ones. `cache` NULL: none are kept. Errors as duet_labels_make. */
enum err label_cache_take(struct label_cache *cache, struct duet *db,
                          const struct duet_label_options *options,
                          struct label_use *use) ERR_CHECK;
/* Accepts a use that was never taken. */
void label_cache_give(struct label_cache *cache, struct label_use *use);

#endif
