/*
 * weights_write.h - a safetensors file written front to back, without its tensors in
 * memory: first what there will be, then the bytes in that order.
 *
 *     struct wt_writer *w;
 *     TRY(wt_writer_open(&w, "out/model.safetensors"));
 *     TRY_OUT(wt_writer_describe(w, "a.weight", WT_I8, (size_t[]){2, 3}, 2));
 *     TRY_OUT(wt_writer_begin(w));
 *     TRY_OUT(wt_writer_put(w, bytes, 6));
 *     TRY_OUT(wt_writer_finish(w));
 *   out:
 *     wt_writer_close(w);
 *
 * Format: as weights.h. One thread at a time.
 */
#ifndef ENCODER_WEIGHTS_WRITE_H
#define ENCODER_WEIGHTS_WRITE_H

#include "encoder/weights.h"

struct wt_writer;

/* Bytes of one number. */
size_t wt_type_size(enum wt_type type);

/* Makes `path`, which must not be there: ERR_EXISTS, ERR_IO, ERR_NOMEM. */
enum err wt_writer_open(struct wt_writer **out, const char *path) ERR_CHECK;

/* There will be a tensor of that name. Before wt_writer_begin. ERR_NOMEM, ERR_LIMIT. */
enum err wt_writer_describe(struct wt_writer *w, const char *name, enum wt_type type,
                            const size_t *shape, size_t rank) ERR_CHECK;

/* Writes the header; the bytes of the tensors follow. ERR_IO, ERR_FULL. */
enum err wt_writer_begin(struct wt_writer *w) ERR_CHECK;
enum err wt_writer_put(struct wt_writer *w, const void *bytes, size_t n) ERR_CHECK;

/* Makes it durable. ERR_INTERNAL where bytes are missing, or too many. */
enum err wt_writer_finish(struct wt_writer *w) ERR_CHECK;

/* Removes the file unless it was finished. Accepts NULL. */
void wt_writer_close(struct wt_writer *w);

#endif
