/*
 * prune.h - a model's folder written again without the heads of attention and the
 * channels of feed-forward layers that matter least.
 *
 *     struct enc_prune how = {.heads = 0.25, .ffn = 0.25};
 *     TRY(enc_prune("models/openai/clip", &how, "models/openai/clip-pruned"));
 *
 * Structured pruning: what goes is gone, so the rest is a smaller dense model that every
 * kernel runs faster. Each layer of the image and the text tower loses the same number,
 * of its own choice. A channel's score is the length of its row in the first matrix times
 * that of its column in the second, a head's that of its part of the value projection
 * times that of the output projection (Frobenius): bounds of what it can add to the
 * layer's result, from weights alone (Li et al., "Pruning Filters for Efficient
 * ConvNets", 2017, by whole structures). Nothing is trained afterwards; the vectors are of
 * a space of their own.
 *
 * Families: CLIP, Chinese-CLIP and SigLIP in Hugging Face's layout. Any thread.
 */
#ifndef ENCODER_PRUNE_H
#define ENCODER_PRUNE_H

#include "base/error.h"

struct enc_prune {
    double heads; /* share of the heads that goes, 0 to less than 1 */
    double ffn;   /* share of the channels */
};

/* ERR_UNSUPPORTED: another family or layout; ERR_INVALID: a share; otherwise as
 * model_remake. */
enum err enc_prune(const char *from, const struct enc_prune *how, const char *to)
    ERR_CHECK;

#endif
