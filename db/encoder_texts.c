/*
 * encoder_texts.c - many texts on several threads; see encoder_open.h.
 *
 * Threads: each takes the next few texts by an atomic counter until none is left. The
 * caller's is one of them, so that a system without threads to spare only takes longer.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "db/db_internal.h"
#include "db/encoder_open.h"

enum { TAKEN_AT_ONCE = 32 };

struct texts_job {
    struct duet_encoder *encoder;
    const char *const *texts;
    size_t n, dim;
    float *vectors;
    atomic_size_t next;
    pthread_mutex_t lock; /* over what follows */
    size_t n_failed;      /* `n` where none did */
    struct duet_outcome failure;
};

static void keep_failure(struct texts_job *job, size_t i,
                         const struct duet_outcome *outcome)
{
    pthread_mutex_lock(&job->lock);
    if (i < job->n_failed) {
        job->n_failed = i;
        job->failure = *outcome;
    }
    pthread_mutex_unlock(&job->lock);
}

static void encode_some(struct texts_job *job, size_t from, size_t n)
{
    struct duet_input inputs[TAKEN_AT_ONCE] = {0};
    struct duet_outcome outcomes[TAKEN_AT_ONCE];
    for (size_t i = 0; i < n; i++) {
        inputs[i] = duet_input_text(job->texts[from + i]);
    }
    enum err result = duet_encode_many(job->encoder, inputs, n,
                                       job->vectors + from * job->dim, outcomes);
    if (result != ERR_OK) {
        outcomes[0] = (struct duet_outcome){.result = result};
        memccpy(outcomes[0].detail, err_detail(), '\0', sizeof outcomes[0].detail);
        keep_failure(job, from, &outcomes[0]);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (outcomes[i].result != ERR_OK) {
            keep_failure(job, from + i, &outcomes[i]);
            return;
        }
    }
}

static void *work(void *arg)
{
    struct texts_job *job = arg;
    for (;;) {
        size_t from = atomic_fetch_add(&job->next, TAKEN_AT_ONCE);
        if (from >= job->n) {
            return NULL;
        }
        size_t left = job->n - from;
        encode_some(job, from, left < TAKEN_AT_ONCE ? left : TAKEN_AT_ONCE);
    }
}

static void run(struct texts_job *job, unsigned n_threads)
{
    pthread_t threads[LIMIT_THREADS_MAX];
    size_t useful = (job->n + TAKEN_AT_ONCE - 1) / TAKEN_AT_ONCE;
    size_t n = 0, wanted = db_threads(n_threads);
    wanted = wanted < useful ? wanted : useful;
    while (n + 1 < wanted && pthread_create(&threads[n], NULL, work, job) == 0) {
        n++;
    }
    work(job);
    for (size_t i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
    }
}

enum err encoder_texts(struct duet_encoder *encoder, const char *const *texts, size_t n,
                       unsigned n_threads, float *vectors, size_t *n_failed)
{
    struct texts_job job = {.encoder = encoder,
                            .texts = texts,
                            .n = n,
                            .dim = duet_encoder_dim(encoder),
                            .vectors = vectors,
                            .n_failed = n};
    pthread_mutex_init(&job.lock, NULL);
    run(&job, n_threads);
    pthread_mutex_destroy(&job.lock);
    if (job.n_failed == n) {
        return ERR_OK;
    }
    *n_failed = job.n_failed;
    return err_set(job.failure.result, "%s", job.failure.detail);
}
