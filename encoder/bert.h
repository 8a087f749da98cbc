/*
 * bert.h - the text tower of the default model and of Chinese-CLIP: BERT, token ids in,
 * features out.
 *
 *     struct bert *tower;
 *     TRY(bert_open(&tower, &config, paths, n_paths));
 *     const size_t lengths[2] = {5, 12};                // of two texts: ids[17]
 *     float features[2 * bert_width(&config)];
 *     TRY_OUT(bert_features(tower, ids, lengths, 2, features));
 *     ...
 *     bert_close(tower);
 *
 * Devlin et al. 2018, "BERT": learned positions, layer norm after each residual sum,
 * exact GELU. A text's features are made of the last layer: the mean over all its
 * tokens, [CLS] and [SEP] included, or the state of [CLS], projected if wanted.
 *
 * Threads: an open tower is read-only and may be used by any number of threads at once;
 * each call works on its caller's thread alone and with memory of its own.
 */
#ifndef ENCODER_BERT_H
#define ENCODER_BERT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    BERT_LAYERS_MAX = 48,
    BERT_WIDTH_MAX = 4096 /* of hidden and intermediate: what a kernel's panel holds */
};

enum bert_pool { BERT_POOL_MEAN, BERT_POOL_FIRST };

/* One entry of "text" in a model's config.json, under the same names. */
struct bert_config {
    size_t vocab;  /* tokens in the vocabulary */
    size_t layers; /* at most BERT_LAYERS_MAX */
    size_t hidden;
    size_t attention;    /* width of all heads together; 0: `hidden` */
    size_t heads;        /* of attention */
    size_t intermediate; /* width between the two products of a feed-forward */
    size_t max_tokens;   /* positions; at most LIMIT_TEXT_TOKENS */
    float layer_norm_eps;
    enum bert_pool pool;
    const char *prefix; /* of the tensors' names; NULL: none */
    size_t dim; /* of "text_projection.weight" in the file, which is applied; 0: none */
};

struct bert;
struct wt_file;

/* How many features the tower gives: `dim`, else `hidden`. */
size_t bert_width(const struct bert_config *config);

/* Maps the weights at paths[n_paths] and checks each against `config`, which is copied
 * (the prefix is not). ERR_MODEL names what is missing or has another shape; *out is
 * NULL then. */
enum err bert_open(struct bert **out, const struct bert_config *config,
                   const char *const *paths, size_t n_paths) ERR_CHECK;

/* Mixes into *mark what tells the tower's weights in `file` from those of others
 * (wt_mark). Errors as bert_open. */
enum err bert_mark(const struct bert_config *config, struct wt_file *file,
                   uint64_t *mark) ERR_CHECK;

/* Accepts NULL. */
void bert_close(struct bert *tower);

/*
 * The features of `n` texts into features[n, bert_width]. Their ids stand end to end in
 * `ids`, lengths[i] of them for text i, 1 <= lengths[i] <= max_tokens: nothing is
 * padded. What comes out for a text is, to the bit, what comes out for it alone. Memory
 * is proportional to the sum of the lengths. ERR_INVALID: too many ids or none, or one
 * outside the vocabulary; ERR_NOMEM.
 */
enum err bert_features(const struct bert *tower, const int32_t *ids,
                       const size_t *lengths, size_t n, float *features) ERR_CHECK;

#endif
