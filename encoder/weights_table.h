/*
 * weights_table.h - fills a tower's structs from a table of tensor names and shapes.
 *
 *     enum { HIDDEN, VOCAB, N_SIZES };
 *     static const struct wt_param params[] = {
 *         WT_LAYER("layer.#.query", struct layer, query, HIDDEN, HIDDEN),
 *         WT_NORM("layer.#.norm", struct layer, norm, HIDDEN),
 *     };
 *     const size_t sizes[N_SIZES] = {[HIDDEN] = 384, [VOCAB] = 30522};
 *     struct wt_target target = {.base = &layers[7], .sizes = sizes, .number = 7};
 *     TRY(wt_load(file, params, 4, &target));
 *
 * A family of towers is one such table, which reads like its model card: a tensor that
 * is missing or has another shape is named in the error. Any thread.
 */
#ifndef ENCODER_WEIGHTS_TABLE_H
#define ENCODER_WEIGHTS_TABLE_H

#include "encoder/weights.h"

enum wt_kind {
    WT_MATRIX, /* the destination is a struct wt_matrix, of sizes[rows] x sizes[cols] */
    WT_TRANSPOSED, /* the same, stored as sizes[cols] x sizes[rows] */
    WT_VECTOR      /* the destination is a const float *, to sizes[rows] numbers */
};

struct wt_param {
    const char *name; /* '#' stands for the target's number */
    enum wt_kind kind;
    size_t offset;       /* of the destination in the target's struct */
    int rows, cols;      /* which of the target's sizes; cols of matrices only */
    struct wt_part part; /* of the tensor, along its first dimension */
};

/* Entries for `field` of `type`, a struct wt_matrix or a const float *; those of PARTs
 * for number `i` of `n` parts of the tensor. */
#define WT_PARAM_MATRIX_PART(name, i, n, type, field, rows, cols)                      \
    {                                                                                  \
        name, WT_MATRIX, offsetof(type, field), rows, cols,                            \
        {                                                                              \
            i, n                                                                       \
        }                                                                              \
    }
#define WT_PARAM_VECTOR_PART(name, i, n, type, field, rows)                            \
    {                                                                                  \
        name, WT_VECTOR, offsetof(type, field), rows, 0,                               \
        {                                                                              \
            i, n                                                                       \
        }                                                                              \
    }
#define WT_PARAM_TRANSPOSED(name, type, field, rows, cols)                             \
    {                                                                                  \
        name, WT_TRANSPOSED, offsetof(type, field), rows, cols,                        \
        {                                                                              \
            0, 1                                                                       \
        }                                                                              \
    }
#define WT_PARAM_MATRIX(name, type, field, rows, cols)                                 \
    WT_PARAM_MATRIX_PART(name, 0, 1, type, field, rows, cols)
#define WT_PARAM_VECTOR(name, type, field, rows)                                       \
    WT_PARAM_VECTOR_PART(name, 0, 1, type, field, rows)

/* Two entries each, "NAME.weight" and "NAME.bias", for a field with members of those
 * names: a matrix and a vector, or two vectors. */
#define WT_LAYER(name, type, field, rows, cols)                                        \
    WT_PARAM_MATRIX(name ".weight", type, field.weight, rows, cols),                   \
        WT_PARAM_VECTOR(name ".bias", type, field.bias, rows)

#define WT_NORM(name, type, field, rows)                                               \
    WT_PARAM_VECTOR(name ".weight", type, field.weight, rows),                         \
        WT_PARAM_VECTOR(name ".bias", type, field.bias, rows)

/* Of "NAMEweight" and "NAMEbias", which hold the layers of query, key and value one
 * behind the other, as PyTorch's MultiheadAttention has them: number `i`. */
#define WT_LAYER_OF_THREE(name, i, type, field, rows, cols)                            \
    WT_PARAM_MATRIX_PART(name "weight", i, 3, type, field.weight, rows, cols),         \
        WT_PARAM_VECTOR_PART(name "bias", i, 3, type, field.bias, rows)

/* How many entries a table has. */
#define WT_COUNT(table) (sizeof(table) / sizeof((table)[0]))

struct wt_target {
    void *base;          /* the struct to be filled */
    const size_t *sizes; /* the numbers that shapes are made of */
    const char *prefix;  /* of all the names; NULL: none */
    size_t number;       /* of the layer or block */
};

/* Looks up all `n` parameters. What they point to lives as long as the file is open.
 * ERR_MODEL names the tensor; the struct is then half filled. */
enum err wt_load(struct wt_file *file, const struct wt_param *params, size_t n,
                 const struct wt_target *target) ERR_CHECK;

/* Mixes into *mark what tells these parameters from others of the same shapes: all of a
 * vector and the first row of a matrix, as half floats. Names, and how matrices are
 * stored, are not in it. The target's base is not used. Errors as wt_load; ERR_NOMEM. */
enum err wt_mark(struct wt_file *file, const struct wt_param *params, size_t n,
                 const struct wt_target *target, uint64_t *mark) ERR_CHECK;

#endif
