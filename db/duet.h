/*
 * duet.h - Duet as a library: a cross-modal vector search database.
 *
 *     struct duet *db;
 *     struct duet_hits hits;
 *     struct duet_query query = DUET_QUERY_DEFAULT;
 *     query.input = duet_input_text("a dog on a beach");
 *     query.k = 5;
 *     if (duet_open(&db, &(struct duet_options){.path = "photos.db"}) == ERR_OK &&
 *         duet_search(db, "default", &query, &hits) == ERR_OK) {
 *         for (size_t i = 0; i < hits.n; i++) {
 *             printf("%.3f %s\n", hits.hits[i].score, hits.hits[i].payload);
 *         }
 *         duet_hits_release(&hits);
 *     }
 *     duet_close(db);
 *
 * A database is a folder. A collection in it has named vector spaces; a cross-modal
 * collection has two, "image" and "text", of one size, made by one model. A point has
 * an id, a JSON payload and a vector in any of the spaces.
 *
 * Threads and processes: an open database may be used by any number of threads at once;
 * only duet_close must be alone. One process at a time may write (it holds a lock that
 * dies with it); any number may read beside it. A write that has returned ERR_OK is on
 * disk.
 *
 * Errors: every call returns an enum err of base/errcode.h, and leaves a sentence for
 * people in duet_error_detail() of the same thread. After a failed call outputs are
 * empty and the database is as before, unless said otherwise.
 *
 * Strings are UTF-8. Inputs are read during the call only. Before 1.0 the ABI may
 * change.
 */
#ifndef DB_DUET_H
#define DB_DUET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errcode.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DUET_API __attribute__((visibility("default")))
#define DUET_CHECK DUET_API __attribute__((warn_unused_result))

/* "0.1.0". */
DUET_API const char *duet_version(void);

/* The sentence of this thread's last error; "" if none. Valid until the next call. */
DUET_API const char *duet_error_detail(void);

/* The pinned name of a code, as in "not_found". */
DUET_API const char *duet_error_name(enum err code);

/* ---- Opening ---------------------------------------------------------------- */

struct duet;

struct duet_options {
    const char *path;   /* the database's folder */
    bool write;         /* take the writer's lock; without it writes are refused */
    bool create;        /* make the database if there is none (with write) */
    const char *model;  /* a model's name or folder; NULL: the collections' own, or
                           "default" for new ones */
    const char *url;    /* what another writer is told of us when busy; NULL: none */
    unsigned n_threads; /* of the model, one add, segment builds; 0: one a core */
    bool exact_decode;  /* never shrink a large JPEG while decoding it: slower, and
                           equal to the model's own preprocessing to the last bit */
    size_t seal_at; /* unsealed vectors that start a segment build; 0: the default */
};

/*
 * Opens or makes a database. ERR_NOT_FOUND: no database there (and not `create`);
 * ERR_BUSY: another process writes, its pid and URL are in the detail, or this process
 * has the database open already; ERR_VERSION, ERR_CORRUPT, ERR_IO. On failure *out is
 * NULL. An open database does not survive fork(): open it in the child.
 */
DUET_CHECK enum err duet_open(struct duet **out, const struct duet_options *options);

/* Waits for the segment builder, then closes. Accepts NULL. */
DUET_API void duet_close(struct duet *db);

/* Tells other would-be writers, when they are refused, where this one serves; NULL: it
 * does not any more. ERR_INVALID where the database was not opened for writing. */
DUET_CHECK enum err duet_announce(struct duet *db, const char *url);

/* ---- Ids -------------------------------------------------------------------- */

/* A point's id: a number, or a UUID in `uuid` (then `number` is 0). Ordered numbers
 * first, by value; then UUIDs, by bytes. */
struct duet_id {
    bool is_uuid;
    uint64_t number;
    uint8_t uuid[16];
};

enum { DUET_ID_TEXT_MAX = 37 }; /* bytes of an id as text, with its NUL */

/* Decimal digits, or the 36-character form. duet_id_parse also takes a UUID without
 * hyphens or as urn:uuid:…; ERR_INVALID otherwise. */
DUET_API void duet_id_format(struct duet_id id, char text[DUET_ID_TEXT_MAX]);
DUET_CHECK enum err duet_id_parse(struct duet_id *out, const char *text);
DUET_API int duet_id_compare(struct duet_id a, struct duet_id b);

/* ---- Collections ------------------------------------------------------------ */

/* How near two vectors are. Scores of the first two are larger for what is nearer,
 * those of the last two are distances: smaller is nearer. */
enum duet_distance { DUET_COSINE, DUET_DOT, DUET_EUCLID, DUET_MANHATTAN };

/* How the numbers of a vector are kept: 4, 2 or 1 bytes each. Half floats hold ±65504
 * with three digits; bytes hold 0 to 255, fractions are cut off. A vector that does not
 * fit is refused. */
enum duet_datatype { DUET_FLOAT32, DUET_FLOAT16, DUET_UINT8 };

struct duet_space {
    const char *name; /* "image" */
    size_t dim;
    enum duet_distance distance;
    enum duet_datatype datatype;
};

