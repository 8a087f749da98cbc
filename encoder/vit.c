/*
 * vit.c - see vit.h.
 */
#include "encoder/vit.h"

#include <string.h>

#include "base/alloc.h"
#include "encoder/weights_table.h"

/* SigLIP's way from patches to one vector. */
struct probe_head {
    const float *probe; /* [width] */
    struct kn_linear query, key, value, attended;
    struct kn_layer_norm norm;
    struct kn_linear fc1, fc2;
};

struct vit {
    struct vit_config config;
    struct wt_file *file;
    size_t n_patches;         /* of a picture */
    size_t n_tokens;          /* and the class token, if there is one */
    struct kn_linear patches; /* a patch's pixels to its token */
    const float *class_token; /* [width]; NULL: none */
    struct wt_matrix positions;
    struct kn_layer_norm first_norm; /* of CLIP */
    struct transformer *body;
    struct kn_layer_norm last_norm;
    struct kn_linear projection; /* of CLIP */
    struct probe_head head;      /* of SigLIP */
};

/* The weights. */

enum { WIDTH, MLP, TOKENS, PATCH_PIXELS, DIM, N_SIZES };

static const struct wt_param clip_params[] = {
    WT_PARAM_MATRIX("vision_model.embeddings.patch_embedding.weight", struct vit,
                    patches.weight, WIDTH, PATCH_PIXELS),
    WT_PARAM_VECTOR("vision_model.embeddings.class_embedding", struct vit, class_token,
                    WIDTH),
    WT_PARAM_MATRIX("vision_model.embeddings.position_embedding.weight", struct vit,
                    positions, TOKENS, WIDTH),
    WT_NORM("vision_model.pre_layrnorm", struct vit, first_norm, WIDTH),
    WT_NORM("vision_model.post_layernorm", struct vit, last_norm, WIDTH),
    WT_PARAM_MATRIX("visual_projection.weight", struct vit, projection.weight, DIM,
                    WIDTH),
};

static const struct wt_param open_clip_params[] = {
    WT_PARAM_MATRIX("visual.conv1.weight", struct vit, patches.weight, WIDTH,
                    PATCH_PIXELS),
    WT_PARAM_VECTOR("visual.class_embedding", struct vit, class_token, WIDTH),
    WT_PARAM_MATRIX("visual.positional_embedding", struct vit, positions, TOKENS,
                    WIDTH),
    WT_NORM("visual.ln_pre", struct vit, first_norm, WIDTH),
    WT_NORM("visual.ln_post", struct vit, last_norm, WIDTH),
    WT_PARAM_TRANSPOSED("visual.proj", struct vit, projection.weight, DIM, WIDTH),
};

static const struct wt_param siglip_params[] = {
    WT_LAYER("vision_model.embeddings.patch_embedding", struct vit, patches, WIDTH,
             PATCH_PIXELS),
    WT_PARAM_MATRIX("vision_model.embeddings.position_embedding.weight", struct vit,
                    positions, TOKENS, WIDTH),
    WT_NORM("vision_model.post_layernorm", struct vit, last_norm, WIDTH),
    WT_PARAM_VECTOR("vision_model.head.probe", struct vit, head.probe, WIDTH),
    WT_LAYER_OF_THREE("vision_model.head.attention.in_proj_", 0, struct vit, head.query,
                      WIDTH, WIDTH),
    WT_LAYER_OF_THREE("vision_model.head.attention.in_proj_", 1, struct vit, head.key,
                      WIDTH, WIDTH),
    WT_LAYER_OF_THREE("vision_model.head.attention.in_proj_", 2, struct vit, head.value,
                      WIDTH, WIDTH),
    WT_LAYER("vision_model.head.attention.out_proj", struct vit, head.attended, WIDTH,
             WIDTH),
    WT_NORM("vision_model.head.layernorm", struct vit, head.norm, WIDTH),
    WT_LAYER("vision_model.head.mlp.fc1", struct vit, head.fc1, MLP, WIDTH),
    WT_LAYER("vision_model.head.mlp.fc2", struct vit, head.fc2, WIDTH, MLP),
};

