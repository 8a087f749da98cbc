/*
 * tok_added.h - the "added_tokens" of tokenizer.json: strings that become their own ids
 * wherever they stand in a text, before anything else looks at it.
 *
 * Those that are not "normalized" are looked for in the text as it came, the others in
 * what the normalizers made of it (and there by what these make of the token).
 *
 * Built, then sealed; read-only from then on.
 */
#ifndef ENCODER_TOK_ADDED_H
#define ENCODER_TOK_ADDED_H

#include "encoder/tok_prefix.h"
#include "encoder/tok_split.h"

struct tok_added_token {
    int32_t id;
    bool single_word;    /* only where no letter stands beside it */
    bool lstrip, rstrip; /* takes the white space on that side along */
    bool normalized;     /* is looked for in the normalized text */
};

/* The tokens of one of the two kinds. */
struct tok_added {
    struct buf bytes;              /* of what is looked for */
    struct tok_span *spans;        /* [n] */
    struct tok_added_token *items; /* [n] */
    size_t n, capacity;
    struct tok_prefix set; /* once sealed */
};

void tok_added_init(struct tok_added *added);
void tok_added_release(struct tok_added *added);

/* Adds a token that is looked for as text[n]. ERR_MODEL: the text is empty, or
 * longer than LIMIT_TOKEN_BYTES. */
enum err tok_added_add(struct tok_added *added, const char *text, size_t n,
                       struct tok_added_token token) ERR_CHECK;

/* ERR_MODEL: two tokens look alike. */
enum err tok_added_seal(struct tok_added *added) ERR_CHECK;

/* One token found: text[begin..end]. Zeroed before the first. */
struct tok_found {
    size_t begin, end;
    size_t next;       /* where the search goes on */
    size_t spaces_end; /* of the white space last skipped */
    int32_t id;
};

/* The next token of `text`, of which only the bytes count; leftmost first, of those the
 * longest. False behind the last one. */
bool tok_added_next(const struct tok_added *added, const struct tok_text *text,
                    struct tok_found *found);

/* Appends `text` to `out`, cut at the tokens found. */
enum err tok_added_split(const struct tok_added *added, const struct tok_text *text,
                         struct tok_pieces *out) ERR_CHECK;

#endif
