/*
 * tok_prefix.h - which of many strings begin at a place of a text, shortest first.
 *
 *     struct tok_walk walk = tok_walk_begin(set);
 *     for (i = at; i < n && tok_walk_step(set, &walk, text[i]); i++) {
 *         int32_t id = tok_walk_hit(set, &walk);   // text[at..i] is that string
 *     }
 *
 * The strings are only sorted; a walk keeps the run of those that share what was read,
 * and each step narrows it by two binary searches. That needs 4 bytes a string where a
 * trie needs hundreds, and is fast enough: a text has few bytes. Read-only once open.
 */
#ifndef ENCODER_TOK_PREFIX_H
#define ENCODER_TOK_PREFIX_H

#include <stdbool.h>

#include "encoder/tok_vocab.h"

struct tok_prefix {
    const char *bytes;            /* of the strings; not owned */
    const struct tok_span *spans; /* [n], not owned */
    int32_t *order;               /* [n] indices into `spans`, sorted by bytes */
    uint32_t first[257];          /* where in `order` the strings with a byte begin */
    size_t n;
};

struct tok_walk {
    size_t low, high; /* the run within `order` */
    size_t depth;     /* bytes read */
};

/* Sorts spans[n] over `bytes`; both must outlive the set. ERR_NOMEM leaves it empty. */
enum err tok_prefix_open(struct tok_prefix *set, const char *bytes,
                         const struct tok_span *spans, size_t n) ERR_CHECK;
void tok_prefix_close(struct tok_prefix *set);

struct tok_walk tok_walk_begin(const struct tok_prefix *set);

/* Reads one byte more; false where no string goes on so. */
bool tok_walk_step(const struct tok_prefix *set, struct tok_walk *walk, char byte);

/* The index of the string that is exactly what was read, or TOK_NONE. */
int32_t tok_walk_hit(const struct tok_prefix *set, const struct tok_walk *walk);

#endif
