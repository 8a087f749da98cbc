/*
 * record.c - see record.h. Two small helpers carry it: `struct reader` walks over bytes
 * that may be hostile and remembers the first thing that was wrong, so that a record's
 * fields can be read one after another and checked once; the put_ functions append.
 */
#include "db/record.h"

#include <string.h>

#include "base/utf8.h"

static const char FORMAT_MAGIC[4] = {'D', 'U', 'E', 'T'};

/* Written in the machine's own order: vectors are raw floats, so a file does not travel
 * to a machine of the other byte order. */
static const uint32_t BYTE_ORDER_MARK = 0x01020304;

/* ---- Big-endian keys ---- */

static void key_add(struct record_key *key, uint64_t value, size_t n_bytes)
{
    for (size_t i = n_bytes; i > 0; i--) {
        key->data[key->n++] = (uint8_t)(value >> (8 * (i - 1)));
    }
}

static void key_add_bytes(struct record_key *key, const uint8_t *bytes, size_t n)
{
    memcpy(key->data + key->n, bytes, n);
    key->n += n;
}

static void key_add_id(struct record_key *key, struct duet_id id)
{
    key_add(key, id.is_uuid ? 1 : 0, 1);
    if (id.is_uuid) {
        key_add_bytes(key, id.uuid, DB_UUID_BYTES);
    } else {
        key_add(key, id.number, 8);
    }
}

struct record_key record_key_collection(uint32_t collection)
{
    struct record_key key = {.n = 0};
    key_add(&key, collection, 4);
    return key;
}

struct record_key record_key_point(uint32_t collection, struct duet_id id)
{
    struct record_key key = record_key_collection(collection);
    key_add_id(&key, id);
    return key;
}

struct record_key record_key_text(uint32_t collection, struct duet_id id, size_t space)
{
    struct record_key key = record_key_point(collection, id);
    key_add(&key, space, 2);
    return key;
}

struct record_key record_key_index(uint32_t collection, uint16_t index_number)
{
    return record_key_space(collection, index_number);
}

/* Its length tells it from those of collections and spaces. */
struct record_key record_key_dropped_index(uint32_t collection, uint16_t index_number)
{
    struct record_key key = record_key_collection(collection);
    key_add(&key, 0, 1);
    key_add(&key, index_number, 2);
    return key;
}

struct record_key record_key_space(uint32_t collection, size_t space)
{
    struct record_key key = record_key_collection(collection);
    key_add(&key, space, 2);
    return key;
}

struct record_key record_key_chunk(uint32_t collection, size_t space, uint32_t i)
{
    struct record_key key = record_key_space(collection, space);
    key_add(&key, i, 4);
    return key;
}

struct record_key record_key_hash_prefix(const uint8_t hash[DB_HASH_BYTES],
                                         uint32_t collection)
{
    struct record_key key = {.n = 0};
    key_add_bytes(&key, hash, DB_HASH_BYTES);
    key_add(&key, collection, 4);
    return key;
}

struct record_key record_key_hash(const uint8_t hash[DB_HASH_BYTES],
                                  uint32_t collection, struct duet_id id)
{
    struct record_key key = record_key_hash_prefix(hash, collection);
    key_add_id(&key, id);
    return key;
}

enum err record_dropped_read(struct record_key *row, struct record_key *prefix,
                             struct bytes key)
{
    FAIL_IF(key.n != 4 && key.n != 6 && key.n != RECORD_DROPPED_INDEX_BYTES,
            ERR_CORRUPT, "a key of %zu bytes is of nothing that can be dropped", key.n);
    *prefix = (struct record_key){.n = 0};
    *row = *prefix;
    key_add_bytes(row, key.data, key.n);
    if (key.n == RECORD_DROPPED_INDEX_BYTES) {
        key_add_bytes(prefix, key.data, 4);
        key_add_bytes(prefix, (const uint8_t *)key.data + 5, 2);
    } else {
        *prefix = *row;
    }
    return ERR_OK;
}

