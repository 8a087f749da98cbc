/*
 * tok_wordpiece.h - BERT's text cleaning and WordPiece, in one pass.
 *
 * Controls are dropped, white space unified, CJK ideographs set apart, lower case and
 * stripped accents (NFD) made if wanted, punctuation split, and the words cut greedily
 * into the longest pieces of the vocabulary; a word of over 100 characters is unknown.
 *
 * The reference is BertTokenizerFast (Hugging Face tokenizers 0.23), not the older
 * BertTokenizer in Python: they differ on unassigned characters and on the category of
 * those younger than Unicode 8, which tok_chars.c treats.
 *
 * Read-only once open.
 */
#ifndef ENCODER_TOK_WORDPIECE_H
#define ENCODER_TOK_WORDPIECE_H

#include "base/file.h"
#include "encoder/tok_out.h"
#include "encoder/tok_vocab.h"

struct tok_wordpiece;

/* Takes over the map of a vocab.txt, one token a line, also where it fails (it is closed
 * then). Of a token that is there twice, the later line counts, as in the reference.
 * ERR_MODEL: there is no `unknown`. Some 1 ms for 30,000 tokens. */
enum err tok_wordpiece_open_lines(struct tok_wordpiece **out, struct file_map *lines,
                                  const char *unknown, bool lower_case) ERR_CHECK;

/* The same of a sealed vocabulary, taken over also where it fails. */
enum err tok_wordpiece_open(struct tok_wordpiece **out, struct tok_vocab *vocab,
                            const char *unknown, bool lower_case) ERR_CHECK;

void tok_wordpiece_close(struct tok_wordpiece *model);

/* How many ids there are, and the id of a token written out, or TOK_NONE. */
size_t tok_wordpiece_size(const struct tok_wordpiece *model);
int32_t tok_wordpiece_find(const struct tok_wordpiece *model, const char *token,
                           size_t n);

/* Appends the ids of text[n], well-formed UTF-8. Allocates nothing. */
void tok_wordpiece_encode(const struct tok_wordpiece *model, const char *text, size_t n,
                          struct tok_out *out);

#endif
