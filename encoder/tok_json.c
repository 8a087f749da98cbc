/*
 * tok_json.c - tokenizer.json, and CLIP's pair of vocab.json and merges.txt: see
 * tok_json.h and tokenizer.h.
 */
#include "encoder/tok_json.h"

#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "encoder/model_file.h"
#include "encoder/tokenizer.h"

/* Members. */

static enum err add_small(struct json_object *small, const char *key,
                          struct json_span span)
{
    struct json_object *value;
    TRY(json_parse(&value, span.text, span.n));
    if (json_object_object_add(small, key, value) != 0) {
        json_object_put(value);
        return err_set(ERR_NOMEM, "out of memory");
    }
    return ERR_OK;
}

static bool is_null(struct json_span span)
{
    return span.n == 4 && memcmp(span.text, "null", 4) == 0;
}

static enum err read_members(struct tok_members *out, struct json_reader *r,
                             struct buf *key, const char *const large[2])
{
    TRY(json_reader_open(r, '{'));
    for (size_t i = 0;; i++) {
        bool more;
        struct json_span span;
        TRY(json_reader_more(r, '}', i, &more));
        if (!more) {
            return json_reader_end(r);
        }
        TRY(json_reader_key(r, key));
        TRY(json_reader_skip(r, &span));
        int which = strcmp(key->data, large[0]) == 0   ? 0
                    : strcmp(key->data, large[1]) == 0 ? 1
                                                       : -1;
        if (which < 0) {
            TRY(add_small(out->small, key->data, span));
        } else if (!is_null(span)) {
            out->large[which] = span;
        }
    }
}

enum err tok_members_read(struct tok_members *out, struct json_span span,
                          const char *const large[2])
{
    struct json_reader r;
    struct buf key;
    *out = (struct tok_members){.small = json_object_new_object()};
    FAIL_IF(out->small == NULL, ERR_NOMEM, "out of memory");
    buf_init(&key, LIMIT_MODEL_VOCABULARY_BYTES);
    json_reader_init(&r, span.text, span.n);
    enum err result = read_members(out, &r, &key, large);
    buf_release(&key);
    if (result != ERR_OK) {
        json_object_put(out->small);
        out->small = NULL;
    }
    return result;
}

/* The template. */

static enum err add_special(struct tok_side *side, struct json_object *id)
{
    FAIL_IF(!json_object_is_type(id, json_type_int) || json_object_get_int64(id) < 0 ||
                json_object_get_int64(id) >= LIMIT_MODEL_TOKENS,
            ERR_MODEL, "the id of a special token must be a whole number, 0 or more");
    FAIL_IF(side->n == LIMIT_TOKENIZER_SPECIAL, ERR_MODEL,
            "more than %d special tokens on one side", LIMIT_TOKENIZER_SPECIAL);
    side->ids[side->n] = json_object_get_int(id);
    side->n++;
    return ERR_OK;
}

/* One piece of TemplateProcessing; *side is the one that special tokens go to. */
static enum err read_template_piece(struct tok *tok, struct json_object *processor,
                                    struct json_object *piece, struct tok_side **side)
{
    const char *name;
    struct json_object *sequence = json_get(piece, "Sequence");
    if (sequence != NULL) {
        TRY(json_get_string(sequence, "id", &name));
        FAIL_IF(strcmp(name, "A") != 0, ERR_MODEL, "a template with the sequence %.40s",
                name);
        FAIL_IF(*side == &tok->after, ERR_UNSUPPORTED,
                "a template with its sequence twice is not supported");
        *side = &tok->after;
        return ERR_OK;
    }
    TRY(json_get_string(json_get(piece, "SpecialToken"), "id", &name));
    struct json_object *token = json_get(json_get(processor, "special_tokens"), name);
    struct json_object *ids = json_get(token, "ids");
    FAIL_IF(!json_object_is_type(ids, json_type_array), ERR_MODEL,
            "the template's %.40s is not among its special tokens", name);
    for (size_t i = 0; i < json_object_array_length(ids); i++) {
        TRY(add_special(*side, json_object_array_get_idx(ids, i)));
    }
    return ERR_OK;
}

