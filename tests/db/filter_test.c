/*
 * filter_test.c - db/filter.h, condition by condition; filter_golden_test.c compares
 * whole filters with another implementation.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "db/filter.h"

/* The point that all is asked of: 7, with a vector in "u" and none in "v". */
static struct record_collection collection = {
    .n_spaces = 2, .spaces = {{.name = "u", .number = 3}, {.name = "v", .number = 9}}};

static enum err ask(const struct filter *filter, const char *payload, bool *matches)
{
    struct record_point record = {
        .n_vectors = 1, .vectors = {{3, 5}}, .payload = {payload, strlen(payload)}};
    struct filter_point point = {
        .id = {.number = 7}, .collection = &collection, .record = &record};
    return filter_matches(filter, &point, matches);
}

struct sample {
    const char *filter, *payload;
    bool matches;
};

static void check(const struct sample *samples, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct filter *filter;
        bool matches;
        assert_ok(filter_parse(&filter, samples[i].filter));
        assert_ok(ask(filter, samples[i].payload, &matches));
        if (matches != samples[i].matches) {
            print_error("%s of %s is %d\n", samples[i].filter, samples[i].payload,
                        matches);
            fail();
        }
        filter_free(filter);
    }
}

#define CHECK(samples) check(samples, sizeof(samples) / sizeof(samples)[0])

static const struct sample clauses[] = {
    {"{}", "{}", true},
    {"{\"must\":[]}", "{}", true},
    {"{\"should\":[]}", "{}", true},
    {"{\"must_not\":[]}", "{}", true},
    {"{\"must\":null}", "{}", true},
    {"{\"must\":[{\"key\":\"a\",\"match\":{\"value\":1}},{\"key\":\"b\",\"match\":{"
     "\"value\":2}}]}",
     "{\"a\":1,\"b\":2}", true},
    {"{\"must\":[{\"key\":\"a\",\"match\":{\"value\":1}},{\"key\":\"b\",\"match\":{"
     "\"value\":2}}]}",
     "{\"a\":1,\"b\":3}", false},
    {"{\"should\":[{\"key\":\"a\",\"match\":{\"value\":1}},{\"key\":\"b\",\"match\":{"
     "\"value\":2}}]}",
     "{\"a\":0,\"b\":2}", true},
    {"{\"should\":[{\"key\":\"a\",\"match\":{\"value\":1}},{\"key\":\"b\",\"match\":{"
     "\"value\":2}}]}",
     "{\"a\":0,\"b\":0}", false},
    {"{\"must_not\":[{\"key\":\"a\",\"match\":{\"value\":1}},{\"key\":\"b\",\"match\":{"
     "\"value\":2}}]}",
     "{\"a\":0,\"b\":2}", false},
    {"{\"must_not\":[{\"key\":\"a\",\"match\":{\"value\":1}},{\"key\":\"b\",\"match\":{"
     "\"value\":2}}]}",
     "{\"a\":0}", true},
    {"{\"min_should\":{\"conditions\":[{\"key\":\"a\",\"match\":{\"value\":1}},{"
     "\"key\":\"b\",\"match\":{\"value\":2}}],\"min_count\":1}}",
     "{\"b\":2}", true},
    {"{\"min_should\":{\"conditions\":[{\"key\":\"a\",\"match\":{\"value\":1}},{"
     "\"key\":\"b\",\"match\":{\"value\":2}}],\"min_count\":2}}",
     "{\"b\":2}", false},
    {"{\"min_should\":{\"conditions\":[{\"key\":\"a\",\"match\":{\"value\":1}},{"
     "\"key\":\"b\",\"match\":{\"value\":2}}],\"min_count\":2}}",
     "{\"a\":1,\"b\":2}", true},
    {"{\"min_should\":{\"conditions\":[],\"min_count\":1}}", "{}", false},
    {"{\"must\":[{}]}", "{}", true},
    {"{\"must\":{\"should\":[{\"key\":\"a\",\"match\":{\"value\":1}},{\"must_not\":{"
     "\"key\":\"b\",\"match\":{\"value\":2}}}]}}",
     "{\"a\":2,\"b\":3}", true},
    {"{\"must\":{\"should\":[{\"key\":\"a\",\"match\":{\"value\":1}},{\"must_not\":{"
     "\"key\":\"b\",\"match\":{\"value\":2}}}]}}",
     "{\"a\":2,\"b\":2}", false},
};

static void test_clauses_combine(void **state)
{
    (void)state;
    CHECK(clauses);
}

