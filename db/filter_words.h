/*
 * filter_words.h - the words of a filter's texts as the text indexes of a collection tell
 * words apart.
 *
 *     struct filter_words words;
 *     TRY(filter_words_bind(&words, filter, &indexes));
 *     struct filter_point point = {id, collection, record, &words};
 *     ...
 *     filter_words_release(&words);
 *
 * A condition on a field that has a text index means the words of that index's tokenizer,
 * whether its rows are there or not, used or not. Does not change once it is there: any
 * number of threads may ask by it.
 */
#ifndef DB_FILTER_WORDS_H
#define DB_FILTER_WORDS_H

#include "base/arena.h"
#include "db/filter.h"
#include "db/payload_index.h"
#include "db/words.h"

struct filter_words {
    struct arena arena;
    const struct words **items; /* by the number of a text's condition; NULL: as without
                                   an index */
};

/* `filter` is borrowed as long. ERR_LIMIT: a text has too many words; ERR_NOMEM. On
 * failure there is nothing to release. */
enum err filter_words_bind(struct filter_words *words, const struct filter *filter,
                           const struct payload_indexes *indexes) ERR_CHECK;

/* Accepts a zeroed one. */
void filter_words_release(struct filter_words *words);

#endif
