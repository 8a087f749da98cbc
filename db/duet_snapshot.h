/*
 * duet_snapshot.h - snapshots: backups of one collection or of all, kept in the folder
 * snapshots/ of the database itself, and put in place again while it is in use.
 *
 *     struct duet_snapshot snapshot;
 *     struct duet_snapshot_file file;
 *     if (duet_snapshot_create(db, "things", &snapshot) == ERR_OK &&
 *         duet_snapshot_locate(db, "things", snapshot.name, &file) == ERR_OK) {
 *         ... read from file.fd, close(file.fd) ...
 *     }
 *
 * A snapshot of a collection is the backup (duet_keep.h) of a database that holds
 * nothing else, a snapshot of all is that of the database. Names are of letters,
 * digits, '.', '_' and '-', do not begin with a dot, and end in ".snapshot": nothing
 * that a caller says can name another file. Those of a dropped collection stay until
 * they are deleted. `collection` NULL means the whole database throughout.
 *
 * Threads, errors, strings: as duet.h. All but listing and locating need a database
 * that was opened for writing.
 */
#ifndef DB_DUET_SNAPSHOT_H
#define DB_DUET_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errcode.h"
#include "db/duet.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { DUET_SNAPSHOT_NAME_MAX = 201 }; /* bytes of a name, with its NUL */

struct duet_snapshot {
    char name[DUET_SNAPSHOT_NAME_MAX];
    uint64_t size_bytes;
    int64_t created_ms; /* since 1970 */
    char sha256[65];    /* of the file, in hex; "" where it is not known */
};

struct duet_snapshots {
    struct duet_snapshot *items; /* [n], by name */
    size_t n;
};

/* Writes one, as of one moment; it is there under its name when it is whole and on
 * disk. ERR_NOT_FOUND: no such collection; ERR_FULL, ERR_IO. */
DUET_CHECK enum err duet_snapshot_create(struct duet *db, const char *collection,
                                         struct duet_snapshot *out);

/* Those there are. ERR_NOT_FOUND: no such collection. */
DUET_CHECK enum err duet_snapshots_list(struct duet *db, const char *collection,
                                        struct duet_snapshots *out);
DUET_API void duet_snapshots_release(struct duet_snapshots *list);

/* Also one of which only parts have come. ERR_NOT_FOUND; ERR_INVALID: that is no name of
 * a snapshot. */
DUET_CHECK enum err duet_snapshot_delete(struct duet *db, const char *collection,
                                         const char *name);

struct duet_snapshot_file {
    int fd; /* the caller's, to be read from its beginning; -1: none */
    uint64_t size_bytes;
};

/*
 * Opens the snapshot that `location` says: a name, or file:// and the path of a file in
 * the database's folder of snapshots, of any collection. ERR_NOT_FOUND; ERR_INVALID:
 * another place; ERR_UNSUPPORTED: a URL.
 */
DUET_CHECK enum err duet_snapshot_locate(struct duet *db, const char *collection,
                                         const char *location,
                                         struct duet_snapshot_file *out);

struct duet_snapshot_part {
    const void *bytes; /* [n] */
    size_t n;
    uint64_t offset;    /* where they belong: behind what is there already; 0: anew */
    uint64_t total;     /* bytes of the whole snapshot */
    const char *sha256; /* that it must have, in hex; NULL: not said */
};

/*
 * Takes one part of a snapshot from elsewhere. *done says that it is whole now: from
 * then on it is there as `name`. ERR_CONFLICT: the part does not belong behind what is
 * there, whose size is told; ERR_INVALID: the checksum is another (what came is deleted);
 * ERR_BUSY: another part of it is being written; ERR_EXISTS, ERR_LIMIT, ERR_FULL, ERR_IO.
 */
DUET_CHECK enum err duet_snapshot_put(struct duet *db, const char *collection,
                                      const char *name,
                                      const struct duet_snapshot_part *part,
                                      bool *done);

/* A file without a name, to write a snapshot into that is recovered at once. The fd is
 * the caller's. */
DUET_CHECK enum err duet_snapshot_scratch(struct duet *db, int *fd);

/*
 * Makes `collection` what the snapshot in the open file `fd` says, which is read from
 * its beginning, several times. The collection may be there or not; where it is, its
 * readers see the old points or the new ones and never anything between, and what was
 * written to it meanwhile goes with the old ones. Its aliases stay. A snapshot of more
 * than one collection must have one of that name. Texts and pictures can be asked for
 * as long as the database's model is that of the snapshot. ERR_INVALID: the file has
 * another sha256 (NULL: not said), or holds no such collection; ERR_CORRUPT;
 * ERR_VERSION; ERR_EXISTS: an alias has that name; ERR_FULL, ERR_IO: the collection is
 * as it was.
 */
DUET_CHECK enum err duet_snapshot_recover(struct duet *db, const char *collection,
                                          int fd, const char *sha256);

#ifdef __cplusplus
}
#endif

#endif
