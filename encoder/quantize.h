/*
 * quantize.h - a model's folder written again with smaller weights (model_remake.h,
 * weights_shrink.h).
 *
 *     TRY(enc_quantize("models/openai/clip", ENC_INT8, "models/openai/clip-int8"));
 *
 * The new config says that its vectors are of the space of the model that it was made
 * of, since they may be compared with them. Any thread.
 */
#ifndef ENCODER_QUANTIZE_H
#define ENCODER_QUANTIZE_H

#include "base/error.h"

enum enc_precision { ENC_FP16, ENC_INT8 };

/* Writes the model in the folder `from` as the folder `to`, which must not be there; its
 * parent must. ERR_EXISTS, ERR_MODEL, ERR_IO, ERR_FULL, ERR_NOMEM: nothing is left. */
enum err enc_quantize(const char *from, enum enc_precision precision, const char *to)
    ERR_CHECK;

#endif
