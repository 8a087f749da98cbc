/*
 * prune.c - see prune.h.
 */
#include "encoder/prune.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/limits.h"
#include "encoder/model_remake.h"
#include "encoder/weights_select.h"

enum {
    CHANNEL_STEP = 8, /* channels stay in eights: whole vectors of the kernels */
    NAME_BYTES = 256
};

/* The tensors of a layer, without ".weight" and ".bias"; '#' is its number. */
struct layer_names {
    const char *query, *key, *value, *attended, *fc1, *fc2;
};

static const struct layer_names clip_names = {
    "encoder.layers.#.self_attn.q_proj", "encoder.layers.#.self_attn.k_proj",
    "encoder.layers.#.self_attn.v_proj", "encoder.layers.#.self_attn.out_proj",
    "encoder.layers.#.mlp.fc1",          "encoder.layers.#.mlp.fc2",
};

static const struct layer_names bert_names = {
    "encoder.layer.#.attention.self.query", "encoder.layer.#.attention.self.key",
    "encoder.layer.#.attention.self.value", "encoder.layer.#.attention.output.dense",
    "encoder.layer.#.intermediate.dense",   "encoder.layer.#.output.dense",
};

/* SigLIP's image tower ends in one more layer, whose attention stays whole. */
static const struct layer_names siglip_head_names = {.fc1 = "head.mlp.fc1",
                                                     .fc2 = "head.mlp.fc2"};

/* One tower. */
struct stack {
    const char *prefix;
    const char *section; /* of the config */
    const struct layer_names *names;
    size_t layers, width, heads, head_width, mlp;
    size_t keep_heads, keep_mlp;
    bool has_head;
};

struct prune {
    const struct enc_prune *how;
    struct arena arena;
    struct wt_file *file;
    struct wt_selection *selections; /* [n_selections] */
    size_t n_selections, room;
};

/* ---- Which towers, and how much stays ---- */

static void count_kept(const struct enc_prune *how, struct stack *s)
{
    double heads = ceil((double)s->heads * (1 - how->heads) - 1e-9);
    double mlp = ceil((double)s->mlp * (1 - how->ffn) / CHANNEL_STEP - 1e-9);
    s->keep_heads = heads < 1 ? 1 : (size_t)heads;
    s->keep_mlp = mlp < 1 ? CHANNEL_STEP : (size_t)mlp * CHANNEL_STEP;
    s->keep_mlp = s->keep_mlp < s->mlp ? s->keep_mlp : s->mlp;
}

static struct stack stack_of(const struct transformer_config *c, const char *prefix,
                             const char *section)
{
    return (struct stack){.prefix = prefix,
                          .section = section,
                          .names = &clip_names,
                          .layers = c->layers,
                          .width = c->width,
                          .heads = c->heads,
                          .head_width = transformer_head_width(c),
                          .mlp = c->mlp};
}

static struct stack stack_of_bert(const struct bert_config *c)
{
    size_t width = c->attention != 0 ? c->attention : c->hidden;
    return (struct stack){.prefix = "text_model.",
                          .section = "text_config",
                          .names = &bert_names,
                          .layers = c->layers,
                          .width = c->hidden,
                          .heads = c->heads,
                          .head_width = width / c->heads,
                          .mlp = c->intermediate};
}

enum { IMAGE, TEXT, N_STACKS };

static void find_stacks(const struct enc_prune *how, const struct model *model,
                        struct stack stacks[N_STACKS])
{
    const struct model_text *text = &model->texts[0];
    stacks[IMAGE] = stack_of(&model->image.vit.body, "vision_model.", "vision_config");
    stacks[IMAGE].has_head = model->image.vit.family == VIT_SIGLIP;
    stacks[TEXT] = text->kind == MODEL_BERT
                       ? stack_of_bert(&text->bert)
                       : stack_of(&text->clip.body, "text_model.", "text_config");
    count_kept(how, &stacks[IMAGE]);
    count_kept(how, &stacks[TEXT]);
}

static enum err check_model(const struct model *model)
{
    bool known = strcmp(model->family, "clip") == 0 ||
                 strcmp(model->family, "chinese-clip") == 0 ||
                 strcmp(model->family, "siglip") == 0;
    FAIL_IF(!known || model->image.vit.family == VIT_OPEN_CLIP, ERR_UNSUPPORTED,
            "only CLIP, Chinese-CLIP and SigLIP in Hugging Face's layout are pruned");
    return ERR_OK;
}

/* ---- Names and selections ---- */

