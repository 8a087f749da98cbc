/*
 * cmd_export.c - `duet export`: the points of a collection as text that other programs
 * read: JSON lines with payloads and vectors, the vectors of a space as a NumPy file,
 * or members of the payloads as CSV.
 *
 * Points come in the order of their ids, a page at a time, so memory does not grow with
 * them; a point that is there throughout comes exactly once, also beside a writer.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/float_text.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/csv_value.h"
#include "cli/print.h"
#include "cli/target.h"
#include "cli/vectors_out.h"

enum { PAGE = 256, KEYS_MAX = 1024 };

struct exporter {
    const struct cli *cli;
    struct target *target;
    struct duet_collections list; /* the one collection */
    struct vectors_out out;       /* npy */
    size_t space;                 /* npy: its number */
    FILE *ids;                    /* npy: --ids, NULL: none */
    char *keys[KEYS_MAX];         /* csv: [n_keys], owned */
    size_t n_keys;
};

/* Writes one page's points. */
typedef enum err export_page(struct exporter *e, const struct duet_hits *page);

/* ---- JSON lines ---- */

/* The first line: what the collection is, for whoever makes it anew. */
static void print_collection(const struct duet_collection *c)
{
    struct json_object *object = json_object_new_object();
    struct json_object *spaces = json_object_new_array();
    for (size_t i = 0; i < c->n_spaces; i++) {
        struct json_object *space = json_object_new_object();
        json_object_object_add(space, "name",
                               json_object_new_string(c->spaces[i].name));
        json_object_object_add(space, "dim", json_object_new_uint64(c->spaces[i].dim));
        json_object_object_add(
            space, "distance",
            json_object_new_string(duet_distance_name(c->spaces[i].distance)));
        json_object_object_add(
            space, "datatype",
            json_object_new_string(duet_datatype_name(c->spaces[i].datatype)));
        json_object_array_add(spaces, space);
    }
    json_object_object_add(object, "collection", json_object_new_string(c->name));
    json_object_object_add(object, "model", json_object_new_string(c->model));
    json_object_object_add(object, "model_space",
                           json_object_new_string(c->model_space));
    json_object_object_add(object, "spaces", spaces);
    puts(json_text(object));
    json_object_put(object);
}

static void print_vector(const struct duet_vector *v)
{
    struct json_object *name = json_object_new_string(v->space);
    printf("%s:[", json_text(name));
    json_object_put(name);
    for (size_t i = 0; i < v->dim; i++) {
        char text[FLOAT_TEXT_MAX];
        float_text(text, v->values[i]);
        printf("%s%s", i == 0 ? "" : ",", text);
    }
    putchar(']');
}

static void print_id(FILE *out, struct duet_id id, const char *quote)
{
    char text[DUET_ID_TEXT_MAX];
    duet_id_format(id, text);
    quote = id.is_uuid ? quote : "";
    fprintf(out, "%s%s%s", quote, text, quote);
}

/* A payload is one JSON value, but may have newlines between its members. */
static void print_payload(const char *payload)
{
    for (const char *c = payload; *c != '\0'; c++) {
        putchar(*c == '\n' || *c == '\r' ? ' ' : *c);
    }
}

static enum err export_json(struct exporter *e, const struct duet_hits *page)
{
    (void)e;
    for (size_t i = 0; i < page->n; i++) {
        const struct duet_hit *hit = &page->hits[i];
        printf("{\"id\":");
        print_id(stdout, hit->id, "\"");
        printf(",\"payload\":");
        print_payload(hit->payload);
        printf(",\"vectors\":{");
        for (size_t v = 0; v < hit->n_vectors; v++) {
            fputs(v == 0 ? "" : ",", stdout);
            print_vector(&hit->vectors[v]);
        }
        puts("}}");
    }
    return ERR_OK;
}

/* ---- NumPy ---- */

static enum err export_npy(struct exporter *e, const struct duet_hits *page)
{
    const char *name = e->list.items[0].spaces[e->space].name;
    for (size_t i = 0; i < page->n; i++) {
        const struct duet_hit *hit = &page->hits[i];
        for (size_t v = 0; v < hit->n_vectors; v++) {
            if (strcmp(hit->vectors[v].space, name) != 0) {
                continue;
            }
            vectors_out_row(&e->out, hit->vectors[v].values);
            if (e->ids != NULL) {
                print_id(e->ids, hit->id, "");
                fputc('\n', e->ids);
            }
        }
    }
    return ERR_OK;
}

