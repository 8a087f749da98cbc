/*
 * ann_internal.h - what ann.c (build, search) and ann_file.c (save, load) share.
 */
#ifndef INDEX_ANN_INTERNAL_H
#define INDEX_ANN_INTERNAL_H

#include "index/ann.h"
#include "index/faiss_bridge.h"

/* Invariant: `index` passed ann_adopt, and nothing changes it any more. */
struct ann {
    FaissIndex *index; /* owned */
    struct ann_info info;
};

/*
 * Makes *out of a finished FAISS index, whose insides it checks. Takes `index` over,
 * also where it fails: ERR_CORRUPT with a sentence, ERR_NOMEM, ERR_INTERNAL.
 */
enum err ann_adopt(struct ann **out, FaissIndex *index, uint64_t generation) ERR_CHECK;

/* The border: what a call of FAISS returned, as ERR_OK, ERR_NOMEM, or `code` for all
 * its other complaints. Its text, full of C++ signatures, is cut to its readable end.
 */
enum err ann_faiss_result(int returned, enum err code, const char *doing) ERR_CHECK;

#endif
