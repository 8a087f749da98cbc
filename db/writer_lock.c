/*
 * writer_lock.c - see writer_lock.h.
 */
#include "db/writer_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 512 };

static enum err busy(int fd, const char *folder)
{
    char line[LINE_MAX_BYTES];
    ssize_t n = pread(fd, line, sizeof line - 1, 0);
    line[n > 0 ? n : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    char *url;
    long pid = strtol(line, &url, 10);
    url += strspn(url, " ");
    if (pid == 0) {
        return err_set(ERR_BUSY, "%s: another process is writing to it", folder);
    }
    return err_set(ERR_BUSY, "%s: process %ld is writing to it%s%s", folder, pid,
                   url[0] == '\0' ? "" : " and serves ", url);
}

enum err writer_lock_take(struct writer_lock *lock, const char *folder)
{
    char path[PATH_MAX];
    lock->fd = -1;
    int n = snprintf(path, sizeof path, "%s/writer.lock", folder);
    FAIL_IF(n < 0 || (size_t)n >= sizeof path, ERR_LIMIT, "the path is too long");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        return err_errno(errno, "%s", path);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum err result =
            errno == EWOULDBLOCK ? busy(fd, folder) : err_errno(errno, "%s", path);
        close(fd);
        return result;
    }
    lock->fd = fd;
    enum err result = writer_lock_announce(lock, NULL);
    if (result != ERR_OK) {
        writer_lock_release(lock);
    }
    return result;
}

enum err writer_lock_announce(struct writer_lock *lock, const char *url)
{
    char line[LINE_MAX_BYTES];
    int n =
        snprintf(line, sizeof line, "%ld %s\n", (long)getpid(), url == NULL ? "" : url);
    FAIL_IF(n < 0 || (size_t)n >= sizeof line, ERR_LIMIT, "the URL is too long");
    if (ftruncate(lock->fd, 0) != 0 || pwrite(lock->fd, line, (size_t)n, 0) != n) {
        return err_errno(errno, "writer.lock");
    }
    return ERR_OK;
}

void writer_lock_release(struct writer_lock *lock)
{
    if (lock->fd >= 0) {
        close(lock->fd);
        lock->fd = -1;
    }
}
