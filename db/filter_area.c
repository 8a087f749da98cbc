/*
 * filter_area.c - the conditions on places, from JSON into the tree.
 */
#include <math.h>

#include "db/filter_tree.h"

/* A number within -limit … limit. */
static enum err read_degrees(const struct field *f, double limit, double *out)
{
    struct json_number number;
    TRY(field_require(f));
    if (!json_number_get(f->value, &number)) {
        return field_fail(f, ERR_INVALID, "must be a number");
    }
    *out = json_object_get_double(f->value);
    if (!(fabs(*out) <= limit)) {
        return field_fail(f, ERR_INVALID, "must be within -%.0f and %.0f degrees",
                          limit, limit);
    }
    return ERR_OK;
}

static enum err read_point(const struct field *f, struct geo_point *out)
{
    static const struct field_rule rules[] = {
        {"lat", NULL}, {"lon", NULL}, {NULL, NULL}};
    TRY(field_require(f));
    TRY(field_check(f, rules));
    struct field lat = field_get(f, "lat");
    struct field lon = field_get(f, "lon");
    TRY(read_degrees(&lat, 90, &out->lat));
    return read_degrees(&lon, 180, &out->lon);
}

enum err filter_read_box(struct filter *filter, const struct field *f,
                         struct filter_node *node)
{
    static const struct field_rule rules[] = {
        {"top_left", NULL}, {"bottom_right", NULL}, {NULL, NULL}};
    (void)filter;
    node->kind = FILTER_GEO_BOX;
    TRY(field_check(f, rules));
    struct field top_left = field_get(f, "top_left");
    struct field bottom_right = field_get(f, "bottom_right");
    TRY(read_point(&top_left, &node->box.top_left));
    return read_point(&bottom_right, &node->box.bottom_right);
}

enum err filter_read_radius(struct filter *filter, const struct field *f,
                            struct filter_node *node)
{
    static const struct field_rule rules[] = {
        {"center", NULL}, {"radius", NULL}, {NULL, NULL}};
    struct json_number number;
    (void)filter;
    node->kind = FILTER_GEO_RADIUS;
    TRY(field_check(f, rules));
    struct field centre = field_get(f, "center");
    struct field radius = field_get(f, "radius");
    TRY(read_point(&centre, &node->circle.centre));
    TRY(field_require(&radius));
    node->circle.radius = json_object_get_double(radius.value);
    if (!json_number_get(radius.value, &number) || !(node->circle.radius >= 0)) {
        return field_fail(&radius, ERR_INVALID,
                          "must be a number of metres, 0 or more");
    }
    return ERR_OK;
}

/* Adds to *n_corners, which is limited for the whole polygon. */
static enum err read_ring(struct filter *filter, const struct field *f,
                          struct geo_ring *ring, size_t *n_corners)
{
    static const struct field_rule rules[] = {{"points", NULL}, {NULL, NULL}};
    struct geo_point *corners;
    struct field points = field_get(f, "points");
    TRY(field_require(f));
    TRY(field_check(f, rules));
    TRY(field_require(&points));
    TRY(field_array(&points, LIMIT_FILTER_POLYGON_CORNERS - *n_corners));
    ring->n = field_length(&points);
    *n_corners += ring->n;
    if (ring->n < 4) {
        return field_fail(&points, ERR_INVALID, "must be four or more, and closed");
    }
    TRY(filter_take(filter, ring->n, sizeof *corners, &corners));
    ring->corners = corners;
    for (size_t i = 0; i < ring->n; i++) {
        struct field point = field_item(&points, i);
        TRY(read_point(&point, &corners[i]));
    }
    if (corners[0].lat != corners[ring->n - 1].lat ||
        corners[0].lon != corners[ring->n - 1].lon) {
        return field_fail(&points, ERR_INVALID, "must end where they begin");
    }
    return ERR_OK;
}

static void find_box(struct filter_node *node)
{
    const struct geo_ring *ring = &node->polygon.rings[0];
    struct geo_point *sw = &node->polygon.south_west, *ne = &node->polygon.north_east;
    *sw = *ne = ring->corners[0];
    for (size_t i = 1; i < ring->n; i++) {
        sw->lat = fmin(sw->lat, ring->corners[i].lat);
        sw->lon = fmin(sw->lon, ring->corners[i].lon);
        ne->lat = fmax(ne->lat, ring->corners[i].lat);
        ne->lon = fmax(ne->lon, ring->corners[i].lon);
    }
}

enum err filter_read_polygon(struct filter *filter, const struct field *f,
                             struct filter_node *node)
{
    static const struct field_rule rules[] = {
        {"exterior", NULL}, {"interiors", NULL}, {NULL, NULL}};
    size_t n_corners = 0;
    node->kind = FILTER_GEO_POLYGON;
    TRY(field_check(f, rules));
    struct field exterior = field_get(f, "exterior");
    struct field interiors = field_get(f, "interiors");
    TRY(field_array(&interiors, LIMIT_FILTER_POLYGON_CORNERS));
    node->polygon.n = 1 + field_length(&interiors);
    TRY(filter_take(filter, node->polygon.n, sizeof *node->polygon.rings,
                    &node->polygon.rings));
    TRY(read_ring(filter, &exterior, &node->polygon.rings[0], &n_corners));
    for (size_t i = 1; i < node->polygon.n; i++) {
        struct field ring = field_item(&interiors, i - 1);
        TRY(read_ring(filter, &ring, &node->polygon.rings[i], &n_corners));
    }
    find_box(node);
    return ERR_OK;
}
