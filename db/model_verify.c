/*
 * model_verify.c - see duet_model.h, duet_model_verify.
 *
 * The fast kernels are compared with the plain ones in this process, by kn_override:
 * encoding runs on the caller's thread alone, so the choice is this thread's own, the
 * weights are mapped once, and a library has no second program to start. The plain
 * kernels are slow (minutes for the largest models), so after the first text and the
 * first picture the others are compared only while time is left.
 */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "db/duet_model.h"
#include "db/model_manifest.h"
#include "db/model_probe.h"
#include "encoder/kernels.h"
#include "encoder/model_path.h"

#define EXPECTED_NAME "expected.json"

enum { KERNEL_SECONDS = 20, EXPECTED_BYTES_MAX = 64 << 20, EXPECTED_MAX = 1000 };

static const double COSINE_MIN = 0.9999;
static const double LENGTH_TOLERANCE = 1e-3;

struct verify {
    void (*report)(void *arg, const struct duet_model_check *);
    void *arg;
    const char *folder;
    struct enc *enc; /* NULL where it cannot be opened */
    struct buf said; /* the detail of the present step */
    double cosine;   /* the least of the present step */
    float *a, *b;    /* [dim] */
    enum err first;  /* of the first step that failed */
    char first_detail[ERR_DETAIL_MAX];
};

/* ---- Steps ------------------------------------------------------------------------ */

static void tell(struct verify *v, const char *step, enum duet_check_state state,
                 const char *detail)
{
    struct duet_model_check check = {step, state, detail, v->cosine};
    if (v->report != NULL) {
        v->report(v->arg, &check);
    }
}

/* A step says in v->said what it checked; ERR_NOT_FOUND where there was nothing to. */
typedef enum err verify_step(struct verify *v);

static enum err run_step(struct verify *v, const char *name, verify_step *step)
{
    v->cosine = 0;
    buf_clear(&v->said);
    enum err result = step(v);
    if (result == ERR_NOMEM) {
        return result;
    }
    if (result == ERR_OK) {
        tell(v, name, DUET_CHECK_OK, v->said.data);
    } else if (result == ERR_NOT_FOUND) {
        tell(v, name, DUET_CHECK_SKIPPED, err_detail());
    } else {
        if (v->first == ERR_OK) {
            v->first = result;
            snprintf(v->first_detail, sizeof v->first_detail, "%s", err_detail());
        }
        tell(v, name, DUET_CHECK_FAILED, err_detail());
    }
    return ERR_OK;
}

/* ---- The files --------------------------------------------------------------------- */

static enum err check_file(const struct verify *v, const struct manifest_file *file)
{
    char path[PATH_MAX], hex[HASH_HEX_BYTES];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s/%s", v->folder, file->name);
    FAIL_IF(n < 0 || n >= PATH_MAX, ERR_LIMIT, "%s: a path too long", file->name);
    FAIL_IF(stat(path, &st) != 0, ERR_CORRUPT, "%s is gone", file->name);
    FAIL_IF((uint64_t)st.st_size != file->size, ERR_CORRUPT,
            "%s has %lld bytes, not %llu", file->name, (long long)st.st_size,
            (unsigned long long)file->size);
    TRY(hash_file_hex(path, HASH_SHA256, NULL, NULL, hex));
    FAIL_IF(strcmp(hex, file->sha256) != 0, ERR_CORRUPT,
            "%s is not what was pulled: its SHA-256 is %.16s…, not %.16s…", file->name,
            hex, file->sha256);
    return ERR_OK;
}

static enum err check_files(struct verify *v)
{
    struct manifest manifest;
    enum err result = manifest_read(&manifest, v->folder);
    FAIL_IF(result == ERR_NOT_FOUND, ERR_NOT_FOUND,
            "there is no " MANIFEST_NAME ": the model was not pulled");
    for (size_t i = 0; i < manifest.n && result == ERR_OK; i++) {
        result = check_file(v, &manifest.files[i]);
    }
    if (result == ERR_OK) {
        result = buf_printf(&v->said, "%zu files are as pulled from %s", manifest.n,
                            manifest.repository);
    }
    manifest_release(&manifest);
    return result;
}

/* ---- The towers -------------------------------------------------------------------- */

