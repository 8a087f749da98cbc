/*
 * half.h - IEEE 754 half floats (binary16), bit by bit: for storing vectors, and for
 * kernels on a CPU without the instructions.
 *
 * Pure functions; any thread.
 */
#ifndef BASE_HALF_H
#define BASE_HALF_H

#include <stdint.h>

#define HALF_MAX 65504.0f /* the largest finite one */

/* The value of a half; exact. */
float half_to_float(uint16_t half);

/* The nearest half, of two equally near the even one; what is too large becomes
 * infinite, a NaN stays one. As the instruction vcvtps2ph does it. */
uint16_t half_from_float(float value);

#endif
