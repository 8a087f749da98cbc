/*
 * remote_snapshot.h - snapshots of a server's collection (--url), as duet_snapshot.h has
 * them of a database here. Errors as remote.h. One thread.
 */
#ifndef CLI_REMOTE_SNAPSHOT_H
#define CLI_REMOTE_SNAPSHOT_H

#include "cli/cli.h"
#include "db/duet_snapshot.h"

enum err remote_snapshot_create(const struct cli *cli, struct duet_snapshot *out)
    ERR_CHECK;

/* Released by duet_snapshots_release. */
enum err remote_snapshots_list(const struct cli *cli, struct duet_snapshots *out)
    ERR_CHECK;
enum err remote_snapshot_delete(const struct cli *cli, const char *name) ERR_CHECK;

/* Makes the collection what the snapshot of that name says. */
enum err remote_snapshot_recover(const struct cli *cli, const char *name) ERR_CHECK;

/* The same of a file here, which is sent in parts, as NAME.snapshot, and deleted there
 * afterwards. */
enum err remote_snapshot_send(const struct cli *cli, const char *path) ERR_CHECK;

#endif