static const struct sample exact[] = {
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":\"x\"}}}", "{\"a\":\"x\"}", true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":\"x\"}}}", "{\"a\":\"X\"}", false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":\"x\"}}}", "{\"a\":[\"y\",\"x\"]}",
     true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":\"x\"}}}", "{\"a\":[[\"x\"]]}",
     false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":\"x\"}}}", "{\"b\":\"x\"}", false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":\"\"}}}", "{\"a\":\"\"}", true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":1}}}", "{\"a\":1}", true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":1}}}", "{\"a\":1.0}", false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":1}}}", "{\"a\":\"1\"}", false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":1}}}", "{\"a\":true}", false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":true}}}", "{\"a\":true}", true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":true}}}", "{\"a\":false}", false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":false}}}", "{\"a\":false}", true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":false}}}", "{\"a\":null}", false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":false}}}", "{\"a\":0}", false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":9007199254740993}}}",
     "{\"a\":9007199254740993}", true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":9007199254740993}}}",
     "{\"a\":9007199254740992}", false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":18446744073709551615}}}",
     "{\"a\":18446744073709551615}", true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":-9223372036854775808}}}",
     "{\"a\":-9223372036854775808}", true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":-1}}}",
     "{\"a\":18446744073709551615}", false},
};

static void test_match_value_keeps_kinds_apart(void **state)
{
    (void)state;
    CHECK(exact);
}

static const struct sample lists[] = {
    {"{\"must\":{\"key\":\"a\",\"match\":{\"any\":[\"x\",\"y\",\"x\"]}}}",
     "{\"a\":\"y\"}", true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"any\":[\"x\",\"y\"]}}}", "{\"a\":\"z\"}",
     false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"any\":[3,1,2]}}}", "{\"a\":2}", true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"any\":[3,1,2]}}}", "{\"a\":2.0}", false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"any\":[3,1,2]}}}", "{\"a\":[9,3]}", true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"any\":[]}}}", "{\"a\":1}", false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"except\":[\"x\"]}}}", "{\"a\":\"y\"}",
     true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"except\":[\"x\"]}}}", "{\"a\":\"x\"}",
     false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"except\":[\"x\"]}}}",
     "{\"a\":[\"x\",\"y\"]}", true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"except\":[\"x\"]}}}",
     "{\"a\":[\"x\",\"x\"]}", false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"except\":[\"x\"]}}}", "{}", false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"except\":[\"x\"]}}}", "{\"a\":null}",
     false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"except\":[\"x\"]}}}", "{\"a\":[]}", false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"except\":[\"x\"]}}}", "{\"a\":5}", true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"except\":[1]}}}", "{\"a\":1.0}", true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"except\":[]}}}", "{\"a\":1}", true},
};

static void test_match_any_and_except(void **state)
{
    (void)state;
    CHECK(lists);
}

static const struct sample texts[] = {
    {"{\"must\":{\"key\":\"a\",\"match\":{\"text\":\"brown fox\"}}}",
     "{\"a\":\"The fox is Brown.\"}", true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"text\":\"bro\"}}}", "{\"a\":\"brown\"}",
     false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"text\":\"\"}}}", "{\"a\":\"brown\"}",
     false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"text\":\"5\"}}}", "{\"a\":5}", false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"text_any\":\"cat fox\"}}}",
     "{\"a\":[\"x\",\"a fox\"]}", true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"text_any\":\"cat\"}}}", "{\"a\":\"fox\"}",
     false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"text\":\"x y\"}}}", "{\"a\":[\"x\",\"y\"]}",
     false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"phrase\":\"brown fox\"}}}",
     "{\"a\":\"the brown-fox\"}", true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"phrase\":\"brown fox\"}}}",
     "{\"a\":\"fox brown\"}", false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"prefix\":\"Bro\"}}}", "{\"a\":\"Brown\"}",
     true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"prefix\":\"bro\"}}}", "{\"a\":\"Brown\"}",
     false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"prefix\":\"\"}}}", "{\"a\":\"\"}", true},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"prefix\":\"\"}}}", "{\"a\":1}", false},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"prefix\":\"Brown fox\"}}}",
     "{\"a\":\"Brown\"}", false},
};

static void test_match_by_words_and_prefix(void **state)
{
    (void)state;
    CHECK(texts);
}

static const struct sample ranges[] = {
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gt\":1,\"lt\":3}}}", "{\"a\":2}", true},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gt\":1,\"lt\":3}}}", "{\"a\":1}", false},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gt\":1,\"lt\":3}}}", "{\"a\":3}", false},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gte\":1,\"lte\":3}}}", "{\"a\":1.0}", true},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gte\":1,\"lte\":3}}}", "{\"a\":3}", true},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gt\":1,\"lt\":3}}}", "{\"a\":[0,4]}",
     false},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gt\":1,\"lt\":3}}}", "{\"a\":[0,2.5]}",
     true},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gt\":1}}}", "{\"a\":\"2\"}", false},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gte\":0}}}", "{\"a\":true}", false},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gte\":0}}}", "{\"a\":null}", false},
    {"{\"must\":{\"key\":\"a\",\"range\":{}}}", "{\"a\":1}", true},
    {"{\"must\":{\"key\":\"a\",\"range\":{}}}", "{\"a\":\"1\"}", false},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gt\":9007199254740992}}}",
     "{\"a\":9007199254740993}", true},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gt\":9007199254740992.0}}}",
     "{\"a\":9007199254740993}", true},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"lt\":9007199254740993}}}",
     "{\"a\":9007199254740992}", true},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gt\":9223372036854775807}}}",
     "{\"a\":18446744073709551615}", true},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"lt\":-0.5}}}", "{\"a\":-1}", true},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gte\":null,\"lt\":5}}}", "{\"a\":-1}",
     true},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gte\":\"2024-01-01\",\"lt\":\"2024-01-"
     "02T00:00:00+01:00\"}}}",
     "{\"a\":\"2024-01-01T22:59:59Z\"}", true},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gte\":\"2024-01-01\",\"lt\":\"2024-01-"
     "02T00:00:00+01:00\"}}}",
     "{\"a\":\"2024-01-01T23:00:00Z\"}", false},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gte\":\"2024-01-01\"}}}",
     "{\"a\":\"soon\"}", false},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gte\":\"2024-01-01\"}}}",
     "{\"a\":1704067200}", false},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"lte\":\"2024-01-01T00:00:00.000001Z\"}}}",
     "{\"a\":[\"2025-01-01\",\"2024-01-01 00:00:00.0000005\"]}", true},
};

