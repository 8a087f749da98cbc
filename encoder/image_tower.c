/*
 * image_tower.c - see image_tower.h.
 */
#include "encoder/image_tower.h"

#include <string.h>

#include "base/alloc.h"
#include "encoder/head.h"
#include "encoder/unit.h"

struct image_tower {
    const struct model_image *config;
    size_t dim;
    struct efficientnet *net; /* of MODEL_EFFICIENTNET, as the head is */
    struct head *head;
    struct vit *vit; /* of MODEL_VIT */
};

/* Rows by which a panel of weights is paid for: what more of them gain is lost in the
 * noise. An EfficientNet's products have rows enough in one picture. */
enum { ROWS_ENOUGH = 400 };

size_t image_tower_batch(const struct model_image *config)
{
    size_t rows = ROWS_ENOUGH;
    if (config->kind == MODEL_VIT) {
        size_t side = config->vit.size / config->vit.patch;
        rows = side * side;
    }
    return rows > 0 && rows < ROWS_ENOUGH / 2 ? ROWS_ENOUGH / rows : 1;
}

static enum err open_net(struct image_tower *tower)
{
    const struct model_image *config = tower->config;
    if (config->kind == MODEL_VIT) {
        return vit_open(&tower->vit, &config->vit, config->weights.paths,
                        config->weights.n);
    }
    TRY(efficientnet_open(&tower->net, &config->net, config->weights.paths[0]));
    TRY(head_open(&tower->head, config->head));
    return head_check(tower->head, efficientnet_width(&config->net), tower->dim);
}

enum err image_tower_open(struct image_tower **out, const struct model_image *config,
                          size_t dim)
{
    *out = NULL;
    struct image_tower *tower = alloc_zero(1, sizeof *tower);
    if (tower == NULL) {
        return ERR_NOMEM;
    }
    tower->config = config;
    tower->dim = dim;
    enum err result = open_net(tower);
    if (result != ERR_OK) {
        image_tower_close(tower);
        return result;
    }
    *out = tower;
    return ERR_OK;
}

void image_tower_close(struct image_tower *tower)
{
    if (tower == NULL) {
        return;
    }
    vit_close(tower->vit);
    head_close(tower->head);
    efficientnet_close(tower->net);
    alloc_free(tower);
}

static enum err normalise_all(const float *rows, size_t n, size_t dim,
                              float *const *vectors)
{
    for (size_t i = 0; i < n; i++) {
        memcpy(vectors[i], rows + i * dim, dim * sizeof *rows);
        TRY(unit_normalise(vectors[i], dim));
    }
    return ERR_OK;
}

static enum err embed_by_vit(const struct image_tower *tower,
                             const float *const *pixels, size_t n,
                             float *const *vectors)
{
    float *rows = alloc_array(n * tower->dim, sizeof *rows);
    if (rows == NULL) {
        return ERR_NOMEM;
    }
    enum err result = vit_embed(tower->vit, pixels, n, rows);
    if (result == ERR_OK) {
        result = normalise_all(rows, n, tower->dim, vectors);
    }
    alloc_free(rows);
    return result;
}

/* One after the other: an EfficientNet's first maps alone fill the caches. */
static enum err embed_by_net(const struct image_tower *tower,
                             const float *const *pixels, size_t n,
                             float *const *vectors)
{
    float *features = alloc_array(head_in(tower->head), sizeof *features);
    if (features == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ERR_OK;
    for (size_t i = 0; result == ERR_OK && i < n; i++) {
        result = efficientnet_features(tower->net, pixels[i], 1, features);
        if (result == ERR_OK) {
            result = head_apply(tower->head, features, 1, vectors[i]);
        }
    }
    alloc_free(features);
    return result;
}

enum err image_tower_embed(const struct image_tower *tower, const float *const *pixels,
                           size_t n, float *const *vectors)
{
    return tower->vit != NULL ? embed_by_vit(tower, pixels, n, vectors)
                              : embed_by_net(tower, pixels, n, vectors);
}
