/*
 * tower.h - what every tower of transformer layers checks alike, of its config and of
 * the texts that it is given.
 *
 * Any thread.
 */
#ifndef ENCODER_TOWER_H
#define ENCODER_TOWER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* That `heads` of attention share a width evenly, and that a kernel takes one of them.
 * ERR_MODEL. */
enum err tower_check_heads(size_t width, size_t heads) ERR_CHECK;

/* Texts as a tower takes them. */
struct tower_texts {
    const int32_t *ids;    /* of all texts, end to end */
    const size_t *lengths; /* [n], ids of a text */
    size_t n;
};

/* That each text has 1 to `max_tokens` ids, each of a vocabulary of `vocab`, and how
 * many ids they have in all. ERR_INVALID. */
enum err tower_check_texts(const struct tower_texts *texts, size_t max_tokens,
                           size_t vocab, size_t *n_ids) ERR_CHECK;

#endif