static void test_range_of_numbers_and_times(void **state)
{
    (void)state;
    CHECK(ranges);
}

static const struct sample places[] = {
    {"{\"must\":{\"key\":\"a\",\"geo_radius\":{\"center\":{\"lat\":52.5,\"lon\":13.4},"
     "\"radius\":3000}}}",
     "{\"a\":{\"lat\":52.52,\"lon\":13.405}}", true},
    {"{\"must\":{\"key\":\"a\",\"geo_radius\":{\"center\":{\"lat\":52.5,\"lon\":13.4},"
     "\"radius\":2000}}}",
     "{\"a\":{\"lat\":52.52,\"lon\":13.405}}", false},
    {"{\"must\":{\"key\":\"a\",\"geo_radius\":{\"center\":{\"lat\":52.52,\"lon\":13."
     "405},\"radius\":0}}}",
     "{\"a\":{\"lat\":52.52,\"lon\":13.405}}", false},
    {"{\"must\":{\"key\":\"a\",\"geo_bounding_box\":{\"top_left\":{\"lat\":53,\"lon\":"
     "13},\"bottom_right\":{\"lat\":52,\"lon\":14}}}}",
     "{\"a\":{\"lat\":52.52,\"lon\":13.405}}", true},
    {"{\"must\":{\"key\":\"a\",\"geo_bounding_box\":{\"top_left\":{\"lat\":53,\"lon\":"
     "14},\"bottom_right\":{\"lat\":52,\"lon\":15}}}}",
     "{\"a\":{\"lat\":52.52,\"lon\":13.405}}", false},
    {"{\"must\":{\"key\":\"a\",\"geo_bounding_box\":{\"top_left\":{\"lat\":53,\"lon\":"
     "13},\"bottom_right\":{\"lat\":52,\"lon\":14}}}}",
     "{\"a\":[{\"lat\":0,\"lon\":0},{\"lat\":52.1,\"lon\":13.1,\"name\":\"x\"}]}",
     true},
    {"{\"must\":{\"key\":\"a\",\"geo_bounding_box\":{\"top_left\":{\"lat\":53,\"lon\":"
     "13},\"bottom_right\":{\"lat\":52,\"lon\":14}}}}",
     "{\"a\":{\"lat\":\"52.1\",\"lon\":13.1}}", false},
    {"{\"must\":{\"key\":\"a\",\"geo_bounding_box\":{\"top_left\":{\"lat\":53,\"lon\":"
     "13},\"bottom_right\":{\"lat\":52,\"lon\":14}}}}",
     "{\"a\":{\"lat\":52.1}}", false},
    {"{\"must\":{\"key\":\"a\",\"geo_polygon\":{\"exterior\":{\"points\":[{\"lat\":52,"
     "\"lon\":13},{\"lat\":52,\"lon\":14},{\"lat\":53,\"lon\":14},{\"lat\":53,\"lon\":"
     "13},{\"lat\":52,\"lon\":13}]}}}}",
     "{\"a\":{\"lat\":52.52,\"lon\":13.405}}", true},
    {"{\"must\":{\"key\":\"a\",\"geo_polygon\":{\"exterior\":{\"points\":[{\"lat\":52,"
     "\"lon\":13},{\"lat\":52,\"lon\":14},{\"lat\":53,\"lon\":14},{\"lat\":53,\"lon\":"
     "13},{\"lat\":52,\"lon\":13}]},\"interiors\":[{\"points\":[{\"lat\":52.4,\"lon\":"
     "13.3},{\"lat\":52.4,\"lon\":13.6},{\"lat\":52.6,\"lon\":13.6},{\"lat\":52.4,"
     "\"lon\":13.3}]}]}}}",
     "{\"a\":{\"lat\":52.52,\"lon\":13.405}}", true},
    {"{\"must\":{\"key\":\"a\",\"geo_polygon\":{\"exterior\":{\"points\":[{\"lat\":52,"
     "\"lon\":13},{\"lat\":52,\"lon\":14},{\"lat\":53,\"lon\":14},{\"lat\":53,\"lon\":"
     "13},{\"lat\":52,\"lon\":13}]},\"interiors\":[{\"points\":[{\"lat\":52.4,\"lon\":"
     "13.3},{\"lat\":52.4,\"lon\":13.6},{\"lat\":52.6,\"lon\":13.6},{\"lat\":52.6,"
     "\"lon\":13.3},{\"lat\":52.4,\"lon\":13.3}]}]}}}",
     "{\"a\":{\"lat\":52.52,\"lon\":13.405}}", false},
};

