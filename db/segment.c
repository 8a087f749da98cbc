/*
 * segment.c - see segment.h.
 *
 * One mutex guards the list of entries, and is held while a file is read: the second
 * thread that wants the same segment would have to wait for it anyway.
 */
#include "db/segment.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "db/asked.h"

struct entry {
    struct segment
        segment; /* first, so that a segment is its entry; ann NULL: broken */
    struct segment_key key;
    struct ann *ann;
    size_t n_users;
    bool forgotten;
    struct entry *next;
};

struct segment_cache {
    pthread_mutex_t mutex;
    struct entry *entries;
    struct asked *asked;   /* owned */
    struct gauge *gauge;   /* borrowed */
    char folder[PATH_MAX]; /* segments/ */
};

enum err segment_cache_open(struct segment_cache **out, const char *folder)
{
    *out = NULL;
    struct segment_cache *cache = alloc_zero(1, sizeof *cache);
    if (cache == NULL) {
        return ERR_NOMEM;
    }
    int n = snprintf(cache->folder, sizeof cache->folder, "%s/segments", folder);
    if (n < 0 || (size_t)n + 80 > sizeof cache->folder) {
        alloc_free(cache);
        return err_set(ERR_LIMIT, "the path of the database is too long");
    }
    enum err result = asked_open(&cache->asked);
    if (result != ERR_OK) {
        alloc_free(cache);
        return result;
    }
    pthread_mutex_init(&cache->mutex, NULL);
    *out = cache;
    return ERR_OK;
}

struct asked *segment_cache_asked(const struct segment_cache *cache)
{
    return cache->asked;
}

void segment_cache_set_gauge(struct segment_cache *cache, struct gauge *gauge)
{
    cache->gauge = gauge;
}

struct gauge *segment_cache_gauge(const struct segment_cache *cache)
{
    return cache->gauge;
}

static void free_entry(struct entry *entry)
{
    ann_close(entry->ann);
    alloc_free(entry);
}

void segment_cache_close(struct segment_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    while (cache->entries != NULL) {
        struct entry *entry = cache->entries;
        cache->entries = entry->next;
        free_entry(entry);
    }
    asked_close(cache->asked);
    pthread_mutex_destroy(&cache->mutex);
    alloc_free(cache);
}

enum err segment_path(const struct segment_cache *cache, struct segment_key key,
                      char path[PATH_MAX])
{
    int n = snprintf(path, PATH_MAX, "%s/%u-%zu-%llu.ann", cache->folder,
                     key.collection, key.space, (unsigned long long)key.generation);
    FAIL_IF(n < 0 || n >= PATH_MAX, ERR_LIMIT, "the path of the database is too long");
    return ERR_OK;
}

/* With the mutex held. */
static struct entry *find_entry(struct segment_cache *cache, struct segment_key key)
{
    struct entry *entry = cache->entries;
    while (entry != NULL && (entry->forgotten || !segment_key_equal(entry->key, key))) {
        entry = entry->next;
    }
    return entry;
}

/* Reads the file; a file of another segment under this name is as bad as none. */
static enum err load(struct segment_cache *cache, struct segment_key key, size_t dim,
                     size_t n_slots, struct ann **out)
{
    char path[PATH_MAX];
    struct ann_info info;
    TRY(segment_path(cache, key, path));
    TRY(ann_load(out, path));
    ann_info(*out, &info);
    if (info.dim == dim && info.n == n_slots && info.generation == key.generation) {
        return ERR_OK;
    }
    ann_close(*out);
    *out = NULL;
    return err_set(ERR_CORRUPT, "%s: not the segment it should be", path);
}

/* With the mutex held. */
static enum err add_entry(struct segment_cache *cache, struct segment_key key,
                          size_t dim, size_t n_slots, struct entry **out)
{
    struct entry *entry = alloc_zero(1, sizeof *entry);
    if (entry == NULL) {
        return ERR_NOMEM;
    }
    enum err result = load(cache, key, dim, n_slots, &entry->ann);
    if (result == ERR_NOMEM) {
        alloc_free(entry);
        return result;
    }
    if (result != ERR_OK) {
        log_warn("%s; its vectors are compared one by one until it is rebuilt",
                 err_detail());
    }
    entry->segment.ann = entry->ann;
    entry->key = key;
    entry->next = cache->entries;
    cache->entries = entry;
    *out = entry;
    return ERR_OK;
}

enum err segment_acquire(struct segment_cache *cache, struct segment_key key,
                         size_t dim, size_t n_slots, struct segment **out)
{
    *out = NULL;
    pthread_mutex_lock(&cache->mutex);
    struct entry *entry = find_entry(cache, key);
    enum err result = ERR_OK;
    if (entry == NULL) {
        result = add_entry(cache, key, dim, n_slots, &entry);
    }
    if (result == ERR_OK && entry->ann != NULL) {
        entry->n_users++;
        *out = &entry->segment;
    }
    pthread_mutex_unlock(&cache->mutex);
    return result;
}

/* With the mutex held. */
static void remove_entry(struct segment_cache *cache, struct entry *entry)
{
    struct entry **link = &cache->entries;
    while (*link != entry) {
        link = &(*link)->next;
    }
    *link = entry->next;
    free_entry(entry);
}

void segment_release(struct segment_cache *cache, struct segment *segment)
{
    struct entry *entry = (struct entry *)segment;
    pthread_mutex_lock(&cache->mutex);
    entry->n_users--;
    if (entry->n_users == 0 && entry->forgotten) {
        remove_entry(cache, entry);
    }
    pthread_mutex_unlock(&cache->mutex);
}

bool segment_is_broken(struct segment_cache *cache, struct segment_key key)
{
    pthread_mutex_lock(&cache->mutex);
    const struct entry *entry = find_entry(cache, key);
    bool broken = entry != NULL && entry->ann == NULL;
    pthread_mutex_unlock(&cache->mutex);
    return broken;
}

void segment_forget(struct segment_cache *cache, struct segment_key key)
{
    pthread_mutex_lock(&cache->mutex);
    struct entry *entry = find_entry(cache, key);
    if (entry != NULL && entry->n_users == 0) {
        remove_entry(cache, entry);
    } else if (entry != NULL) {
        entry->forgotten = true;
    }
    pthread_mutex_unlock(&cache->mutex);
}

static void visit_file(const struct segment_cache *cache, const char *name,
                       segment_visit *visit, void *arg)
{
    char path[PATH_MAX];
    struct segment_key key = {0};
    unsigned long long generation;
    int end = 0;
    int n = snprintf(path, sizeof path, "%s/%s", cache->folder, name);
    int n_read = sscanf(name, "%u-%zu-%llu.ann%n", &key.collection, &key.space,
                        &generation, &end);
    if (n < 0 || (size_t)n >= sizeof path || n_read != 3 || end == 0) {
        return;
    }
    key.generation = generation;
    if (name[end] != '\0') { /* "….ann.XXXXXX": ann_save died before its rename */
        key = (struct segment_key){0};
    }
    visit(arg, key, path);
}

enum err segment_files_walk(const struct segment_cache *cache, segment_visit *visit,
                            void *arg)
{
    DIR *folder = opendir(cache->folder);
    if (folder == NULL) {
        return errno == ENOENT ? ERR_OK : err_errno(errno, "%s", cache->folder);
    }
    for (struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        visit_file(cache, e->d_name, visit, arg);
    }
    closedir(folder);
    return ERR_OK;
}
