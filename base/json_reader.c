/*
 * json_reader.c - see json_reader.h.
 */
#include "base/json_reader.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"

void json_reader_init(struct json_reader *r, const char *text, size_t n)
{
    *r = (struct json_reader){text, n, 0};
}

char json_reader_peek(struct json_reader *r)
{
    while (r->at < r->n && (r->text[r->at] == ' ' || r->text[r->at] == '\n' ||
                            r->text[r->at] == '\t' || r->text[r->at] == '\r')) {
        r->at++;
    }
    return r->at < r->n ? r->text[r->at] : '\0';
}

static enum err fail(const struct json_reader *r, const char *what)
{
    return err_set(ERR_INVALID, "not JSON: %s at byte %zu", what, r->at);
}

static enum err expect(struct json_reader *r, char c)
{
    if (json_reader_peek(r) != c || r->at == r->n) {
        char what[] = "no '?'";
        what[4] = c;
        return fail(r, what);
    }
    r->at++;
    return ERR_OK;
}

enum err json_reader_open(struct json_reader *r, char bracket)
{
    return expect(r, bracket);
}

enum err json_reader_more(struct json_reader *r, char bracket, size_t i, bool *more)
{
    *more = json_reader_peek(r) != bracket;
    if (!*more) {
        r->at++;
        return ERR_OK;
    }
    return i == 0 ? ERR_OK : expect(r, ',');
}

enum err json_reader_end(struct json_reader *r)
{
    (void)json_reader_peek(r);
    return r->at == r->n ? ERR_OK : fail(r, "more behind the value");
}

/* Strings. */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 'a' - 'A';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits behind "\u". */
static enum err read_unit(struct json_reader *r, int32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = r->at < r->n ? hex_digit(r->text[r->at]) : -1;
        if (digit < 0) {
            return fail(r, "no hexadecimal digit");
        }
        *unit = *unit * 16 + digit;
        r->at++;
    }
    return ERR_OK;
}

/* One code point from one \uXXXX or from a pair of surrogates. */
static enum err read_code_point(struct json_reader *r, int32_t *c)
{
    int32_t low;
    TRY(read_unit(r, c));
    if (*c < 0xd800 || *c > 0xdfff) {
        return ERR_OK;
    }
    if (*c > 0xdbff || r->n - r->at < 6 || memcmp(r->text + r->at, "\\u", 2) != 0) {
        return fail(r, "half of a surrogate pair");
    }
    r->at += 2;
    TRY(read_unit(r, &low));
    if (low < 0xdc00 || low > 0xdfff) {
        return fail(r, "half of a surrogate pair");
    }
    *c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
    return ERR_OK;
}

/* What stands behind a backslash. */
static enum err read_escape(struct json_reader *r, struct buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = r->at < r->n ? r->text[r->at] : '\0';
    r->at += r->at < r->n;
    if (c == 'u') {
        int32_t code_point;
        char bytes[4];
        TRY(read_code_point(r, &code_point));
        return buf_append(out, bytes, utf8_put(code_point, bytes));
    }
    const char *found = c == '\0' ? NULL : strchr(from, c);
    return found == NULL ? fail(r, "an unknown escape")
                         : buf_append(out, &to[found - from], 1);
}

enum err json_reader_string(struct json_reader *r, struct buf *out)
{
    buf_clear(out);
    TRY(expect(r, '"'));
    for (;;) {
        size_t begin = r->at;
        while (r->at < r->n && (unsigned char)r->text[r->at] >= ' ' &&
               r->text[r->at] != '"' && r->text[r->at] != '\\') {
            r->at++;
        }
        TRY(buf_append(out, r->text + begin, r->at - begin));
        if (r->at == r->n || (unsigned char)r->text[r->at] < ' ') {
            return fail(r, "a string that does not end");
        }
        r->at++;
        if (r->text[r->at - 1] == '"') {
            return ERR_OK;
        }
        TRY(read_escape(r, out));
    }
}

enum err json_reader_key(struct json_reader *r, struct buf *out)
{
    TRY(json_reader_string(r, out));
    return expect(r, ':');
}

/* Numbers. */

static bool is_digit(const struct json_reader *r)
{
    return r->at < r->n && r->text[r->at] >= '0' && r->text[r->at] <= '9';
}

enum err json_reader_size(struct json_reader *r, size_t *out)
{
    (void)json_reader_peek(r);
    size_t begin = r->at, value = 0;
    while (is_digit(r)) {
        if (__builtin_mul_overflow(value, (size_t)10, &value) ||
            __builtin_add_overflow(value, (size_t)(r->text[r->at] - '0'), &value)) {
            return fail(r, "a number too great");
        }
        r->at++;
    }
    bool fraction = r->at < r->n && strchr(".eE", r->text[r->at]) != NULL;
    if (r->at == begin || fraction || (r->text[begin] == '0' && r->at > begin + 1)) {
        return fail(r, "no whole number, 0 or more,");
    }
    *out = value;
    return ERR_OK;
}

