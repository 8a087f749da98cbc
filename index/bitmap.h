/*
 * bitmap.h - one bit a slot, in 64-bit words: bit i is bit (i % 64) of word (i / 64).
 *
 * Deleted and filtered-out slots are the same thing to a search: bits that are 0.
 * Plain memory with no state: reading is safe on many threads, writing needs one.
 */
#ifndef INDEX_BITMAP_H
#define INDEX_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Words that hold `n_bits` bits. */
static inline size_t bitmap_words(size_t n_bits)
{
    return n_bits / 64 + (n_bits % 64 != 0);
}

static inline bool bitmap_get(const uint64_t *words, uint64_t i)
{
    return (words[i / 64] >> (i % 64) & 1) != 0;
}

static inline void bitmap_set(uint64_t *words, uint64_t i)
{
    words[i / 64] |= UINT64_C(1) << (i % 64);
}

/* How many of the first `n_bits` bits are 1; what stands behind them is not looked at.
 */
static inline size_t bitmap_count(const uint64_t *words, size_t n_bits)
{
    size_t count = 0;
    for (size_t i = 0; i < n_bits / 64; i++) {
        count += (size_t)__builtin_popcountll(words[i]);
    }
    if (n_bits % 64 != 0) {
        uint64_t kept = (UINT64_C(1) << (n_bits % 64)) - 1;
        count += (size_t)__builtin_popcountll(words[n_bits / 64] & kept);
    }
    return count;
}

#endif
