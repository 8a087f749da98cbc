/*
 * filter_leaf.h - one condition of a filter as runs of an index's rows.
 *
 *     struct filter_leaf leaf;
 *     if (filter_leaf_open(&leaf, &in, node, word)) {
 *         TRY(filter_leaf_find(&leaf, &in, SIZE_MAX, &ids, &n));
 *     }
 *
 * Every point that passes the condition is among the points of those rows. Where the
 * leaf is `exact` no others are. Threads: as the transaction's.
 */
#ifndef DB_FILTER_LEAF_H
#define DB_FILTER_LEAF_H

#include "db/filter_tree.h"
#include "db/filter_words.h"
#include "db/id_set.h"
#include "db/payload_terms.h"

/* Where a filter is asked. All borrowed. */
struct filter_in {
    struct txn *txn;
    const struct record_collection *collection;
    const struct payload_indexes *indexes;
    const struct filter_words *words;
    /* Within a nested filter, whose conditions are asked of one element: that an index has
     * a point says that some element of it meets the condition, and not that all do. */
    bool nested;
};

enum { FILTER_LEAF_CELLS = 256 };

struct filter_leaf {
    const struct filter_node *node;
    const struct payload_index *index;
    const struct words *words; /* of a condition on a text */
    size_t word;               /* which of them */
    size_t n_runs;
    bool exact;
    struct filter_leaf_cells {
        uint64_t first, last;
    } cells[FILTER_LEAF_CELLS]; /* [n_runs], of one on places */
};

/* False where no index that is ready can answer the condition. Of one on a text that is
 * its `word`-th word alone; else 0. */
bool filter_leaf_open(struct filter_leaf *leaf, const struct filter_in *in,
                      const struct filter_node *node, size_t word);

/* The words that a condition on a text has in a collection. */
const struct words *filter_leaf_words(const struct filter_in *in,
                                      const struct filter_node *node);

/*
 * Adds the ids to `out` (NULL: they are only counted). Stops after `enough` rows; *n is
 * how many were looked at, and one for each run, so that it bounds the work too.
 */
enum err filter_leaf_find(const struct filter_leaf *leaf, const struct filter_in *in,
                          size_t enough, struct id_set *out, size_t *n) ERR_CHECK;

#endif
