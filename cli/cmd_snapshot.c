/*
 * cmd_snapshot.c - `duet snapshot`: one collection written down beside the database, and
 * put in place again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/print.h"
#include "cli/remote_snapshot.h"
#include "cli/target.h"

static void print_snapshot(const struct cli *cli, const struct duet_snapshot *s)
{
    char bytes[PRINT_BYTES_MAX];
    if (cli->json) {
        printf("{\"name\":\"%s\",\"bytes\":%llu,\"sha256\":\"%s\"}\n", s->name,
               (unsigned long long)s->size_bytes, s->sha256);
    } else {
        printf("%s  %s\n", s->name, print_bytes(bytes, s->size_bytes));
    }
}

static enum err create(struct target *target)
{
    struct duet_snapshot s;
    TRY(target->db != NULL
            ? duet_snapshot_create(target->db, target->cli->collection, &s)
            : remote_snapshot_create(target->cli, &s));
    print_snapshot(target->cli, &s);
    return ERR_OK;
}

static enum err list(struct target *target)
{
    struct duet_snapshots all;
    TRY(target->db != NULL
            ? duet_snapshots_list(target->db, target->cli->collection, &all)
            : remote_snapshots_list(target->cli, &all));
    for (size_t i = 0; i < all.n; i++) {
        print_snapshot(target->cli, &all.items[i]);
    }
    duet_snapshots_release(&all);
    return ERR_OK;
}

static enum err delete (struct target *target) {
    const char *name = target->cli->args[1];
    return target->db != NULL
               ? duet_snapshot_delete(target->db, target->cli->collection, name)
               : remote_snapshot_delete(target->cli, name);
}

static enum err recover_from(struct target *target, int fd)
{
    enum err result =
        duet_snapshot_recover(target->db, target->cli->collection, fd, NULL);
    close(fd);
    return result;
}

/* A file is said with its folder, anything else is a name. */
static enum err recover_file(struct target *target, const char *path)
{
    if (target->db == NULL) {
        return remote_snapshot_send(target->cli, path);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? err_errno(errno, "%s", path) : recover_from(target, fd);
}

static enum err recover(struct target *target)
{
    const struct cli *cli = target->cli;
    const char *name = cli->args[1];
    struct duet_snapshot_file file;
    if (strchr(name, '/') != NULL) {
        return recover_file(target, name);
    }
    if (target->db == NULL) {
        return remote_snapshot_recover(cli, name);
    }
    TRY(duet_snapshot_locate(target->db, cli->collection, name, &file));
    return recover_from(target, file.fd);
}

static const struct {
    const char *name;
    size_t n_args; /* the name itself included */
    enum err (*run)(struct target *target);
} verbs[] = {{"create", 1, create},
             {"list", 1, list},
             {"recover", 2, recover},
             {"delete", 2, delete}};

static enum exit_code run(const struct cli *cli)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(cli->args[0], verbs[i].name) == 0 &&
            cli->n_args == verbs[i].n_args) {
            struct target target;
            enum exit_code code =
                target_open(&target, cli, (struct duet_options){.write = true});
            if (code == EXIT_DONE) {
                code = cli_fail(verbs[i].run(&target));
                target_close(&target);
            }
            return code;
        }
    }
    return cli_usage("snapshot: say create, list, recover NAME|FILE or delete NAME");
}

const struct cli_command cmd_snapshot = {
    .name = "snapshot",
    .arguments = "create | list | recover NAME|FILE | delete NAME",
    .summary = "write down one collection, and put it in place again",
    .about =
        "A snapshot is a file in the database's own folder snapshots/: the collection\n"
        "as of one moment, with its pictures. To recover makes the collection what a\n"
        "snapshot says, at once for whoever reads; it may be there already or not. A\n"
        "snapshot from elsewhere is named as a file, with its folder: ./old.snapshot.\n"
        "With --url a server does it while it serves.\n",
    .example =
        "  duet snapshot create\n"
        "  duet --url http://127.0.0.1:6333 snapshot recover ./photos.snapshot\n",
    .min_args = 1,
    .max_args = 2,
    .run = run,
};
