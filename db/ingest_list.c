/*
 * ingest_list.c - see ingest_list.h.
 */
#include "db/ingest_list.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"

/* A JSONL file under reading. */
struct lines {
    struct ingest_list *list;
    const struct walk_options *walk; /* whom to tell of bad lines */
    const char *path;
    size_t n_folder; /* bytes of its folder's name, the slash included */
    size_t capacity; /* of list->listed, and of the items made of it */
};

static void tell_failed(const struct walk_options *walk, const char *file, size_t line,
                        enum err code)
{
    char where[PATH_MAX + 32];
    char reason[ERR_DETAIL_MAX];
    snprintf(where, sizeof where, "%s:%zu", file, line);
    snprintf(reason, sizeof reason, "%s", err_detail());
    if (walk->failed != NULL) {
        walk->failed(walk->arg, where, code, reason);
    }
}

static enum err read_id(struct ingest_item *item, struct json_object *object)
{
    struct json_object *value = json_get(object, "id");
    if (value == NULL) {
        return ERR_OK;
    }
    item->has_id = true;
    if (json_object_is_type(value, json_type_int)) {
        FAIL_IF(json_object_get_string(value)[0] == '-', ERR_INVALID,
                "\"id\" is negative");
        item->id = (struct duet_id){.number = json_object_get_uint64(value)};
        return ERR_OK;
    }
    FAIL_IF(!json_object_is_type(value, json_type_string), ERR_INVALID,
            "\"id\" must be a number or a UUID");
    return duet_id_parse(&item->id, json_object_get_string(value));
}

static enum err read_path(struct walk_file *file, const struct lines *lines,
                          struct json_object *object)
{
    const char *name = NULL;
    char path[PATH_MAX];
    if (json_get_string(object, "path", &name) != ERR_OK) {
        FAIL_IF(json_get_string(object, "image", &name) != ERR_OK, ERR_INVALID,
                "there is no \"path\"");
    }
    int n_folder = name[0] == '/' ? 0 : (int)lines->n_folder;
    int n = snprintf(path, sizeof path, "%.*s%s", n_folder, lines->path, name);
    FAIL_IF(n < 0 || (size_t)n >= sizeof path, ERR_LIMIT, "the path is too long");
    return walk_stat(file, path);
}

static enum err read_object(struct walk_file *file, struct ingest_item *item,
                            const struct lines *lines, struct json_object *object)
{
    FAIL_IF(!json_object_is_type(object, json_type_object), ERR_INVALID,
            "the line is not a JSON object");
    TRY(read_id(item, object));
    return read_path(file, lines, object);
}

static enum err read_line(struct lines *lines, struct ingest_item *item)
{
    struct json_object *object;
    struct ingest_list *list = lines->list;
    struct walk_file *file = &list->listed[list->n_listed];
    TRY(json_parse(&object, item->notes, item->n_notes));
    enum err result = read_object(file, item, lines, object);
    json_object_put(object);
    TRY(result);
    item->path = file->path;
    item->size = file->size;
    item->mtime_ns = file->mtime_ns;
    list->items[list->n++] = *item;
    list->n_listed++;
    return ERR_OK;
}

static enum err make_room(struct lines *lines)
{
    struct ingest_list *list = lines->list;
    if (list->n_listed < lines->capacity) {
        return ERR_OK;
    }
    size_t capacity = lines->capacity == 0 ? 64 : 2 * lines->capacity;
    struct walk_file *listed = alloc_resize(list->listed, capacity, sizeof *listed);
    FAIL_IF(listed == NULL, ERR_NOMEM, "out of memory");
    list->listed = listed;
    struct ingest_item *items = alloc_resize(list->items, capacity, sizeof *items);
    FAIL_IF(items == NULL, ERR_NOMEM, "out of memory");
    list->items = items;
    lines->capacity = capacity;
    return ERR_OK;
}

/* A bad line is told, and no more. */
static enum err take_line(struct lines *lines, struct duet_add_line line)
{
    struct ingest_item item = {
        .notes = line.json, .n_notes = line.n, .line = line.number};
    TRY(make_room(lines));
    enum err result = read_line(lines, &item);
    if (result != ERR_OK) {
        tell_failed(lines->walk, lines->path, line.number, result);
    }
    return ERR_OK;
}

static struct lines lines_of(struct ingest_list *list, const char *path,
                             const struct walk_options *walk)
{
    const char *slash = strrchr(path, '/');
    return (struct lines){.list = list,
                          .walk = walk,
                          .path = path,
                          .n_folder = slash == NULL ? 0 : (size_t)(slash - path) + 1};
}

