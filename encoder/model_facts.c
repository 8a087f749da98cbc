/*
 * model_facts.c - what a published model's folder tells of itself beside its config.
 *
 * No published file names the space that a model's vectors live in, so it is made of
 * the weights: a hash of the last matrix of each tower, read as half floats. So the
 * float32 and float16 forms of one model share a space, in either layout, and two
 * fine-tunings of one model do not. Forms that round more name the space of their
 * origin in "duet_space" of their config.
 */
#include <math.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "encoder/model_read.h"

/* Name and licence. */

/* The folder's last name. A path may end in slashes. */
static enum err name_folder(struct model *model)
{
    size_t end = strlen(model->folder), start;
    while (end > 1 && model->folder[end - 1] == '/') {
        end--;
    }
    for (start = end; start > 0 && model->folder[start - 1] != '/'; start--) {
    }
    return model_derive(model, &model->name, "%.*s", (int)(end - start),
                        model->folder + start);
}

/* The value of "licence: value" in the block of "---" lines that a model card begins
 * with (YAML's plain and quoted scalars). */
static enum err read_card(struct model *model, const char *card)
{
    static const char key[] = "\nlicense:";
    const char *end = strncmp(card, "---\n", 4) == 0 ? strstr(card + 4, "\n---") : NULL;
    const char *line = end != NULL ? strstr(card, key) : NULL;
    if (line == NULL || line > end) {
        return ERR_OK;
    }
    const char *value = line + sizeof key - 1;
    value += strspn(value, " \t\"'");
    size_t n = strcspn(value, "\"' \t\r\n#");
    return n > 0 && n < LIMIT_NAME_BYTES
               ? model_derive(model, &model->licence, "%.*s", (int)n, value)
               : ERR_OK;
}

/* The beginning of the model card; one that cannot be read tells nothing. */
static enum err read_card_file(struct model *model, const char *path)
{
    enum { CARD_BYTES = 16 << 10 };
    struct file_map map;
    if (file_map_open(&map, path, LIMIT_MODEL_CONFIG_BYTES) != ERR_OK ||
        map.size == 0) {
        return ERR_OK;
    }
    size_t n = map.size < CARD_BYTES ? map.size : CARD_BYTES;
    char *card = alloc_dup_n((const char *)map.data, n);
    enum err result = card == NULL ? ERR_NOMEM : read_card(model, card);
    alloc_free(card);
    file_map_close(&map);
    return result;
}

static enum err read_licence(struct model *model)
{
    char *path = NULL;
    TRY(model_path_of(model, "README.md", &path));
    enum err result = read_card_file(model, path);
    alloc_free(path);
    return result;
}

static const char *string_or(struct json_object *json, const char *key,
                             const char *fallback)
{
    struct json_object *value = json_get(json, key);
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value)
                                                        : fallback;
}

static enum err read_name(struct model *model)
{
    struct json_object *manifest;
    TRY(name_folder(model));
    model->licence = "unknown: see the model's card";
    TRY(read_licence(model));
    TRY(model_note_json(model, "duet.json", &manifest));
    model->name = string_or(manifest, "repo", model->name);
    model->licence = string_or(manifest, "licence", model->licence);
    return ERR_OK;
}

/* The space. */

/* The half float next to x, as a float. */
static float round_to_half(float x)
{
    uint32_t bits;
    if (fabsf(x) < 0x1p-14f) { /* subnormal halves stand at equal distances */
        return rintf(x * 0x1p24f) * 0x1p-24f;
    }
    memcpy(&bits, &x, sizeof bits);
    bits += 0xfff + ((bits >> 13) & 1); /* to even */
    bits &= ~(uint32_t)0x1fff;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static enum err find_mark(struct wt_file *file, const struct model_mark *mark,
                          struct wt_matrix *out)
{
    return mark->transposed
               ? wt_transposed(file, mark->name, mark->rows, mark->cols, out)
               : wt_matrix(file, mark->name, WT_WHOLE, mark->rows, mark->cols, out);
}

static enum err hash_mark(struct wt_file *file, const struct model_mark *mark,
                          XXH64_hash_t *hash)
{
    struct wt_matrix matrix;
    TRY(find_mark(file, mark, &matrix));
    float *row = alloc_array(matrix.n_cols, sizeof *row);
    if (row == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < matrix.n_rows; i++) {
        wt_row(&matrix, i, 0, matrix.n_cols, row);
        for (size_t j = 0; j < matrix.n_cols; j++) {
            row[j] = round_to_half(row[j]) + 0.0f; /* no -0 */
        }
        *hash = XXH3_64bits_withSeed(row, matrix.n_cols * sizeof *row, *hash);
    }
    alloc_free(row);
    return ERR_OK;
}

static enum err name_space(struct model *model, struct json_object *config,
                           struct wt_file *file, const struct model_tensor_names *names)
{
    XXH64_hash_t hash = 0;
    model->space = string_or(config, "duet_space", "");
    if (model->space[0] != '\0' && strlen(model->space) <= LIMIT_NAME_BYTES) {
        return ERR_OK;
    }
    for (size_t i = 0; i < 2; i++) {
        TRY(hash_mark(file, &names->marks[i], &hash));
    }
    return model_derive(model, &model->space, "%s-%zu-%016llx", model->family,
                        model->dim, (unsigned long long)hash);
}

/* The scale. */

static enum err read_scale(struct model *model, struct wt_file *file,
                           const struct model_tensor_names *names)
{
    const float *number;
    TRY(wt_vector(file, names->logit_scale, WT_WHOLE, 1, &number));
    model->logit_scale = exp(*number);
    FAIL_IF(!isfinite(model->logit_scale) || model->logit_scale <= 0, ERR_MODEL,
            "%s: \"%s\" is %g", model->folder, names->logit_scale, (double)*number);
    if (names->logit_bias != NULL) {
        TRY(wt_vector(file, names->logit_bias, WT_WHOLE, 1, &number));
        FAIL_IF(!isfinite(*number), ERR_MODEL, "%s: \"%s\" is not finite",
                model->folder, names->logit_bias);
        model->logit_bias = *number;
        model->sigmoid = true;
    }
    return ERR_OK;
}

enum err model_read_facts(struct model *model, struct json_object *config,
                          const struct model_tensor_names *names)
{
    struct wt_file *file;
    const struct model_weights *weights = &model->image.weights;
    TRY(read_name(model));
    TRY(wt_open(&file, weights->paths, weights->n));
    enum err result = read_scale(model, file, names);
    if (result == ERR_OK) {
        result = name_space(model, config, file, names);
    }
    wt_close(file);
    return result;
}
