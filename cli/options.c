/*
 * options.c - see options.h. The tables are turned into getopt_long's form for each
 * parse; what getopt_long returns for an option is its place in the joined table.
 */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cli/suggest.h"

enum {
    OPTIONS_MAX = 48,  /* global and own options of any command */
    VALUE_FIRST = 1024 /* what getopt_long returns for the first; past any letter */
};

const struct cli_option options_global[] = {
    CLI_OPTION_TEXT("db", db, "PATH", "the database (else $DUET_DB, else ./duet.db)"),
    CLI_OPTION_TEXT("collection", collection, "NAME",
                    "the collection in it (else \"default\")"),
    CLI_OPTION_TEXT("model", model, "NAME", "the model, by name or folder"),
    CLI_OPTION_TEXT("url", url, "URL", "ask the server there, not a database here"),
    CLI_OPTION_TEXT("api-key-file", api_key_file, "FILE",
                    "the server's key is in it (else in $DUET_API_KEY)"),
    CLI_OPTION_FLAG("json", 0, json, "print one JSON object a line"),
    CLI_OPTION_FLAG("quiet", 'q', quiet, "print results and errors, nothing else"),
    CLI_OPTION_FLAG("verbose", 'v', verbose, "tell more of what is done"),
    CLI_OPTION_FLAG("help", 'h', help, "this screen"),
    CLI_OPTION_END,
};

/* The joined tables in both forms. */
struct table {
    const struct cli_option *options[OPTIONS_MAX];
    struct option longs[OPTIONS_MAX + 1];
    char letters[2 * OPTIONS_MAX + 3];
    size_t n;
};

static void table_add(struct table *table, const struct cli_option *option)
{
    for (; option != NULL && option->name != NULL; option++) {
        int has_argument = option->kind == CLI_FLAG ? no_argument : required_argument;
        table->options[table->n] = option;
        table->longs[table->n] = (struct option){option->name, has_argument, NULL,
                                                 VALUE_FIRST + (int)table->n};
        if (option->letter != 0) {
            size_t end = strlen(table->letters);
            table->letters[end] = option->letter;
            table->letters[end + 1] = has_argument == required_argument ? ':' : '\0';
        }
        table->n++;
    }
}

/* `prefix` is getopt's: ":" tells a missing argument apart, "+" stops at the first
 * argument that is no option. */
static void table_init(struct table *table, const char *prefix,
                       const struct cli_option *own)
{
    memset(table, 0, sizeof *table);
    memcpy(table->letters, prefix, strlen(prefix));
    table_add(table, options_global);
    table_add(table, own);
}

static const struct cli_option *table_find(const struct table *table, int value)
{
    if (value >= VALUE_FIRST) {
        return table->options[value - VALUE_FIRST];
    }
    for (size_t i = 0; i < table->n; i++) {
        if (table->options[i]->letter == value) {
            return table->options[i];
        }
    }
    return NULL;
}

static enum err unknown_option(const struct table *table, const char *argument)
{
    const char *names[OPTIONS_MAX];
    char word[64] = "";
    if (optopt != 0 && optopt < VALUE_FIRST) {
        return err_set(ERR_INVALID, "there is no option -%c", optopt);
    }
    if (optopt >= VALUE_FIRST) {
        return err_set(ERR_INVALID, "--%s takes no argument",
                       table_find(table, optopt)->name);
    }
    for (size_t i = 0; i < table->n; i++) {
        names[i] = table->options[i]->name;
    }
    argument += strspn(argument, "-");
    size_t n = strcspn(argument, "=");
    if (n < sizeof word) {
        memcpy(word, argument, n);
    }
    const char *nearest = suggest_nearest(word, names, table->n);
    if (nearest != NULL) {
        return err_set(ERR_INVALID, "there is no option --%.*s; did you mean --%s?",
                       (int)n, argument, nearest);
    }
    return err_set(ERR_INVALID, "there is no option --%.*s", (int)n, argument);
}

/* A number, and where `is_size` its unit; *end is what is behind it. */
static size_t read_number(const char *text, bool is_size, const char **end)
{
    static const char units[] = "KMG";
    char *behind;
    unsigned long long value = strtoull(text, &behind, 10);
    const char *unit = is_size && *behind != '\0' ? strchr(units, *behind) : NULL;
    if (unit != NULL) {
        unsigned shift = 10 * (unsigned)(unit - units + 1);
        value = value > SIZE_MAX >> shift ? SIZE_MAX : value << shift;
        behind++;
    }
    *end = behind;
    return (size_t)value;
}

