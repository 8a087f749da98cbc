/*
 * weights.c - see weights.h.
 *
 * The header is parsed once into a table sorted by name, and the JSON is dropped. The
 * checks are those of the reference reader: tensors fill the data area from its first
 * byte to its last, in order of their offsets, without a gap or an overlap. That one
 * rule also catches a truncated file. Tensors of types that no kernel reads (the I64
 * position ids in many published files) are checked like the others and refused only
 * when asked for.
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

struct entry {
    char *name; /* owned */
    const struct stored_type *type;
    size_t begin, end; /* bytes of the data area */
    size_t rank;
    size_t shape[WT_RANK_MAX]; /* 1 past the rank */
};

struct wt_file {
    char *path; /* owned; for messages */
    struct file_map map;
    const unsigned char *data; /* the data area, inside the map */
    size_t data_size;
    struct entry *entries; /* [n_entries], sorted by name */
    size_t n_entries;
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
static enum err read_entry(const struct wt_file *file, struct json_object *json,
                           struct entry *entry)
{
    size_t n_bytes = 0;
    TRY(read_type(json, &entry->type));
    TRY(read_shape(json, entry, &n_bytes));
    TRY(read_range(json, entry));
    FAIL_IF(entry->begin > entry->end || entry->end > file->data_size, ERR_MODEL,
            "bytes %zu to %zu are outside the file", entry->begin, entry->end);
    FAIL_IF(entry->end - entry->begin != n_bytes, ERR_MODEL,
            "the shape asks for %zu bytes, the offsets for %zu", n_bytes,
            entry->end - entry->begin);
    FAIL_IF((uintptr_t)(file->data + entry->begin) % entry->type->item_size != 0,
            ERR_MODEL, "byte %zu is not aligned for %s", entry->begin,
            entry->type->name);
    return ERR_OK;
}

static enum err read_entries(struct wt_file *file, struct json_object *header)
{
    file->entries =
        alloc_zero((size_t)json_object_object_length(header), sizeof *file->entries);
    if (file->entries == NULL) {
        return ERR_NOMEM;
    }
    json_object_object_foreach(header, name, json)
    {
        if (strcmp(name, "__metadata__") == 0) {
            continue;
        }
        FAIL_IF(strlen(name) > NAME_BYTES_MAX, ERR_MODEL,
                "a tensor's name of more than %d bytes", NAME_BYTES_MAX);
        struct entry *entry = &file->entries[file->n_entries];
        enum err result = read_entry(file, json, entry);
        if (result != ERR_OK) {
            return err_prefix(ERR_MODEL, "tensor \"%s\"", name);
        }
        entry->name = alloc_dup(name);
        if (entry->name == NULL) {
            return ERR_NOMEM;
        }
        file->n_entries++;
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

/* Leaves the table sorted by name. */
static enum err check_coverage(struct wt_file *file)
{
    size_t end = 0;
    qsort(file->entries, file->n_entries, sizeof *file->entries, compare_ranges);
    for (size_t i = 0; i < file->n_entries; i++) {
        FAIL_IF(file->entries[i].begin != end, ERR_MODEL,
                "tensor \"%s\" begins at byte %zu, where byte %zu was due",
                file->entries[i].name, file->entries[i].begin, end);
        end = file->entries[i].end;
    }
    FAIL_IF(end != file->data_size, ERR_MODEL,
            "%zu bytes behind the last tensor belong to none", file->data_size - end);
    qsort(file->entries, file->n_entries, sizeof *file->entries, compare_names);
    return ERR_OK;
}

static enum err read_header(struct wt_file *file)
{
    uint64_t length = 0;
    FAIL_IF(file->map.size < LENGTH_BYTES, ERR_MODEL, "it ends inside its header");
    for (size_t i = 0; i < LENGTH_BYTES; i++) {
        length |= (uint64_t)file->map.data[i] << (8 * i);
    }
    FAIL_IF(length > LIMIT_MODEL_HEADER_BYTES, ERR_MODEL,
            "not a safetensors file: a header of %" PRIu64 " bytes", length);
    FAIL_IF(length > file->map.size - LENGTH_BYTES, ERR_MODEL,
            "it ends inside its header");
    file->data = file->map.data + LENGTH_BYTES + length;
    file->data_size = file->map.size - LENGTH_BYTES - length;

    struct json_object *header;
    TRY(json_parse(&header, (const char *)file->map.data + LENGTH_BYTES, length));
    enum err result = ERR_OK;
    if (json_object_is_type(header, json_type_object)) {
        result = read_entries(file, header);
    } else {
        result = err_set(ERR_MODEL, "the header is not a JSON object");
    }
    json_object_put(header);
    TRY(result);
    return check_coverage(file);
}

enum err wt_open(struct wt_file **out, const char *path)
{
    *out = NULL;
    struct wt_file *file = alloc_zero(1, sizeof *file);
    if (file == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ERR_NOMEM;
    file->path = alloc_dup(path);
    if (file->path == NULL) {
        goto out;
    }
    TRY_OUT(model_file_map(&file->map, path));
    result = read_header(file);
    if (result != ERR_OK) {
        result = err_prefix(result == ERR_NOMEM ? ERR_NOMEM : ERR_MODEL, "%s", path);
        goto out;
    }
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
    for (size_t i = 0; i < file->n_entries; i++) {
        alloc_free(file->entries[i].name);
    }
    alloc_free(file->entries);
    file_map_close(&file->map);
    alloc_free(file->path);
    alloc_free(file);
}

/* Finding tensors. */

static const struct entry *find_entry(const struct wt_file *file, const char *name)
{
    struct entry key = {.name = (char *)(uintptr_t)name};
    return bsearch(&key, file->entries, file->n_entries, sizeof key, compare_names);
}

int wt_has(const struct wt_file *file, const char *name)
{
    return find_entry(file, name) != NULL;
}

enum err wt_find(const struct wt_file *file, const char *name, struct wt_tensor *out)
{
    const struct entry *entry = find_entry(file, name);
    FAIL_IF(entry == NULL, ERR_MODEL, "%s: no tensor \"%s\"", file->path, name);
    FAIL_IF(entry->type->readable < 0, ERR_MODEL,
            "%s: tensor \"%s\" is %s, which no kernel reads", file->path, name,
            entry->type->name);
    out->data = file->data + entry->begin;
    out->type = (enum wt_type)entry->type->readable;
    out->rank = entry->rank;
    memcpy(out->shape, entry->shape, sizeof out->shape);
    return ERR_OK;
}

static size_t count_numbers(const struct wt_tensor *tensor)
{
    size_t n = 1;
    for (size_t i = 0; i < tensor->rank; i++) {
        n *= tensor->shape[i]; /* cannot overflow: checked at opening */
    }
    return n;
}

enum err wt_vector(const struct wt_file *file, const char *name, size_t n,
                   const float **out)
{
    struct wt_tensor tensor;
    TRY(wt_find(file, name, &tensor));
    FAIL_IF(tensor.type != WT_F32, ERR_MODEL, "%s: tensor \"%s\" must be F32",
            file->path, name);
    FAIL_IF(count_numbers(&tensor) != n, ERR_MODEL,
            "%s: tensor \"%s\" has %zu numbers instead of %zu", file->path, name,
            count_numbers(&tensor), n);
    *out = tensor.data;
    return ERR_OK;
}

/* "layer.weight" -> the F32 vector "layer.scale". */
static enum err find_scale(const struct wt_file *file, const char *name, size_t n_rows,
                           const float **out)
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
        result = wt_vector(file, scale.data, n_rows, out);
    }
    buf_release(&scale);
    return result;
}

enum err wt_matrix(const struct wt_file *file, const char *name, size_t n_rows,
                   size_t n_cols, struct wt_matrix *out)
{
    struct wt_tensor tensor;
    TRY(wt_find(file, name, &tensor));
    size_t n = count_numbers(&tensor);
    FAIL_IF(tensor.rank < 2 || tensor.shape[0] != n_rows || n_cols == 0 ||
                n / n_cols != n_rows || n % n_cols != 0,
            ERR_MODEL, "%s: tensor \"%s\" is not of %zu x %zu", file->path, name,
            n_rows, n_cols);
    const float *scale = NULL;
    if (tensor.type == WT_I8) {
        TRY(find_scale(file, name, n_rows, &scale));
    }
    *out = (struct wt_matrix){tensor.data, scale, tensor.type, n_rows, n_cols};
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

void wt_row(const struct wt_matrix *matrix, size_t row, size_t first, size_t n,
            float *dst)
{
    size_t at = row * matrix->n_cols + first;
    switch (matrix->type) {
    case WT_F32:
        memcpy(dst, (const float *)matrix->data + at, n * sizeof *dst);
        break;
    case WT_F16:
        for (size_t i = 0; i < n; i++) {
            dst[i] = widen_f16(((const uint16_t *)matrix->data)[at + i]);
        }
        break;
    case WT_BF16:
        for (size_t i = 0; i < n; i++) {
            dst[i] =
                from_bits((uint32_t)((const uint16_t *)matrix->data)[at + i] << 16);
        }
        break;
    case WT_I8:
        for (size_t i = 0; i < n; i++) {
            dst[i] = (float)((const int8_t *)matrix->data)[at + i] * matrix->scale[row];
        }
        break;
    }
}
