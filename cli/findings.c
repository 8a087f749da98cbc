/*
 * findings.c - see findings.h.
 */
#include "cli/findings.h"

#include <stdio.h>

#include "base/json.h"
#include "cli/print.h"

static const char *kind_name(enum duet_finding_kind kind)
{
    return kind == DUET_DAMAGE    ? "damage"
           : kind == DUET_DERIVED ? "derived"
                                  : "leftover";
}

static void print_json(const struct duet_finding *f)
{
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "kind", json_object_new_string(kind_name(f->kind)));
    json_object_object_add(
        object, "collection",
        f->collection == NULL ? NULL : json_object_new_string(f->collection));
    if (f->id != NULL && f->id->is_uuid) {
        char id[DUET_ID_TEXT_MAX];
        duet_id_format(*f->id, id);
        json_object_object_add(object, "id", json_object_new_string(id));
    } else if (f->id != NULL) {
        json_object_object_add(object, "id", json_object_new_uint64(f->id->number));
    }
    json_object_object_add(object, "text", print_path_json(f->text));
    puts(json_text(object));
    json_object_put(object);
}

void findings_print(void *arg, const struct duet_finding *f)
{
    const struct cli *cli = arg;
    if (cli->json) {
        print_json(f);
        return;
    }
    printf("%-9s", kind_name(f->kind));
    if (f->collection != NULL) {
        print_text(f->collection);
        fputs(": ", stdout);
    }
    if (f->id != NULL) {
        char id[DUET_ID_TEXT_MAX];
        duet_id_format(*f->id, id);
        printf("point %s: ", id);
    }
    print_line(f->text);
}

void findings_print_result(const struct cli *cli, const struct duet_check_result *r,
                           const char *summary)
{
    if (cli->json) {
        printf("{\"collections\":%zu,\"points\":%zu,\"vectors\":%zu,\"sources\":%zu,"
               "\"segments\":%zu,\"files\":%zu,\"damage\":%zu,\"derived\":%zu,"
               "\"leftovers\":%zu}\n",
               r->n_collections, r->n_points, r->n_vectors, r->n_sources, r->n_segments,
               r->n_files, r->n_damage, r->n_derived, r->n_leftovers);
    } else if (!cli->quiet) {
        printf(
            "%zu collections, %zu points, %zu vectors, %zu segments, %zu files: %s\n",
            r->n_collections, r->n_points, r->n_vectors, r->n_segments, r->n_files,
            summary);
    }
}
