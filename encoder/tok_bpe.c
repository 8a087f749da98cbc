/*
 * tok_bpe.c - see tok_bpe.h.
 *
 * Merges are kept by their left token: `firsts` says where the merges of each begin, and
 * those are sorted by the right one. 580,000 of them take 8 MB, half of what a hash
 * table would. The heap may hold merges whose parts are gone; they are known by that
 * what stands there now does not merge into the same token, as in the reference.
 */
#include "encoder/tok_bpe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"

struct rule {
    int32_t left, right, whole; /* ids */
    uint32_t rank;              /* lower goes first */
};

struct packed_rule {
    int32_t right, whole;
    uint32_t rank;
};

struct tok_bpe {
    struct tok_vocab vocab;
    struct rule *rules; /* [n_rules] until sealed */
    size_t n_rules, capacity;
    uint32_t *firsts;           /* [vocab.n + 1] into packed */
    struct packed_rule *packed; /* [n_rules] */
    char prefix[LIMIT_TOKENIZER_AFFIX_BYTES + 1];
    char suffix[LIMIT_TOKENIZER_AFFIX_BYTES + 1];
    size_t n_prefix, n_suffix;
    struct buf joined;     /* while merges are added */
    int32_t unknown;       /* TOK_NONE: none, or not in the vocabulary */
    bool drops_unknown;    /* there is none */
    int32_t byte_ids[256]; /* TOK_NONE where there is none */
    bool byte_fallback;
    bool fuse_unknown, ignore_merges;
};

struct bpe_symbol {
    int32_t id;
    int32_t previous, next; /* places in the array; -1 at the ends */
    bool gone;
};

struct bpe_merge {
    uint32_t rank;
    uint32_t at; /* of the left symbol */
    int32_t whole;
};

/* Opening. */

static void find_bytes(struct tok_bpe *bpe)
{
    for (int i = 0; i < 256; i++) {
        char token[8];
        int n = snprintf(token, sizeof token, "<0x%02X>", i);
        bpe->byte_ids[i] = tok_vocab_find(&bpe->vocab, token, (size_t)n);
    }
}

static enum err set_options(struct tok_bpe *bpe, const struct tok_bpe_options *o)
{
    bpe->n_prefix = strlen(o->prefix);
    bpe->n_suffix = strlen(o->suffix);
    FAIL_IF(bpe->n_prefix > LIMIT_TOKENIZER_AFFIX_BYTES ||
                bpe->n_suffix > LIMIT_TOKENIZER_AFFIX_BYTES,
            ERR_LIMIT, "a subword prefix or suffix of over %d bytes",
            LIMIT_TOKENIZER_AFFIX_BYTES);
    memcpy(bpe->prefix, o->prefix, bpe->n_prefix);
    memcpy(bpe->suffix, o->suffix, bpe->n_suffix);
    bpe->drops_unknown = o->unknown == NULL;
    bpe->unknown = o->unknown == NULL
                       ? TOK_NONE
                       : tok_vocab_find(&bpe->vocab, o->unknown, strlen(o->unknown));
    bpe->fuse_unknown = o->fuse_unknown;
    bpe->byte_fallback = o->byte_fallback;
    bpe->ignore_merges = o->ignore_merges;
    find_bytes(bpe);
    return ERR_OK;
}

enum err tok_bpe_open(struct tok_bpe **out, struct tok_vocab *vocab,
                      const struct tok_bpe_options *options)
{
    *out = NULL;
    struct tok_bpe *bpe = alloc_zero(1, sizeof *bpe);
    if (bpe == NULL) {
        tok_vocab_release(vocab);
        return ERR_NOMEM;
    }
    bpe->vocab = *vocab;
    tok_vocab_init(vocab);
    buf_init(&bpe->joined, LIMIT_MODEL_VOCABULARY_BYTES);
    enum err result = set_options(bpe, options);
    if (result != ERR_OK) {
        tok_bpe_close(bpe);
        return result;
    }
    *out = bpe;
    return ERR_OK;
}

