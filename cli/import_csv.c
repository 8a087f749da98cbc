/*
 * import_csv.c - see import_csv.h.
 *
 * Rows are gathered: those with a picture to be added go through duet_add, the others
 * are operations on points, in one transaction a group. Where a group is refused its
 * rows are done one by one, so that a bad one costs the others nothing.
 */
#include "cli/import_csv.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "cli/csv_rows.h"
#include "cli/csv_value.h"
#include "cli/interrupt.h"
#include "cli/progress.h"

enum {
    GROUP = 256,              /* rows in a transaction */
    PICTURES_GROUP = 4096,    /* rows that duet_add gets at once */
    PICTURES_BYTES = 32 << 20 /* or of their JSON */
};

enum column_kind { COLUMN_ID, COLUMN_PATH, COLUMN_TEXT, COLUMN_MEMBER };

struct column {
    enum column_kind kind;
    char *name; /* owned */
};

/* A row about a point: what is done to it. All owned. */
struct point_row {
    size_t line;
    struct duet_id id;
    bool there; /* its payload is changed; else it is made */
    char *payload;
    char *text; /* NULL: none */
};

/* What a row says. The payload is released by its end. */
struct row {
    size_t line;
    const char *id, *path, *text; /* NULL: nothing */
    struct json_object *payload;
};

struct import {
    const struct cli *cli;
    struct duet *db;
    const char *name;
    struct column columns[CSV_COLUMNS_MAX]; /* [n_columns], of the first row */
    size_t n_columns;
    struct point_row points[GROUP]; /* [n_points] */
    size_t n_points;
    struct duet_add_line lines[PICTURES_GROUP]; /* [n_lines]; their JSON is owned */
    size_t n_lines, n_lines_bytes;
    struct progress progress;
    struct import_csv_result result;
};

bool import_is_rows_fault(enum err code)
{
    return code == ERR_INVALID || code == ERR_LIMIT || code == ERR_CONFLICT ||
           code == ERR_NOT_FOUND || code == ERR_UNSUPPORTED;
}

static void tell_failed(struct import *im, size_t line)
{
    im->result.n_failed++;
    progress_clear(&im->progress);
    cli_tell("%s:%zu: %s", im->name, line, err_detail());
}

/* ---- Points ---- */

static void release_point(struct point_row *p)
{
    alloc_free(p->payload);
    alloc_free(p->text);
    *p = (struct point_row){.line = 0};
}

/* What duet_apply reads of a row; it points into itself. */
struct point_operations {
    struct duet_named_input input;
    struct duet_point_input point;
    struct duet_operation operations[2]; /* [n] */
    size_t n;
};

static void make_operations(const struct point_row *p, struct point_operations *o)
{
    *o = (struct point_operations){.n = 0};
    o->point.id = p->id;
    if (p->text != NULL) {
        o->input = (struct duet_named_input){"text", duet_input_text(p->text)};
        o->point.vectors = &o->input;
        o->point.n_vectors = 1;
    }
    if (!p->there) {
        o->point.payload = p->payload;
        o->point.n_payload = strlen(p->payload);
        o->operations[o->n++] = (struct duet_operation){
            .kind = DUET_OP_UPSERT, .points = &o->point, .n_points = 1};
        return;
    }
    o->operations[o->n++] = (struct duet_operation){.kind = DUET_OP_SET_PAYLOAD,
                                                    .ids = &p->id,
                                                    .n_ids = 1,
                                                    .payload = p->payload,
                                                    .n_payload = strlen(p->payload)};
    if (p->text != NULL) {
        o->operations[o->n++] = (struct duet_operation){
            .kind = DUET_OP_UPDATE_VECTORS, .points = &o->point, .n_points = 1};
    }
}

static enum err apply_points(struct import *im, size_t first, size_t n)
{
    struct point_operations *made = alloc_zero(n, sizeof *made);
    struct duet_operation *all = alloc_array(2 * n, sizeof *all);
    size_t n_all = 0;
    enum err result = made == NULL || all == NULL ? ERR_NOMEM : ERR_OK;
    for (size_t i = 0; i < n && result == ERR_OK; i++) {
        make_operations(&im->points[first + i], &made[i]);
        for (size_t o = 0; o < made[i].n; o++) {
            all[n_all++] = made[i].operations[o];
        }
    }
    if (result == ERR_OK) {
        result = duet_apply(im->db, im->cli->collection, all, n_all);
    }
    alloc_free(made);
    alloc_free(all);
    return result;
}

