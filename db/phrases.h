/*
 * phrases.h - a list of sentences with their vectors, and its parts: where the list is,
 * and where its vectors are kept between two runs.
 *
 * Threads: fixed once open; the functions here keep no state.
 */
#ifndef DB_PHRASES_H
#define DB_PHRASES_H

#include "base/buffer.h"
#include "db/duet_encoder.h"

struct duet_phrases {
    struct buf file;    /* the list's bytes, lines ended by NUL */
    const char **texts; /* [n], in `file` */
    size_t n, dim;
    float *vectors; /* [n, dim], unit length */
};

/* Appends the path of our own list for `lang` ("en"): it is looked for in $DUET_PHRASES
 * (a folder), by the program (PREFIX/share/duet/phrases of PREFIX/bin/duet), and where
 * `make install` put it. ERR_INVALID: no language's name; ERR_NOT_FOUND lists where it
 * looked. */
enum err phrases_find(const char *lang, struct buf *path) ERR_CHECK;

/* What a cached file is good for: these sentences by this model. */
struct phrases_key {
    const char *fingerprint; /* of the model */
    const char *list;        /* the path of the list: names the file, with the model */
};

/* The vectors from the folder `cache` (NULL and "": see duet_phrases_options) into
 * phrases->vectors; whether they were there, whole, and of these sentences. */
bool phrases_cache_load(struct duet_phrases *phrases, const struct phrases_key *key,
                        const char *cache);

/* Puts them there; a failure is told in the log at most. */
void phrases_cache_save(const struct duet_phrases *phrases,
                        const struct phrases_key *key, const char *cache);

#endif
