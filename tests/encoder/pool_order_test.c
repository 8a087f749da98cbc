/*
 * pool_order_test.c - encoder/pool.h: who is encoded when and with whom, on a model
 * that stands still as long as a test wants (fake_enc.h).
 */
#include "tests/encoder/fake_enc.h"

#include <sched.h>
#include <stdio.h>

#include "base/clock.h"
#include "encoder/pool.h"

enum { CALLERS_MAX = 64 };

static struct enc_pool *pool;

/* One call on a thread of its own. */
struct caller {
    pthread_t thread;
    enum fake_kind kind;
    int id;
    struct enc_pool_wait wait;
    enum err result;
    char detail[ERR_DETAIL_MAX];
    float vector[FAKE_DIM];
};

static struct caller callers[CALLERS_MAX];
static size_t n_callers;

static void *call(void *arg)
{
    struct caller *c = arg;
    float *vector = c->vector;
    if (c->kind == FAKE_TEXTS) {
        char text[16];
        int n = snprintf(text, sizeof text, "%d", c->id);
        c->result = enc_pool_text(pool, &c->wait, text, (size_t)n, vector);
    } else {
        const float pixel = (float)c->id, *pixels = &pixel;
        c->result = enc_pool_pixels(pool, &c->wait, &pixels, 1, &vector);
    }
    memcpy(c->detail, err_detail(), sizeof c->detail);
    return NULL;
}

static struct caller *start(enum fake_kind kind, int id, struct enc_pool_wait wait)
{
    struct caller *c = &callers[n_callers++];
    *c = (struct caller){.kind = kind, .id = id, .wait = wait};
    assert_int_equal(pthread_create(&c->thread, NULL, call, c), 0);
    return c;
}

static size_t n_queued(enum fake_kind kind)
{
    struct enc_pool_stats stats = enc_pool_stats(pool);
    return kind == FAKE_TEXTS ? stats.texts.n_queued : stats.pictures.n_queued;
}

static void wait_for_queue(enum fake_kind kind, size_t n)
{
    while (n_queued(kind) != n) {
        sched_yield();
    }
}

/* Starts a call that has to wait, and sees to it that it does. */
static struct caller *start_waiting(enum fake_kind kind, int id)
{
    size_t n = n_queued(kind);
    struct caller *c = start(kind, id, (struct enc_pool_wait){0});
    wait_for_queue(kind, n + 1);
    return c;
}

static void start_all_waiting(enum fake_kind kind, int first, int last)
{
    for (int i = first; i <= last; i++) {
        start_waiting(kind, i);
    }
}

/* Starts a call that is under way, alone, when this returns; its kind is held. */
static struct caller *start_held(enum fake_kind kind, int id)
{
    size_t n = fake_n_batches();
    fake_hold(kind, true);
    struct caller *c = start(kind, id, (struct enc_pool_wait){0});
    fake_wait_for_batches(n + 1);
    return c;
}

static bool has_its_vector(const struct caller *c)
{
    return c->vector[0] == (float)c->id && c->vector[1] == (float)c->kind;
}

static void assert_encoded(const struct caller *c)
{
    assert_string_equal(c->result == ERR_OK ? "" : c->detail, "");
    assert_true(has_its_vector(c));
}

static void join_all(void)
{
    for (size_t i = 0; i < n_callers; i++) {
        pthread_join(callers[i].thread, NULL);
    }
}

/* Lets everything go, and every call must have its vector. */
static void finish_all(void)
{
    fake_hold(FAKE_TEXTS, false);
    fake_hold(FAKE_PICTURES, false);
    join_all();
    for (size_t i = 0; i < n_callers; i++) {
        assert_encoded(&callers[i]);
    }
}

static void open_pool(struct enc_pool_options options)
{
    fake_reset();
    n_callers = 0;
    assert_ok(enc_pool_open(&pool, NULL, &options));
}

static void assert_batch(size_t i, enum fake_kind kind, size_t n, int first)
{
    const struct fake_batch *b = &fake.batches[i];
    assert_true(i < fake.n_batches);
    assert_int_equal(b->kind, kind);
    assert_int_equal(b->n, n);
    for (size_t j = 0; j < n; j++) {
        assert_int_equal(b->ids[j], first + (int)j);
    }
}

/* Batches. */

