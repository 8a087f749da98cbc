/*
 * cmd_import.c - `duet import`: points from JSON lines, or from a NumPy file and a list
 * of ids; what a CSV file has goes through import_csv.c.
 *
 * Points are written in groups. Where a group is refused its points are written one by
 * one, so that a bad one costs the others nothing and is told by its line.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/npy.h"
#include "cli/cli.h"
#include "cli/import_csv.h"
#include "cli/target.h"

enum {
    GROUP = 256,             /* points in a transaction */
    GROUP_NUMBERS = 1 << 21, /* and floats: 8 MiB */
};

/* A point that waits to be written. All owned. */
struct waiting {
    size_t line;
    struct duet_id id;
    char *payload;                    /* NULL: {} */
    struct duet_named_input *vectors; /* [n_vectors]; names and numbers are owned */
    size_t n_vectors;
};

struct import {
    const struct cli *cli;
    const char *name; /* of the file, for people */
    struct target target;
    struct waiting group[GROUP];
    size_t n_group, n_numbers;
    size_t n_line, n_imported, n_failed;
};

/* ---- Groups ---- */

static void free_point(struct waiting *w)
{
    for (size_t i = 0; i < w->n_vectors; i++) {
        alloc_free((void *)(size_t)w->vectors[i].space);
        alloc_free((void *)(size_t)w->vectors[i].input.vector);
    }
    alloc_free(w->vectors);
    alloc_free(w->payload);
    *w = (struct waiting){.line = 0};
}

static void tell_failed(struct import *im, size_t line)
{
    im->n_failed++;
    cli_tell("%s:%zu: %s", im->name, line, err_detail());
}

static struct duet_point_input input_of(const struct waiting *w)
{
    return (struct duet_point_input){w->id, w->payload,
                                     w->payload == NULL ? 0 : strlen(w->payload),
                                     w->vectors, w->n_vectors};
}

static enum err write_one(struct import *im, const struct waiting *w)
{
    struct duet_point_input input = input_of(w);
    enum err result = target_upsert(&im->target, &input, 1);
    if (import_is_rows_fault(result)) {
        tell_failed(im, w->line);
        return ERR_OK;
    }
    im->n_imported += result == ERR_OK ? 1 : 0;
    return result;
}

static enum err write_group(struct import *im)
{
    struct duet_point_input inputs[GROUP];
    for (size_t i = 0; i < im->n_group; i++) {
        inputs[i] = input_of(&im->group[i]);
    }
    enum err result =
        im->n_group == 0 ? ERR_OK : target_upsert(&im->target, inputs, im->n_group);
    if (result == ERR_OK) {
        im->n_imported += im->n_group;
    } else if (import_is_rows_fault(result)) {
        result = ERR_OK;
        for (size_t i = 0; i < im->n_group && result == ERR_OK; i++) {
            result = write_one(im, &im->group[i]);
        }
    }
    for (size_t i = 0; i < im->n_group; i++) {
        free_point(&im->group[i]);
    }
    im->n_group = im->n_numbers = 0;
    return result;
}

/* Takes the point, which is freed in any case. */
static enum err add_point(struct import *im, struct waiting *w)
{
    for (size_t i = 0; i < w->n_vectors; i++) {
        im->n_numbers += w->vectors[i].input.n;
    }
    im->group[im->n_group++] = *w;
    bool full = im->n_group == GROUP || im->n_numbers >= GROUP_NUMBERS;
    return full ? write_group(im) : ERR_OK;
}

/* ---- JSON lines ---- */

static enum err read_id(struct duet_id *id, struct json_object *value)
{
    *id = (struct duet_id){.is_uuid = false};
    if (json_object_is_type(value, json_type_string)) {
        return duet_id_parse(id, json_object_get_string(value));
    }
    FAIL_IF(!json_object_is_type(value, json_type_int) ||
                json_object_get_string(value)[0] == '-',
            ERR_INVALID, "the id is no number of 64 bits and no UUID");
    id->number = json_object_get_uint64(value);
    return ERR_OK;
}

static enum err read_numbers(struct json_object *array, const float **out, size_t *n)
{
    FAIL_IF(!json_object_is_type(array, json_type_array), ERR_INVALID,
            "a vector is no array");
    *n = json_object_array_length(array);
    FAIL_IF(*n > LIMIT_DIM_MAX, ERR_LIMIT, "a vector has %zu numbers, more than %d", *n,
            LIMIT_DIM_MAX);
    float *values = alloc_array(*n, sizeof *values);
    *out = values;
    if (values == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < *n; i++) {
        struct json_object *number = json_object_array_get_idx(array, i);
        FAIL_IF(!json_object_is_type(number, json_type_double) &&
                    !json_object_is_type(number, json_type_int),
                ERR_INVALID, "a vector has something that is no number");
        values[i] = (float)json_object_get_double(number);
    }
    return ERR_OK;
}

