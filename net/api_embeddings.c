/*
 * api_embeddings.c - POST /v1/embeddings, as OpenAI's API has it, so that programs made
 * for that need no change: vectors of texts, and of pictures, which OpenAI's has not.
 */
#include <openssl/evp.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "net/api.h"
#include "net/api_input.h"
#include "net/base64.h"

struct embeddings {
    struct inputs inputs;          /* what {"image": …} is read through */
    struct duet_input *items;      /* [n] */
    unsigned char **pictures;      /* [n] of data URIs, owned; NULL for others */
    struct duet_embedded *results; /* [n] */
    size_t n;
    bool base64;    /* the vectors are to be written so */
    float *vectors; /* [n, dim] */
    size_t dim;
};

static void release(struct embeddings *e)
{
    for (size_t i = 0; e->pictures != NULL && i < e->n; i++) {
        alloc_free(e->pictures[i]);
    }
    alloc_free(e->pictures);
    alloc_free(e->items);
    alloc_free(e->results);
    duet_free(e->vectors);
    inputs_release(&e->inputs);
}

/* ---- The request ---------------------------------------------------------------- */

static enum err read_string(struct embeddings *e, const struct field *f, size_t i)
{
    const char *text = NULL;
    TRY(field_string(f, &text));
    size_t n = strlen(text);
    if (strncmp(text, "data:image/", 11) != 0) {
        if (n == 0) {
            return field_fail(f, ERR_INVALID, "is empty");
        }
        if (n > LIMIT_TEXT_BYTES) {
            return field_fail(f, ERR_LIMIT, "has %zu bytes, more than %u", n,
                              LIMIT_TEXT_BYTES);
        }
        e->items[i] = duet_input_text(text);
        return ERR_OK;
    }
    const char *base64;
    size_t n_base64, n_bytes;
    enum err result = base64_find(text, n, &base64, &n_base64);
    if (result == ERR_OK) {
        result = base64_decode(base64, n_base64, &e->pictures[i], &n_bytes);
    }
    if (result != ERR_OK) {
        return field_prefix(f, result);
    }
    e->items[i] = (struct duet_input){
        .kind = DUET_INPUT_IMAGE, .bytes = e->pictures[i], .n = n_bytes};
    return ERR_OK;
}

static enum err read_item(struct embeddings *e, const struct field *f, size_t i)
{
    TRY(field_require(f));
    switch (json_object_get_type(f->value)) {
    case json_type_string:
        return read_string(e, f, i);
    case json_type_object:
        return input_read_vector(&e->inputs, f, &e->items[i]);
    default:
        return field_fail(f, ERR_INVALID,
                          "must be a text; arrays of tokens are not taken, since they "
                          "are of another model's tokenizer");
    }
}

/* One item, or an array of them. */
static enum err read_input(struct embeddings *e, const struct field *f)
{
    bool many = json_object_is_type(f->value, json_type_array);
    TRY(field_require(f));
    if (many) {
        TRY(field_array(f, LIMIT_EMBED_INPUTS));
    }
    e->n = many ? field_length(f) : 1;
    if (e->n == 0) {
        return field_fail(f, ERR_INVALID, "is empty");
    }
    e->items = alloc_zero(e->n, sizeof *e->items);
    e->pictures = alloc_zero(e->n, sizeof *e->pictures);
    e->results = alloc_zero(e->n, sizeof *e->results);
    FAIL_IF(e->items == NULL || e->pictures == NULL || e->results == NULL, ERR_NOMEM,
            "out of memory");
    for (size_t i = 0; i < e->n; i++) {
        struct field item = many ? field_item(f, i) : *f;
        TRY(read_item(e, &item, i));
    }
    return ERR_OK;
}

/* A model by another name would not give what was asked for. */
static enum err check_model(const struct field *f, const struct duet_model_info *info)
{
    const char *name = "default";
    TRY(field_string(f, &name));
    return strcmp(name, "default") == 0 || strcmp(name, info->name) == 0
               ? ERR_OK
               : field_fail(f, ERR_NOT_FOUND,
                            "there is none of that name; say \"default\" or \"%s\"",
                            info->name);
}

