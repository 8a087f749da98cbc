/*
 * store_check.h - is this data.mdb one that LMDB can be trusted with?
 *
 * LMDB reads its file through a map and believes what it finds: on a file that was cut
 * short or overwritten it would die by a signal. So a database is looked over before it
 * is used: first its two head pages (store_check_head, without LMDB), then, under a
 * reading transaction that keeps its pages from being reused, the trees of pages
 * themselves (store_check_trees).
 *
 * The trees are walked whole where they are small; of large ones only the inner pages are
 * read, one in a hundred, so that opening stays quick, and where the file is shorter than
 * its head says also the leaves that name runs of pages. What that leaves undetected: bytes overwritten in the rows of a
 * large file, and in the vectors of any.
 */
#ifndef DB_STORE_CHECK_H
#define DB_STORE_CHECK_H

#include <lmdb.h>
#include <stddef.h>

#include "base/error.h"

/* Looks at the head of `path`. ERR_NOT_FOUND; ERR_CORRUPT; ERR_VERSION for a file of
 * another LMDB format; ERR_IO. *page_size is that of the file. */
enum err store_check_head(const char *path, size_t *page_size) ERR_CHECK;

/* Walks the trees as the open transaction sees them. ERR_CORRUPT says where it found
 * what; ERR_BUSY: a writer was too quick for us, begin another transaction. */
enum err store_check_trees(const char *path, MDB_txn *txn) ERR_CHECK;

/* The same, every page of every tree however large the file is. */
enum err store_check_pages(const char *path, MDB_txn *txn) ERR_CHECK;

#endif
