/*
 * model_quantize.c - see duet_model.h, duet_model_quantize.
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
#include "encoder/quantize.h"

static const char *const suffixes[] = {[DUET_FP16] = "fp16", [DUET_INT8] = "int8"};

/* Where it goes if nobody says: beside the user's other models, by its own name. */
static enum err default_folder(const char *from, enum duet_precision precision,
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
    TRY_OUT(buf_printf(to, "/%s-%s", name.data, suffixes[precision]));
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

static enum err compare_models(const char *from, struct duet_quantize_result *r)
{
    struct enc *before = NULL, *after = NULL;
    enum err result;
    TRY_OUT(probe_open(&before, from));
    TRY_OUT(probe_open(&after, r->folder));
    if (strcmp(enc_info(before)->space, enc_info(after)->space) != 0) {
        result =
            err_set(ERR_INTERNAL, "the new model says that it is of another space");
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

static enum err quantize(const char *from, enum duet_precision precision,
                         struct duet_quantize_result *r)
{
    TRY(enc_quantize(from, precision == DUET_INT8 ? ENC_INT8 : ENC_FP16, r->folder));
    r->bytes_before = folder_bytes(from);
    r->bytes = folder_bytes(r->folder);
    enum err result = compare_models(from, r);
    if (result != ERR_OK && folder_remove(r->folder) != ERR_OK) {
        return err_set(ERR_IO, "%s is there, but cannot be used or removed", r->folder);
    }
    return result;
}

enum err duet_model_quantize(const char *name, enum duet_precision precision,
                             const char *to, struct duet_quantize_result *result)
{
    struct buf from, folder;
    *result = (struct duet_quantize_result){.bytes = 0};
    buf_init(&from, PATH_MAX);
    buf_init(&folder, DUET_MODEL_PATH_MAX - 1);
    enum err code = enc_find_model(name == NULL ? ENC_MODEL_DEFAULT : name, &from);
    if (code == ERR_OK) {
        code = to != NULL ? buf_printf(&folder, "%s", to)
                          : default_folder(from.data, precision, &folder);
    }
    if (code == ERR_OK) {
        snprintf(result->folder, sizeof result->folder, "%s", folder.data);
        code = quantize(from.data, precision, result);
    }
    buf_release(&folder);
    buf_release(&from);
    return code;
}
