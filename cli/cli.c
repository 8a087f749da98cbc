/*
 * cli.c - see cli.h: errors told, the database opened, the key read.
 */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* The bytes of what would steer a terminal at c[0], 0 where that is harmless: control
 * characters of ASCII; those that UTF-8 has as C2 80 to C2 9F; and what turns the
 * direction of writing: U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069. */
static size_t harm_at(const unsigned char *c)
{
    if (c[0] < ' ' || c[0] == 0x7f) {
        return 1;
    }
    if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) {
        return 2;
    }
    bool marks = c[0] == 0xe2 && c[1] == 0x80 &&
                 (c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xa8 && c[2] <= 0xae));
    bool isolates = c[0] == 0xe2 && c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9;
    return marks || isolates ? 3 : 0;
}

static void disarm(char *text)
{
    while (*text != '\0') {
        size_t n = harm_at((const unsigned char *)text);
        memset(text, '?', n);
        text += n == 0 ? 1 : n;
    }
}

static void tell(const char *fmt, va_list args)
{
    char text[2048];
    vsnprintf(text, sizeof text, fmt, args);
    disarm(text);
    fprintf(stderr, "duet: %s\n", text);
}

void cli_tell(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    tell(fmt, args);
    va_end(args);
}

enum exit_code cli_fail(enum err code)
{
    if (code != ERR_OK && code != ERR_CANCELLED) {
        cli_tell("%s", err_detail());
    }
    return exit_code_of(code);
}

enum exit_code cli_usage(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    tell(fmt, args);
    va_end(args);
    return EXIT_USAGE;
}

static enum err parse_decode(const struct cli *cli, bool *exact)
{
    *exact = cli->decode != NULL && strcmp(cli->decode, "exact") == 0;
    FAIL_IF(cli->decode != NULL && !*exact && strcmp(cli->decode, "fast") != 0,
            ERR_INVALID, "--decode wants exact or fast, not '%s'", cli->decode);
    return ERR_OK;
}

enum exit_code cli_open(struct duet **db, const struct cli *cli,
                        struct duet_options options)
{
    *db = NULL;
    if (parse_decode(cli, &options.exact_decode) != ERR_OK) {
        return cli_fail(ERR_INVALID);
    }
    options.path = cli->db;
    options.model = cli->model;
    options.n_threads = (unsigned)cli->n_threads;
    enum err result = duet_open(db, &options);
    if (result == ERR_NOT_FOUND) {
        cli_tell("%s; 'duet add FOLDER' makes one", err_detail());
        return EXIT_NOT_FOUND;
    }
    return cli_fail(result);
}

enum exit_code cli_read_database(const struct cli *cli,
                                 enum exit_code (*use)(const struct cli *cli,
                                                       struct duet *db))
{
    if (cli->url != NULL) {
        return cli_usage("this works on a database here, not on --url");
    }
    struct duet *db;
    enum exit_code code = cli_open(&db, cli, (struct duet_options){0});
    if (code == EXIT_DONE) {
        code = use(cli, db);
        duet_close(db);
    }
    return code;
}

enum exit_code cli_open_encoder(struct duet_encoder **encoder, const struct cli *cli)
{
    *encoder = NULL;
    if (cli->url != NULL) {
        return cli_usage("this works with a model here, not on --url");
    }
    bool exact;
    enum err result = parse_decode(cli, &exact);
    if (result == ERR_OK) {
        result = duet_encoder_open(encoder, cli->model);
    }
    if (result == ERR_OK) {
        duet_encoder_set_exact(*encoder, exact);
    }
    return cli_fail(result);
}

enum exit_code cli_each(const struct cli *cli,
                        enum err (*one)(void *arg, const char *argument), void *arg)
{
    enum exit_code code = EXIT_DONE;
    for (size_t i = 0; i < cli->n_args && !ferror(stdout); i++) {
        enum exit_code this = cli_fail(one(arg, cli->args[i]));
        if (this != EXIT_DONE) {
            code = cli->n_args == 1 ? this : EXIT_SOME_FAILED;
        }
    }
    return code;
}

enum err cli_read_key(const char **key, const char *path, const char *variable,
                      struct buf *file)
{
    *key = getenv(variable);
    if (path == NULL) {
        return ERR_OK;
    }
    TRY(file_read(path, file));
    file->data[strcspn(file->data, "\r\n")] = '\0';
    FAIL_IF(file->data[0] == '\0', ERR_INVALID, "%s: there is no key in it", path);
    *key = file->data;
    return ERR_OK;
}

enum err cli_api_key(const char **key, const struct cli *cli, struct buf *file)
{
    return cli_read_key(key, cli->api_key_file, "DUET_API_KEY", file);
}
