/*
 * faults.h - a disk that fails, dies or forgets: the calls by which this program and
 * the LMDB library change files go through here first.
 *
 *     faults_watch(folder);            // only files below it count
 *     faults_fail_at(7, ENOSPC);       // the 7th change from now on fails, once
 *     faults_kill_at(7, true);         // the process dies right after, or before, it
 *     faults_record(fd);               // every change is written down (power_test.c)
 *
 * No LD_PRELOAD is needed: a function that the test program itself defines stands before
 * that of the C library also for the shared libraries. Include it in one file of a
 * program only. Points are writes, syncs, renames, removals, cuts and the making of
 * files; those of the table of readers (data.mdb-lock, not durable by design) and of
 * writer.lock are let through.
 */
#ifndef TESTS_DB_FAULTS_H
#define TESTS_DB_FAULTS_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault_kind {
    FAULT_WRITE, /* offset, n, bytes; `synced` where the file was opened so */
    FAULT_CUT,   /* offset: the new size */
    FAULT_SYNC,  /* of a file, or of a folder: by its path */
    FAULT_CREATE,
    FAULT_RENAME, /* path, other */
    FAULT_UNLINK,
    FAULT_MKDIR,
    FAULT_TOLD /* the test's own: a step was acknowledged */
};

/* One record of a log; behind it `n_path`, `n_other` and `n` bytes. */
struct fault_record {
    uint32_t kind;
    uint32_t synced;
    uint64_t inode;
    uint64_t offset;
    uint32_t n_path, n_other, n;
    uint32_t unused;
};

static struct {
    char folder[PATH_MAX]; /* "": nothing is watched */
    long n_points;         /* seen since the last order */
    long fail_at;          /* -1: none */
    int fail_errno;
    long kill_at;
    bool kill_after;
    int log; /* -1: none */
    pthread_mutex_t mutex;
} faults = {
    .fail_at = -1, .kill_at = -1, .log = -1, .mutex = PTHREAD_MUTEX_INITIALIZER};

/* ---- Orders ---- */

static inline void faults_watch(const char *folder)
{
    snprintf(faults.folder, sizeof faults.folder, "%s", folder);
}

static inline void faults_reset(void)
{
    pthread_mutex_lock(&faults.mutex);
    faults.fail_at = faults.kill_at = -1;
    faults.n_points = 0;
    pthread_mutex_unlock(&faults.mutex);
}

static inline void faults_fail_at(long n, int errnum)
{
    faults_reset();
    faults.fail_at = n;
    faults.fail_errno = errnum;
}

static inline void faults_kill_at(long n, bool after)
{
    faults_reset();
    faults.kill_at = n;
    faults.kill_after = after;
}

static inline void faults_record(int fd)
{
    faults.log = fd;
}

/* Whether an order to fail has been carried out. */
static inline bool faults_struck(void)
{
    return faults.fail_at >= 0 && faults.n_points > faults.fail_at;
}

/* ---- The log ---- */

static inline void fault_log_bytes(const void *bytes, size_t n)
{
    if (syscall(SYS_write, faults.log, bytes, n) != (long)n) {
        _exit(97);
    }
}

static inline void fault_log(struct fault_record r, const char *path, const char *other,
                             const void *bytes)
{
    r.n_path = (uint32_t)strlen(path);
    r.n_other = (uint32_t)strlen(other);
    fault_log_bytes(&r, sizeof r);
    fault_log_bytes(path, r.n_path);
    fault_log_bytes(other, r.n_other);
    if (r.n > 0) {
        fault_log_bytes(bytes, r.n);
    }
}

/* Writes down that step `n` was acknowledged. */
static inline void faults_tell(uint64_t n)
{
    pthread_mutex_lock(&faults.mutex);
    fault_log((struct fault_record){.kind = FAULT_TOLD, .offset = n}, "", "", NULL);
    pthread_mutex_unlock(&faults.mutex);
}

/* ---- Points ---- */

static inline bool fault_path_counts(const char *path)
{
    size_t n = strlen(faults.folder);
    size_t n_path = strlen(path);
    return n > 0 && strncmp(path, faults.folder, n) == 0 &&
           (n_path < 5 || strcmp(path + n_path - 5, "-lock") != 0) &&
           strstr(path, "writer.lock") == NULL;
}

