/*
 * print.c - see print.h.
 */
#include "cli/print.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#include "base/alloc.h"
#include "base/utf8.h"

enum { COLUMNS_MIN = 40, COLUMNS_UNBOUND = 1 << 20 };

/* Where and how we print. */
struct screen {
    size_t n_columns; /* of the terminal; COLUMNS_UNBOUND where it is none */
    bool colour;
    char cwd[PATH_MAX]; /* paths below it are printed without it; "" if unknown */
};

/* What a row shows of a hit. Borrowed from the hit, from `payload` or from `id_text`.
 */
struct row {
    struct json_object *payload; /* owned */
    const char *where;
    const char *caption; /* "" if none */
    char id_text[DUET_ID_TEXT_MAX];
};

static void screen_init(struct screen *screen)
{
    struct winsize size = {0};
    const char *term = getenv("TERM");
    bool terminal = isatty(STDOUT_FILENO) == 1;
    *screen = (struct screen){.n_columns = COLUMNS_UNBOUND};
    if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        screen->n_columns = size.ws_col < COLUMNS_MIN ? COLUMNS_MIN : size.ws_col;
    }
    screen->colour = terminal && getenv("NO_COLOR") == NULL && term != NULL &&
                     strcmp(term, "dumb") != 0;
    if (getcwd(screen->cwd, sizeof screen->cwd) == NULL) {
        screen->cwd[0] = '\0';
    }
}

/* What must not reach a terminal: its control characters, and format characters such as
 * those that turn the direction of writing, but for the joiners, which scripts need. */
static bool is_unsafe(int32_t code_point)
{
    utf8proc_category_t category = utf8proc_category(code_point);
    return category == UTF8PROC_CATEGORY_CC ||
           (category == UTF8PROC_CATEGORY_CF && code_point != 0x200c &&
            code_point != 0x200d);
}

/* The code point at text[0] as it is printed, and its bytes; what is no UTF-8 or unsafe
 * becomes U+FFFD. */
static size_t next_shown(const char *text, size_t n, int32_t *code_point)
{
    size_t step = utf8_next(text, n, code_point);
    if (step == 0 || is_unsafe(*code_point)) {
        *code_point = 0xfffd;
    }
    return step == 0 ? 1 : step;
}

size_t print_columns(const char *text)
{
    size_t columns = 0, n = strlen(text), step;
    for (; n > 0; text += step, n -= step) {
        int32_t code_point;
        step = next_shown(text, n, &code_point);
        columns += (size_t)utf8proc_charwidth(code_point);
    }
    return columns;
}

/* Prints the text from column `skip` on, as much as fits; returns the columns used. */
static size_t put_slice(const char *text, size_t skip, size_t n_columns)
{
    size_t column = 0, used = 0, n = strlen(text), step;
    for (; n > 0; text += step, n -= step) {
        int32_t code_point;
        char bytes[4];
        step = next_shown(text, n, &code_point);
        size_t width = (size_t)utf8proc_charwidth(code_point);
        column += width;
        if (column <= skip) {
            continue;
        }
        if (used + width > n_columns) {
            break;
        }
        used += width;
        size_t n_bytes = utf8_put(code_point, bytes);
        fwrite(bytes, 1, n_bytes, stdout);
    }
    return used;
}

/* A cell of exactly `n_columns` where `pad`, else of at most so many. Of a path that
 * does not fit the end is shown, of other text the beginning. */
static void put_cell(const char *text, size_t n_columns, bool path, bool pad)
{
    size_t all = print_columns(text), used;
    if (all <= n_columns) {
        used = put_slice(text, 0, n_columns);
    } else if (path) {
        fputs("...", stdout);
        used = 3 + put_slice(text, all - (n_columns - 3), n_columns - 3);
    } else {
        used = put_slice(text, 0, n_columns - 3);
        fputs("...", stdout);
        used += 3;
    }
    for (; pad && used < n_columns; used++) {
        putchar(' ');
    }
}

void print_text(const char *text)
{
    put_slice(text, 0, COLUMNS_UNBOUND);
}

const char *print_bytes(char text[PRINT_BYTES_MAX], uint64_t n)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)n;
    size_t unit = 0;
    for (; value >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++) {
        value /= 1024;
    }
    snprintf(text, PRINT_BYTES_MAX, "%.*f %s", unit == 0 ? 0 : 1, value, units[unit]);
    return text;
}

static const char *string_of(struct json_object *payload, const char *key)
{
    struct json_object *value = json_get(payload, key);
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value)
                                                        : NULL;
}

static const char *caption_of(struct json_object *payload)
{
    static const char *const keys[] = {"text", "title", "name"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *caption = string_of(payload, keys[i]);
        if (caption != NULL) {
            return caption;
        }
    }
    return "";
}

static void row_init(struct row *row, const struct duet_hit *hit,
                     const struct screen *screen)
{
    *row = (struct row){0};
    if (hit->payload != NULL &&
        json_parse(&row->payload, hit->payload, strlen(hit->payload)) != ERR_OK) {
        row->payload = NULL; /* shown by its id */
    }
    duet_id_format(hit->id, row->id_text);
    row->caption = caption_of(row->payload);
    row->where = string_of(row->payload, "path");
    if (row->where == NULL) {
        row->where =
            hit->source != NULL && hit->source[0] != '\0' ? hit->source : row->id_text;
    }
    size_t n = strlen(screen->cwd);
    if (n > 1 && strncmp(row->where, screen->cwd, n) == 0 && row->where[n] == '/') {
        row->where += n + 1;
    }
}

