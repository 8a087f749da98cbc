/*
 * tok_json.h - reads parts of tokenizer.json into a struct tok. Private to the
 * tokenizer: tok_json.c reads the file, tok_json_steps.c normalizers and pre-tokenizers,
 * tok_json_model.c the models.
 */
#ifndef ENCODER_TOK_JSON_H
#define ENCODER_TOK_JSON_H

#include "base/json.h"
#include "base/json_reader.h"
#include "encoder/tok_pipeline.h"

/* An object with some members left unread, because they are large. */
struct tok_members {
    struct json_object *small; /* the others; json_object_put */
    struct json_span large[2]; /* by the names given; text NULL where there is none */
};

/* Reads the object at `span`; `large` names the members to leave, NULL: none. The
 * caller puts `small`. ERR_INVALID where it is no object. */
enum err tok_members_read(struct tok_members *out, struct json_span span,
                          const char *const large[2]) ERR_CHECK;

/* The member `key`, a string with its length. ERR_MODEL. */
enum err tok_json_text(struct json_object *object, const char *key, const char **text,
                       size_t *n) ERR_CHECK;

/* The member `key`, `missing` where there is none or null. ERR_MODEL. */
enum err tok_json_flag(struct json_object *object, const char *key, bool missing,
                       bool *out) ERR_CHECK;

/* Append the steps of "normalizer" and of "pre_tokenizer"; NULL: none. ERR_UNSUPPORTED
 * names what is not known. */
enum err tok_json_normalizer(struct tok *tok, struct json_object *value) ERR_CHECK;
enum err tok_json_pre_tokenizer(struct tok *tok, struct json_object *value) ERR_CHECK;

/* Appends one step with a pattern of its own, as CLIP's pair of files needs. */
enum err tok_add_normalizer(struct tok *tok, enum tok_normalizer_kind kind,
                            struct tok_normalizer **out) ERR_CHECK;
enum err tok_add_splitter(struct tok *tok, enum tok_splitter_kind kind,
                          struct tok_splitter **out) ERR_CHECK;
extern const char tok_gpt2_regex[]; /* ByteLevel's own */

/* Reads "model" at `span`. `bert_lower_case` is for WordPiece: what its BertNormalizer
 * says; ERR_UNSUPPORTED where `bert` is false then. */
enum err tok_json_model(struct tok *tok, struct json_span span, bool bert,
                        bool bert_lower_case) ERR_CHECK;

/* Reads {"token": id}, and adds merges "a b" from lines or from a JSON array. */
enum err tok_json_vocab(struct tok_vocab *vocab, struct json_span span) ERR_CHECK;
enum err tok_bpe_add_merge_line(struct tok_bpe *bpe, const char *line, size_t n)
    ERR_CHECK;

#endif
