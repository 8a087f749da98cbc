/*
 * payload_terms.h - the values of a payload as an index keeps them: bytes that sort as
 * the values do.
 *
 *     struct terms terms;
 *     terms_init(&terms);
 *     TRY_OUT(terms_find(&terms, index, payload));
 *     for (i < terms.n) ... terms_get(&terms, i) ...
 *     terms_release(&terms);
 *
 * An index takes every value that a condition on its field could be asked about and that
 * is of its kind: those that the path leads to, and of an array its elements (not those
 * of arrays in it). Kinds are wide, so that an index answers what a look at the payload
 * would: both indexes of numbers take whole numbers and others, exactly. Bytes by kind:
 *
 *   integer, float   the largest double that is not above the number (8, its sign bit
 *                    turned, and all others of negative ones), what is left (2), and
 *                    whether it is a whole number (0) or not (1)
 *   bool             0 or 1
 *   datetime         seconds since 1970, the sign bit turned (8), nanoseconds (4)
 *   uuid             the UUID (16), and whether it was written as UUIDs mostly are, in
 *                    lower case with hyphens (0), or otherwise (1)
 *   geo              bits of latitude and longitude in turn (8; all ones past the poles
 *                    or beyond 180 degrees), then both as doubles (16)
 *   keyword, text    a string (of a text: a word), 00 as 00 01, and 00 00 at its end; of
 *                    one of more than TERM_STRING_BYTES so many, 00 02, and the XXH3-64
 *                    of all of it
 *
 * Pure functions, any thread.
 */
#ifndef DB_PAYLOAD_TERMS_H
#define DB_PAYLOAD_TERMS_H

#include "base/json_number.h"
#include "db/datetime.h"
#include "db/geo.h"
#include "db/payload_index.h"

enum {
    TERM_STRING_BYTES = 100, /* of a string, in a key; LMDB takes keys of 511 bytes */
    TERM_VALUE_MAX = 2 * TERM_STRING_BYTES + 2 + 8
};

/* A value, or the beginning of some. */
struct term {
    uint8_t data[TERM_VALUE_MAX];
    size_t n;
};

struct term term_of_number(struct json_number number);
struct term term_of_bool(bool flag);
struct term term_of_time(struct datetime time);
struct term term_of_place(struct geo_point place);

/* The first 8 bytes of a place's; and those alone as the beginning of values. Latitude
 * has the higher bit of each two. */
uint64_t term_cell(struct geo_point place);
struct term term_of_cell(uint64_t cell);

/* False where the text is no UUID: then an index of UUIDs has it not. */
bool term_of_uuid(struct bytes text, struct term *out);

/* Where not *whole, other strings may have the same bytes. */
struct term term_of_string(struct bytes text, bool *whole);

/* What strings that begin with `text` begin with; where not *whole, others do, too. */
struct term term_of_prefix(struct bytes text, bool *whole);

/* Without the last byte, which tells kinds of numbers apart. */
struct term term_of_any_number(struct json_number number);

/* And back. `value` must be one that term_length has measured. */
struct json_number term_number(struct bytes value);
struct datetime term_time(struct bytes value);
struct geo_point term_place(struct bytes value);

/* Appends the string, or as much of it as there is, to `out`. ERR_CORRUPT. */
enum err term_string(struct bytes value, struct buf *out) ERR_CHECK;
/* Whether there is all of it. */
bool term_string_is_whole(struct bytes value);

/* How many of the bytes are the value at their beginning. ERR_CORRUPT. */
enum err term_length(enum duet_index_kind kind, struct bytes bytes, size_t *n)
    ERR_CHECK;

/* ---- Of a payload ---- */

struct terms {
    struct buf bytes;
    struct term_place {
        size_t at, n; /* in `bytes` */
    } * items;        /* [n], sorted, none twice; owned */
    size_t n, capacity;
    bool counts; /* the dialect says that the index has the point: of a kind that is not
                    as wide, it has a value */
};

void terms_init(struct terms *terms);
void terms_release(struct terms *terms);

/* Those of `payload` (NULL: none), in place of what is there. ERR_NOMEM. */
enum err terms_find(struct terms *terms, const struct payload_index *index,
                    struct json_object *payload) ERR_CHECK;

static inline struct bytes terms_get(const struct terms *terms, size_t i)
{
    return (struct bytes){terms->bytes.data + terms->items[i].at, terms->items[i].n};
}

#endif