static void test_places(void **state)
{
    (void)state;
    CHECK(places);
}

static const struct sample absences[] = {
    {"{\"must\":{\"key\":\"a\",\"values_count\":{\"gte\":2}}}", "{\"a\":[1,2]}", true},
    {"{\"must\":{\"key\":\"a\",\"values_count\":{\"gte\":2}}}", "{\"a\":[1]}", false},
    {"{\"must\":{\"key\":\"a\",\"values_count\":{\"gte\":1}}}", "{\"a\":\"x\"}", true},
    {"{\"must\":{\"key\":\"a\",\"values_count\":{\"lt\":1}}}", "{}", true},
    {"{\"must\":{\"key\":\"a\",\"values_count\":{\"lt\":1}}}", "{\"a\":null}", true},
    {"{\"must\":{\"key\":\"a\",\"values_count\":{\"lt\":1}}}", "{\"a\":[]}", true},
    {"{\"must\":{\"key\":\"a\",\"values_count\":{\"gt\":0,\"lt\":3}}}",
     "{\"a\":[1,2,3]}", false},
    {"{\"must\":{\"key\":\"a[].b\",\"values_count\":{\"gt\":1,\"lt\":3}}}",
     "{\"a\":[{\"b\":[1]},{\"b\":[1,2,3]}]}", false},
    {"{\"must\":{\"key\":\"a\",\"is_empty\":true}}", "{}", true},
    {"{\"must\":{\"key\":\"a\",\"is_empty\":true}}", "{\"a\":[]}", true},
    {"{\"must\":{\"key\":\"a\",\"is_empty\":true}}", "{\"a\":null}", true},
    {"{\"must\":{\"key\":\"a\",\"is_empty\":true}}", "{\"a\":0}", false},
    {"{\"must\":{\"key\":\"a\",\"is_empty\":true}}", "{\"a\":[null]}", false},
    {"{\"must\":{\"key\":\"a\",\"is_empty\":false}}", "{\"a\":{}}", true},
    {"{\"must\":{\"key\":\"a\",\"is_empty\":false}}", "{}", false},
    {"{\"must\":{\"is_empty\":{\"key\":\"a.b\"}}}", "{\"a\":{\"b\":[]}}", true},
    {"{\"must\":{\"is_empty\":{\"key\":\"a.b\"}}}", "{\"a\":{\"b\":1}}", false},
    {"{\"must\":{\"key\":\"a\",\"is_null\":true}}", "{\"a\":null}", true},
    {"{\"must\":{\"key\":\"a\",\"is_null\":true}}", "{}", false},
    {"{\"must\":{\"key\":\"a\",\"is_null\":true}}", "{\"a\":[1,null]}", true},
    {"{\"must\":{\"key\":\"a\",\"is_null\":true}}", "{\"a\":[]}", false},
    {"{\"must\":{\"key\":\"a\",\"is_null\":false}}", "{}", true},
    {"{\"must\":{\"key\":\"a\",\"is_null\":false}}", "{\"a\":null}", false},
    {"{\"must\":{\"is_null\":{\"key\":\"a\"}}}", "{\"a\":null}", true},
    {"{\"must_not\":{\"is_null\":{\"key\":\"a\"}}}", "{\"a\":null}", false},
};

static void test_counts_emptiness_and_null(void **state)
{
    (void)state;
    CHECK(absences);
}

