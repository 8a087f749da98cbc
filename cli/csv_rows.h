/*
 * csv_rows.h - the rows of a CSV file (RFC 4180), read by libcsv.
 *
 *     static enum err on_row(void *arg, const struct csv_row *row) { ... }
 *     TRY(csv_rows_read(in, on_row, arg));
 *
 * Fields are separated by commas or, where the first line has none, by its semicolons or
 * tabs. They may be quoted, quotes doubled in them, and then have line ends in them. What
 * stands around a quoted field is part of it. Rows without any field are passed over.
 *
 * Memory is that of a row: at most LIMIT_IMPORT_LINE_BYTES.
 */
#ifndef CLI_CSV_ROWS_H
#define CLI_CSV_ROWS_H

#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

enum { CSV_COLUMNS_MAX = 1024 };

/* A field, NUL-terminated; `text` is NULL where there is nothing, not even quotes. */
struct csv_cell {
    const char *text;
    size_t n;
};

struct csv_row {
    size_t line;                  /* of the file where it begins, from 1 */
    const struct csv_cell *cells; /* [n] */
    size_t n;                     /* also of cells past CSV_COLUMNS_MAX, which are
                                     not in `cells` */
};

/* The row is borrowed for the call. Anything but ERR_OK ends the reading and is its
 * result. */
typedef enum err csv_row_visit(void *arg, const struct csv_row *row);

/* ERR_INVALID: the file ends within quotes; ERR_LIMIT: a row of too many bytes (as where
 * a quote is missing); ERR_NOMEM. A read that failed is left to ferror. */
enum err csv_rows_read(FILE *in, csv_row_visit *visit, void *arg) ERR_CHECK;

#endif
