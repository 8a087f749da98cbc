/*
 * siphash.c - see siphash.h.
 */
#include "db/siphash.h"

struct sip {
    uint64_t a, b, c, d; /* v0 … v3 of the paper */
};

static uint64_t rotate(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

/* SipRound, figure 2.1. */
static void mix(struct sip *s, unsigned n_rounds)
{
    for (unsigned i = 0; i < n_rounds; i++) {
        s->a += s->b;
        s->c += s->d;
        s->b = rotate(s->b, 13) ^ s->a;
        s->d = rotate(s->d, 16) ^ s->c;
        s->a = rotate(s->a, 32);
        s->c += s->b;
        s->a += s->d;
        s->b = rotate(s->b, 17) ^ s->c;
        s->d = rotate(s->d, 21) ^ s->a;
        s->c = rotate(s->c, 32);
    }
}

static void absorb(struct sip *s, uint64_t word)
{
    s->d ^= word;
    mix(s, 2);
    s->a ^= word;
}

uint64_t siphash(const uint8_t *bytes, size_t n)
{
    /* "somepseudorandomlygeneratedbytes" */
    struct sip s = {UINT64_C(0x736f6d6570736575), UINT64_C(0x646f72616e646f6d),
                    UINT64_C(0x6c7967656e657261), UINT64_C(0x7465646279746573)};
    for (size_t i = 0; i < n; i += 8) {
        uint64_t word = 0;
        for (size_t b = 0; b < 8; b++) {
            word |= (uint64_t)bytes[i + b] << (8 * b);
        }
        absorb(&s, word);
    }
    absorb(&s, (uint64_t)(n & 0xff) << 56);
    s.c ^= 0xff;
    mix(&s, 4);
    return s.a ^ s.b ^ s.c ^ s.d;
}