static const struct sample nests[] = {
    {"{\"must\":[{\"nested\":{\"key\":\"a\",\"filter\":{\"must\":[{\"key\":\"b\","
     "\"match\":{\"value\":1}},{\"key\":\"c\",\"match\":{\"value\":2}}]}}}]}",
     "{\"a\":[{\"b\":1,\"c\":2}]}", true},
    {"{\"must\":[{\"nested\":{\"key\":\"a\",\"filter\":{\"must\":[{\"key\":\"b\","
     "\"match\":{\"value\":1}},{\"key\":\"c\",\"match\":{\"value\":2}}]}}}]}",
     "{\"a\":[{\"b\":1},{\"c\":2}]}", false},
    {"{\"must\":[{\"nested\":{\"key\":\"a[]\",\"filter\":{\"must\":[{\"key\":\"b\","
     "\"match\":{\"value\":1}},{\"key\":\"c\",\"match\":{\"value\":2}}]}}}]}",
     "{\"a\":[{\"b\":1},{\"b\":1,\"c\":2}]}", true},
    {"{\"must\":[{\"nested\":{\"key\":\"a\",\"filter\":{\"must\":[{\"key\":\"b\","
     "\"match\":{\"value\":1}},{\"key\":\"c\",\"match\":{\"value\":2}}]}}}]}",
     "{\"a\":{\"b\":1,\"c\":2}}", false},
    {"{\"must\":[{\"nested\":{\"key\":\"x.a\",\"filter\":{\"must\":[{\"key\":\"b\","
     "\"match\":{\"value\":1}},{\"key\":\"c\",\"match\":{\"value\":2}}]}}}]}",
     "{\"x\":{\"a\":[{\"b\":[0,1],\"c\":2}]}}", true},
    {"{\"must\":[{\"key\":\"a[].b\",\"match\":{\"value\":1}},{\"key\":\"a[].c\","
     "\"match\":{\"value\":2}}]}",
     "{\"a\":[{\"b\":1},{\"c\":2}]}", true},
    {"{\"must_not\":[{\"nested\":{\"key\":\"a\",\"filter\":{\"must\":[{\"key\":\"b\","
     "\"match\":{\"value\":1}},{\"key\":\"c\",\"match\":{\"value\":2}}]}}}]}",
     "{\"a\":[{\"b\":1,\"c\":2}]}", false},
    {"{\"should\":[{\"nested\":{\"key\":\"a\",\"filter\":{\"must\":[{\"key\":\"b\","
     "\"match\":{\"value\":1}},{\"key\":\"c\",\"match\":{\"value\":2}}]}}},{\"key\":"
     "\"z\",\"is_empty\":false}]}",
     "{\"z\":1}", true},
    {"{\"must\":{\"nested\":{\"key\":\"a\",\"filter\":{}}}}", "{\"a\":[{}]}", true},
    {"{\"must\":{\"nested\":{\"key\":\"a\",\"filter\":{}}}}", "{\"a\":[1]}", false},
    {"{\"must\":{\"nested\":{\"key\":\"a\",\"filter\":{\"must\":{\"has_id\":[7]}}}}}",
     "{\"a\":[{}]}", false},
    {"{\"must\":{\"nested\":{\"key\":\"a\",\"filter\":{\"must\":{\"has_vector\":\"u\"}}"
     "}}}",
     "{\"a\":[{}]}", false},
    {"{\"must\":{\"nested\":{\"key\":\"a\",\"filter\":{\"must\":{\"slice\":{\"total\":"
     "1,\"index\":0}}}}}}",
     "{\"a\":[{}]}", false},
    {"{\"must\":{\"nested\":{\"key\":\"a\",\"filter\":{\"must\":{\"nested\":{\"key\":"
     "\"b\",\"filter\":{\"must\":{\"key\":\"c\",\"match\":{\"value\":1}}}}}}}}}",
     "{\"a\":[{\"b\":[{\"c\":2}]},{\"b\":[{\"c\":1}]}]}", true},
};

static void test_nested_objects_match_one_by_one(void **state)
{
    (void)state;
    CHECK(nests);
}

static const struct sample points[] = {
    {"{\"must\":{\"has_id\":[1,7,9]}}", "{}", true},
    {"{\"must\":{\"has_id\":[1,9]}}", "{}", false},
    {"{\"must\":{\"has_id\":[]}}", "{}", false},
    {"{\"must\":{\"has_id\":[\"00000000-0000-0000-0000-000000000007\"]}}", "{}", false},
    {"{\"must_not\":{\"has_id\":[7]}}", "{}", false},
    {"{\"must\":{\"has_vector\":\"u\"}}", "{}", true},
    {"{\"must\":{\"has_vector\":\"v\"}}", "{}", false},
    {"{\"must\":{\"has_vector\":\"w\"}}", "{}", false},
    {"{\"must\":{\"slice\":{\"total\":1,\"index\":0}}}", "{}", true},
    {"{\"should\":[{\"slice\":{\"total\":2,\"index\":0}},{\"slice\":{\"total\":2,"
     "\"index\":1}}]}",
     "{}", true},
    {"{\"must\":[{\"slice\":{\"total\":2,\"index\":0}},{\"slice\":{\"total\":2,"
     "\"index\":1}}]}",
     "{}", false},
};

static void test_ids_vectors_and_slices(void **state)
{
    (void)state;
    CHECK(points);
}

/* ---- What is refused ---- */

