/*
 * model_manifest.h - duet.json, which a pulled model's folder holds: where it is from,
 * and what each file must be. And the hashes that files are checked by.
 *
 *     {"format": 1, "repository": "owner/name", "revision": "…", "licence": "mit",
 *      "pulled": "2026-01-31T12:00:00Z",
 *      "files": [{"name": "config.json", "size": 4186, "sha256": "…"}, …]}
 *
 * No state; any thread.
 */
#ifndef DB_MODEL_MANIFEST_H
#define DB_MODEL_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define MANIFEST_NAME "duet.json"

enum { HASH_HEX_BYTES = 65 }; /* of SHA-256, with the NUL; SHA-1 has 41 */

enum hash_kind {
    HASH_SHA256,
    HASH_GIT_BLOB /* SHA-1 of "blob SIZE\0" and the bytes */
};

/* Called now and then with the bytes hashed so far; false stops it. */
typedef bool hash_go_on(void *arg, uint64_t n_done);

/* The hash of a file's bytes, in hex. `go_on` may be NULL. ERR_CANCELLED, ERR_IO,
 * ERR_NOT_FOUND. */
enum err hash_file_hex(const char *path, enum hash_kind kind, hash_go_on *go_on,
                       void *arg, char hex[HASH_HEX_BYTES]) ERR_CHECK;

struct manifest_file {
    char *name; /* plain: in the same folder */
    uint64_t size;
    char sha256[HASH_HEX_BYTES];
};

struct manifest {
    char *repository, *revision, *licence, *pulled;
    struct manifest_file *files; /* [n] */
    size_t n;
};

/* Reads FOLDER/duet.json. ERR_NOT_FOUND: there is none; ERR_CORRUPT. The manifest is
 * empty then, and its strings are NULL. */
enum err manifest_read(struct manifest *manifest, const char *folder) ERR_CHECK;

/* Writes it, durably. */
enum err manifest_write(const struct manifest *manifest, const char *folder) ERR_CHECK;

/* Accepts an empty one. */
void manifest_release(struct manifest *manifest);

/* NULL where there is none. */
const struct manifest_file *manifest_find(const struct manifest *manifest,
                                          const char *name);

#endif
