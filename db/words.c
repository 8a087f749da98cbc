/*
 * words.c - see words.h.
 */
#include "db/words.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* A text that is read word by word. */
struct reader {
    const char *text;
    size_t n, at;
    char word[LIMIT_FILTER_WORD_BYTES + 1]; /* with a NUL */
    size_t n_word;
    bool too_long; /* `word` is the beginning of a longer one */
};

static int32_t fold(int32_t c)
{
    static const int32_t FINAL_SIGMA = 0x3c2, SIGMA = 0x3c3;
    c = utf8_lower(c);
    return c == FINAL_SIGMA ? SIGMA : c;
}

static void add_letter(struct reader *r, int32_t c)
{
    char bytes[4];
    size_t n = utf8_put(fold(c), bytes);
    if (r->too_long || n > LIMIT_FILTER_WORD_BYTES - r->n_word) {
        r->too_long = true;
        return;
    }
    memcpy(r->word + r->n_word, bytes, n);
    r->n_word += n;
}

/* The next word; false at the end of the text. */
static bool next_word(struct reader *r)
{
    r->n_word = 0;
    r->too_long = false;
    while (r->at < r->n) {
        int32_t c;
        size_t step = utf8_next(r->text + r->at, r->n - r->at, &c);
        r->at += step > 0 ? step : 1;
        if (step > 0 && utf8_is_alnum(c)) {
            add_letter(r, c);
        } else if (r->n_word > 0) {
            break;
        }
    }
    r->word[r->n_word] = '\0';
    return r->n_word > 0;
}

/* ---- What is looked for ---- */

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_words(struct words *w)
{
    memcpy(w->sorted, w->in_order, w->n_in_order * sizeof *w->sorted);
    qsort(w->sorted, w->n_in_order, sizeof *w->sorted, compare_words);
    for (size_t i = 0; i < w->n_in_order; i++) {
        if (i == 0 || strcmp(w->sorted[i], w->sorted[w->n - 1]) != 0) {
            w->sorted[w->n++] = w->sorted[i];
        }
    }
}

/* retry[i]: so many of the words before the i-th are also the phrase's beginning. */
static void find_retries(struct words *w)
{
    size_t k = 0;
    for (size_t i = 1; i + 1 < w->n_in_order; i++) {
        while (k > 0 && strcmp(w->in_order[i], w->in_order[k]) != 0) {
            k = w->retry[k];
        }
        k += strcmp(w->in_order[i], w->in_order[k]) == 0 ? 1 : 0;
        w->retry[i + 1] = k;
    }
}

static enum err add_word(struct words *w, struct arena *arena, const struct reader *r)
{
    FAIL_IF(r->too_long, ERR_LIMIT, "has a word of more than %d bytes",
            LIMIT_FILTER_WORD_BYTES);
    FAIL_IF(w->n_in_order == LIMIT_FILTER_WORDS, ERR_LIMIT, "has more than %d words",
            LIMIT_FILTER_WORDS);
    char *word = arena_array(arena, r->n_word + 1, 1);
    if (word == NULL) {
        return ERR_NOMEM;
    }
    memcpy(word, r->word, r->n_word);
    w->in_order[w->n_in_order++] = word;
    return ERR_OK;
}

enum err words_parse(struct words *w, struct arena *arena, const char *text, size_t n)
{
    struct reader r = {.text = text, .n = n};
    *w = (struct words){0};
    w->sorted = arena_array(arena, LIMIT_FILTER_WORDS, sizeof *w->sorted);
    w->in_order = arena_array(arena, LIMIT_FILTER_WORDS, sizeof *w->in_order);
    w->retry = arena_array(arena, LIMIT_FILTER_WORDS, sizeof *w->retry);
    if (w->sorted == NULL || w->in_order == NULL || w->retry == NULL) {
        return ERR_NOMEM;
    }
    while (next_word(&r)) {
        TRY(add_word(w, arena, &r));
    }
    sort_words(w);
    find_retries(w);
    return ERR_OK;
}

/* ---- Looking for it ---- */

/* The place of the reader's word among the sorted ones; w->n where it is none. */
static size_t find_word(const struct words *w, const struct reader *r)
{
    const char *key = r->word;
    if (r->too_long || w->n == 0) {
        return w->n;
    }
    const char **found =
        bsearch(&key, w->sorted, w->n, sizeof *w->sorted, compare_words);
    return found == NULL ? w->n : (size_t)(found - w->sorted);
}

bool words_all_in(const struct words *w, const char *text, size_t n)
{
    struct reader r = {.text = text, .n = n};
    bool seen[LIMIT_FILTER_WORDS] = {false};
    size_t n_seen = 0;
    while (n_seen < w->n && next_word(&r)) {
        size_t i = find_word(w, &r);
        if (i < w->n && !seen[i]) {
            seen[i] = true;
            n_seen++;
        }
    }
    return w->n > 0 && n_seen == w->n;
}

bool words_any_in(const struct words *w, const char *text, size_t n)
{
    struct reader r = {.text = text, .n = n};
    while (w->n > 0 && next_word(&r)) {
        if (find_word(w, &r) < w->n) {
            return true;
        }
    }
    return false;
}

bool words_phrase_in(const struct words *w, const char *text, size_t n)
{
    struct reader r = {.text = text, .n = n};
    size_t k = 0; /* words of the phrase that end here */
    while (w->n > 0 && next_word(&r)) {
        bool same = !r.too_long && strcmp(r.word, w->in_order[k]) == 0;
        while (!same && k > 0) {
            k = w->retry[k];
            same = !r.too_long && strcmp(r.word, w->in_order[k]) == 0;
        }
        k += same ? 1 : 0;
        if (k == w->n_in_order) {
            return true;
        }
    }
    return false;
}
