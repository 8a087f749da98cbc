/*
 * tower.c - see tower.h.
 */
#include "encoder/tower.h"

#include "encoder/kernels.h"

enum err tower_check_heads(size_t width, size_t heads)
{
    FAIL_IF(heads < 1 || width % heads != 0 || width / heads > KN_HEAD_MAX, ERR_MODEL,
            "%zu heads of attention over a width of %zu", heads, width);
    return ERR_OK;
}

static enum err check_ids(const int32_t *ids, size_t n, size_t vocab)
{
    for (size_t i = 0; i < n; i++) {
        FAIL_IF(ids[i] < 0 || (size_t)ids[i] >= vocab, ERR_INVALID,
                "token %d is outside the vocabulary of %zu", (int)ids[i], vocab);
    }
    return ERR_OK;
}

enum err tower_check_texts(const struct tower_texts *texts, size_t max_tokens,
                           size_t vocab, size_t *n_ids)
{
    size_t at = 0;
    for (size_t i = 0; i < texts->n; i++) {
        size_t n = texts->lengths[i];
        FAIL_IF(n < 1 || n > max_tokens, ERR_INVALID,
                "a text of %zu tokens, where the tower takes 1 to %zu", n, max_tokens);
        TRY(check_ids(texts->ids + at, n, vocab));
        at += n;
    }
    *n_ids = at;
    return ERR_OK;
}
