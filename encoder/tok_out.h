/*
 * tok_out.h - where the ids of one text go: as many as there is room for. Any thread,
 * each with its own.
 */
#ifndef ENCODER_TOK_OUT_H
#define ENCODER_TOK_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tok_out {
    int32_t *ids; /* [max], the caller's */
    size_t n, max;
    bool truncated; /* there was more; whoever makes ids may stop then */
};

static inline void tok_out_put(struct tok_out *out, int32_t id)
{
    if (out->n < out->max) {
        out->ids[out->n] = id;
        out->n++;
    } else {
        out->truncated = true;
    }
}

#endif
