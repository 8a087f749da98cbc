/*
 * label_likely.c - logits into probabilities; see label.h.
 */
#include <math.h>

#include "db/label.h"

void label_softmax(double *logits, size_t n)
{
    double most = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, logits[i]);
    }
    for (size_t i = 0; i < n; i++) {
        logits[i] = exp(logits[i] - most); /* at most 1: no overflow */
        sum += logits[i];
    }
    for (size_t i = 0; i < n; i++) {
        logits[i] /= sum;
    }
}

void label_sigmoid(double *logits, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        logits[i] = 1 / (1 + exp(-logits[i])); /* exp's infinity gives 0 */
    }
}