static enum err parse_number(size_t *out, const struct cli_option *option,
                             const char *label, const char *text)
{
    const char *end;
    bool is_size = option->kind == CLI_SIZE;
    errno = 0;
    size_t value = read_number(text, is_size, &end);
    bool digits = text[0] >= '0' && text[0] <= '9' && *end == '\0';
    FAIL_IF(!digits || errno != 0 || value < option->min || value > option->max,
            ERR_INVALID, "%s wants %s from %zu to %zu, not '%.40s'", label,
            is_size ? "a number of bytes (64M)" : "a number", option->min, option->max,
            text);
    *out = value;
    return ERR_OK;
}

static enum err parse_flag(bool *out, const char *label, const char *text)
{
    static const char *const words[] = {"false", "true", "no", "yes",
                                        "off",   "on",   "0",  "1"};
    if (text == NULL) {
        *out = true;
        return ERR_OK;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i % 2 == 1;
            return ERR_OK;
        }
    }
    return err_set(ERR_INVALID, "%s wants true or false, not '%.40s'", label, text);
}

static enum err list_push(struct cli_list *list, const char *label, const char *text)
{
    FAIL_IF(list->n == CLI_LIST_MAX, ERR_LIMIT, "%s may be said %d times", label,
            CLI_LIST_MAX);
    list->items[list->n++] = text;
    return ERR_OK;
}

enum err options_set(struct cli *cli, const struct cli_option *option,
                     const char *label, const char *text)
{
    char *member = (char *)cli + option->offset;
    switch (option->kind) {
    case CLI_FLAG:
        return parse_flag((bool *)(void *)member, label, text);
    case CLI_TEXT:
        FAIL_IF(text[0] == '\0', ERR_INVALID, "%s is empty", label);
        *(const char **)(void *)member = text;
        break;
    case CLI_TEXTS:
        return list_push((struct cli_list *)(void *)member, label, text);
    case CLI_NUMBER:
    case CLI_SIZE:
        return parse_number((size_t *)(void *)member, option, label, text);
    }
    return ERR_OK;
}

bool options_was_said(const struct cli *cli, const struct cli_option *option)
{
    for (size_t i = 0; i < cli->n_said; i++) {
        if (cli->said[i] == option) {
            return true;
        }
    }
    return false;
}

/* One option of the command line. */
static enum err take_option(struct cli *cli, const struct cli_option *option,
                            const char *text)
{
    char label[64];
    snprintf(label, sizeof label, "--%s", option->name);
    TRY(options_set(cli, option, label, text));
    if (!options_was_said(cli, option) && cli->n_said < CLI_SAID_MAX) {
        cli->said[cli->n_said++] = option;
    }
    return ERR_OK;
}

static enum err parse(struct cli *cli, const struct table *table, int argc, char **argv)
{
    optind = 0; /* glibc: forget the last parse */
    opterr = 0;
    for (;;) {
        int value = getopt_long(argc, argv, table->letters, table->longs, NULL);
        if (value == -1) {
            return ERR_OK;
        }
        if (value == '?') {
            return unknown_option(table, argv[optind - 1]);
        }
        const struct cli_option *option =
            table_find(table, value == ':' ? optopt : value);
        FAIL_IF(value == ':', ERR_INVALID, "--%s wants an argument: %s", option->name,
                option->argument);
        TRY(take_option(cli, option, optarg));
    }
}

enum err options_parse_global(struct cli *cli, int argc, char **argv, int *n_read)
{
    struct table table;
    table_init(&table, "+:", NULL);
    TRY(parse(cli, &table, argc, argv));
    *n_read = optind;
    return ERR_OK;
}

enum err options_parse(struct cli *cli, const struct cli_command *command, int argc,
                       char **argv)
{
    struct table table;
    table_init(&table, ":", command->options);
    TRY(parse(cli, &table, argc, argv));
    cli->args = (const char *const *)argv + optind;
    cli->n_args = (size_t)(argc - optind);
    return ERR_OK;
}
