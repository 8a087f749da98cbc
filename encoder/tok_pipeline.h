/*
 * tok_pipeline.h - what is inside a struct tok: built by tok_json.c and tokenizer.c,
 * run by tokenizer.c. Nobody else includes this.
 */
#ifndef ENCODER_TOK_PIPELINE_H
#define ENCODER_TOK_PIPELINE_H

#include "base/limits.h"
#include "encoder/tok_added.h"
#include "encoder/tok_bpe.h"
#include "encoder/tok_normalize.h"
#include "encoder/tok_split.h"
#include "encoder/tok_unigram.h"
#include "encoder/tok_wordpiece.h"

/* Special tokens on one side of a text. */
struct tok_side {
    int32_t ids[LIMIT_TOKENIZER_SPECIAL];
    size_t n;
};

/* Exactly one of the models is there. WordPiece brings its own cleaning, and has neither
 * normalizers nor splitters. */
struct tok {
    struct tok_wordpiece *wordpiece;
    struct tok_bpe *bpe;
    struct tok_unigram *unigram;
    struct tok_added names;      /* every added token as it is written; for tok_find */
    struct tok_added raw;        /* those looked for in the text as it came */
    struct tok_added normalized; /* and those in the normalized one */
    struct tok_normalizer normalizers[LIMIT_TOKENIZER_STEPS];
    size_t n_normalizers;
    struct tok_splitter splitters[LIMIT_TOKENIZER_STEPS];
    size_t n_splitters;
    struct tok_side before, after;
    size_t n_ids; /* one past the greatest */
};

/* An empty one; NULL if short of memory. Closed by tok_close. */
struct tok *tok_new(void);

/* The model's id of a token written out, or TOK_NONE; added tokens do not count. */
int32_t tok_model_find(const struct tok *tok, const char *token, size_t n);
size_t tok_model_size(const struct tok *tok);

/* Adds to `names` a token as written; its id is the model's, or the next free one.
 * Of one that is there already the flags change. */
enum err tok_add_name(struct tok *tok, const char *token, size_t n,
                      struct tok_added_token *flags) ERR_CHECK;

/* Ends the building: sorts `names` into `raw` and `normalized`, counts the ids, and
 * checks those of the template. */
enum err tok_finish(struct tok *tok) ERR_CHECK;

#endif
