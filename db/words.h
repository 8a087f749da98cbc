/*
 * words.h - the words of a text, for filters on texts without an index.
 *
 * A word is a run of letters and digits of any script, lower-cased letter by letter
 * (the two small sigmas are one). Scripts without spaces are not split: a run of
 * Chinese is one word. That is the dialect's word tokenizer.
 *
 * Pure functions, any thread.
 */
#ifndef DB_WORDS_H
#define DB_WORDS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/limits.h"

#include <stdbool.h>

struct words {
    const char **sorted;   /* [n], different from one another; of the arena */
    const char **in_order; /* [n_in_order], as in the text */
    /* [n_in_order]: where to go on where the next word is not the one wanted; the
     * failure function of Knuth, Morris and Pratt. */
    size_t *retry;
    size_t n, n_in_order;
};

/* The words of a text that is looked for. ERR_LIMIT: more than LIMIT_FILTER_WORDS, or
 * one of more than LIMIT_FILTER_WORD_BYTES; ERR_NOMEM. */
enum err words_parse(struct words *words, struct arena *arena, const char *text,
                     size_t n) ERR_CHECK;

/* Whether text[n] has all of them, any of them, or all of them in their order with no
 * other between. No words at all are in no text. */
bool words_all_in(const struct words *words, const char *text, size_t n);
bool words_any_in(const struct words *words, const char *text, size_t n);
bool words_phrase_in(const struct words *words, const char *text, size_t n);

#endif
