/*
 * model_manifest.c - see model_manifest.h.
 */
#include "db/model_manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"

enum { FORMAT = 1, PIECE_BYTES = 1 << 20, MANIFEST_BYTES_MAX = 1 << 20 };

/* ---- Hashes ------------------------------------------------------------------- */

static enum err hash_rest(int fd, const char *path, EVP_MD_CTX *context,
                          hash_go_on *go_on, void *arg)
{
    uint64_t n_done = 0;
    char *piece = alloc_array(PIECE_BYTES, 1);
    if (piece == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ERR_OK;
    for (;;) {
        ssize_t n = read(fd, piece, PIECE_BYTES);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            result = err_errno(errno, "%s", path);
        }
        if (n <= 0) {
            break;
        }
        n_done += (uint64_t)n;
        if (EVP_DigestUpdate(context, piece, (size_t)n) != 1) {
            result = err_set(ERR_INTERNAL, "libcrypto does not hash");
            break;
        }
        if (go_on != NULL && !go_on(arg, n_done)) {
            result = err_set(ERR_CANCELLED, "stopped");
            break;
        }
    }
    alloc_free(piece);
    return result;
}

static enum err hash_open_file(int fd, const char *path, enum hash_kind kind,
                               EVP_MD_CTX *context)
{
    char head[32];
    struct stat st;
    const EVP_MD *type = kind == HASH_SHA256 ? EVP_sha256() : EVP_sha1();
    FAIL_IF(EVP_DigestInit_ex(context, type, NULL) != 1, ERR_INTERNAL,
            "libcrypto does not hash");
    if (kind == HASH_SHA256) {
        return ERR_OK;
    }
    if (fstat(fd, &st) != 0) {
        return err_errno(errno, "%s", path);
    }
    int n = snprintf(head, sizeof head, "blob %lld", (long long)st.st_size);
    FAIL_IF(EVP_DigestUpdate(context, head, (size_t)n + 1) != 1, ERR_INTERNAL,
            "libcrypto does not hash");
    return ERR_OK;
}

enum err hash_file_hex(const char *path, enum hash_kind kind, hash_go_on *go_on,
                       void *arg, char hex[HASH_HEX_BYTES])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_errno(errno, "%s", path);
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    enum err result = context == NULL ? err_set(ERR_NOMEM, "out of memory")
                                      : hash_open_file(fd, path, kind, context);
    if (result == ERR_OK) {
        result = hash_rest(fd, path, context, go_on, arg);
    }
    if (result == ERR_OK && EVP_DigestFinal_ex(context, digest, &n) != 1) {
        result = err_set(ERR_INTERNAL, "libcrypto does not hash");
    }
    for (unsigned i = 0; i < n && 2 * i + 2 < HASH_HEX_BYTES; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
    EVP_MD_CTX_free(context);
    close(fd);
    return result;
}

/* ---- Reading ------------------------------------------------------------------ */

static enum err read_string(struct json_object *json, const char *key, char **out)
{
    const char *text;
    TRY(json_get_string(json, key, &text));
    *out = alloc_dup(text);
    return *out == NULL ? ERR_NOMEM : ERR_OK;
}

static enum err read_file(struct manifest_file *file, struct json_object *json)
{
    const char *sha256;
    size_t size;
    TRY(read_string(json, "name", &file->name));
    FAIL_IF(file->name[0] == '\0' || file->name[0] == '.' ||
                strchr(file->name, '/') != NULL ||
                strlen(file->name) > LIMIT_NAME_BYTES,
            ERR_INVALID, "a file is called '%.100s'", file->name);
    TRY(json_get_size(json, "size", &size));
    file->size = size;
    TRY(json_get_string(json, "sha256", &sha256));
    FAIL_IF(strlen(sha256) != HASH_HEX_BYTES - 1, ERR_INVALID, "no hash of '%.100s'",
            file->name);
    memcpy(file->sha256, sha256, HASH_HEX_BYTES);
    return ERR_OK;
}

