/*
 * api_indexes.c - payload indexes made, removed and told of.
 */
#include <string.h>

#include "net/api.h"

enum err api_index_create(struct api_call *call)
{
    static const struct field_rule rules[] = {
        {"field_name", NULL}, {"field_schema", NULL}, {NULL, NULL}};
    struct field root;
    const char *name = NULL, *schema_text = NULL;
    TRY(api_call_json(call, &root));
    TRY(field_check(&root, rules));
    struct field field = field_get(&root, "field_name");
    struct field schema = field_get(&root, "field_schema");
    TRY(field_require(&field));
    TRY(field_string(&field, &name));
    TRY(field_require(&schema)); /* nothing is guessed from the payloads there are */
    TRY(field_text(&schema, &schema_text));
    TRY(duet_index_create(call->api->db, call->match.params[0], name, schema_text));
    api_write_completed(&call->out);
    return ERR_OK;
}

enum err api_index_remove(struct api_call *call)
{
    TRY(duet_index_remove(call->api->db, call->match.params[0], call->match.params[1]));
    api_write_completed(&call->out);
    return ERR_OK;
}

enum err api_write_payload_schema(struct api_call *call, const char *collection)
{
    struct json_out *out = &call->out;
    struct duet_indexes list;
    TRY(duet_indexes_list(call->api->db, collection, &list));
    out_begin(out, '{');
    for (size_t i = 0; i < list.n; i++) {
        const struct duet_index *index = &list.items[i];
        out_key(out, index->field);
        out_begin(out, '{');
        out_key(out, "data_type");
        out_string(out, duet_index_kind_name(index->kind));
        if (index->params != NULL) {
            out_key(out, "params");
            out_json(out, index->params, strlen(index->params));
        }
        out_key(out, "points");
        out_size(out, index->n_points);
        out_end(out, '}');
    }
    out_end(out, '}');
    duet_indexes_release(&list);
    return ERR_OK;
}