/* The items of the JSONL file; the list has no others yet. */
static enum err read_jsonl(struct ingest_list *list, const char *path,
                           const struct walk_options *walk)
{
    struct lines lines = lines_of(list, path, walk);
    TRY(file_read(path, &list->jsonl));
    const char *at = list->jsonl.data;
    const char *end = at + list->jsonl.size;
    for (size_t number = 1; at < end; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t n = newline == NULL ? (size_t)(end - at) : (size_t)(newline - at);
        if (strspn(at, " \t\r") < n) {
            TRY(take_line(&lines, (struct duet_add_line){at, n, number}));
        }
        at += n + 1;
    }
    return ERR_OK;
}

/* The same of lines at hand. */
static enum err read_lines(struct ingest_list *list,
                           const struct duet_add_options *options,
                           const struct walk_options *walk)
{
    struct lines lines = lines_of(list, options->lines_of, walk);
    for (size_t i = 0; i < options->n_lines; i++) {
        TRY(take_line(&lines, options->lines[i]));
    }
    return ERR_OK;
}

static enum err add_walked(struct ingest_list *list)
{
    struct ingest_item *items =
        alloc_resize(list->items, list->n + list->walk.n, sizeof *items);
    FAIL_IF(items == NULL, ERR_NOMEM, "out of memory");
    list->items = items;
    for (size_t i = 0; i < list->walk.n; i++) {
        const struct walk_file *file = &list->walk.files[i];
        items[list->n++] = (struct ingest_item){
            .path = file->path, .size = file->size, .mtime_ns = file->mtime_ns};
    }
    return ERR_OK;
}

/* By path; of one path those with an id first, then a line's, then a folder's. */
static int compare_items(const void *a, const void *b)
{
    const struct ingest_item *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    if (order != 0) {
        return order;
    }
    if (x->has_id != y->has_id) {
        return x->has_id ? -1 : 1;
    }
    if ((x->line == 0) != (y->line == 0)) {
        return x->line != 0 ? -1 : 1;
    }
    return (x->line > y->line) - (x->line < y->line);
}

/* Drops what a folder gives where a line says more of the same picture, and tells of
 * lines that would overwrite each other's point. */
static void drop_repeated(struct ingest_list *list, const char *jsonl,
                          const struct walk_options *walk)
{
    size_t kept = 0;
    if (list->n > 1) {
        qsort(list->items, list->n, sizeof *list->items, compare_items);
    }
    for (size_t i = 0; i < list->n; i++) {
        const struct ingest_item *item = &list->items[i];
        const struct ingest_item *last = kept > 0 ? &list->items[kept - 1] : NULL;
        bool again = last != NULL && strcmp(last->path, item->path) == 0;
        if (again && item->line != 0 && !item->has_id && !last->has_id) {
            (void)err_set(ERR_EXISTS, "line %zu names the same picture, without an id",
                          last->line);
            tell_failed(walk, jsonl, item->line, ERR_EXISTS);
        } else if (!again || item->line != 0) {
            list->items[kept++] = *item;
        }
    }
    list->n = kept;
}

static enum err make(struct ingest_list *out, const struct duet_add_options *options,
                     struct walk_options *walk)
{
    const char *file = options->jsonl != NULL ? options->jsonl : options->lines_of;
    if (options->jsonl != NULL) {
        TRY(read_jsonl(out, options->jsonl, walk));
    } else if (options->n_lines > 0) {
        TRY(read_lines(out, options, walk));
    }
    walk->paths = options->paths;
    walk->n_paths = options->n_paths;
    walk->hidden = options->hidden;
    TRY(walk_paths(&out->walk, walk));
    TRY(add_walked(out));
    drop_repeated(out, file, walk);
    return ERR_OK;
}

enum err ingest_list_make(struct ingest_list *out,
                          const struct duet_add_options *options,
                          struct walk_options walk_options)
{
    *out = (struct ingest_list){0};
    buf_init(&out->jsonl, LIMIT_ADD_LIST_BYTES);
    enum err result = make(out, options, &walk_options);
    if (result != ERR_OK) {
        ingest_list_release(out);
    }
    return result;
}

void ingest_list_release(struct ingest_list *list)
{
    for (size_t i = 0; i < list->n_listed; i++) {
        alloc_free(list->listed[i].path);
    }
    alloc_free(list->listed);
    alloc_free(list->items);
    walk_release(&list->walk);
    buf_release(&list->jsonl);
    *list = (struct ingest_list){0};
}