static uint64_t big_endian(const uint8_t *bytes, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

enum err record_key_id(struct bytes key, size_t skip, struct duet_id *id)
{
    *id = (struct duet_id){.number = 0};
    FAIL_IF(key.n <= skip, ERR_CORRUPT, "a key of %zu bytes has no id", key.n);
    const uint8_t *bytes = (const uint8_t *)key.data + skip;
    size_t n = key.n - skip;
    if (bytes[0] == 0 && n == 1 + 8) {
        id->number = big_endian(bytes + 1, 8);
        return ERR_OK;
    }
    FAIL_IF(bytes[0] != 1 || n != 1 + DB_UUID_BYTES, ERR_CORRUPT,
            "a key ends in %zu bytes that are no id", n);
    id->is_uuid = true;
    memcpy(id->uuid, bytes + 1, DB_UUID_BYTES);
    return ERR_OK;
}

enum err record_key_collection_number(struct bytes key, uint32_t *number)
{
    FAIL_IF(key.n < 4, ERR_CORRUPT, "a key of %zu bytes has no collection", key.n);
    *number = (uint32_t)big_endian(key.data, 4);
    return ERR_OK;
}

enum err record_key_number(struct bytes key, uint32_t *i)
{
    FAIL_IF(key.n != 10, ERR_CORRUPT, "the key of a chunk has %zu bytes", key.n);
    *i = (uint32_t)big_endian((const uint8_t *)key.data + 6, 4);
    return ERR_OK;
}

/* ---- Little-endian records ---- */

static enum err put_number(struct buf *out, uint64_t value, size_t n_bytes)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < n_bytes; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    return buf_append(out, bytes, n_bytes);
}

/* A string of at most 255 bytes behind its length. */
static enum err put_string(struct buf *out, const char *text)
{
    size_t n = strlen(text);
    FAIL_IF(n > 255, ERR_LIMIT, "a name has %zu bytes, more than 255", n);
    TRY(put_number(out, n, 1));
    return buf_append(out, text, n);
}

struct reader {
    const uint8_t *at;
    size_t left;
    const char *wrong; /* the first thing that was; NULL so far */
};

static struct reader reader_of(struct bytes value)
{
    return (struct reader){value.data, value.data == NULL ? 0 : value.n, NULL};
}

static void reader_fail(struct reader *r, const char *what)
{
    if (r->wrong == NULL) {
        r->wrong = what;
    }
    r->left = 0;
}

/* The next `n` bytes, or NULL. */
static const uint8_t *take_bytes(struct reader *r, size_t n)
{
    if (n > r->left) {
        reader_fail(r, "it ends early");
        return NULL;
    }
    const uint8_t *bytes = r->at;
    r->at += n;
    r->left -= n;
    return bytes;
}

