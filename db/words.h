/*
 * words.h - the words of a text, for filters on texts and for the indexes of them.
 *
 * What a word is, a tokenizer says; those of the dialect are four:
 *
 *   word          a run of letters and digits of any script. Scripts without spaces are
 *                 not split: a run of Chinese is one word. So it is without an index.
 *   whitespace    what stands between white space, with its punctuation.
 *   prefix        as `word`, and what is looked for need only be the beginning of one.
 *   multilingual  as `word`, with its accents; of scripts that are written without
 *                 spaces (Han, kana, Thai, Lao, Khmer, Burmese) each character is a word,
 *                 and each two that stand beside one another are; of what is looked for
 *                 the twos, and one that stands alone. So "海滩" is found in "狗在海滩",
 *                 and not where the two stand apart.
 *
 * Words are lower-cased letter by letter (the two small sigmas are one).
 *
 * Pure functions, any thread.
 */
#ifndef DB_WORDS_H
#define DB_WORDS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/limits.h"

#include <stdbool.h>

enum words_tokenizer { WORDS_WORD, WORDS_WHITESPACE, WORDS_PREFIX, WORDS_MULTILINGUAL };

/* All zero: as without an index. */
struct words_how {
    enum words_tokenizer tokenizer;
    /* Characters of a word; shorter and longer ones are no words. Of the prefix
     * tokenizer a longer one is cut. 0: no bound. */
    size_t min_chars, max_chars;
    bool keep_case;
};

struct words {
    struct words_how how;
    const char **sorted;   /* [n], different from one another, without those that are
                              part of a two; of the arena */
    const char **in_order; /* [n_in_order], as in the text */
    /* [n_in_order]: where to go on where the next word is not the one wanted; the
     * failure function of Knuth, Morris and Pratt. */
    size_t *retry;
    size_t n, n_in_order;
};

/* The words of a text that is looked for. ERR_LIMIT: more than LIMIT_FILTER_WORDS, or
 * one of more than LIMIT_FILTER_WORD_BYTES; ERR_NOMEM. */
enum err words_parse(struct words *words, struct arena *arena,
                     const struct words_how *how, const char *text, size_t n) ERR_CHECK;

/* Whether text[n] has all of them, any of them, or all of them in their order with no
 * other between. No words at all are in no text. */
bool words_all_in(const struct words *words, const char *text, size_t n);
bool words_any_in(const struct words *words, const char *text, size_t n);
bool words_phrase_in(const struct words *words, const char *text, size_t n);

/* Called with each word of a text, as often as it is there, but for those of more than
 * LIMIT_FILTER_WORD_BYTES, which nobody can look for (by the prefix tokenizer, so many
 * bytes of it). Anything but ERR_OK ends the walk
 * and is its result. */
typedef enum err words_visit(void *arg, const char *word, size_t n);
enum err words_each(const struct words_how *how, const char *text, size_t n,
                    words_visit *visit, void *arg) ERR_CHECK;

#endif
