/*
 * filter_tree.h - what a compiled filter is: for filter_parse.c, filter_field.c, which
 * make it, and filter_match.c, which asks it. All memory is the filter's arena's, or its
 * JSON's, which is kept for its strings.
 */
#ifndef DB_FILTER_TREE_H
#define DB_FILTER_TREE_H

#include "base/arena.h"
#include "base/json_field.h"
#include "base/json_number.h"
#include "db/datetime.h"
#include "db/filter.h"
#include "db/geo.h"
#include "db/payload_path.h"
#include "db/payload_pick.h"
#include "db/words.h"

enum filter_kind {
    FILTER_CLAUSES, /* a filter */
    FILTER_NESTED,
    FILTER_HAS_ID,
    FILTER_HAS_VECTOR,
    FILTER_SLICE,
    FILTER_IS_EMPTY,
    FILTER_IS_NULL,
    FILTER_VALUES_COUNT,
    FILTER_BOOL,   /* match value */
    FILTER_ANY,    /* match any; match value of a string or number is one of one */
    FILTER_EXCEPT, /* match except */
    FILTER_PREFIX,
    FILTER_TEXT,
    FILTER_TEXT_ANY,
    FILTER_PHRASE,
    FILTER_RANGE,
    FILTER_TIME_RANGE,
    FILTER_GEO_BOX,
    FILTER_GEO_RADIUS,
    FILTER_GEO_POLYGON,
};

struct filter_group {
    struct filter_node **items; /* [n], those that read no payload first */
    size_t n;
};

struct filter_clauses {
    struct filter_group must, must_not, should, min_should;
    size_t min_count; /* of min_should; 0 where there is none */
};

/* "gt" and the others: the value is on the side that `allowed` says, by comparison:
 * bit 0 less, bit 1 equal, bit 2 greater. */
enum { FILTER_BOUNDS = 4 };
struct filter_bounds {
    size_t n;
    unsigned allowed[FILTER_BOUNDS];
    struct json_number numbers[FILTER_BOUNDS];
    struct datetime times[FILTER_BOUNDS];
};

/* Sorted lists, of which one is empty. */
struct filter_values {
    struct bytes *strings; /* [n_strings] */
    size_t n_strings;
    struct json_number *numbers; /* [n_numbers], whole */
    size_t n_numbers;
};

struct filter_node {
    enum filter_kind kind;
    bool reads_payload;
    struct payload_path path; /* of all kinds that have a key */
    struct payload_path full; /* the same from the payload's root: within a nested
                                 filter `path` begins at an element */
    union {
        struct filter_clauses clauses;
        struct filter_node *nested; /* FILTER_CLAUSES */
        struct {
            struct duet_id *items; /* [n], ascending */
            size_t n;
        } ids;
        struct bytes text; /* has_vector, prefix */
        struct {
            uint64_t total, i;
        } slice;
        bool flag; /* is_empty, is_null, match value */
        struct filter_bounds bounds;
        struct filter_values values;
        struct {
            struct words words; /* without an index */
            struct bytes said;  /* what they are made of */
            size_t i;           /* the node's number among those of texts */
        } texts;
        struct {
            struct geo_point top_left, bottom_right;
        } box;
        struct {
            struct geo_point centre;
            double radius; /* metres */
        } circle;
        struct {
            struct geo_ring *rings; /* [n], the outside first */
            size_t n;
            struct geo_point south_west, north_east; /* of the box around the outside */
        } polygon;
    };
};

struct filter {
    struct arena arena;
    struct json_object *json;
    size_t n_nodes;
    struct filter_node **texts; /* [n_texts], those that look for words */
    size_t n_texts;
    struct payload_path
        around;                /* while it is read: of the nested filter that we are in,
                                   with a step to every element; n 0: in none */
    struct bytes *keys;        /* [LIMIT_FILTER_NODES]: where paths begin */
    struct payload_keys picks; /* those, sorted: all that is read of a payload */
    struct filter_node *root;  /* FILTER_CLAUSES */
};

/* filter_field.c: a condition with a "key" into `node`. */
enum err filter_read_field(struct filter *filter, const struct field *f,
                           struct filter_node *node) ERR_CHECK;

/* filter_match.c: what a condition says of one value, for indexes, whose rows have it.
 * The node is a FILTER_RANGE, a FILTER_TIME_RANGE or one of the FILTER_GEO_… */
bool filter_number_passes(const struct filter_node *node, struct json_number number);
bool filter_time_passes(const struct filter_node *node, struct datetime time);
bool filter_place_passes(const struct filter_node *node, struct geo_point place);

/* For qsort and bsearch of struct json_number. */
int filter_compare_numbers(const void *a, const void *b);

/* The path in the member "key" of `f`. */
enum err filter_read_path(struct filter *filter, const struct field *f,
                          struct filter_node *node) ERR_CHECK;

/* `n` items of the filter's memory. */
enum err filter_take(struct filter *filter, size_t n, size_t size, void *out) ERR_CHECK;

/* filter_area.c: the conditions on places. */
enum err filter_read_box(struct filter *filter, const struct field *f,
                         struct filter_node *node) ERR_CHECK;
enum err filter_read_radius(struct filter *filter, const struct field *f,
                            struct filter_node *node) ERR_CHECK;
enum err filter_read_polygon(struct filter *filter, const struct field *f,
                             struct filter_node *node) ERR_CHECK;

#endif
