/*
 * tokenizer.h - BERT's WordPiece: text into the ids that the reference gives.
 *
 * Follows BertTokenizer of Hugging Face transformers (BasicTokenizer, then greedy
 * longest-match WordPiece): controls dropped, white space unified, CJK characters set
 * apart, lower case and accents stripped (NFD), punctuation split, words over 100
 * characters are [UNK].
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

/* Reads a vocabulary: one token a line, its id the line's number from 0. It must have
 * [UNK], [CLS] and [SEP]. ERR_MODEL says what is wrong. */
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