static void test_a_lone_call_begins_at_once_on_its_own_thread(void **state)
{
    (void)state;
    float numbers[FAKE_DIM], *vector = numbers;
    open_pool(ENC_POOL_OPTIONS_DEFAULT);
    assert_ok(enc_pool_text(pool, NULL, "5", 1, vector));
    assert_true(vector[0] == 5);
    const float pixel = 6, *pixels = &pixel;
    assert_ok(enc_pool_pixels(pool, NULL, &pixels, 1, &vector));
    assert_true(vector[0] == 6);
    struct enc_pool_stats stats = enc_pool_stats(pool);
    assert_int_equal(stats.texts.n_batches, 1);
    assert_int_equal(stats.texts.n_items, 1);
    assert_int_equal(stats.texts.batches_by_size[0], 1);
    assert_int_equal(stats.pictures.n_batches, 1);
    enc_pool_close(pool);
}

static void test_those_who_wait_are_encoded_together_in_order(void **state)
{
    (void)state;
    open_pool(ENC_POOL_OPTIONS_DEFAULT);
    start_held(FAKE_TEXTS, 0);
    start_all_waiting(FAKE_TEXTS, 1, 5);
    finish_all();
    assert_int_equal(fake.n_batches, 2);
    assert_batch(1, FAKE_TEXTS, 5, 1);
    struct enc_pool_kind_stats stats = enc_pool_stats(pool).texts;
    assert_int_equal(stats.n_items, 6);
    assert_int_equal(stats.n_batches, 2);
    assert_int_equal(stats.batches_by_size[0], 1); /* of 1 */
    assert_int_equal(stats.batches_by_size[3], 1); /* of 5 to 8 */
    assert_int_equal(stats.n_queued, 0);
    assert_true(stats.wait_ns > 0);
    enc_pool_close(pool);
}

static void test_a_batch_is_bounded_in_items(void **state)
{
    (void)state;
    struct enc_pool_options options = ENC_POOL_OPTIONS_DEFAULT;
    options.max_texts = 4;
    open_pool(options);
    start_held(FAKE_TEXTS, 0);
    start_all_waiting(FAKE_TEXTS, 1, 10);
    finish_all();
    assert_int_equal(fake.n_batches, 4);
    assert_batch(1, FAKE_TEXTS, 4, 1);
    assert_batch(2, FAKE_TEXTS, 4, 5);
    assert_batch(3, FAKE_TEXTS, 2, 9);
    enc_pool_close(pool);
}

static void test_a_batch_is_bounded_in_tokens(void **state)
{
    (void)state;
    open_pool(ENC_POOL_OPTIONS_DEFAULT);
    start_held(FAKE_TEXTS, 0);
    fake.n_tokens = ENC_GROUP_TOKENS / 2;
    start_all_waiting(FAKE_TEXTS, 1, 3);
    fake.n_tokens = ENC_GROUP_TOKENS + 1; /* too long for any company */
    start_waiting(FAKE_TEXTS, 4);
    finish_all();
    assert_int_equal(fake.n_batches, 4);
    assert_batch(1, FAKE_TEXTS, 2, 1);
    assert_batch(2, FAKE_TEXTS, 1, 3);
    assert_batch(3, FAKE_TEXTS, 1, 4);
    enc_pool_close(pool);
}

static void test_pictures_come_together_where_they_may(void **state)
{
    (void)state;
    struct enc_pool_options options = ENC_POOL_OPTIONS_DEFAULT;
    options.max_pictures = 8;
    open_pool(options);
    start_held(FAKE_PICTURES, 0);
    start_all_waiting(FAKE_PICTURES, 1, 3);
    finish_all();
    assert_int_equal(fake.n_batches, 2);
    assert_batch(1, FAKE_PICTURES, 3, 1);
    enc_pool_close(pool);
}

static void test_no_more_batches_than_workers_are_under_way(void **state)
{
    (void)state;
    struct enc_pool_options options = ENC_POOL_OPTIONS_DEFAULT;
    options.n_workers = 3;
    open_pool(options);
    fake.slow_us[FAKE_TEXTS] = 200;
    fake.slow_us[FAKE_PICTURES] = 200;
    for (int i = 0; i < 40; i++) {
        start(i % 2 == 0 ? FAKE_TEXTS : FAKE_PICTURES, i, (struct enc_pool_wait){0});
    }
    finish_all();
    assert_in_range(fake.most_under_way, 2, 3);
    enc_pool_close(pool);
}

