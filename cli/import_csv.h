/*
 * import_csv.h - the CSV side of `duet import`: payloads of points that are there, and
 * pictures and texts with payloads (docs/CLI.md says which column is what).
 */
#ifndef CLI_IMPORT_CSV_H
#define CLI_IMPORT_CSV_H

#include <stdio.h>

#include "cli/cli.h"

struct import_csv_result {
    size_t n_imported, n_failed; /* rows */
};

/* Imports the rows of `in`, called `name`, into the collection of the command line,
 * which is made if it is not there. A row that cannot be taken is told as NAME:LINE and
 * counted; what ends the import as a whole is returned, and the rows before it are in.
 * ERR_CANCELLED after ^C. */
enum err import_csv(const struct cli *cli, struct duet *db, const char *name, FILE *in,
                    struct import_csv_result *result) ERR_CHECK;

/* Whether an error is the fault of what is imported, and not of the disk or of the
 * database. */
bool import_is_rows_fault(enum err code);

#endif