/* Of a space's sealed segments. The numbers are pinned. */
enum duet_vector_index {
    DUET_INDEX_AUTO, /* by size: codes, and lists of codes from 200,000 vectors on */
    DUET_INDEX_SCAN, /* none: every vector is compared */
    DUET_INDEX_PQ,   /* codes of 4 bits, all looked at */
    DUET_INDEX_IVF,  /* lists of such codes, some looked at */
    DUET_INDEX_HNSW  /* a graph: fast among pictures, poor for texts among pictures, and
                        fifteen times the memory */
};

/* "auto", "scan", "pq", "ivf", "hnsw"; and back (ERR_INVALID). */
DUET_API const char *duet_vector_index_name(enum duet_vector_index index);
DUET_CHECK enum err duet_vector_index_parse(const char *name,
                                            enum duet_vector_index *out);

/* As the dialect writes them: "Cosine", "float32". */
static inline const char *duet_distance_name(enum duet_distance distance)
{
    static const char *const names[] = {"Cosine", "Dot", "Euclid", "Manhattan"};
    return names[distance];
}

static inline const char *duet_datatype_name(enum duet_datatype datatype)
{
    static const char *const names[] = {"float32", "float16", "uint8"};
    return names[datatype];
}

/* Whether its scores are distances. */
static inline bool duet_distance_is_smaller_nearer(enum duet_distance distance)
{
    return distance == DUET_EUCLID || distance == DUET_MANHATTAN;
}

/* What a collection is. Strings belong to whoever filled the struct. */
struct duet_collection {
    const char *name;
    const struct duet_space *spaces; /* [n_spaces] */
    size_t n_spaces;
    const char *model;       /* its name, "" for a collection of plain vectors */
    const char *model_space; /* what its vectors may be compared with */
    const char *metadata;    /* one JSON object; NULL: none was ever given */
};

/*
 * Makes a cross-modal collection bound to the database's model, or, where n_spaces > 0,
 * one of the given spaces without a model. ERR_EXISTS, ERR_INVALID, ERR_LIMIT,
 * ERR_MODEL.
 */
DUET_CHECK enum err duet_collection_create(struct duet *db, const char *name,
                                           const struct duet_space *spaces,
                                           size_t n_spaces);

struct duet_collection_options {
    const struct duet_space *spaces; /* [n_spaces]; none: cross-modal */
    size_t n_spaces;
    const char *metadata; /* a JSON object of the user's, [n_metadata]; NULL: none */
    size_t n_metadata;
    enum duet_vector_index index; /* of all its spaces */
};

/* The same, with more said. */
DUET_CHECK enum err
duet_collection_create_with(struct duet *db, const char *name,
                            const struct duet_collection_options *options);

/* Merges the members of a JSON object into the collection's metadata; a null removes
 * its key. ERR_NOT_FOUND, ERR_INVALID, ERR_LIMIT. */
DUET_CHECK enum err duet_collection_set_metadata(struct duet *db, const char *name,
                                                 const char *metadata, size_t n);

/* Which index the space (NULL: all of them) is to have; segments of another kind are
 * built anew in the background, and dropped for DUET_INDEX_SCAN. ERR_NOT_FOUND;
 * ERR_UNSUPPORTED: none compares by the Manhattan distance. */
DUET_CHECK enum err duet_collection_set_index(struct duet *db, const char *collection,
                                              const char *space,
                                              enum duet_vector_index index);

/* Adds a vector space, in which no point has a vector yet, to a collection of named
 * plain vectors. One that is there with the same description is left alone; ERR_EXISTS
 * where it is there with another; ERR_INVALID, ERR_LIMIT, ERR_UNSUPPORTED. */
DUET_CHECK enum err duet_space_add(struct duet *db, const char *collection,
                                   const struct duet_space *space);

/* Removes a vector space and the vectors in it; the last one stays (ERR_INVALID).
 * ERR_NOT_FOUND. */
DUET_CHECK enum err duet_space_remove(struct duet *db, const char *collection,
                                      const char *name);

/* Removes the collection and all in it, and its aliases; an alias itself is not taken
 * for a collection here. ERR_NOT_FOUND. */
DUET_CHECK enum err duet_collection_drop(struct duet *db, const char *name);

struct duet_collections {
    struct duet_collection *items; /* [n], by name */
    size_t n;
};

/* All collections, or with `name` not NULL that one (ERR_NOT_FOUND if there is none).
 */
DUET_CHECK enum err duet_collections_list(struct duet *db, const char *name,
                                          struct duet_collections *out);
DUET_API void duet_collections_release(struct duet_collections *list);

/* ---- Payload indexes: filters on a field without a look at every point -------------- */

enum duet_index_kind {
    DUET_INDEX_KEYWORD,  /* strings */
    DUET_INDEX_INTEGER,  /* numbers */
    DUET_INDEX_FLOAT,    /* numbers */
    DUET_INDEX_BOOL,     /* true and false */
    DUET_INDEX_DATETIME, /* strings that are dates and times */
    DUET_INDEX_UUID,     /* strings that are UUIDs */
    DUET_INDEX_GEO,      /* {"lat", "lon"} */
    DUET_INDEX_TEXT      /* words of strings */
};

