/*
 * request_id.c - see request_id.h. A counter, mixed so that the names of two servers,
 * or of one that was started anew, do not meet: splitmix64 from a random start is a
 * permutation, so that no name of a process comes twice.
 */
#include "net/request_id.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"

static atomic_ullong counter;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void choose_start(void)
{
    unsigned long long start;
    if (getrandom(&start, sizeof start, GRND_NONBLOCK) != (ssize_t)sizeof start) {
        start = (unsigned long long)clock_wall_ms() << 20; /* names, not secrets */
    }
    atomic_store(&counter, start);
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

void request_id_choose(const char *given, char *id)
{
    static const char sane[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789-_.:";
    size_t n = given != NULL ? strspn(given, sane) : 0;
    if (n > 0 && n < REQUEST_ID_MAX && given[n] == '\0') {
        memcpy(id, given, n + 1);
        return;
    }
    pthread_once(&once, choose_start);
    snprintf(id, REQUEST_ID_MAX, "%016llx",
             (unsigned long long)mix(atomic_fetch_add(&counter, 1)));
}
