/*
 * fuzz_snapshot.c - any bytes as a snapshot (db/recover.c), put into a database in use:
 * refused, or a collection that is searched, walked, filtered, written to and dropped
 * without a crash. What comes from there may be damaged, and may say so. Checksums are
 * made right first.
 */
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "db/duet_keep.h"
#include "db/duet_snapshot.h"
#include "tests/fuzz/backup_bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];
static struct duet *db;

static int remove_entry(const char *path, const struct stat *st, int flag,
                        struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void clean_up(void)
{
    duet_close(db);
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* One database for all inputs: that it stays sound is a part of the test. */
static void open_once(void)
{
    if (db == NULL) {
        log_set_level(LOG_ERROR);
        snprintf(folder, sizeof folder, "/dev/shm/duet-fuzz-snapshot-%ld",
                 (long)getpid());
        struct duet_options o = {.path = folder,
                                 .write = true,
                                 .create = true,
                                 .n_threads = 1,
                                 .seal_at = 64};
        if (duet_open(&db, &o) != ERR_OK) {
            abort();
        }
        atexit(clean_up);
    }
}

static void ignore(enum err result)
{
    (void)result;
}

static void search(const struct duet_collection *c)
{
    static const float zeros[4096] = {1};
    for (size_t i = 0; i < c->n_spaces; i++) {
        struct duet_hits hits = {0};
        struct duet_query query = DUET_QUERY_DEFAULT;
        query.input = (struct duet_input){
            .kind = DUET_INPUT_VECTOR, .vector = zeros, .n = c->spaces[i].dim};
        query.in = c->spaces[i].name;
        query.vectors = true;
        ignore(duet_search(db, "c", &query, &hits));
        duet_hits_release(&hits);
    }
}

static void write_points(const struct duet_collection *c)
{
    static const float ones[4096] = {1};
    struct duet_named_input vector = {c->spaces[0].name,
                                      {.kind = DUET_INPUT_VECTOR, .vector = ones}};
    vector.input.n = c->spaces[0].dim;
    struct duet_point_input point = {.vectors = &vector, .n_vectors = 1};
    for (uint64_t i = 0; i < 3; i++) {
        point.id = (struct duet_id){.number = i};
        ignore(duet_upsert(db, "c", &point, 1));
    }
    ignore(duet_remove(db, "c", &(struct duet_id){.number = 1}, 1, NULL));
}

static void use(void)
{
    struct duet_collections list;
    struct duet_hits hits = {0};
    struct duet_stats stats;
    struct duet_check_result r;
    size_t n;
    if (duet_collections_list(db, "c", &list) != ERR_OK) {
        return;
    }
    search(&list.items[0]);
    ignore(duet_scroll(db, "c", NULL, 100, &hits));
    duet_hits_release(&hits);
    ignore(duet_count_where(db, "c", "{\"must\":{\"has_vector\":\"v\"}}", &n));
    ignore(duet_stats(db, "c", &stats));
    write_points(&list.items[0]);
    ignore(duet_seal(db, "c"));
    search(&list.items[0]);
    ignore(duet_verify(db, &(struct duet_check_options){.found = NULL}, &r));
    duet_collections_release(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    open_once();
    int fd = backup_file(data, size);
    if (duet_snapshot_recover(db, "c", fd, NULL) == ERR_OK) {
        use();
        if (duet_collection_drop(db, "c") != ERR_OK) {
            abort();
        }
    }
    close(fd);
    return 0;
}
