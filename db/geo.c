/*
 * geo.c - see geo.h.
 */
#include "db/geo.h"

#include <math.h>

static const double EARTH_RADIUS = 6371008.8; /* metres, the IUGG's mean */

static double radians(double degrees)
{
    return degrees * (M_PI / 180);
}

double geo_distance(struct geo_point a, struct geo_point b)
{
    double lat_a = radians(a.lat), lat_b = radians(b.lat);
    double north = sin((lat_b - lat_a) / 2);
    double east = sin((radians(b.lon) - radians(a.lon)) / 2);
    double h = north * north + cos(lat_a) * cos(lat_b) * east * east;
    return 2 * EARTH_RADIUS * asin(sqrt(fmin(1, fmax(0, h))));
}

/* Rounding, ten centimetres of it. */
static const double MARGIN = 1e-6;

/* How far west and east of the centre the circle reaches, in degrees: 180 where it has a
 * pole in it. */
static double half_width(struct geo_point centre, double angle)
{
    double reach = fabs(centre.lat) + angle / (M_PI / 180) + MARGIN;
    if (!(reach < 90)) {
        return 180;
    }
    return asin(fmin(1, sin(angle) / cos(radians(centre.lat)))) / (M_PI / 180) + MARGIN;
}

void geo_circle_box(struct geo_point centre, double radius, struct geo_point *top_left,
                    struct geo_point *bottom_right)
{
    double angle = radius / EARTH_RADIUS;
    double height = angle / (M_PI / 180) + MARGIN;
    double width = half_width(centre, angle);
    top_left->lat = fmin(90, centre.lat + height);
    bottom_right->lat = fmax(-90, centre.lat - height);
    top_left->lon = width >= 180 ? -180 : centre.lon - width;
    bottom_right->lon = width >= 180 ? 180 : centre.lon + width;
    top_left->lon += top_left->lon < -180 ? 360 : 0;
    bottom_right->lon -= bottom_right->lon > 180 ? 360 : 0;
}

bool geo_box_holds(struct geo_point top_left, struct geo_point bottom_right,
                   struct geo_point p)
{
    bool east_of = p.lon > top_left.lon;
    bool west_of = p.lon < bottom_right.lon;
    bool crosses = top_left.lon > bottom_right.lon;
    return (crosses ? east_of || west_of : east_of && west_of) &&
           p.lat < top_left.lat && p.lat > bottom_right.lat;
}

enum place { OUTSIDE, ON_EDGE, INSIDE };

static bool on_side(struct geo_point a, struct geo_point b, struct geo_point p)
{
    double area =
        p.lon * (a.lat - b.lat) + a.lon * (b.lat - p.lat) + b.lon * (p.lat - a.lat);
    return area == 0 && (a.lat - p.lat) * (b.lat - p.lat) <= 0 &&
           (a.lon - p.lon) * (b.lon - p.lon) <= 0;
}

/* Whether a line from `p` to the south crosses the side: so often, odd or even. */
static bool crosses_side(struct geo_point a, struct geo_point b, struct geo_point p)
{
    return (a.lon > p.lon) != (b.lon > p.lon) &&
           p.lat < (b.lat - a.lat) * (p.lon - a.lon) / (b.lon - a.lon) + a.lat;
}

static enum place place_in_ring(const struct geo_ring *ring, struct geo_point p)
{
    bool inside = false;
    for (size_t i = 1; i < ring->n; i++) {
        struct geo_point a = ring->corners[i - 1], b = ring->corners[i];
        if (on_side(a, b, p)) {
            return ON_EDGE;
        }
        inside = inside != crosses_side(b, a, p);
    }
    return inside ? INSIDE : OUTSIDE;
}

bool geo_polygon_holds(const struct geo_ring *rings, size_t n, struct geo_point p)
{
    if (n == 0 || place_in_ring(&rings[0], p) != INSIDE) {
        return false;
    }
    for (size_t i = 1; i < n; i++) {
        if (place_in_ring(&rings[i], p) != OUTSIDE) {
            return false;
        }
    }
    return true;
}
