/*
 * csv_rows.c - see csv_rows.h.
 *
 * libcsv is given a line at a time, so that rows have their lines' numbers; its own
 * buffer, which grows with a field, is measured after each piece.
 */
#include "cli/csv_rows.h"

#include <csv.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/limits.h"

enum { CSV_OPTIONS = CSV_STRICT_FINI | CSV_EMPTY_IS_NULL };

struct reader {
    csv_row_visit *visit;
    void *arg;
    size_t line;                     /* being read */
    size_t first_line;               /* of the row under way */
    struct buf text;                 /* its fields, each with a NUL behind it */
    size_t offsets[CSV_COLUMNS_MAX]; /* in `text`; SIZE_MAX: nothing */
    size_t sizes[CSV_COLUMNS_MAX];
    struct csv_cell cells[CSV_COLUMNS_MAX];
    size_t n;
    enum err result; /* the first that was not ERR_OK */
};

static void *resize(void *p, size_t n)
{
    return alloc_resize(p, n, 1);
}

/* Spaces are part of a field. */
static int never(unsigned char c)
{
    (void)c;
    return 0;
}

static void keep(struct reader *r, const char *text, size_t n)
{
    size_t i = r->n++;
    if (i >= CSV_COLUMNS_MAX || r->result != ERR_OK) {
        return;
    }
    r->sizes[i] = n;
    r->offsets[i] = text == NULL ? SIZE_MAX : r->text.size;
    if (text != NULL) {
        r->result = buf_append(&r->text, text, n);
        r->result = r->result == ERR_OK ? buf_append(&r->text, "", 1) : r->result;
    }
}

static void on_field(void *text, size_t n, void *arg)
{
    keep(arg, text, n);
}

static void on_row(int end, void *arg)
{
    struct reader *r = arg;
    size_t n = r->n < CSV_COLUMNS_MAX ? r->n : CSV_COLUMNS_MAX;
    (void)end;
    for (size_t i = 0; i < n; i++) {
        bool none = r->offsets[i] == SIZE_MAX;
        r->cells[i] = (struct csv_cell){none ? NULL : r->text.data + r->offsets[i],
                                        none ? 0 : r->sizes[i]};
    }
    if (r->result == ERR_OK) {
        const struct csv_row row = {r->first_line, r->cells, r->n};
        r->result = r->visit(r->arg, &row);
    }
    r->n = 0;
    buf_clear(&r->text);
}

static enum err parse(struct reader *r, struct csv_parser *parser, const char *text,
                      size_t n)
{
    size_t n_parsed = csv_parse(parser, text, n, on_field, on_row, r);
    TRY(r->result);
    FAIL_IF(n_parsed != n, ERR_NOMEM, "out of memory");
    FAIL_IF(parser->entry_pos > LIMIT_IMPORT_LINE_BYTES, ERR_LIMIT,
            "a field of more than %u bytes: is a quote missing?",
            LIMIT_IMPORT_LINE_BYTES);
    return ERR_OK;
}

/* What the fields of a file that begins like this are separated by. */
static unsigned char delimiter_of(const char *line, size_t n)
{
    static const char others[] = ";\t";
    for (const char *c = others; memchr(line, ',', n) == NULL && *c != '\0'; c++) {
        if (memchr(line, *c, n) != NULL) {
            return (unsigned char)*c;
        }
    }
    return ',';
}

/* The next line, or as much of it as fits: *n bytes, 0 at the end of the file. */
static void read_piece(FILE *in, char *piece, size_t max, size_t *n)
{
    int c = 0;
    *n = 0;
    while (*n < max && c != '\n') {
        c = getc_unlocked(in);
        if (c == EOF) {
            return;
        }
        piece[(*n)++] = (char)c;
    }
}

static enum err read_all(struct reader *r, struct csv_parser *parser, FILE *in)
{
    static const char mark[] = "\xef\xbb\xbf"; /* as some programs begin UTF-8 files */
    char piece[65536];
    size_t n;
    read_piece(in, piece, sizeof piece, &n);
    csv_set_delim(parser, delimiter_of(piece, n));
    size_t skip = n >= 3 && memcmp(piece, mark, 3) == 0 ? 3 : 0;
    while (n > 0) {
        if (r->n == 0 && parser->entry_pos == 0) {
            r->first_line = r->line;
        }
        TRY(parse(r, parser, piece + skip, n - skip));
        r->line += piece[n - 1] == '\n';
        skip = 0;
        read_piece(in, piece, sizeof piece, &n);
    }
    /* Only a strict parser looks at how the file ends. */
    csv_set_opts(parser, CSV_OPTIONS | CSV_STRICT);
    FAIL_IF(csv_fini(parser, on_field, on_row, r) != 0, ERR_INVALID,
            "the row that begins in line %zu ends within quotes", r->first_line);
    return r->result;
}

enum err csv_rows_read(FILE *in, csv_row_visit *visit, void *arg)
{
    struct csv_parser parser;
    struct reader *r = alloc_zero(1, sizeof *r);
    if (r == NULL) {
        return ERR_NOMEM;
    }
    r->visit = visit;
    r->arg = arg;
    r->line = r->first_line = 1;
    buf_init(&r->text, LIMIT_IMPORT_LINE_BYTES);
    csv_init(&parser, CSV_OPTIONS);
    csv_set_realloc_func(&parser, resize);
    csv_set_free_func(&parser, alloc_free);
    csv_set_space_func(&parser, never);
    enum err result = read_all(r, &parser, in);
    csv_free(&parser);
    buf_release(&r->text);
    alloc_free(r);
    return result;
}