/* With a place free, whoever comes takes it and does not wait for the other one. */
static void test_every_free_place_is_taken(void **state)
{
    (void)state;
    struct enc_pool_options options = ENC_POOL_OPTIONS_DEFAULT;
    options.n_workers = 2;
    open_pool(options);
    start_held(FAKE_PICTURES, 0);
    struct caller *text = start(FAKE_TEXTS, 1, (struct enc_pool_wait){0});
    pthread_join(text->thread, NULL);
    assert_encoded(text);
    fake_hold(FAKE_PICTURES, false);
    pthread_join(callers[0].thread, NULL);
    enc_pool_close(pool);
}

/* Many items in one call. */

static void test_a_call_of_many_is_cut_into_batches(void **state)
{
    (void)state;
    enum { N = 150 };
    static struct enc_tokens texts[N];
    static float vectors[N][FAKE_DIM];
    const struct enc_tokens *ins[N];
    float *outs[N];
    open_pool(ENC_POOL_OPTIONS_DEFAULT);
    for (int i = 0; i < N; i++) {
        texts[i].n = 3;
        texts[i].ids[0] = i;
        ins[i] = &texts[i];
        outs[i] = vectors[i];
    }
    assert_ok(enc_pool_tokens(pool, NULL, ins, N, outs));
    for (int i = 0; i < N; i++) {
        assert_true(vectors[i][0] == (float)i);
    }
    assert_batch(0, FAKE_TEXTS, 32, 0);
    assert_batch(1, FAKE_TEXTS, 32, 32);
    assert_ok(enc_pool_tokens(pool, NULL, NULL, 0, NULL));
    enc_pool_close(pool);
}

/* Fairness. */

static void test_kinds_take_turns_when_both_wait(void **state)
{
    (void)state;
    struct enc_pool_options options = ENC_POOL_OPTIONS_DEFAULT;
    options.max_texts = 1;
    open_pool(options);
    start_held(FAKE_PICTURES, 100);
    start_all_waiting(FAKE_PICTURES, 101, 103);
    start_all_waiting(FAKE_TEXTS, 1, 3);
    finish_all();
    assert_int_equal(fake.n_batches, 7);
    for (int i = 1; i <= 3; i++) {
        assert_batch((size_t)(2 * i - 1), FAKE_TEXTS, 1, i);
        assert_batch((size_t)(2 * i), FAKE_PICTURES, 1, 100 + i);
    }
    enc_pool_close(pool);
}

/* A stream of one kind, as much as four callers can bring. */
struct stream {
    pthread_t threads[4];
    enum fake_kind kind;
    bool stop;
    size_t n_wrong;
};

static void *pour(void *arg)
{
    struct stream *s = arg;
    while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
        struct caller c = {.kind = s->kind, .id = 1};
        call(&c);
        if (c.result != ERR_OK || !has_its_vector(&c)) {
            __atomic_fetch_add(&s->n_wrong, 1, __ATOMIC_RELAXED);
        }
    }
    return NULL;
}

/* How many batches begin until `n` calls of the other kind, one after another, are
 * done. */
static size_t count_batches_beside(enum fake_kind stream_kind, int n)
{
    enum fake_kind other = stream_kind == FAKE_TEXTS ? FAKE_PICTURES : FAKE_TEXTS;
    struct stream s = {.kind = stream_kind};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&s.threads[i], NULL, pour, &s), 0);
    }
    wait_for_queue(stream_kind, 3);
    size_t before = fake_n_batches();
    for (int i = 0; i < n; i++) {
        struct caller c = {.kind = other, .id = i};
        call(&c);
        assert_encoded(&c);
    }
    size_t batches = fake_n_batches() - before;
    __atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(s.threads[i], NULL);
    }
    assert_int_equal(s.n_wrong, 0);
    return batches;
}

/* A text waits for the picture under way, which had begun, and no other: one picture
 * for each text (and at times one more, that begins before the text is queued). */
static void test_a_stream_of_slow_pictures_does_not_starve_texts(void **state)
{
    (void)state;
    enum { N = 10 };
    open_pool(ENC_POOL_OPTIONS_DEFAULT);
    fake.slow_us[FAKE_PICTURES] = 5000;
    assert_in_range(count_batches_beside(FAKE_PICTURES, N), N, 3 * N + 1);
    enc_pool_close(pool);
}