/* As the dialect writes them: "keyword". */
static inline const char *duet_index_kind_name(enum duet_index_kind kind)
{
    static const char *const names[] = {"keyword",  "integer", "float", "bool",
                                        "datetime", "uuid",    "geo",   "text"};
    return names[kind];
}

struct duet_index {
    const char *field;
    enum duet_index_kind kind;
    const char *params; /* a JSON object as it was given; NULL: only the kind was */
    size_t n_points;    /* that have a value of the kind there */
    bool ready;         /* all points have their rows: filters use it */
};

/*
 * Makes an index on the field `field`, a path as in filters ("a.b[].c"). `schema` is the
 * dialect's field_schema as JSON: ""keyword"", or an object with "type" and
 * parameters. An index never changes which points a filter finds, but for one of texts,
 * which says what a word is in its field. One that is there as described is left alone,
 * another on the same field is replaced. Returns when all points have their rows; writes
 * may go on meanwhile, and what a crash cuts short the next writer finishes. After
 * ERR_FULL and the like it may be there, not ready: asked for again, it is finished.
 * ERR_NOT_FOUND, ERR_INVALID, ERR_UNSUPPORTED, ERR_LIMIT, ERR_FULL, ERR_IO.
 */
DUET_CHECK enum err duet_index_create(struct duet *db, const char *collection,
                                      const char *field, const char *schema);

/* Removes it; one that is not there is no error. ERR_NOT_FOUND: no such collection. */
DUET_CHECK enum err duet_index_remove(struct duet *db, const char *collection,
                                      const char *field);

struct duet_indexes {
    struct duet_index *items; /* [n], as they were made */
    size_t n;
};

DUET_CHECK enum err duet_indexes_list(struct duet *db, const char *collection,
                                      struct duet_indexes *out);
DUET_API void duet_indexes_release(struct duet_indexes *list);

/* ---- Aliases: other names of collections, good wherever a collection is named ---- */

enum duet_alias_change_kind {
    DUET_ALIAS_CREATE, /* `alias` means the collection `to` from now on */
    DUET_ALIAS_DELETE, /* one that is not there is no error */
    DUET_ALIAS_RENAME  /* `alias` is called `to` from now on */
};

struct duet_alias_change {
    enum duet_alias_change_kind kind;
    const char *alias;
    const char *to;
};

/*
 * Makes changes[n], in order, in one transaction or none of them (the detail begins
 * with "action N: "): so an alias can be switched from one collection to another while
 * it is in use. ERR_NOT_FOUND: no such collection, or none such to rename; ERR_EXISTS:
 * a collection has that name; ERR_INVALID, ERR_LIMIT.
 */
DUET_CHECK enum err
duet_aliases_change(struct duet *db, const struct duet_alias_change *changes, size_t n);

struct duet_alias {
    const char *alias, *collection;
};

struct duet_aliases {
    struct duet_alias *items; /* [n], by alias */
    size_t n;
};

/* All aliases, or those of one collection (ERR_NOT_FOUND if there is none). */
DUET_CHECK enum err duet_aliases_list(struct duet *db, const char *collection,
                                      struct duet_aliases *out);
DUET_API void duet_aliases_release(struct duet_aliases *list);

/* ---- What may stand where a vector may stand ---------------------------------- */

enum duet_input_kind {
    DUET_INPUT_NONE,
    DUET_INPUT_VECTOR, /* `vector`, `n` numbers */
    DUET_INPUT_TEXT,   /* `bytes`, `n` bytes of UTF-8 */
    DUET_INPUT_IMAGE,  /* `bytes`, `n` bytes of a picture file */
    DUET_INPUT_FILE,   /* `path` of a picture file */
    DUET_INPUT_POINT   /* the stored vector of `id` */
};

struct duet_input {
    enum duet_input_kind kind;
    const float *vector;
    const void *bytes;
    const char *path;
    size_t n;
    struct duet_id id;
};

DUET_API struct duet_input duet_input_text(const char *text);
DUET_API struct duet_input duet_input_file(const char *path);

/* The vector of an input that is text or a picture, by the database's model, without
 * any collection. `*vector` is alloc'd, duet_free; `*dim` its size. */
DUET_CHECK enum err duet_embed(struct duet *db, const struct duet_input *input,
                               float **vector, size_t *dim);
DUET_API void duet_free(void *p);

/* What became of one of many inputs. */
struct duet_embedded {
    size_t n_tokens; /* that the model read of a text; 0 for a picture */
    bool truncated;  /* the text was longer than the model reads */
};

/* The vectors of inputs[n] into *vectors [n, *dim], duet_free, and what became of each
 * into results[n]: all of them or, on any error, none (the detail begins with "input N:
 * "). Texts are encoded together. ERR_INVALID, ERR_LIMIT, ERR_UNSUPPORTED, ERR_MODEL. */
DUET_CHECK enum err duet_embed_many(struct duet *db, const struct duet_input *inputs,
                                    size_t n, float **vectors, size_t *dim,
                                    struct duet_embedded *results);

