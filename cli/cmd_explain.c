/*
 * cmd_explain.c - `duet explain`: why a point stands where it stands in the answer to a
 * question.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "db/duet_eval.h"

enum { K_DEFAULT = 10 };

/* The words behind the id, as one text. */
static enum err query_of(struct duet_query *query, const struct cli *cli,
                         struct buf *text)
{
    *query = DUET_QUERY_DEFAULT;
    query->k = cli->k > 0 ? cli->k : K_DEFAULT;
    query->in = cli->in;
    query->filter = cli->filter;
    FAIL_IF((cli->image != NULL) == (cli->n_args > 1), ERR_INVALID,
            "say what is searched for behind the point: words, or --image FILE");
    if (cli->image != NULL) {
        query->input = duet_input_file(cli->image);
        return ERR_OK;
    }
    for (size_t i = 1; i < cli->n_args; i++) {
        TRY(buf_printf(text, "%s%s", i > 1 ? " " : "", cli->args[i]));
    }
    query->input = duet_input_text(text->data);
    return ERR_OK;
}

/* ---- What is printed ---- */

static void print_rank(const char *name, size_t rank, const char *otherwise)
{
    if (rank > 0) {
        printf("  %-12s %zu\n", name, rank);
    } else {
        printf("  %-12s %s\n", name, otherwise);
    }
}

static void print_space(const struct duet_explained_space *space, size_t k, bool passes)
{
    char past[64];
    print_text(space->name);
    putchar('\n');
    if (!space->has_vector) {
        printf("  no vector here, so it cannot be found here\n");
        return;
    }
    printf("  %-12s %.6f\n", "score", space->score);
    print_rank("exact rank", space->rank_exact,
               passes ? "past the first 10000" : "none: filtered out");
    snprintf(past, sizeof past, "not among the first %zu", k);
    print_rank("answered at", space->rank_index, past);
    if (space->rank_exact > 0 && space->rank_exact <= k && space->rank_index == 0) {
        printf("  the index missed it: --exact finds it, and so may a larger k\n");
    }
    if (space->is_sealed) {
        printf("  %-12s slot %u, sealed segment %llu\n", "kept in", space->slot,
               (unsigned long long)space->generation);
    } else {
        printf("  %-12s slot %u, compared where it lies\n", "kept in", space->slot);
    }
}

static void print_human(const struct duet_explanation *e, size_t k)
{
    for (size_t i = 0; i < e->n_spaces; i++) {
        print_space(&e->spaces[i], k, e->passes);
    }
    if (e->n_conditions == 0) {
        return;
    }
    printf("filter: %s\n", e->passes ? "passes" : "does not pass");
    for (size_t i = 0; i < e->n_conditions; i++) {
        printf("  %-12s %s ", e->conditions[i].path,
               e->conditions[i].matches ? "matches" : "does not match");
        print_line(e->conditions[i].text);
    }
}

static struct json_object *space_json(const struct duet_explained_space *space)
{
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "space", json_object_new_string(space->name));
    json_object_object_add(object, "has_vector",
                           json_object_new_boolean(space->has_vector));
    if (!space->has_vector) {
        return object;
    }
    json_object_object_add(object, "score", json_object_new_double(space->score));
    json_object_object_add(
        object, "rank_exact",
        space->rank_exact == 0 ? NULL : json_object_new_uint64(space->rank_exact));
    json_object_object_add(
        object, "rank_index",
        space->rank_index == 0 ? NULL : json_object_new_uint64(space->rank_index));
    json_object_object_add(object, "slot", json_object_new_uint64(space->slot));
    json_object_object_add(object, "segment",
                           space->is_sealed ? json_object_new_uint64(space->generation)
                                            : NULL);
    return object;
}

static enum err print_json(const struct duet_explanation *e)
{
    struct json_object *object = json_object_new_object();
    struct json_object *spaces = json_object_new_array();
    struct json_object *conditions = json_object_new_array();
    json_object_object_add(object, "passes", json_object_new_boolean(e->passes));
    json_object_object_add(object, "spaces", spaces);
    json_object_object_add(object, "conditions", conditions);
    for (size_t i = 0; i < e->n_spaces; i++) {
        json_object_array_add(spaces, space_json(&e->spaces[i]));
    }
    enum err result = ERR_OK;
    for (size_t i = 0; i < e->n_conditions && result == ERR_OK; i++) {
        const struct duet_explained_condition *c = &e->conditions[i];
        struct json_object *item = json_object_new_object(), *condition = NULL;
        result = json_parse(&condition, c->text, strlen(c->text));
        json_object_object_add(item, "path", json_object_new_string(c->path));
        json_object_object_add(item, "condition", condition);
        json_object_object_add(item, "matches", json_object_new_boolean(c->matches));
        json_object_array_add(conditions, item);
    }
    if (result == ERR_OK) {
        puts(json_text(object));
    }
    json_object_put(object);
    return result;
}

/* ---- The command ---- */

/* An id as text, else the path of a picture that was added. */
static enum err find_id(struct duet *db, const char *name, struct duet_id *id)
{
    return duet_id_parse(id, name) == ERR_OK ? ERR_OK : duet_id_of_file(db, name, id);
}

static enum err explain(const struct cli *cli, struct duet *db, struct buf *text)
{
    struct duet_query query;
    struct duet_explanation explanation;
    struct duet_id id;
    TRY(query_of(&query, cli, text));
    TRY(find_id(db, cli->args[0], &id));
    TRY(duet_explain(db, cli->collection, &query, id, &explanation));
    enum err result = ERR_OK;
    if (cli->json) {
        result = print_json(&explanation);
    } else {
        print_human(&explanation, query.k);
    }
    duet_explanation_release(&explanation);
    return result;
}

static enum exit_code use(const struct cli *cli, struct duet *db)
{
    struct buf text;
    buf_init(&text, LIMIT_TEXT_BYTES);
    enum exit_code code = cli_fail(explain(cli, db, &text));
    buf_release(&text);
    return code;
}

static enum exit_code run(const struct cli *cli)
{
    return cli_read_database(cli, use);
}

static const struct cli_option options[] = {
    CLI_OPTION_TEXT("image", image, "FILE", "the question is this picture"),
    CLI_OPTION_TEXT("in", in, "SPACE", "image (the default), text (captions) or any"),
    CLI_OPTION_NUMBER("count", 'k', k, LIMIT_K_MAX, "how many are asked for (else 10)"),
    CLI_OPTION_FILTER("of the question"),
    CLI_OPTION_END,
};

const struct cli_command cmd_explain = {
    .name = "explain",
    .arguments = "ID|PATH WORDS... | ID|PATH --image FILE",
    .summary = "tell why a picture stands where it stands in an answer",
    .about =
        "Prints, for each space searched, the score of the point, its rank among all\n"
        "and in the answer as the index gives it, and where its vector is kept; then\n"
        "whether it passes the filter, condition by condition.\n",
    .example =
        "  duet explain ~/Pictures/dog.jpg \"a dog on a beach\"\n"
        "  duet explain 7 \"red shoes\" --filter '{\"must\": {\"key\": \"price\", "
        "\"range\": {\"lt\": 50}}}'\n",
    .options = options,
    .min_args = 1,
    .max_args = SIZE_MAX,
    .run = run,
};
