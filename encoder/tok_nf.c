/*
 * tok_nf.c - see tok_nf.h.
 *
 * The characters are collected with what each does to the alignment (see tok_text.h)
 * before the rewriting begins, because both composition and the charsmap change their
 * mind about characters already made.
 */
#include "encoder/tok_nf.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "encoder/tok_unicode.h"

struct made {
    int32_t c;
    int32_t change;
};

struct made_list {
    struct made *items; /* [n] */
    size_t n, capacity;
};

static enum err push(struct made_list *list, int32_t c, int32_t change)
{
    FAIL_IF(list->n >= LIMIT_TOKENIZER_TEXT_BYTES, ERR_LIMIT,
            "the tokenizer makes more than %u characters of the text",
            LIMIT_TOKENIZER_TEXT_BYTES);
    struct made *items =
        alloc_grow(list->items, &list->capacity, list->n + 1, sizeof *items);
    if (items == NULL) {
        return ERR_NOMEM;
    }
    list->items = items;
    list->items[list->n] = (struct made){c, change};
    list->n++;
    return ERR_OK;
}

static enum err apply(const struct made_list *list, const struct tok_text *old,
                      struct tok_text *new, uint32_t shift)
{
    struct tok_change change;
    TRY(tok_change_begin(&change, old, new, shift, 0));
    for (size_t i = 0; i < list->n; i++) {
        TRY(tok_change_put(&change, list->items[i].c, list->items[i].change));
    }
    return ERR_OK;
}

static enum err copy(const struct tok_text *old, struct tok_text *new)
{
    new->n = 0;
    return tok_text_append(new, old->bytes, old->aligns, old->n);
}

/* Normal forms. */

static enum err decompose(struct made_list *list, const struct tok_text *old,
                          bool compatible)
{
    for (size_t i = 0, step; i < old->n; i += step) {
        int32_t parts[TOK_DECOMPOSE_MAX];
        size_t n = tok_decompose(tok_text_char(old, i, &step), compatible, parts);
        for (size_t k = 0; k < n; k++) {
            TRY(push(list, parts[k], k > 0));
        }
    }
    return ERR_OK;
}

/* Sorts a run of marks by their class, stably: one pass a class, of which there are few
 * in a run; a run of many thousand is no reason for more. */
static void sort_run(struct made *run, size_t n, struct made *scratch)
{
    bool present[256] = {false};
    for (size_t i = 0; i < n; i++) {
        present[tok_combining_class(run[i].c)] = true;
    }
    size_t k = 0;
    for (int class = 1; class < 256; class ++) {
        for (size_t i = 0; present[class] && i < n; i++) {
            if (tok_combining_class(run[i].c) == class) {
                scratch[k++] = run[i];
            }
        }
    }
    memcpy(run, scratch, n * sizeof *run);
}

static bool is_sorted(const struct made *run, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (tok_combining_class(run[i - 1].c) > tok_combining_class(run[i].c)) {
            return false;
        }
    }
    return true;
}

/* Canonical ordering: marks between two characters of class 0 by their class. */
static enum err reorder(struct made_list *list)
{
    struct made *scratch = NULL;
    for (size_t i = 0; i < list->n;) {
        size_t end = i;
        while (end < list->n && tok_combining_class(list->items[end].c) != 0) {
            end++;
        }
        if (!is_sorted(list->items + i, end - i)) {
            if (scratch == NULL) {
                scratch = alloc_array(list->n, sizeof *scratch);
            }
            if (scratch == NULL) {
                return ERR_NOMEM;
            }
            sort_run(list->items + i, end - i, scratch);
        }
        i = end + 1;
    }
    alloc_free(scratch);
    return ERR_OK;
}

/* Canonical composition (UAX 15), in place: `starter` is the last character of class 0,
 * and a mark reaches it where no mark between has its class or a greater one. */
static void compose(struct made_list *list)
{
    size_t n = 0, starter = SIZE_MAX;
    int last_class = -1; /* of the marks kept behind the starter; -1: none */
    for (size_t i = 0; i < list->n; i++) {
        struct made item = list->items[i];
        int class = tok_combining_class(item.c);
        int32_t whole = -1;
        if (starter != SIZE_MAX && last_class < class) {
            whole = tok_compose(list->items[starter].c, item.c);
        }
        if (whole >= 0) {
            list->items[starter].c = whole;
            list->items[starter].change += item.change - 1;
            continue;
        }
        if (class == 0) {
            starter = n;
            last_class = -1;
        } else if (starter != SIZE_MAX) {
            last_class = class;
        }
        list->items[n] = item;
        n++;
    }
    list->n = n;
}

