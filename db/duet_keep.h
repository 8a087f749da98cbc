/*
 * duet_keep.h - keeping a database: checked, mended, backed up, made smaller, given
 * another model.
 *
 *     struct duet_check_options options = {.found = print_finding};
 *     struct duet_check_result result;
 *     if (duet_verify(db, &options, &result) == ERR_OK && result.n_damage > 0) {
 *         ...
 *     }
 *
 * Threads and processes: as duet.h. duet_verify and duet_backup are a reader's, beside
 * any writer; the pages that a writer gives up meanwhile are used again only after
 * them. duet_repair and duet_compact open the database themselves, as its writer.
 *
 * Errors and strings: as duet.h.
 */
#ifndef DB_DUET_KEEP_H
#define DB_DUET_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errcode.h"
#include "db/duet.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Checking ------------------------------------------------------------------ */

enum duet_finding_kind {
    DUET_DAMAGE,  /* what cannot be made again is missing, unreadable or contradicts */
    DUET_DERIVED, /* an index, a count, a thumbnail: duet_repair makes it again */
    DUET_LEFTOVER /* a file that nothing needs; the next writer deletes most of them */
};

struct duet_finding {
    enum duet_finding_kind kind;
    const char *collection;   /* NULL: of the whole database */
    const struct duet_id *id; /* NULL: not about one point */
    const char *text;         /* one line */
};

struct duet_check_options {
    /* Called on the caller's thread for each thing found; must not call into the
     * database. May be NULL. */
    void (*found)(void *arg, const struct duet_finding *finding);
    void *arg;
};

struct duet_check_result {
    size_t n_collections, n_points, n_vectors, n_sources, n_segments, n_files;
    size_t n_damage, n_derived, n_leftovers; /* findings of each kind */
};

/*
 * Reads all of a database as of one moment and compares each part with every other that
 * tells of it. ERR_OK also where something was found; ERR_NOMEM, ERR_IO: could not look
 * at all of it. A database whose pages are broken is not read any further.
 */
DUET_CHECK enum err duet_verify(struct duet *db,
                                const struct duet_check_options *options,
                                struct duet_check_result *result);

struct duet_repair_options {
    struct duet_check_options check;
    const char *path; /* the database's folder */
    bool dry_run;     /* only tell what would be done */
};

/*
 * Makes again what is derived: live bits, tables of slots and hashes, counts, states of
 * spaces, payload indexes, segments, thumbnails of pictures whose files are there. `found` is told what
 * was done. What can be read is kept; a row that cannot be is taken out. Each
 * collection is changed in one transaction. ERR_CORRUPT: the pages themselves are
 * broken, only a backup helps. ERR_BUSY, ERR_NOT_FOUND, ERR_IO, ERR_FULL.
 */
DUET_CHECK enum err duet_repair(const struct duet_repair_options *options,
                                struct duet_check_result *result);

/* ---- Backups --------------------------------------------------------------------- */

struct duet_backup_result {
    size_t n_points, n_rows, n_files;
    uint64_t n_bytes; /* of the backup */
};

/*
 * Writes the database as of one moment, its pictures in media/ too, to the open file
 * `fd` as docs/FORMAT.md lays it out. What ends early for any reason is known by that.
 * ERR_IO, ERR_FULL, ERR_NOMEM.
 */
DUET_CHECK enum err duet_backup_fd(struct duet *db, int fd,
                                   struct duet_backup_result *result);

/* The same into a new file, which is there under its name only when it is whole and
 * durable. ERR_EXISTS. */
DUET_CHECK enum err duet_backup(struct duet *db, const char *path,
                                struct duet_backup_result *result);

/*
 * Makes the database `folder`, which must not be there, of the backup that is read from
 * `fd`. It is there under its name only when all of the backup has been read, its
 * checksums are right and it is on disk. ERR_EXISTS; ERR_CORRUPT; ERR_VERSION: of a
 * later format or of another byte order; ERR_IO, ERR_FULL.
 */
DUET_CHECK enum err duet_restore_fd(int fd, const char *folder,
                                    struct duet_backup_result *result);

/* ---- Another model ---------------------------------------------------------------- */

/* How far it has come. Counts are of vectors; those of the result are on disk. */
struct duet_reembed_progress {
    bool surveyed;  /* false: what they were made from is still being looked at */
    size_t n_total; /* that the collection has */
    size_t n_done;  /* that the new model has made, in this run or before it; while not
                       surveyed, that were looked at */
    size_t n_made;  /* in this run */
    size_t n_lost;  /* that cannot be made: what they were made from is gone */
    double seconds; /* since the start */
};

struct duet_reembed_options {
    const char *model;  /* its name or folder; NULL: that of a run to be gone on with,
                          else "default" */
    bool drop_missing;  /* points lose the vectors that cannot be made again */
    unsigned n_threads; /* 0: the database's */
    /* Called on the caller's thread every second or two; returning false stops after
     * the commit under way (ERR_CANCELLED). May be NULL. */
    bool (*progress)(void *arg, const struct duet_reembed_progress *now);
    /* Called on the caller's thread for each vector that cannot be made, with the
     * reason. May be NULL. */
    void (*lost)(void *arg, struct duet_id id, const char *space, const char *reason);
    void *arg;
};

/*
 * Makes all vectors of a cross-modal collection again by another model, and then
 * switches to them in one transaction. Until then the old ones are searched, and points
 * may be written, in this process by the old model; what is written meanwhile is made
 * again as well. Its size of vectors may be another.
 *
 * It needs what the vectors were made from: kept texts, picture files as duet_add found
 * them, the copies of uploads (of a DUET_INPUT_FILE none is kept). First it looks whether all of that is there: where it is
 * not, and not `drop_missing`, nothing is changed (ERR_CONFLICT); nor is a switch made
 * where more is missing at the end than at the beginning. Work is committed in groups:
 * the same call goes on after ERR_CANCELLED or a crash, also in another process.
 *
 * A database that has the old model open cannot search the collection with texts and
 * pictures after the switch (ERR_CONFLICT) until it is opened again.
 *
 * Where the collection was made by that very model, nothing is done. ERR_NOT_FOUND: no
 * such collection; ERR_UNSUPPORTED: it holds plain vectors; ERR_CONFLICT also: another
 * model is under way there already; ERR_MODEL, ERR_FULL, ERR_IO. `result` may be NULL.
 */
DUET_CHECK enum err duet_reembed(struct duet *db, const char *collection,
                                 const struct duet_reembed_options *options,
                                 struct duet_reembed_progress *result);

/* Throws away what a duet_reembed that was not finished has made. ERR_NOT_FOUND: there
 * is none under way. */
DUET_CHECK enum err duet_reembed_abort(struct duet *db, const char *collection);

/* ---- Giving disk back -------------------------------------------------------------
 */

struct duet_compact_result {
    uint64_t bytes_before, bytes_after; /* of data.mdb and segments/ */
    size_t n_moved;                     /* vectors, out of mostly dead chunks */
};

/*
 * Moves the vectors out of what is mostly dead, rebuilds the segments that were, and
 * puts a copy of data.mdb without free pages in its place. ERR_BUSY: another process
 * has the database open, to write or to read; then the file is as it was. ERR_FULL: the
 * copy needs as much room as the data takes. options->write is implied.
 */
DUET_CHECK enum err duet_compact(const struct duet_options *options,
                                 struct duet_compact_result *result);

#ifdef __cplusplus
}
#endif

#endif
