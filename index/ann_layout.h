/*
 * ann_layout.h - whether the bytes of a saved index are laid out so that FAISS's reader
 * can be let at them.
 *
 * The reader of 1.7.3 believes what it reads: a count makes it ask for that much
 * memory, a zero makes it divide by it, and when it gives up it frees nothing. Bytes
 * that pass this check hold nothing of the kind. What they say, that is the numbers
 * inside tables, is looked at afterwards by faiss_bridge_inspect.
 *
 * A pure function: any thread.
 */
#ifndef INDEX_ANN_LAYOUT_H
#define INDEX_ANN_LAYOUT_H

#include "index/ann.h"

/* Walks payload[0, n_bytes), which should be an index of this kind, dim and number of
 * slots and nothing else. ERR_CORRUPT where it is not. */
enum err ann_layout_check(const void *payload, size_t n_bytes,
                          const struct ann_info *expected) ERR_CHECK;

#endif
