/*
 * tok_vocab.c - see tok_vocab.h. Eight bytes a token besides its own, and sixteen to
 * thirty-two for the table: 256,000 tokens take some 8 MB.
 */
#include "encoder/tok_vocab.h"

#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/limits.h"

enum { ABSENT = UINT32_MAX }; /* `at` of an id that no token has */

struct tok_slot {
    uint32_t hash;
    int32_t id; /* TOK_NONE: free */
};

void tok_vocab_init(struct tok_vocab *v)
{
    *v = (struct tok_vocab){0};
    buf_init(&v->bytes, LIMIT_MODEL_VOCABULARY_BYTES);
}

void tok_vocab_release(struct tok_vocab *v)
{
    buf_release(&v->bytes);
    alloc_free(v->spans);
    alloc_free(v->slots);
    tok_vocab_init(v);
}

/* Makes `id` a valid place of `spans`. */
static enum err reach(struct tok_vocab *v, size_t id)
{
    struct tok_span *spans = alloc_grow(v->spans, &v->capacity, id + 1, sizeof *spans);
    if (spans == NULL) {
        return ERR_NOMEM;
    }
    v->spans = spans;
    for (; v->n <= id; v->n++) {
        v->spans[v->n] = (struct tok_span){ABSENT, 0};
    }
    return ERR_OK;
}

enum err tok_vocab_add(struct tok_vocab *v, const char *token, size_t n, size_t id)
{
    FAIL_IF(id >= LIMIT_MODEL_TOKENS, ERR_MODEL, "the id %zu of \"%.40s\" is too great",
            id, token);
    FAIL_IF(n > LIMIT_TOKEN_BYTES, ERR_MODEL, "the token %zu has %zu bytes", id, n);
    TRY(reach(v, id));
    FAIL_IF(v->spans[id].at != ABSENT, ERR_MODEL, "two tokens have the id %zu", id);
    v->spans[id] = (struct tok_span){(uint32_t)v->bytes.size, (uint32_t)n};
    return buf_append(&v->bytes, token, n);
}

/* The place in `slots` that holds the token, or the free one where it would go. */
static struct tok_slot *find_slot(const struct tok_vocab *v, const char *token,
                                  size_t n, uint32_t *hash)
{
    *hash = (uint32_t)XXH3_64bits(token, n);
    size_t at = *hash & v->mask;
    while (v->slots[at].id != TOK_NONE) {
        const struct tok_span *span = &v->spans[v->slots[at].id];
        if (v->slots[at].hash == *hash && span->n == n &&
            memcmp(v->bytes.data + span->at, token, n) == 0) {
            break;
        }
        at = (at + 1) & v->mask;
    }
    return &v->slots[at];
}

static enum err alloc_slots(struct tok_vocab *v)
{
    size_t n_slots = 64;
    while (n_slots < 2 * v->n) {
        n_slots *= 2;
    }
    v->slots = alloc_array(n_slots, sizeof *v->slots);
    if (v->slots == NULL) {
        return ERR_NOMEM;
    }
    v->mask = n_slots - 1;
    for (size_t i = 0; i < n_slots; i++) {
        v->slots[i].id = TOK_NONE;
    }
    return ERR_OK;
}

enum err tok_vocab_seal(struct tok_vocab *v)
{
    TRY(alloc_slots(v));
    for (size_t id = 0; id < v->n; id++) {
        FAIL_IF(v->spans[id].at == ABSENT, ERR_MODEL, "no token has the id %zu", id);
        const char *token = v->bytes.data + v->spans[id].at;
        uint32_t hash;
        struct tok_slot *slot = find_slot(v, token, v->spans[id].n, &hash);
        FAIL_IF(slot->id != TOK_NONE, ERR_MODEL, "the token \"%.*s\" is there twice",
                v->spans[id].n < 40 ? (int)v->spans[id].n : 40, token);
        *slot = (struct tok_slot){hash, (int32_t)id};
    }
    return ERR_OK;
}

int32_t tok_vocab_find(const struct tok_vocab *v, const char *token, size_t n)
{
    uint32_t hash;
    return find_slot(v, token, n, &hash)->id;
}

const char *tok_vocab_token(const struct tok_vocab *v, size_t id, size_t *n)
{
    *n = v->spans[id].n;
    return v->bytes.data + v->spans[id].at;
}
