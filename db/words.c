/*
 * words.c - see words.h.
 */
#include "db/words.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

enum { UNIT_BYTES_MAX = 64 }; /* a character and the marks on it; more are cut off */

/* A character of a script without spaces, with the marks on it. */
struct unit {
    char bytes[UNIT_BYTES_MAX];
    size_t n, n_chars;
};

/* A text that is read word by word. */
struct reader {
    const struct words_how *how;
    const char *text;
    size_t n, at;
    char word[LIMIT_FILTER_WORD_BYTES + 1]; /* with a NUL */
    size_t n_word, n_chars;
    bool too_long;    /* `word` is the beginning of a longer one */
    struct unit last; /* the unit that ends at `last_end`, of which `paired` says
                         whether the two that it and the next are were given already */
    size_t last_end;
    bool paired;
    bool is_part; /* `word` is one character of a two */
};

static int32_t fold(const struct words_how *how, int32_t c)
{
    static const int32_t FINAL_SIGMA = 0x3c2, SIGMA = 0x3c3;
    if (how->keep_case) {
        return c;
    }
    c = utf8_lower(c);
    return c == FINAL_SIGMA ? SIGMA : c;
}

static void add_bytes(struct reader *r, const char *bytes, size_t n)
{
    if (r->too_long || n > LIMIT_FILTER_WORD_BYTES - r->n_word) {
        r->too_long = true;
        return;
    }
    memcpy(r->word + r->n_word, bytes, n);
    r->n_word += n;
}

static bool is_cut(const struct reader *r)
{
    return r->how->tokenizer == WORDS_PREFIX && r->how->max_chars > 0 &&
           r->n_chars >= r->how->max_chars;
}

static void add_letter(struct reader *r, int32_t c)
{
    char bytes[4];
    if (is_cut(r)) {
        return;
    }
    add_bytes(r, bytes, utf8_put(fold(r->how, c), bytes));
    r->n_chars++;
}

/* The code point at `at`, and the next one's place. What is no UTF-8 is a byte that
 * belongs to no word, as U+0000 is, which ends strings here. */
static int32_t code_point_at(const struct reader *r, size_t at, size_t *next)
{
    int32_t c = 0;
    size_t step = utf8_next(r->text + at, r->n - at, &c);
    *next = at + (step > 0 ? step : 1);
    return step > 0 ? c : 0;
}

static bool is_letter(const struct reader *r, int32_t c)
{
    switch (r->how->tokenizer) {
    case WORDS_WHITESPACE:
        return c != 0 && !utf8_is_space(c);
    case WORDS_MULTILINGUAL:
        return utf8_is_alnum(c) || (r->n_word > 0 && utf8_is_mark(c));
    default:
        return utf8_is_alnum(c);
    }
}

static bool is_unspaced(const struct reader *r, int32_t c)
{
    return r->how->tokenizer == WORDS_MULTILINGUAL && utf8_is_unspaced(c) &&
           utf8_is_alnum(c);
}

/* ---- Scripts without spaces ---- */

/* The unit at r->at; *next is behind it. */
static void read_unit(const struct reader *r, struct unit *unit, size_t *next)
{
    int32_t c = code_point_at(r, r->at, next);
    unit->n = 0;
    unit->n_chars = 0;
    for (;;) {
        if (unit->n + 4 <= sizeof unit->bytes) {
            unit->n += utf8_put(fold(r->how, c), unit->bytes + unit->n);
            unit->n_chars++;
        }
        size_t behind = *next;
        c = *next < r->n ? code_point_at(r, *next, &behind) : 0;
        if (!utf8_is_mark(c)) {
            return;
        }
        *next = behind;
    }
}

static bool is_unspaced_at(const struct reader *r, size_t at)
{
    size_t next;
    return at < r->n && is_unspaced(r, code_point_at(r, at, &next));
}

/* One unit, but before it the two that it and the one before it are. */
static void take_unit(struct reader *r)
{
    struct unit unit;
    size_t next;
    read_unit(r, &unit, &next);
    if (r->last.n > 0 && r->last_end == r->at && !r->paired) {
        add_bytes(r, r->last.bytes, r->last.n);
        r->n_chars = r->last.n_chars;
        r->paired = true;
    } else {
        r->is_part = r->paired || is_unspaced_at(r, next);
        r->last = unit;
        r->last_end = r->at = next;
        r->paired = false;
    }
    add_bytes(r, unit.bytes, unit.n);
    r->n_chars += unit.n_chars;
}

/* ---- Words ---- */

