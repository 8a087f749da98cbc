/*
 * cmd_stats.c - `duet stats`: how much there is, and what it takes.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/remote.h"

static void print_width(const char *whose, const struct duet_width_stats *w)
{
    if (w->oversampling == 0) {
        return;
    }
    printf("%-14s   %s: %u candidates a result", "", whose, w->oversampling);
    if (w->nprobe > 0) {
        printf(" of %u lists", w->nprobe);
    }
    if (w->ef > 0) {
        printf(", ef %u", w->ef);
    }
    printf("; recall %.4f on %zu questions (%s)\n", w->recall, w->n_questions,
           w->learnt_from);
}

/* Where there is no reason, whoever told knows nothing of what follows. */
static void print_index(const struct duet_space_stats *space)
{
    char file[PRINT_BYTES_MAX], memory[PRINT_BYTES_MAX];
    if (space->reason[0] == '\0') {
        return;
    }
    printf("%-14s   index %s (%s)\n", "",
           space->index[0] != '\0' ? space->index : "none", space->reason);
    if (space->n_segments > 0) {
        printf("%-14s   %s on disk, %s loaded\n", "",
               print_bytes(file, space->segment_bytes),
               print_bytes(memory, space->memory_bytes));
    }
    print_width("own side", &space->same_side);
    print_width("across", &space->cross_modal);
}

static void print_human(const struct cli *cli, const struct duet_stats *stats,
                        const struct duet_indexes *indexes, size_t n_matching)
{
    printf("%-14s %s\n", cli->url != NULL ? "server" : "database",
           cli->url != NULL ? cli->url : cli->db);
    printf("%-14s %s\n", "collection", cli->collection);
    printf("%-14s %s\n", "model", stats->model[0] != '\0' ? stats->model : "none");
    printf("%-14s %zu\n", "points", stats->n_points);
    if (cli->filter != NULL) {
        printf("%-14s %zu\n", "matching", n_matching);
    }
    for (size_t i = 0; i < stats->n_spaces; i++) {
        const struct duet_space_stats *space = &stats->spaces[i];
        printf("%-14s %zu vectors of %zu numbers (%s, %s)", space->name,
               space->n_vectors, space->dim, duet_datatype_name(space->datatype),
               duet_distance_name(space->distance));
        if (space->n_segments > 0) {
            printf(", %zu of them in %zu sealed segment%s (%s)", space->n_sealed,
                   space->n_segments, space->n_segments == 1 ? "" : "s", space->index);
        }
        putchar('\n');
        print_index(space);
    }
    for (size_t i = 0; i < indexes->n; i++) {
        const struct duet_index *index = &indexes->items[i];
        printf("%-14s on %s (%s), %zu points%s\n", "index", index->field,
               duet_index_kind_name(index->kind), index->n_points,
               index->ready ? "" : ", being made");
    }
    char bytes[PRINT_BYTES_MAX];
    printf("%-14s %s\n", "store", print_bytes(bytes, stats->store_bytes));
    printf("%-14s %s\n", "thumbnails", print_bytes(bytes, stats->media_bytes));
}

static void add_number(struct json_object *object, const char *key, size_t value)
{
    json_object_object_add(object, key, json_object_new_uint64(value));
}

/* NULL, which is JSON's null, where nothing was learnt. */
static struct json_object *width_json(const struct duet_width_stats *w)
{
    if (w->oversampling == 0) {
        return NULL;
    }
    struct json_object *object = json_object_new_object();
    add_number(object, "oversampling", w->oversampling);
    add_number(object, "nprobe", w->nprobe);
    add_number(object, "ef", w->ef);
    json_object_object_add(object, "recall", json_object_new_double(w->recall));
    add_number(object, "questions", w->n_questions);
    json_object_object_add(object, "learnt_from",
                           json_object_new_string(w->learnt_from));
    return object;
}

static struct json_object *space_json(const struct duet_space_stats *space)
{
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "name", json_object_new_string(space->name));
    add_number(object, "dim", space->dim);
    json_object_object_add(object, "distance",
                           json_object_new_string(duet_distance_name(space->distance)));
    json_object_object_add(object, "datatype",
                           json_object_new_string(duet_datatype_name(space->datatype)));
    add_number(object, "vectors", space->n_vectors);
    add_number(object, "sealed", space->n_sealed);
    add_number(object, "segments", space->n_segments);
    add_number(object, "segment_bytes", space->segment_bytes);
    add_number(object, "memory_bytes", space->memory_bytes);
    json_object_object_add(object, "index", json_object_new_string(space->index));
    json_object_object_add(
        object, "index_choice",
        json_object_new_string(duet_vector_index_name(space->choice)));
    json_object_object_add(object, "index_reason",
                           json_object_new_string(space->reason));
    json_object_object_add(object, "same_side", width_json(&space->same_side));
    json_object_object_add(object, "cross_modal", width_json(&space->cross_modal));
    return object;
}

