/*
 * api_input.c - see api_input.h.
 */
#include "net/api_input.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "net/base64.h"

void inputs_init(struct inputs *inputs, const struct api *api, const char *collection)
{
    *inputs = (struct inputs){
        .api = api, .collection = collection, .budget = IMAGE_URL_BUDGET};
}

void inputs_release(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->n_owned; i++) {
        alloc_free(inputs->owned[i]);
    }
    alloc_free(inputs->owned);
    *inputs = (struct inputs){0};
}

/* Takes over `p`, also where it fails. */
static enum err own(struct inputs *inputs, void *p)
{
    if (inputs->n_owned == inputs->capacity) {
        size_t capacity = inputs->capacity * 2 + 8;
        void **owned = alloc_resize(inputs->owned, capacity, sizeof *owned);
        if (owned == NULL) {
            alloc_free(p);
            return err_set(ERR_NOMEM, "out of memory");
        }
        inputs->owned = owned;
        inputs->capacity = capacity;
    }
    inputs->owned[inputs->n_owned++] = p;
    return ERR_OK;
}

enum err inputs_take(struct inputs *inputs, size_t n, size_t size, void *out)
{
    void *items = alloc_zero(n, size);
    FAIL_IF(items == NULL, ERR_NOMEM, "out of memory");
    TRY(own(inputs, items));
    memcpy(out, &items, sizeof items);
    return ERR_OK;
}

static enum err read_array(struct inputs *inputs, const struct field *f,
                           struct duet_input *out)
{
    TRY(field_array(f, LIMIT_DIM_MAX));
    size_t n = field_length(f);
    if (n == 0) {
        return field_fail(f, ERR_INVALID, "is empty");
    }
    float *vector = alloc_array(n, sizeof *vector);
    FAIL_IF(vector == NULL, ERR_NOMEM, "out of memory");
    TRY(own(inputs, vector));
    for (size_t i = 0; i < n; i++) {
        struct field number = field_item(f, i);
        if (json_object_is_type(number.value, json_type_array)) {
            return field_fail(f, ERR_UNSUPPORTED, "multi-vectors are not supported");
        }
        TRY(field_require(&number));
        TRY(field_float(&number, &vector[i]));
    }
    *out = (struct duet_input){.kind = DUET_INPUT_VECTOR, .vector = vector, .n = n};
    return ERR_OK;
}

static enum err read_text(const struct field *f, struct duet_input *out)
{
    const char *text = NULL;
    TRY(field_require(f));
    TRY(field_string(f, &text));
    size_t n = strlen(text);
    if (n == 0) {
        return field_fail(f, ERR_INVALID, "is empty");
    }
    if (n > LIMIT_TEXT_BYTES) {
        return field_fail(f, ERR_LIMIT, "has %zu bytes, more than %u", n,
                          LIMIT_TEXT_BYTES);
    }
    *out = (struct duet_input){.kind = DUET_INPUT_TEXT, .bytes = text, .n = n};
    return ERR_OK;
}

static bool is_url(const char *text)
{
    return strncasecmp(text, "http://", 7) == 0 ||
           strncasecmp(text, "https://", 8) == 0;
}

static enum err decode_base64(const char *text, unsigned char **bytes, size_t *n)
{
    const char *base64;
    size_t n_base64;
    TRY(base64_find(text, strlen(text), &base64, &n_base64));
    return base64_decode(base64, n_base64, bytes, n);
}

static enum err read_image(struct inputs *inputs, const struct field *f,
                           struct duet_input *out)
{
    const char *text = NULL;
    size_t n;
    unsigned char *bytes;
    TRY(field_require(f));
    TRY(field_string(f, &text));
    enum err result;
    if (is_url(text)) {
        result =
            image_url_fetch(inputs->api->image_urls, text, &inputs->budget, &bytes, &n);
    } else {
        result = decode_base64(text, &bytes, &n);
    }
    if (result != ERR_OK) {
        return field_prefix(f, result);
    }
    TRY(own(inputs, bytes));
    *out = (struct duet_input){.kind = DUET_INPUT_IMAGE, .bytes = bytes, .n = n};
    return ERR_OK;
}

