/*
 * cmd_model_list.c - `duet model list`, `use` and `verify`: little is asked and printed.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cmd_model.h"
#include "cli/print.h"

/* ---- list ---------------------------------------------------------------------- */

static int name_columns(const struct duet_model_list *list)
{
    size_t widest = 4;
    for (size_t i = 0; i < list->n; i++) {
        size_t n = print_columns(list->items[i].name);
        widest = n > widest ? n : widest;
    }
    return widest < 60 ? (int)widest : 60;
}

static void print_model(const struct duet_model_entry *entry, int columns)
{
    char bytes[PRINT_BYTES_MAX];
    size_t n = print_columns(entry->name);
    putchar(entry->is_default ? '*' : ' ');
    putchar(' ');
    print_text(entry->name);
    printf("%*s  ", n < (size_t)columns ? columns - (int)n : 0, "");
    if (entry->error != NULL) {
        fputs("broken: ", stdout);
        print_text(entry->error);
    } else {
        printf("%4zu  %-12s  %10s  ", entry->dim, entry->languages,
               print_bytes(bytes, entry->bytes));
        print_text(entry->folder);
        fputs(entry->is_shadowed ? "  (another of this name is found first)" : "",
              stdout);
    }
    putchar('\n');
}

static void print_model_json(const struct duet_model_entry *entry)
{
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "name", print_path_json(entry->name));
    json_object_object_add(object, "folder", print_path_json(entry->folder));
    json_object_object_add(object, "dim", json_object_new_uint64(entry->dim));
    json_object_object_add(object, "languages",
                           json_object_new_string(entry->languages));
    json_object_object_add(object, "bytes", json_object_new_uint64(entry->bytes));
    json_object_object_add(object, "default",
                           json_object_new_boolean(entry->is_default));
    json_object_object_add(object, "shadowed",
                           json_object_new_boolean(entry->is_shadowed));
    json_object_object_add(object, "error",
                           entry->error == NULL ? NULL : print_path_json(entry->error));
    puts(json_text(object));
    json_object_put(object);
}

enum exit_code cmd_model_list(const struct cli *cli)
{
    struct duet_model_list list;
    enum err result = duet_model_list(&list);
    if (result != ERR_OK) {
        return cli_fail(result);
    }
    int columns = name_columns(&list);
    for (size_t i = 0; i < list.n; i++) {
        if (cli->json) {
            print_model_json(&list.items[i]);
        } else {
            print_model(&list.items[i], columns);
        }
    }
    if (list.n == 0 && !cli->quiet) {
        cli_tell("there is no model; 'duet model pull OWNER/NAME' fetches one");
    }
    enum exit_code code = list.n == 0 ? EXIT_NO_RESULT : EXIT_DONE;
    duet_model_list_release(&list);
    return code;
}

/* ---- use ----------------------------------------------------------------------- */

enum exit_code cmd_model_use(const struct cli *cli)
{
    char chosen[DUET_MODEL_PATH_MAX];
    enum err result = duet_model_use(cli->args[1], chosen);
    if (result != ERR_OK) {
        return cli_fail(result);
    }
    if (cli->json) {
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "default", print_path_json(chosen));
        puts(json_text(object));
        json_object_put(object);
    } else if (!cli->quiet) {
        print_text(chosen);
        puts(" is the default now; databases that are there keep their models, until "
             "'duet reembed' gives a collection another");
    }
    return EXIT_DONE;
}

/* ---- verify --------------------------------------------------------------------- */

static const char *const states[] = {[DUET_CHECK_OK] = "ok",
                                     [DUET_CHECK_FAILED] = "failed",
                                     [DUET_CHECK_SKIPPED] = "skipped"};

static void print_check_json(const struct duet_model_check *check)
{
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "step", json_object_new_string(check->step));
    json_object_object_add(object, "state",
                           json_object_new_string(states[check->state]));
    json_object_object_add(object, "detail", print_path_json(check->detail));
    if (check->cosine != 0) {
        json_object_object_add(object, "cosine", json_object_new_double(check->cosine));
    }
    puts(json_text(object));
    json_object_put(object);
}

static void print_check(void *arg, const struct duet_model_check *check)
{
    const struct cli *cli = arg;
    if (cli->json) {
        print_check_json(check);
    } else {
        printf("%-9s %-7s  ", check->step, states[check->state]);
        print_text(check->detail);
        putchar('\n');
    }
    fflush(stdout); /* the steps take seconds */
}

enum exit_code cmd_model_verify(const struct cli *cli)
{
    return cli_fail(
        duet_model_verify(cmd_model_named(cli), print_check, (void *)(size_t)cli));
}
