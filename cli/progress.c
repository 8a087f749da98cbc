/*
 * progress.c - see progress.h.
 */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"

enum { BAR_MAX = 40, COLUMNS_DEFAULT = 80, TALK_COLUMNS = 52 };

static const double LINE_SECONDS = 10; /* between lines where there is no terminal */
static const double RATE_SECONDS = 1;  /* between looks at the rate */

void progress_init(struct progress *progress, bool quiet)
{
    *progress =
        (struct progress){.quiet = quiet, .terminal = isatty(STDERR_FILENO) == 1};
}

/* Half of the rate is that of the last second, so that it follows slow and fast
 * folders, yet does not jump. */
static void update_rate(struct progress *progress, const struct duet_add_progress *now)
{
    double seconds = now->seconds - progress->rate_seconds;
    if (seconds < RATE_SECONDS || now->n_done < progress->n_rate) {
        return;
    }
    double rate = (double)(now->n_done - progress->n_rate) / seconds;
    progress->rate = progress->n_rate == 0 ? rate : (progress->rate + rate) / 2;
    progress->n_rate = now->n_done;
    progress->rate_seconds = now->seconds;
}

/* "48/s, 0:07 left", or less where it is not known. */
static void format_pace(char *text, size_t n, const struct progress *progress,
                        const struct duet_add_progress *now)
{
    text[0] = '\0';
    if (progress->rate <= 0) {
        return;
    }
    double left = (double)(now->n_found - now->n_done) / progress->rate;
    unsigned seconds = left < 360000 ? (unsigned)(left + 0.5) : 359999;
    if (seconds < 3600) {
        snprintf(text, n, "%.*f/s, %u:%02u left", progress->rate < 10 ? 1 : 0,
                 progress->rate, seconds / 60, seconds % 60);
    } else {
        snprintf(text, n, "%.*f/s, %u:%02u:%02u left", progress->rate < 10 ? 1 : 0,
                 progress->rate, seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
}

static size_t bar_columns(void)
{
    struct winsize size = {0};
    size_t columns = COLUMNS_DEFAULT;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        columns = size.ws_col;
    }
    size_t room = columns > TALK_COLUMNS ? columns - TALK_COLUMNS : 0;
    return room < BAR_MAX ? room : BAR_MAX;
}

static void draw_bar(struct progress *progress, const struct duet_add_progress *now)
{
    char pace[64];
    char bar[BAR_MAX + 1];
    size_t columns = bar_columns();
    size_t full = now->n_found == 0 ? 0 : columns * now->n_done / now->n_found;
    memset(bar, ' ', columns);
    memset(bar, '=', full < columns ? full : columns);
    bar[columns] = '\0';
    format_pace(pace, sizeof pace, progress, now);
    fprintf(stderr, "\r\033[K[%s] %zu of %zu  %s", bar, now->n_done, now->n_found,
            pace);
    fflush(stderr);
    progress->drawn = true;
}

void progress_show(struct progress *progress, const struct duet_add_progress *now)
{
    char pace[64];
    if (progress->quiet) {
        return;
    }
    update_rate(progress, now);
    if (progress->terminal && !now->walked) {
        fprintf(stderr, "\r\033[Klooking for pictures: %zu", now->n_found);
        progress->drawn = true;
    } else if (progress->terminal) {
        draw_bar(progress, now);
    } else if (now->walked && now->seconds - progress->shown_at >= LINE_SECONDS) {
        format_pace(pace, sizeof pace, progress, now);
        cli_tell("%zu of %zu  %s", now->n_done, now->n_found, pace);
        progress->shown_at = now->seconds;
    }
}

void progress_clear(struct progress *progress)
{
    if (progress->drawn) {
        fputs("\r\033[K", stderr);
        progress->drawn = false;
    }
}
