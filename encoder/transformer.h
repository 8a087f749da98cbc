/*
 * transformer.h - a stack of pre-norm transformer layers, the body of the towers of
 * CLIP and SigLIP.
 *
 *     struct transformer *body;
 *     TRY(transformer_open(&body, &config, file, "vision_model."));
 *     TRY_OUT(transformer_run(body, lengths, n, x));
 *     ...
 *     transformer_close(body);
 *
 * Each layer is x += attention(norm(x)), then x += fc2(activation(fc1(norm(x)))); what
 * comes before the first and after the last is the tower's.
 *
 * Threads: an open body is read-only and may be used by any number of threads at once;
 * each call works on its caller's thread alone and with memory of its own.
 */
#ifndef ENCODER_TRANSFORMER_H
#define ENCODER_TRANSFORMER_H

#include "encoder/kernels.h"

enum {
    TRANSFORMER_LAYERS_MAX = 64, /* CLIP ViT-bigG has 48 */
    /* Rows that are worked through together where there are many: panels of weights are
     * then paid for by enough rows, and the memory of one call stays small. */
    TRANSFORMER_ROWS_AT_ONCE = 1024
};

/* Whose names the tensors have. */
enum transformer_names {
    TRANSFORMER_HUGGING_FACE, /* encoder.layers.#.self_attn.q_proj... */
    TRANSFORMER_OPEN_CLIP     /* transformer.resblocks.#.attn.in_proj_... */
};

struct transformer_config {
    enum transformer_names names;
    size_t layers; /* at most TRANSFORMER_LAYERS_MAX */
    size_t width;
    size_t heads;
    size_t attention; /* width of all heads together, a multiple of them; 0: `width`,
                         as it is unless heads were pruned */
    size_t mlp;       /* width between fc1 and fc2 */
    enum kn_activation activation;
    float epsilon; /* of all norms */
    bool causal;   /* a token sees itself and those before it */
};

struct transformer;

/* Finds the layers' weights in `file`, which must stay open; `prefix` stands before all
 * names. ERR_MODEL names what is missing or has another shape; *out is NULL then. */
enum err transformer_open(struct transformer **out,
                          const struct transformer_config *config, struct wt_file *file,
                          const char *prefix) ERR_CHECK;

/* Mixes into *mark what tells these layers from others: their weights (wt_mark), heads
 * and activation; the names of `config` make no difference. Errors as transformer_open. */
enum err transformer_mark(const struct transformer_config *config, struct wt_file *file,
                          const char *prefix, uint64_t *mark) ERR_CHECK;

/* Numbers of one head. */
static inline size_t transformer_head_width(const struct transformer_config *c)
{
    return (c->attention != 0 ? c->attention : c->width) / c->heads;
}

/* Accepts NULL. */
void transformer_close(struct transformer *body);

/* Runs `n` sequences of lengths[n] tokens, laid end to end in x[sum of lengths, width],
 * in place. Each sequence sees only itself. ERR_NOMEM. */
enum err transformer_run(const struct transformer *body, const size_t *lengths,
                         size_t n, float *x) ERR_CHECK;

#endif