static enum err read_template(struct tok *tok, struct json_object *processor)
{
    struct tok_side *side = &tok->before;
    struct json_object *single = json_get(processor, "single");
    FAIL_IF(!json_object_is_type(single, json_type_array), ERR_MODEL,
            "a template without \"single\"");
    for (size_t i = 0; i < json_object_array_length(single); i++) {
        TRY(read_template_piece(tok, processor, json_object_array_get_idx(single, i),
                                &side));
    }
    FAIL_IF(side == &tok->before, ERR_UNSUPPORTED,
            "a template without its sequence is not supported");
    return ERR_OK;
}

/* Bert- and RobertaProcessing: "cls": ["<s>", 0], "sep": ["</s>", 2]. */
static enum err read_pair(struct tok *tok, struct json_object *processor)
{
    struct json_object *cls = json_get(processor, "cls");
    struct json_object *sep = json_get(processor, "sep");
    FAIL_IF(!json_object_is_type(cls, json_type_array) ||
                !json_object_is_type(sep, json_type_array),
            ERR_MODEL, "a post-processor without \"cls\" and \"sep\"");
    TRY(add_special(&tok->before, json_object_array_get_idx(cls, 1)));
    return add_special(&tok->after, json_object_array_get_idx(sep, 1));
}

static enum err read_post_processor(struct tok *tok, struct json_object *value,
                                    bool *done)
{
    const char *type;
    TRY(json_get_string(value, "type", &type));
    if (strcmp(type, "ByteLevel") == 0) { /* only moves offsets */
        return ERR_OK;
    }
    if (strcmp(type, "Sequence") == 0) {
        struct json_object *parts = json_get(value, "processors");
        FAIL_IF(!json_object_is_type(parts, json_type_array), ERR_MODEL,
                "a Sequence without \"processors\"");
        for (size_t i = 0; i < json_object_array_length(parts); i++) {
            TRY(read_post_processor(tok, json_object_array_get_idx(parts, i), done));
        }
        return ERR_OK;
    }
    FAIL_IF(*done, ERR_UNSUPPORTED, "more than one template is not supported");
    *done = true;
    if (strcmp(type, "TemplateProcessing") == 0) {
        return read_template(tok, value);
    }
    FAIL_IF(strcmp(type, "RobertaProcessing") != 0 &&
                strcmp(type, "BertProcessing") != 0,
            ERR_UNSUPPORTED, "the post-processor \"%.40s\" is not supported", type);
    return read_pair(tok, value);
}

/* Added tokens. */

static enum err read_added_token(struct tok *tok, struct json_object *value)
{
    const char *text;
    size_t n, id;
    bool special;
    struct tok_added_token flags;
    TRY(tok_json_text(value, "content", &text, &n));
    TRY(json_get_size(value, "id", &id));
    TRY(json_get_bool(value, "single_word", &flags.single_word));
    TRY(json_get_bool(value, "lstrip", &flags.lstrip));
    TRY(json_get_bool(value, "rstrip", &flags.rstrip));
    TRY(json_get_bool(value, "normalized", &flags.normalized));
    TRY(json_get_bool(value, "special", &special));
    FAIL_IF(n == 0, ERR_MODEL, "an added token that is empty");
    FAIL_IF(flags.normalized && tok->wordpiece != NULL, ERR_UNSUPPORTED,
            "WordPiece with the normalized token \"%.40s\" is not supported", text);
    TRY(tok_add_name(tok, text, n, &flags));
    FAIL_IF((size_t)flags.id != id, ERR_MODEL,
            "the added token \"%.40s\" says id %zu where it has %d", text, id,
            flags.id);
    return ERR_OK;
}

static enum err read_added_tokens(struct tok *tok, struct json_object *tokens)
{
    tok->n_ids = tok_model_size(tok);
    if (tokens == NULL) {
        return ERR_OK;
    }
    FAIL_IF(!json_object_is_type(tokens, json_type_array), ERR_MODEL,
            "\"added_tokens\" must be an array");
    for (size_t i = 0; i < json_object_array_length(tokens); i++) {
        TRY(read_added_token(tok, json_object_array_get_idx(tokens, i)));
    }
    return ERR_OK;
}

/* The file. */

static bool has_type(struct json_object *value, const char *type)
{
    const char *found;
    return json_get_string(value, "type", &found) == ERR_OK && strcmp(found, type) == 0;
}

