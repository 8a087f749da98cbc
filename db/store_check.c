/*
 * store_check.c - see store_check.h. The layout of LMDB's pages is that of version
 * 0.9.24's mdb.c; its names are kept in the comments. Everything is read with pread
 * into our own memory, so that no file can hurt us.
 */
#include "db/store_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

enum {
    PAGE_HEADER = 16, /* PAGEHDRSZ: u64 number, u16, u16 flags, u16 lower, u16 upper */
    NODE_HEADER = 8,  /* NODESIZE: u16 low, u16 high, u16 flags, u16 key size */
    PAGE_BRANCH = 0x01,
    PAGE_LEAF = 0x02,
    PAGE_OVERFLOW = 0x04,
    PAGE_META = 0x08,
    NODE_BIG = 0x01,  /* F_BIGDATA: the value is the number of an overflow run */
    NODE_TREE = 0x02, /* F_SUBDATA: the value is a named table's struct tree */
    DEPTH_MAX = 32,   /* CURSOR_STACK */
    META_VERSION = 1,
    PAGE_SIZE_MIN = 512,
    PAGE_SIZE_MAX = 65536,
    WHOLE_WALK_PAGES = 1024 /* a tree of more is walked by its inner pages only: from a
                               cold disk each page read is a jump, of up to 1 ms */
};

static const uint32_t META_MAGIC = 0xBEEFC0DE;

/* What the rows of a tree hold. */
enum tree_kind {
    TREE_FREE,   /* transaction -> u64 count, then as many page numbers */
    TREE_TABLES, /* name -> struct tree */
    TREE_ROWS    /* ours */
};

/* MDB_db: one tree of pages. */
struct tree {
    uint32_t pad; /* of the first tree in a head page: the page size */
    uint16_t flags;
    uint16_t depth;
    uint64_t n_branch;
    uint64_t n_leaf;
    uint64_t n_overflow;
    uint64_t n_entries;
    uint64_t root; /* UINT64_MAX: empty */
};

/* MDB_meta, behind the header of a head page. */
struct meta {
    uint32_t magic;
    uint32_t version;
    uint64_t address;
    uint64_t map_size;
    struct tree trees[2]; /* the list of free pages, and the table of tables */
    uint64_t last_page;
    uint64_t txnid;
};

_Static_assert(sizeof(struct tree) == 48, "as MDB_db");
_Static_assert(sizeof(struct meta) == 136, "as MDB_meta");

struct walker {
    const char *path;
    int fd;
    size_t page_size;
    uint64_t file_size;
    uint64_t last_page;
    bool all;           /* walk every tree whole */
    bool whole;         /* this tree: read leaves and the heads of overflow runs too */
    bool leaves;        /* this tree: read leaves */
    bool is_short;      /* the file lacks pages at its end */
    uint64_t n_visited; /* more than there are: the pages point in circles */
    uint8_t *pages;     /* [DEPTH_MAX, page_size]: the path to where we are */
};

/* ---- Reading ---- */

static enum err read_at(const char *path, int fd, void *dst, size_t n, uint64_t offset)
{
    ssize_t got = pread(fd, dst, n, (off_t)offset);
    if (got < 0) {
        return err_errno(errno, "%s", path);
    }
    FAIL_IF((size_t)got != n, ERR_CORRUPT, "%s: the file ends early", path);
    return ERR_OK;
}