static const struct family {
    const struct wt_param *params; /* [n_params] */
    size_t n_params;
    const char *body_prefix;
    enum transformer_names body_names;
    bool class_token;
} families[] = {
    [VIT_CLIP] = {clip_params, WT_COUNT(clip_params), "vision_model.",
                  TRANSFORMER_HUGGING_FACE, true},
    [VIT_OPEN_CLIP] = {open_clip_params, WT_COUNT(open_clip_params), "visual.",
                       TRANSFORMER_OPEN_CLIP, true},
    [VIT_SIGLIP] = {siglip_params, WT_COUNT(siglip_params), "vision_model.",
                    TRANSFORMER_HUGGING_FACE, false},
};

static size_t count_patches(const struct vit_config *c)
{
    return (c->size / c->patch) * (c->size / c->patch);
}

static enum err check_config(const struct vit_config *c)
{
    FAIL_IF(c->size < 1 || c->size > VIT_SIZE_MAX || c->patch < 1 ||
                c->patch > VIT_PATCH_MAX || c->patch > c->size,
            ERR_MODEL, "an image tower of %zu pixels in patches of %zu", c->size,
            c->patch);
    FAIL_IF(count_patches(c) >= KN_TOKENS_MAX, ERR_MODEL,
            "%zu patches of a picture are more than %d", count_patches(c),
            KN_TOKENS_MAX - 1);
    FAIL_IF(c->dim < 1 || (c->family == VIT_SIGLIP && c->dim != c->body.width),
            ERR_MODEL, "vectors of %zu numbers", c->dim);
    return ERR_OK;
}

/* What the config alone says of the layers: the table then adds the weights. */
static void plan(struct vit *tower)
{
    const struct vit_config *c = &tower->config;
    const struct kn_layer_norm norm = {.width = c->body.width,
                                       .epsilon = c->body.epsilon};
    tower->n_patches = count_patches(c);
    tower->n_tokens = tower->n_patches + families[c->family].class_token;
    tower->first_norm = norm;
    tower->last_norm = norm;
    tower->head.norm = norm;
    tower->head.fc1.activation = c->body.activation;
    tower->head.fc2.accumulate = true;
}

static void fill_sizes(const struct vit_config *c, size_t sizes[N_SIZES])
{
    sizes[WIDTH] = c->body.width;
    sizes[MLP] = c->body.mlp;
    sizes[TOKENS] = count_patches(c) + families[c->family].class_token;
    sizes[PATCH_PIXELS] = 3 * c->patch * c->patch;
    sizes[DIM] = c->dim;
}

static struct transformer_config body_of(const struct vit_config *c)
{
    struct transformer_config body = c->body;
    body.names = families[c->family].body_names;
    return body;
}

static enum err load_weights(struct vit *tower)
{
    const struct vit_config *c = &tower->config;
    const struct family *family = &families[c->family];
    const struct transformer_config body = body_of(c);
    size_t sizes[N_SIZES];
    fill_sizes(c, sizes);
    TRY(wt_load(tower->file, family->params, family->n_params,
                &(struct wt_target){.base = tower, .sizes = sizes}));
    return transformer_open(&tower->body, &body, tower->file, family->body_prefix);
}

enum err vit_mark(const struct vit_config *config, struct wt_file *file, uint64_t *mark)
{
    const struct family *family = &families[config->family];
    const struct transformer_config body = body_of(config);
    size_t sizes[N_SIZES];
    TRY(check_config(config));
    fill_sizes(config, sizes);
    TRY(wt_mark(file, family->params, family->n_params,
                &(struct wt_target){.sizes = sizes}, mark));
    return transformer_mark(&body, file, family->body_prefix, mark);
}