/* BERT's pair of steps is one with the WordPiece code; no half of it goes elsewhere. */
static enum err read_bert(struct json_object *normalizer, bool *lower_case)
{
    bool clean, chinese, strip;
    TRY(json_get_bool(normalizer, "clean_text", &clean));
    TRY(json_get_bool(normalizer, "handle_chinese_chars", &chinese));
    TRY(json_get_bool(normalizer, "lowercase", lower_case));
    TRY(tok_json_flag(normalizer, "strip_accents", *lower_case, &strip));
    FAIL_IF(!clean || !chinese || strip != *lower_case, ERR_UNSUPPORTED,
            "BertNormalizer with these options is not supported");
    return ERR_OK;
}

static enum err read_steps(struct tok *tok, struct json_object *file, bool lower_case,
                           bool *bert, bool *bert_lower_case)
{
    struct json_object *normalizer = json_get(file, "normalizer");
    struct json_object *pre_tokenizer = json_get(file, "pre_tokenizer");
    struct tok_normalizer *step = NULL;
    *bert = has_type(normalizer, "BertNormalizer") &&
            has_type(pre_tokenizer, "BertPreTokenizer");
    if (*bert) {
        TRY(read_bert(normalizer, bert_lower_case));
        FAIL_IF(lower_case && !*bert_lower_case, ERR_UNSUPPORTED,
                "lower case before a cased BertNormalizer is not supported");
        return ERR_OK;
    }
    if (lower_case) {
        TRY(tok_add_normalizer(tok, TOK_LOWERCASE, &step));
    }
    TRY(tok_json_normalizer(tok, normalizer));
    return tok_json_pre_tokenizer(tok, pre_tokenizer);
}

static enum err check_version(struct json_object *file)
{
    const char *version = "1.0";
    if (json_get(file, "version") != NULL) {
        TRY(json_get_string(file, "version", &version));
    }
    FAIL_IF(strcmp(version, "1.0") != 0, ERR_UNSUPPORTED,
            "the version %.40s is not supported", version);
    return ERR_OK;
}

static enum err read_parts(struct tok *tok, const struct tok_members *file,
                           bool lower_case)
{
    bool bert, bert_lower_case = false, done = false;
    struct json_object *processor = json_get(file->small, "post_processor");
    FAIL_IF(file->large[0].text == NULL, ERR_MODEL, "it has no \"model\"");
    TRY(check_version(file->small));
    TRY(read_steps(tok, file->small, lower_case, &bert, &bert_lower_case));
    TRY(tok_json_model(tok, file->large[0], bert, bert_lower_case));
    TRY(read_added_tokens(tok, json_get(file->small, "added_tokens")));
    if (processor != NULL) {
        TRY(read_post_processor(tok, processor, &done));
    }
    return tok_finish(tok);
}

static enum err read_file(struct tok *tok, const struct file_map *map, bool lower_case)
{
    static const char *const large[2] = {"model", "decoder"};
    struct json_span span = {(const char *)map->data, map->size};
    struct tok_members file;
    FAIL_IF(map->size > LIMIT_MODEL_VOCABULARY_BYTES, ERR_MODEL,
            "a tokenizer of %zu bytes", map->size);
    FAIL_IF(!utf8_valid(span.text, span.n), ERR_MODEL, "it is not UTF-8");
    TRY(tok_members_read(&file, span, large));
    enum err result = read_parts(tok, &file, lower_case);
    json_object_put(file.small);
    return result;
}

/* What is wrong with a file of a model is the model's fault, whatever reader found it;
 * the sentence begins with the path. */
static enum err as_model_error(enum err result, const char *path)
{
    bool of_file = result == ERR_INVALID || result == ERR_LIMIT;
    return err_prefix(of_file ? ERR_MODEL : result, "%s", path);
}

enum err tok_open_json(struct tok **out, const char *tokenizer_json_path,
                       bool lower_case)
{
    struct file_map map;
    *out = NULL;
    TRY(model_file_map(&map, tokenizer_json_path));
    struct tok *tok = tok_new();
    enum err result = tok == NULL ? ERR_NOMEM : read_file(tok, &map, lower_case);
    file_map_close(&map);
    if (result != ERR_OK) {
        tok_close(tok);
        return as_model_error(result, tokenizer_json_path);
    }
    *out = tok;
    return ERR_OK;
}

/* CLIP's pair of files. */

/* The special tokens are cut out before; in upper case they come this far. */
static const char clip_regex[] =
    "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|"
    "'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

