/*
 * query_encode.c - the texts and pictures of a query. See query_vectors.h.
 *
 * A query often says one text twice, to search pictures and captions by it: what is equal
 * is encoded once. Texts go through the model in batches, those of all queries of a
 * request together; whoever sits before it waits no longer than for one.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "db/database.h"
#include "db/encode.h"
#include "db/model.h"
#include "db/query_vectors.h"
#include "db/vectors.h"

/* Texts that are encoded together. */
struct group {
    size_t n;
    struct query_input *inputs[ENC_POOL_BATCH_MAX];
    struct enc_tokens tokens[ENC_POOL_BATCH_MAX];
};

struct encoding {
    struct duet *db;
    struct query_tree *tree;
    size_t dim;
    uint64_t deadline_ns;
    struct query_input **done; /* [n_done] of those that are encoded, one of each */
    size_t n_done;
    struct group *group; /* owned */
};

static bool are_equal(const struct duet_input *a, const struct duet_input *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    return a->kind == DUET_INPUT_FILE
               ? strcmp(a->path, b->path) == 0
               : a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

static struct query_input *find_equal(const struct encoding *e,
                                      const struct query_input *input)
{
    for (size_t i = 0; i < e->n_done; i++) {
        if (are_equal(e->done[i]->asked, input->asked)) {
            return e->done[i];
        }
    }
    return NULL;
}

/* Encodes what is gathered. */
static enum err flush(struct encoding *e)
{
    struct group *group = e->group;
    const struct enc_tokens *tokens[ENC_POOL_BATCH_MAX];
    float *vectors[ENC_POOL_BATCH_MAX];
    const struct enc_pool_wait wait = {.deadline_ns = e->deadline_ns};
    size_t n = group->n;
    for (size_t i = 0; i < n; i++) {
        tokens[i] = &group->tokens[i];
        vectors[i] = (float *)(size_t)group->inputs[i]->vector;
    }
    group->n = 0;
    if (n == 0) {
        return ERR_OK;
    }
    TRY(enc_pool_tokens(e->db->pool, &wait, tokens, n, vectors));
    for (size_t i = 0; i < n; i++) {
        const struct query_input *input = group->inputs[i];
        text_cache_put(e->db->texts, input->asked->bytes, input->asked->n,
                       input->vector, input->truncated);
    }
    return ERR_OK;
}

/* A text whose vector is kept from an earlier query needs no batch. */
static enum err add_text(struct encoding *e, struct query_input *input, float *vector)
{
    struct group *group = e->group;
    if (text_cache_get(e->db->texts, input->asked->bytes, input->asked->n, vector,
                       &input->truncated)) {
        return ERR_OK;
    }
    struct enc_tokens *tokens = &group->tokens[group->n];
    TRY(enc_tokenize(e->db->model, input->asked->bytes, input->asked->n, tokens));
    input->truncated = tokens->info.truncated;
    group->inputs[group->n++] = input;
    return group->n == ENC_POOL_BATCH_MAX ? flush(e) : ERR_OK;
}

static enum err encode_one(struct encoding *e, struct query_input *input)
{
    float *vector;
    bool is_text = input->asked->kind == DUET_INPUT_TEXT;
    input->origin = is_text ? DB_TEXT : DB_IMAGE;
    input->dim = e->dim;
    const struct query_input *equal = find_equal(e, input);
    if (equal != NULL) {
        input->vector = equal->vector; /* of a text perhaps not filled yet */
        input->truncated = equal->truncated;
        return ERR_OK;
    }
    TRY(query_take(e->tree, e->dim, sizeof *vector, &vector));
    input->vector = vector;
    e->done[e->n_done++] = input;
    return is_text ? add_text(e, input, vector)
                   : encode_input(e->db, input->asked, &(struct encode_how){0}, vector);
}

static enum err encode_all(struct encoding *e)
{
    for (struct query_node *node = e->tree->first; node != NULL; node = node->next) {
        for (size_t i = 0; i < node->n_inputs; i++) {
            struct query_input *input = &node->inputs[i];
            if (!encode_is_needed(input->asked->kind)) {
                continue;
            }
            enum err result = encode_one(e, input);
            if (result != ERR_OK) {
                return query_blame_input(e->tree, input, result);
            }
        }
    }
    return flush(e);
}

/* Checks the vectors that were given; *n_needed of the others ask for the model. */
static enum err check_given(const struct query_tree *tree, size_t *n_needed)
{
    *n_needed = 0;
    for (struct query_node *node = tree->first; node != NULL; node = node->next) {
        for (size_t i = 0; i < node->n_inputs; i++) {
            const struct query_input *input = &node->inputs[i];
            *n_needed += encode_is_needed(input->asked->kind);
            enum err result = input->asked->kind == DUET_INPUT_VECTOR
                                  ? vector_check(input->vector, input->dim)
                                  : ERR_OK;
            if (result != ERR_OK) {
                return query_blame_input(tree, input, result);
            }
        }
    }
    return ERR_OK;
}

enum err query_check_model(struct duet *db, const struct record_collection *c,
                           const struct query_tree *tree)
{
    struct enc *enc;
    return tree->is_encoded ? model_for_search(db, c, &enc) : ERR_OK;
}

enum err query_encode(struct duet *db, const struct record_collection *c,
                      struct query_tree *tree)
{
    struct enc *enc;
    size_t n_needed;
    TRY(check_given(tree, &n_needed));
    if (n_needed == 0) {
        return ERR_OK;
    }
    TRY(model_for_search(db, c, &enc));
    tree->is_encoded = true;
    struct encoding e = {.db = db,
                         .tree = tree,
                         .dim = enc_info(enc)->dim,
                         .deadline_ns = clock_monotonic_ns() +
                                        (uint64_t)LIMIT_ENCODE_SECONDS * 1000000000u};
    TRY(query_take(tree, n_needed, sizeof *e.done, &e.done));
    e.group = alloc_zero(1, sizeof *e.group);
    if (e.group == NULL) {
        return ERR_NOMEM;
    }
    enum err result = encode_all(&e);
    alloc_free(e.group);
    return result;
}
