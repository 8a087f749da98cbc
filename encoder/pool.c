/*
 * pool.c - see pool.h.
 *
 * Threads. There are none but the callers'. A call puts its items into the queue of
 * their kind, texts or pictures. While fewer than n_workers batches are under way, the
 * call of the first waiting item is appointed a leader: on its own thread it takes what
 * waits, in order and up to a batch, its own first; computes without the lock; hands
 * the results out; and leaves its place to the next leader. All others sleep, each on
 * a condition of its own, so that nobody wakes but who is done or is to lead. Batches
 * form by themselves: whoever comes while all places are taken waits, and the longer
 * that takes the more of them the next leader finds.
 *
 * The invariant, held by appoint(): a place is free only while no item waits whose call
 * could take it. (A call that is appointed already is not appointed twice, whatever
 * else of it waits.) An appointed call may find, when it wakes, that another leader has
 * worked on its items; it then leads for others if it still has to wait, and steps down
 * if it has not.
 *
 * One lock guards everything. It is taken three times for a call, and never held while
 * anything is computed. A call's memory is its caller's stack: who finishes the last
 * item of a call wakes it under the lock, and must not look at it afterwards.
 *
 * Fair. Within a kind: first come, first served. Between the kinds: when both wait, a
 * free place goes to the kind that was not appointed last. So neither starves, and what
 * waits longest is behind those of its own kind before it, and one batch of the other
 * kind for each batch of its own. (Sharing the time instead of the turns would let a
 * text pass several pictures, which take longer; but a picture is never so slow that
 * this would be worth a clock of its own for each kind.) A batch is bounded in items
 * and, for texts, in tokens, as one long text takes as much time as many short ones.
 *
 * Not taken: threads of the pool's own, which would cost a lone caller two changes of
 * thread for each call; and work that is stopped at its deadline, which would need
 * every kernel to ask.
 */
#include "encoder/pool.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "encoder/image.h"

enum kind { TEXTS, PICTURES, N_KINDS };

static const char *const kind_names[N_KINDS] = {"texts", "pictures"};

/* What one enc_pool_* call waits for, on its caller's stack. */
struct call {
    pthread_cond_t wake;
    enum kind kind;
    struct enc_pool_wait wait;
    uint64_t queued_ns;
    size_t n_left; /* items that wait or are under way */
    bool leads;    /* appointed, and not yet done with its batch */
    enum err result;
    char detail[ERR_DETAIL_MAX]; /* of the first item that failed */
};

/* One text or picture, on the same stack. */
struct item {
    struct call *call;
    const struct enc_tokens *tokens; /* of a text */
    const float *pixels;             /* of a picture */
    float *vector;
    struct item *next; /* in the queue */
};

struct queue {
    struct item *first, **end;
    size_t batch_max;
    struct call *lingering; /* a leader that waits for a full batch, or NULL */
    struct enc_pool_kind_stats stats;
};

struct enc_pool {
    struct enc *enc;
    struct enc_pool_options options;
    pthread_condattr_t monotonic; /* for the calls' conditions */
    pthread_mutex_t lock;         /* over all below */
    struct queue queues[N_KINDS];
    enum kind turn;   /* who goes first when both wait */
    size_t n_leaders; /* appointed: at most n_workers */
    size_t n_calls;   /* that are in */
    bool closing;
    pthread_cond_t left; /* the last call has left */
};

struct batch {
    enum kind kind;
    struct item *items[ENC_POOL_BATCH_MAX];
    size_t n;
};

/* Opening and closing. */

static size_t between_1_and(size_t most, size_t n)
{
    return n < 1 ? 1 : n > most ? most : n;
}

enum err enc_pool_open(struct enc_pool **out, struct enc *enc,
                       const struct enc_pool_options *options)
{
    struct enc_pool *pool = alloc_zero(1, sizeof *pool);
    *out = pool;
    if (pool == NULL) {
        return ERR_NOMEM;
    }
    pool->enc = enc;
    pool->options = *options;
    pool->options.n_workers = between_1_and(LIMIT_THREADS_MAX, options->n_workers);
    pool->queues[TEXTS].batch_max = options->max_texts;
    pool->queues[PICTURES].batch_max = options->max_pictures;
    for (size_t i = 0; i < N_KINDS; i++) {
        struct queue *q = &pool->queues[i];
        q->end = &q->first;
        q->batch_max = between_1_and(ENC_POOL_BATCH_MAX, q->batch_max);
    }
    pthread_condattr_init(&pool->monotonic);
    pthread_condattr_setclock(&pool->monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->left, NULL);
    return ERR_OK;
}