/* The path of an open file, "" where it does not count. */
static inline void fault_path_of(int fd, char path[PATH_MAX])
{
    char link[64];
    path[0] = '\0';
    if (faults.folder[0] == '\0') {
        return;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    path[n > 0 ? n : 0] = '\0';
    if (!fault_path_counts(path)) {
        path[0] = '\0';
    }
}

/* With the mutex held, before a change: whether it is to fail. May not return. */
static inline bool fault_strikes(void)
{
    long point = faults.n_points++;
    if (point == faults.kill_at && !faults.kill_after) {
        kill(getpid(), SIGKILL);
    }
    if (point == faults.fail_at) {
        errno = faults.fail_errno;
        return true;
    }
    return false;
}

/* After a change that was made, or tried in vain: that is not written down. */
static inline void fault_done(bool made, struct fault_record r, const char *path,
                              const char *other, const void *bytes)
{
    int errnum = errno;
    if (made && faults.log >= 0) {
        fault_log(r, path, other, bytes);
    }
    if (faults.n_points - 1 == faults.kill_at && faults.kill_after) {
        kill(getpid(), SIGKILL);
    }
    errno = errnum;
}

static inline uint64_t fault_inode(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* One write at `offset`, of which a whole number of bytes is done. */
static inline ssize_t fault_write(int fd, const char *path, const void *bytes, size_t n,
                                  off_t offset)
{
    pthread_mutex_lock(&faults.mutex);
    ssize_t done = -1;
    if (!fault_strikes()) {
        done = syscall(SYS_pwrite64, fd, bytes, n, offset);
        struct fault_record r = {.kind = FAULT_WRITE,
                                 .synced = (fcntl(fd, F_GETFL) & O_DSYNC) != 0,
                                 .inode = fault_inode(fd),
                                 .offset = (uint64_t)offset,
                                 .n = done > 0 ? (uint32_t)done : 0};
        fault_done(done > 0, r, path, "", bytes);
    }
    pthread_mutex_unlock(&faults.mutex);
    return done;
}

/* A sync by the system call `number`, of a file, a folder or all there is. */
static inline int fault_sync(int fd, long number)
{
    char path[PATH_MAX];
    fault_path_of(fd, path);
    if (path[0] == '\0') {
        return (int)syscall(number, fd);
    }
    pthread_mutex_lock(&faults.mutex);
    int rc = -1;
    if (!fault_strikes()) {
        rc = (int)syscall(number, fd);
        struct fault_record r = {.kind = FAULT_SYNC, .inode = fault_inode(fd)};
        fault_done(rc == 0, r, path, "", NULL);
    }
    pthread_mutex_unlock(&faults.mutex);
    return rc;
}

/* ---- What stands before the C library ---- */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#define FAULT_API __attribute__((visibility("default")))

FAULT_API ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
    char path[PATH_MAX];
    fault_path_of(fd, path);
    return path[0] == '\0' ? syscall(SYS_pwrite64, fd, bytes, n, offset)
                           : fault_write(fd, path, bytes, n, offset);
}

FAULT_API ssize_t write(int fd, const void *bytes, size_t n)
{
    char path[PATH_MAX];
    fault_path_of(fd, path);
    if (path[0] == '\0') {
        return syscall(SYS_write, fd, bytes, n);
    }
    off_t at = lseek(fd, 0, SEEK_CUR);
    ssize_t done = fault_write(fd, path, bytes, n, at);
    if (done > 0) {
        lseek(fd, at + done, SEEK_SET);
    }
    return done;
}

FAULT_API ssize_t writev(int fd, const struct iovec *parts, int n_parts)
{
    char path[PATH_MAX];
    fault_path_of(fd, path);
    if (path[0] == '\0') {
        return syscall(SYS_writev, fd, parts, n_parts);
    }
    size_t n = 0;
    for (int i = 0; i < n_parts; i++) {
        n += parts[i].iov_len;
    }
    char *bytes = malloc(n);
    size_t at = 0;
    for (int i = 0; bytes != NULL && i < n_parts; i++) {
        memcpy(bytes + at, parts[i].iov_base, parts[i].iov_len);
        at += parts[i].iov_len;
    }
    ssize_t done = bytes == NULL ? -1 : write(fd, bytes, n);
    free(bytes);
    return done;
}

FAULT_API int fsync(int fd)
{
    return fault_sync(fd, SYS_fsync);
}

FAULT_API int fdatasync(int fd)
{
    return fault_sync(fd, SYS_fdatasync);
}

FAULT_API int syncfs(int fd)
{
    return fault_sync(fd, SYS_syncfs);
}

FAULT_API int ftruncate(int fd, off_t size)
{
    char path[PATH_MAX];
    fault_path_of(fd, path);
    if (path[0] == '\0') {
        return (int)syscall(SYS_ftruncate, fd, size);
    }
    pthread_mutex_lock(&faults.mutex);
    int rc = -1;
    if (!fault_strikes()) {
        rc = (int)syscall(SYS_ftruncate, fd, size);
        struct fault_record r = {
            .kind = FAULT_CUT, .inode = fault_inode(fd), .offset = (uint64_t)size};
        fault_done(rc == 0, r, path, "", NULL);
    }
    pthread_mutex_unlock(&faults.mutex);
    return rc;
}

/* A change of names, by a system call of up to four arguments. */
static inline int fault_names(struct fault_record r, const char *path,
                              const char *other, long number, long flags)
{
    bool counts = fault_path_counts(path);
    pthread_mutex_lock(&faults.mutex);
    int rc = -1;
    if (!counts || !fault_strikes()) {
        rc = (int)(number == SYS_renameat2
                       ? syscall(number, AT_FDCWD, path, AT_FDCWD, other, flags)
                       : syscall(number, path, flags));
        if (counts) {
            fault_done(rc == 0, r, path, other, NULL);
        }
    }
    pthread_mutex_unlock(&faults.mutex);
    return rc;
}

FAULT_API int rename(const char *from, const char *to)
{
    return fault_names((struct fault_record){.kind = FAULT_RENAME}, from, to,
                       SYS_renameat2, 0);
}

FAULT_API int renameat2(int from_fd, const char *from, int to_fd, const char *to,
                        unsigned flags)
{
    (void)from_fd;
    (void)to_fd;
    return fault_names((struct fault_record){.kind = FAULT_RENAME}, from, to,
                       SYS_renameat2, flags);
}

FAULT_API int unlink(const char *path)
{
    return fault_names((struct fault_record){.kind = FAULT_UNLINK}, path, "",
                       SYS_unlink, 0);
}

FAULT_API int mkdir(const char *path, mode_t mode)
{
    return fault_names((struct fault_record){.kind = FAULT_MKDIR}, path, "", SYS_mkdir,
                       mode);
}

/* Makes or opens; a file that is new is a point. */
static inline int fault_open(const char *path, int flags, mode_t mode)
{
    bool counts =
        (flags & O_CREAT) != 0 && fault_path_counts(path) && access(path, F_OK) != 0;
    if (!counts) {
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    }
    pthread_mutex_lock(&faults.mutex);
    int fd = -1;
    if (!fault_strikes()) {
        fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
        struct fault_record r = {.kind = FAULT_CREATE,
                                 .inode = fd >= 0 ? fault_inode(fd) : 0};
        fault_done(fd >= 0, r, path, "", NULL);
    }
    pthread_mutex_unlock(&faults.mutex);
    return fd;
}

FAULT_API int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    return fault_open(path, flags, mode);
}

/* Names that are tried in order: a test is the same each time. */
FAULT_API int mkostemp(char *pattern, int flags)
{
    static unsigned number;
    size_t n = strlen(pattern);
    for (;;) {
        char digits[8];
        snprintf(digits, sizeof digits, "%06u",
                 __atomic_fetch_add(&number, 1, __ATOMIC_RELAXED) % 1000000);
        memcpy(pattern + n - 6, digits, 6);
        int fd = fault_open(pattern, flags | O_RDWR | O_CREAT | O_EXCL, 0600);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
    }
}

#pragma GCC diagnostic pop

#endif