/* ---- Points ----------------------------------------------------------------- */

struct duet_named_input {
    const char
        *space; /* NULL: "image" for a picture, "text" for a text, else the only */
    struct duet_input input;
};

/* A point to be written. `payload` is a JSON object, NULL for {}. */
struct duet_point_input {
    struct duet_id id;
    const char *payload;
    size_t n_payload;
    const struct duet_named_input *vectors; /* [n_vectors] */
    size_t n_vectors;
};

/* Which of the points of an upsert are written. */
enum duet_upsert_mode {
    DUET_UPSERT,      /* all */
    DUET_INSERT_ONLY, /* those that are not there yet */
    DUET_UPDATE_ONLY  /* those that are there */
};

enum duet_operation_kind {
    DUET_OP_UPSERT,            /* points, mode, update_filter */
    DUET_OP_DELETE,            /* ids; those that are not there are no error */
    DUET_OP_SET_PAYLOAD,       /* ids, payload, key: its members are put in; a null
                                  removes its key */
    DUET_OP_OVERWRITE_PAYLOAD, /* ids, payload */
    DUET_OP_DELETE_PAYLOAD,    /* ids, names: paths into the payload */
    DUET_OP_CLEAR_PAYLOAD,     /* ids */
    DUET_OP_UPDATE_VECTORS, /* points without payload, update_filter: the spaces given
                                  are written, the others stay */
    DUET_OP_DELETE_VECTORS  /* ids, names: of spaces */
};

struct duet_operation {
    enum duet_operation_kind kind;
    const struct duet_point_input *points; /* [n_points] */
    size_t n_points;
    enum duet_upsert_mode mode;
    const char *update_filter; /* JSON: points that are there and do not match it stay
                                  as they are; NULL: all match */
    const struct duet_id *ids; /* [n_ids] */
    size_t n_ids;
    const char *filter;  /* JSON: in place of ids, the points that match, at most
                            LIMIT_SELECTED_POINTS; NULL: ids */
    const char *payload; /* one JSON object, [n_payload] */
    size_t n_payload;
    const char *key; /* the path of an object in the payload; NULL: the whole */
    const char *const *names; /* [n_names] */
    size_t n_names;
};

/*
 * Does operations[n], in order, in one transaction: all of them or, on any error, none.
 * Texts and pictures are encoded first. The detail begins with "operation N: " where
 * there are several, and with "point N: " where one of `points` is wrong. No vector is
 * rewritten where only payloads change. ERR_NOT_FOUND: no such collection or space, or
 * one of the points to be changed is not there; otherwise as duet_upsert.
 */
DUET_CHECK enum err duet_apply(struct duet *db, const char *collection,
                               const struct duet_operation *operations, size_t n);

/*
 * Writes `n` points, replacing those whose ids are there: all of them or, on any error,
 * none (the detail begins with "point N: "). Texts and pictures are encoded first, on
 * n_threads threads. ERR_NOT_FOUND: no such collection; ERR_INVALID, ERR_LIMIT,
 * ERR_CONFLICT (size or model), ERR_FULL, ERR_IO.
 */
DUET_CHECK enum err duet_upsert(struct duet *db, const char *collection,
                                const struct duet_point_input *points, size_t n);

/* Removes the points that are there; *n_removed says how many (may be NULL). */
DUET_CHECK enum err duet_remove(struct duet *db, const char *collection,
                                const struct duet_id *ids, size_t n, size_t *n_removed);

struct duet_vector {
    const char *space;
    float *values; /* [dim] */
    size_t dim;
};

/* A value out of a payload. A date that points are ordered by is DUET_VALUE_INT,
 * microseconds since 1970. */
enum duet_value_kind {
    DUET_VALUE_NONE,
    DUET_VALUE_BOOL,  /* flag */
    DUET_VALUE_INT,   /* whole */
    DUET_VALUE_LARGE, /* large: whole numbers past 2^63 - 1 */
    DUET_VALUE_REAL,  /* real */
    DUET_VALUE_STRING /* text, [n_text] bytes of UTF-8, which may hold NULs */
};

struct duet_value {
    enum duet_value_kind kind;
    bool flag;
    int64_t whole;
    uint64_t large;
    double real;
    char *text;
    size_t n_text;
};

/* A stored point, or a result of a search. */
struct duet_hit {
    struct duet_id id;
    float score;       /* as the space's distance says; 0 where nothing was compared */
    const char *space; /* whose vector matched; NULL where none did */
    char *payload;     /* one JSON object; NULL unless asked for */
    char *source;      /* the file the point was made from; NULL if none */
    char hash[33]; /* of the picture it was made from: XXH3-128 in hex; "" if none */
    struct duet_vector *vectors; /* [n_vectors]; none unless asked for */
    size_t n_vectors;
    struct duet_value order; /* what it was ordered by; DUET_VALUE_NONE elsewhere */
};

struct duet_hits {
    struct duet_hit *hits;
    size_t n;
    bool truncated;      /* the query's text was longer than the model reads */
    size_t n_compared;   /* vectors compared exactly */
    size_t n_candidates; /* of them named by sealed segments */
};

