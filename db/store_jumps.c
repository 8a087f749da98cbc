/*
 * store_jumps.c - advice to the system for a map of which a few rows are read here and
 * there. See store.h, store_expect_jumps.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>

#include "db/store_parts.h"

/* The mapping that `inside` is in; LMDB does not tell where its own is. */
static bool find_mapping(const void *inside, uintptr_t *begin, uintptr_t *end)
{
    char line[PATH_MAX + 256];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps != NULL && !found && fgets(line, sizeof line, maps) != NULL) {
        found = sscanf(line, "%" SCNxPTR "-%" SCNxPTR, begin, end) == 2 &&
                (uintptr_t)inside >= *begin && (uintptr_t)inside < *end;
    }
    if (maps != NULL) {
        fclose(maps);
    }
    return found;
}

void store_expect_jumps(struct txn *txn, const void *inside)
{
    uintptr_t begin;
    uintptr_t end;
    struct store *store = txn->store;
    if (txn->jumps) {
        return;
    }
    txn->jumps = true; /* the gate is held: the map stays where it is */
    pthread_mutex_lock(&store->jumps_mutex);
    if (store->n_jumping++ == 0 && find_mapping(inside, &begin, &end)) {
        store->jumps_map = (void *)begin;
        store->jumps_bytes = end - begin;
        madvise(store->jumps_map, store->jumps_bytes, MADV_RANDOM);
    }
    pthread_mutex_unlock(&store->jumps_mutex);
}

void store_end_jumps(struct txn *txn)
{
    struct store *store = txn->store;
    if (!txn->jumps) {
        return;
    }
    txn->jumps = false;
    pthread_mutex_lock(&store->jumps_mutex);
    if (--store->n_jumping == 0 && store->jumps_map != NULL) {
        madvise(store->jumps_map, store->jumps_bytes, MADV_NORMAL);
        store->jumps_map = NULL;
    }
    pthread_mutex_unlock(&store->jumps_mutex);
}
