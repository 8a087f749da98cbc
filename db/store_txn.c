/*
 * store_txn.c - the transactions of a store, and its map. See store.h, store_parts.h.
 *
 * The map may only be changed while no transaction is open in this process, so every
 * transaction holds `gate` for reading and a change of the map holds it for writing.
 */
#include "db/store_parts.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum {
    MAP_STEP_MIN = 16 << 20,  /* bytes; less room than this is a full disk to us */
    FULL_DISK_BYTES = 1 << 20 /* less room than this explains a write cut short */
};

static enum err code_of_mdb(int rc)
{
    switch (rc) {
    case MDB_TXN_FULL:
        return ERR_LIMIT;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERR_FULL;
    case ENOENT:
    case MDB_NOTFOUND:
        return ERR_NOT_FOUND;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_PANIC:
        return ERR_CORRUPT;
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
        return ERR_VERSION;
    case ENOMEM:
        return ERR_NOMEM;
    default:
        return rc < 0 && rc >= MDB_KEYEXIST ? ERR_INTERNAL : ERR_IO;
    }
}

enum err store_result(const struct store *store, int rc)
{
    if (rc == MDB_SUCCESS) {
        return ERR_OK;
    }
    FAIL_IF(rc == MDB_READERS_FULL, ERR_BUSY,
            "%s: %d readers are at it, in all processes, and no more can be",
            store->path, LIMIT_READERS);
    return err_set(code_of_mdb(rc), "%s: %s", store->path, mdb_strerror(rc));
}

/* ---- The map ---- */

/* Whether `n` more bytes of address space are to be had. LMDB gives its old map away
 * before it asks for the new one, and is left with none where that is refused. */
static bool address_space_has(size_t n)
{
    void *p =
        mmap(NULL, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        return false;
    }
    munmap(p, n);
    return true;
}

/* With the gate held for writing. `bytes` 0: what another process has made of it. */
static enum err set_map_size(struct store *store, size_t bytes)
{
    int rc = mdb_env_set_mapsize(store->env, bytes);
    if (rc != MDB_SUCCESS) {
        store->unmapped = rc != EINVAL;
        return store_result(store, rc);
    }
    return ERR_OK;
}

static enum err adopt_map(struct store *store)
{
    pthread_rwlock_wrlock(&store->gate);
    enum err result = set_map_size(store, 0);
    pthread_rwlock_unlock(&store->gate);
    return result;
}

size_t store_map_bytes(struct store *store)
{
    MDB_envinfo info = {0};
    mdb_env_info(store->env, &info);
    return info.me_mapsize;
}

enum err store_grow_map(struct store *store, size_t full_bytes)
{
    MDB_envinfo info;
    enum err result = ERR_OK;
    pthread_rwlock_wrlock(&store->gate);
    TRY_OUT(store_result(store, mdb_env_info(store->env, &info)));
    if (info.me_mapsize > full_bytes) {
        goto out;
    }
    size_t step = full_bytes > MAP_STEP_MIN ? full_bytes : MAP_STEP_MIN;
    while (step >= MAP_STEP_MIN && !address_space_has(step)) {
        step /= 2;
    }
    if (step < MAP_STEP_MIN) {
        result = err_set(ERR_FULL, "%s: the address space of this process is used up",
                         store->path);
    } else {
        result = set_map_size(store, full_bytes + step);
    }
out:
    pthread_rwlock_unlock(&store->gate);
    return result;
}

/* ---- Transactions ---- */

/* Begins a transaction, holding the gate where it returns ERR_OK. */
static enum err begin(struct store *store, struct txn *txn, bool write)
{
    *txn = (struct txn){.store = store};
    for (;;) {
        pthread_rwlock_rdlock(&store->gate);
        int rc = store->unmapped ? EIO
                                 : mdb_txn_begin(store->env, NULL,
                                                 write ? 0 : MDB_RDONLY, &txn->mdb);
        if (rc == MDB_SUCCESS) {
            return ERR_OK;
        }
        txn->mdb = NULL;
        pthread_rwlock_unlock(&store->gate);
        if (rc != MDB_MAP_RESIZED) {
            return store_result(store, rc);
        }
        TRY(adopt_map(store));
    }
}

enum err store_read(struct store *store, struct txn *txn)
{
    return begin(store, txn, false);
}

enum err store_begin(struct store *store, struct txn *txn)
{
    return begin(store, txn, true);
}

void store_end(struct txn *txn)
{
    if (txn->mdb != NULL) {
        store_end_jumps(txn);
        mdb_txn_abort(txn->mdb);
        txn->mdb = NULL;
        pthread_rwlock_unlock(&txn->store->gate);
    }
}

enum err store_txn_result(struct txn *txn, int rc)
{
    txn->map_full = txn->map_full || rc == MDB_MAP_FULL;
    return store_result(txn->store, rc);
}

/* LMDB calls a write that the system cut short an input/output error. Mostly that is a
 * full disk, or the limit of a file's size. */
static bool disk_is_full(const struct store *store)
{
    struct statvfs disk;
    struct rlimit limit;
    struct stat st;
    if (statvfs(store->path, &disk) == 0 &&
        (uint64_t)disk.f_bavail * disk.f_frsize < FULL_DISK_BYTES) {
        return true;
    }
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
           stat(store->path, &st) == 0 &&
           (uint64_t)st.st_size + FULL_DISK_BYTES > limit.rlim_cur;
}

enum err store_commit(struct txn *txn)
{
    int rc = mdb_txn_commit(txn->mdb); /* frees it, whatever comes */
    txn->mdb = NULL;
    pthread_rwlock_unlock(&txn->store->gate);
    return store_txn_result(txn, rc == EIO && disk_is_full(txn->store) ? ENOSPC : rc);
}

/* ---- Transactions within transactions ---- */

enum err store_nest(struct txn *parent, struct txn *child, size_t room)
{
    struct store *store = parent->store;
    *child = (struct txn){.store = store, .room = room};
    int rc = mdb_txn_begin(store->env, parent->mdb, 0, &child->mdb);
    if (rc != MDB_SUCCESS) {
        child->mdb = NULL;
    }
    return store_txn_result(child, rc);
}

enum err store_nested_commit(struct txn *parent, struct txn *child)
{
    int rc = mdb_txn_commit(child->mdb); /* frees it, whatever comes */
    child->mdb = NULL;
    parent->n_bytes += child->n_bytes;
    return store_txn_result(child, rc);
}

void store_nested_end(struct txn *child)
{
    if (child->mdb != NULL) {
        mdb_txn_abort(child->mdb);
        child->mdb = NULL;
    }
}