static struct json_object *indexes_json(const struct duet_indexes *indexes)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < indexes->n; i++) {
        const struct duet_index *index = &indexes->items[i];
        struct json_object *object = json_object_new_object();
        const char *kind = duet_index_kind_name(index->kind);
        json_object_object_add(object, "field", json_object_new_string(index->field));
        json_object_object_add(object, "kind", json_object_new_string(kind));
        add_number(object, "points", index->n_points);
        json_object_object_add(object, "ready", json_object_new_boolean(index->ready));
        json_object_array_add(list, object);
    }
    return list;
}

static void print_json(const struct cli *cli, const struct duet_stats *stats,
                       const struct duet_indexes *indexes, size_t n_matching)
{
    struct json_object *object = json_object_new_object();
    struct json_object *spaces = json_object_new_array();
    json_object_object_add(object, "uuid", json_object_new_string(stats->uuid));
    json_object_object_add(object, "model", json_object_new_string(stats->model));
    json_object_object_add(object, "model_space",
                           json_object_new_string(stats->model_space));
    add_number(object, "points", stats->n_points);
    if (cli->filter != NULL) {
        add_number(object, "matching", n_matching);
    }
    add_number(object, "store_bytes", stats->store_bytes);
    add_number(object, "media_bytes", stats->media_bytes);
    for (size_t i = 0; i < stats->n_spaces; i++) {
        json_object_array_add(spaces, space_json(&stats->spaces[i]));
    }
    json_object_object_add(object, "spaces", spaces);
    json_object_object_add(object, "indexes", indexes_json(indexes));
    puts(json_text(object));
    json_object_put(object);
}

static void print(const struct cli *cli, const struct duet_stats *stats,
                  const struct duet_indexes *indexes, size_t n_matching)
{
    if (cli->json) {
        print_json(cli, stats, indexes, n_matching);
    } else {
        print_human(cli, stats, indexes, n_matching);
    }
}

/* What a server that is not ours says is printed as it is. */
static void print_told(const struct cli *cli, struct json_object *told,
                       size_t n_matching)
{
    if (cli->filter != NULL) {
        add_number(told, "matching", n_matching);
    }
    puts(json_text(told));
    json_object_put(told);
}

static enum err run_remote(const struct cli *cli)
{
    struct duet_stats stats;
    struct duet_indexes indexes;
    struct json_object *told;
    size_t n_matching = 0;
    if (cli->filter != NULL) {
        TRY(remote_count_where(&n_matching, cli));
    }
    TRY(remote_stats(&stats, &indexes, &told, cli));
    if (told != NULL) {
        print_told(cli, told, n_matching);
    } else {
        print(cli, &stats, &indexes, n_matching);
    }
    remote_indexes_release(&indexes);
    return ERR_OK;
}

static enum exit_code run(const struct cli *cli)
{
    if (cli->url != NULL) {
        return cli_fail(run_remote(cli));
    }
    struct duet *db;
    struct duet_stats stats;
    enum exit_code code = cli_open(&db, cli, (struct duet_options){0});
    if (code != EXIT_DONE) {
        return code;
    }
    size_t n_matching = 0;
    struct duet_indexes indexes = {.n = 0};
    enum err result = duet_stats(db, cli->collection, &stats);
    if (result == ERR_OK) {
        result = duet_indexes_list(db, cli->collection, &indexes);
    }
    if (result == ERR_OK && cli->filter != NULL) {
        result = duet_count_where(db, cli->collection, cli->filter, &n_matching);
    }
    if (result == ERR_OK) {
        print(cli, &stats, &indexes, n_matching);
    }
    code = cli_fail(result);
    duet_indexes_release(&indexes);
    duet_close(db);
    return code;
}

static const struct cli_option options[] = {
    CLI_OPTION_FILTER("also count what matches, as docs/HTTP.md says"),
    CLI_OPTION_END,
};

const struct cli_command cmd_stats = {
    .name = "stats",
    .arguments = "",
    .summary = "tell how much is in the database",
    .about =
        "Prints the counts of points and vectors, the sealed segments of each space,\n"
        "the payload indexes, and the bytes that all take. With --url, what a server "
        "says that is none of\n"
        "ours is printed as it is.\n",
    .example = "  duet stats\n"
               "  duet stats --filter '{\"must\": {\"has_vector\": \"text\"}}'\n",
    .options = options,
    .run = run,
};
