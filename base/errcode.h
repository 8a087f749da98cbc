/*
 * errcode.h - the one set of results of the whole program.
 *
 * Every function that can fail returns one of these. The numbers are pinned: they
 * reach clients of the library and exit codes of the program. A sentence for people
 * travels beside the code in a thread-local detail (base/error.h; duet_error_detail()
 * for users of the library).
 */
#ifndef BASE_ERRCODE_H
#define BASE_ERRCODE_H

enum err {
    ERR_OK = 0,
    ERR_NOMEM = 1,        /* an allocation failed; nothing was changed */
    ERR_INVALID = 2,      /* the caller's input is wrong; nothing was changed */
    ERR_LIMIT = 3,        /* a limit of base/limits.h was passed; nothing was changed */
    ERR_NOT_FOUND = 4,    /* no such collection, point, file or model */
    ERR_EXISTS = 5,       /* the thing to be created is there already */
    ERR_CONFLICT = 6,     /* another model's database, a mismatch of space or size */
    ERR_CORRUPT = 7,      /* stored bytes fail their checks; nothing was changed */
    ERR_VERSION = 8,      /* a file of a format this build does not know */
    ERR_IO = 9,           /* the operating system refused a read or a write */
    ERR_FULL = 10,        /* no space left on the disk or in the map; rolled back */
    ERR_BUSY = 11,        /* another writer holds the database, or a queue is full */
    ERR_TIMEOUT = 12,     /* a deadline passed; the work may be half done, not lost */
    ERR_CANCELLED = 13,   /* the caller asked to stop; what was committed stays */
    ERR_UNSUPPORTED = 14, /* a valid request for what this build cannot do */
    ERR_MODEL = 15,       /* the model's files are missing, broken or unknown */
    ERR_INTERNAL = 16     /* a bug in this program; please report it */
};

#endif
