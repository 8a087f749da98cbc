/*
 * eval_query.h - a line of the file that `duet eval` and `duet tune` read: a question and,
 * where they are known, its right answers.
 *
 *     {"text": "a dog on a beach", "relevant": [7, "photos/dog.jpg"]}
 *     {"image": "queries/dog.jpg", "in": "text", "relevant": {"7": 2, "9": 1}}
 *     {"vector": [0.1, ...], "filter": {"must": ...}}
 *
 * Paths are relative to the file. One thread.
 */
#ifndef CLI_EVAL_QUERY_H
#define CLI_EVAL_QUERY_H

#include "base/json.h"
#include "cli/cli.h"
#include "db/duet_eval.h"

struct eval_query {
    struct duet_query query;        /* borrows from what follows */
    struct duet_relevant *relevant; /* [n_relevant], owned */
    size_t n_relevant;

    /* Private. */
    struct json_object *json;
    struct buf path;
    float *vector;
};

/* ERR_INVALID: what is wrong with the line; ERR_NOT_FOUND: a right answer named by a path
 * whose folder is gone. `file` is the path of the file that the line is of. On failure there is nothing to
 * release. */
enum err eval_query_read(struct eval_query *out, struct duet *db, const char *file,
                         const char *line, size_t n) ERR_CHECK;
void eval_query_release(struct eval_query *query);

/* "text", "image", "vector" or "point": what is asked with. */
const char *eval_query_kind(const struct eval_query *query);

#endif
