/*
 * payload_terms.c - see payload_terms.h.
 */
#include "db/payload_terms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "db/payload_value.h"

enum {
    NUMBER_BYTES = 8 + 2 + 1,
    TIME_BYTES = 8 + 4,
    UUID_BYTES = DB_UUID_BYTES + 1,
    PLACE_BYTES = 8 + 16,
    /* Behind a 00 in a string. */
    ESCAPED = 1,
    ENDED = 0,
    HASHED = 2,
    HASH_BYTES = 8
};

/* ---- Big-endian numbers ---- */

static void put(struct term *t, uint64_t value, size_t n_bytes)
{
    for (size_t i = n_bytes; i > 0; i--) {
        t->data[t->n++] = (uint8_t)(value >> (8 * (i - 1)));
    }
}

static uint64_t get(struct bytes bytes, size_t at, size_t n_bytes)
{
    const uint8_t *b = bytes.data;
    uint64_t value = 0;
    for (size_t i = 0; i < n_bytes; i++) {
        value = value << 8 | b[at + i];
    }
    return value;
}

/* ---- Numbers ---- */

static const uint64_t SIGN = UINT64_C(1) << 63;

/* Bits that sort as doubles do. */
static uint64_t bits_of_double(double d)
{
    uint64_t bits;
    d = d == 0 ? 0 : d; /* there is a zero with a sign */
    memcpy(&bits, &d, sizeof bits);
    return (bits & SIGN) != 0 ? ~bits : bits | SIGN;
}

static double double_of_bits(uint64_t bits)
{
    double d;
    bits = (bits & SIGN) != 0 ? bits & ~SIGN : ~bits;
    memcpy(&d, &bits, sizeof d);
    return d;
}

/* The largest double that is not above the number, and how much it is below: less than
 * 2048, since two doubles below 2^64 are no further apart. */
static double floor_of(struct json_number number, unsigned *rest)
{
    *rest = 0;
    if (number.is_real) {
        return number.real;
    }
    if (number.below < 0) {
        double d = (double)number.below;
        d = d >= 0 || (int64_t)d > number.below ? nextafter(d, -INFINITY) : d;
        *rest = (unsigned)(number.below - (int64_t)d);
        return d;
    }
    double d = (double)number.whole;
    d = d >= 0x1p64 || (uint64_t)d > number.whole ? nextafter(d, -INFINITY) : d;
    *rest = (unsigned)(number.whole - (uint64_t)d);
    return d;
}

struct term term_of_any_number(struct json_number number)
{
    struct term t = {.n = 0};
    unsigned rest;
    double d = floor_of(number, &rest);
    put(&t, bits_of_double(d), 8);
    put(&t, rest, 2);
    return t;
}

struct term term_of_number(struct json_number number)
{
    struct term t = term_of_any_number(number);
    put(&t, number.is_real ? 1 : 0, 1);
    return t;
}

struct json_number term_number(struct bytes value)
{
    double d = double_of_bits(get(value, 0, 8));
    uint64_t rest = get(value, 8, 2);
    if (get(value, 10, 1) != 0) {
        return (struct json_number){.is_real = true, .real = d};
    }
    if (d < 0) { /* one that is damaged must not be made a number that it is not */
        int64_t whole = d >= -0x1p63 ? (int64_t)d + (int64_t)rest : INT64_MIN;
        if (whole < 0) {
            return (struct json_number){.below = whole};
        }
        return (struct json_number){.whole = (uint64_t)whole};
    }
    return (struct json_number){.whole = d < 0x1p64 ? (uint64_t)d + rest : UINT64_MAX};
}

/* ---- What has one length ---- */

struct term term_of_bool(bool flag)
{
    return (struct term){.data = {flag ? 1 : 0}, .n = 1};
}

struct term term_of_time(struct datetime time)
{
    struct term t = {.n = 0};
    put(&t, (uint64_t)time.seconds ^ SIGN, 8);
    put(&t, (uint64_t)time.nanos, 4);
    return t;
}

struct datetime term_time(struct bytes value)
{
    return (struct datetime){(int64_t)(get(value, 0, 8) ^ SIGN),
                             (int32_t)get(value, 8, 4)};
}

bool term_of_uuid(struct bytes text, struct term *out)
{
    struct duet_id id;
    char usual[DUET_ID_TEXT_MAX];
    *out = (struct term){.n = 0};
    if (strlen(text.data) != text.n || duet_id_parse(&id, text.data) != ERR_OK ||
        !id.is_uuid) {
        return false;
    }
    duet_id_format(id, usual);
    memcpy(out->data, id.uuid, sizeof id.uuid);
    out->n = sizeof id.uuid;
    put(out, strcmp(usual, text.data) == 0 ? 0 : 1, 1);
    return true;
}