static enum err read_files(struct manifest *manifest, struct json_object *list)
{
    FAIL_IF(!json_object_is_type(list, json_type_array), ERR_INVALID,
            "there is no list of files");
    size_t n = json_object_array_length(list);
    manifest->files = alloc_zero(n, sizeof *manifest->files);
    if (manifest->files == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        manifest->n = i + 1;
        TRY(read_file(&manifest->files[i], json_object_array_get_idx(list, i)));
    }
    return ERR_OK;
}

static enum err read_manifest(struct manifest *manifest, struct json_object *json)
{
    size_t format;
    TRY(json_get_size(json, "format", &format));
    FAIL_IF(format != FORMAT, ERR_INVALID, "format %zu; this version knows %d", format,
            FORMAT);
    TRY(read_string(json, "repository", &manifest->repository));
    TRY(read_string(json, "revision", &manifest->revision));
    TRY(read_string(json, "licence", &manifest->licence));
    TRY(read_string(json, "pulled", &manifest->pulled));
    return read_files(manifest, json_get(json, "files"));
}

static enum err parse_manifest(struct manifest *manifest, const struct buf *text)
{
    struct json_object *json = NULL;
    enum err result = json_parse(&json, text->data, text->size);
    if (result == ERR_OK) {
        result = read_manifest(manifest, json);
    }
    json_object_put(json);
    return result;
}

static enum err path_in(struct buf *path, const char *folder)
{
    return buf_printf(path, "%s/%s", folder, MANIFEST_NAME);
}

enum err manifest_read(struct manifest *manifest, const char *folder)
{
    struct buf path, text;
    *manifest = (struct manifest){0};
    buf_init(&path, PATH_MAX);
    buf_init(&text, MANIFEST_BYTES_MAX);
    enum err result = path_in(&path, folder);
    if (result == ERR_OK) {
        result = file_read(path.data, &text);
    }
    if (result == ERR_OK) {
        result = parse_manifest(manifest, &text);
        if (result != ERR_OK) {
            manifest_release(manifest);
            result = err_prefix(result == ERR_NOMEM ? ERR_NOMEM : ERR_CORRUPT, "%s",
                                path.data);
        }
    }
    buf_release(&text);
    buf_release(&path);
    return result;
}

const struct manifest_file *manifest_find(const struct manifest *manifest,
                                          const char *name)
{
    for (size_t i = 0; i < manifest->n; i++) {
        if (strcmp(manifest->files[i].name, name) == 0) {
            return &manifest->files[i];
        }
    }
    return NULL;
}

void manifest_release(struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->n; i++) {
        alloc_free(manifest->files[i].name);
    }
    alloc_free(manifest->files);
    alloc_free(manifest->repository);
    alloc_free(manifest->revision);
    alloc_free(manifest->licence);
    alloc_free(manifest->pulled);
    *manifest = (struct manifest){0};
}

/* ---- Writing ------------------------------------------------------------------ */

static void add_string(struct json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
}

static struct json_object *to_json(const struct manifest *manifest)
{
    struct json_object *json = json_object_new_object();
    struct json_object *files = json_object_new_array();
    json_object_object_add(json, "format", json_object_new_int(FORMAT));
    add_string(json, "repository", manifest->repository);
    add_string(json, "revision", manifest->revision);
    add_string(json, "licence", manifest->licence);
    add_string(json, "pulled", manifest->pulled);
    for (size_t i = 0; i < manifest->n; i++) {
        struct json_object *file = json_object_new_object();
        add_string(file, "name", manifest->files[i].name);
        json_object_object_add(file, "size",
                               json_object_new_uint64(manifest->files[i].size));
        add_string(file, "sha256", manifest->files[i].sha256);
        json_object_array_add(files, file);
    }
    json_object_object_add(json, "files", files);
    return json;
}

enum err manifest_write(const struct manifest *manifest, const char *folder)
{
    struct buf path;
    struct json_object *json = to_json(manifest);
    const char *text = json_text(json);
    buf_init(&path, PATH_MAX);
    enum err result = path_in(&path, folder);
    if (result == ERR_OK) {
        result = file_write(path.data, text, strlen(text));
    }
    buf_release(&path);
    json_object_put(json);
    return result;
}
