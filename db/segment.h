/*
 * segment.h - the sealed segments that this process has in memory.
 *
 *     TRY(segment_acquire(cache, key, &segment));      // NULL: scan the range instead
 *     if (segment != NULL) {
 *         ann_search(segment->ann, ...);
 *         segment_release(cache, segment);
 *     }
 *
 * A segment is an ANN index over a range of slots of one space, in a file of its own
 * under segments/. Which segments there are is in the store (struct record_space); the
 * files are a cache of it: one that is missing or damaged costs speed, never an answer.
 * It is reported once, its range is scanned exactly, and a writer builds it anew.
 *
 * Threads: any number at once. A segment stays in memory while someone holds it.
 */
#ifndef DB_SEGMENT_H
#define DB_SEGMENT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "index/ann.h"

/* Which segment; the generation alone tells those of a space apart. */
struct segment_key {
    uint32_t collection;
    size_t space;
    uint64_t generation;
};

static inline bool segment_key_equal(struct segment_key a, struct segment_key b)
{
    return a.collection == b.collection && a.space == b.space &&
           a.generation == b.generation;
}

struct segment {
    const struct ann *ann;
};

struct segment_cache;
struct asked;
struct gauge;

/* `folder` is the database's. */
enum err segment_cache_open(struct segment_cache **out, const char *folder) ERR_CHECK;

/* With no segment held. Accepts NULL. */
void segment_cache_close(struct segment_cache *cache);

/* Loads the segment unless it is in memory. Its file must cover `n_slots` of `dim`; if
 * it does not, or cannot be read, *out is NULL and it counts as broken. ERR_NOMEM. */
enum err segment_acquire(struct segment_cache *cache, struct segment_key key,
                         size_t dim, size_t n_slots, struct segment **out) ERR_CHECK;
void segment_release(struct segment_cache *cache, struct segment *segment);

/* Whether segment_acquire has found it broken. */
bool segment_is_broken(struct segment_cache *cache, struct segment_key key);

/* The manifest does not name it any more: it leaves memory with its last user. */
void segment_forget(struct segment_cache *cache, struct segment_key key);

/* What was asked lately of the spaces (asked.h); never NULL. */
struct asked *segment_cache_asked(const struct segment_cache *cache);

/* The recall gauge that is offered what was asked (gauge.h), borrowed; NULL until it is
 * set, before any search. */
void segment_cache_set_gauge(struct segment_cache *cache, struct gauge *gauge);
struct gauge *segment_cache_gauge(const struct segment_cache *cache);

/* The path of its file. */
enum err segment_path(const struct segment_cache *cache, struct segment_key key,
                      char path[PATH_MAX]) ERR_CHECK;

/* Calls `visit` for each file in segments/ that is named as one of ours, and as a
 * temporary left by a crash with *key all zero. */
typedef void segment_visit(void *arg, struct segment_key key, const char *path);
enum err segment_files_walk(const struct segment_cache *cache, segment_visit *visit,
                            void *arg) ERR_CHECK;

#endif
