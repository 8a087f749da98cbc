/*
 * head.h - a tower's projection into the shared space: features in, unit vectors out.
 *
 *     struct head *head;
 *     TRY(head_open(&head, "head-image.safetensors"));
 *     TRY_OUT(head_apply(head, features, n, vectors));
 *     ...
 *     head_close(head);
 *
 * With z = (features - mean) * scale, a vector is linear(z), plus fc2(gelu(fc1(z)))
 * where the file has an fc1, brought to unit length.
 *
 * Threads: an open head is read-only and may be used by any number of threads at once.
 */
#ifndef ENCODER_HEAD_H
#define ENCODER_HEAD_H

#include <stddef.h>

#include "base/error.h"

struct head;

/* Maps the weights at `weights_path`; the sizes are those of the file. ERR_MODEL says
 * what is missing or does not fit; *out is NULL then. */
enum err head_open(struct head **out, const char *weights_path) ERR_CHECK;

/* Accepts NULL. */
void head_close(struct head *head);

size_t head_in(const struct head *head);  /* numbers in a row of features */
size_t head_out(const struct head *head); /* numbers in a vector */

/* That the head projects `in` numbers to `out`: ERR_MODEL names the file if not. */
enum err head_check(const struct head *head, size_t in, size_t out) ERR_CHECK;

/* features[n, head_in] into vectors[n, head_out], each of unit length. ERR_NOMEM;
 * ERR_MODEL as unit_normalise. */
enum err head_apply(const struct head *head, const float *features, size_t n,
                    float *vectors) ERR_CHECK;

#endif
