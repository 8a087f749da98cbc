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
};

/* The same, with more said. */
DUET_CHECK enum err
duet_collection_create_with(struct duet *db, const char *name,
                            const struct duet_collection_options *options);

/* Merges the members of a JSON object into the collection's metadata; a null removes
 * its key. ERR_NOT_FOUND, ERR_INVALID, ERR_LIMIT. */
DUET_CHECK enum err duet_collection_set_metadata(struct duet *db, const char *name,
                                                 const char *metadata, size_t n);

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
};

struct duet_hits {
    struct duet_hit *hits;
    size_t n;
    bool truncated;      /* the query's text was longer than the model reads */
    size_t n_compared;   /* vectors compared exactly */
    size_t n_candidates; /* of them named by sealed segments */
};

DUET_API void duet_hits_release(struct duet_hits *hits);

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
 * failure those of earlier transactions are gone, *n_removed of them (may be NULL).
 * `filter` NULL is ERR_INVALID: nobody means that. */
DUET_CHECK enum err duet_remove_where(struct duet *db, const char *collection,
                                      const char *filter, size_t *n_removed);

/* ---- Search ----------------------------------------------------------------- */

struct duet_query {
    struct duet_input input;
    const char *in;     /* the space to search; "any": all, fused by rank (RRF); NULL:
                           "image" in a cross-modal collection, else the only space */
    const char *filter; /* JSON: only points that match are found; NULL: all may be */
    size_t k;           /* 1 … LIMIT_K_MAX */
    size_t offset;      /* results skipped first; k + offset <= LIMIT_K_MAX */
    bool exact;         /* scan everything: the ground truth */
    bool payload;       /* fill hits[].payload */
    bool vectors;       /* fill hits[].vectors */
    bool has_threshold; /* leave out hits farther than score_threshold: scores below
                           it, or distances above */
    float score_threshold;
    unsigned oversampling; /* candidates per result; 0: the index's choice */
    unsigned nprobe;       /* lists to look into; 0: the index's choice */
};

#define DUET_QUERY_DEFAULT ((struct duet_query){.k = 10, .payload = true})

/*
 * The k nearest points, by (score down, id up), never fewer than there are to be had. A
 * DUET_INPUT_POINT is left out of its own results. ERR_NOT_FOUND: no such collection or
 * point; ERR_CONFLICT: the vector is of another size or the model of another space;
 * ERR_BUSY, ERR_TIMEOUT: too many texts or pictures waited to be encoded, or for too
 * long; ERR_INVALID, ERR_LIMIT.
 */
DUET_CHECK enum err duet_search(struct duet *db, const char *collection,
                                const struct duet_query *query, struct duet_hits *out);

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

struct duet_add_options {
    const char *const *paths; /* [n_paths] files and folders */
    size_t n_paths;
    const char
        *jsonl;  /* a file of {"path" or "image", "text"?, "payload"?, "id"?}; NULL */
    bool prune;  /* remove points whose files under `paths` are gone */
    bool hidden; /* also enter files and folders whose names begin with a dot */
    unsigned n_threads; /* 0: the database's; so many encode at a time in any case */
    /* Called on the caller's thread about ten times a second; returning false stops the
     * add after the commit under way (ERR_CANCELLED). May be NULL. */
    bool (*progress)(void *arg, const struct duet_add_progress *now);
    /* Called on the caller's thread for each picture that could not be added, with the
     * reason. May be NULL. */
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

/* ---- Looking inside ---------------------------------------------------------- */

struct duet_space_stats {
    char name[256];
    size_t dim;
    enum duet_distance distance;
    enum duet_datatype datatype;
    size_t n_vectors; /* live */
    size_t n_sealed;  /* of them in sealed segments */
    size_t n_segments;
    size_t segment_bytes;
    char index[64]; /* what the sealed segments are, "" if there are none */
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
