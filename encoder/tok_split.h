/*
 * tok_split.h - the "pre_tokenizer" of tokenizer.json: steps that cut a text into
 * pieces, and at times rewrite those.
 *
 * Read-only once built; each thread brings its own pieces and clock.
 */
#ifndef ENCODER_TOK_SPLIT_H
#define ENCODER_TOK_SPLIT_H

#include <stdbool.h>

#include "encoder/tok_regex.h"
#include "encoder/tok_text.h"

/* A part of the text: either to be encoded, or a token already. */
struct tok_piece {
    size_t begin, end; /* within the bytes of tok_pieces */
    uint32_t shift;    /* where in the original it begins */
    int32_t id;        /* TOK_NONE: to be encoded */
};

struct tok_pieces {
    struct tok_text text;
    struct tok_piece *items; /* [n] in order; none to be encoded is empty */
    size_t n, capacity;
};

void tok_pieces_release(struct tok_pieces *p);

/* Empties both; keeps their memory. */
void tok_pieces_clear(struct tok_pieces *p);

/* Appends a piece over bytes that are there; an empty one that is no token is left
 * out. */
enum err tok_pieces_add(struct tok_pieces *p, struct tok_piece piece) ERR_CHECK;

enum tok_splitter_kind {
    TOK_SPLIT_REGEX,
    TOK_SPLIT_LITERAL,
    TOK_SPLIT_SPACE,       /* every white-space character */
    TOK_SPLIT_PUNCTUATION, /* every one that BERT counts as punctuation */
    TOK_SPLIT_DIGIT,       /* every number */
    TOK_SPLIT_WORDS,       /* runs of \w and of what is neither \w nor white space */
    TOK_SPLIT_METASPACE,
    TOK_SPLIT_BYTES /* GPT-2's: a regex if there is one, then bytes as characters */
};

/* What becomes of the matches. */
enum tok_split_behaviour {
    TOK_REMOVED,
    TOK_ISOLATED,
    TOK_MERGED_WITH_PREVIOUS,
    TOK_MERGED_WITH_NEXT,
    TOK_CONTIGUOUS
};

enum tok_prefix_scheme { TOK_PREFIX_NEVER, TOK_PREFIX_FIRST, TOK_PREFIX_ALWAYS };

struct tok_splitter {
    enum tok_splitter_kind kind;
    enum tok_split_behaviour behaviour;
    bool invert; /* the matches are what is kept, the rest is what `behaviour` is for */
    struct tok_regex *regex; /* owned; NULL of a BYTES that does not split */
    char *literal; /* [n_literal], owned; METASPACE: what stands for a space */
    size_t n_literal;
    enum tok_prefix_scheme scheme; /* METASPACE, BYTES: a space before the piece */
    bool split;                    /* METASPACE: cut before every replacement */
};

/* Frees what one step owns. */
void tok_splitter_release(struct tok_splitter *step);

/*
 * Runs steps[n] over `pieces`; `other` is scratch. ERR_MODEL: a regex passes its
 * limits. ERR_LIMIT: the pieces grow past LIMIT_TOKENIZER_TEXT_BYTES.
 */
enum err tok_split(const struct tok_splitter *steps, size_t n,
                   struct tok_pieces *pieces, struct tok_pieces *other,
                   struct tok_clock *clock) ERR_CHECK;

#endif