static void test_a_stream_of_texts_does_not_starve_pictures(void **state)
{
    (void)state;
    enum { N = 10 };
    open_pool(ENC_POOL_OPTIONS_DEFAULT);
    fake.slow_us[FAKE_TEXTS] = 5000;
    assert_in_range(count_batches_beside(FAKE_TEXTS, N), N, 3 * N + 1);
    enc_pool_close(pool);
}

/* Bounds and deadlines. */

static void test_a_full_queue_refuses_at_once(void **state)
{
    (void)state;
    struct enc_pool_options options = ENC_POOL_OPTIONS_DEFAULT;
    float vector[FAKE_DIM];
    options.max_queued = 2;
    open_pool(options);
    start_held(FAKE_TEXTS, 0);
    start_waiting(FAKE_TEXTS, 1);
    start_waiting(FAKE_TEXTS, 2);
    assert_err(enc_pool_text(pool, NULL, "3", 1, vector), ERR_BUSY);
    assert_string_equal(err_detail(),
                        "the encoder is busy: 2 texts are waiting already");
    assert_int_equal(enc_pool_stats(pool).texts.n_busy, 1);
    start_waiting(FAKE_PICTURES, 4); /* has a bound of its own */
    start(FAKE_TEXTS, 5, (struct enc_pool_wait){.patient = true});
    wait_for_queue(FAKE_TEXTS, 3);
    finish_all();
    enc_pool_close(pool);
}

static void test_what_waits_past_its_deadline_leaves_the_queue(void **state)
{
    (void)state;
    open_pool(ENC_POOL_OPTIONS_DEFAULT);
    start_held(FAKE_TEXTS, 0);
    start_waiting(FAKE_TEXTS, 1);
    struct caller *late =
        start(FAKE_TEXTS, 2,
              (struct enc_pool_wait){.deadline_ns = clock_monotonic_ns() + 20000000});
    pthread_join(late->thread, NULL); /* while the first is still held */
    assert_int_equal(late->result, ERR_TIMEOUT);
    assert_non_null(strstr(late->detail, "the encoder is busy"));
    n_callers--;
    start_waiting(FAKE_TEXTS, 3);
    finish_all();
    assert_int_equal(fake.n_batches, 2);
    assert_int_equal(fake.batches[1].n, 2);
    assert_int_equal(fake.batches[1].ids[0], 1);
    assert_int_equal(fake.batches[1].ids[1], 3);
    assert_int_equal(enc_pool_stats(pool).texts.n_timeouts, 1);
    enc_pool_close(pool);
}

static void test_what_is_under_way_at_its_deadline_is_finished(void **state)
{
    (void)state;
    open_pool(ENC_POOL_OPTIONS_DEFAULT);
    uint64_t deadline_ns = clock_monotonic_ns() + 2000000000;
    fake_hold(FAKE_TEXTS, true);
    start(FAKE_TEXTS, 0, (struct enc_pool_wait){.deadline_ns = deadline_ns});
    fake_wait_for_batches(1);
    start(FAKE_TEXTS, 1, (struct enc_pool_wait){0});
    wait_for_queue(FAKE_TEXTS, 1);
    while (clock_monotonic_ns() < deadline_ns) {
        usleep(10000);
    }
    finish_all();
    assert_int_equal(enc_pool_stats(pool).texts.n_timeouts, 0);
    enc_pool_close(pool);
}

static void test_a_deadline_that_is_over_is_not_encoded(void **state)
{
    (void)state;
    float vector[FAKE_DIM];
    const struct enc_pool_wait over = {.deadline_ns = 1};
    open_pool(ENC_POOL_OPTIONS_DEFAULT);
    assert_err(enc_pool_text(pool, &over, "1", 1, vector), ERR_TIMEOUT);
    assert_int_equal(fake.n_batches, 0);
    assert_ok(enc_pool_text(pool, NULL, "1", 1, vector)); /* the place is free again */
    enc_pool_close(pool);
}

/* Waiting for more. */

