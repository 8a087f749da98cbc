/*
 * metadata.h - a collection's metadata: a JSON object of the user's.
 * Threads: as the transaction's.
 */
#ifndef DB_METADATA_H
#define DB_METADATA_H

#include "base/error.h"

/* Whether text[n] may be metadata; NULL is none. ERR_INVALID, ERR_LIMIT. */
enum err metadata_check(const char *text, size_t n) ERR_CHECK;

#endif
