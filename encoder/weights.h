/*
 * weights.h - tensors of a safetensors file, mapped read-only.
 *
 * Format: https://github.com/huggingface/safetensors#format. The header is checked in
 * full at opening (length, JSON, every tensor's type, shape and byte range), so that a
 * tensor found can be read without another look.
 *
 * The file must not shrink while it is open: a model is replaced by renaming.
 *
 * Threads: an open file is read-only; any number of threads.
 */
#ifndef ENCODER_WEIGHTS_H
#define ENCODER_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum wt_type { WT_F32, WT_F16, WT_BF16, WT_I8 };

enum { WT_RANK_MAX = 4 };

/* A tensor: a view into the mapping, at an address divisible by its item's size. */
struct wt_tensor {
    const void *data;
    enum wt_type type;
    size_t rank;
    size_t shape[WT_RANK_MAX]; /* outermost first; 1 past the rank */
};

/* A matrix [n_rows, n_cols] in any stored form; row i of an WT_I8 one is data *
 * scale[i]. */
struct wt_matrix {
    const void *data;
    const float *scale; /* [n_rows] for WT_I8, NULL for the others */
    enum wt_type type;
    size_t n_rows, n_cols;
};

struct wt_file;

/* Maps `path` and checks its header. ERR_MODEL says what is wrong. */
enum err wt_open(struct wt_file **out, const char *path) ERR_CHECK;
void wt_close(struct wt_file *file);

/* The tensor `name`, whatever its shape. ERR_MODEL if there is none. */
enum err wt_find(const struct wt_file *file, const char *name, struct wt_tensor *out)
    ERR_CHECK;

/* The F32 tensor `name`, whose shape must multiply to `n` numbers. */
enum err wt_vector(const struct wt_file *file, const char *name, size_t n,
                   const float **out) ERR_CHECK;

/*
 * The matrix `name` of exactly n_rows x n_cols (a tensor of higher rank counts as
 * [shape[0], the rest]); an I8 one needs its scales beside it, as F32 under the name
 * with ".weight" replaced by ".scale".
 */
enum err wt_matrix(const struct wt_file *file, const char *name, size_t n_rows,
                   size_t n_cols, struct wt_matrix *out) ERR_CHECK;

/* Whether there is such a tensor. */
int wt_has(const struct wt_file *file, const char *name);

/* Widens row `row`, cols [first, first + n), into dst[n]. */
void wt_row(const struct wt_matrix *matrix, size_t row, size_t first, size_t n,
            float *dst);

#endif