DUET_API void duet_hits_release(struct duet_hits *hits);

/* ---- Parts of payloads -------------------------------------------------------- */

enum { DUET_SELECTED_MAX = 256 };

struct duet_selection {
    const char *const *paths; /* [n] as in a filter: "a.b", "list[].c" */
    size_t n;                 /* at most DUET_SELECTED_MAX */
    bool excludes;            /* what they lead to is left out, not kept */
};

/* What a selection leaves of a payload: the JSON object *out, duet_free. Of arrays the
 * elements are selected by "[]"; "[0]" selects nothing. ERR_INVALID and ERR_LIMIT say what
 * is wrong with a path; ERR_CORRUPT: the payload is no JSON. */
DUET_CHECK enum err duet_payload_select(const char *payload,
                                        const struct duet_selection *selection,
                                        char **out);

/* ---- Reading points ------------------------------------------------------------ */

/* The points of ids[n] that are there, in that order, with payload, source and (with
 * `vectors`) vectors. */
DUET_CHECK enum err duet_get(struct duet *db, const char *collection,
                             const struct duet_id *ids, size_t n, bool vectors,
                             struct duet_hits *out);

/* Up to `limit` points in the order of ids, from `from` (NULL: the first) on; a point
 * present throughout a walk appears exactly once in it. */
DUET_CHECK enum err duet_scroll(struct duet *db, const char *collection,
                                const struct duet_id *from, size_t limit,
                                struct duet_hits *out);

DUET_CHECK enum err duet_count(struct duet *db, const char *collection, size_t *out);

/* ---- Filters ------------------------------------------------------------------ */

/*
 * A filter is the JSON object of the dialect (docs/HTTP.md), as text: NULL means all
 * points. The three below do what their names without "_where" do, to the points that
 * match. ERR_INVALID and ERR_LIMIT name the place of a mistake, as in
 * "filter.must[2].range.gte: must be a number".
 *
 * There is no index of payloads yet: each call reads all records, and parses what the
 * filter asks about, at about a microsecond a point.
 */
DUET_CHECK enum err duet_scroll_where(struct duet *db, const char *collection,
                                      const char *filter, const struct duet_id *from,
                                      size_t limit, struct duet_hits *out);
DUET_CHECK enum err duet_count_where(struct duet *db, const char *collection,
                                     const char *filter, size_t *out);

/* Removes in transactions of at most LIMIT_BATCH_POINTS (10,000) points each, so that
 * other writers get their turn: each point matched at the moment it went, and after a
 * failure those of earlier transactions are gone, *n_removed of them (may be NULL). What
 * a crash cuts off after the first transaction is finished when the database is next
 * opened for writing, before that returns: all or nothing. `filter` NULL is ERR_INVALID:
 * nobody means that. */
DUET_CHECK enum err duet_remove_where(struct duet *db, const char *collection,
                                      const char *filter, size_t *n_removed);

/* ---- Order, and counts, by a value of the payload -------------------------------- */

/* Numbers and dates (RFC 3339 in a string) are values, all in one order; a date is the
 * number of its microseconds since 1970. Whole numbers are compared exactly. */
struct duet_order {
    const char *key; /* the path of the value, as in a filter */
    bool descending;
    const char *start_from; /* JSON: a number, or a string with a date; what comes
                               before it is left out; NULL: nothing is */
};

struct duet_ordered {
    struct duet_order by;
    const char *filter;   /* JSON; NULL: all points */
    size_t limit, offset; /* limit + offset <= LIMIT_K_MAX */
    bool payload, vectors;
};

#define DUET_ORDERED_DEFAULT ((struct duet_ordered){.limit = 10, .payload = true})

/*
 * The points that have such a value, in the order of it, of equal values by id (up, in
 * either direction); hits[].order is the value. A point is there once for each value
 * that it has. With an index of numbers or dates on the field, the values of that kind
 * count, and without a filter no more points are looked at than come out; otherwise all
 * that match are. ERR_NOT_FOUND, ERR_INVALID, ERR_LIMIT.
 */
DUET_CHECK enum err duet_scroll_ordered(struct duet *db, const char *collection,
                                        const struct duet_ordered *what,
                                        struct duet_hits *out);

struct duet_facet {
    const char *key;    /* the path of the value, as in a filter */
    const char *filter; /* JSON; NULL: all points */
    size_t limit;       /* of values, 1 … LIMIT_K_MAX */
};

struct duet_facet_hit {
    struct duet_value value; /* a string, a whole number or a truth value */
    size_t n_points;         /* that have it, however often */
};

struct duet_facets {
    struct duet_facet_hit *hits; /* [n] */
    size_t n;
    size_t n_values; /* different ones there are, past the limit too */
};

/*
 * How many points have which value: the most frequent first, of equally frequent ones
 * truth values, then numbers, then strings, each ascending. Counts are exact. ERR_LIMIT
 * where the key has more than LIMIT_FACET_VALUES values; ERR_NOT_FOUND, ERR_INVALID.
 */
DUET_CHECK enum err duet_facet(struct duet *db, const char *collection,
                               const struct duet_facet *what, struct duet_facets *out);
