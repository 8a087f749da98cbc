/*
 * fuzz_backup.c - any bytes as a backup (db/restore.c): refused, or a database that
 * opens. Blocks have checksums that a fuzzer would never guess, so those of the input
 * are made right first; what is behind them is then as wrong as it likes.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "db/duet_keep.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int remove_entry(const char *path, const struct stat *st, int flag,
                        struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static uint64_t fix_head(uint8_t *bytes, size_t size)
{
    uint64_t hash = size < 64 ? 0 : XXH3_64bits(bytes, 56);
    if (size >= 64) {
        memcpy(bytes + 56, &hash, 8);
    }
    return hash;
}

static void fix_checksums(uint8_t *bytes, size_t size)
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

/* A backup may hold any rows: they are read as a damaged database's are. */
static void use(const char *folder)
{
    struct duet *db;
    struct duet_check_result r;
    struct duet_check_options o = {.found = NULL};
    if (duet_open(&db, &(struct duet_options){.path = folder}) == ERR_OK) {
        enum err result = duet_verify(db, &o, &r);
        (void)result;
        duet_close(db);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char folder[64];
    struct duet_backup_result r;
    uint8_t *bytes = malloc(size + 1);
    int fd = memfd_create("backup", 0);
    snprintf(folder, sizeof folder, "/dev/shm/duet-fuzz-%ld", (long)getpid());
    log_set_level(LOG_ERROR);
    if (bytes == NULL || fd < 0) {
        abort();
    }
    memcpy(bytes, data, size);
    fix_checksums(bytes, size);
    if (write(fd, bytes, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0) {
        abort();
    }
    if (duet_restore_fd(fd, folder, &r) == ERR_OK) {
        use(folder);
        nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
    close(fd);
    free(bytes);
    return 0;
}
