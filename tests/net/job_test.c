/*
 * job_test.c - net/job.h.
 */
#include "tests/test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "net/job.h"

enum { N = 100 };

struct thing {
    struct job job;
    atomic_int n_runs;
};

static struct thing things[N];
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void run(struct job *job)
{
    struct thing *thing = (struct thing *)job;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    atomic_fetch_add(&thing->n_runs, 1);
}

static int prepare(void **state)
{
    (void)state;
    for (size_t i = 0; i < N; i++) {
        things[i].job.run = run;
        atomic_store(&things[i].n_runs, 0);
    }
    return 0;
}

static void test_every_job_runs_once_before_close_returns(void **state)
{
    (void)state;
    struct job_queue *queue;
    assert_ok(job_queue_open(&queue, 4, N));
    for (size_t i = 0; i < N; i++) {
        assert_ok(job_queue_push(queue, &things[i].job));
    }
    job_queue_close(queue);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(atomic_load(&things[i].n_runs), 1);
    }
}

static void test_a_full_queue_refuses_and_goes_on(void **state)
{
    (void)state;
    struct job_queue *queue;
    assert_ok(job_queue_open(&queue, 1, 2));
    pthread_mutex_lock(&gate);
    size_t n_pushed = 0;
    while (job_queue_push(queue, &things[n_pushed].job) == ERR_OK) {
        n_pushed++;
        assert_true(n_pushed < N);
    }
    assert_in_range(n_pushed, 2, 3); /* the worker may have taken one already */
    pthread_mutex_unlock(&gate);
    job_queue_close(queue);
    assert_int_equal(atomic_load(&things[n_pushed - 1].n_runs), 1);
    assert_int_equal(atomic_load(&things[n_pushed].n_runs), 0);
}

static void test_an_empty_queue_closes(void **state)
{
    (void)state;
    struct job_queue *queue;
    assert_ok(job_queue_open(&queue, 2, 2));
    assert_int_equal(job_queue_length(queue), 0);
    job_queue_close(queue);
    job_queue_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_every_job_runs_once_before_close_returns, prepare),
        cmocka_unit_test_setup(test_a_full_queue_refuses_and_goes_on, prepare),
        cmocka_unit_test(test_an_empty_queue_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
