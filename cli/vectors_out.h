/*
 * vectors_out.h - rows of floats on stdout: one JSON array a line, raw, or as a NumPy
 * file.
 *
 *     struct vectors_out out;
 *     TRY(vectors_out_open(&out, VECTORS_NPY, dim));
 *     ... vectors_out_row(&out, vector) or vectors_out_row(&out, NULL) ...
 *     TRY(vectors_out_close(&out));
 *
 * A NumPy file begins with the number of its rows, which is known at the end. Into a
 * file it is written then, in its place; until that the head says 0 rows. Where stdout
 * cannot be written but from front to back (a pipe, an appended file) the rows wait in
 * a temporary file ($TMPDIR, else /tmp) that has no name. One thread at a time.
 */
#ifndef CLI_VECTORS_OUT_H
#define CLI_VECTORS_OUT_H

#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

enum vectors_format { VECTORS_JSONL, VECTORS_F32, VECTORS_NPY };

struct vectors_out {
    enum vectors_format format;
    size_t dim;
    size_t n;       /* rows so far */
    long start;     /* where the head is in stdout; -1: the rows wait elsewhere */
    FILE *file;     /* where rows go: stdout, or the temporary file */
    float *missing; /* [dim], NaN; owned */
};

/* The format of that name ("jsonl", NULL too; "f32", "npy"). ERR_INVALID. */
enum err vectors_format_parse(enum vectors_format *out, const char *name) ERR_CHECK;

/* Begins. ERR_IO, ERR_FULL: there is no place for a temporary file; ERR_NOMEM. */
enum err vectors_out_open(struct vectors_out *out, enum vectors_format format,
                          size_t dim) ERR_CHECK;

/* vector[dim], or NULL for a row that failed: `null`, or NaN in its place. What the
 * output refuses shows in ferror(out->file). */
void vectors_out_row(struct vectors_out *out, const float *vector);

/* Sends what has come so far on its way, for whoever waits for it. */
void vectors_out_flush(struct vectors_out *out);

/* Ends, and frees also after a failed opening. ERR_IO, ERR_FULL: of the temporary file;
 * those of stdout are left to ferror(stdout). */
enum err vectors_out_close(struct vectors_out *out) ERR_CHECK;

#endif
