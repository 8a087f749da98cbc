/*
 * phrases_cache.c - the vectors of a list of phrases, kept between two runs; see
 * phrases.h.
 *
 * One file for a model and a list: a head that says what the vectors are of (the
 * model's fingerprint, the hash of the sentences) and what they must hash to, then the
 * vectors as they lie in memory. Whatever does not fit is no error: the vectors are
 * made again. The file is private to this machine, so its numbers are in the machine's
 * order.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "db/phrases.h"

#define MAGIC "DUETPHR1"

enum { FINGERPRINT_BYTES = 32 };

/* 80 bytes, no padding. */
struct head {
    char magic[8];
    uint32_t dim;
    uint32_t n;
    char fingerprint[FINGERPRINT_BYTES];
    XXH128_hash_t texts;
    XXH128_hash_t vectors;
};
_Static_assert(sizeof(struct head) == 80, "the head has no padding");

static size_t n_bytes(const struct duet_phrases *phrases)
{
    return phrases->n * phrases->dim * sizeof *phrases->vectors;
}

/* All of the head but the hash of the vectors. */
static struct head head_of(const struct duet_phrases *phrases,
                           const struct phrases_key *key)
{
    struct head head = {.dim = (uint32_t)phrases->dim, .n = (uint32_t)phrases->n};
    memcpy(head.magic, MAGIC, sizeof head.magic);
    memcpy(head.fingerprint, key->fingerprint,
           strnlen(key->fingerprint, FINGERPRINT_BYTES));
    head.texts = XXH3_128bits(phrases->file.data, phrases->file.size);
    return head;
}

static enum err cache_folder(struct buf *out, const char *cache)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache != NULL) {
        FAIL_IF(cache[0] == '\0', ERR_NOT_FOUND, "no cache is wanted");
        return buf_printf(out, "%s", cache);
    }
    if (xdg != NULL && xdg[0] == '/') { /* relative ones count as unset, it says */
        return buf_printf(out, "%s/duet", xdg);
    }
    FAIL_IF(home == NULL || home[0] != '/', ERR_NOT_FOUND, "there is no home");
    return buf_printf(out, "%s/.cache/duet", home);
}

static enum err cache_path(struct buf *out, const struct phrases_key *key,
                           const char *cache)
{
    char real[PATH_MAX];
    const char *list = realpath(key->list, real) != NULL ? real : key->list;
    TRY(cache_folder(out, cache));
    return buf_printf(out, "/phrases-%.16s-%016llx.vectors", key->fingerprint,
                      (unsigned long long)XXH3_64bits(list, strlen(list)));
}

static enum err load(struct duet_phrases *phrases, const struct phrases_key *key,
                     const char *path)
{
    struct file_map map;
    struct head head = head_of(phrases, key);
    size_t n = n_bytes(phrases);
    TRY(file_map_open(&map, path, SIZE_MAX));
    bool fits = map.size == sizeof head + n &&
                memcmp(map.data, &head, offsetof(struct head, vectors)) == 0;
    if (fits) {
        memcpy(&head, map.data, sizeof head);
        XXH128_hash_t hash = XXH3_128bits(map.data + sizeof head, n);
        fits = XXH128_isEqual(hash, head.vectors) != 0;
    }
    if (fits) {
        memcpy(phrases->vectors, map.data + sizeof head, n);
    }
    file_map_close(&map);
    FAIL_IF(!fits, ERR_CORRUPT, "%s: of other phrases, or broken; made anew", path);
    return ERR_OK;
}

bool phrases_cache_load(struct duet_phrases *phrases, const struct phrases_key *key,
                        const char *cache)
{
    struct buf path;
    buf_init(&path, PATH_MAX);
    enum err result = cache_path(&path, key, cache);
    if (result == ERR_OK) {
        result = load(phrases, key, path.data);
    }
    if (result != ERR_OK && result != ERR_NOT_FOUND) {
        log_info("%s", err_detail());
    }
    buf_release(&path);
    return result == ERR_OK;
}

static enum err save(const struct duet_phrases *phrases, const struct phrases_key *key,
                     const char *path)
{
    struct head head = head_of(phrases, key);
    size_t n = n_bytes(phrases);
    head.vectors = XXH3_128bits(phrases->vectors, n);
    char *bytes = alloc_array(sizeof head + n, 1);
    if (bytes == NULL) {
        return ERR_NOMEM;
    }
    memcpy(bytes, &head, sizeof head);
    memcpy(bytes + sizeof head, phrases->vectors, n);
    enum err result = file_write_unsynced(path, bytes, sizeof head + n);
    alloc_free(bytes);
    return result;
}

void phrases_cache_save(const struct duet_phrases *phrases,
                        const struct phrases_key *key, const char *cache)
{
    struct buf path, folder;
    buf_init(&path, PATH_MAX);
    buf_init(&folder, PATH_MAX);
    enum err result = cache_folder(&folder, cache);
    if (result == ERR_OK) {
        result = file_make_folders(folder.data);
    }
    if (result == ERR_OK) {
        result = cache_path(&path, key, cache);
    }
    if (result == ERR_OK) {
        result = save(phrases, key, path.data);
    }
    if (result != ERR_OK && result != ERR_NOT_FOUND) {
        log_info("the phrases' vectors are not kept: %s", err_detail());
    }
    buf_release(&folder);
    buf_release(&path);
}