/* Whether no normal form changes anything. */
static bool is_plain(const struct tok_text *text)
{
    if (text->n > 0 && text->aligns[0].start == text->aligns[0].end) {
        return false; /* the odd case of tok_change_begin */
    }
    for (size_t i = 0; i < text->n; i++) {
        if ((unsigned char)text->bytes[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

enum err tok_nf(enum tok_normalizer_kind kind, const struct tok_text *old,
                struct tok_text *new, uint32_t shift)
{
    struct made_list list = {0};
    enum err result;
    if (is_plain(old)) {
        return copy(old, new);
    }
    TRY_OUT(decompose(&list, old, kind == TOK_NFKC || kind == TOK_NFKD));
    TRY_OUT(reorder(&list));
    if (kind == TOK_NFC || kind == TOK_NFKC) {
        compose(&list);
    }
    TRY_OUT(apply(&list, old, new, shift));
out:
    alloc_free(list.items);
    return result;
}

/* The charsmap. */

static size_t count_chars(const char *text, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    return count;
}

/* Puts `new`[n_new] in place of n_old characters. Of more characters than there were,
 * the last are additions; of fewer, the last one made, whichever it is, swallows. */
static enum err put_replaced(struct made_list *list, size_t n_old, const char *new,
                             size_t n_new)
{
    size_t n_chars = count_chars(new, n_new);
    for (size_t i = 0, step; i < n_new; i += step) {
        int32_t c;
        step = utf8_next(new + i, n_new - i, &c);
        TRY(push(list, c, 0));
    }
    for (size_t i = n_old; i < n_chars; i++) {
        list->items[list->n - 1 - (i - n_old)].change = 1;
    }
    if (n_chars < n_old && list->n > 0) {
        list->items[list->n - 1].change -= (int32_t)(n_old - n_chars);
    }
    return ERR_OK;
}

/* One grapheme cluster. */
static enum err map_cluster(struct made_list *list, const struct tok_charsmap *map,
                            const char *cluster, size_t n, bool *modified)
{
    enum { CLUSTER_BYTES_MAX = 5 };
    size_t n_new;
    const char *new =
        n <= CLUSTER_BYTES_MAX ? tok_charsmap_find(map, cluster, n, &n_new) : NULL;
    if (new != NULL) {
        *modified = true;
        return put_replaced(list, count_chars(cluster, n), new, n_new);
    }
    for (size_t i = 0, step; i < n; i += step) {
        int32_t c;
        step = utf8_next(cluster + i, n - i, &c);
        new = tok_charsmap_find(map, cluster + i, step, &n_new);
        if (new != NULL) {
            *modified = true;
            TRY(put_replaced(list, 1, new, n_new));
        } else {
            TRY(push(list, c, 0));
        }
    }
    return ERR_OK;
}

static enum err map_clusters(struct made_list *list, const struct tok_charsmap *map,
                             const struct tok_text *old, bool *modified)
{
    struct tok_grapheme grapheme;
    tok_grapheme_begin(&grapheme);
    size_t begin = 0;
    for (size_t i = 0, step; i < old->n; i += step) {
        if (tok_grapheme_break(&grapheme, tok_text_char(old, i, &step))) {
            TRY(map_cluster(list, map, old->bytes + begin, i - begin, modified));
            begin = i;
        }
    }
    return map_cluster(list, map, old->bytes + begin, old->n - begin, modified);
}

enum err tok_nf_charsmap(const struct tok_charsmap *map, const struct tok_text *old,
                         struct tok_text *new, uint32_t shift)
{
    struct made_list list = {0};
    bool modified = false;
    enum err result;
    if (old->n == 0) {
        return copy(old, new);
    }
    TRY_OUT(map_clusters(&list, map, old, &modified));
    result = modified ? apply(&list, old, new, shift) : copy(old, new);
out:
    alloc_free(list.items);
    return result;
}
