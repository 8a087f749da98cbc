/*
 * cmd_model_info.c - `duet model info`.
 */
#include <limits.h>
#include <stdio.h>

#include "cli/cmd_model.h"
#include "cli/print.h"

static void print_field(const char *label, const char *text)
{
    printf("%-14s ", label);
    print_text(text);
    putchar('\n');
}

static void print_memory(const struct duet_model_details *d)
{
    char mapped[PRINT_BYTES_MAX], own[PRINT_BYTES_MAX], all[PRINT_BYTES_MAX];
    printf("%-14s %s of files, mapped and shared; %s of its own; %s in all\n", "memory",
           print_bytes(mapped, d->mapped_bytes), print_bytes(own, d->anon_bytes),
           print_bytes(all, d->rss_bytes));
}

static void print_human(const struct duet_model_details *d)
{
    print_field("model", d->name);
    print_field("called", d->title);
    print_field("folder", d->folder);
    if (d->repository[0] != '\0') {
        print_field("pulled from", d->repository);
        print_field("revision", d->revision);
    }
    print_field("family", d->family);
    print_field("space", d->space);
    printf("%-14s %zu numbers a vector\n", "size", d->dim);
    printf("%-14s %zu x %zu pixels\n", "pictures", d->image_size, d->image_size);
    print_field("preprocessing", d->preprocessing);
    printf("%-14s %zu tokens\n", "texts", d->max_tokens);
    print_field("tokenizer", d->tokenizer);
    print_field("languages", d->languages);
    print_field("licence", d->licence);
    print_field("fingerprint", d->fingerprint);
    print_memory(d);
    printf("%-14s %.1f pictures/s, %.1f texts/s (measured now, one thread)\n", "speed",
           d->images_per_second, d->texts_per_second);
}

static void add_string(struct json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, print_path_json(value));
}

static void add_number(struct json_object *object, const char *key, uint64_t value)
{
    json_object_object_add(object, key, json_object_new_uint64(value));
}

/* Six digits say all that was measured; json-c would print seventeen. */
static void add_real(struct json_object *object, const char *key, double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.6g", value);
    json_object_object_add(object, key, json_object_new_double_s(value, text));
}

static void print_json(const struct duet_model_details *d)
{
    struct json_object *object = json_object_new_object();
    add_string(object, "name", d->title);
    add_string(object, "model", d->name);
    add_string(object, "folder", d->folder);
    add_string(object, "repository", d->repository);
    add_string(object, "revision", d->revision);
    add_string(object, "family", d->family);
    add_string(object, "space", d->space);
    add_number(object, "dim", d->dim);
    add_number(object, "image_size", d->image_size);
    add_string(object, "preprocessing", d->preprocessing);
    add_number(object, "max_tokens", d->max_tokens);
    add_string(object, "tokenizer", d->tokenizer);
    add_string(object, "languages", d->languages);
    add_string(object, "licence", d->licence);
    add_string(object, "fingerprint", d->fingerprint);
    add_real(object, "logit_scale", d->logit_scale);
    add_number(object, "mapped_bytes", d->mapped_bytes);
    add_number(object, "anon_bytes", d->anon_bytes);
    add_number(object, "rss_bytes", d->rss_bytes);
    add_real(object, "images_per_second", d->images_per_second);
    add_real(object, "texts_per_second", d->texts_per_second);
    puts(json_text(object));
    json_object_put(object);
}

/* The folder of the model that made the database, "" where there is no database. */
static enum err model_of_database(const struct cli *cli, char folder[PATH_MAX])
{
    struct duet *db;
    struct duet_model_info info;
    struct duet_options options = {.path = cli->db};
    folder[0] = '\0';
    enum err result = duet_open(&db, &options);
    if (result != ERR_OK) {
        return result == ERR_NOT_FOUND ? ERR_OK : result;
    }
    result = duet_model(db, &info);
    if (result == ERR_OK) {
        snprintf(folder, PATH_MAX, "%s", info.folder);
    }
    duet_close(db);
    return result;
}

enum exit_code cmd_model_info(const struct cli *cli)
{
    char folder[PATH_MAX];
    struct duet_model_details details;
    const char *name = cmd_model_named(cli);
    if (name == NULL) {
        enum err result = model_of_database(cli, folder);
        if (result != ERR_OK) {
            return cli_fail(result);
        }
        name = folder[0] != '\0' ? folder : NULL;
    }
    enum err result = duet_model_look(name, true, &details);
    if (result != ERR_OK) {
        return cli_fail(result);
    }
    if (cli->json) {
        print_json(&details);
    } else {
        print_human(&details);
    }
    duet_model_details_release(&details);
    return EXIT_DONE;
}
