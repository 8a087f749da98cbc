/*
 * label_list.h - the labels of the command line: "cat,dog", or a file of one a line.
 *
 *     struct label_list list;
 *     TRY_OUT(label_list_read(&list, cli));
 *     ... list.items[0 … list.n) ...
 *     label_list_release(&list);
 *
 * One thread.
 */
#ifndef CLI_LABEL_LIST_H
#define CLI_LABEL_LIST_H

#include "base/buffer.h"
#include "cli/cli.h"

struct label_list {
    struct buf text;    /* what the items point into */
    const char **items; /* [n], without white space around, never empty; owned */
    size_t n;
};

/* Reads --labels or --labels-file, of which one must be said. ERR_INVALID (neither or
 * both, an empty label, none at all), ERR_LIMIT, ERR_NOT_FOUND, ERR_IO, ERR_NOMEM.
 * Released in any case. */
enum err label_list_read(struct label_list *list, const struct cli *cli) ERR_CHECK;
void label_list_release(struct label_list *list);

#endif
