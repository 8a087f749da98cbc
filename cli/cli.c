/*
 * cli.c - see cli.h: errors told, the database opened, the key read.
 */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* Control characters of ASCII, and those that UTF-8 has as C2 80 to C2 9F. */
static void disarm(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++) {
        if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) {
            *c++ = '?';
            *c = '?';
        } else if (*c < ' ' || *c == 0x7f) {
            *c = '?';
        }
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

enum exit_code cli_open(struct duet **db, const struct cli *cli,
                        struct duet_options options)
{
    if (cli->decode != NULL && strcmp(cli->decode, "exact") != 0 &&
        strcmp(cli->decode, "fast") != 0) {
        *db = NULL;
        return cli_usage("--decode wants exact or fast, not '%s'", cli->decode);
    }
    options.path = cli->db;
    options.exact_decode = cli->decode != NULL && strcmp(cli->decode, "exact") == 0;
    options.model = cli->model;
    options.n_threads = (unsigned)cli->n_threads;
    enum err result = duet_open(db, &options);
    if (result == ERR_NOT_FOUND) {
        cli_tell("%s; 'duet add FOLDER' makes one", err_detail());
        return EXIT_NOT_FOUND;
    }
    return cli_fail(result);
}

enum err cli_api_key(const char **key, const struct cli *cli, struct buf *file)
{
    *key = getenv("DUET_API_KEY");
    if (cli->api_key_file == NULL) {
        return ERR_OK;
    }
    TRY(file_read(cli->api_key_file, file));
    file->data[strcspn(file->data, "\r\n")] = '\0';
    FAIL_IF(file->data[0] == '\0', ERR_INVALID, "%s: there is no key in it",
            cli->api_key_file);
    *key = file->data;
    return ERR_OK;
}
