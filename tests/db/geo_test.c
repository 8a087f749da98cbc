/*
 * geo_test.c - db/geo.h.
 */
#include "tests/test.h"

#include <math.h>

#include "db/geo.h"

static const struct geo_point berlin = {52.52, 13.405}, paris = {48.8566, 2.3522};

/* Halves and quarters of a great circle are known without a formula. */
static void test_distances(void **state)
{
    (void)state;
    const double half = M_PI * 6371008.8;
    struct geo_point origin = {0, 0}, pole = {90, 0}, far = {0, 180}, same = {90, 77};
    assert_true(geo_distance(berlin, berlin) == 0);
    assert_true(fabs(geo_distance(origin, far) - half) < 1e-3);
    assert_true(fabs(geo_distance(origin, pole) - half / 2) < 1e-3);
    assert_true(geo_distance(pole, same) < 1e-3);
    assert_true(fabs(geo_distance(berlin, paris) - 877460) < 500);
    assert_true(geo_distance(paris, berlin) == geo_distance(berlin, paris));
    struct geo_point beyond = {-1e300, 1e300};
    assert_true(isfinite(geo_distance(origin, beyond)));
}

static void test_a_box_has_no_edges_and_may_cross_the_antimeridian(void **state)
{
    (void)state;
    struct geo_point nw = {10, -10}, se = {-10, 10};
    assert_true(geo_box_holds(nw, se, (struct geo_point){0, 0}));
    assert_false(geo_box_holds(nw, se, (struct geo_point){10, 0}));
    assert_false(geo_box_holds(nw, se, (struct geo_point){0, 10}));
    assert_false(geo_box_holds(nw, se, (struct geo_point){0, 11}));
    assert_false(geo_box_holds(se, nw, (struct geo_point){0, 0}));
    struct geo_point fiji_nw = {-10, 170}, fiji_se = {-20, -170};
    assert_true(geo_box_holds(fiji_nw, fiji_se, (struct geo_point){-17, 179.5}));
    assert_true(geo_box_holds(fiji_nw, fiji_se, (struct geo_point){-17, -179.5}));
    assert_false(geo_box_holds(fiji_nw, fiji_se, (struct geo_point){-17, 0}));
    assert_false(geo_box_holds(fiji_nw, fiji_se, (struct geo_point){-25, 179}));
}

static void test_a_polygon_has_holes_and_no_edges(void **state)
{
    (void)state;
    static const struct geo_point outside[] = {
        {0, 0}, {0, 10}, {10, 10}, {10, 0}, {0, 0}};
    static const struct geo_point hole[] = {{4, 4}, {4, 6}, {6, 6}, {6, 4}, {4, 4}};
    static const struct geo_point dent[] = {{0, 0},   {0, 10}, {5, 5},
                                            {10, 10}, {10, 0}, {0, 0}};
    const struct geo_ring rings[] = {{outside, 5}, {hole, 5}};
    const struct geo_ring dented = {dent, 6};
    assert_true(geo_polygon_holds(rings, 2, (struct geo_point){1, 1}));
    assert_true(geo_polygon_holds(rings, 1, (struct geo_point){5, 5}));
    assert_false(geo_polygon_holds(rings, 2, (struct geo_point){5, 5}));
    assert_false(geo_polygon_holds(rings, 2, (struct geo_point){4, 5}));
    assert_false(geo_polygon_holds(rings, 2, (struct geo_point){0, 5}));
    assert_false(geo_polygon_holds(rings, 2, (struct geo_point){0, 0}));
    assert_false(geo_polygon_holds(rings, 2, (struct geo_point){11, 5}));
    assert_false(geo_polygon_holds(&dented, 1, (struct geo_point){5, 7}));
    assert_true(geo_polygon_holds(&dented, 1, (struct geo_point){5, 3}));
    assert_false(geo_polygon_holds(NULL, 0, (struct geo_point){5, 3}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distances),
        cmocka_unit_test(test_a_box_has_no_edges_and_may_cross_the_antimeridian),
        cmocka_unit_test(test_a_polygon_has_holes_and_no_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
