/*
 * text_cache.h - vectors of the texts that were lately searched for. People search for
 * the same things, and encoding a text takes a thousand times what finding it here does.
 *
 *     TRY(text_cache_open(&cache, dim));
 *     if (!text_cache_get(cache, text, n, vector, &truncated)) {
 *         ... encode it ...
 *         text_cache_put(cache, text, n, vector, truncated);
 *     }
 *     text_cache_close(cache);
 *
 * Bounded: TEXT_CACHE_ENTRIES texts of at most TEXT_CACHE_TEXT_BYTES, the one that was
 * asked for longest ago goes first; with 512 numbers a vector, 9 to 11 MB. What is got
 * is what was put, to the bit. Any thread.
 */
#ifndef DB_TEXT_CACHE_H
#define DB_TEXT_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { TEXT_CACHE_ENTRIES = 4096, TEXT_CACHE_TEXT_BYTES = 512 };

struct text_cache;

/* For vectors of `dim` numbers. On failure *out is NULL: ERR_NOMEM. */
enum err text_cache_open(struct text_cache **out, size_t dim) ERR_CHECK;

/* Accepts NULL. */
void text_cache_close(struct text_cache *cache);

/* Copies what was put for the text into vector[dim]; false where there is nothing. */
bool text_cache_get(struct text_cache *cache, const char *text, size_t n, float *vector,
                    bool *truncated);

/* Keeps it. A text that is too long, or there already, is left alone; so is any where
 * memory is short. */
void text_cache_put(struct text_cache *cache, const char *text, size_t n,
                    const float *vector, bool truncated);

struct text_cache_stats {
    uint64_t n_hits, n_misses;
    size_t n_texts; /* now */
};
struct text_cache_stats text_cache_stats(struct text_cache *cache);

#endif
