/*
 * api_point_out.c - see api_point_out.h. A payload that is wanted whole is copied as
 * the text that it was stored as; only a choice of keys makes us read it.
 */
#include "net/api_point_out.h"

#include <string.h>

#include "base/limits.h"

static enum err check_keys(const struct field *keys, size_t max)
{
    TRY(field_array(keys, max));
    for (size_t i = 0; i < field_length(keys); i++) {
        struct field item = field_item(keys, i);
        const char *key = NULL;
        TRY(field_require(&item));
        TRY(field_string(&item, &key));
    }
    return ERR_OK;
}

/* Each path must be one; the library says what is wrong with it. */
static enum err check_paths(const struct field *paths)
{
    TRY(check_keys(paths, DUET_SELECTED_MAX));
    for (size_t i = 0; i < field_length(paths); i++) {
        struct field item = field_item(paths, i);
        const char *path = "";
        char *nothing;
        TRY(field_string(&item, &path));
        enum err result = duet_payload_select(
            "{}", &(struct duet_selection){&path, 1, false}, &nothing);
        duet_free(nothing);
        if (result != ERR_OK) {
            return field_prefix(&item, result);
        }
    }
    return ERR_OK;
}

static enum err read_payload_paths(const struct field *paths, struct point_view *view)
{
    view->payload = true;
    view->chosen = paths->value;
    return check_paths(paths);
}

static enum err read_with_payload(const struct field *f, struct point_view *view)
{
    static const struct field_rule rules[] = {
        {"include", NULL}, {"exclude", NULL}, {NULL, NULL}};
    if (json_object_is_type(f->value, json_type_array)) {
        return read_payload_paths(f, view);
    }
    if (!json_object_is_type(f->value, json_type_object)) {
        return field_bool(f, &view->payload);
    }
    TRY(field_check(f, rules));
    struct field include = field_get(f, "include");
    struct field exclude = field_get(f, "exclude");
    view->excludes = include.value == NULL;
    return read_payload_paths(view->excludes ? &exclude : &include, view);
}

static enum err read_with_vector(const struct field *f, struct point_view *view)
{
    if (json_object_is_type(f->value, json_type_array)) {
        view->vectors = true;
        view->spaces = f->value;
        return check_keys(f, LIMIT_SPACES_MAX);
    }
    return field_bool(f, &view->vectors);
}

enum err point_view_read_parts(const struct field *with_payload,
                               const struct field *with_vector, struct point_view *view)
{
    TRY(read_with_payload(with_payload, view));
    return read_with_vector(with_vector, view);
}

enum err point_view_read(const struct field *root, bool payload_default,
                         struct point_view *view)
{
    static const struct field_rule duet_rules[] = {{"details", NULL}, {NULL, NULL}};
    struct field with_payload = field_get(root, "with_payload");
    struct field with_vector = field_get(root, "with_vector");
    struct field duet = field_get(root, "duet");
    *view = (struct point_view){.payload = payload_default};
    TRY(point_view_read_parts(&with_payload, &with_vector, view));
    TRY(field_check(&duet, duet_rules));
    struct field details = field_get(&duet, "details");
    return field_bool(&details, &view->details);
}

void point_write_id(struct json_out *out, struct duet_id id)
{
    char text[DUET_ID_TEXT_MAX];
    if (!id.is_uuid) {
        out_size(out, id.number);
        return;
    }
    duet_id_format(id, text);
    out_string(out, text);
}

static bool holds_string(struct json_object *array, const char *wanted)
{
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        struct json_object *item = json_object_array_get_idx(array, i);
        if (strcmp(json_object_get_string(item), wanted) == 0) {
            return true;
        }
    }
    return false;
}

static enum err write_chosen_payload(struct json_out *out,
                                     const struct point_view *view, const char *payload)
{
    const char *paths[DUET_SELECTED_MAX];
    struct duet_selection selection = {.paths = paths, .excludes = view->excludes};
    char *kept;
    for (size_t i = 0; i < json_object_array_length(view->chosen); i++) {
        struct json_object *path = json_object_array_get_idx(view->chosen, i);
        paths[selection.n++] = json_object_get_string(path);
    }
    TRY(duet_payload_select(payload, &selection, &kept));
    out_json(out, kept, strlen(kept));
    duet_free(kept);
    return ERR_OK;
}

static enum err write_payload(struct json_out *out, const struct point_view *view,
                              const struct duet_hit *hit)
{
    const char *payload = hit->payload != NULL ? hit->payload : "{}";
    out_key(out, "payload");
    if (view->chosen == NULL) {
        out_json(out, payload, strlen(payload));
        return ERR_OK;
    }
    return write_chosen_payload(out, view, payload);
}

static void write_vector(struct json_out *out, const struct duet_vector *vector)
{
    out_begin(out, '[');
    for (size_t i = 0; i < vector->dim; i++) {
        out_float(out, vector->values[i]);
    }
    out_end(out, ']');
}

/* The unnamed vector stands alone, named ones in an object. */
static void write_vectors(struct json_out *out, const struct point_view *view,
                          const struct duet_hit *hit)
{
    out_key(out, "vector");
    if (hit->n_vectors == 1 && hit->vectors[0].space[0] == '\0') {
        write_vector(out, &hit->vectors[0]);
        return;
    }
    out_begin(out, '{');
    for (size_t i = 0; i < hit->n_vectors; i++) {
        const struct duet_vector *vector = &hit->vectors[i];
        if (view->spaces == NULL || holds_string(view->spaces, vector->space)) {
            out_key(out, vector->space);
            write_vector(out, vector);
        }
    }
    out_end(out, '}');
}

static void write_details(struct json_out *out, const struct duet_hit *hit)
{
    out_key(out, "duet");
    out_begin(out, '{');
    if (hit->space != NULL) {
        out_key(out, "space");
        out_string(out, hit->space);
    }
    if (hit->source != NULL) {
        out_key(out, "source");
        out_string(out, hit->source);
    }
    if (hit->hash[0] != '\0') {
        out_key(out, "hash");
        out_string(out, hit->hash);
    }
    out_end(out, '}');
}

void point_write_value(struct json_out *out, const struct duet_value *value)
{
    switch (value->kind) {
    case DUET_VALUE_BOOL:
        out_bool(out, value->flag);
        break;
    case DUET_VALUE_INT:
        out_int(out, value->whole);
        break;
    case DUET_VALUE_LARGE:
        out_size(out, value->large);
        break;
    case DUET_VALUE_REAL:
        out_real(out, value->real);
        break;
    case DUET_VALUE_STRING:
        out_text(out, value->text, value->n_text);
        break;
    default:
        out_null(out);
    }
}

enum err point_write(struct json_out *out, const struct point_view *view,
                     const struct duet_hit *hit, bool scored)
{
    out_begin(out, '{');
    out_key(out, "id");
    point_write_id(out, hit->id);
    if (scored) {
        out_key(out, "version"); /* asked for by the dialect; we keep none */
        out_size(out, 0);
        out_key(out, "score");
        out_float(out, hit->score);
    }
    if (view->payload) {
        TRY(write_payload(out, view, hit));
    }
    if (view->vectors) {
        write_vectors(out, view, hit);
    }
    if (hit->order.kind != DUET_VALUE_NONE) {
        out_key(out, "order_value");
        point_write_value(out, &hit->order);
    }
    if (view->details) {
        write_details(out, hit);
    }
    out_end(out, '}');
    return ERR_OK;
}