DUET_API void duet_facets_release(struct duet_facets *facets);

/* ---- Search ----------------------------------------------------------------- */

enum duet_query_kind {
    DUET_QUERY_NEAREST, /* the nearest to `input` */
    DUET_QUERY_MIX,     /* ... to the weighted sum of `examples`, at unit length each */
    DUET_QUERY_RECOMMEND, /* by `examples`, as `strategy` says */
    DUET_QUERY_RRF,       /* `prefetch`, fused by rank (reciprocal rank fusion) */
    DUET_QUERY_DBSF,      /* ... by score, each list's about its own mean */
    DUET_QUERY_SAMPLE,    /* points drawn at random */
    DUET_QUERY_ALL,       /* points in the order of their ids */
    DUET_QUERY_ORDER      /* ... of a value of their payloads, `order` */
};

/* What the examples of a recommendation do. Scores of the last two are larger for what is
 * better in every space; inside them a near vector counts its cosine or inner product, its
 * distance times -1, or, of Euclid, the square of that. */
enum duet_strategy {
    DUET_AVERAGE_VECTOR, /* the nearest to twice the mean of the positive ones less that
                            of the negative ones */
    DUET_BEST_SCORE, /* by the nearest example: s(x) = (1 + x / (1 + |x|)) / 2 of it,
                            and -s(x) where it is a negative one */
    DUET_SUM_SCORES  /* the sum over the positive less that over the negative */
};

struct duet_example {
    struct duet_input input;
    float weight; /* in a mix; in a recommendation its sign: more than 0 is positive */
};

struct duet_query {
    enum duet_query_kind kind;
    struct duet_input input;
    const struct duet_example *examples; /* [n_examples], of a mix or recommendation */
    size_t n_examples;
    enum duet_strategy strategy;
    struct duet_order order;
    /* Queries whose results this one takes for its points: what it finds, it finds among
     * these, and a fusion puts their lists together. Of each, `offset`, `payload` and
     * `vectors` say nothing; the filter of this query is theirs as well. */
    const struct duet_query *prefetch; /* [n_prefetch] */
    size_t n_prefetch;
    size_t rrf_k;             /* the first of a list counts 1 / rrf_k; 0: 2 */
    const float *rrf_weights; /* [n_rrf_weights], as many as prefetches; NULL: 1 each */
    size_t n_rrf_weights;
    /* Where the points of DUET_INPUT_POINT have their vectors. */
    const char *lookup_from;  /* a collection; NULL: the one that is searched */
    const char *lookup_space; /* a space of it; NULL: as `in` */
    const char *in;     /* the space to search; "any": all, fused by rank (RRF); NULL:
                           "image" in a cross-modal collection, else the only space */
    const char *filter; /* JSON: only points that match are found; NULL: all may be */
    size_t k;           /* 1 … LIMIT_K_MAX */
    size_t offset;      /* results skipped first; k + offset <= LIMIT_K_MAX */
    bool exact;         /* scan everything: the ground truth */
    bool payload;       /* fill hits[].payload */
    bool vectors;       /* fill hits[].vectors */
    /* Only scores above score_threshold (of a fusion: or equal to it), or distances
     * below it. */
    bool has_threshold;
    float score_threshold;
    unsigned oversampling; /* candidates per result; 0: the index's choice */
    unsigned nprobe;       /* lists to look into; 0: the index's choice */
    unsigned ef;           /* width of a graph's walk; 0: the index's choice */
    bool force_index; /* ask the index also where a scan is cheaper: to measure it */
};

#define DUET_QUERY_DEFAULT ((struct duet_query){.k = 10, .payload = true})

/*
 * The k best points, by (score, id up), never fewer than there are to be had. A point that
 * is asked with (DUET_INPUT_POINT, of the same collection) is left out. ERR_NOT_FOUND: no
 * such collection or point; ERR_CONFLICT: the vector is of another size or the model of
 * another space; ERR_BUSY, ERR_TIMEOUT: too many texts or pictures waited to be encoded, or
 * for too long; ERR_INVALID, ERR_LIMIT. The detail begins with the place of a mistake where
 * there are several, as in "prefetch[1].query.recommend.positive[0]: ".
 */
DUET_CHECK enum err duet_search(struct duet *db, const char *collection,
                                const struct duet_query *query, struct duet_hits *out);

/* Several of them, as of one moment, into outs[n]; their texts are encoded together, which
 * is faster. None on any error ("searches[3]: "). */
DUET_CHECK enum err duet_search_many(struct duet *db, const char *collection,
                                     const struct duet_query *queries, size_t n,
                                     struct duet_hits *outs);

/* How results are put into groups: by a value in their payloads. */
struct duet_grouping {
    const char *path; /* to strings or whole numbers; a point with several is in several
                         groups, one with another kind of value among them in none */
    size_t size;      /* results in a group, at most */
    const char *lookup; /* a collection: its points of these ids are added; NULL */
    bool lookup_payload, lookup_vectors; /* what of them */
};

struct duet_group {
    char *value;             /* as JSON: a string or a whole number */
    struct duet_hits hits;   /* best first */
    struct duet_hits lookup; /* one point, or none */
};

