/*
 * cmd_model_pull.c - `duet model pull`.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cmd_model.h"
#include "cli/interrupt.h"
#include "cli/print.h"
#include "cli/progress.h"

enum { NAME_MAX_BYTES = 512 };

static bool on_progress(void *arg, const struct duet_pull_progress *now)
{
    struct progress_bytes bytes = {.what = now->file,
                                   .n_done = now->n_done,
                                   .n_total = now->n_total,
                                   .seconds = now->seconds};
    progress_show_bytes(arg, &bytes);
    return !interrupt_seen();
}

static void on_note(void *arg, const char *sentence)
{
    struct progress *progress = arg;
    if (!progress->quiet) {
        progress_clear(progress);
        cli_tell("%s", sentence);
    }
}

static void print_json(const struct duet_pull_result *done)
{
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "name", json_object_new_string(done->name));
    json_object_object_add(object, "revision", json_object_new_string(done->revision));
    json_object_object_add(object, "licence", json_object_new_string(done->licence));
    json_object_object_add(object, "folder", print_path_json(done->folder));
    json_object_object_add(object, "up_to_date",
                           json_object_new_boolean(done->up_to_date));
    json_object_object_add(object, "bytes", json_object_new_uint64(done->bytes));
    json_object_object_add(object, "fetched", json_object_new_uint64(done->n_fetched));
    puts(json_text(object));
    json_object_put(object);
}

static void print_human(const struct duet_pull_result *done)
{
    char bytes[PRINT_BYTES_MAX];
    if (done->up_to_date) {
        printf("%s is up to date (revision %.12s)\n", done->name, done->revision);
        return;
    }
    printf("%s is in ", done->name);
    print_text(done->folder);
    printf(" (%s, licence ", print_bytes(bytes, done->bytes));
    print_text(done->licence[0] != '\0' ? done->licence : "not told");
    printf(", revision %.12s)\n", done->revision);
    printf("'duet model use %s' makes it the default\n", done->name);
}

/* "OWNER/NAME@REVISION" in two. */
static enum err split(const char *argument, char name[NAME_MAX_BYTES],
                      const char **revision)
{
    const char *at = strchr(argument, '@');
    size_t n = at == NULL ? strlen(argument) : (size_t)(at - argument);
    *revision = at == NULL ? NULL : at + 1;
    if (n >= NAME_MAX_BYTES) {
        return err_set(ERR_INVALID, "'%.60s…' is no name of a hub's model", argument);
    }
    memcpy(name, argument, n);
    name[n] = '\0';
    return ERR_OK;
}

static enum exit_code finish(const struct cli *cli, enum err result,
                             const struct duet_pull_result *done)
{
    if (result == ERR_CANCELLED && !cli->quiet) {
        cli_tell("interrupted; the same command goes on from here");
    }
    if (result != ERR_OK) {
        return cli_fail(result);
    }
    if (cli->json) {
        print_json(done);
    } else if (!cli->quiet) {
        print_human(done);
    }
    return EXIT_DONE;
}

enum exit_code cmd_model_pull(const struct cli *cli)
{
    char name[NAME_MAX_BYTES];
    struct duet_pull_result done;
    struct progress progress;
    struct duet_pull_options options = {.name = name,
                                        .hub = cli->hub,
                                        .progress = on_progress,
                                        .note = on_note,
                                        .arg = &progress};
    enum err result = split(cli->args[1], name, &options.revision);
    if (result != ERR_OK) {
        return cli_fail(result);
    }
    interrupt_watch();
    progress_init(&progress, cli->quiet);
    result = duet_model_pull(&options, &done);
    progress_clear(&progress);
    return finish(cli, result, &done);
}