static enum err read_format(const struct field *f, bool *base64)
{
    const char *format = "float";
    TRY(field_string(f, &format));
    *base64 = strcmp(format, "base64") == 0;
    return *base64 || strcmp(format, "float") == 0
               ? ERR_OK
               : field_fail(f, ERR_INVALID, "must be \"float\" or \"base64\"");
}

static enum err read_request(struct embeddings *e, const struct field *root,
                             const struct duet_model_info *info)
{
    static const struct field_rule rules[] = {
        {"input", NULL},      {"model", NULL}, {"encoding_format", NULL},
        {"dimensions", NULL}, {"user", NULL},  {NULL, NULL},
    };
    size_t dim = info->dim;
    TRY(field_check(root, rules));
    struct field model = field_get(root, "model");
    struct field format = field_get(root, "encoding_format");
    struct field dimensions = field_get(root, "dimensions");
    struct field input = field_get(root, "input");
    TRY(check_model(&model, info));
    TRY(read_format(&format, &e->base64));
    TRY(field_size(&dimensions, &dim));
    if (dim != info->dim) {
        return field_fail(&dimensions, ERR_INVALID,
                          "the model's vectors have %zu numbers, and are not cut",
                          info->dim);
    }
    return read_input(e, &input);
}

/* ---- The answer ----------------------------------------------------------------- */

/* Little-endian floats, as this machine has them. */
static enum err write_base64(struct json_out *out, const float *vector, size_t dim)
{
    size_t n = dim * sizeof *vector;
    unsigned char *text = alloc_array((n + 2) / 3 * 4 + 1, 1);
    FAIL_IF(text == NULL, ERR_NOMEM, "out of memory");
    EVP_EncodeBlock(text, (const unsigned char *)vector, (int)n);
    out_string(out, (const char *)text);
    alloc_free(text);
    return ERR_OK;
}

static enum err write_vector(struct json_out *out, const struct embeddings *e, size_t i)
{
    const float *vector = e->vectors + i * e->dim;
    if (e->base64) {
        return write_base64(out, vector, e->dim);
    }
    out_begin(out, '[');
    for (size_t j = 0; j < e->dim; j++) {
        out_float(out, vector[j]);
    }
    out_end(out, ']');
    return ERR_OK;
}

static enum err write_item(struct json_out *out, const struct embeddings *e, size_t i)
{
    out_begin(out, '{');
    out_key(out, "object");
    out_string(out, "embedding");
    out_key(out, "index");
    out_size(out, i);
    out_key(out, "embedding");
    TRY(write_vector(out, e, i));
    if (e->results[i].truncated) { /* no word for it in OpenAI's API */
        out_key(out, "duet");
        out_begin(out, '{');
        out_key(out, "truncated");
        out_bool(out, true);
        out_end(out, '}');
    }
    out_end(out, '}');
    return ERR_OK;
}

static void write_usage(struct json_out *out, const struct embeddings *e)
{
    size_t n_tokens = 0;
    for (size_t i = 0; i < e->n; i++) {
        n_tokens += e->results[i].n_tokens;
    }
    out_key(out, "usage");
    out_begin(out, '{');
    out_key(out, "prompt_tokens");
    out_size(out, n_tokens);
    out_key(out, "total_tokens");
    out_size(out, n_tokens);
    out_end(out, '}');
}

static enum err write_answer(struct json_out *out, const struct embeddings *e,
                             const char *model)
{
    out_begin(out, '{');
    out_key(out, "object");
    out_string(out, "list");
    out_key(out, "data");
    out_begin(out, '[');
    for (size_t i = 0; i < e->n; i++) {
        TRY(write_item(out, e, i));
    }
    out_end(out, ']');
    out_key(out, "model");
    out_string(out, model);
    write_usage(out, e);
    out_end(out, '}');
    return ERR_OK;
}

enum err api_embeddings(struct api_call *call)
{
    struct field root;
    struct duet_model_info info;
    struct embeddings e = {.n = 0};
    TRY(api_call_json(call, &root));
    TRY(duet_model(call->api->db, &info));
    inputs_init(&e.inputs, call->api, NULL);
    enum err result;
    TRY_OUT(read_request(&e, &root, &info));
    TRY_OUT(
        duet_embed_many(call->api->db, e.items, e.n, &e.vectors, &e.dim, e.results));
    TRY_OUT(write_answer(&call->out, &e, info.name));
out:
    release(&e);
    return result;
}
