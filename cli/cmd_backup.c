/*
 * cmd_backup.c - `duet backup`: all of the database in one file or pipe.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/print.h"
#include "db/duet_keep.h"

static enum exit_code backup(const struct cli *cli, struct duet *db)
{
    struct duet_backup_result r;
    const char *path = cli->args[0];
    bool to_stdout = strcmp(path, "-") == 0;
    if (to_stdout && isatty(STDOUT_FILENO)) {
        return cli_usage("a backup is no text for a terminal: say where it goes");
    }
    enum err result =
        to_stdout ? duet_backup_fd(db, STDOUT_FILENO, &r) : duet_backup(db, path, &r);
    if (result != ERR_OK || cli->quiet) {
        return cli_fail(result);
    }
    char bytes[PRINT_BYTES_MAX];
    FILE *out = to_stdout ? stderr : stdout;
    if (cli->json) {
        fprintf(out, "{\"points\":%zu,\"rows\":%zu,\"files\":%zu,\"bytes\":%llu}\n",
                r.n_points, r.n_rows, r.n_files, (unsigned long long)r.n_bytes);
    } else {
        fprintf(out, "%zu points, %zu pictures, %s\n", r.n_points, r.n_files,
                print_bytes(bytes, r.n_bytes));
    }
    return EXIT_DONE;
}

static enum exit_code run(const struct cli *cli)
{
    return cli_read_database(cli, backup);
}

const struct cli_command cmd_backup = {
    .name = "backup",
    .arguments = "FILE|-",
    .summary = "write all of the database, as of one moment, to a file",
    .about =
        "Writes all collections, with thumbnails and uploaded pictures, as one stream\n"
        "with checksums, to a new file or with - to stdout. A writer or a server may "
        "go\n"
        "on meanwhile. A file is there under its name only when it is whole, and a\n"
        "stream that was cut short is refused by 'duet restore'. Indexes are left "
        "out:\n"
        "they are built again.\n",
    .example = "  duet backup photos-2026-11.duet\n"
               "  duet backup - | zstd > photos.duet.zst\n"
               "  duet backup - | ssh host duet restore - --db photos.db\n",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
