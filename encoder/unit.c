/*
 * unit.c - see unit.h.
 */
#include "encoder/unit.h"

#include <math.h>

enum err unit_normalise(float *vector, size_t n)
{
    double squares = 0.0;
    for (size_t i = 0; i < n; i++) {
        squares += (double)vector[i] * vector[i];
    }
    FAIL_IF(!isfinite(squares) || squares <= 0.0, ERR_MODEL,
            "the weights give a vector of length %g", sqrt(squares));
    double scale = 1.0 / sqrt(squares);
    for (size_t i = 0; i < n; i++) {
        vector[i] = (float)(vector[i] * scale);
    }
    return ERR_OK;
}