struct decimal {
    uint64_t digits;
    int exponent; /* of ten */
};

/* Digits before (`step` 0) or behind the point (-1). Once 64 bits are full, those before
 * it only count for the exponent, and those behind it for nothing. */
static void read_digits(struct json_reader *r, struct decimal *d, int step)
{
    bool full = false;
    for (; is_digit(r); r->at++) {
        unsigned digit = (unsigned)(r->text[r->at] - '0');
        full = full || d->digits > (UINT64_MAX - digit) / 10;
        if (!full) {
            d->digits = d->digits * 10 + digit;
            d->exponent += step;
        } else if (step == 0 && d->exponent < 1 << 20) {
            d->exponent++;
        }
    }
}

static enum err read_exponent(struct json_reader *r, struct decimal *d)
{
    int exponent = 0;
    r->at++;
    bool negative = r->at < r->n && r->text[r->at] == '-';
    r->at += negative || (r->at < r->n && r->text[r->at] == '+');
    if (!is_digit(r)) {
        return fail(r, "no digit");
    }
    for (; is_digit(r); r->at++) {
        exponent =
            exponent < 1 << 20 ? exponent * 10 + (r->text[r->at] - '0') : exponent;
    }
    d->exponent += negative ? -exponent : exponent;
    return ERR_OK;
}

static double power_of_ten(int exponent)
{
    char text[16];
    (void)snprintf(text, sizeof text, "1e%d", exponent);
    return strtod(text, NULL); /* no point in it, so no locale matters */
}

static double to_double(struct decimal d)
{
    enum { POWER_MAX = 308 };
    double value = (double)d.digits;
    while (value != 0 && d.exponent < -POWER_MAX) {
        value /= power_of_ten(POWER_MAX);
        d.exponent += POWER_MAX;
    }
    if (value == 0) {
        return 0;
    }
    if (d.exponent > POWER_MAX) {
        return INFINITY;
    }
    return d.exponent < 0 ? value / power_of_ten(-d.exponent)
                          : value * power_of_ten(d.exponent);
}

enum err json_reader_double(struct json_reader *r, double *out)
{
    struct decimal d = {0};
    bool negative = json_reader_peek(r) == '-';
    r->at += negative;
    size_t begin = r->at;
    read_digits(r, &d, 0);
    if (r->at == begin || (r->text[begin] == '0' && r->at > begin + 1)) {
        return fail(r, "no number");
    }
    if (r->at < r->n && r->text[r->at] == '.') {
        r->at++;
        if (!is_digit(r)) {
            return fail(r, "no digit");
        }
        read_digits(r, &d, -1);
    }
    if (r->at < r->n && (r->text[r->at] == 'e' || r->text[r->at] == 'E')) {
        TRY(read_exponent(r, &d));
    }
    double value = to_double(d);
    if (isinf(value)) {
        return fail(r, "a number out of range");
    }
    *out = negative ? -value : value;
    return ERR_OK;
}

/* Skipping. */

static enum err skip_string(struct json_reader *r)
{
    for (r->at++; r->at < r->n && r->text[r->at] != '"'; r->at++) {
        r->at += r->text[r->at] == '\\';
    }
    if (r->at >= r->n) {
        r->at = r->n;
        return fail(r, "a string that does not end");
    }
    r->at++;
    return ERR_OK;
}

static void skip_word(struct json_reader *r)
{
    while (r->at < r->n && strchr(" \n\t\r,]}:\"[{", r->text[r->at]) == NULL) {
        r->at++;
    }
}

enum err json_reader_skip(struct json_reader *r, struct json_span *out)
{
    size_t depth = 0;
    char first = json_reader_peek(r);
    size_t begin = r->at;
    if (first == '\0' || strchr(",]}:", first) != NULL) {
        return fail(r, "no value");
    }
    do {
        char c = json_reader_peek(r);
        if (c == '"') {
            TRY(skip_string(r));
        } else if (c == '\0') {
            return fail(r, "it ends early");
        } else if (strchr("{[}],:", c) == NULL) {
            skip_word(r);
        } else {
            r->at++;
            depth += c == '{' || c == '[';
            depth -= c == '}' || c == ']';
        }
        if (depth > LIMIT_JSON_DEPTH) {
            return fail(r, "nesting too deep");
        }
    } while (depth > 0);
    *out = (struct json_span){r->text + begin, r->at - begin};
    return ERR_OK;
}
