/*
 * api_input.h - what may stand where a vector may stand, from JSON into the library's
 * struct duet_input.
 *
 *     struct inputs inputs;
 *     inputs_init(&inputs, api, collection);
 *     TRY_OUT(input_read_example(&inputs, &field, &query.input));
 *     ... use query.input ...
 *     inputs_release(&inputs);
 *
 * Taken are an array of numbers, {"text": "…"} and {"image": base64, data URI or URL},
 * the last two with an optional "model"; in queries also a point's id. Sparse and
 * multi-vectors get ERR_UNSUPPORTED. One thread at a time.
 */
#ifndef NET_API_INPUT_H
#define NET_API_INPUT_H

#include "net/api.h"
#include "net/field.h"
#include "net/image_url.h"

struct inputs {
    const struct api *api;
    const char *collection;
    void **owned; /* [n_owned] numbers and pictures that inputs point to */
    size_t n_owned, capacity;
    size_t n_prefetch;              /* of the query being read (api_query_read.c) */
    struct image_url_budget budget; /* of all pictures that are fetched */
};

void inputs_init(struct inputs *inputs, const struct api *api, const char *collection);

/* Frees what the inputs read through it point to. */
void inputs_release(struct inputs *inputs);

/* `n` items of `size` bytes, zeroed, that live as long as `inputs`; *out points to them. */
enum err inputs_take(struct inputs *inputs, size_t n, size_t size, void *out) ERR_CHECK;

/* What a query may be asked with: a vector, something to be encoded, or a point's id. What
 * it points to lives as long as `inputs` and the JSON. */
enum err input_read_example(struct inputs *inputs, const struct field *f,
                            struct duet_input *out) ERR_CHECK;

/* The "text" or "image", and "model", of an object that may have other members. */
enum err input_read_encoded(struct inputs *inputs, const struct field *f,
                            struct duet_input *out) ERR_CHECK;

/* One vector, without a name: an array, or an object to be encoded. */
enum err input_read_vector(struct inputs *inputs, const struct field *f,
                           struct duet_input *out) ERR_CHECK;

/*
 * The member "vector" of a point to be written, into vectors[LIMIT_SPACES_MAX]: one
 * input without a name, or an object of named ones. An object whose "text" or "image"
 * is a string is an input, any other an object of named ones.
 */
enum err input_read_vectors(struct inputs *inputs, const struct field *f,
                            struct duet_named_input *vectors, size_t *n_vectors)
    ERR_CHECK;

#endif
