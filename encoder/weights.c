/*
 * weights.c - see weights.h.
 *
 * Each header is parsed once into one table, sorted by name in the end, and the JSON is
 * dropped. The checks are those of the reference reader: tensors fill the data area
 * from its first byte to its last, in order of their offsets, without a gap or an
 * overlap. That one rule also catches a truncated file. Tensors of types that no kernel
 * reads (the I64 position ids in many published files) are checked like the others and
 * refused only when asked for.
 */
#include "encoder/weights.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/json.h"
#include "base/limits.h"
#include "encoder/model_file.h"

enum { LENGTH_BYTES = 8, NAME_BYTES_MAX = 255 };

struct stored_type {
    const char *name;
    size_t item_size;
    int readable; /* an enum wt_type, or -1 */
};

static const struct stored_type stored_types[] = {
    {"F32", 4, WT_F32}, {"F16", 2, WT_F16}, {"BF16", 2, WT_BF16}, {"I8", 1, WT_I8},
    {"F64", 8, -1},     {"I64", 8, -1},     {"U64", 8, -1},       {"I32", 4, -1},
    {"U32", 4, -1},     {"I16", 2, -1},     {"U16", 2, -1},       {"U8", 1, -1},
    {"BOOL", 1, -1},
};

/* One file. */
struct shard {
    char *path; /* owned; for messages */
    struct file_map map;
    const unsigned char *data; /* the data area, inside the map */
    size_t data_size;
};

struct entry {
    char *name; /* owned */
    const struct shard *shard;
    const struct stored_type *type;
    size_t begin, end; /* bytes of the shard's data area */
    size_t rank;
    size_t shape[WT_RANK_MAX]; /* 1 past the rank */
};

struct wt_file {
    struct shard *shards; /* [n_shards] */
    size_t n_shards;
    struct entry *entries; /* [n_entries], sorted by name once open */
    size_t n_entries;
    float **copies; /* [n_copies] vectors that could not be used where they lie */
    size_t n_copies;
};

/* Reading the header. */

static enum err read_type(struct json_object *json, const struct stored_type **out)
{
    const char *name;
    TRY(json_get_string(json, "dtype", &name));
    for (size_t i = 0; i < sizeof stored_types / sizeof stored_types[0]; i++) {
        if (strcmp(stored_types[i].name, name) == 0) {
            *out = &stored_types[i];
            return ERR_OK;
        }
    }
    return err_set(ERR_MODEL, "unknown dtype \"%.16s\"", name);
}

/* Item `i` of a JSON array of whole numbers. */
static enum err read_number(struct json_object *array, size_t i, size_t *out)
{
    struct json_object *item = json_object_array_get_idx(array, i);
    FAIL_IF(!json_object_is_type(item, json_type_int) ||
                json_object_get_int64(item) < 0,
            ERR_MODEL, "a shape or an offset is not a whole number");
    *out = json_object_get_uint64(item);
    return ERR_OK;
}

/* The shape, and in *n_bytes what a tensor of it takes. */
static enum err read_shape(struct json_object *json, struct entry *entry,
                           size_t *n_bytes)
{
    struct json_object *array = json_get(json, "shape");
    FAIL_IF(!json_object_is_type(array, json_type_array), ERR_MODEL,
            "\"shape\" must be an array");
    entry->rank = json_object_array_length(array);
    FAIL_IF(entry->rank > WT_RANK_MAX, ERR_MODEL, "more than %d dimensions",
            WT_RANK_MAX);
    *n_bytes = entry->type->item_size;
    for (size_t i = 0; i < WT_RANK_MAX; i++) {
        entry->shape[i] = 1;
        if (i < entry->rank) {
            TRY(read_number(array, i, &entry->shape[i]));
        }
        FAIL_IF(__builtin_mul_overflow(*n_bytes, entry->shape[i], n_bytes), ERR_MODEL,
                "the shape overflows");
    }
    return ERR_OK;
}

static enum err read_range(struct json_object *json, struct entry *entry)
{
    struct json_object *array = json_get(json, "data_offsets");
    FAIL_IF(!json_object_is_type(array, json_type_array) ||
                json_object_array_length(array) != 2,
            ERR_MODEL, "\"data_offsets\" must be two numbers");
    TRY(read_number(array, 0, &entry->begin));
    return read_number(array, 1, &entry->end);
}

/* Everything that can be told of one tensor alone. */
static enum err read_entry(const struct shard *shard, struct json_object *json,
                           struct entry *entry)
{
    size_t n_bytes = 0;
    entry->shard = shard;
    TRY(read_type(json, &entry->type));
    TRY(read_shape(json, entry, &n_bytes));
    TRY(read_range(json, entry));
    FAIL_IF(entry->begin > entry->end || entry->end > shard->data_size, ERR_MODEL,
            "bytes %zu to %zu are outside the file", entry->begin, entry->end);
    FAIL_IF(entry->end - entry->begin != n_bytes, ERR_MODEL,
            "the shape asks for %zu bytes, the offsets for %zu", n_bytes,
            entry->end - entry->begin);
    return ERR_OK;
}

