/*
 * query_group.c - see query_group.h.
 */
#include "db/query_group.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/alloc.h"

/* ---- Life ---- */

static enum err make_room(struct grouper *g)
{
    size_t table = 16;
    while (table < 2 * g->n_max) {
        table *= 2;
    }
    g->table_mask = table - 1;
    g->table = arena_array(&g->arena, table, sizeof *g->table);
    g->items = arena_array(&g->arena, g->n_max, sizeof *g->items);
    size_t *members = arena_array(&g->arena, g->n_max * g->size, sizeof *members);
    if (g->table == NULL || g->items == NULL || members == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < g->n_max; i++) {
        g->items[i].members = members + i * g->size;
    }
    return ERR_OK;
}

static enum err read_path(struct grouper *g, const char *text)
{
    enum err result = payload_path_parse(&g->path, &g->arena, text);
    if (result != ERR_OK) {
        return err_prefix(result, "group_by");
    }
    const char *first = g->path.steps[0].key;
    g->key = (struct bytes){first, strlen(first)};
    return ERR_OK;
}

enum err grouper_open(struct grouper *g, const struct duet_grouping *grouping,
                      size_t n_groups)
{
    *g = (struct grouper){.size = grouping->size, .n_max = n_groups};
    FAIL_IF(n_groups == 0, ERR_INVALID, "k is 0: ask for at least one group");
    FAIL_IF(grouping->size == 0, ERR_INVALID,
            "group_size is 0: ask for at least one result");
    FAIL_IF(grouping->size > LIMIT_GROUPED_HITS / n_groups, ERR_LIMIT,
            "%zu groups of %zu are more than %d results", n_groups, grouping->size,
            LIMIT_GROUPED_HITS);
    enum err result = read_path(g, grouping->path);
    if (result == ERR_OK) {
        result = make_room(g);
    }
    if (result != ERR_OK) {
        grouper_release(g);
    }
    return result;
}

void grouper_clear(struct grouper *g)
{
    for (size_t i = 0; i < g->n; i++) {
        alloc_free(g->items[i].value);
        g->items[i].value = NULL;
        g->items[i].n = 0;
    }
    g->n = g->n_full = 0;
    if (g->table != NULL) {
        memset(g->table, 0, (g->table_mask + 1) * sizeof *g->table);
    }
}

void grouper_release(struct grouper *g)
{
    grouper_clear(g);
    arena_release(&g->arena);
    *g = (struct grouper){0};
}

/* ---- Values ---- */

static bool can_group(struct json_object *value)
{
    return json_object_is_type(value, json_type_string) ||
           json_object_is_type(value, json_type_int);
}

/* Whether the value is one that a point cannot be grouped by. */
static bool refuses(void *arg, struct json_object *value)
{
    (void)arg;
    if (!json_object_is_type(value, json_type_array)) {
        return !can_group(value);
    }
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        if (!can_group(json_object_array_get_idx(value, i))) {
            return true;
        }
    }
    return false;
}

/* The place in the table where the value stands or belongs. */
static size_t *find_place(const struct grouper *g, const char *text)
{
    size_t at = (size_t)XXH3_64bits(text, strlen(text)) & g->table_mask;
    while (g->table[at] != 0 && strcmp(g->items[g->table[at] - 1].value, text) != 0) {
        at = (at + 1) & g->table_mask;
    }
    return &g->table[at];
}

static void read_id(struct grouper_group *group, struct json_object *value)
{
    group->id = (struct duet_id){0};
    if (json_object_is_type(value, json_type_int)) {
        group->has_id = json_object_get_int64(value) >= 0;
        group->id.number = json_object_get_uint64(value);
        return;
    }
    group->has_id =
        duet_id_parse(&group->id, json_object_get_string(value)) == ERR_OK &&
        group->id.is_uuid;
}

/* The group of the value, made if there is room for one more; *group is NULL else. */
static enum err find_group(struct grouper *g, struct json_object *value,
                           struct grouper_group **group)
{
    const char *text = json_text(value);
    size_t *place = find_place(g, text);
    *group = NULL;
    if (*place == 0 && g->n == g->n_max) {
        return ERR_OK;
    }
    if (*place == 0) {
        struct grouper_group *made = &g->items[g->n];
        made->value = alloc_dup(text);
        if (made->value == NULL) {
            return ERR_NOMEM;
        }
        read_id(made, value);
        *place = ++g->n;
    }
    *group = &g->items[*place - 1];
    return ERR_OK;
}

struct adding {
    struct grouper *g;
    size_t i;
    enum err failed;
};

static enum err add_value(struct adding *a, struct json_object *value)
{
    struct grouper_group *group;
    TRY(find_group(a->g, value, &group));
    if (group == NULL || group->n == a->g->size ||
        (group->n > 0 && group->members[group->n - 1] == a->i)) { /* said twice */
        return ERR_OK;
    }
    group->members[group->n++] = a->i;
    a->g->n_full += group->n == a->g->size;
    return ERR_OK;
}

static bool add_values(void *arg, struct json_object *value)
{
    struct adding *a = arg;
    if (!json_object_is_type(value, json_type_array)) {
        a->failed = add_value(a, value);
        return a->failed != ERR_OK;
    }
    for (size_t i = 0; i < json_object_array_length(value) && a->failed == ERR_OK;
         i++) {
        a->failed = add_value(a, json_object_array_get_idx(value, i));
    }
    return a->failed != ERR_OK;
}

enum err grouper_add(struct grouper *g, size_t i, struct bytes payload)
{
    struct json_object *object;
    const struct payload_keys keys = {&g->key, 1};
    struct adding adding = {.g = g, .i = i};
    enum err result = payload_pick(&object, payload, &keys);
    if (result != ERR_OK) {
        return result == ERR_INVALID
                   ? err_set(ERR_CORRUPT, "a stored payload is not JSON")
                   : result;
    }
    if (!payload_path_any(&g->path, object, refuses, NULL)) {
        payload_path_any(&g->path, object, add_values, &adding);
    }
    json_object_put(object);
    return adding.failed;
}