/* PREFIX, `name` with the layer's number, SUFFIX. */
static enum err full_name(struct prune *p, const struct stack *s, const char *name,
                          size_t layer, const char *suffix, const char **out)
{
    char text[NAME_BYTES];
    const char *mark = strchr(name, '#');
    int n = mark == NULL
                ? snprintf(text, sizeof text, "%s%s%s", s->prefix, name, suffix)
                : snprintf(text, sizeof text, "%s%.*s%zu%s%s", s->prefix,
                           (int)(mark - name), name, layer, mark + 1, suffix);
    char *copy = arena_array(&p->arena, (size_t)n + 1, 1);
    if (copy == NULL) {
        return ERR_NOMEM;
    }
    memcpy(copy, text, (size_t)n + 1);
    *out = copy;
    return ERR_OK;
}

static enum err add(struct prune *p, struct wt_selection selection)
{
    if (p->n_selections == p->room) {
        size_t room = 2 * p->room + 64;
        struct wt_selection *more = arena_array(&p->arena, room, sizeof *more);
        if (more == NULL) {
            return ERR_NOMEM;
        }
        if (p->n_selections > 0) {
            memcpy(more, p->selections, p->n_selections * sizeof *more);
        }
        p->selections = more;
        p->room = room;
    }
    p->selections[p->n_selections++] = selection;
    return ERR_OK;
}

/* Output rows of a linear layer: its weight, its bias, and an int8 one's scales. */
static enum err add_rows(struct prune *p, const struct stack *s, const char *name,
                         size_t layer, const size_t *rows, size_t n)
{
    static const char *const suffixes[] = {".weight", ".bias", ".scale"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        struct wt_selection selection = {.rows = rows, .n_rows = n};
        TRY(full_name(p, s, name, layer, suffixes[i], &selection.name));
        TRY(add(p, selection));
    }
    return ERR_OK;
}

/* Its input columns. */
static enum err add_cols(struct prune *p, const struct stack *s, const char *name,
                         size_t layer, const size_t *cols, size_t n)
{
    struct wt_selection selection = {.cols = cols, .n_cols = n};
    TRY(full_name(p, s, name, layer, ".weight", &selection.name));
    return add(p, selection);
}

/* ---- Scores ---- */

/* Sums the squares of the matrix by groups of rows or columns, `group` at a time, into
 * sums[n]. */
static enum err sum_squares(struct prune *p, const char *name, size_t n_rows,
                            size_t n_cols, bool by_rows, size_t group, double *sums)
{
    struct wt_matrix matrix;
    float *row = arena_array(&p->arena, n_cols, sizeof *row);
    if (row == NULL) {
        return ERR_NOMEM;
    }
    TRY(wt_matrix(p->file, name, WT_WHOLE, n_rows, n_cols, &matrix));
    for (size_t r = 0; r < n_rows; r++) {
        wt_row(&matrix, r, 0, n_cols, row);
        for (size_t c = 0; c < n_cols; c++) {
            sums[(by_rows ? r : c) / group] += (double)row[c] * (double)row[c];
        }
    }
    return ERR_OK;
}

struct score {
    double score;
    size_t i;
};

static int by_score(const void *a, const void *b)
{
    const struct score *x = a, *y = b;
    if (x->score != y->score) {
        return x->score < y->score ? 1 : -1;
    }
    return (x->i > y->i) - (x->i < y->i);
}