/* Bit i of `x` goes to bit 2 i. */
static uint64_t spread(uint32_t x)
{
    uint64_t v = x;
    v = (v | v << 16) & UINT64_C(0x0000ffff0000ffff);
    v = (v | v << 8) & UINT64_C(0x00ff00ff00ff00ff);
    v = (v | v << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    v = (v | v << 2) & UINT64_C(0x3333333333333333);
    return (v | v << 1) & UINT64_C(0x5555555555555555);
}

static uint32_t fraction(double degrees, double limit)
{
    double f = (degrees + limit) / (2 * limit) * 0x1p32;
    return f >= 0x1p32 ? UINT32_MAX : f <= 0 ? 0 : (uint32_t)f;
}

uint64_t term_cell(struct geo_point place)
{
    bool elsewhere = fabs(place.lat) > 90 || fabs(place.lon) > 180;
    return elsewhere ? UINT64_MAX
                     : spread(fraction(place.lat, 90)) << 1 |
                           spread(fraction(place.lon, 180));
}

struct term term_of_cell(uint64_t cell)
{
    struct term t = {.n = 0};
    put(&t, cell, 8);
    return t;
}

struct term term_of_place(struct geo_point place)
{
    struct term t = term_of_cell(term_cell(place));
    put(&t, bits_of_double(place.lat), 8);
    put(&t, bits_of_double(place.lon), 8);
    return t;
}

struct geo_point term_place(struct bytes value)
{
    return (struct geo_point){double_of_bits(get(value, 8, 8)),
                              double_of_bits(get(value, 16, 8))};
}

/* ---- Strings ---- */

static void put_escaped(struct term *t, struct bytes text)
{
    const uint8_t *b = text.data;
    for (size_t i = 0; i < text.n && i < TERM_STRING_BYTES; i++) {
        put(t, b[i], 1);
        if (b[i] == 0) {
            put(t, ESCAPED, 1);
        }
    }
}

struct term term_of_string(struct bytes text, bool *whole)
{
    struct term t = {.n = 0};
    *whole = text.n <= TERM_STRING_BYTES;
    put_escaped(&t, text);
    put(&t, *whole ? ENDED : HASHED, 2);
    if (!*whole) {
        put(&t, XXH3_64bits(text.data, text.n), HASH_BYTES);
    }
    return t;
}

struct term term_of_prefix(struct bytes text, bool *whole)
{
    struct term t = {.n = 0};
    *whole = text.n <= TERM_STRING_BYTES;
    put_escaped(&t, text);
    return t;
}

/* Bytes up to the one behind a 00 that ends the string; 0: there is none. */
static size_t string_length(struct bytes bytes)
{
    const uint8_t *b = bytes.data;
    for (size_t i = 0; i + 1 < bytes.n; i++) {
        if (b[i] == 0 && b[i + 1] == ESCAPED) {
            i++;
        } else if (b[i] == 0) {
            return i + 2;
        }
    }
    return 0;
}

bool term_string_is_whole(struct bytes value)
{
    size_t n = string_length(value);
    return n > 0 && ((const uint8_t *)value.data)[n - 1] == ENDED;
}

enum err term_string(struct bytes value, struct buf *out)
{
    const uint8_t *b = value.data;
    size_t n = string_length(value);
    FAIL_IF(n == 0, ERR_CORRUPT, "a string in an index has no end");
    for (size_t i = 0; i + 2 < n; i++) {
        TRY(buf_append(out, &b[i], 1));
        i += b[i] == 0 ? 1 : 0;
    }
    return ERR_OK;
}

enum err term_length(enum duet_index_kind kind, struct bytes bytes, size_t *n)
{
    static const size_t lengths[] = {
        [DUET_INDEX_INTEGER] = NUMBER_BYTES,
        [DUET_INDEX_FLOAT] = NUMBER_BYTES,
        [DUET_INDEX_BOOL] = 1,
        [DUET_INDEX_DATETIME] = TIME_BYTES,
        [DUET_INDEX_UUID] = UUID_BYTES,
        [DUET_INDEX_GEO] = PLACE_BYTES,
        [DUET_INDEX_TEXT] = 0,
    };
    *n = lengths[kind];
    if (*n == 0) {
        *n = string_length(bytes);
        *n += *n > 0 && !term_string_is_whole(bytes) ? HASH_BYTES : 0;
    }
    FAIL_IF(*n == 0 || *n > bytes.n, ERR_CORRUPT, "a row of an index has no value");
    return ERR_OK;
}

/* ---- Of a payload ---- */

void terms_init(struct terms *terms)
{
    *terms = (struct terms){.items = NULL};
    buf_init(&terms->bytes, SIZE_MAX / 2);
}

void terms_release(struct terms *terms)
{
    buf_release(&terms->bytes);
    alloc_free(terms->items);
    terms->items = NULL;
    terms->n = terms->capacity = 0;
}

struct finding {
    struct terms *terms;
    const struct payload_index *index;
    enum err result;
};

static enum err add(struct terms *terms, const struct term *term)
{
    struct term_place *items =
        alloc_grow(terms->items, &terms->capacity, terms->n + 1, sizeof *items);
    if (items == NULL) {
        return ERR_NOMEM;
    }
    terms->items = items;
    items[terms->n++] = (struct term_place){terms->bytes.size, term->n};
    return buf_append(&terms->bytes, term->data, term->n);
}

/* A words_visit. */
static enum err add_word(void *arg, const char *word, size_t n)
{
    bool whole;
    struct term term = term_of_string((struct bytes){word, n}, &whole);
    return add(arg, &term);
}

static enum err add_string(struct finding *f, struct json_object *value)
{
    bool whole;
    struct term term;
    struct bytes text = payload_value_string(value);
    switch (f->index->kind) {
    case DUET_INDEX_TEXT:
        f->terms->counts = true;
        return words_each(&f->index->how, text.data, text.n, add_word, f->terms);
    case DUET_INDEX_UUID:
        if (!term_of_uuid(text, &term)) {
            return ERR_OK;
        }
        break;
    default:
        term = term_of_string(text, &whole);
        break;
    }
    f->terms->counts = true;
    return add(f->terms, &term);
}

static enum err add_value(struct finding *f, struct json_object *value)
{
    struct json_number number;
    struct datetime time;
    struct geo_point place;
    struct term term = {.n = 0};
    switch (f->index->kind) {
    case DUET_INDEX_KEYWORD:
    case DUET_INDEX_UUID:
    case DUET_INDEX_TEXT:
        return json_object_is_type(value, json_type_string) ? add_string(f, value)
                                                            : ERR_OK;
    case DUET_INDEX_INTEGER:
    case DUET_INDEX_FLOAT:
        if (json_number_get(value, &number)) {
            bool narrow = f->index->kind == DUET_INDEX_INTEGER;
            f->terms->counts = f->terms->counts || !narrow || !number.is_real;
            term = term_of_number(number);
            return add(f->terms, &term);
        }
        return ERR_OK;
    case DUET_INDEX_BOOL:
        if (json_object_is_type(value, json_type_boolean)) {
            term = term_of_bool(json_object_get_boolean(value) != 0);
        }
        break;
    case DUET_INDEX_DATETIME:
        if (payload_value_time(value, &time)) {
            term = term_of_time(time);
        }
        break;
    case DUET_INDEX_GEO:
        if (payload_value_place(value, &place)) {
            term = term_of_place(place);
        }
        break;
    }
    f->terms->counts = f->terms->counts || term.n > 0;
    return term.n == 0 ? ERR_OK : add(f->terms, &term);
}

/* A payload_visit, which sees what a condition would be asked of. */
static bool visit(void *arg, struct json_object *value)
{
    struct finding *f = arg;
    if (!json_object_is_type(value, json_type_array)) {
        f->result = add_value(f, value);
        return f->result != ERR_OK;
    }
    for (size_t i = 0; i < json_object_array_length(value) && f->result == ERR_OK;
         i++) {
        f->result = add_value(f, json_object_array_get_idx(value, i));
    }
    return f->result != ERR_OK;
}

static int compare(const void *a, const void *b, void *arg)
{
    const struct term_place *x = a, *y = b;
    const char *bytes = arg;
    int order = memcmp(bytes + x->at, bytes + y->at, x->n < y->n ? x->n : y->n);
    return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

static void sort(struct terms *terms)
{
    size_t n = 0;
    qsort_r(terms->items, terms->n, sizeof *terms->items, compare, terms->bytes.data);
    for (size_t i = 0; i < terms->n; i++) {
        if (n == 0 ||
            compare(&terms->items[i], &terms->items[n - 1], terms->bytes.data) != 0) {
            terms->items[n++] = terms->items[i];
        }
    }
    terms->n = n;
}

enum err terms_find(struct terms *terms, const struct payload_index *index,
                    struct json_object *payload)
{
    struct finding f = {terms, index, ERR_OK};
    buf_clear(&terms->bytes);
    terms->n = 0;
    terms->counts = false;
    if (payload != NULL) {
        (void)payload_path_any(&index->path, payload, visit, &f);
    }
    TRY(f.result);
    if (terms->n > 1) {
        sort(terms);
    }
    return ERR_OK;
}
