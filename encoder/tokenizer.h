/*
 * tokenizer.h - a text into the ids that the reference gives, for every kind of
 * tokenizer that the CLIP families have.
 *
 *     struct tok *tok;
 *     TRY(tok_open_json(&tok, "tokenizer.json", false));
 *     int32_t ids[77];
 *     size_t n_ids;
 *     bool truncated;
 *     TRY_OUT(tok_encode(tok, text, n, ids, 77, &n_ids, &truncated));
 *     ...
 *     tok_close(tok);
 *
 * The kinds: BERT's WordPiece (tok_wordpiece.h; the default model, Chinese-CLIP), byte-
 * level BPE (CLIP), BPE with byte fallback (Gemma's, of SigLIP 2) and SentencePiece's
 * unigram model (SigLIP). A tokenizer.json is a pipeline: added tokens are cut out of
 * the text (tok_added.h), the rest is normalized (tok_normalize.h), cut into pieces
 * (tok_split.h), and each piece encoded by the model; a template puts special tokens
 * around. What the pipeline may hold is what the headers named here list; anything else
 * is refused by name, never left out.
 *
 * The reference is Hugging Face tokenizers 0.23. It knows Unicode 17 (and 9 in its
 * normal forms, as here), utf8proc 2.8 knows 15 and Oniguruma 6.9.8 knows 14: letters
 * and numbers assigned since are neither in a pattern, and keep their case.
 *
 * transformers' SiglipTokenizer reads no tokenizer.json but SentencePiece's own model.
 * On ordinary text the ids are the same; they are others where the charsmap's longest
 * prefix, which SentencePiece takes, is not its shortest (decomposed letters, half-width
 * kana with their marks), behind a final sigma, and for special tokens written out.
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

/*
 * Maps BERT's vocab.txt: one token a line, its id the line's number from 0. It must have
 * [UNK], [CLS] and [SEP]; these, [PAD] and [MASK] written out in a text become their own
 * ids. ERR_MODEL says what is wrong. Some 1 ms for 30,000 tokens.
 */
enum err tok_open(struct tok **out, const char *vocab_path, bool lower_case) ERR_CHECK;

/*
 * Reads the tokenizer.json of Hugging Face tokenizers; its "truncation" and "padding"
 * are left to the caller. With `lower_case` the text is lower-cased before the file's
 * own normalizers, as transformers does for SigLIP 2. ERR_MODEL: what is wrong with the
 * file; ERR_UNSUPPORTED: the component that is not known here. Gemma's 256,000 tokens
 * and 580,000 merges take some 0.5 s of processor time and keep 18 MB.
 */
enum err tok_open_json(struct tok **out, const char *tokenizer_json_path,
                       bool lower_case) ERR_CHECK;

/* Reads CLIP's older pair, vocab.json and merges.txt, into the pipeline that
 * transformers' CLIPTokenizer builds for it. The same errors. */
enum err tok_open_bpe(struct tok **out, const char *vocab_json_path,
                      const char *merges_path) ERR_CHECK;

/* Accepts NULL. */
void tok_close(struct tok *tok);

/* One past the greatest id. */
size_t tok_vocabulary_size(const struct tok *tok);

/* The id of a token written out, "<pad>" or "dog</w>", in *id. ERR_NOT_FOUND leaves it
 * as it was. */
enum err tok_find(const struct tok *tok, const char *token, int32_t *id) ERR_CHECK;

/* How many special tokens the template puts around a text: a text with no more ids than
 * that is empty to the model. */
size_t tok_n_special(const struct tok *tok);

/*
 * The ids of text[n], UTF-8, special tokens included, into ids[max]; max is at least
 * tok_n_special. *n_ids says how many; *truncated whether the text had more than fit:
 * then its first max - tok_n_special ids are there, and the special tokens around them.
 * ERR_INVALID: not UTF-8, or no room. ERR_MODEL: a character that the vocabulary can
 * not spell, or a regex that costs too much. ERR_LIMIT, ERR_NOMEM. After an error
 * *n_ids and *truncated are as they were; of ill-formed text `ids` too.
 */
enum err tok_encode(const struct tok *tok, const char *text, size_t n, int32_t *ids,
                    size_t max, size_t *n_ids, bool *truncated) ERR_CHECK;

#endif
