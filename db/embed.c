/*
 * embed.c - see duet_embed_many and duet_id_of_bytes in duet.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "db/encode.h"

struct many {
    struct duet *db;
    const struct duet_input *inputs;
    struct duet_embedded *results;
    float *vectors;
    size_t dim;
    size_t waiting[ENCODE_TEXTS_MAX]; /* the numbers of the texts gathered */
    struct encode_texts texts;
    enum err failed; /* of the first text that could not be encoded */
    size_t i_failed;
    char detail[ERR_DETAIL_MAX];
};

static void text_failed(void *arg, size_t i, enum err result)
{
    struct many *m = arg;
    if (m->failed == ERR_OK || m->waiting[i] < m->i_failed) {
        m->failed = result;
        m->i_failed = m->waiting[i];
        memcpy(m->detail, err_detail(), sizeof m->detail);
    }
}

static enum err run_texts(struct many *m)
{
    const struct encode_model model = encode_model_of(m->db);
    encode_texts_run(&model, &m->texts, text_failed, m);
    FAIL_IF(m->failed != ERR_OK, m->failed, "input %zu: %s", m->i_failed, m->detail);
    return ERR_OK;
}

static enum err embed_one(struct many *m, size_t i)
{
    const struct duet_input *input = &m->inputs[i];
    float *vector = m->vectors + i * m->dim;
    m->results[i] = (struct duet_embedded){.n_tokens = 0};
    if (input->kind != DUET_INPUT_TEXT) {
        return encode_input(m->db, input, &(struct encode_how){.patient = true},
                            vector);
    }
    m->waiting[m->texts.n] = i;
    const struct encode_model model = encode_model_of(m->db);
    TRY(encode_texts_add(&model, &m->texts, input->bytes, input->n, vector));
    const struct enc_text_info *info = &m->texts.tokens[m->texts.n - 1].info;
    m->results[i] = (struct duet_embedded){info->n_tokens, info->truncated};
    return ERR_OK;
}

static enum err embed_all(struct many *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        enum err result = embed_one(m, i);
        if (result != ERR_OK) {
            return err_prefix(result, "input %zu", i);
        }
        if (m->texts.n == ENCODE_TEXTS_MAX) {
            TRY(run_texts(m));
        }
    }
    return run_texts(m);
}

enum err duet_embed_many(struct duet *db, const struct duet_input *inputs, size_t n,
                         float **vectors, size_t *dim, struct duet_embedded *results)
{
    struct enc *enc;
    *vectors = NULL;
    *dim = 0;
    TRY(db_encoder(db, &enc));
    size_t n_floats = enc_info(enc)->dim;
    struct many *m = alloc_zero(1, sizeof *m);
    float *values = alloc_array(n * n_floats, sizeof *values);
    enum err result = ERR_NOMEM;
    if (m != NULL && values != NULL) {
        m->db = db;
        m->inputs = inputs;
        m->results = results;
        m->vectors = values;
        m->dim = n_floats;
        result = embed_all(m, n);
    }
    alloc_free(m);
    if (result != ERR_OK) {
        alloc_free(values);
        return result;
    }
    *vectors = values;
    *dim = n_floats;
    return ERR_OK;
}

enum err duet_id_of_bytes(struct duet *db, const void *bytes, size_t n,
                          struct duet_id *out)
{
    uint8_t hash[DB_HASH_BYTES];
    char name[16 + 2 * DB_HASH_BYTES] = "content:"; /* no path begins so */
    size_t at = strlen(name);
    encode_hash(bytes, n, hash);
    for (size_t i = 0; i < DB_HASH_BYTES; i++) {
        at += (size_t)snprintf(name + at, sizeof name - at, "%02x", hash[i]);
    }
    return db_id_of_name(db, name, out);
}