static const struct {
    const char *filter, *sentence;
} wrong[] = {
    {"", "filter: not JSON"},
    {"{\"must\":", "filter: not JSON"},
    {"null", "filter: is missing"},
    {"[]", "filter: must be an object"},
    {"7", "filter: must be an object"},
    {"{} {}", "filter: not JSON"},
    {"{\"and\":[]}", "filter.and: is not known here"},
    {"{\"must\":7}", "filter.must: must be a condition"},
    {"{\"must\":[7]}", "filter.must[0]: must be a condition"},
    {"{\"must\":[null]}", "filter.must[0]: must be a condition"},
    {"{\"must\":[[{}]]}", "filter.must[0]: must be a condition"},
    {"{\"must\":[{},{\"must\":{\"key\":\"a\"}}]}", "filter.must[1].must: does not say"},
    {"{\"must\":{\"key\":\"a\",\"match\":{}}}", "filter.must.match: does not say"},
    {"{\"must\":{\"key\":7,\"match\":{\"value\":1}}}",
     "filter.must.key: must be a string"},
    {"{\"must\":{\"key\":\"\",\"match\":{\"value\":1}}}",
     "filter.must.key: a key is missing at byte 0"},
    {"{\"must\":{\"key\":\"a..b\",\"match\":{\"value\":1}}}",
     "filter.must.key: a key is missing at byte 2"},
    {"{\"must\":{\"key\":\"a[\",\"match\":{\"value\":1}}}",
     "filter.must.key: ']' or an index"},
    {"{\"must\":{\"key\":\"a\\u0000\",\"match\":{\"value\":1}}}",
     "filter.must.key: must not hold"},
    {"{\"must\":{\"key\":\"a\",\"matches\":{\"value\":1}}}",
     "filter.must.matches: is not known"},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":1},\"range\":{}}}",
     "has both \"match\" and \"range\""},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":1,\"any\":[]}}}",
     "filter.must.match: has both"},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":1.5}}}",
     "filter.must.match.value: must be"},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"value\":[1]}}}",
     "filter.must.match.value: must be"},
    {"{\"must\":{\"key\":\"a\",\"match\":\"x\"}}",
     "filter.must.match: must be an object"},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"any\":\"x\"}}}",
     "filter.must.match.any: must be an array"},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"any\":[\"x\",1]}}}",
     "filter.must.match.any[1]: must be"},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"except\":[1,\"x\"]}}}",
     "filter.must.match.except[1]: must be"},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"any\":[true]}}}",
     "filter.must.match.any[0]: must be"},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"any\":[null]}}}",
     "filter.must.match.any[0]: must be"},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"text\":1}}}",
     "filter.must.match.text: must be a string"},
    {"{\"must\":{\"key\":\"a\",\"match\":{\"prefix\":1}}}",
     "filter.must.match.prefix: must be a string"},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gte\":\"soon\"}}}",
     "filter.must.range.gte: 'soon' is no date"},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gte\":[]}}}",
     "filter.must.range.gte: must be a number"},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gte\":1,\"lt\":\"2024-01-01\"}}}",
     "range.gte: must be a date and time, like"},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"lt\":1,\"gte\":\"2024-01-01\"}}}",
     "range.gte: must be a number, like"},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"from\":1}}}",
     "filter.must.range.from: is not known"},
    {"{\"must\":{\"key\":\"a\",\"range\":7}}", "filter.must.range: must be an object"},
    {"{\"must\":{\"key\":\"a\",\"range\":{\"gt\":NaN}}}", "filter: not JSON"},
    {"{\"must\":{\"key\":\"a\",\"values_count\":{\"gte\":-1}}}",
     "filter.must.values_count.gte: must be a whole"},
    {"{\"must\":{\"key\":\"a\",\"values_count\":{\"gte\":1.5}}}",
     "filter.must.values_count.gte: must be a whole"},
    {"{\"must\":{\"key\":\"a\",\"is_empty\":1}}",
     "filter.must.is_empty: must be true or false"},
    {"{\"must\":{\"is_empty\":\"a\"}}", "filter.must.is_empty: must be an object"},
    {"{\"must\":{\"is_null\":{}}}", "filter.must.is_null.key: is missing"},
    {"{\"must\":{\"is_null\":{\"key\":\"a\"},\"must\":[]}}",
     "filter.must.must: is not known"},
    {"{\"must\":{\"has_id\":7}}", "filter.must.has_id: must be an array"},
    {"{\"must\":{\"has_id\":[-1]}}", "filter.must.has_id[0]: must be"},
    {"{\"must\":{\"has_id\":[\"x\"]}}", "filter.must.has_id[0]: must be"},
    {"{\"must\":{\"has_id\":[\"7\"]}}", "filter.must.has_id[0]: must be"},
    {"{\"must\":{\"has_vector\":7}}", "filter.must.has_vector: must be a string"},
    {"{\"must\":{\"slice\":{\"total\":0,\"index\":0}}}",
     "filter.must.slice.total: must be"},
    {"{\"must\":{\"slice\":{\"total\":2,\"index\":2}}}",
     "filter.must.slice.index: must be less"},
    {"{\"must\":{\"slice\":{\"total\":4294967296,\"index\":2}}}",
     "filter.must.slice.total: must be"},
    {"{\"must\":{\"slice\":{\"total\":2}}}", "filter.must.slice.index: is missing"},
    {"{\"must\":{\"nested\":{\"key\":\"a\"}}}",
     "filter.must.nested.filter: is missing"},
    {"{\"must\":{\"nested\":{\"filter\":{}}}}", "filter.must.nested.key: is missing"},
    {"{\"must\":{\"nested\":{\"key\":\"a\",\"filter\":{\"x\":1}}}}",
     "filter.must.nested.filter.x: is not known"},
    {"{\"must\":{\"nested\":{\"key\":\"a\",\"filter\":[]}}}",
     "filter.must.nested.filter: must be an object"},
    {"{\"min_should\":{\"conditions\":[{}],\"min_count\":0}}",
     "filter.min_should.min_count: must be 1"},
    {"{\"min_should\":{\"conditions\":[{}]}}",
     "filter.min_should.min_count: is missing"},
    {"{\"min_should\":{\"min_count\":1}}", "filter.min_should.conditions: is missing"},
    {"{\"min_should\":{\"conditions\":{},\"min_count\":1}}",
     "filter.min_should.conditions: must be an array"},
    {"{\"must\":{\"key\":\"a\",\"geo_radius\":{\"center\":{\"lat\":91,\"lon\":0},"
     "\"radius\":1}}}",
     "geo_radius.center.lat: must be within"},
    {"{\"must\":{\"key\":\"a\",\"geo_radius\":{\"center\":{\"lat\":1,\"lon\":-181},"
     "\"radius\":1}}}",
     "geo_radius.center.lon: must be within"},
    {"{\"must\":{\"key\":\"a\",\"geo_radius\":{\"center\":{\"lat\":1,\"lon\":1},"
     "\"radius\":-1}}}",
     "geo_radius.radius: must be"},
    {"{\"must\":{\"key\":\"a\",\"geo_radius\":{\"center\":{\"lat\":1,\"lon\":1}}}}",
     "geo_radius.radius: is missing"},
    {"{\"must\":{\"key\":\"a\",\"geo_radius\":{\"radius\":1}}}",
     "geo_radius.center: is missing"},
    {"{\"must\":{\"key\":\"a\",\"geo_radius\":{\"center\":{\"lat\":\"1\",\"lon\":1},"
     "\"radius\":1}}}",
     "center.lat: must be a number"},
    {"{\"must\":{\"key\":\"a\",\"geo_bounding_box\":{\"top_left\":{\"lat\":1,\"lon\":1}"
     "}}}",
     "geo_bounding_box.bottom_right: is missing"},
    {"{\"must\":{\"key\":\"a\",\"geo_polygon\":{}}}",
     "geo_polygon.exterior: is missing"},
    {"{\"must\":{\"key\":\"a\",\"geo_polygon\":{\"exterior\":{\"points\":[]}}}}",
     "exterior.points: must be four"},
    {"{\"must\":{\"key\":\"a\",\"geo_polygon\":{\"exterior\":{\"points\":[{\"lat\":0,"
     "\"lon\":0},{\"lat\":0,\"lon\":1},{\"lat\":1,\"lon\":1},{\"lat\":1,\"lon\":0}]}}}"
     "}",
     "exterior.points: must end where"},
    {"{\"must\":{\"key\":\"a\",\"geo_polygon\":{\"exterior\":{\"points\":[{\"lat\":0,"
     "\"lon\":0},{\"lat\":0,\"lon\":1},{\"lat\":1,\"lon\":1},{\"lat\":0,\"lon\":0}]},"
     "\"interiors\":[{}]}}}",
     "interiors[0].points: is missing"},
};