void tok_bpe_close(struct tok_bpe *bpe)
{
    if (bpe != NULL) {
        buf_release(&bpe->joined);
        alloc_free(bpe->packed);
        alloc_free(bpe->firsts);
        alloc_free(bpe->rules);
        tok_vocab_release(&bpe->vocab);
        alloc_free(bpe);
    }
}

const struct tok_vocab *tok_bpe_vocab(const struct tok_bpe *bpe)
{
    return &bpe->vocab;
}

static enum err find_part(const struct tok_bpe *bpe, const char *part, size_t n,
                          int32_t *id)
{
    *id = tok_vocab_find(&bpe->vocab, part, n);
    FAIL_IF(*id == TOK_NONE, ERR_MODEL,
            "the merge %zu needs \"%.*s\", which is no token", bpe->n_rules,
            n < 40 ? (int)n : 40, part);
    return ERR_OK;
}

enum err tok_bpe_add_merge(struct tok_bpe *bpe, const char *left, size_t n_left,
                           const char *right, size_t n_right)
{
    struct rule rule = {.rank = (uint32_t)bpe->n_rules};
    TRY(find_part(bpe, left, n_left, &rule.left));
    TRY(find_part(bpe, right, n_right, &rule.right));
    FAIL_IF(n_right < bpe->n_prefix, ERR_MODEL,
            "the right part of merge %zu has no \"%s\"", bpe->n_rules, bpe->prefix);
    buf_clear(&bpe->joined);
    TRY(buf_append(&bpe->joined, left, n_left));
    TRY(buf_append(&bpe->joined, right + bpe->n_prefix, n_right - bpe->n_prefix));
    TRY(find_part(bpe, bpe->joined.data, bpe->joined.size, &rule.whole));
    FAIL_IF(bpe->n_rules >= 2 * LIMIT_MODEL_TOKENS, ERR_MODEL, "more than %u merges",
            2 * LIMIT_MODEL_TOKENS);
    struct rule *rules =
        alloc_grow(bpe->rules, &bpe->capacity, bpe->n_rules + 1, sizeof *rules);
    if (rules == NULL) {
        return ERR_NOMEM;
    }
    bpe->rules = rules;
    bpe->rules[bpe->n_rules] = rule;
    bpe->n_rules++;
    return ERR_OK;
}

static int compare_rules(const void *a, const void *b)
{
    const struct packed_rule *x = a, *y = b;
    if (x->right != y->right) {
        return x->right < y->right ? -1 : 1;
    }
    return (x->rank > y->rank) - (x->rank < y->rank);
}

/* Sorts the rules into one run for each left token. */
static void pack(struct tok_bpe *bpe)
{
    for (size_t i = 0; i < bpe->n_rules; i++) {
        bpe->firsts[bpe->rules[i].left + 1]++;
    }
    for (size_t id = 0; id < bpe->vocab.n; id++) {
        bpe->firsts[id + 1] += bpe->firsts[id];
    }
    for (size_t i = bpe->n_rules; i-- > 0;) { /* fills each run from its end */
        const struct rule *rule = &bpe->rules[i];
        bpe->firsts[rule->left + 1]--;
        bpe->packed[bpe->firsts[rule->left + 1]] =
            (struct packed_rule){rule->right, rule->whole, rule->rank};
    }
    for (size_t id = 0; id < bpe->vocab.n; id++) {
        bpe->firsts[id] = bpe->firsts[id + 1];
    }
    bpe->firsts[bpe->vocab.n] = (uint32_t)bpe->n_rules;
    for (size_t id = 0; id < bpe->vocab.n; id++) {
        size_t n = bpe->firsts[id + 1] - bpe->firsts[id];
        if (n > 1) {
            qsort(bpe->packed + bpe->firsts[id], n, sizeof *bpe->packed, compare_rules);
        }
    }
}

enum err tok_bpe_seal(struct tok_bpe *bpe)
{
    bpe->firsts = alloc_zero(bpe->vocab.n + 1, sizeof *bpe->firsts);
    bpe->packed = alloc_array(bpe->n_rules, sizeof *bpe->packed);
    if (bpe->firsts == NULL || bpe->packed == NULL) {
        return ERR_NOMEM;
    }
    pack(bpe);
    alloc_free(bpe->rules);
    bpe->rules = NULL;
    buf_release(&bpe->joined);
    return ERR_OK;
}

