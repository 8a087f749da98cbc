/*
 * phrases.c - a list of sentences, and those of them that fit a picture best: the
 * search's answer to captioning. See duet_encoder.h and phrases.h.
 */
#include "db/phrases.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "db/encoder_open.h"
#include "index/scan.h"

/* ---- The list ---- */

/* Without the white space at its end. */
static void end_line(char *line, size_t n)
{
    while (n > 0 && strchr(" \t\r", line[n - 1]) != NULL) {
        n--;
    }
    line[n] = '\0';
}

/* Ends each line of `file` with a NUL and notes where those begin that are sentences;
 * with `texts` NULL they are only counted, and nothing is changed. */
static size_t split(struct buf *file, const char **texts)
{
    size_t n = 0;
    for (size_t i = 0; i < file->size;) {
        char *line = file->data + i;
        size_t length = strcspn(line, "\n");
        size_t blank = strspn(line, " \t\r");
        if (blank < length && line[blank] != '#') {
            if (texts != NULL) {
                texts[n] = line + blank;
            }
            n++;
        }
        if (texts != NULL) {
            end_line(line, length);
        }
        i += length + 1;
    }
    return n;
}

static enum err read_list(struct duet_phrases *phrases, const char *path)
{
    TRY(file_read(path, &phrases->file));
    FAIL_IF(memchr(phrases->file.data, '\0', phrases->file.size) != NULL, ERR_INVALID,
            "%s: not a text", path);
    if (phrases->file.size >= 3 && memcmp(phrases->file.data, "\xef\xbb\xbf", 3) == 0) {
        memset(phrases->file.data, ' ', 3); /* a byte order mark is no phrase's */
    }
    phrases->n = split(&phrases->file, NULL);
    FAIL_IF(phrases->n == 0, ERR_INVALID, "%s: there is no phrase in it", path);
    FAIL_IF(phrases->n > LIMIT_PHRASES_MAX, ERR_LIMIT, "%s: %zu phrases; at most %u",
            path, phrases->n, LIMIT_PHRASES_MAX);
    phrases->texts = alloc_array(phrases->n, sizeof *phrases->texts);
    if (phrases->texts == NULL) {
        return ERR_NOMEM;
    }
    split(&phrases->file, phrases->texts);
    return ERR_OK;
}

/* ---- Opening ---- */

static enum err fill_vectors(struct duet_phrases *phrases, struct duet_encoder *encoder,
                             const struct duet_phrases_options *options,
                             const char *list)
{
    size_t failed;
    struct phrases_key key = {.list = list};
    phrases->dim = duet_encoder_dim(encoder);
    phrases->vectors = alloc_array(phrases->n * phrases->dim, sizeof(float));
    if (phrases->vectors == NULL) {
        return ERR_NOMEM;
    }
    TRY(enc_fingerprint(encoder->enc, &key.fingerprint));
    if (phrases_cache_load(phrases, &key, options->cache)) {
        return ERR_OK;
    }
    log_info("encoding %zu phrases, once for this model and list", phrases->n);
    enum err result = encoder_texts(encoder, phrases->texts, phrases->n,
                                    options->n_threads, phrases->vectors, &failed);
    if (result != ERR_OK) {
        return err_prefix(result, "%s: '%.64s'", list, phrases->texts[failed]);
    }
    phrases_cache_save(phrases, &key, options->cache);
    return ERR_OK;
}

static enum err open_list(struct duet_phrases *phrases, struct duet_encoder *encoder,
                          const struct duet_phrases_options *options)
{
    struct buf path;
    buf_init(&path, PATH_MAX);
    buf_init(&phrases->file, LIMIT_PHRASES_BYTES);
    enum err result =
        options->file != NULL
            ? buf_printf(&path, "%s", options->file)
            : phrases_find(options->lang != NULL ? options->lang : "en", &path);
    if (result == ERR_OK) {
        result = read_list(phrases, path.data);
    }
    if (result == ERR_OK) {
        result = fill_vectors(phrases, encoder, options, path.data);
    }
    buf_release(&path);
    return result;
}

enum err duet_phrases_open(struct duet_phrases **out, struct duet_encoder *encoder,
                           const struct duet_phrases_options *options)
{
    *out = NULL;
    struct duet_phrases *phrases = alloc_zero(1, sizeof *phrases);
    if (phrases == NULL) {
        return ERR_NOMEM;
    }
    enum err result = open_list(phrases, encoder, options);
    if (result != ERR_OK) {
        duet_phrases_close(phrases);
        return result;
    }
    *out = phrases;
    return ERR_OK;
}

void duet_phrases_close(struct duet_phrases *phrases)
{
    if (phrases != NULL) {
        alloc_free(phrases->vectors);
        alloc_free(phrases->texts);
        buf_release(&phrases->file);
        alloc_free(phrases);
    }
}

size_t duet_phrases_count(const struct duet_phrases *phrases)
{
    return phrases->n;
}

/* ---- Asking ---- */

/* Puts a phrase into out[n], ordered, of at most `k`; the new n. One that is there
 * already stands once: the same sentence has the same vector. */
static size_t insert(struct duet_phrase *out, size_t n, size_t k,
                     struct duet_phrase phrase)
{
    size_t at = n;
    while (at > 0 && out[at - 1].score < phrase.score) {
        at--;
    }
    for (size_t i = at; i > 0 && out[i - 1].score == phrase.score; i--) {
        if (strcmp(out[i - 1].text, phrase.text) == 0) {
            return n;
        }
    }
    if (at == k) {
        return n;
    }
    n = n < k ? n + 1 : k;
    memmove(out + at + 1, out + at, (n - at - 1) * sizeof *out);
    out[at] = phrase;
    return n;
}

enum err duet_describe(struct duet_encoder *encoder, const struct duet_phrases *phrases,
                       const struct duet_input *input, size_t k,
                       struct duet_phrase *out, size_t *n)
{
    *n = 0;
    float *vector = alloc_aligned(phrases->dim * sizeof *vector);
    if (vector == NULL) {
        return ERR_NOMEM;
    }
    enum err result = duet_encode(encoder, input, vector, NULL);
    for (size_t i = 0; result == ERR_OK && i < phrases->n; i++) {
        struct duet_phrase phrase = {
            .text = phrases->texts[i],
            .score =
                scan_dot(vector, phrases->vectors + i * phrases->dim, phrases->dim)};
        *n = insert(out, *n, k, phrase);
    }
    alloc_free(vector);
    return result;
}
