/*
 * image_budget_test.c - who waits for decoded pixels, for whom, and how long. No pixel
 * is allocated here but in the last tests: a hold is only a number.
 */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "encoder/image_budget.h"
#include "tests/encoder/image_golden.h"

#define ALL ((uint64_t)LIMIT_DECODED_PIXELS)

/* A thread that takes, notes when it was let in, waits to be told, and gives. */
struct taker {
    pthread_t thread;
    uint64_t pixels;
    enum err result;
    unsigned place; /* 1: let in first; 0: not yet */
    bool may_give;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned n_let_in;

static void *take_and_give(void *arg)
{
    struct taker *t = arg;
    struct img_hold *hold;
    t->result = img_budget_take(&hold, t->pixels);
    pthread_mutex_lock(&lock);
    t->place = ++n_let_in;
    pthread_cond_broadcast(&changed);
    while (!t->may_give) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    img_budget_give(hold);
    return NULL;
}

static void nap(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void start(struct taker *t, uint64_t pixels)
{
    *t = (struct taker){.pixels = pixels};
    assert_int_equal(pthread_create(&t->thread, NULL, take_and_give, t), 0);
}

/* Starts one that must wait, and returns when it does. */
static void start_waiting(struct taker *t, uint64_t pixels)
{
    size_t before = img_budget_n_waiting();
    start(t, pixels);
    while (img_budget_n_waiting() != before + 1) {
        nap();
    }
}

static unsigned place_of(struct taker *t)
{
    pthread_mutex_lock(&lock);
    unsigned place = t->place;
    pthread_mutex_unlock(&lock);
    return place;
}

static void wait_until_in(struct taker *t)
{
    pthread_mutex_lock(&lock);
    while (t->place == 0) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

static void end(struct taker *t)
{
    pthread_mutex_lock(&lock);
    t->may_give = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    assert_int_equal(pthread_join(t->thread, NULL), 0);
    assert_int_equal(t->result, ERR_OK);
}

static int set_up(void **state)
{
    (void)state;
    n_let_in = 0;
    return 0;
}

/* Every test leaves the budget as it found it. */
static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(img_budget_used(), 0);
    assert_int_equal(img_budget_n_waiting(), 0);
    return 0;
}

static void test_what_fits_does_not_wait(void **state)
{
    (void)state;
    struct taker a, b;
    start(&a, ALL / 2);
    wait_until_in(&a);
    start(&b, ALL - ALL / 2);
    wait_until_in(&b);
    assert_int_equal(img_budget_used(), ALL);
    end(&a);
    end(&b);
}

static void test_one_pixel_too_many_waits_until_room_is_given(void **state)
{
    (void)state;
    struct taker a, b;
    start(&a, ALL);
    wait_until_in(&a);
    start_waiting(&b, 1);
    nap();
    assert_int_equal(place_of(&b), 0);
    assert_int_equal(img_budget_used(), ALL);
    end(&a);
    wait_until_in(&b);
    end(&b);
}

static void test_nobody_overtakes_a_large_picture(void **state)
{
    (void)state;
    struct taker a, large, small;
    start(&a, ALL / 2);
    wait_until_in(&a);
    start_waiting(&large, ALL);
    start_waiting(&small, 1); /* would fit now */
    nap();
    assert_int_equal(place_of(&small), 0);
    end(&a);
    wait_until_in(&large);
    nap();
    assert_int_equal(place_of(&small), 0);
    end(&large);
    wait_until_in(&small);
    end(&small);
    assert_true(large.place < small.place);
}

static void test_all_that_fit_are_let_in_together(void **state)
{
    (void)state;
    struct taker a, waiting[8];
    start(&a, ALL);
    wait_until_in(&a);
    for (size_t i = 0; i < 8; i++) {
        start_waiting(&waiting[i], ALL / 8);
    }
    end(&a);
    for (size_t i = 0; i < 8; i++) {
        wait_until_in(&waiting[i]);
    }
    for (size_t i = 0; i < 8; i++) {
        end(&waiting[i]);
    }
}

/* Two threads with a picture each that fill the budget, and each wants another: were
 * they to wait, it would be for each other. */
static void *take_two(void *arg)
{
    pthread_barrier_t *both_have_one = arg;
    struct img_hold *first, *second;
    enum err result = img_budget_take(&first, ALL / 2);
    (void)pthread_barrier_wait(both_have_one);
    if (result == ERR_OK) {
        result = img_budget_take(&second, ALL / 2);
    }
    if (result == ERR_OK) {
        img_budget_give(second);
    }
    img_budget_give(first);
    return result == ERR_OK ? NULL : arg;
}

static void test_threads_that_hold_one_picture_never_wait_for_another(void **state)
{
    (void)state;
    pthread_t threads[2];
    pthread_barrier_t barrier;
    assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_two, &barrier), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(pthread_barrier_destroy(&barrier), 0);
}

static void test_more_than_there_is_is_refused(void **state)
{
    (void)state;
    struct img_hold *hold;
    assert_err(img_budget_take(&hold, ALL + 1), ERR_LIMIT);
    assert_null(hold);
    assert_err(img_budget_take(&hold, UINT64_MAX), ERR_LIMIT);
    img_budget_give(NULL);
}

static void test_no_memory_takes_nothing(void **state)
{
    (void)state;
    struct img_hold *hold;
    alloc_fail_after(0);
    enum err result = img_budget_take(&hold, 1);
    alloc_fail_after(-1);
    assert_int_equal(result, ERR_NOMEM);
    assert_null(hold);
}

/* Many threads, sizes from next to nothing to everything: all get in, and never is
 * more out than there is. */
static void *take_often(void *arg)
{
    unsigned *seed = arg;
    for (int i = 0; i < 200; i++) {
        struct img_hold *hold;
        uint64_t shift = (*seed = *seed * 1664525u + 1013904223u) >> 28;
        if (img_budget_take(&hold, ALL >> shift) != ERR_OK || img_budget_used() > ALL) {
            return arg;
        }
        img_budget_give(hold);
    }
    return NULL;
}

static void test_a_crowd_gets_through(void **state)
{
    (void)state;
    enum { CROWD = 8 };
    pthread_t threads[CROWD];
    unsigned seeds[CROWD];
    for (unsigned i = 0; i < CROWD; i++) {
        seeds[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, take_often, &seeds[i]), 0);
    }
    for (size_t i = 0; i < CROWD; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

/* ---- What img_decode makes of it ---------------------------------------------- */

static void decode_and_count(const struct golden *g, struct buf *bytes)
{
    struct img image;
    assert_ok(img_decode(&image, bytes->data, bytes->size, NULL));
    if (img_budget_used() != (uint64_t)g->width * g->height) {
        fail_msg("%s holds %llu pixels", g->name,
                 (unsigned long long)img_budget_used());
    }
    img_release(&image);
    assert_int_equal(img_budget_used(), 0);
    assert_err(img_decode(&image, bytes->data, bytes->size / 2, NULL), ERR_INVALID);
    assert_int_equal(img_budget_used(), 0);
}

static void test_every_decoder_takes_its_pixels_and_gives_them_back(void **state)
{
    (void)state;
    golden_for_each(decode_and_count);
}

static void *decode_turned(void *arg)
{
    struct img *image = arg;
    struct buf bytes;
    buf_init(&bytes, 1u << 20);
    if (file_read(GOLDEN_FOLDER "jpeg_turn6.jpg", &bytes) != ERR_OK ||
        img_decode(image, bytes.data, bytes.size, NULL) != ERR_OK) {
        image->width = 0;
    }
    buf_release(&bytes);
    return NULL;
}

static void test_a_decode_waits_and_another_thread_may_release(void **state)
{
    (void)state;
    struct img image = {0};
    struct taker a;
    pthread_t decoder;
    start(&a, ALL);
    wait_until_in(&a);
    assert_int_equal(pthread_create(&decoder, NULL, decode_turned, &image), 0);
    while (img_budget_n_waiting() == 0) {
        nap();
    }
    end(&a);
    assert_int_equal(pthread_join(decoder, NULL), 0);
    assert_int_equal(image.width, 23);
    assert_int_equal(img_budget_used(), 23 * 37);
    img_release(&image);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_what_fits_does_not_wait),
        TEST(test_one_pixel_too_many_waits_until_room_is_given),
        TEST(test_nobody_overtakes_a_large_picture),
        TEST(test_all_that_fit_are_let_in_together),
        TEST(test_threads_that_hold_one_picture_never_wait_for_another),
        TEST(test_more_than_there_is_is_refused),
        TEST(test_no_memory_takes_nothing),
        TEST(test_a_crowd_gets_through),
        TEST(test_every_decoder_takes_its_pixels_and_gives_them_back),
        TEST(test_a_decode_waits_and_another_thread_may_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
