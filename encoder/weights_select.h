/*
 * weights_select.h - the tensors of a model written again without some of their rows and
 * columns.
 *
 * Threads: any. Memory: a row of the widest tensor, beside the mapped files.
 */
#ifndef ENCODER_WEIGHTS_SELECT_H
#define ENCODER_WEIGHTS_SELECT_H

#include "encoder/weights.h"

/* What stays of the tensor `name`, by numbers in rising order. */
struct wt_selection {
    const char *name;
    const size_t *rows; /* [n_rows] of the first dimension; NULL: all */
    size_t n_rows;
    const size_t *cols; /* [n_cols] of the second of two; NULL: all */
    size_t n_cols;
};

/* Writes what the files paths[n] hold, one model's shards, as the one file `to`, which
 * must not be there, durably; tensors that no selection names stay whole, and those that
 * no kernel reads are left out. A selection of a tensor that is not there means nothing.
 * ERR_MODEL: it does not fit its tensor; ERR_IO, ERR_FULL, ERR_NOMEM, ERR_EXISTS. On
 * failure there is no file. */
enum err wt_select(const char *const *paths, size_t n, const char *to,
                   const struct wt_selection *selections, size_t n_selections)
    ERR_CHECK;

#endif