static void test_what_is_wrong_says_where(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct filter *filter;
        enum err result = filter_parse(&filter, wrong[i].filter);
        if (result != ERR_INVALID || strstr(err_detail(), wrong[i].sentence) == NULL) {
            print_error("%s gave %s: %s\n", wrong[i].filter, err_name(result),
                        err_detail());
            fail();
        }
        assert_null(filter);
    }
}

/* `n` times `item` between `head` and `tail`, with commas. */
static char *repeat(const char *head, const char *item, size_t n, const char *tail)
{
    size_t step = strlen(item) + 1;
    char *text = malloc(strlen(head) + n * step + strlen(tail) + 1);
    char *at = text + sprintf(text, "%s", head);
    for (size_t i = 0; i < n; i++) {
        at += sprintf(at, "%s%s", i > 0 ? "," : "", item);
    }
    sprintf(at, "%s", tail);
    return text;
}

static void check_limit(char *at_limit, char *past_it, const char *sentence)
{
    struct filter *filter;
    assert_ok(filter_parse(&filter, at_limit));
    filter_free(filter);
    assert_err(filter_parse(&filter, past_it), ERR_LIMIT);
    if (strstr(err_detail(), sentence) == NULL) {
        print_error("%s\n", err_detail());
        fail();
    }
    assert_null(filter);
    free(at_limit);
    free(past_it);
}

static char *filter_of_depth(size_t n)
{
    char *text = malloc(16 * n + 16);
    char *at = text;
    for (size_t i = 0; i < n; i++) {
        at += sprintf(at, "{\"must\":");
    }
    at += sprintf(at, "[]");
    memset(at, '}', n);
    at[n] = '\0';
    return text;
}

