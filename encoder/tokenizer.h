/*
 * tokenizer.h - BERT's WordPiece: text into the ids that the reference gives.
 *
 *     struct tok *tok;
 *     TRY(tok_open(&tok, "vocab-en.txt", true));
 *     int32_t ids[128];
 *     size_t n_ids;
 *     bool truncated;
 *     TRY_OUT(tok_encode(tok, text, n, ids, 128, &n_ids, &truncated));
 *
 * Controls are dropped, white space unified, CJK ideographs set apart, lower case and
 * stripped accents (NFD) made if wanted, punctuation split, and the words cut greedily
 * into the longest pieces of the vocabulary; a word of over 100 characters is [UNK].
 *
 * The reference is BertTokenizerFast (Hugging Face tokenizers 0.23), not the older
 * BertTokenizer in Python: they differ on unassigned characters and on the category of
 * those younger than Unicode 8, which tok_chars.c treats. As there, the five special
 * tokens written out in a text ("[SEP]") become their own ids.
 *
 * Threads: read-only once open; any number of threads.
 */
#ifndef ENCODER_TOKENIZER_H
#define ENCODER_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct tok;

/* Maps a vocabulary: one token a line, its id the line's number from 0. It must have
 * [UNK], [CLS] and [SEP]. ERR_MODEL says what is wrong. Some 1 ms for 30,000 tokens. */
enum err tok_open(struct tok **out, const char *path, bool lower_case) ERR_CHECK;
void tok_close(struct tok *tok);

size_t tok_vocabulary_size(const struct tok *tok);

/*
 * The ids of text[n], UTF-8, with [CLS] before and [SEP] behind, into ids[max]; max
 * >= 2. *n_ids says how many; *truncated whether the text had more than fit (then the
 * first max - 2 are there). ERR_INVALID: not UTF-8. Ill-formed text writes nothing.
 */
enum err tok_encode(const struct tok *tok, const char *text, size_t n, int32_t *ids,
                    size_t max, size_t *n_ids, bool *truncated) ERR_CHECK;

#endif
