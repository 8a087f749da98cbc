/*
 * tok_json_steps.c - the "normalizer" and the "pre_tokenizer" of tokenizer.json: see
 * tok_json.h. Each type of component is one line of a table and one function.
 */
#include "encoder/tok_json.h"

#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

const char tok_gpt2_regex[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| "
                              "?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

enum err tok_json_text(struct json_object *object, const char *key, const char **text,
                       size_t *n)
{
    TRY(json_get_string(object, key, text));
    *n = (size_t)json_object_get_string_len(json_get(object, key));
    return ERR_OK;
}

enum err tok_json_flag(struct json_object *object, const char *key, bool missing,
                       bool *out)
{
    *out = missing;
    return json_get(object, key) == NULL ? ERR_OK : json_get_bool(object, key, out);
}

enum err tok_add_normalizer(struct tok *tok, enum tok_normalizer_kind kind,
                            struct tok_normalizer **out)
{
    FAIL_IF(tok->n_normalizers == LIMIT_TOKENIZER_STEPS, ERR_MODEL,
            "more than %d normalizers", LIMIT_TOKENIZER_STEPS);
    *out = &tok->normalizers[tok->n_normalizers];
    **out = (struct tok_normalizer){.kind = kind};
    tok->n_normalizers++;
    return ERR_OK;
}

enum err tok_add_splitter(struct tok *tok, enum tok_splitter_kind kind,
                          struct tok_splitter **out)
{
    FAIL_IF(tok->n_splitters == LIMIT_TOKENIZER_STEPS, ERR_MODEL,
            "more than %d pre-tokenizers", LIMIT_TOKENIZER_STEPS);
    *out = &tok->splitters[tok->n_splitters];
    **out = (struct tok_splitter){.kind = kind};
    tok->n_splitters++;
    return ERR_OK;
}

static enum err copy_text(const char *text, size_t n, char **out, size_t *n_out)
{
    *out = alloc_dup_n(text, n);
    *n_out = n;
    return *out == NULL ? ERR_NOMEM : ERR_OK;
}

static enum err copy_member(struct json_object *value, const char *key, char **out,
                            size_t *n_out)
{
    const char *text;
    size_t n;
    TRY(tok_json_text(value, key, &text, &n));
    return copy_text(text, n, out, n_out);
}

/* "pattern": {"String": "a"} or {"Regex": "a+"}. */
static enum err read_pattern(struct json_object *value, struct tok_regex **regex,
                             char **literal, size_t *n_literal)
{
    const char *text;
    size_t n;
    struct json_object *pattern = json_get(value, "pattern");
    if (json_get(pattern, "String") != NULL) {
        TRY(tok_json_text(pattern, "String", &text, &n));
        FAIL_IF(n == 0, ERR_UNSUPPORTED, "an empty pattern is not supported");
        return copy_text(text, n, literal, n_literal);
    }
    TRY(tok_json_text(pattern, "Regex", &text, &n));
    return tok_regex_open(regex, text, n);
}

/* Normalizers. */

typedef enum err read_normalizer(struct json_object *value, struct tok_normalizer *out);

static enum err read_strip(struct json_object *value, struct tok_normalizer *out)
{
    TRY(json_get_bool(value, "strip_left", &out->left));
    return json_get_bool(value, "strip_right", &out->right);
}

static enum err read_prepend(struct json_object *value, struct tok_normalizer *out)
{
    return copy_member(value, "prepend", &out->content, &out->n_content);
}

static enum err read_replace(struct json_object *value, struct tok_normalizer *out)
{
    TRY(read_pattern(value, &out->regex, &out->literal, &out->n_literal));
    return copy_member(value, "content", &out->content, &out->n_content);
}

static enum err read_charsmap(struct json_object *value, struct tok_normalizer *out)
{
    const char *base64;
    size_t n;
    TRY(tok_json_text(value, "precompiled_charsmap", &base64, &n));
    return tok_charsmap_open(&out->charsmap, base64, n);
}

static const struct {
    const char *type;
    enum tok_normalizer_kind kind;
    read_normalizer *read; /* NULL: there is nothing to read */
} normalizer_types[] = {
    {"NFC", TOK_NFC, NULL},
    {"NFD", TOK_NFD, NULL},
    {"NFKC", TOK_NFKC, NULL},
    {"NFKD", TOK_NFKD, NULL},
    {"Lowercase", TOK_LOWERCASE, NULL},
    {"StripAccents", TOK_STRIP_ACCENTS, NULL},
    {"Nmt", TOK_NMT, NULL},
    {"ByteLevel", TOK_BYTES, NULL},
    {"Strip", TOK_STRIP, read_strip},
    {"Prepend", TOK_PREPEND, read_prepend},
    {"Replace", TOK_REPLACE, read_replace},
    {"Precompiled", TOK_CHARSMAP, read_charsmap},
};

typedef enum err read_part(struct tok *tok, struct json_object *value);

/* The members of a Sequence, by `read`. */
static enum err read_sequence(struct tok *tok, struct json_object *value,
                              const char *key, read_part *read)
{
    struct json_object *parts = json_get(value, key);
    FAIL_IF(!json_object_is_type(parts, json_type_array), ERR_MODEL,
            "a Sequence without \"%s\"", key);
    for (size_t i = 0; i < json_object_array_length(parts); i++) {
        TRY(read(tok, json_object_array_get_idx(parts, i)));
    }
    return ERR_OK;
}

static enum err read_one_normalizer(struct tok *tok, struct json_object *value)
{
    const char *type;
    struct tok_normalizer *step = NULL;
    TRY(json_get_string(value, "type", &type));
    if (strcmp(type, "Sequence") == 0) {
        return read_sequence(tok, value, "normalizers", read_one_normalizer);
    }
    for (size_t i = 0; i < sizeof normalizer_types / sizeof normalizer_types[0]; i++) {
        if (strcmp(type, normalizer_types[i].type) == 0) {
            TRY(tok_add_normalizer(tok, normalizer_types[i].kind, &step));
            return normalizer_types[i].read == NULL
                       ? ERR_OK
                       : normalizer_types[i].read(value, step);
        }
    }
    return err_set(ERR_UNSUPPORTED, "the normalizer \"%.40s\" is not supported", type);
}

enum err tok_json_normalizer(struct tok *tok, struct json_object *value)
{
    return value == NULL ? ERR_OK : read_one_normalizer(tok, value);
}

/* Pre-tokenizers. */

typedef enum err read_splitter(struct json_object *value, struct tok_splitter *out);

static enum err read_behaviour(struct json_object *value, struct tok_splitter *out)
{
    static const struct {
        const char *name;
        enum tok_split_behaviour behaviour;
    } names[] = {
        {"Removed", TOK_REMOVED},
        {"Isolated", TOK_ISOLATED},
        {"MergedWithPrevious", TOK_MERGED_WITH_PREVIOUS},
        {"MergedWithNext", TOK_MERGED_WITH_NEXT},
        {"Contiguous", TOK_CONTIGUOUS},
    };
    const char *name;
    TRY(json_get_string(value, "behavior", &name));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i].name) == 0) {
            out->behaviour = names[i].behaviour;
            return ERR_OK;
        }
    }
    return err_set(ERR_MODEL, "\"behavior\": \"%.40s\"", name);
}

