/*
 * backup_bytes.h - makes the checksums of a backup right, which a fuzzer would never
 * guess; what is behind them is then as wrong as it likes.
 */
#ifndef TESTS_FUZZ_BACKUP_BYTES_H
#define TESTS_FUZZ_BACKUP_BYTES_H

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static inline uint64_t fix_head(uint8_t *bytes, size_t size)
{
    uint64_t hash = size < 64 ? 0 : XXH3_64bits(bytes, 56);
    if (size >= 64) {
        memcpy(bytes + 56, &hash, 8);
    }
    return hash;
}

static inline void fix_checksums(uint8_t *bytes, size_t size)
{
    uint64_t hash = fix_head(bytes, size);
    for (size_t at = 64; at + 16 <= size;) {
        uint32_t n;
        memcpy(&n, bytes + at + 4, 4);
        if (n > size - at - 16) {
            return;
        }
        uint64_t seed = XXH3_64bits_withSeed(bytes + at, 8, hash);
        hash = XXH3_64bits_withSeed(bytes + at + 16, n, seed);
        memcpy(bytes + at + 8, &hash, 8);
        at += 16 + n;
    }
}

/* A file in memory that holds `data` with right checksums, from its beginning. */
static inline int backup_file(const uint8_t *data, size_t size)
{
    uint8_t *bytes = malloc(size + 1);
    int fd = memfd_create("backup", 0);
    if (bytes == NULL || fd < 0) {
        abort();
    }
    memcpy(bytes, data, size);
    fix_checksums(bytes, size);
    if (write(fd, bytes, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0) {
        abort();
    }
    free(bytes);
    return fd;
}

#endif
