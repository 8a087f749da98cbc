/*
 * media_walk.c - see media_walk.h.
 */
#include "db/media_walk.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "db/encode.h"

/* Two lower-case hex digits, or -1. */
static int byte_at(const char *text)
{
    static const char digits[] = "0123456789abcdef";
    const char *high = text[0] == '\0' ? NULL : strchr(digits, text[0]);
    const char *low = high == NULL || text[1] == '\0' ? NULL : strchr(digits, text[1]);
    return low == NULL ? -1 : (int)((high - digits) * 16 + (low - digits));
}

void media_file_parse(struct media_file *file, const char *name)
{
    const char *at = name;
    *file = (struct media_file){.kind = MEDIA_OTHER, .name = name};
    for (size_t i = 0; i < DB_HASH_BYTES; i++) {
        int byte = byte_at(at);
        if (byte < 0) {
            return;
        }
        file->hash[i] = (uint8_t)byte;
        at += 2;
        if (i == 0 && *at++ != '/') {
            return;
        }
    }
    if (strcmp(at, ".jpg") == 0) {
        file->kind = MEDIA_THUMBNAIL;
    } else if (strcmp(at, ".orig") == 0) {
        file->kind = MEDIA_ORIGINAL;
    }
}

static enum err visit_name(const struct duet *db, const char *name, media_visit *visit,
                           void *arg)
{
    char path[PATH_MAX];
    struct media_file file;
    int n = snprintf(path, sizeof path, "%s/media/%s", db->folder, name);
    FAIL_IF(n < 0 || (size_t)n >= sizeof path, ERR_LIMIT, "the path is too long");
    media_file_parse(&file, name);
    if (file.kind == MEDIA_OTHER) {
        memset(file.hash, 0, sizeof file.hash);
    }
    file.path = path;
    return visit(arg, &file);
}

static enum err walk_folder(const struct duet *db, unsigned i, media_visit *visit,
                            void *arg)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/media/%02x", db->folder, i);
    FAIL_IF(n < 0 || (size_t)n >= sizeof path, ERR_LIMIT, "the path is too long");
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return errno == ENOENT ? ERR_OK : err_errno(errno, "%s", path);
    }
    enum err result = ERR_OK;
    const struct dirent *e = readdir(folder);
    for (; e != NULL && result == ERR_OK; e = readdir(folder)) {
        char name[300];
        if (e->d_type == DT_DIR || e->d_name[0] == '.') {
            continue;
        }
        snprintf(name, sizeof name, "%02x/%s", i, e->d_name);
        result = visit_name(db, name, visit, arg);
    }
    closedir(folder);
    return result;
}

enum err media_walk(const struct duet *db, media_visit *visit, void *arg)
{
    for (unsigned i = 0; i < 256; i++) {
        TRY(walk_folder(db, i, visit, arg));
    }
    return ERR_OK;
}

static bool begins_and_ends_as_jpeg(const uint8_t *bytes, size_t n)
{
    return n >= 4 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[n - 2] == 0xff &&
           bytes[n - 1] == 0xd9;
}

bool media_is_sound(const struct media_file *file, const void *bytes, size_t n)
{
    if (file->kind == MEDIA_THUMBNAIL) {
        return begins_and_ends_as_jpeg(bytes, n);
    }
    uint8_t hash[DB_HASH_BYTES];
    encode_hash(bytes, n, hash);
    return file->kind == MEDIA_ORIGINAL && memcmp(hash, file->hash, DB_HASH_BYTES) == 0;
}
