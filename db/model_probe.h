/*
 * model_probe.h - a model tried out: opened with all its towers, and run on built-in
 * texts and drawn pictures. Any thread.
 */
#ifndef DB_MODEL_PROBE_H
#define DB_MODEL_PROBE_H

#include "encoder/encoder.h"
#include "encoder/image.h"

enum { PROBE_TEXTS = 6, PROBE_PICTURES = 3 };

/* English, Chinese, emoji; none is empty for any tokenizer. */
extern const char *const probe_texts[PROBE_TEXTS];

/* Opens the model and all its towers, which checks that every file and every tensor is
 * there and fits. ERR_MODEL and others of enc_open; *out is NULL then. */
enum err probe_open(struct enc **out, const char *folder) ERR_CHECK;

/* Picture `i` of PROBE_PICTURES: 320 x 240, by whole numbers only, so that a script
 * draws the very same (encoder/training/expected.py). The caller releases it. */
enum err probe_draw(struct img *out, unsigned i) ERR_CHECK;

/* Encodes text `i` of PROBE_TEXTS or picture `i` into vector[dim]. */
enum err probe_text(struct enc *enc, unsigned i, float *vector) ERR_CHECK;
enum err probe_picture(struct enc *enc, unsigned i, float *vector) ERR_CHECK;

#endif
