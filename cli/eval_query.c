/*
 * eval_query.c - see eval_query.h.
 */
#include "cli/eval_query.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"

/* ---- What is asked with ---- */

/* `name` as seen from the folder that `file` is in. */
static enum err resolve(struct buf *path, const char *file, const char *name)
{
    const char *slash = strrchr(file, '/');
    int n = name[0] == '/' || slash == NULL ? 0 : (int)(slash - file) + 1;
    buf_clear(path);
    return buf_printf(path, "%.*s%s", n, file, name);
}

static enum err read_vector(struct eval_query *q, struct json_object *list)
{
    size_t n =
        json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    FAIL_IF(n == 0 || n > LIMIT_DIM_MAX, ERR_INVALID,
            "\"vector\" must be a list of 1 to %d numbers", LIMIT_DIM_MAX);
    q->vector = alloc_array(n, sizeof *q->vector);
    if (q->vector == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        q->vector[i] =
            (float)json_object_get_double(json_object_array_get_idx(list, i));
    }
    q->query.input =
        (struct duet_input){.kind = DUET_INPUT_VECTOR, .vector = q->vector, .n = n};
    return ERR_OK;
}

static enum err read_question(struct eval_query *q, const char *file)
{
    const char *text;
    struct json_object *id = json_get(q->json, "id");
    if (json_get(q->json, "text") != NULL) {
        TRY(json_get_string(q->json, "text", &text));
        q->query.input = duet_input_text(text);
    } else if (json_get(q->json, "image") != NULL) {
        TRY(json_get_string(q->json, "image", &text));
        TRY(resolve(&q->path, file, text));
        q->query.input = duet_input_file(q->path.data);
    } else if (json_get(q->json, "vector") != NULL) {
        TRY(read_vector(q, json_get(q->json, "vector")));
    } else if (id != NULL) {
        q->query.input.kind = DUET_INPUT_POINT;
        TRY(duet_id_parse(&q->query.input.id, json_object_get_string(id)));
    } else {
        return err_set(ERR_INVALID,
                       "a line needs a \"text\", \"image\", \"vector\" or \"id\"");
    }
    if (json_get(q->json, "in") != NULL) {
        TRY(json_get_string(q->json, "in", &q->query.in));
    }
    if (json_get(q->json, "filter") != NULL) {
        q->query.filter = json_text(json_get(q->json, "filter"));
    }
    return ERR_OK;
}

/* ---- The right answers ---- */

/* An id as text, else the path of a picture that was added. */
static enum err find_id(struct duet *db, const char *file, const char *name,
                        struct duet_id *id)
{
    struct buf path;
    if (duet_id_parse(id, name) == ERR_OK) {
        return ERR_OK;
    }
    buf_init(&path, PATH_MAX);
    enum err result = resolve(&path, file, name);
    if (result == ERR_OK) {
        result = duet_id_of_file(db, path.data, id);
    }
    buf_release(&path);
    return result;
}

static enum err add_relevant(struct eval_query *q, struct duet *db, const char *file,
                             const char *name, double grade)
{
    struct duet_relevant *r = &q->relevant[q->n_relevant];
    FAIL_IF(!(grade > 0 && grade <= 100), ERR_INVALID,
            "the grade of \"%.64s\" must be more than 0, and at most 100", name);
    TRY(find_id(db, file, name, &r->id));
    r->grade = grade;
    for (size_t i = 0; i < q->n_relevant; i++) {
        if (duet_id_compare(q->relevant[i].id, r->id) == 0) {
            return ERR_OK; /* said twice */
        }
    }
    q->n_relevant++;
    return ERR_OK;
}

static enum err read_relevant(struct eval_query *q, struct duet *db, const char *file)
{
    struct json_object *json = json_get(q->json, "relevant");
    bool is_list = json_object_is_type(json, json_type_array);
    if (json == NULL) {
        return ERR_OK;
    }
    FAIL_IF(!is_list && !json_object_is_type(json, json_type_object), ERR_INVALID,
            "\"relevant\" must be a list of ids, or an object of ids and grades");
    size_t n = is_list ? json_object_array_length(json)
                       : (size_t)json_object_object_length(json);
    q->relevant = alloc_array(n == 0 ? 1 : n, sizeof *q->relevant);
    if (q->relevant == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; is_list && i < n; i++) {
        struct json_object *item = json_object_array_get_idx(json, i);
        TRY(add_relevant(q, db, file, json_object_get_string(item), 1));
    }
    if (!is_list) {
        json_object_object_foreach(json, name, grade)
        {
            TRY(add_relevant(q, db, file, name, json_object_get_double(grade)));
        }
    }
    return ERR_OK;
}

enum err eval_query_read(struct eval_query *out, struct duet *db, const char *file,
                         const char *line, size_t n)
{
    *out = (struct eval_query){.query = DUET_QUERY_DEFAULT};
    out->query.payload = false;
    buf_init(&out->path, PATH_MAX);
    enum err result;
    TRY_OUT(json_parse(&out->json, line, n));
    if (!json_object_is_type(out->json, json_type_object)) {
        result = err_set(ERR_INVALID, "a line must be a JSON object");
        goto out;
    }
    TRY_OUT(read_question(out, file));
    TRY_OUT(read_relevant(out, db, file));
out:
    if (result != ERR_OK) {
        eval_query_release(out);
    }
    return result;
}

void eval_query_release(struct eval_query *query)
{
    alloc_free(query->vector);
    alloc_free(query->relevant);
    buf_release(&query->path);
    json_object_put(query->json);
    *query = (struct eval_query){.n_relevant = 0};
}

const char *eval_query_kind(const struct eval_query *query)
{
    switch (query->query.input.kind) {
    case DUET_INPUT_TEXT:
        return "text";
    case DUET_INPUT_FILE:
        return "image";
    case DUET_INPUT_POINT:
        return "point";
    default:
        return "vector";
    }
}
