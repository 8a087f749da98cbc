/*
 * text_cache.c - see text_cache.h.
 *
 * A hash table of chains over entries that are also in one list, the latest asked for in
 * front. One mutex: what happens under it takes a microsecond, a search at least fifty.
 */
#include "db/text_cache.h"

#include <pthread.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/alloc.h"

enum { N_CHAINS = 8192 }; /* a power of two */

struct entry {
    struct entry *chain; /* the next one with the same place in the table */
    struct entry *newer, *older;
    uint64_t hash;
    size_t n; /* bytes of the text */
    bool truncated;
    float vector[]; /* [dim], the text behind it */
};

struct text_cache {
    pthread_mutex_t lock; /* guards all below */
    size_t dim;
    struct entry *newest, *oldest;
    struct text_cache_stats stats;
    struct entry *chains[N_CHAINS];
};

enum err text_cache_open(struct text_cache **out, size_t dim)
{
    *out = alloc_zero(1, sizeof **out);
    FAIL_IF(*out == NULL, ERR_NOMEM, "out of memory");
    (*out)->dim = dim;
    pthread_mutex_init(&(*out)->lock, NULL);
    return ERR_OK;
}

void text_cache_close(struct text_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    struct entry *older;
    for (struct entry *entry = cache->newest; entry != NULL; entry = older) {
        older = entry->older;
        alloc_free(entry);
    }
    pthread_mutex_destroy(&cache->lock);
    alloc_free(cache);
}

static char *text_of(const struct text_cache *cache, struct entry *entry)
{
    return (char *)(entry->vector + cache->dim);
}

/* ---- Under the lock ---------------------------------------------------------------- */

/* The pointer to the text's entry in its chain; to NULL, at the chain's end, where there
 * is none. */
static struct entry **find(struct text_cache *cache, uint64_t hash, const char *text,
                           size_t n)
{
    struct entry **at = &cache->chains[hash % N_CHAINS];
    while (*at != NULL && ((*at)->hash != hash || (*at)->n != n ||
                           memcmp(text_of(cache, *at), text, n) != 0)) {
        at = &(*at)->chain;
    }
    return at;
}

static void unlink_entry(struct text_cache *cache, struct entry *entry)
{
    *(entry->newer != NULL ? &entry->newer->older : &cache->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry->newer;
}

static void push_newest(struct text_cache *cache, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = cache->newest;
    *(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry;
    cache->newest = entry;
}

static void drop_oldest(struct text_cache *cache)
{
    struct entry *entry = cache->oldest;
    struct entry **at = find(cache, entry->hash, text_of(cache, entry), entry->n);
    *at = entry->chain;
    unlink_entry(cache, entry);
    alloc_free(entry);
    cache->stats.n_texts--;
}

/* ---- The two calls -------------------------------------------------------------------- */

bool text_cache_get(struct text_cache *cache, const char *text, size_t n, float *vector,
                    bool *truncated)
{
    uint64_t hash = XXH3_64bits(text, n);
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = *find(cache, hash, text, n);
    if (entry != NULL) {
        memcpy(vector, entry->vector, cache->dim * sizeof *vector);
        *truncated = entry->truncated;
        unlink_entry(cache, entry);
        push_newest(cache, entry);
        cache->stats.n_hits++;
    } else {
        cache->stats.n_misses++;
    }
    pthread_mutex_unlock(&cache->lock);
    return entry != NULL;
}

/* NULL if memory is short. */
static struct entry *make_entry(const struct text_cache *cache, const char *text,
                                size_t n, const float *vector)
{
    size_t n_vector = cache->dim * sizeof *vector;
    struct entry *entry = alloc_array(1, sizeof *entry + n_vector + n);
    if (entry != NULL) {
        memcpy(entry->vector, vector, n_vector);
        memcpy(text_of(cache, entry), text, n);
        entry->n = n;
        entry->hash = XXH3_64bits(text, n);
        entry->chain = NULL;
    }
    return entry;
}

void text_cache_put(struct text_cache *cache, const char *text, size_t n,
                    const float *vector, bool truncated)
{
    struct entry *entry =
        n <= TEXT_CACHE_TEXT_BYTES ? make_entry(cache, text, n, vector) : NULL;
    if (entry == NULL) {
        return;
    }
    entry->truncated = truncated;
    pthread_mutex_lock(&cache->lock);
    struct entry **at = find(cache, entry->hash, text, n);
    bool is_new = *at == NULL; /* else another thread was faster */
    if (is_new) {
        *at = entry;
        push_newest(cache, entry);
        cache->stats.n_texts++;
    }
    if (cache->stats.n_texts > TEXT_CACHE_ENTRIES) {
        drop_oldest(cache);
    }
    pthread_mutex_unlock(&cache->lock);
    if (!is_new) {
        alloc_free(entry);
    }
}

struct text_cache_stats text_cache_stats(struct text_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    struct text_cache_stats stats = cache->stats;
    pthread_mutex_unlock(&cache->lock);
    return stats;
}
