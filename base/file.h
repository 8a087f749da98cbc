/*
 * file.h - whole files: read, map, write so that a reader sees the old or the new one.
 * Any thread; a `struct file_map` belongs to whoever opened it.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>

#include "base/buffer.h"

/* A read-only mapping of a file. `data` is NULL where the file is empty. */
struct file_map {
    const unsigned char *data; /* [size] */
    size_t size;
};

/* Maps `path`. Errors leave an empty map: ERR_NOT_FOUND, ERR_IO, and ERR_LIMIT where
 * the file is larger than `max_size`. Not a regular file: ERR_INVALID. */
enum err file_map_open(struct file_map *map, const char *path, size_t max_size)
    ERR_CHECK;
void file_map_close(struct file_map *map);

/* Appends the whole of `path` to `out`, whose maximum is the limit. */
enum err file_read(const char *path, struct buf *out) ERR_CHECK;

/* Writes `n` bytes to `path` durably and at once: a temporary file beside it, fsync,
 * rename, fsync of the folder. On failure the old file, if any, is as it was. */
enum err file_write(const char *path, const void *bytes, size_t n) ERR_CHECK;

/* The same without the syncs, for what can be made again: a reader sees the old or the
 * new file, and after a power cut perhaps an empty one. */
enum err file_write_unsynced(const char *path, const void *bytes, size_t n) ERR_CHECK;

/* Renames a file or folder to a name that is not there yet, durably. ERR_EXISTS. On
 * failure it has its old name. */
enum err file_rename_new(const char *from, const char *to) ERR_CHECK;

/* Makes the folder `path` and those above it; one that is there already is fine. */
enum err file_make_folders(const char *path) ERR_CHECK;

/* Makes the folder's entries (new, renamed and removed names) durable. */
enum err file_sync_folder(const char *path) ERR_CHECK;

#endif
