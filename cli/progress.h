/*
 * progress.h - how far an add or a download has come, on stderr: a bar that is drawn
 * over itself on a terminal, else a plain line now and then.
 *
 *     struct progress progress;
 *     progress_init(&progress, quiet);
 *     ... progress_show(&progress, &now) ten times a second ...
 *     ... progress_clear(&progress) before any other line on stderr ...
 *     progress_clear(&progress);
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "db/duet.h"

struct progress {
    bool quiet;
    bool terminal;
    bool drawn;      /* a bar stands on the terminal's line */
    bool begun;      /* the rate's first look was taken */
    double shown_at; /* seconds since the start */
    double rate;     /* pictures or bytes a second, smoothed */
    uint64_t n_rate; /* pictures or bytes, and seconds, that `rate` has seen */
    double rate_seconds;
};

/* How far a download has come. */
struct progress_bytes {
    const char *what; /* under way; NULL: nothing by name */
    uint64_t n_done, n_total;
    double seconds; /* since the start */
};

/* How much of some number of things is done. */
struct progress_items {
    const char *what; /* is being done, as a verb: "looking"; NULL: nothing by name */
    uint64_t n_done, n_total;
    double seconds; /* since the start */
};

void progress_init(struct progress *progress, bool quiet);
void progress_show(struct progress *progress, const struct duet_add_progress *now);
void progress_show_bytes(struct progress *progress, const struct progress_bytes *now);
void progress_show_items(struct progress *progress, const struct progress_items *now);
void progress_clear(struct progress *progress);

#endif
