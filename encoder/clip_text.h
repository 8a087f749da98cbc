/*
 * clip_text.h - the text tower of CLIP and SigLIP: token ids in, vectors out.
 *
 *     struct clip_text *tower;
 *     TRY(clip_text_open(&tower, &config, paths, n_paths));
 *     TRY_OUT(clip_text_embed(tower, ids, lengths, n, vectors));
 *     ...
 *     clip_text_close(tower);
 *
 * CLIP's (Radford et al. 2021) looks back only, and a text's vector is the projection
 * of its end token. SigLIP's (Zhai et al. 2023) looks both ways over a text that is
 * filled up to its full length, padding included, and takes the last place.
 *
 * Threads: an open tower is read-only and may be used by any number of threads at once;
 * each call works on its caller's thread alone and with memory of its own.
 */
#ifndef ENCODER_CLIP_TEXT_H
#define ENCODER_CLIP_TEXT_H

#include <stdint.h>

#include "encoder/transformer.h"

/* Whose names the tensors have, and which of the two ways the tower goes. */
enum clip_text_family {
    CLIP_TEXT_CLIP,             /* transformers' CLIPModel */
    CLIP_TEXT_OPEN_CLIP,        /* the same tower as OpenCLIP stores it */
    CLIP_TEXT_OPEN_CLIP_CUSTOM, /* and below "text.", with "custom_text" */
    CLIP_TEXT_SIGLIP            /* transformers' SiglipModel */
};

struct clip_text_config {
    enum clip_text_family family;
    size_t vocab;      /* tokens */
    size_t max_tokens; /* positions; at most LIMIT_TEXT_TOKENS */
    size_t dim;        /* numbers in a vector */
    int32_t end_token; /* of CLIP: the first of these gives the vector; -1: the first of
                          the greatest id in the text, which comes to the same in
                          vocabularies where the end token is the last */
    int32_t padding;   /* of SigLIP: what fills a text up */
    struct transformer_config body; /* `causal` and `names` are the family's */
};

struct clip_text;

/* Maps the weights at paths[n_paths] and checks each against `config`, which is copied.
 * ERR_MODEL names what is missing or has another shape; *out is NULL then. */
enum err clip_text_open(struct clip_text **out, const struct clip_text_config *config,
                        const char *const *paths, size_t n_paths) ERR_CHECK;

/* Mixes into *mark what tells the tower's weights in `file` from those of others, in
 * whichever of CLIP's layouts they are (wt_mark). Errors as clip_text_open. */
enum err clip_text_mark(const struct clip_text_config *config, struct wt_file *file,
                        uint64_t *mark) ERR_CHECK;

/* Accepts NULL. */
void clip_text_close(struct clip_text *tower);

/* `n` texts of lengths[n] ids, 1 to max_tokens each, laid end to end in `ids`, into
 * vectors[n, dim], not yet of unit length. ERR_INVALID: a length or an id that the
 * tower does not have; ERR_NOMEM. */
enum err clip_text_embed(const struct clip_text *tower, const int32_t *ids,
                         const size_t *lengths, size_t n, float *vectors) ERR_CHECK;

#endif