enum err vit_open(struct vit **out, const struct vit_config *config,
                  const char *const *paths, size_t n_paths)
{
    *out = NULL;
    TRY(check_config(config));
    struct vit *tower = alloc_zero(1, sizeof *tower);
    if (tower == NULL) {
        return ERR_NOMEM;
    }
    enum err result;
    tower->config = *config;
    plan(tower);
    TRY_OUT(wt_open(&tower->file, paths, n_paths));
    TRY_OUT(load_weights(tower));
    *out = tower;
    return ERR_OK;
out:
    vit_close(tower);
    return result;
}

void vit_close(struct vit *tower)
{
    if (tower == NULL) {
        return;
    }
    transformer_close(tower->body);
    wt_close(tower->file);
    alloc_free(tower);
}

/* The work on a few pictures. */

/* The memory of one call, cut from one allocation. */
struct work {
    const struct vit *tower;
    const struct kn_ops *ops;
    size_t n;        /* pictures */
    size_t *lengths; /* [n], all n_tokens */
    float *x;        /* [n, n_tokens, width] */
    float *scratch;  /* [n, what a picture needs at most] */
    float *panel;    /* [KN_PANEL_FLOATS] */
};

/* One patch's pixels, channel by channel as a convolution has its weights. */
static float *unfold_patch(float *out, const float *corner, size_t size, size_t patch)
{
    for (size_t c = 0; c < 3; c++) {
        for (size_t y = 0; y < patch; y++) {
            const float *row = corner + y * size * 3 + c;
            for (size_t x = 0; x < patch; x++) {
                *out++ = row[x * 3];
            }
        }
    }
    return out;
}

static void unfold(const struct vit_config *c, const float *pixels, float *out)
{
    size_t side = c->size / c->patch;
    for (size_t y = 0; y < side; y++) {
        for (size_t x = 0; x < side; x++) {
            const float *corner = pixels + (y * c->size + x) * c->patch * 3;
            out = unfold_patch(out, corner, c->size, c->patch);
        }
    }
}

/* x[n_tokens, width] of one picture: the tokens of its patches behind the class token,
 * each with its position added. */
static void place(struct work *w, const float *patches, float *x)
{
    const struct vit *tower = w->tower;
    size_t width = tower->config.body.width;
    size_t first = tower->n_tokens - tower->n_patches;
    for (size_t i = 0; i < tower->n_tokens; i++, x += width) {
        const float *token =
            i < first ? tower->class_token : patches + (i - first) * width;
        wt_row(&tower->positions, i, 0, width, x);
        for (size_t c = 0; c < width; c++) {
            x[c] += token[c];
        }
    }
}

static void embed_patches(struct work *w, const float *const *pixels)
{
    const struct vit *tower = w->tower;
    const struct vit_config *c = &tower->config;
    size_t rows = w->n * tower->n_patches, unfolded = 3 * c->patch * c->patch;
    float *tokens = w->scratch + rows * unfolded;
    for (size_t i = 0; i < w->n; i++) {
        unfold(c, pixels[i], w->scratch + i * tower->n_patches * unfolded);
    }
    w->ops->linear(&tower->patches, w->scratch, rows, tokens, w->panel);
    for (size_t i = 0; i < w->n; i++) {
        place(w, tokens + i * tower->n_patches * c->body.width,
              w->x + i * tower->n_tokens * c->body.width);
    }
}

/* CLIP: the class tokens. */
static void project_class(struct work *w, float *vectors)
{
    const struct vit *tower = w->tower;
    size_t width = tower->config.body.width;
    for (size_t i = 0; i < w->n; i++) {
        memcpy(w->scratch + i * width, w->x + i * tower->n_tokens * width,
               width * sizeof *w->x);
    }
    w->ops->layer_norm(&tower->last_norm, w->scratch, w->n);
    w->ops->linear(&tower->projection, w->scratch, w->n, vectors, w->panel);
}