static void test_every_limit_has_its_error(void **state)
{
    (void)state;
    static const char ids[] = "{\"must\":{\"has_id\":[";
    static const char any[] = "{\"must\":{\"key\":\"a\",\"match\":{\"any\":[";
    static const char ring[] = "{\"must\":{\"key\":\"a\",\"geo_polygon\":{\"exterior\":"
                               "{\"points\":[";
    static const char corner[] = "{\"lat\":1,\"lon\":1}";
    static const char text[] = "{\"must\":{\"key\":\"a\",\"match\":{\"text\":\"";
    check_limit(repeat("{\"must\":[", "{}", LIMIT_FILTER_NODES, "]}"),
                repeat("{\"must\":[", "{}", LIMIT_FILTER_NODES + 1, "]}"),
                "filter.must: has more than");
    check_limit(repeat("{\"must_not\":[],\"must\":[{\"must\":[", "{}",
                       LIMIT_FILTER_NODES - 1, "]}]}"),
                repeat("{\"must\":[{\"must\":[", "{}", LIMIT_FILTER_NODES, "]}]}"),
                "the filter has more than 1024 conditions");
    check_limit(filter_of_depth(LIMIT_FILTER_DEPTH),
                filter_of_depth(LIMIT_FILTER_DEPTH + 1), "more than 16 deep");
    check_limit(repeat(ids, "1", LIMIT_FILTER_VALUES, "]}}"),
                repeat(ids, "1", LIMIT_FILTER_VALUES + 1, "]}}"),
                "filter.must.has_id: has 65537 items");
    check_limit(repeat(any, "1", LIMIT_FILTER_VALUES, "]}}}"),
                repeat(any, "1", LIMIT_FILTER_VALUES + 1, "]}}}"),
                "filter.must.match.any: has 65537 items");
    check_limit(repeat(ring, corner, LIMIT_FILTER_POLYGON_CORNERS, "]}}}}"),
                repeat(ring, corner, LIMIT_FILTER_POLYGON_CORNERS + 1, "]}}}}"),
                "exterior.points: has 10001 items");
    check_limit(repeat(text, "w", LIMIT_FILTER_WORDS, "\"}}}"),
                repeat(text, "w", LIMIT_FILTER_WORDS + 1, "\"}}}"),
                "filter.must.match.text: has more than 256 words");
    check_limit(
        repeat(any, "1", 1, "]}}}"),
        repeat(any, "\"0123456789012345678901234567890123456789\"", 110000, "]}}}"),
        "filter: 4");
}

/* ---- What is stored ---- */

static void test_a_payload_that_is_no_json_is_corrupt(void **state)
{
    (void)state;
    struct filter *filter;
    bool matches = true;
    assert_ok(filter_parse(&filter, "{\"must_not\":{\"key\":\"a\",\"is_null\":true}}"));
    assert_err(ask(filter, "{\"a\":", &matches), ERR_CORRUPT);
    assert_false(matches);
    filter_free(filter);
}

static void test_a_payload_is_not_read_where_it_cannot_matter(void **state)
{
    (void)state;
    static const char *const filters[] = {
        "{\"must\":[{\"has_vector\":\"u\"},{\"must_not\":{\"has_id\":[8]}}]}",
        "{\"should\":[{\"key\":\"a\",\"is_null\":true},{\"has_id\":[7]}]}",
        "{}",
    };
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        struct filter *filter;
        bool matches = false;
        assert_ok(filter_parse(&filter, filters[i]));
        assert_ok(ask(filter, "broken", &matches));
        assert_true(matches);
        filter_free(filter);
    }
}

/* ---- Without memory ---- */

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    static const char text[] =
        "{\"must\":[{\"key\":\"a[].\\\"b\\\"\",\"match\":{\"any\":[\"x\",\"y\"]}},"
        "{\"key\":\"a\",\"match\":{\"phrase\":\"b c\"}},{\"has_id\":[1,2]},"
        "{\"nested\":{\"key\":\"a\",\"filter\":{\"should\":[{\"key\":\"c\","
        "\"geo_polygon\":{\"exterior\":{\"points\":[{\"lat\":0,\"lon\":0},{\"lat\":0,"
        "\"lon\":1},{\"lat\":1,\"lon\":1},{\"lat\":0,\"lon\":0}]}}}]}}}]}";
    enum err result = ERR_NOMEM;
    long n = 0;
    for (; n < 200 && result != ERR_OK; n++) {
        struct filter *filter;
        alloc_fail_after(n);
        result = filter_parse(&filter, text);
        alloc_fail_after(-1);
        assert_true(result == ERR_OK || (result == ERR_NOMEM && filter == NULL));
        assert_true(result == ERR_OK || err_detail()[0] != '\0');
        filter_free(filter);
    }
    assert_int_equal(result, ERR_OK);
    assert_true(n > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clauses_combine),
        cmocka_unit_test(test_match_value_keeps_kinds_apart),
        cmocka_unit_test(test_match_any_and_except),
        cmocka_unit_test(test_match_by_words_and_prefix),
        cmocka_unit_test(test_range_of_numbers_and_times),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_counts_emptiness_and_null),
        cmocka_unit_test(test_nested_objects_match_one_by_one),
        cmocka_unit_test(test_ids_vectors_and_slices),
        cmocka_unit_test(test_what_is_wrong_says_where),
        cmocka_unit_test(test_every_limit_has_its_error),
        cmocka_unit_test(test_a_payload_that_is_no_json_is_corrupt),
        cmocka_unit_test(test_a_payload_is_not_read_where_it_cannot_matter),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