/* The next word, however short or long; false at the end of the text. */
static bool take_word(struct reader *r)
{
    r->n_word = r->n_chars = 0;
    r->too_long = r->is_part = false;
    while (r->at < r->n) {
        size_t next;
        int32_t c = code_point_at(r, r->at, &next);
        bool unspaced = is_unspaced(r, c);
        if (r->n_word > 0 && (unspaced || !is_letter(r, c))) {
            break;
        }
        if (unspaced) {
            take_unit(r);
            break;
        }
        if (is_letter(r, c)) {
            add_letter(r, c);
        }
        r->at = next;
    }
    r->word[r->n_word] = '\0';
    return r->n_word > 0;
}

/* The next word; false at the end of the text. */
static bool next_word(struct reader *r)
{
    const struct words_how *how = r->how;
    while (take_word(r)) {
        bool too_many = how->max_chars > 0 && r->n_chars > how->max_chars;
        if (r->n_chars >= how->min_chars && !too_many) {
            return true;
        }
    }
    return false;
}

enum err words_each(const struct words_how *how, const char *text, size_t n,
                    words_visit *visit, void *arg)
{
    struct reader r = {.how = how, .text = text, .n = n};
    while (next_word(&r)) {
        /* Of a long one the beginning is all that a prefix can ask for. */
        if (!r.too_long || how->tokenizer == WORDS_PREFIX) {
            TRY(visit(arg, r.word, r.n_word));
        }
    }
    return ERR_OK;
}

/* ---- What is looked for ---- */

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_words(struct words *w)
{
    size_t n = 0;
    qsort(w->sorted, w->n, sizeof *w->sorted, compare_words);
    for (size_t i = 0; i < w->n; i++) {
        if (n == 0 || strcmp(w->sorted[i], w->sorted[n - 1]) != 0) {
            w->sorted[n++] = w->sorted[i];
        }
    }
    w->n = n;
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
    if (!r->is_part || r->how->max_chars == 1) { /* twos are too long then */
        w->sorted[w->n++] = word;
    }
    return ERR_OK;
}

enum err words_parse(struct words *w, struct arena *arena, const struct words_how *how,
                     const char *text, size_t n)
{
    struct reader r = {.how = how, .text = text, .n = n};
    *w = (struct words){.how = *how};
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

/* What is called for each word of a text that one of the sorted words is. True ends the
 * search. */
typedef bool found_visit(void *arg, size_t i);

/* By the prefix tokenizer one word of the text may be several that are looked for. */
static bool each_beginning(const struct words *w, const struct reader *r,
                           found_visit *visit, void *arg)
{
    for (size_t i = 0; i < w->n; i++) {
        size_t n = strlen(w->sorted[i]);
        if (n <= r->n_word && memcmp(w->sorted[i], r->word, n) == 0 && visit(arg, i)) {
            return true;
        }
    }
    return false;
}

static bool each_same(const struct words *w, const struct reader *r, found_visit *visit,
                      void *arg)
{
    const char *key = r->word;
    if (r->too_long) {
        return false;
    }
    const char **found =
        bsearch(&key, w->sorted, w->n, sizeof *w->sorted, compare_words);
    return found != NULL && visit(arg, (size_t)(found - w->sorted));
}

static bool search(const struct words *w, const char *text, size_t n,
                   found_visit *visit, void *arg)
{
    struct reader r = {.how = &w->how, .text = text, .n = n};
    bool prefix = w->how.tokenizer == WORDS_PREFIX;
    while (w->n > 0 && next_word(&r)) {
        if (prefix ? each_beginning(w, &r, visit, arg) : each_same(w, &r, visit, arg)) {
            return true;
        }
    }
    return false;
}

struct seen {
    bool items[LIMIT_FILTER_WORDS];
    size_t n, n_wanted;
};

static bool see(void *arg, size_t i)
{
    struct seen *seen = arg;
    seen->n += seen->items[i] ? 0 : 1;
    seen->items[i] = true;
    return seen->n == seen->n_wanted;
}

bool words_all_in(const struct words *w, const char *text, size_t n)
{
    struct seen seen = {.n_wanted = w->n};
    return search(w, text, n, see, &seen);
}

static bool any(void *arg, size_t i)
{
    (void)arg;
    (void)i;
    return true;
}

bool words_any_in(const struct words *w, const char *text, size_t n)
{
    return search(w, text, n, any, NULL);
}

bool words_phrase_in(const struct words *w, const char *text, size_t n)
{
    struct reader r = {.how = &w->how, .text = text, .n = n};
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