/* A request may name the model that it expects; "default" and the collection's own are
 * right, any other would not give what was asked for. */
static enum err check_model(struct inputs *inputs, const struct field *f)
{
    const char *name = NULL;
    TRY(field_string(f, &name));
    if (name == NULL || strcmp(name, "default") == 0) {
        return ERR_OK;
    }
    struct duet_collections list;
    TRY(duet_collections_list(inputs->api->db, inputs->collection, &list));
    bool is_ours = list.n == 1 && strcmp(list.items[0].model, name) == 0;
    duet_collections_release(&list);
    return is_ours ? ERR_OK
                   : field_fail(f, ERR_CONFLICT,
                                "is not the collection's model; leave it out, or say "
                                "\"default\"");
}

static const struct field_rule inference_rules[] = {
    {"text", NULL},
    {"image", NULL},
    {"model", NULL},
    {"options", "options of a model are not supported"},
    {"object", "only \"text\" and \"image\" are encoded here"},
    {"indices", "sparse vectors are not supported"},
    {"values", "sparse vectors are not supported"},
    {NULL, NULL},
};

enum err input_read_encoded(struct inputs *inputs, const struct field *f,
                            struct duet_input *out)
{
    struct field text = field_get(f, "text");
    struct field image = field_get(f, "image");
    struct field model = field_get(f, "model");
    if ((text.value != NULL) == (image.value != NULL)) {
        return field_fail(f, ERR_INVALID, "must have one of \"text\" and \"image\"");
    }
    TRY(check_model(inputs, &model));
    return text.value != NULL ? read_text(&text, out) : read_image(inputs, &image, out);
}

/* {"text": …} or {"image": …}. */
static enum err read_inference(struct inputs *inputs, const struct field *f,
                               struct duet_input *out)
{
    TRY(field_check(f, inference_rules));
    return input_read_encoded(inputs, f, out);
}

enum err input_read_vector(struct inputs *inputs, const struct field *f,
                           struct duet_input *out)
{
    TRY(field_require(f));
    if (json_object_is_type(f->value, json_type_array)) {
        return read_array(inputs, f, out);
    }
    if (json_object_is_type(f->value, json_type_object)) {
        return read_inference(inputs, f, out);
    }
    return field_fail(f, ERR_INVALID,
                      "must be an array of numbers, {\"text\": …} or {\"image\": …}");
}

enum err input_read_example(struct inputs *inputs, const struct field *f,
                            struct duet_input *out)
{
    TRY(field_require(f));
    if (!json_object_is_type(f->value, json_type_int) &&
        !json_object_is_type(f->value, json_type_string)) {
        return input_read_vector(inputs, f, out);
    }
    *out = (struct duet_input){.kind = DUET_INPUT_POINT};
    return field_id(f, &out->id);
}

static bool is_string(const struct field *f, const char *key)
{
    return json_object_is_type(json_get(f->value, key), json_type_string);
}

/* {"image": […], "text": {"text": …}}. */
static enum err read_named(struct inputs *inputs, const struct field *f,
                           struct duet_named_input *vectors, size_t *n_vectors)
{
    if (json_object_object_length(f->value) > LIMIT_SPACES_MAX) {
        return field_fail(f, ERR_LIMIT, "has more than %d vectors", LIMIT_SPACES_MAX);
    }
    json_object_object_foreach(f->value, key, value)
    {
        struct field named = {.parent = f, .key = key, .value = value};
        vectors[*n_vectors].space = key;
        TRY(input_read_vector(inputs, &named, &vectors[*n_vectors].input));
        (*n_vectors)++;
    }
    return ERR_OK;
}

enum err input_read_vectors(struct inputs *inputs, const struct field *f,
                            struct duet_named_input *vectors, size_t *n_vectors)
{
    *n_vectors = 0;
    TRY(field_require(f));
    if (json_object_is_type(f->value, json_type_object) && !is_string(f, "text") &&
        !is_string(f, "image")) {
        return read_named(inputs, f, vectors, n_vectors);
    }
    vectors[0].space = NULL;
    TRY(input_read_vector(inputs, f, &vectors[0].input));
    *n_vectors = 1;
    return ERR_OK;
}
