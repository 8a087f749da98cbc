/*
 * pages.c - see pages.h, and duet_pages_open, _read and _close.
 */
#include "db/pages.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/hits.h"
#include "db/uuid.h"

enum { NO_SPACE = 255 };

struct pages_entry {
    float score;
    uint8_t is_uuid;
    uint8_t space;  /* place of its name, or NO_SPACE */
    uint8_t id[16]; /* the UUID, or the number as the machine has it */
};

struct pages_list {
    struct pages_list *next;
    uint8_t token[16];
    uint32_t collection; /* its number: one made anew by the same name is another */
    uint64_t last_use_ns;
    char *spaces[LIMIT_SPACES_MAX]; /* [n_spaces], owned: names that entries have */
    size_t n_spaces;
    struct pages_entry *entries; /* [n], owned */
    size_t n;
};

void pages_init(struct pages *pages)
{
    *pages = (struct pages){.lifetime_ns = LIMIT_PAGES_SECONDS * UINT64_C(1000000000)};
    pthread_mutex_init(&pages->mutex, NULL);
}

static void list_free(struct pages_list *list)
{
    for (size_t i = 0; i < list->n_spaces; i++) {
        alloc_free(list->spaces[i]);
    }
    alloc_free(list->entries);
    alloc_free(list);
}

void pages_release(struct pages *pages)
{
    while (pages->lists != NULL) {
        struct pages_list *list = pages->lists;
        pages->lists = list->next;
        list_free(list);
    }
    pthread_mutex_destroy(&pages->mutex);
}

/* Takes lists away that are past their time, and that of `token` (NULL: none). With the
 * lock held. */
static void drop_lists(struct pages *pages, const uint8_t *token)
{
    uint64_t now = clock_monotonic_ns();
    struct pages_list **at = &pages->lists;
    while (*at != NULL) {
        struct pages_list *list = *at;
        bool is_meant = token != NULL && memcmp(list->token, token, 16) == 0;
        if (!is_meant && now - list->last_use_ns < pages->lifetime_ns) {
            at = &list->next;
            continue;
        }
        *at = list->next;
        pages->n_lists--;
        list_free(list);
    }
}

/* False where the text is none of ours. */
static bool read_token(const char *text, uint8_t token[16])
{
    struct duet_id id;
    if (duet_id_parse(&id, text) != ERR_OK || !id.is_uuid) {
        return false;
    }
    memcpy(token, id.uuid, 16);
    return true;
}

static void write_token(const uint8_t token[16], char text[DUET_PAGES_TOKEN_MAX])
{
    struct duet_id id = {.is_uuid = true};
    memcpy(id.uuid, token, 16);
    duet_id_format(id, text);
}

/* ---- Making a list ---- */

static enum err place_of_space(struct pages_list *list, const char *name,
                               uint8_t *place)
{
    *place = NO_SPACE;
    if (name == NULL) {
        return ERR_OK;
    }
    for (*place = 0; *place < list->n_spaces; ++*place) {
        if (strcmp(list->spaces[*place], name) == 0) {
            return ERR_OK;
        }
    }
    FAIL_IF(list->n_spaces == LIMIT_SPACES_MAX, ERR_LIMIT,
            "the results are of more than %d vector spaces", LIMIT_SPACES_MAX);
    list->spaces[list->n_spaces] = alloc_dup(name);
    if (list->spaces[list->n_spaces] == NULL) {
        return ERR_NOMEM;
    }
    list->n_spaces++;
    return ERR_OK;
}

static enum err fill_entry(struct pages_list *list, const struct duet_hit *hit)
{
    struct pages_entry *entry = &list->entries[list->n];
    *entry = (struct pages_entry){.score = hit->score, .is_uuid = hit->id.is_uuid};
    if (hit->id.is_uuid) {
        memcpy(entry->id, hit->id.uuid, sizeof entry->id);
    } else {
        memcpy(entry->id, &hit->id.number, sizeof hit->id.number);
    }
    TRY(place_of_space(list, hit->space, &entry->space));
    list->n++;
    return ERR_OK;
}

static enum err fill_list(struct pages_list *list, struct duet *db,
                          const char *collection, const struct duet_hits *hits)
{
    struct txn txn;
    struct record_collection c;
    TRY(store_read(db->store, &txn));
    enum err result = collection_get(&txn, collection, &c);
    store_end(&txn);
    TRY(result);
    list->collection = c.number;
    TRY(uuid_random(list->token));
    list->entries = alloc_array(hits->n, sizeof *list->entries);
    if (list->entries == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < hits->n; i++) {
        TRY(fill_entry(list, &hits->hits[i]));
    }
    return ERR_OK;
}

/* Takes the list over where it returns ERR_OK. */
static enum err add_list(struct pages *pages, struct pages_list *list)
{
    pthread_mutex_lock(&pages->mutex);
    drop_lists(pages, NULL);
    bool full = pages->n_lists == LIMIT_PAGES_OPEN;
    if (!full) {
        list->last_use_ns = clock_monotonic_ns();
        list->next = pages->lists;
        pages->lists = list;
        pages->n_lists++;
    }
    pthread_mutex_unlock(&pages->mutex);
    FAIL_IF(full, ERR_BUSY,
            "%d results are kept for paging already, and no more can be; each goes "
            "%d s after its last use",
            LIMIT_PAGES_OPEN, LIMIT_PAGES_SECONDS);
    return ERR_OK;
}