static enum err flush_points(struct import *im)
{
    enum err result = im->n_points == 0 ? ERR_OK : apply_points(im, 0, im->n_points);
    if (result == ERR_OK) {
        im->result.n_imported += im->n_points;
    } else if (import_is_rows_fault(result)) {
        result = ERR_OK;
        for (size_t i = 0; i < im->n_points && result == ERR_OK; i++) {
            result = apply_points(im, i, 1);
            im->result.n_imported += result == ERR_OK;
            if (import_is_rows_fault(result)) {
                tell_failed(im, im->points[i].line);
                result = ERR_OK;
            }
        }
    }
    for (size_t i = 0; i < im->n_points; i++) {
        release_point(&im->points[i]);
    }
    im->n_points = 0;
    return result;
}

/* ---- Pictures ---- */

static bool on_progress(void *arg, const struct duet_add_progress *now)
{
    struct import *im = arg;
    progress_show(&im->progress, now);
    return !interrupt_seen();
}

static void on_failed(void *arg, const char *path, enum err code, const char *reason)
{
    struct import *im = arg;
    (void)code;
    progress_clear(&im->progress);
    cli_tell("%s: %s", path, reason);
}

static void release_lines(struct import *im)
{
    for (size_t i = 0; i < im->n_lines; i++) {
        alloc_free((void *)(size_t)im->lines[i].json);
    }
    im->n_lines = im->n_lines_bytes = 0;
}

static enum err flush_pictures(struct import *im)
{
    struct duet_add_progress done = {0};
    struct duet_add_options options = {
        .lines = im->lines,
        .n_lines = im->n_lines,
        .lines_of = im->name,
        .n_threads = (unsigned)im->cli->n_threads,
        .progress = on_progress,
        .failed = on_failed,
        .arg = im,
    };
    if (im->n_lines == 0) {
        return ERR_OK;
    }
    progress_init(&im->progress, im->cli->quiet);
    enum err result = duet_add(im->db, im->cli->collection, &options, &done);
    progress_clear(&im->progress);
    im->result.n_failed += done.n_failed;
    im->result.n_imported += done.n_done - done.n_failed;
    release_lines(im);
    return result;
}

/* ---- Rows ---- */

/* The path as duet_add will understand it. */
static enum err full_path(const struct import *im, const char *path,
                          char full[PATH_MAX])
{
    const char *slash = strrchr(im->name, '/');
    int n_folder = path[0] == '/' || slash == NULL ? 0 : (int)(slash - im->name) + 1;
    int n = snprintf(full, PATH_MAX, "%.*s%s", n_folder, im->name, path);
    FAIL_IF(n < 0 || n >= PATH_MAX, ERR_LIMIT, "the path is too long");
    return ERR_OK;
}

/* Whether the payload says that text already: its vector need not be made again. */
static bool says_text(const struct duet_hit *hit, const char *text)
{
    struct json_object *payload;
    const char *said;
    if (text == NULL ||
        json_parse(&payload, hit->payload, strlen(hit->payload)) != ERR_OK) {
        return false;
    }
    bool same =
        json_get_string(payload, "text", &said) == ERR_OK && strcmp(said, text) == 0;
    json_object_put(payload);
    return same;
}

/* Looks for the point; a text that it has is taken out of the row. */
static enum err look_for(const struct import *im, struct row *row, struct duet_id id,
                         bool *there)
{
    struct duet_hits hits;
    TRY(duet_get(im->db, im->cli->collection, &id, 1, false, &hits));
    *there = hits.n == 1;
    if (*there && says_text(&hits.hits[0], row->text)) {
        row->text = NULL;
    }
    duet_hits_release(&hits);
    return ERR_OK;
}

/* Whose the row is, if it says so. A picture that is no file any more has no id. */
static enum err find_id(const struct import *im, const struct row *row,
                        struct duet_id *id, bool *has)
{
    char full[PATH_MAX];
    *has = true;
    if (row->id != NULL) {
        return duet_id_parse(id, row->id);
    }
    TRY(full_path(im, row->path, full));
    *has = duet_id_of_file(im->db, full, id) == ERR_OK;
    return ERR_OK;
}

static enum err add_point(struct import *im, const struct row *row, struct duet_id id,
                          bool there)
{
    struct point_row *p = &im->points[im->n_points];
    *p = (struct point_row){.line = row->line, .id = id, .there = there};
    p->payload = alloc_dup(json_text(row->payload));
    p->text = row->text == NULL ? NULL : alloc_dup(row->text);
    if (p->payload == NULL || (row->text != NULL && p->text == NULL)) {
        release_point(p);
        return ERR_NOMEM;
    }
    im->n_points++;
    return ERR_OK;
}

