/*
 * efficientnet.h - the image tower: EfficientNet-Lite, pixels in, features out.
 *
 *     struct efficientnet *tower;
 *     TRY(efficientnet_open(&tower, &config, "image.safetensors"));
 *     float features[efficientnet_width(&config)];
 *     TRY_OUT(efficientnet_features(tower, pixels, 1, features));
 *     ...
 *     efficientnet_close(tower);
 *
 * Tan & Le 2019, "EfficientNet", in the Lite form: inverted bottlenecks (expand,
 * depthwise, project) without squeeze-and-excitation, ReLU6, batch norms folded into
 * the weights, TensorFlow's "SAME" padding.
 *
 * Threads: an open tower is read-only and may be used by any number of threads at once;
 * each call works on its caller's thread alone and with memory of its own.
 */
#ifndef ENCODER_EFFICIENTNET_H
#define ENCODER_EFFICIENTNET_H

#include <stddef.h>

#include "base/error.h"

enum {
    EFFICIENTNET_BLOCKS_MAX = 64, /* the largest published, B7, has 55 */
    EFFICIENTNET_SIZE_MAX = 1024  /* pixels a side */
};

/* One inverted bottleneck. */
struct efficientnet_block {
    size_t kernel; /* side of the depthwise kernel: odd, at most 7 */
    size_t stride; /* of the depthwise convolution: 1 or 2 */
    size_t expand; /* the middle is `expand` times as wide as the input; 1: no expand */
    size_t out;    /* channels of the output */
};

/* The "image" part of a model's config.json, under the same names. */
struct efficientnet_config {
    size_t size;     /* pixels, both sides of the input */
    size_t stem;     /* channels of the stem */
    size_t features; /* channels of the last, 1 x 1, convolution */
    size_t n_blocks;
    struct efficientnet_block blocks[EFFICIENTNET_BLOCKS_MAX];
    size_t n_taps;
    size_t taps[EFFICIENTNET_BLOCKS_MAX]; /* blocks whose means are features as well */
};

struct efficientnet;

/* How many features the tower gives: `features`, then each tapped block's channels. The
 * taps must be below n_blocks. */
size_t efficientnet_width(const struct efficientnet_config *config);

/* Maps the weights at `weights_path` and checks each against `config`, which is copied.
 * ERR_MODEL names what is missing or has another shape; *out is NULL then. */
enum err efficientnet_open(struct efficientnet **out,
                           const struct efficientnet_config *config,
                           const char *weights_path) ERR_CHECK;

/* Accepts NULL. */
void efficientnet_close(struct efficientnet *tower);

/*
 * The features of `n` pictures: pixels[n, size, size, 3], normalised, rows top to
 * bottom, into features[n, efficientnet_width]. A feature is the mean of a channel over
 * all positions. ERR_NOMEM.
 */
enum err efficientnet_features(const struct efficientnet *tower, const float *pixels,
                               size_t n, float *features) ERR_CHECK;

#endif
