/*
 * vit.h - the image tower of CLIP, Chinese-CLIP and SigLIP: a Vision Transformer.
 *
 *     struct vit *tower;
 *     TRY(vit_open(&tower, &config, paths, n_paths));
 *     TRY_OUT(vit_embed(tower, pixels, n, vectors));
 *     ...
 *     vit_close(tower);
 *
 * Dosovitskiy et al. 2020, "An Image is Worth 16x16 Words". CLIP's (Radford et al.
 * 2021) puts a class token before the patches, norms before the first layer, and
 * projects the class token's last state. SigLIP's (Zhai et al. 2023) has neither; a
 * learned probe attends to all patches at the end (Lee et al. 2019, "Set Transformer").
 *
 * Threads: an open tower is read-only and may be used by any number of threads at once;
 * each call works on its caller's thread alone and with memory of its own.
 */
#ifndef ENCODER_VIT_H
#define ENCODER_VIT_H

#include "encoder/transformer.h"

enum {
    VIT_SIZE_MAX = 1024, /* pixels a side */
    VIT_PATCH_MAX = 52   /* pixels a side: what a panel holds */
};

/* Whose names the tensors have, and which of the two ways the tower goes. */
enum vit_family {
    VIT_CLIP,      /* transformers' CLIPModel and ChineseCLIPModel */
    VIT_OPEN_CLIP, /* the same tower as OpenCLIP stores it */
    VIT_SIGLIP     /* transformers' SiglipModel */
};

struct vit_config {
    enum vit_family family;
    size_t size;  /* pixels, both sides of the input */
    size_t patch; /* pixels, both sides of a patch; what is left over is not read */
    size_t dim;   /* numbers in a vector; SigLIP's is body.width */
    struct transformer_config body;
};

struct vit;

/* Maps the weights at paths[n_paths] and checks each against `config`, which is copied.
 * ERR_MODEL names what is missing or has another shape; *out is NULL then. */
enum err vit_open(struct vit **out, const struct vit_config *config,
                  const char *const *paths, size_t n_paths) ERR_CHECK;

/* Mixes into *mark what tells the tower's weights in `file` from those of others, in
 * whichever of CLIP's two layouts they are (wt_mark). Errors as vit_open. */
enum err vit_mark(const struct vit_config *config, struct wt_file *file, uint64_t *mark)
    ERR_CHECK;

/* Accepts NULL. */
void vit_close(struct vit *tower);

/* `n` pictures, each pixels[i][size, size, 3], normalised, rows top to bottom, into
 * vectors[n, dim], not yet of unit length. ERR_NOMEM. */
enum err vit_embed(const struct vit *tower, const float *const *pixels, size_t n,
                   float *vectors) ERR_CHECK;

#endif
