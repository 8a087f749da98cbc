/*
 * text_tower.h - texts in, unit vectors out, by whatever tokenizer and network a model
 * has.
 *
 * A tokenizer, a network, and the head that some have beside it, behind one door.
 * Threads: an open tower is read-only and may be used by any number of threads at once;
 * each call works on its caller's thread alone.
 */
#ifndef ENCODER_TEXT_TOWER_H
#define ENCODER_TEXT_TOWER_H

#include "encoder/model.h"

struct text_tower;

/* Maps tokenizer and weights and checks that they fit each other and make vectors of
 * `dim` numbers. `config` must live as long. ERR_MODEL; ERR_UNSUPPORTED as
 * tok_open_json; *out is NULL then. */
enum err text_tower_open(struct text_tower **out, const struct model_text *config,
                         size_t dim) ERR_CHECK;

/* Accepts NULL. */
void text_tower_close(struct text_tower *tower);

/* The ids of text[n], at most config->max_tokens, special tokens included; *truncated
 * whether the text had more. ERR_INVALID: not UTF-8, or nothing that the tokenizer
 * keeps; the others of tok_encode. */
enum err text_tower_tokenize(const struct text_tower *tower, const char *text, size_t n,
                             int32_t *ids, size_t *n_ids, bool *truncated) ERR_CHECK;

/* `n` texts of lengths[n] ids, laid end to end in `ids`, into unit vectors[i][dim].
 * ERR_NOMEM; ERR_MODEL as unit_normalise; ERR_INVALID: ids that no text has. */
enum err text_tower_embed(const struct text_tower *tower, const int32_t *ids,
                          const size_t *lengths, size_t n, float *const *vectors)
    ERR_CHECK;

#endif
