/*
 * model_fetch.c - see model_pull.h: one file of a pull.
 *
 * NAME.part grows, with NAME.part.etag beside it; when its hash is right it becomes
 * NAME. So what is called NAME is whole, and is still hashed again by a later run:
 * reading it costs little against fetching it, and disks lie.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/model_pull.h"

enum { TELL_MS = 100 };

/* ---- Telling how far it is ------------------------------------------------------ */

bool pull_watch(struct pull *pull, uint64_t n_have, bool checking)
{
    uint64_t now = clock_monotonic_ns();
    const struct duet_pull_options *o = pull->options;
    if (o->progress == NULL || now - pull->told_ns < (uint64_t)TELL_MS * 1000000) {
        return true;
    }
    pull->told_ns = now;
    struct duet_pull_progress progress = {
        .file = pull->file,
        .checking = checking,
        .n_done = pull->n_before + n_have,
        .n_total = pull->n_total,
        .seconds = (double)(now - pull->start_ns) / 1e9,
    };
    return o->progress(o->arg, &progress);
}

struct watched {
    struct pull *pull;
    uint64_t size;
};

static bool watch_hash(void *arg, uint64_t n_done)
{
    (void)n_done;
    struct watched *watched = arg;
    return pull_watch(watched->pull, watched->size, true);
}

/* ---- What is here --------------------------------------------------------------- */

/* FOLDER/NAME and an end in dst[PATH_MAX]. */
static enum err join(char *dst, const char *folder, const char *name, const char *end)
{
    int n = snprintf(dst, PATH_MAX, "%s/%s%s", folder, name, end);
    FAIL_IF(n < 0 || n >= PATH_MAX, ERR_LIMIT, "%s/%s: a path too long", folder, name);
    return ERR_OK;
}

/* The size of FOLDER/NAME; 0 where it is not there. */
static uint64_t size_of(const char *folder, const char *name, const char *end)
{
    char path[PATH_MAX];
    struct stat st;
    if (join(path, folder, name, end) != ERR_OK || stat(path, &st) != 0) {
        return 0;
    }
    return (uint64_t)st.st_size;
}

/* Whether the installed model has this very file. */
static bool is_installed(const struct pull *pull, const struct hub_file *file)
{
    const struct manifest_file *old = manifest_find(&pull->installed, file->name);
    return old != NULL && file->sha256[0] != '\0' &&
           strcmp(old->sha256, file->sha256) == 0;
}

uint64_t pull_n_here(const struct pull *pull, const struct hub_file *file)
{
    if (size_of(pull->partial.data, file->name, "") == file->size ||
        is_installed(pull, file)) {
        return file->size;
    }
    uint64_t n = size_of(pull->partial.data, file->name, ".part");
    return n <= file->size ? n : 0;
}

/* Size and hash of the file at `path`. */
static enum err check_file(struct pull *pull, const struct hub_file *file,
                           const char *path)
{
    char hex[HASH_HEX_BYTES];
    struct stat st;
    struct watched watched = {pull, file->size};
    bool large = file->sha256[0] != '\0';
    const char *expected = large ? file->sha256 : file->blob;
    if (stat(path, &st) != 0) {
        return err_errno(errno, "%s", path);
    }
    FAIL_IF((uint64_t)st.st_size != file->size, ERR_CORRUPT,
            "%s: %lld bytes, not the %llu that the hub listed", file->name,
            (long long)st.st_size, (unsigned long long)file->size);
    TRY(hash_file_hex(path, large ? HASH_SHA256 : HASH_GIT_BLOB, watch_hash, &watched,
                      hex));
    FAIL_IF(
        strcmp(hex, expected) != 0, ERR_CORRUPT,
        "%s: what came is not what the hub listed (its hash is %.16s…, not %.16s…); "
        "it was removed",
        file->name, hex, expected);
    return ERR_OK;
}

/* ---- Bringing it ---------------------------------------------------------------- */

/* Escapes what a URL's path may not hold; '/' stays. */
static enum err append_escaped(struct buf *url, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || strchr("-._~/", *c) != NULL;
        TRY(plain ? buf_append(url, c, 1) : buf_printf(url, "%%%02X", *c));
    }
    return ERR_OK;
}

static enum err download(struct pull *pull, const struct hub_file *file,
                         const char *part)
{
    struct buf url;
    buf_init(&url, 8192);
    enum err result =
        buf_printf(&url, "/%s/resolve/%s/", pull->options->name, pull->repo.commit);
    if (result == ERR_OK) {
        result = append_escaped(&url, file->name);
    }
    if (result == ERR_OK) {
        struct hub_download d = {.path = url.data,
                                 .name = file->name,
                                 .file = part,
                                 .size = file->size,
                                 .commit = pull->repo.commit,
                                 .sha256 = file->sha256};
        result = hub_download(pull->hub, &d, &pull->done.n_fetched);
    }
    buf_release(&url);
    return result;
}

/* The same bytes under a second name, where the file system can; weights are never
 * changed in place. */
static bool link_installed(const struct pull *pull, const struct hub_file *file,
                           const char *path)
{
    char old[PATH_MAX];
    return is_installed(pull, file) &&
           join(old, pull->target.data, file->name, "") == ERR_OK &&
           link(old, path) == 0;
}

/* Whether `path` is there and right. A wrong one is removed; only a stop is told. */
static enum err is_right(struct pull *pull, const struct hub_file *file,
                         const char *path, bool *yes)
{
    *yes = false;
    if (access(path, F_OK) != 0) {
        return ERR_OK;
    }
    enum err result = check_file(pull, file, path);
    if (result == ERR_CANCELLED) {
        return result;
    }
    *yes = result == ERR_OK;
    if (!*yes) {
        unlink(path);
    }
    return ERR_OK;
}

/* Downloads and checks; what is wrong is removed. */
static enum err bring_part(struct pull *pull, const struct hub_file *file,
                           const char *part, const char *etag)
{
    TRY(download(pull, file, part));
    enum err result = check_file(pull, file, part);
    if (result == ERR_CORRUPT) {
        unlink(part);
        unlink(etag);
    }
    return result;
}

/* A file that was gone on with may be wrong by its beginning alone, which is no fault
 * of the hub's: then it is fetched once more, whole. */
static enum err bring(struct pull *pull, const struct hub_file *file, const char *path)
{
    char part[PATH_MAX], etag[PATH_MAX];
    TRY(join(part, pull->partial.data, file->name, ".part"));
    TRY(join(etag, pull->partial.data, file->name, ".part.etag"));
    bool begun = size_of(pull->partial.data, file->name, ".part") > 0;
    enum err result = bring_part(pull, file, part, etag);
    if (result == ERR_CORRUPT && begun) {
        unlink(part);
        unlink(etag);
        result = bring_part(pull, file, part, etag);
    }
    TRY(result);
    if (rename(part, path) != 0) {
        return err_errno(errno, "%s", path);
    }
    unlink(etag);
    return ERR_OK;
}

enum err pull_fetch(struct pull *pull, const struct hub_file *file)
{
    char path[PATH_MAX];
    bool right;
    pull->file = file->name;
    TRY(join(path, pull->partial.data, file->name, ""));
    TRY(is_right(pull, file, path, &right));
    if (!right && link_installed(pull, file, path)) {
        TRY(is_right(pull, file, path, &right));
    }
    if (!right) {
        TRY(bring(pull, file, path));
    }
    pull->n_before += file->size;
    pull->file = NULL;
    return ERR_OK;
}
