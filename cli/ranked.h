/*
 * ranked.h - texts with numbers under a picture's name, as label and describe print
 * them: a block of rows for people, one JSON object a picture for scripts.
 */
#ifndef CLI_RANKED_H
#define CLI_RANKED_H

#include "cli/cli.h"

struct ranked {
    const char *text;
    double value;
};

/* How a command calls things. */
struct ranked_words {
    const char *list;  /* "labels" */
    const char *text;  /* "label" */
    const char *value; /* "probability" */
    const char *from;  /* "phrases": the member "from"; NULL: none */
};

/* Prints items[n] of the picture `path`, best first; for people with the picture's name
 * above where the run is about several. ERR_NOMEM; what the output refuses shows in
 * ferror(stdout). */
enum err ranked_print(const struct cli *cli, const char *path,
                      const struct ranked *items, size_t n,
                      const struct ranked_words *words) ERR_CHECK;

#endif