/* The rule for two ids, the last of equal ones; NULL if none. */
static const struct packed_rule *find_rule(const struct tok_bpe *bpe, int32_t left,
                                           int32_t right)
{
    size_t low = bpe->firsts[left], high = bpe->firsts[left + 1];
    size_t first = low;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bpe->packed[middle].right <= right) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const struct packed_rule *rule = low > first ? &bpe->packed[low - 1] : NULL;
    return rule != NULL && rule->right == right ? rule : NULL;
}

/* A piece into symbols. */

void tok_bpe_work_release(struct tok_bpe_work *work)
{
    alloc_free(work->symbols);
    alloc_free(work->heap);
    *work = (struct tok_bpe_work){0};
}

static enum err push_symbol(struct tok_bpe_work *work, int32_t id)
{
    struct bpe_symbol *symbols =
        alloc_grow(work->symbols, &work->capacity, work->n + 1, sizeof *symbols);
    if (symbols == NULL) {
        return ERR_NOMEM;
    }
    work->symbols = symbols;
    int32_t at = (int32_t)work->n;
    work->symbols[at] = (struct bpe_symbol){id, at - 1, -1, false};
    if (at > 0) {
        work->symbols[at - 1].next = at;
    }
    work->n++;
    return ERR_OK;
}

/* The characters of one symbol, with what goes before and behind. */
struct spelling {
    char bytes[2 * LIMIT_TOKENIZER_AFFIX_BYTES + 4];
    size_t n;
};

static void spell(const struct tok_bpe *bpe, const char *c, size_t n, bool first,
                  bool last, struct spelling *s)
{
    s->n = 0;
    if (!first) {
        memcpy(s->bytes, bpe->prefix, bpe->n_prefix);
        s->n = bpe->n_prefix;
    }
    memcpy(s->bytes + s->n, c, n);
    s->n += n;
    if (last) {
        memcpy(s->bytes + s->n, bpe->suffix, bpe->n_suffix);
        s->n += bpe->n_suffix;
    }
}

/* Pushes the bytes of an unknown character; *done says whether all of them have ids. */
static enum err push_bytes(const struct tok_bpe *bpe, const struct spelling *s,
                           struct tok_bpe_work *work, bool *done)
{
    *done = bpe->byte_fallback;
    for (size_t i = 0; *done && i < s->n; i++) {
        *done = bpe->byte_ids[(unsigned char)s->bytes[i]] != TOK_NONE;
    }
    for (size_t i = 0; *done && i < s->n; i++) {
        TRY(push_symbol(work, bpe->byte_ids[(unsigned char)s->bytes[i]]));
    }
    return ERR_OK;
}

/* An unknown token waits until a known one comes: bytes that come first go before it,
 * a surprise of the reference. */
static enum err push_unknown(const struct tok_bpe *bpe, struct tok_bpe_work *work,
                             bool *waits)
{
    if (bpe->drops_unknown) {
        return ERR_OK;
    }
    FAIL_IF(bpe->unknown == TOK_NONE, ERR_MODEL,
            "the text has an unknown character, and the vocabulary no unknown token");
    if (*waits && !bpe->fuse_unknown) {
        TRY(push_symbol(work, bpe->unknown));
    }
    *waits = true;
    return ERR_OK;
}

static enum err push_char(const struct tok_bpe *bpe, const struct spelling *s,
                          struct tok_bpe_work *work, bool *waits)
{
    bool done;
    int32_t id = tok_vocab_find(&bpe->vocab, s->bytes, s->n);
    if (id != TOK_NONE) {
        TRY(*waits ? push_symbol(work, bpe->unknown) : ERR_OK);
        *waits = false;
        return push_symbol(work, id);
    }
    TRY(push_bytes(bpe, s, work, &done));
    return done ? ERR_OK : push_unknown(bpe, work, waits);
}

