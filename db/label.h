/*
 * label.h - the pieces of duet_label that are told by numbers and words alone.
 * Any thread.
 */
#ifndef DB_LABEL_H
#define DB_LABEL_H

#include <stddef.h>

#include "base/buffer.h"

/* Appends the template with `label` in the place of its first {}. ERR_INVALID where
 * there is none; ERR_LIMIT, ERR_NOMEM. */
enum err label_sentence(struct buf *out, const char *template, const char *label)
    ERR_CHECK;

/* Finite logits[n] into probabilities, in place: those of softmax add up to 1, those of
 * the sigmoid stand each for itself. Both keep their order, whatever the size. */
void label_softmax(double *logits, size_t n);
void label_sigmoid(double *logits, size_t n);

#endif