static void test_a_batch_may_wait_to_be_filled(void **state)
{
    (void)state;
    struct enc_pool_options options = ENC_POOL_OPTIONS_DEFAULT;
    options.max_texts = 3;
    options.wait_ns = 3600 * (uint64_t)1000000000;
    open_pool(options);
    for (int i = 1; i <= 3; i++) { /* the third fills it */
        start(FAKE_TEXTS, i, (struct enc_pool_wait){0});
        if (i < 3) {
            wait_for_queue(FAKE_TEXTS, (size_t)i);
        }
    }
    finish_all();
    assert_int_equal(fake.n_batches, 1);
    assert_batch(0, FAKE_TEXTS, 3, 1);
    enc_pool_close(pool);
}

static void test_a_batch_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct enc_pool_options options = ENC_POOL_OPTIONS_DEFAULT;
    float vector[FAKE_DIM];
    options.wait_ns = 1000000;
    open_pool(options);
    uint64_t start_ns = clock_monotonic_ns();
    assert_ok(enc_pool_text(pool, NULL, "1", 1, vector));
    assert_true(clock_monotonic_ns() - start_ns >= options.wait_ns);
    assert_batch(0, FAKE_TEXTS, 1, 1);
    enc_pool_close(pool);
}

/* Failures. */

static void test_a_batch_that_fails_is_tried_one_by_one(void **state)
{
    (void)state;
    open_pool(ENC_POOL_OPTIONS_DEFAULT);
    start_held(FAKE_TEXTS, 0);
    start_all_waiting(FAKE_TEXTS, 1, 4);
    fake.together_fails = true;
    finish_all();
    assert_int_equal(fake.n_batches, 1 + 1 + 4);
    assert_int_equal(enc_pool_stats(pool).texts.n_batches, 2);
    assert_int_equal(enc_pool_stats(pool).texts.n_items, 5);
    enc_pool_close(pool);
}

static void test_one_that_fails_does_not_fail_its_neighbours(void **state)
{
    (void)state;
    float vector[FAKE_DIM];
    open_pool(ENC_POOL_OPTIONS_DEFAULT);
    start_held(FAKE_TEXTS, 0);
    start_all_waiting(FAKE_TEXTS, 1, 4);
    assert_err(enc_pool_text(pool, NULL, "", 0, vector), ERR_INVALID);
    fake.fails = 3;
    fake_hold(FAKE_TEXTS, false);
    join_all();
    for (size_t i = 0; i < n_callers; i++) {
        if (callers[i].id == 3) {
            assert_int_equal(callers[i].result, ERR_MODEL);
            assert_string_equal(callers[i].detail, "3 cannot be encoded");
        } else {
            assert_encoded(&callers[i]);
        }
    }
    enc_pool_close(pool);
}

/* Closing. */

static void *close_pool(void *arg)
{
    enc_pool_close(pool);
    *(size_t *)arg = fake_n_batches();
    return NULL;
}

static void test_closing_waits_for_who_is_in_and_lets_nobody_in(void **state)
{
    (void)state;
    pthread_t closer;
    size_t n_batches_at_close = 0;
    float vector[FAKE_DIM];
    open_pool(ENC_POOL_OPTIONS_DEFAULT);
    start_held(FAKE_TEXTS, 0);
    start_waiting(FAKE_TEXTS, 1);
    start_waiting(FAKE_PICTURES, 2);
    assert_int_equal(pthread_create(&closer, NULL, close_pool, &n_batches_at_close), 0);
    /* Until the pool is being closed, a call would wait, so it gives up quickly. */
    enum err result = ERR_TIMEOUT;
    while (result == ERR_TIMEOUT) {
        struct enc_pool_wait wait = {.deadline_ns = clock_monotonic_ns() + 1000000};
        result = enc_pool_text(pool, &wait, "9", 1, vector);
    }
    assert_int_equal(result, ERR_CANCELLED);
    finish_all();
    pthread_join(closer, NULL);
    assert_int_equal(n_batches_at_close, 3); /* all of them had been let go */
    enc_pool_close(NULL);
}

/* Everything at once, for the sanitizers as much as for the results. */

enum { STORM_THREADS = 12, STORM_CALLS = 300 };

/* Whether the call ended in one of the ways that are open to it. */
static bool ended_well(const struct caller *c)
{
    if (c->result == ERR_OK) {
        return has_its_vector(c);
    }
    return (c->result == ERR_MODEL && c->id == fake.fails) ||
           (c->result == ERR_BUSY && !c->wait.patient) ||
           (c->result == ERR_TIMEOUT && c->wait.deadline_ns != 0);
}

