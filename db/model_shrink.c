/*
 * model_shrink.c - see duet_model.h, duet_model_quantize and duet_model_prune.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "db/duet_model.h"
#include "db/model_folder.h"
#include "db/model_probe.h"
#include "encoder/model_path.h"
#include "encoder/prune.h"
#include "encoder/quantize.h"

/* One way of making a model smaller. */
struct shrink {
    enum err (*make)(const struct shrink *how, const char *from, const char *to);
    const char *suffix; /* of the new model's name */
    bool same_space;
    enum enc_precision precision;
    struct enc_prune prune;
};

/* Where it goes if nobody says: beside the user's other models, by its own name. */
static enum err default_folder(const char *from, const struct shrink *how,
                               struct buf *to)
{
    struct buf name;
    buf_init(&name, PATH_MAX);
    enum err result;
    TRY_OUT(enc_model_name(from, &name));
    TRY_OUT(enc_models_home(to));
    if (name.data[0] == '/') {
        result = err_set(ERR_INVALID,
                         "%s has no name in a models folder: say where "
                         "the new one goes",
                         from);
        goto out;
    }
    TRY_OUT(buf_printf(to, "/%s-%s", name.data, how->suffix));
    *strrchr(to->data, '/') = '\0';
    result = file_make_folders(to->data);
    to->data[strlen(to->data)] = '/';
out:
    buf_release(&name);
    return result;
}

/* ---- Comparing ---- */

typedef enum err probe_fn(struct enc *enc, unsigned i, float *vector);

/* The mean and the least cosine of two models over `n` probes. */
static enum err compare(struct enc *a, struct enc *b, probe_fn *probe, unsigned n,
                        double *mean, double *least)
{
    size_t dim = enc_info(a)->dim;
    float *vectors = alloc_array(2 * dim, sizeof *vectors);
    if (vectors == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ERR_OK;
    *mean = 0;
    *least = 1;
    for (unsigned i = 0; i < n; i++) {
        double cosine = 0;
        TRY_OUT(probe(a, i, vectors));
        TRY_OUT(probe(b, i, vectors + dim));
        for (size_t d = 0; d < dim; d++) {
            cosine += (double)vectors[d] * (double)vectors[dim + d];
        }
        *mean += cosine / n;
        *least = cosine < *least ? cosine : *least;
    }
out:
    alloc_free(vectors);
    return result;
}

static enum err compare_models(const struct shrink *how, const char *from,
                               struct duet_remade *r)
{
    struct enc *before = NULL, *after = NULL;
    enum err result;
    TRY_OUT(probe_open(&before, from));
    TRY_OUT(probe_open(&after, r->folder));
    bool same = strcmp(enc_info(before)->space, enc_info(after)->space) == 0;
    if (same != how->same_space) {
        result = err_set(ERR_INTERNAL, "the new model names the wrong space");
        goto out;
    }
    TRY_OUT(compare(before, after, probe_text, PROBE_TEXTS, &r->text_cosine,
                    &r->text_cosine_least));
    TRY_OUT(compare(before, after, probe_picture, PROBE_PICTURES, &r->picture_cosine,
                    &r->picture_cosine_least));
out:
    enc_close(before);
    enc_close(after);
    return result;
}

static enum err look_at(const struct shrink *how, const char *from,
                        struct duet_remade *r)
{
    r->bytes_before = folder_bytes(from);
    r->bytes = folder_bytes(r->folder);
    return compare_models(how, from, r);
}

/* ---- Outside ---- */

static enum err make(const struct shrink *how, const char *from, struct duet_remade *r)
{
    TRY(how->make(how, from, r->folder));
    enum err result = look_at(how, from, r);
    if (result != ERR_OK && folder_remove(r->folder) != ERR_OK) {
        return err_set(ERR_IO, "%s is there, but cannot be used or removed", r->folder);
    }
    return result;
}

static enum err shrink(const struct shrink *how, const char *name, const char *to,
                       struct duet_remade *result)
{
    struct buf from, folder;
    *result = (struct duet_remade){.bytes = 0};
    buf_init(&from, PATH_MAX);
    buf_init(&folder, DUET_MODEL_PATH_MAX - 1);
    enum err code = enc_find_model(name == NULL ? ENC_MODEL_DEFAULT : name, &from);
    if (code == ERR_OK) {
        code = to != NULL ? buf_printf(&folder, "%s", to)
                          : default_folder(from.data, how, &folder);
    }
    if (code == ERR_OK) {
        snprintf(result->folder, sizeof result->folder, "%s", folder.data);
        code = make(how, from.data, result);
    }
    buf_release(&folder);
    buf_release(&from);
    return code;
}

static enum err quantize(const struct shrink *how, const char *from, const char *to)
{
    return enc_quantize(from, how->precision, to);
}

static enum err prune(const struct shrink *how, const char *from, const char *to)
{
    return enc_prune(from, &how->prune, to);
}

enum err duet_model_quantize(const char *name, enum duet_precision precision,
                             const char *to, struct duet_remade *result)
{
    bool int8 = precision == DUET_INT8;
    const struct shrink how = {.make = quantize,
                               .suffix = int8 ? "int8" : "fp16",
                               .same_space = true,
                               .precision = int8 ? ENC_INT8 : ENC_FP16};
    return shrink(&how, name, to, result);
}

enum err duet_model_prune(const char *name, double heads, double ffn, const char *to,
                          struct duet_remade *result)
{
    const struct shrink how = {
        .make = prune, .suffix = "pruned", .prune = {.heads = heads, .ffn = ffn}};
    return shrink(&how, name, to, result);
}
