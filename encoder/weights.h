/*
 * weights.h - tensors of one safetensors file, or of several that are one model's
 * shards, mapped read-only.
 *
 *     struct wt_file *file;
 *     struct wt_matrix query;
 *     TRY(wt_open(&file, &path, 1));
 *     TRY_OUT(wt_matrix(file, "query.weight", WT_WHOLE, width, width, &query));
 *     ...
 *     wt_close(file);
 *
 * Format: https://github.com/huggingface/safetensors#format. The headers are checked in
 * full at opening (length, JSON, every tensor's type, shape and byte range), so that a
 * tensor found can be read without another look.
 *
 * Matrices stay in the mapping as they are stored and are widened a panel at a time by
 * who uses them; only vectors that are stored as half floats, or at an odd address (the
 * format pads nothing), are copied.
 *
 * The files must not shrink while they are open: a model is replaced by renaming.
 *
 * Threads: looking tensors up is for one thread at a time; what was found is read-only
 * and for any number of threads, until the file is closed.
 */
#ifndef ENCODER_WEIGHTS_H
#define ENCODER_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum wt_type { WT_F32, WT_F16, WT_BF16, WT_I8 };

enum { WT_RANK_MAX = 4 };

/* A tensor: a view into the mapping. */
struct wt_tensor {
    const void *data; /* at any address: read items by memcpy */
    enum wt_type type;
    size_t rank;
    size_t shape[WT_RANK_MAX]; /* outermost first; 1 past the rank */
};

/* A matrix [n_rows, n_cols] in any stored form; row i of an WT_I8 one is data *
 * scale[i]. */
struct wt_matrix {
    const void *data;   /* at any address */
    const float *scale; /* [n_rows] for WT_I8, NULL for the others */
    enum wt_type type;
    size_t n_rows, n_cols;
    bool transposed; /* data is [n_cols, n_rows]; never of WT_I8 */
};

struct wt_file;

/* Maps the files at paths[n], n >= 1, and checks their headers; tensors are then found
 * wherever they are. ERR_MODEL says what is wrong, also of a tensor that two files
 * have. */
enum err wt_open(struct wt_file **out, const char *const *paths, size_t n) ERR_CHECK;
void wt_close(struct wt_file *file);

/* The tensor `name`, whatever its shape. ERR_MODEL if there is none. */
enum err wt_find(const struct wt_file *file, const char *name, struct wt_tensor *out)
    ERR_CHECK;

/* A part of a tensor along its first dimension: number `i` of `n` equal ones. */
struct wt_part {
    size_t i, n;
};

#define WT_WHOLE ((struct wt_part){0, 1})

/* The vector `name` as floats: the part of it must have `n` numbers, whatever its
 * shape. ERR_MODEL; ERR_NOMEM. */
enum err wt_vector(struct wt_file *file, const char *name, struct wt_part part,
                   size_t n, const float **out) ERR_CHECK;

/*
 * The matrix `name` of which `part` is exactly n_rows x n_cols (a tensor of higher rank
 * counts as [shape[0], the rest]); an I8 one needs its scales beside it, as F32 under
 * the name with ".weight" replaced by ".scale".
 */
enum err wt_matrix(struct wt_file *file, const char *name, struct wt_part part,
                   size_t n_rows, size_t n_cols, struct wt_matrix *out) ERR_CHECK;

/* The matrix of n_rows x n_cols that is stored transposed, [n_cols, n_rows]. */
enum err wt_transposed(struct wt_file *file, const char *name, size_t n_rows,
                       size_t n_cols, struct wt_matrix *out) ERR_CHECK;

/* Whether there is such a tensor. */
bool wt_has(const struct wt_file *file, const char *name);

/* The name of tensor `i`, in the order of names; NULL past the last. It lives as long
 * as the file. */
const char *wt_name(const struct wt_file *file, size_t i);

/* Whether tensor `i` is of a type that a kernel reads. */
bool wt_is_readable(const struct wt_file *file, size_t i);

/* Widens row `row`, cols [first, first + n), into dst[n]. */
void wt_row(const struct wt_matrix *matrix, size_t row, size_t first, size_t n,
            float *dst);

#endif