static enum err read_vectors(struct waiting *w, struct json_object *vectors)
{
    FAIL_IF(!json_object_is_type(vectors, json_type_object), ERR_INVALID,
            "\"vectors\" is no object");
    size_t n = (size_t)json_object_object_length(vectors);
    FAIL_IF(n > LIMIT_SPACES_MAX, ERR_LIMIT, "a point has %zu vectors, more than %d", n,
            LIMIT_SPACES_MAX);
    w->vectors = alloc_zero(n, sizeof *w->vectors);
    if (w->vectors == NULL) {
        return ERR_NOMEM;
    }
    json_object_object_foreach(vectors, name, array)
    {
        struct duet_named_input *v = &w->vectors[w->n_vectors++];
        v->input.kind = DUET_INPUT_VECTOR;
        v->space = alloc_dup(name);
        if (v->space == NULL) {
            return ERR_NOMEM;
        }
        TRY(read_numbers(array, &v->input.vector, &v->input.n));
    }
    return ERR_OK;
}

static enum err read_point(struct waiting *w, struct json_object *object)
{
    struct json_object *payload = json_get(object, "payload");
    struct json_object *vectors = json_get(object, "vectors");
    TRY(read_id(&w->id, json_get(object, "id")));
    if (payload != NULL) {
        FAIL_IF(!json_object_is_type(payload, json_type_object), ERR_INVALID,
                "\"payload\" is no object");
        w->payload = alloc_dup(json_text(payload));
        if (w->payload == NULL) {
            return ERR_NOMEM;
        }
    }
    return vectors == NULL ? ERR_OK : read_vectors(w, vectors);
}

/* One space of the first line; its name is borrowed from it. */
static enum err read_space(struct json_object *json, struct duet_space *space)
{
    const char *distance, *datatype;
    *space = (struct duet_space){.distance = DUET_COSINE};
    TRY(json_get_string(json, "name", &space->name));
    TRY(json_get_size(json, "dim", &space->dim));
    TRY(json_get_string(json, "distance", &distance));
    TRY(json_get_string(json, "datatype", &datatype));
    while (strcmp(duet_distance_name(space->distance), distance) != 0) {
        FAIL_IF(space->distance == DUET_MANHATTAN, ERR_INVALID,
                "the distance '%.32s' is not known", distance);
        space->distance++;
    }
    while (strcmp(duet_datatype_name(space->datatype), datatype) != 0) {
        FAIL_IF(space->datatype == DUET_UINT8, ERR_INVALID,
                "the datatype '%.32s' is not known", datatype);
        space->datatype++;
    }
    return ERR_OK;
}

/* Makes the collection that the first line tells of, unless it is there. One bound to a
 * model is made by the model, which must be of the same space. */
static enum err make_collection(struct import *im, struct json_object *object)
{
    struct duet_space spaces[LIMIT_SPACES_MAX];
    struct json_object *list = json_get(object, "spaces");
    const char *model_space = "";
    size_t n = list == NULL ? 0 : json_object_array_length(list);
    FAIL_IF(n == 0 || n > LIMIT_SPACES_MAX, ERR_INVALID, "\"spaces\" makes no sense");
    for (size_t i = 0; i < n; i++) {
        TRY(read_space(json_object_array_get_idx(list, i), &spaces[i]));
    }
    TRY(json_get_string(object, "model_space", &model_space));
    bool bound = model_space[0] != '\0';
    enum err result = target_create(&im->target, spaces, bound ? 0 : n);
    struct duet_collections there;
    if (result != ERR_OK && result != ERR_EXISTS) {
        return result;
    }
    TRY(target_describe(&im->target, &there));
    bool same = strcmp(there.items[0].model_space, model_space) == 0;
    duet_collections_release(&there);
    FAIL_IF(!same, ERR_CONFLICT,
            "the vectors are of another model's space than those of the collection");
    return ERR_OK;
}

static enum err take_line(struct import *im, const struct buf *line)
{
    struct json_object *object;
    struct waiting w = {.line = im->n_line};
    enum err result = json_parse(&object, line->data, line->size);
    bool is_head =
        result == ERR_OK && im->n_line == 1 && json_get(object, "collection") != NULL;
    if (is_head) {
        result = make_collection(im, object);
        json_object_put(object);
        return result;
    }
    if (result == ERR_OK) {
        result = read_point(&w, object);
    }
    json_object_put(object);
    if (result == ERR_OK) {
        return add_point(im, &w);
    }
    free_point(&w);
    if (import_is_rows_fault(result)) {
        tell_failed(im, im->n_line);
        return ERR_OK;
    }
    return result;
}