void enc_pool_close(struct enc_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    while (pool->n_calls > 0) {
        pthread_cond_wait(&pool->left, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    pthread_cond_destroy(&pool->left);
    pthread_mutex_destroy(&pool->lock);
    pthread_condattr_destroy(&pool->monotonic);
    alloc_free(pool);
}

struct enc_pool_stats enc_pool_stats(struct enc_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct enc_pool_stats stats = {pool->queues[TEXTS].stats,
                                   pool->queues[PICTURES].stats};
    pthread_mutex_unlock(&pool->lock);
    return stats;
}

/* The queues. All with the lock held. */

static void push(struct queue *q, struct item *item)
{
    item->next = NULL;
    *q->end = item;
    q->end = &item->next;
    q->stats.n_queued++;
}

/* Takes out the item that *link points to. */
static struct item *unlink_item(struct queue *q, struct item **link)
{
    struct item *item = *link;
    *link = item->next;
    if (*link == NULL) {
        q->end = link;
    }
    q->stats.n_queued--;
    return item;
}

/* An item is done; the thread's error detail belongs to `result`. The call may be gone
 * when the lock is. */
static void finish(struct item *item, enum err result)
{
    struct call *call = item->call;
    if (result != ERR_OK && call->result == ERR_OK) {
        call->result = result;
        memcpy(call->detail, err_detail(), sizeof call->detail);
    }
    call->n_left--;
    if (call->n_left == 0) {
        pthread_cond_signal(&call->wake);
    }
}

static void finish_late(struct queue *q, struct item *item)
{
    q->stats.n_timeouts++;
    finish(item,
           err_set(ERR_TIMEOUT,
                   "the encoder is busy: the time to wait for it is over, with %zu %s "
                   "waiting",
                   q->stats.n_queued + 1, kind_names[item->call->kind]));
}

static bool is_late(const struct call *call)
{
    return call->wait.deadline_ns != 0 &&
           clock_monotonic_ns() >= call->wait.deadline_ns;
}

/* Takes all that waits of a call out of its queue. */
static void expire(struct enc_pool *pool, const struct call *call)
{
    struct queue *q = &pool->queues[call->kind];
    struct item **link = &q->first;
    while (*link != NULL) {
        if ((*link)->call == call) {
            finish_late(q, unlink_item(q, link));
        } else {
            link = &(*link)->next;
        }
    }
}

/* Whether the next item still belongs into the batch. */
static bool fits(const struct queue *q, const struct batch *batch, size_t n_tokens)
{
    if (q->first == NULL || batch->n == q->batch_max) {
        return false;
    }
    return batch->n == 0 || batch->kind == PICTURES ||
           n_tokens + q->first->tokens->n <= ENC_GROUP_TOKENS;
}

static void take(struct queue *q, struct batch *batch)
{
    uint64_t now = clock_monotonic_ns();
    size_t n_tokens = 0;
    while (fits(q, batch, n_tokens)) {
        struct item *item = unlink_item(q, &q->first);
        if (is_late(item->call)) {
            finish_late(q, item);
            continue;
        }
        n_tokens += item->tokens != NULL ? item->tokens->n : 0;
        q->stats.wait_ns += now - item->call->queued_ns;
        batch->items[batch->n++] = item;
    }
}

static void count_batch(struct queue *q, const struct batch *batch, uint64_t work_ns)
{
    size_t i = 0;
    while (((size_t)1 << i) < batch->n) {
        i++;
    }
    q->stats.batches_by_size[i]++;
    q->stats.n_batches++;
    q->stats.n_items += batch->n;
    q->stats.work_ns += work_ns;
}

/* Leaders. All with the lock held, but where a batch is computed. */

/* The call of the first waiting item that has no place yet. */
static struct call *find_leader(const struct enc_pool *pool)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        const struct queue *q = &pool->queues[(pool->turn + i) % N_KINDS];
        for (const struct item *item = q->first; item != NULL; item = item->next) {
            if (!item->call->leads) {
                return item->call;
            }
        }
    }
    return NULL;
}

