/*
 * cmd_model.c - `duet model`: which model turns pictures and words into vectors here.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli.h"

static void print_human(const struct duet_model_info *info)
{
    printf("%-12s %s\n", "model", info->name);
    printf("%-12s %s\n", "folder", info->folder);
    printf("%-12s %s\n", "space", info->space);
    printf("%-12s %zu numbers a vector\n", "size", info->dim);
    printf("%-12s %zu x %zu pixels\n", "pictures", info->image_size, info->image_size);
    printf("%-12s %zu tokens\n", "texts", info->max_tokens);
    printf("%-12s %s\n", "languages", info->languages);
    printf("%-12s %s\n", "licence", info->licence);
    printf("%-12s %s\n", "fingerprint", info->fingerprint);
}

static void add_string(struct json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
}

static void add_number(struct json_object *object, const char *key, size_t value)
{
    json_object_object_add(object, key, json_object_new_uint64(value));
}

static void print_json(const struct duet_model_info *info)
{
    struct json_object *object = json_object_new_object();
    add_string(object, "name", info->name);
    add_string(object, "folder", info->folder);
    add_string(object, "space", info->space);
    add_number(object, "dim", info->dim);
    add_number(object, "image_size", info->image_size);
    add_number(object, "max_tokens", info->max_tokens);
    add_string(object, "languages", info->languages);
    add_string(object, "licence", info->licence);
    add_string(object, "fingerprint", info->fingerprint);
    puts(json_text(object));
    json_object_put(object);
}

static enum exit_code run(const struct cli *cli)
{
    struct duet *db;
    struct duet_model_info info;
    if (cli->n_args == 1 && strcmp(cli->args[0], "info") != 0) {
        return cli_usage("there is no 'model %s', only 'model info'", cli->args[0]);
    }
    enum exit_code code = cli_open(&db, cli, (struct duet_options){0});
    if (code != EXIT_DONE) {
        return code;
    }
    enum err result = duet_model(db, &info);
    if (result == ERR_OK && cli->json) {
        print_json(&info);
    } else if (result == ERR_OK) {
        print_human(&info);
    }
    code = cli_fail(result);
    duet_close(db);
    return code;
}

const struct cli_command cmd_model = {
    .name = "model",
    .arguments = "[info]",
    .summary = "tell about the model of the database",
    .about =
        "Prints name, folder, vector space, sizes, languages and licence of the model\n"
        "that made the database's vectors and encodes its queries. The model that\n"
        "ships with duet is for evaluation and research: see its licence.\n",
    .example = "  duet model\n",
    .max_args = 1,
    .run = run,
};