/* The next line without its end; of one that is too long the rest is passed over. */
static enum err next_line(FILE *in, struct buf *line, bool *got)
{
    enum err result = ERR_OK;
    char chunk[65536];
    size_t n = 0;
    int c = getc_unlocked(in);
    buf_clear(line);
    *got = c != EOF;
    for (; c != EOF && c != '\n'; c = getc_unlocked(in)) {
        chunk[n++] = (char)c;
        if (n == sizeof chunk) {
            result = result == ERR_OK ? buf_append(line, chunk, n) : result;
            n = 0;
        }
    }
    return result == ERR_OK ? buf_append(line, chunk, n) : result;
}

static enum err import_json(struct import *im, FILE *in)
{
    struct buf line;
    bool more = true;
    buf_init(&line, LIMIT_IMPORT_LINE_BYTES);
    enum err result = ERR_OK;
    while (more && result == ERR_OK) {
        result = next_line(in, &line, &more);
        im->n_line++;
        if (result == ERR_LIMIT) {
            tell_failed(im, im->n_line);
            result = ERR_OK;
        } else if (result == ERR_OK && line.size > 0) {
            result = take_line(im, &line);
        }
    }
    buf_release(&line);
    return result;
}

/* ---- NumPy ---- */

static enum err next_id(struct import *im, FILE *ids, struct duet_id *id)
{
    char text[DUET_ID_TEXT_MAX + 8];
    *id = (struct duet_id){.number = im->n_line};
    if (ids == NULL) {
        return ERR_OK;
    }
    FAIL_IF(fgets(text, sizeof text, ids) == NULL, ERR_CONFLICT,
            "%s has fewer ids than there are rows", im->cli->ids);
    text[strcspn(text, "\r\n")] = '\0';
    return duet_id_parse(id, text);
}

/* One row, as line n_line. */
static enum err take_row(struct import *im, FILE *in, FILE *ids, size_t dim)
{
    struct waiting w = {.line = im->n_line};
    float *values = alloc_array(dim, sizeof *values);
    w.vectors = alloc_zero(1, sizeof *w.vectors);
    enum err result = values == NULL || w.vectors == NULL ? ERR_NOMEM : ERR_OK;
    if (result == ERR_OK) {
        w.n_vectors = 1;
        w.vectors[0].input =
            (struct duet_input){.kind = DUET_INPUT_VECTOR, .vector = values, .n = dim};
        w.vectors[0].space = im->cli->in == NULL ? NULL : alloc_dup(im->cli->in);
        result = fread(values, sizeof *values, dim, in) == dim
                     ? next_id(im, ids, &w.id)
                     : err_set(ERR_CORRUPT, "%s ends early", im->name);
    } else {
        alloc_free(values);
    }
    if (result == ERR_OK) {
        return add_point(im, &w);
    }
    free_point(&w);
    return result;
}

static enum err import_npy(struct import *im, FILE *in)
{
    char head[NPY_HEADER_MAX];
    size_t n_rows;
    size_t dim;
    size_t offset;
    size_t n = fread(head, 1, sizeof head, in);
    TRY(npy_header_read(head, n, &n_rows, &dim, &offset));
    FAIL_IF(dim == 0 || dim > LIMIT_DIM_MAX, ERR_LIMIT, "rows of %zu numbers", dim);
    if (fseek(in, (long)offset, SEEK_SET) != 0) {
        return err_errno(errno, "%s", im->name);
    }
    FILE *ids = im->cli->ids == NULL ? NULL : fopen(im->cli->ids, "re");
    if (im->cli->ids != NULL && ids == NULL) {
        return err_errno(errno, "%s", im->cli->ids);
    }
    enum err result = ERR_OK;
    for (im->n_line = 0; im->n_line < n_rows && result == ERR_OK; im->n_line++) {
        result = take_row(im, in, ids, dim);
    }
    if (ids != NULL) {
        fclose(ids);
    }
    return result;
}

/* ---- All of it ---- */

/* What --format says, else the file's ending, else JSON lines. */
static const char *format_of(const struct import *im)
{
    static const char *const endings[] = {"npy", "csv"};
    const char *dot = strrchr(im->name, '.');
    for (size_t i = 0; i < 2 && im->cli->format == NULL && dot != NULL; i++) {
        if (strcmp(dot + 1, endings[i]) == 0) {
            return endings[i];
        }
    }
    return im->cli->format != NULL ? im->cli->format : "jsonl";
}