/* Gives the free places away. */
static void appoint(struct enc_pool *pool)
{
    while (pool->n_leaders < pool->options.n_workers) {
        struct call *call = find_leader(pool);
        if (call == NULL) {
            return;
        }
        call->leads = true;
        pool->n_leaders++;
        pool->turn = (call->kind + 1) % N_KINDS;
        pthread_cond_signal(&call->wake);
    }
}

static void step_down(struct enc_pool *pool, struct call *call)
{
    call->leads = false;
    pool->n_leaders--;
    appoint(pool);
}

static enum err embed(struct enc_pool *pool, enum kind kind, struct item *const *items,
                      size_t n)
{
    const struct enc_tokens *tokens[ENC_POOL_BATCH_MAX];
    const float *pixels[ENC_POOL_BATCH_MAX];
    float *vectors[ENC_POOL_BATCH_MAX];
    for (size_t i = 0; i < n; i++) {
        tokens[i] = items[i]->tokens;
        pixels[i] = items[i]->pixels;
        vectors[i] = items[i]->vector;
    }
    return kind == TEXTS ? enc_embed_tokens(pool->enc, tokens, n, vectors)
                         : enc_embed_pixels(pool->enc, pixels, n, vectors);
}

/* Computes `n` items, all of which end alike, without the lock. */
static enum err compute(struct enc_pool *pool, const struct batch *batch, size_t first,
                        size_t n)
{
    pthread_mutex_unlock(&pool->lock);
    uint64_t start = clock_monotonic_ns();
    enum err result = embed(pool, batch->kind, batch->items + first, n);
    uint64_t work_ns = clock_monotonic_ns() - start;
    pthread_mutex_lock(&pool->lock);
    if (n == batch->n) {
        count_batch(&pool->queues[batch->kind], batch, work_ns);
    }
    if (result == ERR_OK || n == 1) {
        for (size_t i = 0; i < n; i++) {
            finish(batch->items[first + i], result);
        }
    }
    return result;
}

/* What fails together is tried one by one: most often memory was short for all of it,
 * and at worst one item fails for reasons of its own. */
static void compute_batch(struct enc_pool *pool, const struct batch *batch)
{
    if (batch->n == 0) {
        return;
    }
    enum err result = compute(pool, batch, 0, batch->n);
    for (size_t i = 0; result != ERR_OK && batch->n > 1 && i < batch->n; i++) {
        compute(pool, batch, i, 1); /* its call is told */
    }
}

static struct timespec time_of(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000u),
                             .tv_nsec = (long)(ns % 1000000000u)};
}

/* Waits for the batch to fill; push_call wakes the one that lingers. */
static void linger(struct enc_pool *pool, struct call *call)
{
    struct queue *q = &pool->queues[call->kind];
    struct timespec end = time_of(clock_monotonic_ns() + pool->options.wait_ns);
    if (pool->options.wait_ns == 0 || q->lingering != NULL) {
        return;
    }
    q->lingering = call;
    int waited = 0;
    while (q->stats.n_queued < q->batch_max && waited == 0) {
        waited = pthread_cond_timedwait(&call->wake, &pool->lock, &end);
    }
    q->lingering = NULL;
}

static void lead(struct enc_pool *pool, struct call *call)
{
    struct batch batch = {.kind = call->kind};
    if (call->n_left > 0) {
        linger(pool, call);
        take(&pool->queues[call->kind], &batch);
        compute_batch(pool, &batch);
    }
    step_down(pool, call);
}

/* Calls. */

static enum err refuse_busy(struct queue *q, const struct call *call)
{
    q->stats.n_busy += call->n_left;
    return err_set(ERR_BUSY, "the encoder is busy: %zu %s are waiting already",
                   q->stats.n_queued, kind_names[call->kind]);
}

/* Queues the call's items, or refuses them. */
static enum err push_call(struct enc_pool *pool, struct call *call, struct item *items)
{
    struct queue *q = &pool->queues[call->kind];
    FAIL_IF(pool->closing, ERR_CANCELLED, "the encoder is being closed");
    bool must_wait = pool->n_leaders == pool->options.n_workers;
    if (must_wait && !call->wait.patient &&
        q->stats.n_queued + call->n_left > pool->options.max_queued) {
        return refuse_busy(q, call);
    }
    for (size_t i = 0; i < call->n_left; i++) {
        items[i].call = call;
        push(q, &items[i]);
    }
    if (q->lingering != NULL && q->stats.n_queued >= q->batch_max) {
        pthread_cond_signal(&q->lingering->wake);
    }
    pool->n_calls++;
    appoint(pool);
    return ERR_OK;
}

