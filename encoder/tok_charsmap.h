/*
 * tok_charsmap.h - SentencePiece's "precompiled_charsmap": a double-array trie from
 * byte strings to places in one text of replacements. Read-only once open.
 */
#ifndef ENCODER_TOK_CHARSMAP_H
#define ENCODER_TOK_CHARSMAP_H

#include <stdint.h>

#include "base/error.h"

struct tok_charsmap;

/* Decodes base64[n]. ERR_MODEL: not base64, cut short, not UTF-8, or a trie that leads
 * out of itself. */
enum err tok_charsmap_open(struct tok_charsmap **out, const char *base64, size_t n)
    ERR_CHECK;
void tok_charsmap_close(struct tok_charsmap *map);

/*
 * What to put in place of key[n]: the replacement of its shortest prefix that has one,
 * which then stands for all of the key. (SentencePiece takes the longest prefix and
 * goes on behind it; the reference does as said here, and so its ids.) Borrowed;
 * *n_bytes may be 0. NULL where no prefix has one.
 */
const char *tok_charsmap_find(const struct tok_charsmap *map, const char *key, size_t n,
                              size_t *n_bytes);

#endif
