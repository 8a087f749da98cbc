/*
 * metrics_test.c - net/metrics.h.
 */
#include "tests/test.h"

#include <string.h>

#include "net/metrics.h"
#include "tests/net/fake_db.h"

static const struct route routes[] = {{"GET", "/a", NULL, 0}, {"PUT", "/b", NULL, 0}};

static struct metrics *m;
static struct buf text;

static int begin(void **state)
{
    (void)state;
    buf_init(&text, 1 << 20);
    assert_ok(metrics_open(&m, routes, 2));
    return 0;
}

static int end(void **state)
{
    (void)state;
    metrics_close(m);
    buf_release(&text);
    return 0;
}

static void assert_says(const char *line)
{
    buf_clear(&text);
    assert_ok(metrics_write(m, &text));
    if (strstr(text.data, line) == NULL) {
        print_error("%s\n  is not in\n%s", line, text.data);
        fail();
    }
}

static void test_requests_are_counted_by_route_and_status(void **state)
{
    (void)state;
    metrics_request(m, 0, 200, 0.001);
    metrics_request(m, 0, 200, 0.001);
    metrics_request(m, 1, 404, 0.001);
    metrics_request(m, 2, 404, 0.001);
#define COUNT "\nduet_http_requests_total"
    assert_says(COUNT "{method=\"GET\",route=\"/a\",status=\"200\"} 2\n");
    assert_says(COUNT "{method=\"PUT\",route=\"/b\",status=\"404\"} 1\n");
    assert_says(COUNT "{method=\"\",route=\"none\",status=\"404\"} 1\n");
}

static void test_a_status_that_is_not_foreseen_counts_as_500(void **state)
{
    (void)state;
    metrics_request(m, 0, 418, 0.001);
    assert_says(",status=\"500\"} 1\n");
}

static void test_a_histogram_is_cumulative(void **state)
{
    (void)state;
    metrics_search(m, DUET_INPUT_TEXT, 0.0004);
    metrics_search(m, DUET_INPUT_TEXT, 0.3);
    metrics_search(m, DUET_INPUT_TEXT, 100);
#define BUCKET "\nduet_search_seconds_bucket{input=\"text\",le="
    assert_says(BUCKET "\"0.0005\"} 1\n");
    assert_says(BUCKET "\"0.25\"} 1\n");
    assert_says(BUCKET "\"0.5\"} 2\n");
    assert_says(BUCKET "\"10\"} 2\n");
    assert_says(BUCKET "\"+Inf\"} 3\n");
    assert_says("\nduet_search_seconds_sum{input=\"text\"} 100.3004\n");
    assert_says("\nduet_search_seconds_count{input=\"text\"} 3\n");
}

static void test_upserts_count_their_points(void **state)
{
    (void)state;
    metrics_upsert(m, 3, 0.1);
    metrics_upsert(m, 4, 0.1);
    assert_says("\nduet_upserted_points_total 7\n");
    assert_says("\nduet_upsert_seconds_count{} 2\n");
}

static void test_the_models_work_is_told_by_kind(void **state)
{
    (void)state;
    struct duet_encode_stats stats = {
        .texts = {.n_items = 7, .n_batches = 3, .batches_by_size = {1, 0, 2}},
        .images = {.n_busy = 5, .n_timeouts = 6, .wait_seconds = 1.5, .n_waiting = 2}};
    stats.texts.seconds = 0.25;
    assert_ok(metrics_write_encoding(&stats, &text));
#define SIZE "\nduet_encode_batch_size_"
    assert_non_null(strstr(text.data, SIZE "bucket{input=\"text\",le=\"1\"} 1\n"));
    assert_non_null(strstr(text.data, SIZE "bucket{input=\"text\",le=\"2\"} 1\n"));
    assert_non_null(strstr(text.data, SIZE "bucket{input=\"text\",le=\"4\"} 3\n"));
    assert_non_null(strstr(text.data, SIZE "bucket{input=\"text\",le=\"64\"} 3\n"));
    assert_non_null(strstr(text.data, SIZE "bucket{input=\"text\",le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(text.data, SIZE "sum{input=\"text\"} 7\n"));
    assert_non_null(strstr(text.data, SIZE "count{input=\"text\"} 3\n"));
#define ENCODE "\nduet_encode_"
    assert_non_null(strstr(text.data, ENCODE "seconds_total{input=\"text\"} 0.25\n"));
    assert_non_null(
        strstr(text.data, ENCODE "wait_seconds_total{input=\"image\"} 1.5\n"));
    assert_non_null(strstr(text.data, ENCODE "busy_total{input=\"image\"} 5\n"));
    assert_non_null(strstr(text.data, ENCODE "timeouts_total{input=\"image\"} 6\n"));
    assert_non_null(strstr(text.data, ENCODE "waiting{input=\"image\"} 2\n"));
}

static void test_every_line_is_a_comment_or_a_sample(void **state)
{
    (void)state;
    metrics_request(m, 0, 200, 0.001);
    assert_says("# TYPE duet_http_requests_total counter\n");
    for (char *line = strtok(text.data, "\n"); line != NULL;
         line = strtok(NULL, "\n")) {
        assert_true(strncmp(line, "# HELP ", 7) == 0 ||
                    strncmp(line, "# TYPE ", 7) == 0 || strrchr(line, ' ') != NULL);
    }
}

static void test_recall_is_told_by_space_and_side(void **state)
{
    (void)state;
    struct duet_recalls recalls;
    assert_ok(duet_recall(NULL, NULL, &recalls));
    assert_ok(metrics_write_recall(&recalls, &text));
    duet_recalls_release(&recalls);
#define LABELS "{collection=\"a\\\"b\\\\c\",space=\"image\",side=\"cross_modal\"}"
    assert_non_null(strstr(text.data, "\nduet_recall" LABELS " 0.9375\n"));
    assert_non_null(strstr(text.data, "\nduet_recall_checks_total" LABELS " 3\n"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_requests_are_counted_by_route_and_status),
        TEST(test_a_status_that_is_not_foreseen_counts_as_500),
        TEST(test_a_histogram_is_cumulative),
        TEST(test_upserts_count_their_points),
        TEST(test_the_models_work_is_told_by_kind),
        TEST(test_recall_is_told_by_space_and_side),
        TEST(test_every_line_is_a_comment_or_a_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
