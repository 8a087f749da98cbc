/*
 * filter_words.c - see filter_words.h.
 */
#include "db/filter_words.h"

#include "db/filter_tree.h"

static enum err bind_node(struct filter_words *w, const struct payload_indexes *indexes,
                          const struct filter_node *node)
{
    struct words *words;
    const struct payload_index *index = payload_indexes_find(indexes, &node->full);
    if (index == NULL || index->kind != DUET_INDEX_TEXT) {
        return ERR_OK;
    }
    words = arena_array(&w->arena, 1, sizeof *words);
    if (words == NULL) {
        return ERR_NOMEM;
    }
    struct bytes said = node->texts.said;
    w->items[node->texts.i] = words;
    return words_parse(words, &w->arena, &index->how, said.data, said.n);
}

enum err filter_words_bind(struct filter_words *words, const struct filter *filter,
                           const struct payload_indexes *indexes)
{
    enum err result = ERR_OK;
    *words = (struct filter_words){.items = NULL};
    words->items = arena_array(&words->arena, filter->n_texts, sizeof *words->items);
    if (words->items == NULL) {
        result = ERR_NOMEM;
    }
    for (size_t i = 0; result == ERR_OK && i < filter->n_texts; i++) {
        result = bind_node(words, indexes, filter->texts[i]);
    }
    if (result != ERR_OK) {
        filter_words_release(words);
    }
    return result;
}

void filter_words_release(struct filter_words *words)
{
    arena_release(&words->arena);
    words->items = NULL;
}