static enum err find_space(struct exporter *e)
{
    const struct duet_collection *c = &e->list.items[0];
    for (e->space = 0; e->space < c->n_spaces; e->space++) {
        if (e->cli->in == NULL || strcmp(e->cli->in, c->spaces[e->space].name) == 0) {
            return ERR_OK;
        }
    }
    return err_set(ERR_NOT_FOUND, "there is no vector space '%.64s'", e->cli->in);
}

/* ---- CSV ---- */

/* Quoted where it has to be, as RFC 4180 says. */
static void print_field(const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (const char *c = text; *c != '\0'; c++) {
        fputs(*c == '"' ? "\"" : "", stdout);
        putchar(*c);
    }
    putchar('"');
}

static enum err export_csv(struct exporter *e, const struct duet_hits *page)
{
    for (size_t i = 0; i < page->n; i++) {
        struct json_object *payload;
        TRY(json_parse(&payload, page->hits[i].payload, strlen(page->hits[i].payload)));
        print_id(stdout, page->hits[i].id, "");
        for (size_t k = 0; k < e->n_keys; k++) {
            struct json_object *value = csv_value_get(payload, e->keys[k]);
            putchar(',');
            if (json_object_is_type(value, json_type_string)) {
                print_field(json_object_get_string(value));
            } else if (value != NULL) {
                print_field(json_text(value));
            }
        }
        putchar('\n');
        json_object_put(payload);
    }
    return ERR_OK;
}

static enum err add_key(struct exporter *e, const char *key, size_t n)
{
    FAIL_IF(e->n_keys == KEYS_MAX, ERR_LIMIT,
            "more than %d columns: say which by --keys", KEYS_MAX);
    e->keys[e->n_keys] = alloc_dup_n(key, n);
    if (e->keys[e->n_keys] == NULL) {
        return ERR_NOMEM;
    }
    e->n_keys++;
    return ERR_OK;
}

/* Those of --keys, between its commas. */
static enum err read_keys(struct exporter *e)
{
    for (const char *key = e->cli->keys; key != NULL;) {
        size_t n = strcspn(key, ",");
        TRY(add_key(e, key, n));
        key = key[n] == ',' ? key + n + 1 : NULL;
    }
    return ERR_OK;
}

/* The members of an object that are not known yet, those of objects in it by their
 * paths; `prefix` ends with a dot or is empty. A name that is no part of a path (it has
 * dots, or is empty) leaves its object one column. */
static enum err note_keys(struct exporter *e, struct json_object *object,
                          const char *prefix)
{
    json_object_object_foreach(object, name, value)
    {
        char path[1024];
        int n = snprintf(path, sizeof path, "%s%s", prefix, name);
        FAIL_IF(n < 0 || (size_t)n + 1 >= sizeof path, ERR_LIMIT,
                "the path of a member is longer than %zu bytes", sizeof path);
        if (csv_value_is_tree(value)) {
            path[n] = '.';
            path[n + 1] = '\0';
            TRY(note_keys(e, value, path));
            continue;
        }
        size_t k = 0;
        while (k < e->n_keys && strcmp(e->keys[k], path) != 0) {
            k++;
        }
        TRY(k < e->n_keys ? ERR_OK : add_key(e, path, (size_t)n));
    }
    return ERR_OK;
}

static enum err note_page(struct exporter *e, const struct duet_hits *page)
{
    for (size_t i = 0; i < page->n; i++) {
        struct json_object *payload;
        TRY(json_parse(&payload, page->hits[i].payload, strlen(page->hits[i].payload)));
        enum err result = note_keys(e, payload, "");
        json_object_put(payload);
        TRY(result);
    }
    return ERR_OK;
}

static void print_keys(const struct exporter *e)
{
    fputs("id", stdout);
    for (size_t i = 0; i < e->n_keys; i++) {
        putchar(',');
        print_field(e->keys[i]);
    }
    putchar('\n');
}

/* ---- Pages ---- */

/* The least id behind this one; false where there is none. */
static bool id_next(struct duet_id *id)
{
    if (!id->is_uuid) {
        id->is_uuid = id->number == UINT64_MAX;
        id->number = id->is_uuid ? 0 : id->number + 1;
        return true;
    }
    for (size_t i = sizeof id->uuid; i-- > 0;) {
        if (++id->uuid[i] != 0) {
            return true;
        }
    }
    return false;
}

