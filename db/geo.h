/*
 * geo.h - places on the Earth, and what is within what. Pure functions, any thread.
 *
 * Edges belong to no area: a point on the line of a box, a circle or a polygon, of its
 * holes too, is outside, as in the dialect.
 */
#ifndef DB_GEO_H
#define DB_GEO_H

#include <stdbool.h>
#include <stddef.h>

/* Degrees; those of payloads are finite, and may be past the poles. */
struct geo_point {
    double lat, lon;
};

/* Closed: the last corner is the first again; at least four. */
struct geo_ring {
    const struct geo_point *corners; /* [n] */
    size_t n;
};

/* Metres along a great circle of a sphere with the Earth's mean radius (haversine). */
double geo_distance(struct geo_point a, struct geo_point b);

/* The corners of a box that everything nearer to `centre` than `radius` metres is in, and
 * a little more; it may cross the antimeridian. */
void geo_circle_box(struct geo_point centre, double radius, struct geo_point *top_left,
                    struct geo_point *bottom_right);

/* A box whose west is east of its east crosses the antimeridian. */
bool geo_box_holds(struct geo_point top_left, struct geo_point bottom_right,
                   struct geo_point p);

/* rings[0] is the outside, the others of rings[n] are holes. Sides are straight lines
 * in the plane of latitude and longitude. */
bool geo_polygon_holds(const struct geo_ring *rings, size_t n, struct geo_point p);

#endif