static enum err push_piece(const struct tok_bpe *bpe, const char *text, size_t n,
                           struct tok_bpe_work *work)
{
    bool waits = false;
    work->n = 0;
    for (size_t i = 0, step; i < n; i += step) {
        int32_t c;
        struct spelling spelling;
        step = utf8_next(text + i, n - i, &c);
        spell(bpe, text + i, step, i == 0, i + step == n, &spelling);
        TRY(push_char(bpe, &spelling, work, &waits));
    }
    return waits ? push_symbol(work, bpe->unknown) : ERR_OK;
}

/* The heap: the lowest rank on top, of equal ones the leftmost. */

static bool goes_before(const struct bpe_merge *a, const struct bpe_merge *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static enum err heap_push(struct tok_bpe_work *work, struct bpe_merge merge)
{
    struct bpe_merge *heap =
        alloc_grow(work->heap, &work->heap_capacity, work->n_heap + 1, sizeof *heap);
    if (heap == NULL) {
        return ERR_NOMEM;
    }
    work->heap = heap;
    size_t at = work->n_heap++;
    while (at > 0 && goes_before(&merge, &work->heap[(at - 1) / 2])) {
        work->heap[at] = work->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    work->heap[at] = merge;
    return ERR_OK;
}

static struct bpe_merge heap_pop(struct tok_bpe_work *work)
{
    struct bpe_merge top = work->heap[0];
    struct bpe_merge last = work->heap[--work->n_heap];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= work->n_heap) {
            break;
        }
        if (child + 1 < work->n_heap &&
            goes_before(&work->heap[child + 1], &work->heap[child])) {
            child++;
        }
        if (!goes_before(&work->heap[child], &last)) {
            break;
        }
        work->heap[at] = work->heap[child];
        at = child;
    }
    work->heap[at] = last;
    return top;
}

/* Pushes the merge of the symbol at `at` with the one behind it, if there is one. */
static enum err consider(const struct tok_bpe *bpe, struct tok_bpe_work *work,
                         int32_t at)
{
    int32_t next = at < 0 ? -1 : work->symbols[at].next;
    if (next < 0) {
        return ERR_OK;
    }
    const struct packed_rule *rule =
        find_rule(bpe, work->symbols[at].id, work->symbols[next].id);
    return rule == NULL ? ERR_OK
                        : heap_push(work, (struct bpe_merge){rule->rank, (uint32_t)at,
                                                             rule->whole});
}

static enum err apply(const struct tok_bpe *bpe, struct tok_bpe_work *work,
                      const struct bpe_merge *merge)
{
    struct bpe_symbol *left = &work->symbols[merge->at];
    if (left->gone || left->next < 0) {
        return ERR_OK;
    }
    struct bpe_symbol *right = &work->symbols[left->next];
    const struct packed_rule *rule = find_rule(bpe, left->id, right->id);
    if (rule == NULL || rule->whole != merge->whole) {
        return ERR_OK;
    }
    left->id = merge->whole;
    left->next = right->next;
    right->gone = true;
    if (right->next >= 0) {
        work->symbols[right->next].previous = (int32_t)merge->at;
    }
    TRY(consider(bpe, work, left->previous));
    return consider(bpe, work, (int32_t)merge->at);
}

static enum err merge_all(const struct tok_bpe *bpe, struct tok_bpe_work *work)
{
    work->n_heap = 0;
    for (size_t i = 0; i + 1 < work->n; i++) {
        TRY(consider(bpe, work, (int32_t)i));
    }
    while (work->n_heap > 0) {
        struct bpe_merge merge = heap_pop(work);
        TRY(apply(bpe, work, &merge));
    }
    return ERR_OK;
}

enum err tok_bpe_encode(const struct tok_bpe *bpe, const char *text, size_t n,
                        struct tok_bpe_work *work, struct tok_out *out)
{
    int32_t whole =
        bpe->ignore_merges ? tok_vocab_find(&bpe->vocab, text, n) : TOK_NONE;
    if (whole != TOK_NONE) {
        tok_out_put(out, whole);
        return ERR_OK;
    }
    TRY(push_piece(bpe, text, n, work));
    TRY(merge_all(bpe, work));
    for (size_t i = 0; i < work->n && !out->truncated; i++) {
        if (!work->symbols[i].gone) {
            tok_out_put(out, work->symbols[i].id);
        }
    }
    return ERR_OK;
}
