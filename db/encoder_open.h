/*
 * encoder_open.h - what a duet_encoder is, for those in db/ who encode by it.
 * Threads: fixed once open.
 */
#ifndef DB_ENCODER_OPEN_H
#define DB_ENCODER_OPEN_H

#include "db/duet_encoder.h"
#include "encoder/encoder.h"

struct duet_encoder {
    struct enc *enc;
    uint32_t decode_side; /* img_options.target_side; 0: exact */
};

/*
 * texts[n] (strings) into vectors[n, dim] on `n_threads` threads (0: one a core).
 * The failure of the first text that has one is forwarded, with its number in
 * *n_failed; a truncated text is none.
 */
enum err encoder_texts(struct duet_encoder *encoder, const char *const *texts, size_t n,
                       unsigned n_threads, float *vectors, size_t *n_failed) ERR_CHECK;

#endif