/* SigLIP: what the probe sees of all patches, into attended[n, width]. */
static void ask_probe(struct work *w, float *attended)
{
    const struct vit *tower = w->tower;
    const struct probe_head *head = &tower->head;
    const struct transformer_config *c = &tower->config.body;
    const struct kn_attention attention = {.n = tower->n_tokens,
                                           .width = c->width,
                                           .heads =
                                               c->width / transformer_head_width(c),
                                           .n_queries = 1};
    size_t rows = w->n * tower->n_tokens;
    float *query = attended + w->n * c->width, *key = query + c->width,
          *value = key + rows * c->width;
    w->ops->linear(&head->query, head->probe, 1, query, w->panel);
    w->ops->linear(&head->key, w->x, rows, key, w->panel);
    w->ops->linear(&head->value, w->x, rows, value, w->panel);
    for (size_t i = 0; i < w->n; i++) {
        size_t at = i * tower->n_tokens * c->width;
        const float *const qkv[3] = {query, key + at, value + at};
        w->ops->attention(&attention, qkv, attended + i * c->width, w->panel);
    }
}

static void apply_head(struct work *w, float *vectors)
{
    const struct vit *tower = w->tower;
    const struct probe_head *head = &tower->head;
    const struct transformer_config *c = &tower->config.body;
    float *state = w->scratch, *middle = state + w->n * c->width;
    w->ops->layer_norm(&tower->last_norm, w->x, w->n * tower->n_tokens);
    ask_probe(w, state);
    w->ops->linear(&head->attended, state, w->n, vectors, w->panel);
    memcpy(state, vectors, w->n * c->width * sizeof *state);
    w->ops->layer_norm(&head->norm, state, w->n);
    w->ops->linear(&head->fc1, state, w->n, middle, w->panel);
    w->ops->linear(&head->fc2, middle, w->n, vectors, w->panel);
}

static enum err embed_few(struct work *w, const float *const *pixels, float *vectors)
{
    const struct vit *tower = w->tower;
    embed_patches(w, pixels);
    if (tower->config.family != VIT_SIGLIP) {
        w->ops->layer_norm(&tower->first_norm, w->x, w->n * tower->n_tokens);
    }
    TRY(transformer_run(tower->body, w->lengths, w->n, w->x));
    if (tower->config.family == VIT_SIGLIP) {
        apply_head(w, vectors);
    } else {
        project_class(w, vectors);
    }
    return ERR_OK;
}

/* Floats of scratch for one picture: the patches and their tokens, or what a head
 * needs. */
static size_t scratch_floats(const struct vit *tower)
{
    const struct vit_config *c = &tower->config;
    size_t patches = tower->n_patches * (3 * c->patch * c->patch + c->body.width);
    size_t head = (2 * tower->n_tokens + 2) * c->body.width + c->body.mlp;
    return patches > head ? patches : head;
}

/* How many pictures are worked through together. */
static size_t batch_of(const struct vit *tower, size_t n)
{
    size_t most = TRANSFORMER_ROWS_AT_ONCE / tower->n_tokens;
    return n < most ? n : most > 0 ? most : 1;
}

enum err vit_embed(const struct vit *tower, const float *const *pixels, size_t n,
                   float *vectors)
{
    size_t batch = batch_of(tower, n);
    size_t x = tower->n_tokens * tower->config.body.width;
    size_t lengths[TRANSFORMER_ROWS_AT_ONCE];
    struct work w = {.tower = tower, .ops = kn_ops(), .lengths = lengths};
    float *memory = alloc_aligned(
        (KN_PANEL_FLOATS + batch * (x + scratch_floats(tower))) * sizeof *memory);
    if (memory == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < batch; i++) {
        lengths[i] = tower->n_tokens;
    }
    w.panel = memory;
    w.x = memory + KN_PANEL_FLOATS;
    w.scratch = w.x + batch * x;
    enum err result = ERR_OK;
    for (size_t i = 0; result == ERR_OK && i < n; i += w.n) {
        w.n = n - i < batch ? n - i : batch;
        result = embed_few(&w, pixels + i, vectors + i * tower->config.dim);
    }
    alloc_free(memory);
    return result;
}