/* The points of a page again, with their vectors. */
static enum err export_ids(struct exporter *e, const struct duet_hits *page,
                           export_page *one)
{
    struct duet_id ids[PAGE];
    struct duet_hits whole;
    for (size_t i = 0; i < page->n; i++) {
        ids[i] = page->hits[i].id;
    }
    TRY(target_get_whole(e->target, ids, page->n, &whole));
    enum err result = one(e, &whole);
    duet_hits_release(&whole);
    return result;
}

/* Calls `one` for each page, with vectors where it wants them. */
static enum err export_all(struct exporter *e, export_page *one, bool vectors)
{
    struct duet_id from = {.is_uuid = false};
    bool more = true;
    while (more && !ferror(stdout)) {
        struct duet_hits page;
        TRY(target_scroll(e->target, &from, PAGE, &page));
        enum err result = page.n == 0 ? ERR_OK
                          : vectors   ? export_ids(e, &page, one)
                                      : one(e, &page);
        more = page.n > 0;
        if (more) {
            from = page.hits[page.n - 1].id;
            more = id_next(&from);
        }
        duet_hits_release(&page);
        TRY(result);
    }
    return ERR_OK;
}

static enum err run_npy(struct exporter *e)
{
    TRY(find_space(e));
    if (e->cli->ids != NULL) {
        e->ids = fopen(e->cli->ids, "we");
        if (e->ids == NULL) {
            return err_errno(errno, "%s", e->cli->ids);
        }
    }
    enum err result =
        vectors_out_open(&e->out, VECTORS_NPY, e->list.items[0].spaces[e->space].dim);
    if (result == ERR_OK) {
        result = export_all(e, export_npy, true);
    }
    enum err closed = vectors_out_close(&e->out);
    if (e->ids != NULL && (ferror(e->ids) | fclose(e->ids)) != 0 && result == ERR_OK) {
        result = err_errno(errno, "%s", e->cli->ids);
    }
    return result == ERR_OK ? closed : result;
}

static enum err run_format(struct exporter *e)
{
    const char *format = e->cli->format != NULL ? e->cli->format : "jsonl";
    if (strcmp(format, "npy") == 0) {
        return run_npy(e);
    }
    if (strcmp(format, "csv") == 0) {
        /* Without --keys all points are read once more, before them. */
        TRY(e->cli->keys != NULL ? read_keys(e) : export_all(e, note_page, false));
        print_keys(e);
        return export_all(e, export_csv, false);
    }
    FAIL_IF(strcmp(format, "jsonl") != 0, ERR_INVALID,
            "--format is jsonl, npy or csv, not '%.40s'", format);
    print_collection(&e->list.items[0]);
    return export_all(e, export_json, true);
}

static enum exit_code run(const struct cli *cli)
{
    struct target target;
    struct exporter e = {.cli = cli, .target = &target};
    enum exit_code code = target_open(&target, cli, (struct duet_options){0});
    if (code != EXIT_DONE) {
        return code;
    }
    enum err result = target_describe(&target, &e.list);
    if (result == ERR_OK) {
        result = run_format(&e);
    }
    duet_collections_release(&e.list);
    for (size_t i = 0; i < e.n_keys; i++) {
        alloc_free(e.keys[i]);
    }
    target_close(&target);
    return cli_fail(result);
}

static const struct cli_option options[] = {
    CLI_OPTION_TEXT("format", format, "FORMAT",
                    "jsonl (all of it, the default), npy (vectors), csv (payloads)"),
    CLI_OPTION_TEXT("in", in, "SPACE",
                    "npy: the vectors of this space (else the first)"),
    CLI_OPTION_TEXT("ids", ids, "FILE", "npy: the ids of the rows, one a line"),
    CLI_OPTION_TEXT("keys", keys, "A,B,...", "csv: members of the payload (else all)"),
    CLI_OPTION_END,
};

const struct cli_command cmd_export = {
    .name = "export",
    .arguments = "",
    .summary = "write points as JSON lines, NumPy or CSV",
    .about =
        "Writes the collection's points to stdout in the order of their ids: as JSON\n"
        "lines, of which the first says what the collection is and each other has a\n"
        "point's id, payload and vectors, to the last bit; the vectors of one space "
        "as\n"
        "a NumPy file; or members of the payloads as CSV. 'duet import' reads all "
        "three.\n"
        "For keeping a copy 'duet backup' is better: it has the pictures too.\n",
    .example = "  duet export > photos.jsonl\n"
               "  duet export --format npy --in image --ids ids.txt > image.npy\n"
               "  duet export --format csv --keys path,width,height > photos.csv\n",
    .options = options,
    .run = run,
};