static enum err read_split(struct json_object *value, struct tok_splitter *out)
{
    TRY(read_behaviour(value, out));
    TRY(json_get_bool(value, "invert", &out->invert));
    TRY(read_pattern(value, &out->regex, &out->literal, &out->n_literal));
    out->kind = out->regex != NULL ? TOK_SPLIT_REGEX : TOK_SPLIT_LITERAL;
    return ERR_OK;
}

static enum err read_bytes(struct json_object *value, struct tok_splitter *out)
{
    bool prefix, regex;
    TRY(json_get_bool(value, "add_prefix_space", &prefix));
    TRY(tok_json_flag(value, "use_regex", true, &regex));
    out->scheme = prefix ? TOK_PREFIX_ALWAYS : TOK_PREFIX_NEVER;
    out->behaviour = TOK_ISOLATED;
    return regex ? tok_regex_open(&out->regex, tok_gpt2_regex, strlen(tok_gpt2_regex))
                 : ERR_OK;
}

static enum err read_scheme(struct json_object *value, enum tok_prefix_scheme *scheme)
{
    const char *name = "always";
    bool prefix;
    if (json_get(value, "prepend_scheme") != NULL) {
        TRY(json_get_string(value, "prepend_scheme", &name));
    }
    TRY(tok_json_flag(value, "add_prefix_space", true, &prefix));
    bool never = strcmp(name, "never") == 0, first = strcmp(name, "first") == 0;
    FAIL_IF(!never && !first && strcmp(name, "always") != 0, ERR_MODEL,
            "\"prepend_scheme\": \"%.40s\"", name);
    FAIL_IF(!prefix && !never, ERR_MODEL,
            "\"add_prefix_space\" and \"prepend_scheme\" of Metaspace disagree");
    *scheme = never ? TOK_PREFIX_NEVER : first ? TOK_PREFIX_FIRST : TOK_PREFIX_ALWAYS;
    return ERR_OK;
}

