/*
 * progress.h - how far an add has come, on stderr: a bar that is drawn over itself on a
 * terminal, else a plain line now and then.
 *
 *     struct progress progress;
 *     progress_init(&progress, quiet);
 *     ... progress_show(&progress, &now) ten times a second ...
 *     ... progress_clear(&progress) before any other line on stderr ...
 *     progress_clear(&progress);
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "db/duet.h"

struct progress {
    bool quiet;
    bool terminal;
    bool drawn;      /* a bar stands on the terminal's line */
    double shown_at; /* seconds since the start */
    double rate;     /* pictures a second, smoothed */
    size_t n_rate;   /* pictures and seconds that `rate` has seen */
    double rate_seconds;
};

void progress_init(struct progress *progress, bool quiet);
void progress_show(struct progress *progress, const struct duet_add_progress *now);
void progress_clear(struct progress *progress);

#endif