static void put_row(const struct row *row, const struct screen *screen,
                    size_t where_columns, size_t n_used)
{
    size_t left = screen->n_columns - n_used - where_columns;
    put_cell(row->where, where_columns, true, row->caption[0] != '\0');
    if (row->caption[0] != '\0' && left > 6) {
        fputs("  ", stdout);
        fputs(screen->colour ? "\033[2m" : "", stdout);
        put_cell(row->caption, left - 2, false, false);
        fputs(screen->colour ? "\033[0m" : "", stdout);
    }
    putchar('\n');
}

static size_t widest(const struct row *rows, size_t n, const struct screen *screen)
{
    size_t columns = 0;
    size_t most = screen->n_columns == COLUMNS_UNBOUND ? 100 : screen->n_columns / 2;
    for (size_t i = 0; i < n; i++) {
        size_t own = print_columns(rows[i].where);
        columns = own > columns ? own : columns;
    }
    return columns > most ? most : columns;
}

static void put_rows(const struct duet_hits *hits, const struct row *rows,
                     const struct screen *screen, enum print_style style)
{
    size_t where_columns = widest(rows, hits->n, screen);
    for (size_t i = 0; i < hits->n && !ferror(stdout); i++) {
        size_t n_used = 0;
        if (style == PRINT_RANKED) {
            printf("%3zu  %s%6.3f%s  ", i + 1, screen->colour ? "\033[1m" : "",
                   (double)hits->hits[i].score, screen->colour ? "\033[0m" : "");
            n_used = 13;
        }
        size_t columns = where_columns;
        if (screen->n_columns == COLUMNS_UNBOUND) {
            size_t own = print_columns(rows[i].where); /* nothing is cut in a file */
            columns = own > columns ? own : columns;
        }
        put_row(&rows[i], screen, columns, n_used);
    }
}

static struct json_object *parsed_payload(const char *text)
{
    struct json_object *payload = NULL;
    if (text == NULL || json_parse(&payload, text, strlen(text)) != ERR_OK) {
        return json_object_new_object();
    }
    return payload;
}

static struct json_object *id_json(struct duet_id id)
{
    char text[DUET_ID_TEXT_MAX];
    if (!id.is_uuid) {
        return json_object_new_uint64(id.number);
    }
    duet_id_format(id, text);
    return json_object_new_string(text);
}

struct json_object *print_path_json(const char *path)
{
    struct buf clean;
    struct json_object *value = NULL;
    buf_init(&clean, 3 * strlen(path));
    if (utf8_append_valid(&clean, path, strlen(path)) == ERR_OK) {
        value = json_object_new_string_len(clean.data, (int)clean.size);
    }
    buf_release(&clean);
    return value;
}

struct json_object *print_hit_json(const struct duet_hit *hit, bool score)
{
    char digits[32];
    struct json_object *object = json_object_new_object();
    if (object == NULL) {
        return NULL;
    }
    json_object_object_add(object, "id", id_json(hit->id));
    if (score) {
        snprintf(digits, sizeof digits, "%.6f", (double)hit->score);
        json_object_object_add(object, "score",
                               json_object_new_double_s((double)hit->score, digits));
    }
    if (hit->space != NULL) {
        json_object_object_add(object, "space", json_object_new_string(hit->space));
    }
    if (hit->source != NULL && hit->source[0] != '\0') {
        json_object_object_add(object, "source", print_path_json(hit->source));
    }
    json_object_object_add(object, "payload", parsed_payload(hit->payload));
    return object;
}

void print_line(const char *text)
{
    put_slice(text, 0, COLUMNS_UNBOUND);
    putchar('\n');
}

enum err print_caption(struct buf *out, const struct duet_hit *hit)
{
    struct json_object *payload = parsed_payload(hit->payload);
    enum err result = buf_printf(out, "%s", caption_of(payload));
    json_object_put(payload);
    return result;
}

static enum err print_json(const struct duet_hits *hits, bool score)
{
    for (size_t i = 0; i < hits->n && !ferror(stdout); i++) {
        struct json_object *object = print_hit_json(&hits->hits[i], score);
        FAIL_IF(object == NULL, ERR_NOMEM, "out of memory");
        puts(json_text(object));
        json_object_put(object);
    }
    return ERR_OK;
}

enum err print_hits(const struct cli *cli, const struct duet_hits *hits,
                    enum print_style style)
{
    if (cli->json) {
        return print_json(hits, style == PRINT_RANKED);
    }
    struct screen screen;
    screen_init(&screen);
    struct row *rows = alloc_array(hits->n, sizeof *rows);
    FAIL_IF(rows == NULL, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < hits->n; i++) {
        row_init(&rows[i], &hits->hits[i], &screen);
    }
    put_rows(hits, rows, &screen, style);
    for (size_t i = 0; i < hits->n; i++) {
        json_object_put(rows[i].payload);
    }
    alloc_free(rows);
    return ERR_OK;
}

enum err print_points(const struct cli *cli, const struct duet_hits *hits)
{
    if (cli->json) {
        return print_json(hits, false);
    }
    for (size_t i = 0; i < hits->n && !ferror(stdout); i++) {
        char id[DUET_ID_TEXT_MAX];
        struct json_object *payload = parsed_payload(hits->hits[i].payload);
        FAIL_IF(payload == NULL, ERR_NOMEM, "out of memory");
        duet_id_format(hits->hits[i].id, id);
        printf("%s\n%s\n", id,
               json_object_to_json_string_ext(
                   payload, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(payload);
    }
    return ERR_OK;
}
