/*
 * duet_encoder.h - a model by itself, without a database: vectors of texts and
 * pictures, labels for pictures, sentences that fit pictures.
 *
 *     struct duet_encoder *encoder;
 *     struct duet_input dog = duet_input_file("dog.jpg");
 *     const char *names[] = {"cat", "dog"};
 *     struct duet_label_options options = {.labels = names, .n_labels = 2};
 *     struct duet_labels *labels = NULL;
 *     double likely[2];
 *     if (duet_encoder_open(&encoder, NULL) == ERR_OK &&
 *         duet_labels_make(&labels, encoder, &options) == ERR_OK &&
 *         duet_label(encoder, labels, &dog, likely) == ERR_OK) {
 *         printf("a dog: %.0f %%\n", 100 * likely[1]);
 *     }
 *     duet_labels_free(labels);
 *     duet_encoder_close(encoder);
 *
 * Threads: an open encoder, made labels and open phrases may be used by any number of
 * threads at once; only closing must be alone. Every call encodes on the caller's
 * thread, but for those whose options have n_threads.
 *
 * Errors, strings and inputs are as duet.h has them. Vectors have unit length and
 * finite numbers; those of one model may be compared with each other, and with those of
 * a collection that the same model made.
 */
#ifndef DB_DUET_ENCODER_H
#define DB_DUET_ENCODER_H

#include "db/duet.h"

#ifdef __cplusplus
extern "C" {
#endif

struct duet_encoder;

/* Opens a model by its name or folder; NULL: "default". The towers are opened by the
 * first calls that need them. ERR_MODEL: there is none, or its files are broken; *out
 * is NULL then. */
DUET_CHECK enum err duet_encoder_open(struct duet_encoder **out, const char *model);

/* Accepts NULL. */
DUET_API void duet_encoder_close(struct duet_encoder *encoder);

/* With `exact` large JPEGs are never shrunk while they are decoded: slower, and what the
 * reference does (duet_options.exact_decode). Before the first picture. */
DUET_API void duet_encoder_set_exact(struct duet_encoder *encoder, bool exact);

/* Numbers in a vector. */
DUET_API size_t duet_encoder_dim(const struct duet_encoder *encoder);

/* What the model says of itself; strings live until duet_encoder_close. The fingerprint
 * reads all of its files once. ERR_IO, ERR_MODEL. */
DUET_CHECK enum err duet_encoder_info(struct duet_encoder *encoder,
                                      struct duet_model_info *out);

/*
 * A text or a picture into vector[dim]. `truncated` (may be NULL): the text was longer
 * than the model reads, and its end was left out. ERR_INVALID (empty, not UTF-8, not a
 * picture; a vector or a point is no input here), ERR_LIMIT, ERR_UNSUPPORTED,
 * ERR_NOT_FOUND (no such file), ERR_MODEL; the vector is not valid then.
 */
DUET_CHECK enum err duet_encode(struct duet_encoder *encoder,
                                const struct duet_input *input, float *vector,
                                bool *truncated);

enum { DUET_DETAIL_MAX = 512 }; /* bytes of an error's sentence, with its NUL */

/* What became of one of many inputs. */
struct duet_outcome {
    enum err result;
    bool truncated;
    char detail[DUET_DETAIL_MAX]; /* the sentence of `result`; "" where it is ERR_OK */
};

/*
 * inputs[n] into vectors[n, dim], texts together, which is quicker than one by one; an
 * input that fails does not hinder the others (its numbers are NaN). A vector does not
 * depend on its neighbours. ERR_NOMEM: nothing is valid.
 */
DUET_CHECK enum err duet_encode_many(struct duet_encoder *encoder,
                                     const struct duet_input *inputs, size_t n,
                                     float *vectors, struct duet_outcome *outcomes);

/* ---- Labels: which of some names fits a picture (zero-shot) --------------------- */

struct duet_labels;

struct duet_label_options {
    const char *const *labels; /* [n_labels], 1 … 10,000 */
    size_t n_labels;
    const char *const *templates; /* [n_templates], each with {} where the label goes */
    size_t n_templates; /* 0: some of our own, by the script of each label; the vectors
                           of a label's sentences are averaged */
    unsigned n_threads; /* 0: one a core */
};

/* Encodes the labels' sentences, once for any number of pictures. ERR_INVALID and
 * ERR_LIMIT name the label or the template; *out is NULL then. */
DUET_CHECK enum err duet_labels_make(struct duet_labels **out,
                                     struct duet_encoder *encoder,
                                     const struct duet_label_options *options);

/* The same by the model of a database, on the caller's thread. */
DUET_CHECK enum err duet_labels_make_for(struct duet_labels **out, struct duet *db,
                                         const struct duet_label_options *options);

/* As duet_label, of a vector that is there already, at unit length, of that model:
 * vector[dim]. ERR_CONFLICT: it has another size. */
DUET_CHECK enum err duet_label_vector(const struct duet_labels *labels,
                                      const float *vector, size_t dim,
                                      double *probabilities);

/* Accepts NULL. */
DUET_API void duet_labels_free(struct duet_labels *labels);

/*
 * How likely each label fits the input (a picture; a text will do) into
 * probabilities[n_labels], in the order of the labels. They add up to 1 (softmax with
 * the scale the model was trained with), unless the model was trained with a sigmoid
 * (SigLIP): then each stands for itself. Errors as duet_encode.
 */
DUET_CHECK enum err duet_label(struct duet_encoder *encoder,
                               const struct duet_labels *labels,
                               const struct duet_input *input, double *probabilities);

/* ---- Phrases: which of many sentences fit a picture ----------------------------- */

/* No text is made up here: the sentences come from a list, and the nearest are told. */
struct duet_phrases;

struct duet_phrases_options {
    const char *file;  /* a sentence a line, '#' begins a comment; NULL: our own list */
    const char *lang;  /* of our own list: "en" (NULL too) or "zh" */
    const char *cache; /* a folder to keep the vectors in; NULL: $XDG_CACHE_HOME/duet,
                          else ~/.cache/duet; "": none */
    unsigned n_threads; /* 0: one a core */
};

/*
 * Reads the list and takes its vectors from the cache, or encodes all and puts them
 * there. A broken cache is made anew, one that cannot be written is done without.
 * ERR_NOT_FOUND: no such list (the sentence says where it was looked for); ERR_INVALID:
 * nothing in it, or a line that cannot be encoded; ERR_LIMIT, ERR_IO, ERR_MODEL. *out
 * is NULL then.
 */
DUET_CHECK enum err duet_phrases_open(struct duet_phrases **out,
                                      struct duet_encoder *encoder,
                                      const struct duet_phrases_options *options);

/* Accepts NULL. */
DUET_API void duet_phrases_close(struct duet_phrases *phrases);

/* How many sentences there are. */
DUET_API size_t duet_phrases_count(const struct duet_phrases *phrases);

struct duet_phrase {
    const char *text; /* lives until duet_phrases_close */
    float score;      /* the cosine with the input */
};

/* The `k` nearest sentences into out[k], best first, no two the same; *n says how many
 * there are, fewer than `k` in a short list. Errors as duet_encode. */
DUET_CHECK enum err duet_describe(struct duet_encoder *encoder,
                                  const struct duet_phrases *phrases,
                                  const struct duet_input *input, size_t k,
                                  struct duet_phrase *out, size_t *n);

#ifdef __cplusplus
}
#endif

#endif