struct duet_groups {
    struct duet_group *items; /* [n], by their best results */
    size_t n;
    bool truncated; /* as in struct duet_hits */
};

/* The first `query->k` groups of the ranked list of all that the query finds; its offset
 * must be 0. Prefetches give as much as there is, LIMIT_K_MAX at most, whatever their own
 * k. */
DUET_CHECK enum err duet_search_groups(struct duet *db, const char *collection,
                                       const struct duet_query *query,
                                       const struct duet_grouping *grouping,
                                       struct duet_groups *out);
DUET_API void duet_groups_release(struct duet_groups *groups);
/* ---- Pages of a ranked result -------------------------------------------------- */

/*
 * A search asked again for its second page may answer otherwise than before, since
 * others write in between: a point is seen twice, or never. A list that is kept has its
 * points and scores for good:
 *
 *     query.k = LIMIT_K_MAX;  query.payload = false;
 *     duet_search(db, "c", &query, &hits);
 *     duet_pages_open(db, "c", &hits, token);
 *     duet_pages_read(db, "c", &(struct duet_page){token, 20, 10, true}, &page, &info);
 *
 * A list is gone LIMIT_PAGES_SECONDS (60) after it was last read, and with its process.
 */
enum { DUET_PAGES_TOKEN_MAX = 37 }; /* bytes of a token, with its NUL */

/* Keeps the ids, scores and spaces of `hits`, of which there may be LIMIT_K_MAX. What
 * names the list from now on is written to `token`, and cannot be guessed. ERR_BUSY:
 * LIMIT_PAGES_OPEN lists are there; ERR_NOT_FOUND: no such collection; ERR_LIMIT. */
DUET_CHECK enum err duet_pages_open(struct duet *db, const char *collection,
                                    const struct duet_hits *hits,
                                    char token[DUET_PAGES_TOKEN_MAX]);

struct duet_page {
    const char *token;
    size_t offset, limit; /* places of the list */
    bool payload, vectors;
};

struct duet_page_info {
    size_t n_list; /* results in the list */
    size_t n_gone; /* of this page: points that are not there any more, left out */
};

/* The points at places [offset, offset + limit) of the list, with the scores it was made
 * with and the payloads of now. ERR_NOT_FOUND: there is no such list (any more), or its
 * collection was dropped. */
DUET_CHECK enum err duet_pages_read(struct duet *db, const char *collection,
                                    const struct duet_page *page, struct duet_hits *out,
                                    struct duet_page_info *info);

/* Forgets a list before its time; one that is not there is fine. */
DUET_API void duet_pages_close(struct duet *db, const char *token);

/* ---- Adding folders of pictures ------------------------------------------------ */

/* How far an add has come. Counts are of pictures; those of the result are all on disk,
 * those told on the way perhaps not yet. */
struct duet_add_progress {
    size_t n_found; /* so far; the final number once `walked` */
    bool walked;
    size_t n_done; /* all of the below together */
    size_t n_added, n_updated, n_unchanged, n_moved, n_failed, n_pruned;
    double seconds;     /* since the start */
    double cpu_seconds; /* spent by all threads in reading, decoding, encoding */
};

/* What a line of a JSONL file would say, and where it comes from. */
struct duet_add_line {
    const char *json; /* [n] */
    size_t n;
    size_t number; /* from 1 */
};

struct duet_add_options {
    const char *const *paths; /* [n_paths] files and folders */
    size_t n_paths;
    const char
        *jsonl; /* a file of {"path" or "image", "text"?, "payload"?, "id"?}; NULL */
    const struct duet_add_line *lines; /* [n_lines] in its place */
    size_t n_lines;
    const char *lines_of; /* the file that they come from: relative paths are from its
                             folder */
    bool prune;           /* remove points whose files under `paths` are gone */
    bool hidden;        /* also enter files and folders whose names begin with a dot */
    unsigned n_threads; /* 0: the database's; so many encode at a time in any case */
    /* Called on the caller's thread about ten times a second; returning false stops the
     * add after the commit under way (ERR_CANCELLED). May be NULL. */
    bool (*progress)(void *arg, const struct duet_add_progress *now);
    /* Called on the caller's thread for each picture that could not be added, with the
     * reason; of one that a line names the path is FILE:LINE. May be NULL. */
    void (*failed)(void *arg, const char *path, enum err code, const char *reason);
    void *arg;
};

/*
 * Adds the pictures under `paths` to a cross-modal collection (made if it is not
 * there): each gets an id from its path, its thumbnail in media/, an "image" vector
 * and, where there is a caption (a sidecar .txt or .json of the same name, or jsonl), a
 * "text" vector. A second run does only what changed, told by size, time and content
 * hash; a moved file keeps its payload. A bad picture is reported and counted, the rest
 * goes on. Work is committed in groups, so that an interrupted add resumes where it
 * was. ERR_INVALID also where no picture was found at all. `result` may be NULL.
 */
DUET_CHECK enum err duet_add(struct duet *db, const char *collection,
                             const struct duet_add_options *options,
                             struct duet_add_progress *result);

