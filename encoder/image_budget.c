/*
 * image_budget.c - see image_budget.h.
 *
 * Threads: one mutex over everything here. Who must wait draws a number and sleeps
 * until it is called and its pixels fit; whoever gives pixels back, or is let in, wakes
 * all, of whom at most the next in line goes on. The holds are a list, so that a thread
 * can be found among them; it is as long as there are decoded pictures, a few a thread.
 * (A hold left by a thread that has ended may seem to be a later thread's, which then
 * does not wait when it should: over the budget once, never stuck.)
 */
#include "encoder/image_budget.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/alloc.h"
#include "base/limits.h"

_Static_assert(LIMIT_DECODED_PIXELS >= LIMIT_IMAGE_PIXELS,
               "the largest picture would wait for ever");

struct img_hold {
    uint64_t pixels;
    pthread_t owner;
    struct img_hold *previous;
    struct img_hold *next;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t used;
    uint64_t next_number; /* that who comes next draws */
    uint64_t called;      /* the number whose turn it is */
    struct img_hold *holds;
} budget = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static bool holds_something(pthread_t thread)
{
    for (const struct img_hold *h = budget.holds; h != NULL; h = h->next) {
        if (pthread_equal(h->owner, thread)) {
            return true;
        }
    }
    return false;
}

static bool fits(uint64_t pixels)
{
    return budget.used <= LIMIT_DECODED_PIXELS &&
           pixels <= LIMIT_DECODED_PIXELS - budget.used;
}

static void wait_for_turn(uint64_t pixels)
{
    uint64_t number = budget.next_number++;
    while (number != budget.called || !fits(pixels)) {
        pthread_cond_wait(&budget.changed, &budget.lock);
    }
    budget.called++; /* the next in line may fit beside this one */
    pthread_cond_broadcast(&budget.changed);
}

static void add_hold(struct img_hold *hold)
{
    hold->next = budget.holds;
    if (hold->next != NULL) {
        hold->next->previous = hold;
    }
    budget.holds = hold;
    budget.used += hold->pixels;
}

static void remove_hold(struct img_hold *hold)
{
    if (hold->previous != NULL) {
        hold->previous->next = hold->next;
    } else {
        budget.holds = hold->next;
    }
    if (hold->next != NULL) {
        hold->next->previous = hold->previous;
    }
    budget.used -= hold->pixels;
}

enum err img_budget_take(struct img_hold **out, uint64_t pixels)
{
    *out = NULL;
    FAIL_IF(pixels > LIMIT_DECODED_PIXELS, ERR_LIMIT,
            "%" PRIu64 " pixels; all pictures together may have %u", pixels,
            LIMIT_DECODED_PIXELS);
    struct img_hold *hold = alloc_zero(1, sizeof *hold);
    if (hold == NULL) {
        return ERR_NOMEM;
    }
    hold->pixels = pixels;
    hold->owner = pthread_self();
    pthread_mutex_lock(&budget.lock);
    if (!holds_something(hold->owner)) {
        wait_for_turn(pixels);
    }
    add_hold(hold);
    pthread_mutex_unlock(&budget.lock);
    *out = hold;
    return ERR_OK;
}

void img_budget_give(struct img_hold *hold)
{
    if (hold == NULL) {
        return;
    }
    pthread_mutex_lock(&budget.lock);
    remove_hold(hold);
    pthread_cond_broadcast(&budget.changed);
    pthread_mutex_unlock(&budget.lock);
    alloc_free(hold);
}

uint64_t img_budget_used(void)
{
    pthread_mutex_lock(&budget.lock);
    uint64_t used = budget.used;
    pthread_mutex_unlock(&budget.lock);
    return used;
}

size_t img_budget_n_waiting(void)
{
    pthread_mutex_lock(&budget.lock);
    size_t n = (size_t)(budget.next_number - budget.called);
    pthread_mutex_unlock(&budget.lock);
    return n;
}