static enum err add_entry(struct wt_file *file, const struct shard *shard,
                          const char *name, struct json_object *json)
{
    struct entry *entry = &file->entries[file->n_entries];
    FAIL_IF(strlen(name) > NAME_BYTES_MAX, ERR_MODEL,
            "a tensor's name of more than %d bytes", NAME_BYTES_MAX);
    enum err result = read_entry(shard, json, entry);
    if (result != ERR_OK) {
        return err_prefix(ERR_MODEL, "tensor \"%s\"", name);
    }
    entry->name = alloc_dup(name);
    if (entry->name == NULL) {
        return ERR_NOMEM;
    }
    file->n_entries++;
    return ERR_OK;
}

static enum err read_entries(struct wt_file *file, const struct shard *shard,
                             struct json_object *header)
{
    size_t room = file->n_entries + (size_t)json_object_object_length(header);
    struct entry *entries = alloc_resize(file->entries, room, sizeof *entries);
    if (entries == NULL && room > 0) {
        return ERR_NOMEM;
    }
    file->entries = entries;
    json_object_object_foreach(header, name, json)
    {
        if (strcmp(name, "__metadata__") != 0) {
            TRY(add_entry(file, shard, name, json));
        }
    }
    return ERR_OK;
}

static int compare_ranges(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->begin != y->begin) {
        return x->begin < y->begin ? -1 : 1;
    }
    return (x->end > y->end) - (x->end < y->end);
}