static enum err add_clip_steps(struct tok *tok)
{
    struct tok_normalizer *normalizer = NULL;
    struct tok_splitter *splitter = NULL;
    TRY(tok_add_normalizer(tok, TOK_NFC, &normalizer));
    TRY(tok_add_normalizer(tok, TOK_REPLACE, &normalizer));
    TRY(tok_regex_open(&normalizer->regex, "\\s+", 3));
    normalizer->content = alloc_dup(" ");
    normalizer->n_content = 1;
    if (normalizer->content == NULL) {
        return ERR_NOMEM;
    }
    TRY(tok_add_normalizer(tok, TOK_LOWERCASE, &normalizer));
    TRY(tok_add_splitter(tok, TOK_SPLIT_REGEX, &splitter));
    splitter->behaviour = TOK_REMOVED;
    splitter->invert = true;
    TRY(tok_regex_open(&splitter->regex, clip_regex, strlen(clip_regex)));
    TRY(tok_add_splitter(tok, TOK_SPLIT_BYTES, &splitter));
    splitter->behaviour = TOK_ISOLATED;
    return tok_regex_open(&splitter->regex, tok_gpt2_regex, strlen(tok_gpt2_regex));
}

static enum err add_clip_special(struct tok *tok, const char *token,
                                 struct tok_side *side)
{
    struct tok_added_token flags = {0};
    size_t n = strlen(token);
    FAIL_IF(tok_model_find(tok, token, n) == TOK_NONE, ERR_MODEL,
            "the vocabulary has no %s", token);
    TRY(tok_add_name(tok, token, n, &flags));
    *side = (struct tok_side){{flags.id}, 1};
    return ERR_OK;
}

static enum err read_clip_vocab(struct tok *tok, const struct file_map *map)
{
    static const struct tok_bpe_options options = {
        .unknown = "<|endoftext|>", .prefix = "", .suffix = "</w>"};
    struct json_span span = {(const char *)map->data, map->size};
    struct tok_vocab vocab;
    FAIL_IF(map->size > LIMIT_MODEL_VOCABULARY_BYTES, ERR_MODEL,
            "a vocabulary of %zu bytes", map->size);
    FAIL_IF(!utf8_valid(span.text, span.n), ERR_MODEL, "it is not UTF-8");
    tok_vocab_init(&vocab);
    enum err result = tok_json_vocab(&vocab, span);
    if (result != ERR_OK) {
        tok_vocab_release(&vocab);
        return result;
    }
    TRY(tok_bpe_open(&tok->bpe, &vocab, &options));
    tok->n_ids = tok_model_size(tok);
    TRY(add_clip_steps(tok));
    TRY(add_clip_special(tok, "<|startoftext|>", &tok->before));
    TRY(add_clip_special(tok, "<|endoftext|>", &tok->after));
    return tok_finish(tok);
}

static enum err read_clip_merges(struct tok *tok, const struct file_map *map)
{
    const char *text = (const char *)map->data, *end = text + map->size;
    FAIL_IF(map->size > LIMIT_MODEL_VOCABULARY_BYTES, ERR_MODEL, "merges of %zu bytes",
            map->size);
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        const char *next = stop == NULL ? end : stop + 1;
        stop = stop == NULL ? end : stop;
        if (stop > text && stop[-1] == '\r' && next > stop) {
            stop--;
        }
        TRY(tok_bpe_add_merge_line(tok->bpe, text, (size_t)(stop - text)));
        text = next;
    }
    return tok_bpe_seal(tok->bpe);
}

typedef enum err read_map(struct tok *tok, const struct file_map *map);

static enum err read_path(struct tok *tok, const char *path, read_map *read)
{
    struct file_map map;
    TRY(model_file_map(&map, path));
    enum err result = read(tok, &map);
    file_map_close(&map);
    return result == ERR_OK ? ERR_OK : as_model_error(result, path);
}

enum err tok_open_bpe(struct tok **out, const char *vocab_json_path,
                      const char *merges_path)
{
    *out = NULL;
    struct tok *tok = tok_new();
    if (tok == NULL) {
        return ERR_NOMEM;
    }
    enum err result = read_path(tok, vocab_json_path, read_clip_vocab);
    if (result == ERR_OK) {
        result = read_path(tok, merges_path, read_clip_merges);
    }
    if (result != ERR_OK) {
        tok_close(tok);
        return result;
    }
    *out = tok;
    return ERR_OK;
}