static void sleep_call(struct enc_pool *pool, struct call *call)
{
    if (call->wait.deadline_ns == 0) {
        pthread_cond_wait(&call->wake, &pool->lock);
        return;
    }
    struct timespec end = time_of(call->wait.deadline_ns);
    pthread_cond_timedwait(&call->wake, &pool->lock, &end);
    if (is_late(call)) {
        expire(pool, call);
        call->wait.deadline_ns = 0; /* what is left is under way */
    }
}

static enum err run_call(struct enc_pool *pool, struct call *call, struct item *items)
{
    TRY(push_call(pool, call, items));
    while (call->leads || call->n_left > 0) {
        if (call->leads) {
            lead(pool, call);
        } else {
            sleep_call(pool, call);
        }
    }
    pool->n_calls--;
    if (pool->n_calls == 0) {
        pthread_cond_signal(&pool->left);
    }
    FAIL_IF(call->result != ERR_OK, call->result, "%s", call->detail);
    return ERR_OK;
}

/* Encodes items[n], at most ENC_POOL_BATCH_MAX. */
static enum err submit(struct enc_pool *pool, const struct enc_pool_wait *wait,
                       enum kind kind, struct item *items, size_t n)
{
    struct call call = {.kind = kind, .n_left = n};
    call.wait = wait != NULL ? *wait : (struct enc_pool_wait){0};
    call.queued_ns = clock_monotonic_ns();
    pthread_cond_init(&call.wake, &pool->monotonic);
    pthread_mutex_lock(&pool->lock);
    enum err result = run_call(pool, &call, items);
    pthread_mutex_unlock(&pool->lock);
    pthread_cond_destroy(&call.wake);
    return result;
}

/* What enc_pool_tokens or enc_pool_pixels was given. */
struct inputs {
    enum kind kind;
    const struct enc_tokens *const *texts; /* [n], or NULL */
    const float *const *pixels;            /* [n], or NULL */
    float *const *vectors;                 /* [n] */
    size_t n;
};

/* So many at a time as a batch may hold, so that all of it fits on the stack. */
static enum err encode(struct enc_pool *pool, const struct enc_pool_wait *wait,
                       const struct inputs *in)
{
    struct item items[ENC_POOL_BATCH_MAX];
    for (size_t i = 0, n; i < in->n; i += n) {
        for (n = 0; n < ENC_POOL_BATCH_MAX && i + n < in->n; n++) {
            items[n] = (struct item){.vector = in->vectors[i + n]};
            items[n].tokens = in->kind == TEXTS ? in->texts[i + n] : NULL;
            items[n].pixels = in->kind == PICTURES ? in->pixels[i + n] : NULL;
        }
        TRY(submit(pool, wait, in->kind, items, n));
    }
    return ERR_OK;
}

enum err enc_pool_tokens(struct enc_pool *pool, const struct enc_pool_wait *wait,
                         const struct enc_tokens *const *texts, size_t n,
                         float *const *vectors)
{
    return encode(pool, wait, &(struct inputs){TEXTS, texts, NULL, vectors, n});
}

enum err enc_pool_pixels(struct enc_pool *pool, const struct enc_pool_wait *wait,
                         const float *const *pixels, size_t n, float *const *vectors)
{
    return encode(pool, wait, &(struct inputs){PICTURES, NULL, pixels, vectors, n});
}

enum err enc_pool_text(struct enc_pool *pool, const struct enc_pool_wait *wait,
                       const char *text, size_t n, float *vector)
{
    struct enc_tokens tokens;
    const struct enc_tokens *one = &tokens;
    TRY(enc_tokenize(pool->enc, text, n, &tokens));
    return enc_pool_tokens(pool, wait, &one, 1, &vector);
}

enum err enc_pool_take_image(struct enc_pool *pool, const struct enc_pool_wait *wait,
                             struct img *image, float *vector)
{
    float *pixels = alloc_array(enc_n_pixels(pool->enc), sizeof *pixels);
    const float *one = pixels;
    enum err result =
        pixels == NULL ? ERR_NOMEM : enc_preprocess(pool->enc, image, pixels);
    img_release(image);
    if (result == ERR_OK) {
        result = enc_pool_pixels(pool, wait, &one, 1, &vector);
    }
    alloc_free(pixels);
    return result;
}
