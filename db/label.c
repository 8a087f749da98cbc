/*
 * label.c - zero-shot labels: a picture is compared with sentences about each label;
 * see duet_encoder.h.
 *
 * The recipe is that of CLIP (Radford et al. 2021, section 3.1.4): the unit vectors of
 * a label's sentences are averaged and made unit length again, so that a label counts
 * once, however many templates there are.
 */
#include "db/label.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/utf8.h"
#include "db/db_internal.h"
#include "db/encoder_open.h"
#include "db/vectors.h"
#include "index/scan.h"

/* Few, since each costs a text for every label. On 392 pictures of the demo library with
 * 334 labels the default model has the right one first for 0.214 with these, 0.207 with
 * the bare label, 0.202 with "a photo of a {}." alone, 0.207 with thirteen. */
static const char *const english[] = {"{}", "a {}", "a photo of a {}.",
                                      "a picture of a {}.", "a drawing of a {}."};
static const char *const chinese[] = {"{}", "一个{}", "一张{}的照片。",
                                      "一幅{}的图片。", "一幅{}的画。"};

struct duet_labels {
    size_t n, dim;
    double scale, bias;
    bool sigmoid;
    float *vectors; /* [n, dim], unit length */
};

/* The sentences of all labels, while they are made. */
struct sentences {
    char **texts;  /* [n] */
    size_t *label; /* [n], whose it is */
    size_t n;
};

enum err label_sentence(struct buf *out, const char *template, const char *label)
{
    const char *place = strstr(template, "{}");
    FAIL_IF(place == NULL, ERR_INVALID, "the template '%.64s' has no {} for the label",
            template);
    return buf_printf(out, "%.*s%s%s", (int)(place - template), template, label,
                      place + 2);
}

static enum err check_labels(const struct duet_label_options *options)
{
    FAIL_IF(options->n_labels == 0, ERR_INVALID, "there are no labels");
    FAIL_IF(options->n_labels > LIMIT_LABELS_MAX, ERR_LIMIT, "%zu labels; at most %u",
            options->n_labels, LIMIT_LABELS_MAX);
    FAIL_IF(options->n_templates > LIMIT_TEMPLATES_MAX, ERR_LIMIT,
            "%zu templates; at most %u", options->n_templates, LIMIT_TEMPLATES_MAX);
    for (size_t i = 0; i < options->n_labels; i++) {
        const char *label = options->labels[i];
        FAIL_IF(label[strspn(label, " \t")] == '\0', ERR_INVALID, "label %zu is empty",
                i + 1);
    }
    return ERR_OK;
}

static enum err add_sentence(struct sentences *s, const char *template,
                             const char *label, size_t i)
{
    struct buf text;
    buf_init(&text, LIMIT_TEXT_BYTES);
    enum err result = label_sentence(&text, template, label);
    if (result == ERR_OK) {
        s->texts[s->n] = buf_take(&text);
        result = s->texts[s->n] == NULL ? ERR_NOMEM : ERR_OK;
    }
    buf_release(&text);
    TRY(result);
    s->label[s->n++] = i;
    return ERR_OK;
}

static enum err fill_sentences(struct sentences *s,
                               const struct duet_label_options *options)
{
    for (size_t i = 0; i < options->n_labels; i++) {
        const char *label = options->labels[i];
        bool han = utf8_has_han(label, strlen(label));
        size_t n = options->n_templates;
        const char *const *templates = options->templates;
        if (n == 0) {
            templates = han ? chinese : english;
            n = sizeof english / sizeof english[0];
        }
        for (size_t t = 0; t < n; t++) {
            TRY(add_sentence(s, templates[t], label, i));
        }
    }
    return ERR_OK;
}

static void sentences_release(struct sentences *s)
{
    for (size_t i = 0; i < s->n; i++) {
        alloc_free(s->texts[i]);
    }
    alloc_free(s->texts);
    alloc_free(s->label);
}

static enum err average(struct duet_labels *labels, const struct sentences *s,
                        const float *vectors)
{
    for (size_t i = 0; i < s->n; i++) {
        float *sum = labels->vectors + s->label[i] * labels->dim;
        for (size_t j = 0; j < labels->dim; j++) {
            sum[j] += vectors[i * labels->dim + j];
        }
    }
    for (size_t i = 0; i < labels->n; i++) {
        TRY(vector_normalise(labels->vectors + i * labels->dim, labels->dim));
    }
    return ERR_OK;
}