static enum err check_towers(struct verify *v)
{
    TRY(probe_open(&v->enc, v->folder));
    const struct enc_info *info = enc_info(v->enc);
    v->a = alloc_array(info->dim, sizeof *v->a);
    v->b = alloc_array(info->dim, sizeof *v->b);
    if (v->a == NULL || v->b == NULL) {
        return ERR_NOMEM;
    }
    return buf_printf(&v->said, "%s, %zu numbers a vector, all tensors there",
                      info->family, info->dim);
}

/* ---- Vectors ------------------------------------------------------------------------ */

static enum err need_model(const struct verify *v)
{
    FAIL_IF(v->enc == NULL, ERR_NOT_FOUND, "the model cannot be opened");
    return ERR_OK;
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)a[i] * b[i];
    }
    return sum;
}

/* Cosine of v->a and v->b into the least one; a NaN is no cosine. */
static enum err compare(struct verify *v, const char *what, const char *with)
{
    size_t dim = enc_info(v->enc)->dim;
    double lengths = sqrt(dot(v->a, v->a, dim) * dot(v->b, v->b, dim));
    double cosine = dot(v->a, v->b, dim) / lengths;
    if (!(cosine >= v->cosine)) {
        v->cosine = isfinite(cosine) ? cosine : -1;
    }
    FAIL_IF(!(cosine >= COSINE_MIN), ERR_MODEL,
            "%s: cosine %.6f with %s; at least %.4f is right", what, cosine, with,
            COSINE_MIN);
    return ERR_OK;
}

/* Input `i`: the texts, then the pictures. Weights that give no vector at all are the
 * model's fault here, not this program's. */
static enum err encode(struct enc *enc, unsigned i, float *vector)
{
    enum err result = i < PROBE_TEXTS ? probe_text(enc, i, vector)
                                      : probe_picture(enc, i - PROBE_TEXTS, vector);
    return result == ERR_INTERNAL ? ERR_MODEL : result;
}

static void name_input(unsigned i, char name[64])
{
    if (i < PROBE_TEXTS) {
        snprintf(name, 64, "text %u", i + 1);
    } else {
        snprintf(name, 64, "picture %u", i - PROBE_TEXTS + 1);
    }
}

static enum err encode_plainly(struct enc *enc, unsigned i, float *vector)
{
    kn_override(&kn_reference);
    enum err result = encode(enc, i, vector);
    kn_override(NULL);
    return result;
}

static enum err check_kernels(struct verify *v)
{
    char name[64];
    uint64_t start = clock_monotonic_ns();
    unsigned n_texts = 0, n_pictures = 0;
    TRY(need_model(v));
    v->cosine = 1;
    for (unsigned i = 0; i < PROBE_TEXTS + PROBE_PICTURES; i++) {
        bool late = clock_monotonic_ns() - start > KERNEL_SECONDS * 1000000000ull;
        if (late && i != 0 && i != PROBE_TEXTS) {
            continue;
        }
        name_input(i, name);
        TRY(encode(v->enc, i, v->a));
        TRY(encode_plainly(v->enc, i, v->b));
        TRY(compare(v, name, "the plain kernels"));
        n_texts += i < PROBE_TEXTS;
        n_pictures += i >= PROBE_TEXTS;
    }
    return buf_printf(&v->said,
                      "%u texts and %u pictures by the %s kernels and the plain ones: "
                      "least cosine %.6f",
                      n_texts, n_pictures, kn_ops()->name, v->cosine);
}

/* ---- What another program made of them ----------------------------------------------- */

static enum err read_vector(struct json_object *row, float *vector, size_t dim)
{
    struct json_object *numbers = json_get(row, "vector");
    FAIL_IF(!json_object_is_type(numbers, json_type_array) ||
                json_object_array_length(numbers) != dim,
            ERR_CORRUPT, EXPECTED_NAME ": a vector is not of %zu numbers", dim);
    for (size_t i = 0; i < dim; i++) {
        vector[i] =
            (float)json_object_get_double(json_object_array_get_idx(numbers, i));
    }
    return ERR_OK;
}

