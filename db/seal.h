/*
 * seal.h - building the segments that are due.
 *
 * When the chunks behind the last segment of a space hold duet_options.seal_at live
 * vectors, an index is built over them; neighbouring segments that are not larger are
 * built into it (as a binary counter carries), so that there are few segments and each
 * vector is indexed about log2(n / seal_at) times. A segment whose file is broken is
 * built anew, one whose vectors are all dead is given up. So is one of another kind than
 * was chosen for the space (index_choice.h). How widely a new one is to be searched is
 * learnt from questions before its file is written (learn.h).
 *
 * The vectors are read in short transactions, since slots never change; the file is
 * written whole; one transaction then switches the manifest, so a crash before it
 * leaves but a file that no manifest names.
 *
 * Threads: one at a time, the builder's.
 */
#ifndef DB_SEAL_H
#define DB_SEAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct duet;

/* Builds until nothing is due in any collection. `try_all` loads every segment first,
 * so that a broken file is found also where nobody searches. *n_built counts the
 * switches of a manifest. ERR_NOMEM, ERR_IO, ERR_FULL, ERR_CORRUPT: what was switched
 * stays. */
enum err seal_due(struct duet *db, bool try_all, size_t *n_built) ERR_CHECK;

#endif