static uint16_t u16_at(const uint8_t *bytes)
{
    uint16_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static uint32_t u32_at(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static uint64_t u64_at(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

/* Reads head page `i` (0 or 1). *whole tells whether it is one. */
static enum err read_meta(const char *path, int fd, uint64_t offset, struct meta *meta,
                          bool *whole)
{
    uint8_t head[PAGE_HEADER + sizeof(struct meta)];
    TRY(read_at(path, fd, head, sizeof head, offset));
    memcpy(meta, head + PAGE_HEADER, sizeof *meta);
    *whole = (u16_at(head + 10) & PAGE_META) != 0 && meta->magic == META_MAGIC;
    return ERR_OK;
}

static bool plausible_page_size(uint32_t n)
{
    return n >= PAGE_SIZE_MIN && n <= PAGE_SIZE_MAX && (n & (n - 1)) == 0;
}

/* ---- The head ---- */

static enum err check_head(const char *path, int fd, size_t *page_size)
{
    struct meta first;
    struct meta second;
    struct stat st;
    bool whole;
    if (fstat(fd, &st) != 0) {
        return err_errno(errno, "%s", path);
    }
    FAIL_IF(!S_ISREG(st.st_mode), ERR_INVALID, "%s: not a regular file", path);
    FAIL_IF(st.st_size == 0, ERR_CORRUPT, "%s: the file is empty", path);
    TRY(read_meta(path, fd, 0, &first, &whole));
    FAIL_IF(!whole, ERR_CORRUPT, "%s: damaged, or not a database of duet", path);
    FAIL_IF(first.version != META_VERSION, ERR_VERSION,
            "%s: of another version of LMDB's format", path);
    FAIL_IF(!plausible_page_size(first.trees[0].pad), ERR_CORRUPT,
            "%s: damaged: its head page makes no sense", path);
    *page_size = first.trees[0].pad;
    TRY(read_meta(path, fd, *page_size, &second, &whole));
    FAIL_IF(!whole || second.version != META_VERSION ||
                second.trees[0].pad != *page_size,
            ERR_CORRUPT, "%s: damaged: its second head page makes no sense", path);
    return ERR_OK;
}

enum err store_check_head(const char *path, size_t *page_size)
{
    *page_size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return err_errno(errno, "%s", path);
    }
    enum err result = check_head(path, fd, page_size);
    close(fd);
    return result;
}

/* ---- The trees ---- */

static enum err damaged(const struct walker *w, uint64_t page, const char *what)
{
    return err_set(ERR_CORRUPT, "%s: damaged: page %llu %s", w->path,
                   (unsigned long long)page, what);
}

/* Whether pages [page, page + n) are in the file. */
static bool in_file(const struct walker *w, uint64_t page, uint64_t n)
{
    return page <= w->last_page && n <= w->last_page + 1 - page &&
           (page + n) * w->page_size <= w->file_size;
}

static enum err walk_tree(struct walker *w, const struct tree *tree,
                          enum tree_kind kind, size_t level);

/* Where node `i` of a page begins, or NULL where its header or key leave the page. */
static const uint8_t *node_at(const struct walker *w, const uint8_t *page, size_t i)
{
    size_t upper = u16_at(page + 14);
    size_t offset = u16_at(page + PAGE_HEADER + 2 * i);
    if (offset < upper || offset + NODE_HEADER > w->page_size) {
        return NULL;
    }
    const uint8_t *node = page + offset;
    size_t key_size = u16_at(node + 6);
    return offset + NODE_HEADER + key_size > w->page_size ? NULL : node;
}

static enum err check_overflow(struct walker *w, uint64_t run, uint64_t n_bytes)
{
    uint8_t head[PAGE_HEADER];
    uint64_t n_pages = (PAGE_HEADER - 1 + n_bytes) / w->page_size + 1; /* OVPAGES */
    if (!in_file(w, run, n_pages)) {
        return damaged(w, run, "is past the end of the file");
    }
    if (!w->whole) {
        return ERR_OK;
    }
    TRY(read_at(w->path, w->fd, head, sizeof head, run * w->page_size));
    if (u64_at(head) != run || u16_at(head + 10) != PAGE_OVERFLOW ||
        u32_at(head + 12) != n_pages) {
        return damaged(w, run, "is not the value it should be");
    }
    return ERR_OK;
}

/* A row of the list of free pages: its first number says how many follow. LMDB reads
 * the key as a number as well. */
static enum err check_free_list(struct walker *w, const uint8_t *page,
                                const uint8_t *node)
{
    uint8_t first[8];
    uint64_t n = u32_at(node);
    const uint8_t *value = node + NODE_HEADER + u16_at(node + 6);
    if ((u16_at(node + 4) & NODE_BIG) != 0) {
        uint64_t run = u64_at(value);
        if (!in_file(w, run, 1)) {
            return damaged(w, run, "is past the end of the file");
        }
        TRY(read_at(w->path, w->fd, first, 8, run * w->page_size + PAGE_HEADER));
    } else if (n >= 8) {
        memcpy(first, value, 8);
    }
    if (u16_at(node + 6) != 8 || n < 8 || u64_at(first) > n / 8 - 1) {
        return damaged(w, u64_at(page), "has an impossible list of free pages");
    }
    return ERR_OK;
}

/* A row of a leaf: its value is in the page, in a run of its own, or a tree. */
static enum err check_row(struct walker *w, const uint8_t *page, const uint8_t *node,
                          enum tree_kind kind, size_t level)
{
    uint16_t flags = u16_at(node + 4);
    uint64_t n = u32_at(node); /* NODEDSZ */
    const uint8_t *value = node + NODE_HEADER + u16_at(node + 6);
    uint64_t in_page = (flags & NODE_BIG) != 0 ? 8 : n;
    if ((uint64_t)(value - page) + in_page > w->page_size) {
        return damaged(w, u64_at(page), "has a row that leaves it");
    }
    if (kind == TREE_FREE) {
        TRY(check_free_list(w, page, node));
    }
    if ((flags & NODE_BIG) != 0) {
        return check_overflow(w, u64_at(value), n);
    }
    if ((flags & NODE_TREE) != 0) {
        struct tree tree;
        if (kind != TREE_TABLES || n != sizeof tree) {
            return damaged(w, u64_at(page), "has a table where none can be");
        }
        memcpy(&tree, value, sizeof tree);
        return walk_tree(w, &tree, TREE_ROWS, level + 1);
    }
    return ERR_OK;
}

/* Reads page `number` to its place in the path and looks at its header. */
static enum err load_page(struct walker *w, uint64_t number, size_t level, bool leaf)
{
    uint8_t *place = w->pages + level * w->page_size;
    if (!in_file(w, number, 1)) {
        return damaged(w, number, "is past the end of the file");
    }
    if (++w->n_visited > w->last_page + 1) {
        return damaged(w, number, "is reached twice");
    }
    TRY(read_at(w->path, w->fd, place, w->page_size, number * w->page_size));
    size_t lower = u16_at(place + 12);
    size_t upper = u16_at(place + 14);
    if (u64_at(place) != number ||
        u16_at(place + 10) != (leaf ? PAGE_LEAF : PAGE_BRANCH) || lower < PAGE_HEADER ||
        lower > upper || upper > w->page_size) {
        return damaged(w, number, "has a wrong header");
    }
    return ERR_OK;
}

/* Walks the page and what is below it. `height` is 1 at the leaves. */
static enum err walk_page(struct walker *w, uint64_t number, size_t height,
                          enum tree_kind kind, size_t level)
{
    if (level >= DEPTH_MAX) {
        return damaged(w, number, "is too deep");
    }
    if (height == 1 && !w->leaves && kind != TREE_TABLES) {
        return in_file(w, number, 1)
                   ? ERR_OK
                   : damaged(w, number, "is past the end of the file");
    }
    TRY(load_page(w, number, level, height == 1));
    const uint8_t *page = w->pages + level * w->page_size;
    size_t n_nodes = (u16_at(page + 12) - PAGE_HEADER) / 2;
    for (size_t i = 0; i < n_nodes; i++) {
        const uint8_t *node = node_at(w, page, i);
        if (node == NULL) {
            return damaged(w, number, "has a row that leaves it");
        }
        if (height == 1) {
            TRY(check_row(w, page, node, kind, level));
        } else {
            uint64_t child = u32_at(node) | (uint64_t)u16_at(node + 4) << 32;
            TRY(walk_page(w, child, height - 1, kind, level + 1));
        }
    }
    return ERR_OK;
}

static enum err walk_tree(struct walker *w, const struct tree *tree,
                          enum tree_kind kind, size_t level)
{
    if (tree->root == UINT64_MAX) {
        return ERR_OK;
    }
    bool whole = w->whole;
    bool leaves = w->leaves;
    /* Not as the tree that this one is a row of: the small table of tables. */
    w->whole = w->all || tree->n_leaf + tree->n_overflow / 8 <= WHOLE_WALK_PAGES;
    /* Inner pages tell where the leaves are, and only leaves where the runs are. */
    w->leaves = w->whole || (w->is_short && tree->n_overflow > 0);
    enum err result = tree->depth == 0 || tree->depth > DEPTH_MAX
                          ? damaged(w, tree->root, "is the root of an impossible tree")
                          : walk_page(w, tree->root, tree->depth, kind, level);
    w->whole = whole;
    w->leaves = leaves;
    return result;
}

static enum err walk_all(struct walker *w, const struct meta *meta)
{
    struct stat st;
    if (fstat(w->fd, &st) != 0) {
        return err_errno(errno, "%s", w->path);
    }
    w->page_size = meta->trees[0].pad;
    w->last_page = meta->last_page;
    w->file_size = (uint64_t)st.st_size;
    /* Pages that were taken and given back in one transaction are never written, so a
     * sound file may lack some at its end; whether it does, only a walk to all that may
     * name them tells. */
    w->is_short = w->file_size / w->page_size <= w->last_page;
    w->pages = alloc_array(DEPTH_MAX, w->page_size);
    if (w->pages == NULL) {
        return ERR_NOMEM;
    }
    enum err result = walk_tree(w, &meta->trees[0], TREE_FREE, 0);
    if (result == ERR_OK) {
        result = walk_tree(w, &meta->trees[1], TREE_TABLES, 0);
    }
    alloc_free(w->pages);
    return result;
}

static enum err check_trees(const char *path, MDB_txn *txn, bool whole_walk)
{
    struct walker w = {.path = path, .all = whole_walk};
    struct meta meta;
    bool whole;
    size_t page_size;
    TRY(store_check_head(path, &page_size));
    w.fd = open(path, O_RDONLY | O_CLOEXEC);
    if (w.fd < 0) {
        return err_errno(errno, "%s", path);
    }
    uint64_t txnid = mdb_txn_id(txn);
    enum err result = read_meta(path, w.fd, (txnid & 1) * page_size, &meta, &whole);
    if (result == ERR_OK && (!whole || meta.txnid != txnid)) {
        result = err_set(ERR_BUSY, "%s: a writer was quicker", path);
    }
    if (result == ERR_OK) {
        result = walk_all(&w, &meta);
    }
    close(w.fd);
    return result;
}

enum err store_check_trees(const char *path, MDB_txn *txn)
{
    return check_trees(path, txn, false);
}

enum err store_check_pages(const char *path, MDB_txn *txn)
{
    return check_trees(path, txn, true);
}
