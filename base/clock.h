/*
 * clock.h - time. Any thread.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds of a clock that never steps back; only differences mean anything. */
uint64_t clock_monotonic_ns(void);

/* Nanoseconds of processor time used by all threads of this process so far. */
uint64_t clock_cpu_ns(void);

/* Nanoseconds of processor time used by the calling thread so far. */
uint64_t clock_thread_cpu_ns(void);

/* Milliseconds since 1970-01-01 UTC. */
int64_t clock_wall_ms(void);

#endif