static enum err import_rows(struct import *im, FILE *in)
{
    struct import_csv_result done;
    FAIL_IF(im->target.db == NULL, ERR_INVALID,
            "a CSV file goes into a database here, not to --url");
    enum err result = import_csv(im->cli, im->target.db, im->name, in, &done);
    im->n_imported = done.n_imported;
    im->n_failed = done.n_failed;
    return result == ERR_OK && ferror(in) ? err_errno(errno, "%s", im->name) : result;
}

static enum err import_file(struct import *im, FILE *in)
{
    const char *format = format_of(im);
    bool npy = strcmp(format, "npy") == 0;
    if (strcmp(format, "csv") == 0) {
        return import_rows(im, in);
    }
    FAIL_IF(!npy && strcmp(format, "jsonl") != 0, ERR_INVALID,
            "--format is jsonl, npy or csv, not '%.40s'", format);
    enum err result = npy ? import_npy(im, in) : import_json(im, in);
    /* What came before an error is written all the same. */
    char detail[ERR_DETAIL_MAX];
    memcpy(detail, err_detail(), sizeof detail);
    enum err written = write_group(im);
    if (result != ERR_OK) {
        return err_set(result, "%s", detail);
    }
    return written == ERR_OK && ferror(in) ? err_errno(errno, "%s", im->name) : written;
}

static enum exit_code finish(const struct import *im)
{
    if (im->cli->json) {
        printf("{\"imported\":%zu,\"failed\":%zu}\n", im->n_imported, im->n_failed);
    } else if (!im->cli->quiet) {
        printf("%zu imported, %zu failed\n", im->n_imported, im->n_failed);
    }
    return im->n_failed > 0 ? EXIT_SOME_FAILED : EXIT_DONE;
}

static enum exit_code import_into(struct import *im)
{
    bool is_stdin = strcmp(im->cli->args[0], "-") == 0;
    im->name = is_stdin ? "stdin" : im->cli->args[0];
    FILE *in = is_stdin ? stdin : fopen(im->name, "re");
    if (in == NULL) {
        return cli_fail(err_errno(errno, "%s", im->name));
    }
    enum err result = import_file(im, in);
    if (!is_stdin) {
        fclose(in);
    }
    return result == ERR_OK ? finish(im) : cli_fail(result);
}

static enum exit_code run(const struct cli *cli)
{
    struct import *im = alloc_zero(1, sizeof *im);
    if (im == NULL) {
        return cli_fail(ERR_NOMEM);
    }
    im->cli = cli;
    enum exit_code code = target_open(
        &im->target, cli, (struct duet_options){.write = true, .create = true});
    if (code == EXIT_DONE) {
        code = import_into(im);
        target_close(&im->target);
    }
    alloc_free(im);
    return code;
}

static const struct cli_option options[] = {
    CLI_OPTION_TEXT("format", format, "FORMAT",
                    "jsonl, npy or csv (else by the file's ending; else jsonl)"),
    CLI_OPTION_TEXT("in", in, "SPACE", "npy: the space that the rows go to"),
    CLI_OPTION_TEXT("ids", ids, "FILE", "npy: the ids of the rows; else 0, 1, 2, ..."),
    CLI_OPTION_FLAG("strings", 0, strings, "csv: every value is a string"),
    CLI_OPTION_NUMBER("threads", 0, n_threads, LIMIT_THREADS_MAX,
                      "csv: how many pictures to work on (else one a core)"),
    CLI_OPTION_END,
};

const struct cli_command cmd_import = {
    .name = "import",
    .arguments = "FILE|-",
    .summary = "write points from JSON lines, NumPy or CSV",
    .about =
        "Reads what 'duet export' writes, into a database that is made if it is not\n"
        "there. JSON lines have {\"id\", \"payload\"?, \"vectors\"?: {SPACE: [...]}}; "
        "if the\n"
        "first says what the collection is, it is made. A line that cannot be taken "
        "is\n"
        "told as FILE:LINE and the others go on (exit code 4). A point whose id is "
        "there\n"
        "is replaced, with all it has.\n"
        "\n"
        "The first row of a CSV file names the columns: id, or path (or image) of a\n"
        "picture file, finds the point; text is its caption; all others are members "
        "of\n"
        "the payload, a.b being b in the object a. Payloads of points that are there "
        "are\n"
        "changed, pictures that are not are added. Numbers, true, false, null and "
        "JSON\n"
        "are what they look like, all else is a string; an empty field says nothing.\n",
    .example = "  duet import photos.jsonl --db copy.db\n"
               "  duet import --format npy --in image --ids ids.txt image.npy\n"
               "  duet import products.csv\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