enum err duet_pages_open(struct duet *db, const char *collection,
                         const struct duet_hits *hits, char token[DUET_PAGES_TOKEN_MAX])
{
    token[0] = '\0';
    FAIL_IF(hits->n > LIMIT_K_MAX, ERR_LIMIT, "%zu results are more than %d", hits->n,
            LIMIT_K_MAX);
    struct pages_list *list = alloc_zero(1, sizeof *list);
    if (list == NULL) {
        return ERR_NOMEM;
    }
    char text[DUET_PAGES_TOKEN_MAX];
    enum err result = fill_list(list, db, collection, hits);
    if (result == ERR_OK) {
        write_token(list->token, text);
        result = add_list(&db->pages, list);
    }
    if (result != ERR_OK) {
        list_free(list);
        return result;
    }
    memcpy(token, text, sizeof text);
    return ERR_OK;
}

/* ---- Reading a page ---- */

/* A page out of the list, whatever becomes of that meanwhile. */
struct pages_copy {
    uint32_t collection;
    char *spaces[LIMIT_SPACES_MAX]; /* owned */
    size_t n_spaces;
    struct pages_entry *entries; /* [n], owned */
    size_t n;
    size_t n_list;
};

static void copy_release(struct pages_copy *copy)
{
    for (size_t i = 0; i < copy->n_spaces; i++) {
        alloc_free(copy->spaces[i]);
    }
    alloc_free(copy->entries);
}

/* With the lock held. */
static enum err copy_page(const struct pages_list *list, const struct duet_page *page,
                          struct pages_copy *copy)
{
    size_t n_behind = page->offset < list->n ? list->n - page->offset : 0;
    size_t n = page->limit < n_behind ? page->limit : n_behind;
    copy->collection = list->collection;
    copy->n_list = list->n;
    copy->entries = alloc_array(n, sizeof *copy->entries);
    if (copy->entries == NULL) {
        return ERR_NOMEM;
    }
    if (n > 0) {
        memcpy(copy->entries, list->entries + page->offset, n * sizeof *copy->entries);
    }
    copy->n = n;
    for (; copy->n_spaces < list->n_spaces; copy->n_spaces++) {
        copy->spaces[copy->n_spaces] = alloc_dup(list->spaces[copy->n_spaces]);
        if (copy->spaces[copy->n_spaces] == NULL) {
            return ERR_NOMEM;
        }
    }
    return ERR_OK;
}

static enum err no_such_list(void)
{
    return err_set(ERR_NOT_FOUND,
                   "there is no such result (any more): it is kept for %d s after its "
                   "last use",
                   LIMIT_PAGES_SECONDS);
}

static enum err take_page(struct pages *pages, const struct duet_page *page,
                          struct pages_copy *copy)
{
    uint8_t token[16];
    if (!read_token(page->token, token)) {
        return no_such_list();
    }
    enum err result = ERR_NOT_FOUND;
    pthread_mutex_lock(&pages->mutex);
    drop_lists(pages, NULL);
    for (struct pages_list *list = pages->lists; list != NULL; list = list->next) {
        if (memcmp(list->token, token, sizeof token) == 0) {
            list->last_use_ns = clock_monotonic_ns();
            result = copy_page(list, page, copy);
        }
    }
    pthread_mutex_unlock(&pages->mutex);
    return result == ERR_NOT_FOUND ? no_such_list() : result;
}

struct page_reader {
    struct txn *txn;
    struct record_collection c;
    const struct pages_copy *copy;
    struct hit_parts parts;
    struct duet_hits *out;
};

/* The i-th entry, if its point is there. */
static enum err append_hit(struct page_reader *r, size_t i)
{
    const struct pages_entry *entry = &r->copy->entries[i];
    struct duet_id id = {.is_uuid = entry->is_uuid};
    bool there;
    if (entry->is_uuid) {
        memcpy(id.uuid, entry->id, sizeof id.uuid);
    } else {
        memcpy(&id.number, entry->id, sizeof id.number);
    }
    TRY(hits_append(r->out, r->txn, &r->c, id, r->parts, &there));
    if (!there) {
        return ERR_OK;
    }
    struct duet_hit *hit = &r->out->hits[r->out->n - 1];
    hit->score = entry->score;
    if (entry->space != NO_SPACE) {
        hit->space = alloc_dup(r->copy->spaces[entry->space]);
        return hit->space == NULL ? ERR_NOMEM : ERR_OK;
    }
    return ERR_OK;
}

static enum err fill_hits(struct page_reader *r, const char *collection)
{
    TRY(collection_get(r->txn, collection, &r->c));
    if (r->c.number != r->copy->collection) {
        return no_such_list();
    }
    for (size_t i = 0; i < r->copy->n; i++) {
        TRY(append_hit(r, i));
    }
    return ERR_OK;
}

enum err duet_pages_read(struct duet *db, const char *collection,
                         const struct duet_page *page, struct duet_hits *out,
                         struct duet_page_info *info)
{
    struct txn txn = {0};
    struct pages_copy copy = {0};
    struct page_reader r = {.txn = &txn,
                            .copy = &copy,
                            .parts = {page->payload, page->vectors},
                            .out = out};
    *out = (struct duet_hits){0};
    *info = (struct duet_page_info){0};
    enum err result;
    TRY_OUT(take_page(&db->pages, page, &copy));
    TRY_OUT(store_read(db->store, &txn));
    TRY_OUT(fill_hits(&r, collection));
    *info = (struct duet_page_info){copy.n_list, copy.n - out->n};
out:
    store_end(&txn);
    copy_release(&copy);
    if (result != ERR_OK) {
        duet_hits_release(out);
    }
    return result;
}

void duet_pages_close(struct duet *db, const char *token)
{
    uint8_t bytes[16];
    if (read_token(token, bytes)) {
        pthread_mutex_lock(&db->pages.mutex);
        drop_lists(&db->pages, bytes);
        pthread_mutex_unlock(&db->pages.mutex);
    }
}
