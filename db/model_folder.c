/*
 * model_folder.c - see model_folder.h.
 */
#include "db/model_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"

/* ---- Walking ------------------------------------------------------------------ */

struct names {
    char **items; /* [n] */
    size_t n;
};

static void names_release(struct names *names)
{
    for (size_t i = 0; i < names->n; i++) {
        alloc_free(names->items[i]);
    }
    alloc_free(names->items);
}

static enum err names_add(struct names *names, const char *name)
{
    if (names->n % 64 == 0) {
        char **more = alloc_resize(names->items, names->n + 64, sizeof *more);
        if (more == NULL) {
            return ERR_NOMEM;
        }
        names->items = more;
    }
    names->items[names->n] = alloc_dup(name);
    if (names->items[names->n] == NULL) {
        return ERR_NOMEM;
    }
    names->n++;
    return ERR_OK;
}

static enum err names_read(struct names *names, const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return errno == ENOENT || errno == ENOTDIR ? ERR_OK
                                                   : err_errno(errno, "%s", path);
    }
    enum err result = ERR_OK;
    const struct dirent *entry = readdir(folder);
    for (; entry != NULL && result == ERR_OK; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            result = names->n == LIMIT_MODEL_ENTRIES
                         ? err_set(ERR_LIMIT, "%s: more than %d entries", path,
                                   LIMIT_MODEL_ENTRIES)
                         : names_add(names, entry->d_name);
        }
    }
    closedir(folder);
    return result;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum err folder_walk(const char *path, folder_visit *visit, void *arg)
{
    struct names names = {0};
    enum err result = names_read(&names, path);
    if (names.n > 1) {
        qsort(names.items, names.n, sizeof *names.items, compare_names);
    }
    for (size_t i = 0; i < names.n && result == ERR_OK; i++) {
        result = visit(arg, path, names.items[i]);
    }
    names_release(&names);
    return result;
}

/* ---- Size and removal --------------------------------------------------------- */

/* An entry's path in dst[PATH_MAX]; one that is too long is passed over. */
static bool join(char *dst, const char *folder, const char *name)
{
    int n = snprintf(dst, PATH_MAX, "%s/%s", folder, name);
    return n > 0 && n < PATH_MAX;
}

static enum err add_bytes(void *arg, const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    if (!join(path, folder, name) || lstat(path, &st) != 0) {
        return ERR_OK;
    }
    if (S_ISDIR(st.st_mode)) {
        *(uint64_t *)arg += folder_bytes(path);
    } else if (S_ISREG(st.st_mode) || (S_ISLNK(st.st_mode) && stat(path, &st) == 0)) {
        *(uint64_t *)arg += (uint64_t)st.st_size;
    }
    return ERR_OK;
}

uint64_t folder_bytes(const char *path)
{
    uint64_t n = 0;
    return folder_walk(path, add_bytes, &n) == ERR_OK ? n : 0;
}

static enum err remove_entry(void *arg, const char *folder, const char *name)
{
    char path[PATH_MAX];
    (void)arg;
    FAIL_IF(!join(path, folder, name), ERR_LIMIT, "%s: a path too long", folder);
    return folder_remove(path);
}

enum err folder_remove(const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0) {
        return errno == ENOENT ? ERR_OK : err_errno(errno, "%s", path);
    }
    if (S_ISDIR(st.st_mode)) {
        TRY(folder_walk(path, remove_entry, NULL));
    }
    return remove(path) == 0 || errno == ENOENT ? ERR_OK : err_errno(errno, "%s", path);
}

/* ---- One in place of another --------------------------------------------------- */

/* Without an exchange: aside, in, and the old one to where the new one was. */
static enum err exchange_slowly(const char *made, const char *path)
{
    char aside[PATH_MAX];
    int n = snprintf(aside, sizeof aside, "%s.old", made);
    FAIL_IF(n < 0 || n >= PATH_MAX, ERR_LIMIT, "%s: a path too long", made);
    TRY(folder_remove(aside));
    if (rename(path, aside) != 0) {
        return err_errno(errno, "%s", path);
    }
    if (rename(made, path) != 0) {
        int errnum = errno;
        (void)rename(aside, path);
        return err_errno(errnum, "%s", path);
    }
    return rename(aside, made) == 0 ? ERR_OK : err_errno(errno, "%s", made);
}

static enum err place(const char *made, const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0) {
        return rename(made, path) == 0 ? ERR_OK : err_errno(errno, "%s", path);
    }
    if (renameat2(AT_FDCWD, made, AT_FDCWD, path, RENAME_EXCHANGE) == 0) {
        return ERR_OK;
    }
    if (errno == EINVAL || errno == ENOSYS) {
        return exchange_slowly(made, path);
    }
    return err_errno(errno, "%s", path);
}

enum err folder_install(const char *made, const char *path)
{
    char above[PATH_MAX];
    TRY(file_sync_folder(made));
    TRY(place(made, path));
    int n = snprintf(above, sizeof above, "%s/..", path);
    FAIL_IF(n < 0 || n >= PATH_MAX, ERR_LIMIT, "%s: a path too long", path);
    return file_sync_folder(above);
}
