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
static void update_rate(struct progress *progress, uint64_t n_done, double seconds)
{
    double passed = seconds - progress->rate_seconds;
    if (passed < RATE_SECONDS || n_done < progress->n_rate) {
        return;
    }
    double rate = (double)(n_done - progress->n_rate) / passed;
    progress->rate = progress->rate <= 0 ? rate : (progress->rate + rate) / 2;
    progress->n_rate = n_done;
    progress->rate_seconds = seconds;
}

/* ", 0:07 left" behind what is in text[n]. */
static void format_left(char *text, size_t n, double left)
{
    size_t used = strlen(text);
    unsigned seconds = left < 360000 ? (unsigned)(left + 0.5) : 359999;
    if (seconds < 3600) {
        snprintf(text + used, n - used, ", %u:%02u left", seconds / 60, seconds % 60);
    } else {
        snprintf(text + used, n - used, ", %u:%02u:%02u left", seconds / 3600,
                 seconds / 60 % 60, seconds % 60);
    }
}

/* "48/s, 0:07 left", or less where it is not known. */
static void format_pace(char *text, size_t n, const struct progress *progress,
                        uint64_t n_left)
{
    text[0] = '\0';
    if (progress->rate > 0) {
        snprintf(text, n, "%.*f/s", progress->rate < 10 ? 1 : 0, progress->rate);
        format_left(text, n, (double)n_left / progress->rate);
    }
}

/* "11.2 MB/s, 0:52 left". */
static void format_speed(char *text, size_t n, const struct progress *progress,
                         const struct progress_bytes *now)
{
    text[0] = '\0';
    if (progress->rate > 0) {
        snprintf(text, n, "%.1f MB/s", progress->rate / 1e6);
        format_left(text, n, (double)(now->n_total - now->n_done) / progress->rate);
    }
}

static size_t terminal_columns(void)
{
    struct winsize size = {0};
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : COLUMNS_DEFAULT;
}

/* A bar filled by n_done of n_total and a text behind it, in one row: a row that wraps
 * is not cleared by the next one. Where there is little room the text has it. */
static void draw_bar(struct progress *progress, uint64_t n_done, uint64_t n_total,
                     const char *text)
{
    char bar[BAR_MAX + 1];
    size_t n_columns = terminal_columns();
    size_t columns = n_columns > TALK_COLUMNS ? n_columns - TALK_COLUMNS : 0;
    columns = columns < BAR_MAX ? columns : BAR_MAX;
    double share = n_total == 0 ? 0 : (double)n_done / (double)n_total;
    size_t full = (size_t)((double)columns * share);
    memset(bar, ' ', columns);
    memset(bar, '=', full < columns ? full : columns);
    bar[columns] = '\0';
    if (columns > 0) {
        fprintf(stderr, "\r\033[K[%s] %s", bar, text);
    } else {
        fprintf(stderr, "\r\033[K%.*s", (int)n_columns - 1, text);
    }
    fflush(stderr);
    progress->drawn = true;
}

static void draw_pictures(struct progress *progress,
                          const struct duet_add_progress *now)
{
    char pace[64], text[128];
    format_pace(pace, sizeof pace, progress, now->n_found - now->n_done);
    snprintf(text, sizeof text, "%zu of %zu  %s", now->n_done, now->n_found, pace);
    draw_bar(progress, now->n_done, now->n_found, text);
}

void progress_show(struct progress *progress, const struct duet_add_progress *now)
{
    char pace[64];
    if (progress->quiet) {
        return;
    }
    update_rate(progress, now->n_done, now->seconds);
    if (progress->terminal && !now->walked) {
        fprintf(stderr, "\r\033[Klooking for pictures: %zu", now->n_found);
        progress->drawn = true;
    } else if (progress->terminal) {
        draw_pictures(progress, now);
    } else if (now->walked && now->seconds - progress->shown_at >= LINE_SECONDS) {
        format_pace(pace, sizeof pace, progress, now->n_found - now->n_done);
        cli_tell("%zu of %zu  %s", now->n_done, now->n_found, pace);
        progress->shown_at = now->seconds;
    }
}

/* What is there already when something goes on was not done at this speed. */
static void begin_rate(struct progress *progress, uint64_t n_done, double seconds)
{
    if (!progress->begun) {
        progress->begun = true;
        progress->n_rate = n_done;
        progress->rate_seconds = seconds;
    }
}

void progress_show_items(struct progress *progress, const struct progress_items *now)
{
    char pace[64];
    char text[128];
    if (progress->quiet) {
        return;
    }
    begin_rate(progress, now->n_done, now->seconds);
    update_rate(progress, now->n_done, now->seconds);
    format_pace(pace, sizeof pace, progress, now->n_total - now->n_done);
    snprintf(text, sizeof text, "%s%s%llu of %llu  %s",
             now->what == NULL ? "" : now->what, now->what == NULL ? "" : ": ",
             (unsigned long long)now->n_done, (unsigned long long)now->n_total, pace);
    if (progress->terminal) {
        draw_bar(progress, now->n_done, now->n_total, text);
    } else if (now->seconds - progress->shown_at >= LINE_SECONDS) {
        cli_tell("%s", text);
        progress->shown_at = now->seconds;
    }
}

void progress_show_bytes(struct progress *progress, const struct progress_bytes *now)
{
    char speed[64];
    if (progress->quiet || now->n_total == 0) {
        return;
    }
    begin_rate(progress, now->n_done, now->seconds);
    update_rate(progress, now->n_done, now->seconds);
    format_speed(speed, sizeof speed, progress, now);
    double done = (double)now->n_done / 1e6, total = (double)now->n_total / 1e6;
    const char *what = now->what == NULL ? "" : now->what;
    if (progress->terminal) {
        char text[128];
        snprintf(text, sizeof text, "%.1f of %.1f MB  %s", done, total, speed);
        draw_bar(progress, now->n_done, now->n_total, text);
    } else if (now->seconds - progress->shown_at >= LINE_SECONDS) {
        cli_tell("%.1f of %.1f MB  %s  %s", done, total, what, speed);
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
