/*
 * suggest.c - see suggest.h. The distance is optimal string alignment: Levenshtein's,
 * and swapped neighbours ("serach") count once.
 */
#include "cli/suggest.h"

#include <string.h>

enum { WORD_MAX = 32 }; /* longer words are no misspelling of ours */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(const char *a, const char *b)
{
    size_t n_a = strlen(a), n_b = strlen(b);
    size_t d[WORD_MAX + 1][WORD_MAX + 1];
    for (size_t i = 0; i <= n_a; i++) {
        d[i][0] = i;
    }
    for (size_t j = 0; j <= n_b; j++) {
        d[0][j] = j;
    }
    for (size_t i = 1; i <= n_a; i++) {
        for (size_t j = 1; j <= n_b; j++) {
            size_t replaced = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            d[i][j] = least(replaced, least(d[i - 1][j], d[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
            }
        }
    }
    return d[n_a][n_b];
}

const char *suggest_nearest(const char *word, const char *const *names, size_t n)
{
    const char *nearest = NULL;
    size_t n_word = strlen(word);
    size_t best = n_word / 3 > 1 ? n_word / 3 : 1;
    if (n_word > WORD_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        if (strlen(names[i]) > WORD_MAX) {
            continue;
        }
        size_t d = distance(word, names[i]);
        if (d < best || (d == best && nearest == NULL)) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}
