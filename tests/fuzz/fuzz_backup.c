/*
 * fuzz_backup.c - any bytes as a backup (db/restore.c): refused, or a database that
 * opens. Blocks have checksums that a fuzzer would never guess, so those of the input
 * are made right first; what is behind them is then as wrong as it likes.
 */
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "db/duet_keep.h"
#include "tests/fuzz/backup_bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int remove_entry(const char *path, const struct stat *st, int flag,
                        struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
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
    int fd = backup_file(data, size);
    snprintf(folder, sizeof folder, "/dev/shm/duet-fuzz-%ld", (long)getpid());
    log_set_level(LOG_ERROR);
    if (duet_restore_fd(fd, folder, &r) == ERR_OK) {
        use(folder);
        nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
    close(fd);
    return 0;
}