/* The id that duet_add gives to the picture in the file `path`, which may be gone by
 * now. ERR_NOT_FOUND: its folder is gone too, so that nothing says where it was. */
DUET_CHECK enum err duet_id_of_file(struct duet *db, const char *path,
                                    struct duet_id *out);

/* The id of a picture that comes as `n` bytes and without one: the same for the same
 * bytes, in this database. */
DUET_CHECK enum err duet_id_of_bytes(struct duet *db, const void *bytes, size_t n,
                                     struct duet_id *out);

/* The bytes of a point's 320-pixel JPEG thumbnail, duet_free. ERR_NOT_FOUND. */
DUET_CHECK enum err duet_thumbnail(struct duet *db, const char *collection,
                                   struct duet_id id, void **bytes, size_t *n);

/* A picture file; `bytes` is the caller's, duet_free. */
struct duet_picture {
    void *bytes; /* [n] */
    size_t n;
    const char *type; /* "image/png": what its first bytes say; static */
};

/* The very bytes that a point's picture was made from: of its file, or of an upload.
 * ERR_NOT_FOUND also where the file is gone or has changed since. */
DUET_CHECK enum err duet_original(struct duet *db, const char *collection,
                                  struct duet_id id, struct duet_picture *out);

/* ---- Looking inside ---------------------------------------------------------- */

/* How widely the largest segment is searched for one side, and how that was learnt. */
struct duet_width_stats {
    unsigned oversampling; /* candidates a result; 0: not learnt, the default is used */
    unsigned nprobe;       /* lists, where there are any */
    unsigned ef;           /* of a graph */
    double recall;         /* of the true ten, over the questions it was learnt from */
    size_t n_questions;
    char learnt_from[96]; /* "own vectors, questions asked", "" where it was not */
};

struct duet_space_stats {
    char name[256];
    size_t dim;
    enum duet_distance distance;
    enum duet_datatype datatype;
    size_t n_vectors; /* live */
    size_t n_sealed;  /* of them in sealed segments */
    size_t n_segments;
    size_t segment_bytes; /* of their files */
    size_t memory_bytes;  /* of them, loaded */
    char index[64]; /* what the largest segment is, as FAISS names it ("PQ192x4fs",
                             "IVF1024,PQ192x4fs", "HNSW32,Flat"), "" if there is none */
    enum duet_vector_index choice;       /* as the collection was told */
    char reason[160];                    /* why it is that, or none */
    struct duet_width_stats same_side;   /* for a vector of the space's own side */
    struct duet_width_stats cross_modal; /* of the other side, or of an unknown one */
};

struct duet_stats {
    char uuid[37];
    char model[256], model_space[256];
    size_t n_points;
    size_t store_bytes; /* of data.mdb in use */
    size_t media_bytes;
    struct duet_space_stats spaces[16];
    size_t n_spaces;
};

DUET_CHECK enum err duet_stats(struct duet *db, const char *collection,
                               struct duet_stats *out);

/* What the index finds of the true answers to what is asked, of one space and side:
 * now and then an answer of the index is compared with a scan, in the background and
 * within a hundredth of one core. */
struct duet_recall_item {
    char collection[256], space[256];
    bool cross_modal;  /* asked by another side than the space's, or an unknown one */
    uint64_t n_checks; /* answers compared since the opening */
    double recall;     /* of all their results */
};
struct duet_recalls {
    struct duet_recall_item *items;
    size_t n;
};

/* Of one collection; NULL: of all. Spaces that were not measured yet are left out. */
DUET_CHECK enum err duet_recall(struct duet *db, const char *collection,
                                struct duet_recalls *out);
DUET_API void duet_recalls_release(struct duet_recalls *recalls);

/* Waits until no segment build is due or running. For tests and benchmarks. */
DUET_CHECK enum err duet_seal(struct duet *db, const char *collection);

/* How the model's work of one kind has gone since the opening. Who asks for it while
 * all n_threads are at it waits, and those who wait are encoded together, in batches.
 */
struct duet_encode_kind_stats {
    uint64_t n_items, n_batches;
    uint64_t batches_by_size[7];  /* [i]: of at most 2^i items, more than half that */
    uint64_t n_busy, n_timeouts;  /* queries refused as too many waited, and those
                                        that waited too long */
    double wait_seconds, seconds; /* of all items; of all batches */
    size_t n_waiting;             /* now */
};
struct duet_encode_stats {
    struct duet_encode_kind_stats texts, images;
    /* Texts of queries are kept with their vectors, some thousands of them: how many
     * there are, and how many queries found theirs there, and did not. */
    size_t n_cached;
    uint64_t n_cache_hits, n_cache_misses;
};

/* All 0 until a model is needed. */
DUET_API void duet_encode_stats(struct duet *db, struct duet_encode_stats *out);

/* What the database's model says of itself; strings live until duet_close. */
struct duet_model_info {
    const char *name, *folder, *space, *licence, *languages, *fingerprint;
    size_t dim, image_size, max_tokens;
};
DUET_CHECK enum err duet_model(struct duet *db, struct duet_model_info *out);

#ifdef __cplusplus
}
#endif

#endif