static enum err encode_row(struct verify *v, struct json_object *row, char name[64])
{
    const char *text;
    size_t picture;
    if (json_get(row, "text") != NULL) {
        TRY(json_get_string(row, "text", &text));
        snprintf(name, 64, "'%.40s'", text);
        return enc_text(v->enc, text, strlen(text), v->a, NULL);
    }
    TRY(json_get_size(row, "picture", &picture));
    FAIL_IF(picture >= PROBE_PICTURES, ERR_CORRUPT, EXPECTED_NAME ": no picture %zu",
            picture);
    snprintf(name, 64, "picture %zu", picture + 1);
    return probe_picture(v->enc, (unsigned)picture, v->a);
}

static enum err compare_rows(struct verify *v, struct json_object *json)
{
    const char *made_by;
    char name[64];
    struct json_object *rows = json_get(json, "expected");
    TRY(json_get_string(json, "made_by", &made_by));
    size_t n =
        json_object_is_type(rows, json_type_array) ? json_object_array_length(rows) : 0;
    FAIL_IF(n == 0 || n > EXPECTED_MAX, ERR_CORRUPT, EXPECTED_NAME ": %zu vectors", n);
    v->cosine = 1;
    for (size_t i = 0; i < n; i++) {
        struct json_object *row = json_object_array_get_idx(rows, i);
        TRY(encode_row(v, row, name));
        TRY(read_vector(row, v->b, enc_info(v->enc)->dim));
        TRY(compare(v, name, made_by));
    }
    return buf_printf(&v->said, "%zu vectors made by %s: least cosine %.6f", n, made_by,
                      v->cosine);
}

static enum err check_expected(struct verify *v)
{
    struct buf path, text;
    struct json_object *json = NULL;
    TRY(need_model(v));
    buf_init(&path, PATH_MAX);
    buf_init(&text, EXPECTED_BYTES_MAX);
    enum err result = buf_printf(&path, "%s/" EXPECTED_NAME, v->folder);
    if (result == ERR_OK) {
        result = file_read(path.data, &text);
        if (result == ERR_NOT_FOUND) {
            result = err_set(ERR_NOT_FOUND, "the model brings no " EXPECTED_NAME);
        }
    }
    if (result == ERR_OK) {
        result = json_parse(&json, text.data, text.size);
    }
    if (result == ERR_OK) {
        result = compare_rows(v, json);
    }
    json_object_put(json);
    buf_release(&text);
    buf_release(&path);
    return result == ERR_INVALID ? err_prefix(ERR_CORRUPT, EXPECTED_NAME) : result;
}

/* ---- What any vector must be ----------------------------------------------------------- */

static enum err check_vectors(struct verify *v)
{
    char name[64];
    TRY(need_model(v));
    size_t dim = enc_info(v->enc)->dim;
    for (unsigned i = 0; i < PROBE_TEXTS + PROBE_PICTURES; i++) {
        name_input(i, name);
        TRY(encode(v->enc, i, v->a));
        TRY(encode(v->enc, i, v->b));
        double length = sqrt(dot(v->a, v->a, dim));
        FAIL_IF(!(fabs(length - 1) <= LENGTH_TOLERANCE), ERR_MODEL,
                "%s: a vector of length %g", name, length);
        FAIL_IF(memcmp(v->a, v->b, dim * sizeof *v->a) != 0, ERR_MODEL,
                "%s: another vector the second time", name);
    }
    return buf_printf(&v->said, "unit length, finite, the same each time");
}

/* ---- The whole -------------------------------------------------------------------------- */

static enum err verify_all(struct verify *v)
{
    TRY(run_step(v, "files", check_files));
    TRY(run_step(v, "towers", check_towers));
    TRY(run_step(v, "kernels", check_kernels));
    TRY(run_step(v, "expected", check_expected));
    TRY(run_step(v, "vectors", check_vectors));
    return v->first == ERR_OK ? ERR_OK : err_set(v->first, "%s", v->first_detail);
}

enum err duet_model_verify(const char *name,
                           void (*report)(void *arg, const struct duet_model_check *),
                           void *arg)
{
    struct buf folder;
    struct verify v = {.report = report, .arg = arg};
    buf_init(&folder, PATH_MAX);
    buf_init(&v.said, ERR_DETAIL_MAX);
    enum err result = enc_find_model(name == NULL ? ENC_MODEL_DEFAULT : name, &folder);
    if (result == ERR_OK) {
        v.folder = folder.data;
        result = verify_all(&v);
    }
    alloc_free(v.b);
    alloc_free(v.a);
    enc_close(v.enc);
    buf_release(&v.said);
    buf_release(&folder);
    return result;
}
