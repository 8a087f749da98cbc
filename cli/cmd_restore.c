/*
 * cmd_restore.c - `duet restore`: a database of a backup.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "db/duet_keep.h"

static enum exit_code tell(const struct cli *cli, const struct duet_backup_result *r)
{
    if (cli->json) {
        printf("{\"points\":%zu,\"rows\":%zu,\"files\":%zu,\"bytes\":%llu}\n",
               r->n_points, r->n_rows, r->n_files, (unsigned long long)r->n_bytes);
    } else if (!cli->quiet) {
        printf("%zu points and %zu pictures are in ", r->n_points, r->n_files);
        puts(cli->db);
    }
    return EXIT_DONE;
}

static enum exit_code run(const struct cli *cli)
{
    if (cli->url != NULL) {
        return cli_usage("this works on a database here, not on --url");
    }
    struct duet_backup_result r;
    const char *path = cli->args[0];
    bool from_stdin = strcmp(path, "-") == 0;
    int fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return cli_fail(err_errno(errno, "%s", path));
    }
    enum err result = duet_restore_fd(fd, cli->db, &r);
    if (!from_stdin) {
        close(fd);
    }
    return result == ERR_OK ? tell(cli, &r) : cli_fail(result);
}

const struct cli_command cmd_restore = {
    .name = "restore",
    .arguments = "FILE|-",
    .summary = "make a database of a backup",
    .about =
        "Makes the database that --db names, which must not be there yet, of what\n"
        "'duet backup' wrote. All checksums are compared, and all is on disk, before\n"
        "the folder gets its name; a backup that is damaged or was cut short leaves\n"
        "nothing. The first writer builds the indexes.\n",
    .example = "  duet restore photos-2026-11.duet --db photos.db\n"
               "  zstd -dc photos.duet.zst | duet restore - --db photos.db\n",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
