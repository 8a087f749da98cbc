/*
 * hub_repo.c - see hub_repo.h: names, and the list of a repository's files.
 */
#include "db/hub_repo.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/utf8.h"

enum { PART_BYTES_MAX = 96, REVISION_BYTES_MAX = 128 };

/* ---- Names -------------------------------------------------------------------- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_' || c == '.';
}

/* "--" and ".." are in no name of a hub; the one parts names of ours, the other would
 * lead out of folders. */
static bool is_part(const char *text, size_t n)
{
    if (n == 0 || n > PART_BYTES_MAX || text[0] == '.' || text[0] == '-') {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        bool twice = i > 0 && text[i] == text[i - 1] && strchr("-.", text[i]) != NULL;
        if (!is_word(text[i]) || twice) {
            return false;
        }
    }
    return true;
}

enum err hub_name_check(const char *name)
{
    size_t n = strcspn(name, "/");
    FAIL_IF(name[n] == '\0' || !is_part(name, n) ||
                !is_part(name + n + 1, strlen(name + n + 1)),
            ERR_INVALID,
            "'%.200s' is no name of a hub's model: OWNER/NAME is wanted, as in "
            "openai/clip-vit-base-patch32",
            name);
    FAIL_IF(strncmp(name, "default/", 8) == 0, ERR_INVALID,
            "'%.200s': \"default\" is the name of the model in use, no owner's", name);
    return ERR_OK;
}

enum err hub_revision_check(const char *revision)
{
    size_t n = strlen(revision);
    bool good = n > 0 && n <= REVISION_BYTES_MAX && strstr(revision, "..") == NULL &&
                revision[0] != '/' && revision[0] != '-';
    for (size_t i = 0; good && i < n; i++) {
        good = is_word(revision[i]) || revision[i] == '/';
    }
    FAIL_IF(!good, ERR_INVALID, "'%.200s' is no revision: a branch, a tag or a commit",
            revision);
    return ERR_OK;
}

/* Control characters, and those that turn the direction of what is written. */
static bool steers(int32_t c)
{
    return c < ' ' || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static bool is_harmless(const char *text, size_t n)
{
    int32_t c;
    for (size_t step; n > 0; text += step, n -= step) {
        step = utf8_next(text, n, &c);
        if (step == 0 || steers(c) || c == '\\') {
            return false;
        }
    }
    return true;
}

/* No part of a path may be empty or dots, nothing in it may steer a terminal. */
static bool is_path(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > LIMIT_HUB_PATH_BYTES || !is_harmless(name, n)) {
        return false;
    }
    for (const char *part = name;;) {
        size_t length = strcspn(part, "/");
        if (length == 0 || length > LIMIT_NAME_BYTES ||
            (length == 1 && part[0] == '.') ||
            (length == 2 && part[0] == '.' && part[1] == '.')) {
            return false;
        }
        if (part[length] == '\0') {
            return true;
        }
        part += length + 1;
    }
}

static bool is_hex(const char *text, size_t n)
{
    return strlen(text) == n && strspn(text, "0123456789abcdef") == n;
}

/* ---- The list ----------------------------------------------------------------- */

/* A hash into dst where it is there and is one. */
static enum err read_hash(struct json_object *json, const char *key, size_t n,
                          char dst[HUB_SHA_BYTES])
{
    const char *text;
    if (json_get(json, key) == NULL) {
        return ERR_OK;
    }
    TRY(json_get_string(json, key, &text));
    FAIL_IF(!is_hex(text, n), ERR_INVALID, "\"%s\" is no hash", key);
    memcpy(dst, text, n + 1);
    return ERR_OK;
}