static int by_number(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* The `keep` groups of `n`, each `group` numbers wide, that matter most: the numbers of
 * what is in them, rising. Their score is of the rows of `in` times the columns of
 * `out`. */
static enum err choose(struct prune *p, const char *in, const char *out, size_t width,
                       size_t n, size_t group, size_t keep, const size_t **kept)
{
    double *ins = arena_array(&p->arena, 2 * n, sizeof *ins);
    struct score *scores = arena_array(&p->arena, n, sizeof *scores);
    size_t *numbers = arena_array(&p->arena, keep * group, sizeof *numbers);
    if (ins == NULL || scores == NULL || numbers == NULL) {
        return ERR_NOMEM;
    }
    double *outs = ins + n;
    TRY(sum_squares(p, in, n * group, width, true, group, ins));
    TRY(sum_squares(p, out, width, n * group, false, group, outs));
    for (size_t i = 0; i < n; i++) {
        scores[i] = (struct score){ins[i] * outs[i], i};
    }
    qsort(scores, n, sizeof *scores, by_score);
    for (size_t i = 0; i < keep * group; i++) {
        numbers[i] = scores[i / group].i * group + i % group;
    }
    qsort(numbers, keep * group, sizeof *numbers, by_number);
    *kept = numbers;
    return ERR_OK;
}

/* ---- A layer, a tower, a model ---- */

static enum err select_heads(struct prune *p, const struct stack *s, size_t layer)
{
    const struct layer_names *names = s->names;
    const char *value, *attended;
    const size_t *kept;
    size_t n = s->keep_heads * s->head_width;
    TRY(full_name(p, s, names->value, layer, ".weight", &value));
    TRY(full_name(p, s, names->attended, layer, ".weight", &attended));
    TRY(choose(p, value, attended, s->width, s->heads, s->head_width, s->keep_heads,
               &kept));
    TRY(add_rows(p, s, names->query, layer, kept, n));
    TRY(add_rows(p, s, names->key, layer, kept, n));
    TRY(add_rows(p, s, names->value, layer, kept, n));
    return add_cols(p, s, names->attended, layer, kept, n);
}

static enum err select_channels(struct prune *p, const struct stack *s,
                                const struct layer_names *names, size_t layer)
{
    const char *fc1, *fc2;
    const size_t *kept;
    TRY(full_name(p, s, names->fc1, layer, ".weight", &fc1));
    TRY(full_name(p, s, names->fc2, layer, ".weight", &fc2));
    TRY(choose(p, fc1, fc2, s->width, s->mlp, 1, s->keep_mlp, &kept));
    TRY(add_rows(p, s, names->fc1, layer, kept, s->keep_mlp));
    return add_cols(p, s, names->fc2, layer, kept, s->keep_mlp);
}

static enum err select_stack(struct prune *p, const struct stack *s)
{
    for (size_t i = 0; i < s->layers; i++) {
        if (s->keep_heads < s->heads) {
            TRY(select_heads(p, s, i));
        }
        if (s->keep_mlp < s->mlp) {
            TRY(select_channels(p, s, s->names, i));
        }
    }
    return s->has_head && s->keep_mlp < s->mlp
               ? select_channels(p, s, &siglip_head_names, 0)
               : ERR_OK;
}

/* Both towers of these families are in the same files. */
static enum err write_weights(void *arg, const struct model *model,
                              struct model_weights weights, const char *to)
{
    struct prune *p = arg;
    struct stack stacks[N_STACKS];
    find_stacks(p->how, model, stacks);
    TRY(wt_open(&p->file, weights.paths, weights.n));
    enum err result = ERR_OK;
    for (size_t i = 0; i < N_STACKS && result == ERR_OK; i++) {
        result = select_stack(p, &stacks[i]);
    }
    wt_close(p->file);
    TRY(result);
    return wt_select(weights.paths, weights.n, to, p->selections, p->n_selections);
}

/* ---- The config ---- */

static enum err set_count(struct json_object *section, const char *key, size_t value)
{
    struct json_object *number = json_object_new_uint64(value);
    if (number == NULL || json_object_object_add(section, key, number) != 0) {
        return ERR_NOMEM;
    }
    return ERR_OK;
}

/* Where a published config has a section twice, the second counts
 * (model_hugging_face.c). One that is all defaults is left out. */
static enum err section_of(struct json_object *config, const char *name,
                           struct json_object **out)
{
    char second[NAME_BYTES];
    snprintf(second, sizeof second, "%s_dict", name);
    *out = json_get(config, second);
    if (*out == NULL) {
        *out = json_get(config, name);
    }
    if (*out == NULL) {
        *out = json_object_new_object();
        if (*out == NULL || json_object_object_add(config, name, *out) != 0) {
            return ERR_NOMEM;
        }
    }
    return ERR_OK;
}

static enum err configure(void *arg, const struct model *model,
                          struct json_object *config)
{
    const struct prune *p = arg;
    struct stack stacks[N_STACKS];
    TRY(check_model(model));
    find_stacks(p->how, model, stacks);
    for (size_t i = 0; i < N_STACKS; i++) {
        struct json_object *section;
        TRY(section_of(config, stacks[i].section, &section));
        TRY(set_count(section, "num_attention_heads", stacks[i].keep_heads));
        TRY(set_count(section, "head_dim", stacks[i].head_width));
        TRY(set_count(section, "intermediate_size", stacks[i].keep_mlp));
    }
    json_object_object_del(config, "duet_space"); /* whose vectors it makes no more */
    return ERR_OK;
}

enum err enc_prune(const char *from, const struct enc_prune *how, const char *to)
{
    FAIL_IF(!(how->heads >= 0 && how->heads < 1 && how->ffn >= 0 && how->ffn < 1),
            ERR_INVALID, "the shares to be pruned must be 0 to less than 1");
    FAIL_IF(how->heads == 0 && how->ffn == 0, ERR_INVALID,
            "say what to prune: heads, channels, or both");
    struct prune p = {.how = how, .arena = ARENA_EMPTY};
    const struct model_remake remake = {.write = write_weights,
                                        .configure = configure,
                                        .arg = &p,
                                        .made_by = "duet model prune"};
    enum err result = model_remake(from, to, &remake);
    arena_release(&p.arena);
    return result;
}