static enum err encode_labels(struct duet_labels *labels, struct duet_encoder *encoder,
                              const struct duet_label_options *options,
                              const struct sentences *s)
{
    size_t failed;
    float *vectors = alloc_array(s->n * labels->dim, sizeof *vectors);
    if (vectors == NULL) {
        return ERR_NOMEM;
    }
    enum err result = encoder_texts(encoder, (const char *const *)s->texts, s->n,
                                    options->n_threads, vectors, &failed);
    if (result != ERR_OK) {
        result = err_prefix(result, "label %zu", s->label[failed] + 1);
    } else {
        result = average(labels, s, vectors);
    }
    alloc_free(vectors);
    return result;
}

static enum err make(struct duet_labels *labels, struct duet_encoder *encoder,
                     const struct duet_label_options *options)
{
    enum { OURS = sizeof english / sizeof english[0] };
    _Static_assert((size_t)OURS == sizeof chinese / sizeof chinese[0], "as many");
    const struct enc_info *info = enc_info(encoder->enc);
    size_t n_each = options->n_templates > 0 ? options->n_templates : OURS;
    struct sentences s = {0};
    *labels = (struct duet_labels){.n = options->n_labels,
                                   .dim = info->dim,
                                   .scale = info->logit_scale,
                                   .bias = info->logit_bias,
                                   .sigmoid = info->sigmoid};
    labels->vectors = alloc_zero(labels->n * labels->dim, sizeof *labels->vectors);
    s.texts = alloc_array(labels->n * n_each, sizeof *s.texts);
    s.label = alloc_array(labels->n * n_each, sizeof *s.label);
    enum err result = ERR_NOMEM;
    if (labels->vectors != NULL && s.texts != NULL && s.label != NULL) {
        result = fill_sentences(&s, options);
    }
    if (result == ERR_OK) {
        result = encode_labels(labels, encoder, options, &s);
    }
    sentences_release(&s);
    return result;
}

enum err duet_labels_make(struct duet_labels **out, struct duet_encoder *encoder,
                          const struct duet_label_options *options)
{
    *out = NULL;
    TRY(check_labels(options));
    struct duet_labels *labels = alloc_zero(1, sizeof *labels);
    if (labels == NULL) {
        return ERR_NOMEM;
    }
    enum err result = make(labels, encoder, options);
    if (result != ERR_OK) {
        duet_labels_free(labels);
        return result;
    }
    *out = labels;
    return ERR_OK;
}

void duet_labels_free(struct duet_labels *labels)
{
    if (labels != NULL) {
        alloc_free(labels->vectors);
        alloc_free(labels);
    }
}

enum err duet_labels_make_for(struct duet_labels **out, struct duet *db,
                              const struct duet_label_options *options)
{
    struct enc *enc;
    struct duet_label_options alone = *options;
    *out = NULL;
    TRY(db_encoder(db, &enc));
    struct duet_encoder encoder = {enc, db_target_side(db, enc)};
    alone.n_threads = 1;
    return duet_labels_make(out, &encoder, &alone);
}

/* vector[labels->dim] at any address, of unit length. */
static void tell_likely(const struct duet_labels *labels, const float *vector,
                        double *probabilities)
{
    for (size_t i = 0; i < labels->n; i++) {
        double cosine =
            (double)scan_dot(vector, labels->vectors + i * labels->dim, labels->dim);
        probabilities[i] = labels->scale * cosine + labels->bias;
    }
    if (labels->sigmoid) {
        label_sigmoid(probabilities, labels->n);
    } else {
        label_softmax(probabilities, labels->n);
    }
}

enum err duet_label_vector(const struct duet_labels *labels, const float *vector,
                           size_t dim, double *probabilities)
{
    FAIL_IF(dim != labels->dim, ERR_CONFLICT,
            "the vector has %zu numbers, those of the labels %zu", dim, labels->dim);
    tell_likely(labels, vector, probabilities);
    return ERR_OK;
}

enum err duet_label(struct duet_encoder *encoder, const struct duet_labels *labels,
                    const struct duet_input *input, double *probabilities)
{
    float *vector = alloc_aligned(labels->dim * sizeof *vector);
    if (vector == NULL) {
        return ERR_NOMEM;
    }
    enum err result = duet_encode(encoder, input, vector, NULL);
    if (result == ERR_OK) {
        tell_likely(labels, vector, probabilities);
    }
    alloc_free(vector);
    return result;
}
