/*
 * tok_regex.h - the regular expressions of tokenizer.json, by Oniguruma, the library
 * that the reference uses too, in the syntax that it calls its own.
 *
 * A pattern comes from a downloaded file and a text from anyone, so both are bounded:
 * look-around may hold no quantifier, there are no back references, recursion, absent
 * operators or look-behind (each can cost a power of the text without backtracking);
 * backtracking is limited by LIMIT_REGEX_RETRIES, and all of it for one text by
 * LIMIT_REGEX_SECONDS of processor time.
 *
 * A regex is read-only once open and may be used by any number of threads, each with a
 * tok_clock and a tok_search of its own.
 */
#ifndef ENCODER_TOK_REGEX_H
#define ENCODER_TOK_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct tok_regex;

/* ERR_MODEL: no regular expression; ERR_UNSUPPORTED: one that is not taken. */
enum err tok_regex_open(struct tok_regex **out, const char *pattern, size_t n)
    ERR_CHECK;
void tok_regex_close(struct tok_regex *regex);

/* The processor time that is left for one text; zeroed at its start. */
struct tok_clock {
    uint64_t end_ns;    /* 0: not started */
    uint64_t unchecked; /* what was searched since the last look at the time */
};

/* All matches in text[n], one after the other. */
struct tok_search {
    const struct tok_regex *regex;
    struct tok_clock *clock;
    const char *text; /* [n] */
    size_t n;
    size_t at;       /* where the next search begins */
    size_t last_end; /* of the last match; SIZE_MAX before the first */
};

void tok_search_begin(struct tok_search *s, const struct tok_regex *regex,
                      struct tok_clock *clock, const char *text, size_t n);

/* The next match, text[begin..end], which may be empty; *found false behind the last
 * one. ERR_MODEL: the pattern costs more than the limits allow. */
enum err tok_search_next(struct tok_search *s, bool *found, size_t *begin, size_t *end)
    ERR_CHECK;

#endif
