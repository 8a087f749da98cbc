/*
 * weights_shrink.h - the tensors of a model written again, in fewer bits.
 *
 *     TRY(wt_shrink(paths, n, "out/model.safetensors", WT_I8));
 *
 * To WT_F16: matrices of 32 bits or bfloat16 become half floats; what is past ±65504 is
 * refused. To WT_I8: a matrix (two dimensions, or a convolution's four) becomes whole
 * numbers of ±127 and one float a row, the largest magnitude of that row divided by 127
 * (symmetric, by output channel: the "absmax" form of Jacob et al., 2018); those that
 * are stored transposed become half floats. Vectors stay as they are, so does what is
 * as small already, and tensors that no kernel reads are left out.
 *
 * Threads: any. Memory: a row of the widest matrix, beside the mapped files.
 */
#ifndef ENCODER_WEIGHTS_SHRINK_H
#define ENCODER_WEIGHTS_SHRINK_H

#include "encoder/weights.h"

/* Writes what the files paths[n] hold, one model's shards, as the one file `to`, which
 * must not be there, durably. ERR_MODEL: a tensor that does not fit, by name; ERR_IO,
 * ERR_FULL, ERR_NOMEM, ERR_EXISTS. On failure there is no file. */
enum err wt_shrink(const char *const *paths, size_t n, const char *to,
                   enum wt_type type) ERR_CHECK;

#endif