static uint64_t take_number(struct reader *r, size_t n_bytes)
{
    const uint8_t *bytes = take_bytes(r, n_bytes);
    uint64_t value = 0;
    for (size_t i = 0; bytes != NULL && i < n_bytes; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    return value;
}

static uint32_t take_u32(struct reader *r)
{
    return (uint32_t)take_number(r, 4);
}

/* dst has 256 bytes. */
static void take_string(struct reader *r, char *dst)
{
    size_t n = (size_t)take_number(r, 1);
    const uint8_t *bytes = take_bytes(r, n);
    dst[0] = '\0';
    if (bytes == NULL) {
        return;
    }
    if (memchr(bytes, '\0', n) != NULL || !utf8_valid((const char *)bytes, n)) {
        reader_fail(r, "a name is not UTF-8");
        return;
    }
    memcpy(dst, bytes, n);
    dst[n] = '\0';
}

static enum err reader_result(const struct reader *r, const char *record)
{
    FAIL_IF(r->wrong != NULL, ERR_CORRUPT, "the record of %s is damaged: %s", record,
            r->wrong);
    FAIL_IF(r->left != 0, ERR_CORRUPT,
            "the record of %s is damaged: %zu bytes too many", record, r->left);
    return ERR_OK;
}

/* ---- The database's own record ---- */

enum err record_format_write(const struct record_format *format, struct buf *out)
{
    TRY(buf_append(out, FORMAT_MAGIC, sizeof FORMAT_MAGIC));
    TRY(put_number(out, format->version, 4));
    TRY(buf_append(out, &BYTE_ORDER_MARK, sizeof BYTE_ORDER_MARK));
    TRY(put_number(out, format->page_size, 4));
    TRY(buf_append(out, format->uuid, DB_UUID_BYTES));
    TRY(put_number(out, (uint64_t)format->created_ms, 8));
    return put_number(out, format->next_collection, 4);
}

enum err record_format_read(struct record_format *format, struct bytes value)
{
    struct reader r = reader_of(value);
    *format = (struct record_format){0};
    const uint8_t *magic = take_bytes(&r, sizeof FORMAT_MAGIC);
    format->version = take_u32(&r);
    const uint8_t *order = take_bytes(&r, sizeof BYTE_ORDER_MARK);
    FAIL_IF(magic == NULL || order == NULL ||
                memcmp(magic, FORMAT_MAGIC, sizeof FORMAT_MAGIC) != 0,
            ERR_CORRUPT, "the record of the database is damaged: not one of ours");
    FAIL_IF(format->version > RECORD_FORMAT_VERSION ||
                format->version < RECORD_FORMAT_OLDEST,
            ERR_VERSION, "the database has format %u, this build knows %d to %d",
            format->version, RECORD_FORMAT_OLDEST, RECORD_FORMAT_VERSION);
    FAIL_IF(memcmp(order, &BYTE_ORDER_MARK, sizeof BYTE_ORDER_MARK) != 0, ERR_VERSION,
            "the database was made on a machine of another byte order");
    format->page_size = take_u32(&r);
    const uint8_t *uuid = take_bytes(&r, DB_UUID_BYTES);
    if (uuid != NULL) {
        memcpy(format->uuid, uuid, DB_UUID_BYTES);
    }
    format->created_ms = (int64_t)take_number(&r, 8);
    format->next_collection = take_u32(&r);
    return reader_result(&r, "the database");
}

/* ---- Collections ---- */

static enum err put_space_def(struct buf *out, const struct record_space_def *space)
{
    TRY(put_number(out, space->number, 2));
    TRY(put_string(out, space->name));
    TRY(put_number(out, space->dim, 4));
    TRY(put_number(out, space->distance, 1));
    return put_number(out, space->datatype, 1);
}

enum err record_collection_write(const struct record_collection *c, struct buf *out)
{
    TRY(put_number(out, c->number, 4));
    TRY(put_number(out, c->n_points, 8));
    TRY(put_string(out, c->model));
    TRY(put_string(out, c->model_space));
    TRY(put_string(out, c->fingerprint));
    TRY(put_number(out, c->next_space, 2));
    TRY(put_number(out, c->n_spaces, 2));
    for (size_t i = 0; i < c->n_spaces; i++) {
        TRY(put_space_def(out, &c->spaces[i]));
    }
    if (c->n_shadows == 0) {
        return ERR_OK;
    }
    TRY(put_string(out, c->shadow_model.name));
    TRY(put_string(out, c->shadow_model.space));
    TRY(put_string(out, c->shadow_model.fingerprint));
    for (size_t i = c->n_spaces; i < record_collection_n_all(c); i++) {
        TRY(put_space_def(out, &c->spaces[i]));
    }
    return ERR_OK;
}

static void take_space_def(struct reader *r, struct record_space_def *space)
{
    space->number = (uint16_t)take_number(r, 2);
    take_string(r, space->name);
    space->dim = take_u32(r);
    uint64_t distance = take_number(r, 1);
    if (space->dim == 0 || space->dim > LIMIT_DIM_MAX) {
        reader_fail(r, "a space has a size out of range");
    }
    uint64_t datatype = take_number(r, 1);
    if (distance > DUET_MANHATTAN || datatype > DUET_UINT8) {
        reader_fail(r, "a space has an unknown distance or datatype");
        return;
    }
    space->distance = (enum duet_distance)distance;
    space->datatype = (enum duet_datatype)datatype;
}

static void take_space_defs(struct reader *r, struct record_collection *c, size_t from,
                            size_t n)
{
    for (size_t i = from; i < from + n; i++) {
        take_space_def(r, &c->spaces[i]);
        if (c->spaces[i].number >= c->next_space) {
            reader_fail(r, "a space has a number never given");
        }
    }
}

/* What is behind the spaces is there only while they have shadows. */
static void take_shadows(struct reader *r, struct record_collection *c)
{
    if (r->left == 0) {
        return;
    }
    if (c->n_spaces > LIMIT_SPACES_MAX / 2 || c->model_space[0] == '\0') {
        reader_fail(r, "it has shadows of spaces that can have none");
        return;
    }
    take_string(r, c->shadow_model.name);
    take_string(r, c->shadow_model.space);
    take_string(r, c->shadow_model.fingerprint);
    c->n_shadows = c->n_spaces;
    take_space_defs(r, c, c->n_spaces, c->n_shadows);
}

enum err record_collection_read(struct record_collection *c, struct bytes value)
{
    struct reader r = reader_of(value);
    *c = (struct record_collection){0};
    c->number = take_u32(&r);
    c->n_points = take_number(&r, 8);
    take_string(&r, c->model);
    take_string(&r, c->model_space);
    take_string(&r, c->fingerprint);
    c->next_space = (uint16_t)take_number(&r, 2);
    c->n_spaces = (size_t)take_number(&r, 2);
    if (c->n_spaces == 0 || c->n_spaces > LIMIT_SPACES_MAX) {
        reader_fail(&r, "the number of spaces is out of range");
        c->n_spaces = 0;
    }
    take_space_defs(&r, c, 0, c->n_spaces);
    take_shadows(&r, c);
    return reader_result(&r, "a collection");
}

/* ---- The state of a space ---- */

enum err record_space_write(const struct record_space *space, struct buf *out)
{
    TRY(put_number(out, space->next_slot, 4));
    TRY(put_number(out, space->n_live, 4));
    TRY(put_number(out, space->next_generation, 8));
    TRY(put_number(out, space->n_segments, 2));
    for (size_t i = 0; i < space->n_segments; i++) {
        TRY(put_number(out, space->segments[i].first, 4));
        TRY(put_number(out, space->segments[i].n_slots, 4));
        TRY(put_number(out, space->segments[i].n_rows, 4));
        TRY(put_number(out, space->segments[i].generation, 8));
    }
    return ERR_OK;
}

enum err record_space_read(struct record_space *space, struct bytes value)
{
    struct reader r = reader_of(value);
    *space = (struct record_space){0};
    space->next_slot = take_u32(&r);
    space->n_live = take_u32(&r);
    space->next_generation = take_number(&r, 8);
    space->n_segments = (size_t)take_number(&r, 2);
    if (space->n_live > space->next_slot || space->next_slot > LIMIT_SLOTS_MAX ||
        space->n_segments > RECORD_SEGMENTS_MAX) {
        reader_fail(&r, "its numbers are out of range");
        space->n_segments = 0;
    }
    uint64_t end = 0;
    for (size_t i = 0; i < space->n_segments; i++) {
        struct record_segment *segment = &space->segments[i];
        segment->first = take_u32(&r);
        segment->n_slots = take_u32(&r);
        segment->n_rows = take_u32(&r);
        segment->generation = take_number(&r, 8);
        if (segment->first < end || segment->n_rows > segment->n_slots ||
            segment->first % RECORD_CHUNK_SLOTS != 0 ||
            segment->n_slots % RECORD_CHUNK_SLOTS != 0) {
            reader_fail(&r, "its segments overlap");
        }
        end = (uint64_t)segment->first + segment->n_slots;
    }
    if (end > space->next_slot) {
        reader_fail(&r, "a segment covers slots never used");
    }
    return reader_result(&r, "a space");
}

/* ---- Points ---- */

enum err record_point_write(const struct record_point *point, struct buf *out)
{
    TRY(put_number(out, point->n_vectors, 2));
    for (size_t i = 0; i < point->n_vectors; i++) {
        TRY(put_number(out, point->vectors[i].space, 2));
        TRY(put_number(out, point->vectors[i].slot, 4));
    }
    return buf_append(out, point->payload.data, point->payload.n);
}

enum err record_point_read(struct record_point *point, struct bytes value)
{
    struct reader r = reader_of(value);
    *point = (struct record_point){0};
    point->n_vectors = (size_t)take_number(&r, 2);
    if (point->n_vectors > LIMIT_SPACES_MAX) {
        reader_fail(&r, "it has too many vectors");
        point->n_vectors = 0;
    }
    for (size_t i = 0; i < point->n_vectors; i++) {
        point->vectors[i].space = (uint16_t)take_number(&r, 2);
        point->vectors[i].slot = take_u32(&r);
        if (point->vectors[i].slot >= LIMIT_SLOTS_MAX) {
            reader_fail(&r, "a slot is out of range");
        }
    }
    size_t n = r.left;
    point->payload = (struct bytes){take_bytes(&r, n), n};
    return reader_result(&r, "a point");
}

uint32_t record_point_slot(const struct record_point *point, uint16_t space)
{
    for (size_t i = 0; i < point->n_vectors; i++) {
        if (point->vectors[i].space == space) {
            return point->vectors[i].slot;
        }
    }
    return RECORD_NO_SLOT;
}

/* ---- System records ---- */

enum err record_source_write(const struct db_source *source, struct buf *out)
{
    TRY(buf_append(out, source->hash, DB_HASH_BYTES));
    TRY(put_number(out, source->size, 8));
    TRY(put_number(out, (uint64_t)source->mtime_ns, 8));
    TRY(put_number(out, source->notes_hash, 8));
    return buf_append(out, source->path, strlen(source->path));
}

enum err record_source_read(struct db_source *source, struct buf *path,
                            struct bytes value)
{
    struct reader r = reader_of(value);
    *source = (struct db_source){.path = ""};
    buf_clear(path);
    const uint8_t *hash = take_bytes(&r, DB_HASH_BYTES);
    if (hash != NULL) {
        memcpy(source->hash, hash, DB_HASH_BYTES);
    }
    source->size = take_number(&r, 8);
    source->mtime_ns = (int64_t)take_number(&r, 8);
    source->notes_hash = take_number(&r, 8);
    size_t n = r.left;
    const uint8_t *bytes = take_bytes(&r, n);
    if (n > 0 && memchr(bytes, '\0', n) != NULL) {
        reader_fail(&r, "its path has a NUL");
    }
    TRY(reader_result(&r, "a source"));
    TRY(buf_append(path, bytes, n));
    source->path = path->data;
    return ERR_OK;
}

/* ---- Payload indexes ---- */

enum err record_index_write(const struct record_index *index, struct buf *out)
{
    uint8_t next[RECORD_ID_BYTES];
    record_id_write(index->next, next);
    TRY(put_number(out, index->kind, 1));
    TRY(put_number(out, index->ready ? 1 : 0, 1));
    TRY(put_number(out, index->n_points, 8));
    TRY(buf_append(out, next, sizeof next));
    TRY(put_number(out, index->field.n, 2));
    TRY(buf_append(out, index->field.data, index->field.n));
    return buf_append(out, index->params.data, index->params.n);
}

enum err record_index_read(struct record_index *index, struct bytes value)
{
    struct reader r = reader_of(value);
    *index = (struct record_index){.ready = false};
    uint64_t kind = take_number(&r, 1);
    uint64_t ready = take_number(&r, 1);
    index->n_points = take_number(&r, 8);
    const uint8_t *next = take_bytes(&r, RECORD_ID_BYTES);
    index->field.n = (size_t)take_number(&r, 2);
    index->field.data = take_bytes(&r, index->field.n);
    index->params.n = r.left;
    index->params.data = take_bytes(&r, r.left);
    if (kind > DUET_INDEX_TEXT || ready > 1) {
        reader_fail(&r, "its kind or state is not known");
    }
    TRY(reader_result(&r, "an index"));
    index->kind = (enum duet_index_kind)kind;
    index->ready = ready == 1;
    return record_id_read(&index->next, next);
}

enum err record_key_index_number(struct bytes key, uint16_t *number)
{
    FAIL_IF(key.n != 6, ERR_CORRUPT, "the key of an index has %zu bytes", key.n);
    *number = (uint16_t)big_endian((const uint8_t *)key.data + 4, 2);
    return ERR_OK;
}

enum err record_next_index_read(uint16_t *number, struct bytes value)
{
    struct reader r = reader_of(value);
    *number = (uint16_t)take_number(&r, 2);
    return reader_result(&r, "a collection's indexes");
}

enum err record_next_index_write(uint16_t number, struct buf *out)
{
    return put_number(out, number, 2);
}

/* ---- Slot tables and live bits ---- */

void record_id_write(struct duet_id id, uint8_t dst[RECORD_ID_BYTES])
{
    memset(dst, 0, RECORD_ID_BYTES);
    dst[0] = id.is_uuid ? 1 : 0;
    if (id.is_uuid) {
        memcpy(dst + 1, id.uuid, DB_UUID_BYTES);
        return;
    }
    for (size_t i = 0; i < 8; i++) {
        dst[1 + i] = (uint8_t)(id.number >> (8 * i));
    }
}

enum err record_id_read(struct duet_id *id, const uint8_t src[RECORD_ID_BYTES])
{
    *id = (struct duet_id){.number = 0};
    FAIL_IF(src[0] > 1, ERR_CORRUPT, "a slot's id is damaged");
    if (src[0] == 1) {
        id->is_uuid = true;
        memcpy(id->uuid, src + 1, DB_UUID_BYTES);
        return ERR_OK;
    }
    for (size_t i = 0; i < 8; i++) {
        id->number |= (uint64_t)src[1 + i] << (8 * i);
    }
    return ERR_OK;
}

uint64_t record_live_get(const void *block, size_t i)
{
    const uint8_t *bytes = (const uint8_t *)block + 8 * i;
    uint64_t word = 0;
    for (size_t b = 0; b < 8; b++) {
        word |= (uint64_t)bytes[b] << (8 * b);
    }
    return word;
}

void record_live_set(void *block, size_t i, uint64_t word)
{
    uint8_t *bytes = (uint8_t *)block + 8 * i;
    for (size_t b = 0; b < 8; b++) {
        bytes[b] = (uint8_t)(word >> (8 * b));
    }
}
