/*
 * image_tower.h - pixels in, unit vectors out, by whatever network a model has.
 *
 * A network, and the head that some have beside it, behind one door. Threads: an open
 * tower is read-only and may be used by any number of threads at once; each call works
 * on its caller's thread alone.
 */
#ifndef ENCODER_IMAGE_TOWER_H
#define ENCODER_IMAGE_TOWER_H

#include "encoder/model.h"

struct image_tower;

/* How many pictures at once make the network faster; 1: none (docs/SPEED.md). */
size_t image_tower_batch(const struct model_image *config);

/* Maps the weights and checks that they make vectors of `dim` numbers. `config` must
 * live as long. ERR_MODEL; *out is NULL then. */
enum err image_tower_open(struct image_tower **out, const struct model_image *config,
                          size_t dim) ERR_CHECK;

/* Accepts NULL. */
void image_tower_close(struct image_tower *tower);

/* `n` pictures, each pixels[i] as preprocess.h makes them, into unit vectors[i][dim].
 * ERR_NOMEM; ERR_MODEL as unit_normalise. */
enum err image_tower_embed(const struct image_tower *tower, const float *const *pixels,
                           size_t n, float *const *vectors) ERR_CHECK;

#endif
