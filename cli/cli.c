/*
 * cli.c - see cli.h: errors told, the database opened, the key read.
 */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum exit_code cli_fail(enum err code)
{
    if (code != ERR_OK && code != ERR_CANCELLED) {
        fprintf(stderr, "duet: %s\n", err_detail());
    }
    return exit_code_of(code);
}

enum exit_code cli_usage(const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fprintf(stderr, "duet: %s\n", text);
    return EXIT_USAGE;
}

enum exit_code cli_open(struct duet **db, const struct cli *cli,
                        struct duet_options options)
{
    options.path = cli->db;
    options.model = cli->model;
    options.n_threads = (unsigned)cli->n_threads;
    enum err result = duet_open(db, &options);
    if (result == ERR_NOT_FOUND) {
        fprintf(stderr, "duet: %s; 'duet add FOLDER' makes one\n", err_detail());
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
