/*
 * api_input.h - what may stand where a vector may stand, from JSON into the library's
 * struct duet_input.
 *
 *     struct inputs inputs;
 *     inputs_init(&inputs, api, collection);
 *     TRY_OUT(input_read(&inputs, &field, &query.input));
 *     ... use query.input ...
 *     inputs_release(&inputs);
 *
 * Taken are an array of numbers, {"text": "…"} and {"image": base64, data URI or URL}, the
 * last two with an optional "model"; in queries also a point's id and {"nearest": …}.
 * Sparse and multi-vectors and the other kinds of query get
 * ERR_UNSUPPORTED. One thread at a time.
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
    struct image_url_budget budget; /* of all pictures that are fetched */
};

void inputs_init(struct inputs *inputs, const struct api *api, const char *collection);

/* Frees what the inputs read through it point to. */
void inputs_release(struct inputs *inputs);

/* The input of a query. What it points to lives as long as `inputs` and the JSON. */
enum err input_read_query(struct inputs *inputs, const struct field *f,
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
