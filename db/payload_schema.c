/*
 * payload_schema.c - see payload_schema.h.
 */
#include "db/payload_schema.h"

#include <string.h>

#include "base/json_field.h"

/* A member of a schema, and what it must be. */
enum member_type { MEMBER_NAME, MEMBER_FLAG, MEMBER_COUNT, MEMBER_NOT_HERE };

struct member {
    const char *key;
    enum member_type type;
};

static const struct member of_all[] = {
    {"type", MEMBER_NAME},        {"on_disk", MEMBER_FLAG}, {"memory", MEMBER_NAME},
    {"enable_hnsw", MEMBER_FLAG}, {NULL, MEMBER_NAME},
};

static const struct member of_keyword[] = {
    {"is_tenant", MEMBER_FLAG}, {"prefix", MEMBER_FLAG}, {NULL, MEMBER_NAME}};

static const struct member of_integer[] = {{"lookup", MEMBER_FLAG},
                                           {"range", MEMBER_FLAG},
                                           {"is_principal", MEMBER_FLAG},
                                           {NULL, MEMBER_NAME}};

static const struct member of_line[] = {{"is_principal", MEMBER_FLAG},
                                        {NULL, MEMBER_NAME}};

static const struct member of_uuid[] = {{"is_tenant", MEMBER_FLAG},
                                        {NULL, MEMBER_NAME}};

static const struct member of_text[] = {
    {"tokenizer", MEMBER_NAME},
    {"min_token_len", MEMBER_COUNT},
    {"max_token_len", MEMBER_COUNT},
    {"lowercase", MEMBER_FLAG},
    {"phrase_matching", MEMBER_FLAG},
    {"ascii_folding", MEMBER_NOT_HERE},
    {"stopwords", MEMBER_NOT_HERE},
    {"stemmer", MEMBER_NOT_HERE},
    {NULL, MEMBER_NAME},
};

static const struct member nothing[] = {{NULL, MEMBER_NAME}};

static const struct member *const members[] = {
    [DUET_INDEX_KEYWORD] = of_keyword, [DUET_INDEX_INTEGER] = of_integer,
    [DUET_INDEX_FLOAT] = of_line,      [DUET_INDEX_BOOL] = nothing,
    [DUET_INDEX_DATETIME] = of_line,   [DUET_INDEX_UUID] = of_uuid,
    [DUET_INDEX_GEO] = nothing,        [DUET_INDEX_TEXT] = of_text,
};

/* ---- Members ---- */

/* false and {"type": "none"} ask for nothing that is not here. */
static enum err check_absent(const struct field *f)
{
    const char *type = NULL;
    if (json_object_is_type(f->value, json_type_boolean) &&
        !json_object_get_boolean(f->value)) {
        return ERR_OK;
    }
    if (json_object_is_type(f->value, json_type_object)) {
        struct field type_field = field_get(f, "type");
        TRY(field_string(&type_field, &type));
    }
    if (type != NULL && strcmp(type, "none") == 0) {
        return ERR_OK;
    }
    return field_fail(f, ERR_UNSUPPORTED, "is not there: words are taken as they are");
}

static enum err check_member(const struct field *f, enum member_type type)
{
    const char *name;
    bool flag;
    size_t count;
    if (f->value == NULL) {
        return ERR_OK;
    }
    switch (type) {
    case MEMBER_NAME:
        return field_string(f, &name);
    case MEMBER_FLAG:
        return field_bool(f, &flag);
    case MEMBER_COUNT:
        return field_size(f, &count);
    default:
        return check_absent(f);
    }
}

static const struct member *find_member(const struct member *list, const char *key)
{
    while (list->key != NULL && strcmp(list->key, key) != 0) {
        list++;
    }
    return list->key == NULL ? NULL : list;
}

static enum err check_members(const struct field *f, enum duet_index_kind kind)
{
    json_object_object_foreach(f->value, key, value)
    {
        const struct member *member = find_member(of_all, key);
        struct field got = {.parent = f, .key = key, .value = value};
        member = member == NULL ? find_member(members[kind], key) : member;
        if (member == NULL && value != NULL) {
            return field_fail(&got, ERR_INVALID, "is no parameter of such an index");
        }
        if (member != NULL) {
            TRY(check_member(&got, member->type));
        }
    }
    return ERR_OK;
}

