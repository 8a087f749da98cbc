/*
 * label_cache.c - see label_cache.h.
 */
#include "net/label_cache.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/limits.h"

enum {
    KEY_BYTES_MAX = 256 << 10 /* of labels and templates; longer ones are not kept */
};

struct label_entry {
    char *key; /* [n_key]; NULL: the place is free */
    size_t n_key;
    struct duet_labels *labels;
    size_t n_users;
    uint64_t used_at; /* a count of takes */
};

struct label_cache {
    pthread_mutex_t mutex; /* over all of it */
    struct label_entry entries[LIMIT_LABELS_KEPT];
    uint64_t n_takes;
};

enum err label_cache_open(struct label_cache **out)
{
    *out = alloc_zero(1, sizeof **out);
    FAIL_IF(*out == NULL, ERR_NOMEM, "out of memory");
    pthread_mutex_init(&(*out)->mutex, NULL);
    return ERR_OK;
}

static void empty_entry(struct label_entry *entry)
{
    duet_labels_free(entry->labels);
    alloc_free(entry->key);
    *entry = (struct label_entry){.key = NULL};
}

void label_cache_close(struct label_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    for (size_t i = 0; i < LIMIT_LABELS_KEPT; i++) {
        empty_entry(&cache->entries[i]);
    }
    pthread_mutex_destroy(&cache->mutex);
    alloc_free(cache);
}

/* All labels, each with its NUL, an empty one, all templates. */
static enum err make_key(struct buf *key, const struct duet_label_options *options)
{
    for (size_t i = 0; i < options->n_labels; i++) {
        TRY(buf_append(key, options->labels[i], strlen(options->labels[i]) + 1));
    }
    TRY(buf_append(key, "", 1));
    for (size_t i = 0; i < options->n_templates; i++) {
        TRY(buf_append(key, options->templates[i], strlen(options->templates[i]) + 1));
    }
    return ERR_OK;
}

/* With the mutex held; NULL: it is not kept. */
static struct label_entry *find(struct label_cache *cache, const struct buf *key)
{
    for (size_t i = 0; i < LIMIT_LABELS_KEPT; i++) {
        struct label_entry *entry = &cache->entries[i];
        if (entry->key != NULL && entry->n_key == key->size &&
            memcmp(entry->key, key->data, key->size) == 0) {
            entry->n_users++;
            entry->used_at = ++cache->n_takes;
            return entry;
        }
    }
    return NULL;
}

/* With the mutex held: the place that is free, or else was used the longest ago; NULL
 * where all are in use. */
static struct label_entry *make_room(struct label_cache *cache)
{
    struct label_entry *oldest = NULL;
    for (size_t i = 0; i < LIMIT_LABELS_KEPT; i++) {
        struct label_entry *entry = &cache->entries[i];
        if (entry->n_users == 0 &&
            (oldest == NULL || entry->used_at < oldest->used_at)) {
            oldest = entry;
        }
    }
    if (oldest != NULL) {
        empty_entry(oldest);
    }
    return oldest;
}

/* Keeps the labels of the use, if there is room; it is no failure if not. */
static void keep(struct label_cache *cache, struct buf *key, struct label_use *use)
{
    size_t n_key = key->size;
    pthread_mutex_lock(&cache->mutex);
    struct label_entry *entry = make_room(cache);
    char *bytes = entry != NULL ? buf_take(key) : NULL;
    if (bytes != NULL) {
        *entry = (struct label_entry){bytes, n_key, use->labels, 1, ++cache->n_takes};
        use->entry = entry;
    }
    pthread_mutex_unlock(&cache->mutex);
}

static enum err take(struct label_cache *cache, struct duet *db,
                     const struct duet_label_options *options, struct buf *key,
                     struct label_use *use)
{
    bool keepable = cache != NULL && make_key(key, options) == ERR_OK;
    if (keepable) {
        pthread_mutex_lock(&cache->mutex);
        use->entry = find(cache, key);
        pthread_mutex_unlock(&cache->mutex);
    }
    if (use->entry != NULL) {
        use->labels = use->entry->labels;
        return ERR_OK;
    }
    TRY(duet_labels_make_for(&use->labels, db, options));
    if (keepable) {
        keep(cache, key, use);
    }
    return ERR_OK;
}

enum err label_cache_take(struct label_cache *cache, struct duet *db,
                          const struct duet_label_options *options,
                          struct label_use *use)
{
    struct buf key;
    *use = (struct label_use){.labels = NULL};
    buf_init(&key, KEY_BYTES_MAX);
    enum err result = take(cache, db, options, &key, use);
    buf_release(&key);
    return result;
}

void label_cache_give(struct label_cache *cache, struct label_use *use)
{
    if (use->entry != NULL) {
        pthread_mutex_lock(&cache->mutex);
        use->entry->n_users--;
        pthread_mutex_unlock(&cache->mutex);
    } else {
        duet_labels_free(use->labels);
    }
    *use = (struct label_use){.labels = NULL};
}
