/*
 * siphash.h - SipHash-2-4 (Aumasson and Bernstein, 2012) with a key of zeros: how the
 * dialect deals ids out to slices. Any thread.
 */
#ifndef DB_SIPHASH_H
#define DB_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* Of n bytes, a multiple of 8: ids are 8 or 16. */
uint64_t siphash(const uint8_t *bytes, size_t n);

#endif