/* ---- What they mean ---- */

static enum err read_kind(const struct field *f, enum duet_index_kind *kind)
{
    const char *name = NULL;
    TRY(field_require(f));
    TRY(field_string(f, &name));
    for (int i = 0; i <= DUET_INDEX_TEXT; i++) {
        if (strcmp(name, duet_index_kind_name((enum duet_index_kind)i)) == 0) {
            *kind = (enum duet_index_kind)i;
            return ERR_OK;
        }
    }
    return field_fail(f, ERR_INVALID, "there is no index of the kind '%.40s'", name);
}

static enum err read_tokenizer(const struct field *f, enum words_tokenizer *out)
{
    static const char *const names[] = {
        [WORDS_WORD] = "word",
        [WORDS_WHITESPACE] = "whitespace",
        [WORDS_PREFIX] = "prefix",
        [WORDS_MULTILINGUAL] = "multilingual",
    };
    const char *name = names[*out];
    TRY(field_string(f, &name));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum words_tokenizer)i;
            return ERR_OK;
        }
    }
    return field_fail(f, ERR_INVALID, "there is no tokenizer '%.40s'", name);
}

static enum err read_text(const struct field *f, struct words_how *how)
{
    struct field tokenizer = field_get(f, "tokenizer");
    struct field min = field_get(f, "min_token_len");
    struct field max = field_get(f, "max_token_len");
    struct field lowercase = field_get(f, "lowercase");
    bool lower = true;
    *how = (struct words_how){.tokenizer = WORDS_MULTILINGUAL};
    TRY(read_tokenizer(&tokenizer, &how->tokenizer));
    TRY(field_size(&min, &how->min_chars));
    TRY(field_size(&max, &how->max_chars));
    TRY(field_bool(&lowercase, &lower));
    how->keep_case = !lower;
    if (max.value != NULL && (how->max_chars == 0 || how->max_chars < how->min_chars)) {
        return field_fail(&max, ERR_INVALID,
                          "must be 1 or more, and not less than min_token_len");
    }
    return ERR_OK;
}

static enum err read_integer(const struct field *f)
{
    struct field lookup = field_get(f, "lookup");
    struct field range = field_get(f, "range");
    bool looks_up = true, has_ranges = true;
    TRY(field_bool(&lookup, &looks_up));
    TRY(field_bool(&range, &has_ranges));
    if (!looks_up && !has_ranges) {
        return field_fail(f, ERR_INVALID,
                          "an integer index is for \"lookup\", \"range\" or both");
    }
    return ERR_OK;
}

static enum err read_schema(struct payload_schema *out)
{
    struct field root = field_root(NULL);
    struct field f = {.parent = &root, .key = "field_schema", .value = out->json};
    bool is_name = json_object_is_type(out->json, json_type_string);
    TRY(field_require(&f));
    if (is_name) {
        TRY(read_kind(&f, &out->kind));
    } else {
        TRY(field_object(&f));
        struct field type = field_get(&f, "type");
        TRY(read_kind(&type, &out->kind));
        TRY(check_members(&f, out->kind));
        out->params = json_text(out->json);
        FAIL_IF(out->params == NULL, ERR_NOMEM, "out of memory");
    }
    if (out->kind == DUET_INDEX_INTEGER) {
        TRY(read_integer(&f));
    }
    return out->kind == DUET_INDEX_TEXT ? read_text(&f, &out->how) : ERR_OK;
}

enum err payload_schema_parse(struct payload_schema *out, const char *text)
{
    *out = (struct payload_schema){.params = NULL};
    enum err result = json_parse(&out->json, text, strlen(text));
    if (result != ERR_OK) {
        return err_prefix(result, "field_schema");
    }
    result = read_schema(out);
    if (result != ERR_OK) {
        payload_schema_release(out);
    }
    return result;
}

void payload_schema_release(struct payload_schema *schema)
{
    json_object_put(schema->json);
    *schema = (struct payload_schema){.params = NULL};
}
