/*
 * unit.h - brings vectors to unit length. Any thread.
 */
#ifndef ENCODER_UNIT_H
#define ENCODER_UNIT_H

#include <stddef.h>

#include "base/error.h"

/* Divides vector[n] by its Euclidean length. ERR_MODEL where that is 0 or not finite:
 * weights that hold a NaN end here, whatever the kernels made of it on the way. */
enum err unit_normalise(float *vector, size_t n) ERR_CHECK;

#endif