static enum err read_file(struct hub_file *file, struct json_object *json)
{
    const char *name;
    size_t size;
    struct json_object *lfs = json_get(json, "lfs");
    TRY(json_get_string(json, "rfilename", &name));
    FAIL_IF(!is_path(name), ERR_INVALID, "a file is called '%.100s'", name);
    file->name = alloc_dup(name);
    if (file->name == NULL) {
        return ERR_NOMEM;
    }
    TRY(json_get_size(lfs != NULL ? lfs : json, "size", &size));
    FAIL_IF(size > LIMIT_MODEL_FILE_BYTES, ERR_INVALID, "'%.100s' is %zu bytes long",
            name, size);
    file->size = size;
    return lfs != NULL ? read_hash(lfs, "sha256", 64, file->sha256)
                       : read_hash(json, "blobId", 40, file->blob);
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct hub_file *)a)->name,
                  ((const struct hub_file *)b)->name);
}

/* By name, so that an index of a million tensors is looked up in no time. */
static enum err sort_files(struct hub_repo *repo)
{
    if (repo->n > 1) {
        qsort(repo->files, repo->n, sizeof *repo->files, compare_files);
    }
    for (size_t i = 1; i < repo->n; i++) {
        FAIL_IF(compare_files(&repo->files[i - 1], &repo->files[i]) == 0, ERR_INVALID,
                "'%.100s' is there twice", repo->files[i].name);
    }
    return ERR_OK;
}

static enum err read_files(struct hub_repo *repo, struct json_object *list)
{
    FAIL_IF(!json_object_is_type(list, json_type_array), ERR_INVALID,
            "there is no list of files");
    size_t n = json_object_array_length(list);
    FAIL_IF(n > LIMIT_HUB_FILES, ERR_INVALID, "there are %zu files; at most %d", n,
            LIMIT_HUB_FILES);
    repo->files = alloc_zero(n, sizeof *repo->files);
    if (repo->files == NULL) {
        return ERR_NOMEM;
    }
    for (; repo->n < n; repo->n++) {
        struct hub_file *file = &repo->files[repo->n];
        enum err result = read_file(file, json_object_array_get_idx(list, repo->n));
        if (result != ERR_OK) {
            repo->n++; /* its name is to be freed */
            return result;
        }
    }
    return sort_files(repo);
}

static enum err read_repo(struct hub_repo *repo, struct json_object *json)
{
    const char *commit, *licence = "";
    TRY(json_get_string(json, "sha", &commit));
    FAIL_IF(!is_hex(commit, 40) && !is_hex(commit, 64), ERR_INVALID,
            "\"sha\" is no commit");
    memcpy(repo->commit, commit, strlen(commit) + 1);
    struct json_object *card = json_get(json, "cardData");
    if (json_object_is_type(json_get(card, "license"), json_type_string)) {
        TRY(json_get_string(card, "license", &licence));
    }
    bool talk = strlen(licence) <= LIMIT_NAME_BYTES;
    repo->licence = alloc_dup(talk ? licence : "");
    if (repo->licence == NULL) {
        return ERR_NOMEM;
    }
    return read_files(repo, json_get(json, "siblings"));
}

enum err hub_repo_parse(struct hub_repo *repo, const char *text, size_t n)
{
    struct json_object *json = NULL;
    *repo = (struct hub_repo){0};
    enum err result = json_parse(&json, text, n);
    if (result == ERR_OK) {
        result = read_repo(repo, json);
    }
    json_object_put(json);
    if (result != ERR_OK) {
        hub_repo_release(repo);
        return err_prefix(result == ERR_NOMEM ? ERR_NOMEM : ERR_CORRUPT,
                          "the hub's list of files");
    }
    return ERR_OK;
}

void hub_repo_release(struct hub_repo *repo)
{
    for (size_t i = 0; i < repo->n; i++) {
        alloc_free(repo->files[i].name);
    }
    alloc_free(repo->files);
    alloc_free(repo->licence);
    *repo = (struct hub_repo){0};
}

const struct hub_file *hub_repo_find(const struct hub_repo *repo, const char *name)
{
    struct hub_file key = {.name = (char *)(size_t)name};
    return repo->n == 0
               ? NULL
               : bsearch(&key, repo->files, repo->n, sizeof key, compare_files);
}