struct storm {
    pthread_t thread;
    unsigned seed;
    size_t n_wrong;
};

static void *storm(void *arg)
{
    struct storm *s = arg;
    for (int i = 0; i < STORM_CALLS; i++) {
        struct caller c = {.id = rand_r(&s->seed) % 1000};
        c.kind = rand_r(&s->seed) % 4 == 0 ? FAKE_PICTURES : FAKE_TEXTS;
        c.wait.patient = rand_r(&s->seed) % 2 == 0;
        if (rand_r(&s->seed) % 4 == 0) {
            c.wait.deadline_ns =
                clock_monotonic_ns() + (uint64_t)(rand_r(&s->seed) % 400) * 1000;
        }
        call(&c);
        s->n_wrong += !ended_well(&c);
    }
    return NULL;
}

static void run_storm(struct enc_pool_options options)
{
    static struct storm storms[STORM_THREADS];
    options.n_workers = 2;
    options.max_queued = 6;
    open_pool(options);
    fake.fails = 7;
    fake.slow_us[FAKE_TEXTS] = 30;
    fake.slow_us[FAKE_PICTURES] = 100;
    print_message("seeds 1 to %d\n", STORM_THREADS);
    for (unsigned i = 0; i < STORM_THREADS; i++) {
        storms[i] = (struct storm){.seed = i + 1};
        assert_int_equal(pthread_create(&storms[i].thread, NULL, storm, &storms[i]), 0);
    }
    for (size_t i = 0; i < STORM_THREADS; i++) {
        pthread_join(storms[i].thread, NULL);
        assert_int_equal(storms[i].n_wrong, 0);
    }
    struct enc_pool_stats s = enc_pool_stats(pool);
    assert_int_equal(s.texts.n_items + s.texts.n_busy + s.texts.n_timeouts +
                         s.pictures.n_items + s.pictures.n_busy + s.pictures.n_timeouts,
                     STORM_THREADS * STORM_CALLS);
    assert_true(s.texts.n_items > s.texts.n_batches); /* some came together */
    assert_int_equal(s.texts.n_queued + s.pictures.n_queued, 0);
    assert_in_range(fake.most_under_way, 1, 2);
    enc_pool_close(pool);
}

static void test_a_storm_of_calls_leaves_nobody_behind(void **state)
{
    (void)state;
    struct enc_pool_options options = ENC_POOL_OPTIONS_DEFAULT;
    run_storm(options);
    options.wait_ns = 50000;
    options.max_pictures = 4;
    run_storm(options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lone_call_begins_at_once_on_its_own_thread),
        cmocka_unit_test(test_those_who_wait_are_encoded_together_in_order),
        cmocka_unit_test(test_a_batch_is_bounded_in_items),
        cmocka_unit_test(test_a_batch_is_bounded_in_tokens),
        cmocka_unit_test(test_pictures_come_together_where_they_may),
        cmocka_unit_test(test_no_more_batches_than_workers_are_under_way),
        cmocka_unit_test(test_every_free_place_is_taken),
        cmocka_unit_test(test_a_call_of_many_is_cut_into_batches),
        cmocka_unit_test(test_kinds_take_turns_when_both_wait),
        cmocka_unit_test(test_a_stream_of_slow_pictures_does_not_starve_texts),
        cmocka_unit_test(test_a_stream_of_texts_does_not_starve_pictures),
        cmocka_unit_test(test_a_full_queue_refuses_at_once),
        cmocka_unit_test(test_what_waits_past_its_deadline_leaves_the_queue),
        cmocka_unit_test(test_what_is_under_way_at_its_deadline_is_finished),
        cmocka_unit_test(test_a_deadline_that_is_over_is_not_encoded),
        cmocka_unit_test(test_a_batch_may_wait_to_be_filled),
        cmocka_unit_test(test_a_batch_does_not_wait_for_ever),
        cmocka_unit_test(test_a_batch_that_fails_is_tried_one_by_one),
        cmocka_unit_test(test_one_that_fails_does_not_fail_its_neighbours),
        cmocka_unit_test(test_closing_waits_for_who_is_in_and_lets_nobody_in),
        cmocka_unit_test(test_a_storm_of_calls_leaves_nobody_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
