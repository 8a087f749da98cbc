/*
 * print.h - results on stdout: columns for people, or one JSON object a line.
 *
 * What comes from outside (paths, captions) is printed without control characters, so
 * that it cannot steer the terminal; JSON carries it whole.
 */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <stdint.h>

#include "base/json.h"
#include "cli/cli.h"

enum print_style {
    PRINT_RANKED, /* rank, score, path or id, caption */
    PRINT_LISTED  /* path or id, caption */
};

/* Prints a text that comes from outside, without a newline. */
void print_text(const char *text);

/* The columns that print_text takes for it. */
size_t print_columns(const char *text);

enum { PRINT_BYTES_MAX = 32 };

/* "12.3 MiB" into `text`, which is returned. */
const char *print_bytes(char text[PRINT_BYTES_MAX], uint64_t n);

/* Prints the hits. ERR_NOMEM; what the output refuses shows in ferror(stdout). */
enum err print_hits(const struct cli *cli, const struct duet_hits *hits,
                    enum print_style style) ERR_CHECK;

/* Prints each hit with its whole payload. */
enum err print_points(const struct cli *cli, const struct duet_hits *hits) ERR_CHECK;

/* Prints a text that comes from outside, and a newline. */
void print_line(const char *text);

/* What a hit's payload has for a caption, into `out`: its "text", "title" or "name",
 * empty if it has none. ERR_NOMEM. */
enum err print_caption(struct buf *out, const struct duet_hit *hit) ERR_CHECK;

/* A path, which may be any bytes, as a JSON string. NULL if memory is short. */
struct json_object *print_path_json(const char *path);

/* A hit as {"id", "score"?, "space"?, "source"?, "payload"}; the caller releases it
 * with json_object_put. `score` says whether something was compared. NULL if memory is
 * short. */
struct json_object *print_hit_json(const struct duet_hit *hit, bool score);

#endif
