/*
 * cmd_index.c - `duet index`: the payload indexes of a collection, made, listed and
 * removed.
 */
#include <stdio.h>

#include "base/json.h"
#include "cli/cli.h"

static void print_one(const struct cli *cli, const struct duet_index *index)
{
    const char *kind = duet_index_kind_name(index->kind);
    if (!cli->json) {
        printf("%-24s %-9s %zu points%s%s%s\n", index->field, kind, index->n_points,
               index->params != NULL ? "  " : "",
               index->params != NULL ? index->params : "",
               index->ready ? "" : "  (being made)");
        return;
    }
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "field", json_object_new_string(index->field));
    json_object_object_add(object, "kind", json_object_new_string(kind));
    json_object_object_add(object, "points", json_object_new_uint64(index->n_points));
    json_object_object_add(object, "ready", json_object_new_boolean(index->ready));
    if (index->params != NULL) {
        json_object_object_add(object, "params", json_tokener_parse(index->params));
    }
    puts(json_text(object));
    json_object_put(object);
}

static enum exit_code list(const struct cli *cli, struct duet *db)
{
    struct duet_indexes list;
    enum err result = duet_indexes_list(db, cli->collection, &list);
    for (size_t i = 0; result == ERR_OK && i < list.n; i++) {
        print_one(cli, &list.items[i]);
    }
    duet_indexes_release(&list);
    return cli_fail(result);
}

/* A kind by its name, or an object as it is. */
static enum err make(const struct cli *cli, struct duet *db)
{
    const char *schema = cli->args[1];
    if (schema[0] == '{') {
        return duet_index_create(db, cli->collection, cli->args[0], schema);
    }
    struct json_object *name = json_object_new_string(schema);
    enum err result =
        duet_index_create(db, cli->collection, cli->args[0], json_text(name));
    json_object_put(name);
    return result;
}

static enum exit_code run(const struct cli *cli)
{
    struct duet *db;
    if (cli->url != NULL) {
        return cli_usage("this works on a database here, not on --url");
    }
    if (cli->remove ? cli->n_args != 1 : cli->n_args == 1) {
        return cli_usage("index: say a field and a kind, or --remove and a field, or "
                         "nothing to list them");
    }
    if (cli->n_args == 0) {
        return cli_read_database(cli, list);
    }
    enum exit_code code = cli_open(&db, cli, (struct duet_options){.write = true});
    if (code != EXIT_DONE) {
        return code;
    }
    code = cli_fail(cli->remove ? duet_index_remove(db, cli->collection, cli->args[0])
                                : make(cli, db));
    duet_close(db);
    return code;
}

static const struct cli_option options[] = {
    CLI_OPTION_FLAG("remove", 0, remove, "remove the index on this field"),
    CLI_OPTION_END,
};

const struct cli_command cmd_index = {
    .name = "index",
    .arguments = "[FIELD KIND | --remove FIELD]",
    .summary = "make filters on a field quick: list, make, remove payload indexes",
    .about = "Without arguments it lists the indexes. KIND is keyword, integer, float, "
             "bool,\n"
             "datetime, uuid, geo or text, or JSON with a \"type\" and parameters. An "
             "index\n"
             "changes no answer; but one of texts says what a word is in its field, so "
             "that\n"
             "parts of Chinese and Japanese texts are found.\n",
    .example =
        "  duet index\n"
        "  duet index width integer\n"
        "  duet index text '{\"type\": \"text\", \"tokenizer\": \"multilingual\"}'\n"
        "  duet index --remove width\n",
    .options = options,
    .max_args = 2,
    .run = run,
};