static enum err read_metaspace(struct json_object *value, struct tok_splitter *out)
{
    int32_t c;
    TRY(copy_member(value, "replacement", &out->literal, &out->n_literal));
    size_t step = utf8_next(out->literal, out->n_literal, &c);
    FAIL_IF(step == 0 || step != out->n_literal, ERR_MODEL,
            "the \"replacement\" of Metaspace is not one character");
    TRY(read_scheme(value, &out->scheme));
    out->behaviour = TOK_MERGED_WITH_NEXT;
    return tok_json_flag(value, "split", true, &out->split);
}

static enum err read_removed(struct json_object *value, struct tok_splitter *out)
{
    (void)value;
    out->behaviour = TOK_REMOVED;
    return ERR_OK;
}

static enum err read_punctuation(struct json_object *value, struct tok_splitter *out)
{
    out->behaviour = TOK_ISOLATED;
    return json_get(value, "behavior") == NULL ? ERR_OK : read_behaviour(value, out);
}

static enum err read_digits(struct json_object *value, struct tok_splitter *out)
{
    bool single;
    TRY(json_get_bool(value, "individual_digits", &single));
    out->behaviour = single ? TOK_ISOLATED : TOK_CONTIGUOUS;
    return ERR_OK;
}

static const struct {
    const char *type;
    enum tok_splitter_kind kind;
    read_splitter *read;
} splitter_types[] = {
    {"Split", TOK_SPLIT_REGEX, read_split},
    {"ByteLevel", TOK_SPLIT_BYTES, read_bytes},
    {"Metaspace", TOK_SPLIT_METASPACE, read_metaspace},
    {"WhitespaceSplit", TOK_SPLIT_SPACE, read_removed},
    {"Whitespace", TOK_SPLIT_WORDS, read_removed},
    {"Punctuation", TOK_SPLIT_PUNCTUATION, read_punctuation},
    {"Digits", TOK_SPLIT_DIGIT, read_digits},
};

static enum err read_one_splitter(struct tok *tok, struct json_object *value)
{
    const char *type;
    struct tok_splitter *step = NULL;
    TRY(json_get_string(value, "type", &type));
    if (strcmp(type, "Sequence") == 0) {
        return read_sequence(tok, value, "pretokenizers", read_one_splitter);
    }
    for (size_t i = 0; i < sizeof splitter_types / sizeof splitter_types[0]; i++) {
        if (strcmp(type, splitter_types[i].type) == 0) {
            TRY(tok_add_splitter(tok, splitter_types[i].kind, &step));
            return splitter_types[i].read(value, step);
        }
    }
    return err_set(ERR_UNSUPPORTED, "the pre-tokenizer \"%.40s\" is not supported",
                   type);
}

enum err tok_json_pre_tokenizer(struct tok *tok, struct json_object *value)
{
    return value == NULL ? ERR_OK : read_one_splitter(tok, value);
}
