/*
 * api_aliases.c - aliases changed and listed.
 */
#include "base/alloc.h"
#include "base/limits.h"
#include "net/api.h"

/* ---- Change --------------------------------------------------------------------- */

/* The kinds of action, by enum duet_alias_change_kind, and their members. */
static const struct action {
    const char *key, *alias, *to;
} actions[] = {
    [DUET_ALIAS_CREATE] = {"create_alias", "alias_name", "collection_name"},
    [DUET_ALIAS_DELETE] = {"delete_alias", "alias_name", NULL},
    [DUET_ALIAS_RENAME] = {"rename_alias", "old_alias_name", "new_alias_name"},
};
enum { N_ACTIONS = sizeof actions / sizeof actions[0] };

static enum err read_name(const struct field *f, const char *key, const char **out)
{
    struct field name = field_get(f, key);
    TRY(field_require(&name));
    return field_string(&name, out);
}

static enum err read_members(const struct field *f, const struct action *action,
                             struct duet_alias_change *change)
{
    const struct field_rule rules[] = {
        {action->alias, NULL}, {action->to, NULL}, {NULL, NULL}};
    TRY(field_check(f, rules));
    TRY(read_name(f, action->alias, &change->alias));
    return action->to == NULL ? ERR_OK : read_name(f, action->to, &change->to);
}

/* {"create_alias": {…}}, one of the three. */
static enum err read_action(const struct field *f, struct duet_alias_change *change)
{
    static const struct field_rule rules[] = {{"create_alias", NULL},
                                              {"delete_alias", NULL},
                                              {"rename_alias", NULL},
                                              {NULL, NULL}};
    size_t n_given = 0;
    TRY(field_require(f));
    TRY(field_check(f, rules));
    for (size_t i = 0; i < N_ACTIONS; i++) {
        struct field members = field_get(f, actions[i].key);
        if (members.value != NULL) {
            n_given++;
            change->kind = (enum duet_alias_change_kind)i;
            TRY(read_members(&members, &actions[i], change));
        }
    }
    return n_given == 1 ? ERR_OK
                        : field_fail(f, ERR_INVALID,
                                     "must have one of \"create_alias\", "
                                     "\"delete_alias\" and \"rename_alias\"");
}

enum err api_aliases_change(struct api_call *call)
{
    static const struct field_rule rules[] = {{"actions", NULL}, {NULL, NULL}};
    struct field root;
    TRY(api_call_json(call, &root));
    TRY(field_check(&root, rules));
    struct field list = field_get(&root, "actions");
    TRY(field_require(&list));
    TRY(field_array(&list, LIMIT_ALIASES_MAX));
    size_t n = field_length(&list);
    struct duet_alias_change *changes = alloc_zero(n, sizeof *changes);
    FAIL_IF(changes == NULL, ERR_NOMEM, "out of memory");
    enum err result = ERR_OK;
    for (size_t i = 0; i < n; i++) {
        struct field action = field_item(&list, i);
        TRY_OUT(read_action(&action, &changes[i]));
    }
    TRY_OUT(duet_aliases_change(call->api->db, changes, n));
    out_bool(&call->out, true);
out:
    alloc_free(changes);
    return result;
}

/* ---- List ----------------------------------------------------------------------- */

static enum err write_list(struct api_call *call, const char *collection)
{
    struct json_out *out = &call->out;
    struct duet_aliases list;
    TRY(duet_aliases_list(call->api->db, collection, &list));
    out_begin(out, '{');
    out_key(out, "aliases");
    out_begin(out, '[');
    for (size_t i = 0; i < list.n; i++) {
        out_begin(out, '{');
        out_key(out, "alias_name");
        out_string(out, list.items[i].alias);
        out_key(out, "collection_name");
        out_string(out, list.items[i].collection);
        out_end(out, '}');
    }
    out_end(out, ']');
    out_end(out, '}');
    duet_aliases_release(&list);
    return ERR_OK;
}

enum err api_aliases_list(struct api_call *call)
{
    return write_list(call, NULL);
}

enum err api_aliases_of_collection(struct api_call *call)
{
    return write_list(call, call->match.params[0]);
}