static int compare_names(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* That the entries from `first` on, a shard's, fill its data area. */
static enum err check_coverage(struct wt_file *file, size_t first,
                               const struct shard *shard)
{
    size_t end = 0;
    if (file->n_entries > first) {
        qsort(file->entries + first, file->n_entries - first, sizeof *file->entries,
              compare_ranges);
    }
    for (size_t i = first; i < file->n_entries; i++) {
        FAIL_IF(file->entries[i].begin != end, ERR_MODEL,
                "tensor \"%s\" begins at byte %zu, where byte %zu was due",
                file->entries[i].name, file->entries[i].begin, end);
        end = file->entries[i].end;
    }
    FAIL_IF(end != shard->data_size, ERR_MODEL,
            "%zu bytes behind the last tensor belong to none", shard->data_size - end);
    return ERR_OK;
}

/* Finds the header, a JSON text of *length bytes behind the first eight. */
static enum err measure_header(struct shard *shard, size_t *length)
{
    uint64_t n = 0;
    FAIL_IF(shard->map.size < LENGTH_BYTES, ERR_MODEL, "it ends inside its header");
    for (size_t i = 0; i < LENGTH_BYTES; i++) {
        n |= (uint64_t)shard->map.data[i] << (8 * i);
    }
    FAIL_IF(n > LIMIT_MODEL_HEADER_BYTES, ERR_MODEL,
            "not a safetensors file: a header of %" PRIu64 " bytes", n);
    FAIL_IF(n > shard->map.size - LENGTH_BYTES, ERR_MODEL, "it ends inside its header");
    shard->data = shard->map.data + LENGTH_BYTES + n;
    shard->data_size = shard->map.size - LENGTH_BYTES - n;
    *length = n;
    return ERR_OK;
}

static enum err read_header(struct wt_file *file, struct shard *shard)
{
    size_t length = 0, first = file->n_entries;
    struct json_object *header;
    TRY(measure_header(shard, &length));
    TRY(json_parse(&header, (const char *)shard->map.data + LENGTH_BYTES, length));
    enum err result = ERR_OK;
    if (json_object_is_type(header, json_type_object)) {
        result = read_entries(file, shard, header);
    } else {
        result = err_set(ERR_MODEL, "the header is not a JSON object");
    }
    json_object_put(header);
    TRY(result);
    return check_coverage(file, first, shard);
}

static enum err open_shard(struct wt_file *file, const char *path)
{
    struct shard *shard = &file->shards[file->n_shards];
    shard->path = alloc_dup(path);
    if (shard->path == NULL) {
        return ERR_NOMEM;
    }
    file->n_shards++;
    TRY(model_file_map(&shard->map, path));
    enum err result = read_header(file, shard);
    if (result != ERR_OK) {
        return err_prefix(result == ERR_NOMEM ? ERR_NOMEM : ERR_MODEL, "%s", path);
    }
    return ERR_OK;
}

static enum err sort_names(struct wt_file *file)
{
    if (file->n_entries > 0) {
        qsort(file->entries, file->n_entries, sizeof *file->entries, compare_names);
    }
    for (size_t i = 1; i < file->n_entries; i++) {
        FAIL_IF(strcmp(file->entries[i - 1].name, file->entries[i].name) == 0,
                ERR_MODEL, "%s and %s: both have a tensor \"%s\"",
                file->entries[i - 1].shard->path, file->entries[i].shard->path,
                file->entries[i].name);
    }
    return ERR_OK;
}

enum err wt_open(struct wt_file **out, const char *const *paths, size_t n)
{
    *out = NULL;
    struct wt_file *file = alloc_zero(1, sizeof *file);
    if (file == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ERR_NOMEM;
    file->shards = alloc_zero(n, sizeof *file->shards);
    if (file->shards == NULL) {
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        TRY_OUT(open_shard(file, paths[i]));
    }
    TRY_OUT(sort_names(file));
    *out = file;
    return ERR_OK;
out:
    wt_close(file);
    return result;
}

void wt_close(struct wt_file *file)
{
    if (file == NULL) {
        return;
    }
    for (size_t i = 0; i < file->n_copies; i++) {
        alloc_free(file->copies[i]);
    }
    for (size_t i = 0; i < file->n_entries; i++) {
        alloc_free(file->entries[i].name);
    }
    for (size_t i = 0; i < file->n_shards; i++) {
        file_map_close(&file->shards[i].map);
        alloc_free(file->shards[i].path);
    }
    alloc_free(file->copies);
    alloc_free(file->entries);
    alloc_free(file->shards);
    alloc_free(file);
}

/* Finding tensors. */

static const struct entry *find_entry(const struct wt_file *file, const char *name)
{
    struct entry key = {.name = (char *)(uintptr_t)name};
    if (file->n_entries == 0) {
        return NULL;
    }
    return bsearch(&key, file->entries, file->n_entries, sizeof key, compare_names);
}

bool wt_has(const struct wt_file *file, const char *name)
{
    return find_entry(file, name) != NULL;
}

const char *wt_name(const struct wt_file *file, size_t i)
{
    return i < file->n_entries ? file->entries[i].name : NULL;
}

bool wt_is_readable(const struct wt_file *file, size_t i)
{
    return file->entries[i].type->readable >= 0;
}

/* An entry that is there and that a kernel can read. */
static enum err need_entry(const struct wt_file *file, const char *name,
                           const struct entry **out)
{
    const struct entry *entry = find_entry(file, name);
    FAIL_IF(entry == NULL, ERR_MODEL, "%s%s: no tensor \"%s\"", file->shards[0].path,
            file->n_shards > 1 ? " and its other shards" : "", name);
    FAIL_IF(entry->type->readable < 0, ERR_MODEL,
            "%s: tensor \"%s\" is %s, which no kernel reads", entry->shard->path, name,
            entry->type->name);
    *out = entry;
    return ERR_OK;
}

enum err wt_find(const struct wt_file *file, const char *name, struct wt_tensor *out)
{
    const struct entry *entry;
    TRY(need_entry(file, name, &entry));
    out->data = entry->shard->data + entry->begin;
    out->type = (enum wt_type)entry->type->readable;
    out->rank = entry->rank;
    memcpy(out->shape, entry->shape, sizeof out->shape);
    return ERR_OK;
}

static size_t count_numbers(const struct entry *entry)
{
    size_t n = 1;
    for (size_t i = 0; i < entry->rank; i++) {
        n *= entry->shape[i]; /* cannot overflow: checked at opening */
    }
    return n;
}

/* Room for `n` floats that live as long as the file. */
static enum err new_copy(struct wt_file *file, size_t n, float **out)
{
    float **copies = alloc_resize(file->copies, file->n_copies + 1, sizeof *copies);
    if (copies == NULL) {
        return ERR_NOMEM;
    }
    file->copies = copies;
    *out = alloc_array(n, sizeof **out);
    if (*out == NULL) {
        return ERR_NOMEM;
    }
    file->copies[file->n_copies] = *out;
    file->n_copies++;
    return ERR_OK;
}

enum err wt_vector(struct wt_file *file, const char *name, struct wt_part part,
                   size_t n, const float **out)
{
    const struct entry *entry;
    TRY(need_entry(file, name, &entry));
    FAIL_IF(entry->type->readable == WT_I8, ERR_MODEL,
            "%s: tensor \"%s\" must hold floats", entry->shard->path, name);
    FAIL_IF(n == 0 || count_numbers(entry) / part.n != n ||
                count_numbers(entry) % part.n != 0,
            ERR_MODEL, "%s: tensor \"%s\" has %zu numbers instead of %zu",
            entry->shard->path, name, count_numbers(entry), n * part.n);
    const struct wt_matrix whole = {.data = entry->shard->data + entry->begin +
                                            part.i * n * entry->type->item_size,
                                    .type = (enum wt_type)entry->type->readable,
                                    .n_rows = 1,
                                    .n_cols = n};
    if (whole.type == WT_F32 && (uintptr_t)whole.data % sizeof(float) == 0) {
        *out = whole.data;
        return ERR_OK;
    }
    float *copy;
    TRY(new_copy(file, n, &copy));
    wt_row(&whole, 0, 0, n, copy);
    *out = copy;
    return ERR_OK;
}

/* "layer.weight" -> the vector "layer.scale". */
static enum err find_scale(struct wt_file *file, const char *name, struct wt_part part,
                           size_t n_rows, const float **out)
{
    static const char weight[] = ".weight";
    struct buf scale;
    size_t n = strlen(name);
    if (n >= sizeof weight - 1 && strcmp(name + n - (sizeof weight - 1), weight) == 0) {
        n -= sizeof weight - 1;
    }
    buf_init(&scale, NAME_BYTES_MAX + sizeof ".scale");
    enum err result = buf_printf(&scale, "%.*s.scale", (int)n, name);
    if (result == ERR_OK) {
        result = wt_vector(file, scale.data, part, n_rows, out);
    }
    buf_release(&scale);
    return result;
}

enum err wt_matrix(struct wt_file *file, const char *name, struct wt_part part,
                   size_t n_rows, size_t n_cols, struct wt_matrix *out)
{
    const struct entry *entry;
    TRY(need_entry(file, name, &entry));
    size_t n = count_numbers(entry), n_all = n_rows * part.n;
    FAIL_IF(entry->rank < 2 || entry->shape[0] != n_all || n_cols == 0 || n_all == 0 ||
                n / n_cols != n_all || n % n_cols != 0,
            ERR_MODEL, "%s: tensor \"%s\" is not of %zu x %zu", entry->shard->path,
            name, n_all, n_cols);
    *out = (struct wt_matrix){.type = (enum wt_type)entry->type->readable,
                              .n_rows = n_rows,
                              .n_cols = n_cols};
    out->data = entry->shard->data + entry->begin +
                part.i * n_rows * n_cols * entry->type->item_size;
    return out->type == WT_I8 ? find_scale(file, name, part, n_rows, &out->scale)
                              : ERR_OK;
}

enum err wt_transposed(struct wt_file *file, const char *name, size_t n_rows,
                       size_t n_cols, struct wt_matrix *out)
{
    const struct entry *entry;
    TRY(need_entry(file, name, &entry));
    FAIL_IF(entry->type->readable == WT_I8, ERR_MODEL,
            "%s: tensor \"%s\" must hold floats", entry->shard->path, name);
    TRY(wt_matrix(file, name, WT_WHOLE, n_cols, n_rows, out));
    out->transposed = true;
    out->n_rows = n_rows;
    out->n_cols = n_cols;
    return ERR_OK;
}

/* Widening. */

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. */
static float widen_f16(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t rest = half & 0x7fff;
    if (rest >= 0x7c00) { /* infinity, NaN */
        return from_bits(sign | 0x7f800000 | (rest & 0x3ff) << 13);
    }
    if (rest < 0x400) { /* zero, subnormal: fraction * 2^-24 */
        float value = (float)rest * 0x1p-24f;
        return sign != 0 ? -value : value;
    }
    return from_bits(sign | ((rest << 13) + ((127 - 15) << 23)));
}

/* The number at `at` of the stored ones, wherever that is in memory. */
static float widen_at(const struct wt_matrix *matrix, size_t at)
{
    uint16_t half;
    float value;
    switch (matrix->type) {
    case WT_F16:
        memcpy(&half, (const char *)matrix->data + at * sizeof half, sizeof half);
        return widen_f16(half);
    case WT_BF16:
        memcpy(&half, (const char *)matrix->data + at * sizeof half, sizeof half);
        return from_bits((uint32_t)half << 16);
    case WT_I8:
        return ((const int8_t *)matrix->data)[at];
    case WT_F32:
        break;
    }
    memcpy(&value, (const char *)matrix->data + at * sizeof value, sizeof value);
    return value;
}

void wt_row(const struct wt_matrix *matrix, size_t row, size_t first, size_t n,
            float *dst)
{
    size_t step = matrix->transposed ? matrix->n_rows : 1;
    size_t at = matrix->transposed ? first * step + row : row * matrix->n_cols + first;
    float scale = matrix->type == WT_I8 ? matrix->scale[row] : 1.0f;
    for (size_t i = 0; i < n; i++) {
        dst[i] = widen_at(matrix, at + i * step) * scale;
    }
}