/* Adds a member, or nothing where there is no value; NULL is no value. */
static enum err put_string(struct json_object *object, const char *key,
                           const char *text)
{
    if (text == NULL) {
        return ERR_OK;
    }
    struct json_object *value = json_object_new_string(text);
    if (value == NULL || json_object_object_add(object, key, value) != 0) {
        json_object_put(value);
        return err_set(ERR_NOMEM, "out of memory");
    }
    return ERR_OK;
}

/* The row as a line of a JSONL file, as `duet add` takes it. */
static enum err add_picture(struct import *im, const struct row *row)
{
    struct json_object *object = json_object_new_object();
    if (object == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    enum err result;
    TRY_OUT(put_string(object, "path", row->path));
    TRY_OUT(put_string(object, "text", row->text));
    struct duet_id id;
    if (row->id != NULL) {
        TRY_OUT(duet_id_parse(&id, row->id));
        struct json_object *number = json_object_new_uint64(id.number);
        if (id.is_uuid) {
            json_object_put(number);
            TRY_OUT(put_string(object, "id", row->id));
        } else {
            json_object_object_add(object, "id", number);
        }
    }
    json_object_object_add(object, "payload", json_object_get(row->payload));
    const char *json = json_text(object);
    char *copy = json == NULL ? NULL : alloc_dup(json);
    result = copy == NULL ? ERR_NOMEM : ERR_OK;
    if (result == ERR_OK) {
        size_t n = strlen(copy);
        im->lines[im->n_lines++] = (struct duet_add_line){copy, n, row->line};
        im->n_lines_bytes += n;
    }
out:
    json_object_put(object);
    return result;
}

/* A picture that is there and gets no other text only gets the payload: it need not be
 * encoded again, and keeps its caption. */
static enum err sort_row(struct import *im, struct row *row)
{
    struct duet_id id;
    bool has_id;
    bool there = false;
    FAIL_IF(row->id == NULL && row->path == NULL, ERR_INVALID,
            "the row has neither id nor path");
    TRY(find_id(im, row, &id, &has_id));
    if (has_id) {
        TRY(look_for(im, row, id, &there));
    }
    if (row->path != NULL && (!there || row->text != NULL)) {
        return add_picture(im, row);
    }
    FAIL_IF(!there && row->text == NULL, ERR_NOT_FOUND,
            "there is no point %s, and the row has no picture or text to make it of",
            row->id);
    return add_point(im, row, id, there);
}

static enum err take_cell(struct import *im, struct row *row, size_t i,
                          const struct csv_cell *cell)
{
    const struct column *column = &im->columns[i];
    struct json_object *value;
    if (cell->text == NULL) {
        return ERR_OK;
    }
    FAIL_IF(!utf8_valid(cell->text, cell->n) || strlen(cell->text) != cell->n,
            ERR_INVALID, "the column '%.64s' is not UTF-8", column->name);
    switch (column->kind) {
    case COLUMN_ID:
        row->id = cell->text;
        return ERR_OK;
    case COLUMN_PATH:
        row->path = row->path == NULL ? cell->text : row->path;
        return ERR_OK;
    case COLUMN_TEXT:
        row->text = cell->text;
        return put_string(row->payload, "text", cell->text);
    default:
        TRY(csv_value_parse(&value, cell->text, im->cli->strings));
        return csv_value_put(row->payload, column->name, value);
    }
}

static enum err take_row(struct import *im, const struct csv_row *cells)
{
    struct row row = {.line = cells->line};
    FAIL_IF(cells->n > im->n_columns, ERR_INVALID,
            "the row has %zu fields, the first one %zu", cells->n, im->n_columns);
    row.payload = json_object_new_object();
    if (row.payload == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    enum err result = ERR_OK;
    for (size_t i = 0; i < cells->n && result == ERR_OK; i++) {
        result = take_cell(im, &row, i, &cells->cells[i]);
    }
    if (result == ERR_OK) {
        result = sort_row(im, &row);
    }
    json_object_put(row.payload);
    return result;
}

/* ---- The first row ---- */

static enum column_kind kind_of(const char *name)
{
    return strcmp(name, "id") == 0                                   ? COLUMN_ID
           : strcmp(name, "path") == 0 || strcmp(name, "image") == 0 ? COLUMN_PATH
           : strcmp(name, "text") == 0                               ? COLUMN_TEXT
                                                                     : COLUMN_MEMBER;
}

/* "a" and "a.b" would be two values of one member. */
static enum err check_against(const struct column *a, const struct column *b)
{
    size_t n = strlen(a->name);
    bool same = strncmp(a->name, b->name, n) == 0;
    FAIL_IF(same && b->name[n] == '\0', ERR_INVALID, "two columns are called '%.64s'",
            a->name);
    FAIL_IF(same && b->name[n] == '.', ERR_INVALID,
            "the column '%.64s' is inside the column '%.64s'", b->name, a->name);
    return ERR_OK;
}

static enum err take_names(struct import *im, const struct csv_row *row)
{
    FAIL_IF(row->n > CSV_COLUMNS_MAX, ERR_LIMIT, "%zu columns are more than %d", row->n,
            CSV_COLUMNS_MAX);
    for (size_t i = 0; i < row->n; i++) {
        const struct csv_cell *cell = &row->cells[i];
        struct column *column = &im->columns[i];
        FAIL_IF(cell->n == 0 || !utf8_valid(cell->text, cell->n), ERR_INVALID,
                "column %zu has no name", i + 1);
        column->name = alloc_dup(cell->text);
        if (column->name == NULL) {
            return ERR_NOMEM;
        }
        im->n_columns++;
        column->kind = kind_of(column->name);
        for (size_t j = 0; j < i; j++) {
            TRY(check_against(&im->columns[j], column));
            TRY(check_against(column, &im->columns[j]));
        }
    }
    for (size_t i = 0; i < im->n_columns; i++) {
        if (im->columns[i].kind == COLUMN_ID || im->columns[i].kind == COLUMN_PATH) {
            return ERR_OK;
        }
    }
    return err_set(ERR_INVALID, "the first row names no column id, path or image");
}

/* ---- All of it ---- */

static enum err on_row(void *arg, const struct csv_row *row)
{
    struct import *im = arg;
    if (im->n_columns == 0) {
        enum err named = take_names(im, row);
        return named == ERR_OK ? ERR_OK : err_prefix(named, "%s", im->name);
    }
    FAIL_IF(interrupt_seen(), ERR_CANCELLED, "interrupted");
    enum err result = take_row(im, row);
    if (import_is_rows_fault(result)) {
        tell_failed(im, row->line);
        return ERR_OK;
    }
    TRY(result);
    if (im->n_points == GROUP) {
        TRY(flush_points(im));
    }
    bool full = im->n_lines == PICTURES_GROUP || im->n_lines_bytes >= PICTURES_BYTES;
    return full ? flush_pictures(im) : ERR_OK;
}

/* A collection for what is to be added, unless it is there. */
static enum err make_collection(struct import *im)
{
    struct duet_collections list;
    enum err result = duet_collections_list(im->db, im->cli->collection, &list);
    if (result == ERR_OK) {
        duet_collections_release(&list);
    }
    return result != ERR_NOT_FOUND
               ? result
               : duet_collection_create(im->db, im->cli->collection, NULL, 0);
}

/* What came before an error is written all the same. */
static enum err flush(struct import *im, enum err result)
{
    char detail[ERR_DETAIL_MAX];
    memcpy(detail, err_detail(), sizeof detail);
    enum err points = flush_points(im);
    enum err pictures = result == ERR_CANCELLED ? ERR_OK : flush_pictures(im);
    if (result != ERR_OK) {
        return err_set(result, "%s", detail);
    }
    return points != ERR_OK ? points : pictures;
}

enum err import_csv(const struct cli *cli, struct duet *db, const char *name, FILE *in,
                    struct import_csv_result *result)
{
    *result = (struct import_csv_result){0};
    struct import *im = alloc_zero(1, sizeof *im);
    if (im == NULL) {
        return ERR_NOMEM;
    }
    im->cli = cli;
    im->db = db;
    im->name = name;
    interrupt_watch();
    enum err outcome = make_collection(im);
    if (outcome == ERR_OK) {
        outcome = flush(im, csv_rows_read(in, on_row, im));
    }
    *result = im->result;
    release_lines(im);
    for (size_t i = 0; i < im->n_points; i++) {
        release_point(&im->points[i]);
    }
    for (size_t i = 0; i < im->n_columns; i++) {
        alloc_free(im->columns[i].name);
    }
    alloc_free(im);
    return outcome;
}
