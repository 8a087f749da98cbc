/*
 * json_out.c - see json_out.h.
 */
#include "net/json_out.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

void out_init(struct json_out *o, size_t max_size)
{
    buf_init(&o->text, max_size);
    o->failed = ERR_OK;
    o->needs_comma = false;
}

void out_release(struct json_out *o)
{
    buf_release(&o->text);
}

void out_clear(struct json_out *o)
{
    buf_clear(&o->text);
    o->failed = ERR_OK;
    o->needs_comma = false;
}

static void put(struct json_out *o, const char *bytes, size_t n)
{
    if (o->failed == ERR_OK) {
        o->failed = buf_append(&o->text, bytes, n);
    }
}

/* Before every value and key. */
static void put_comma(struct json_out *o)
{
    if (o->needs_comma) {
        put(o, ",", 1);
    }
}

static void put_value(struct json_out *o, const char *text, size_t n)
{
    put_comma(o);
    put(o, text, n);
    o->needs_comma = true;
}

void out_begin(struct json_out *o, char bracket)
{
    put_value(o, &bracket, 1);
    o->needs_comma = false;
}

void out_end(struct json_out *o, char bracket)
{
    put(o, &bracket, 1);
    o->needs_comma = true;
}

/* The escape of a byte that may not stand in a string as it is; NULL if it may. `room`
 * is for the forms that need building. */
static const char *escape_of(unsigned char byte, char room[8])
{
    switch (byte) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        break;
    }
    if (byte >= 0x20 && byte != 0x7f) {
        return NULL;
    }
    snprintf(room, 8, "\\u%04x", byte);
    return room;
}

static void put_string(struct json_out *o, const char *s, size_t n)
{
    char room[8];
    put(o, "\"", 1);
    size_t start = 0; /* of the run that needs no change */
    for (size_t i = 0; i < n;) {
        int32_t code_point;
        size_t step = utf8_next(s + i, n - i, &code_point);
        const char *escape = step == 0   ? "\xef\xbf\xbd"
                             : step == 1 ? escape_of((unsigned char)s[i], room)
                                         : NULL;
        if (escape != NULL) {
            put(o, s + start, i - start);
            put(o, escape, strlen(escape));
            start = i + 1;
        }
        i += step == 0 ? 1 : step;
    }
    put(o, s + start, n - start);
    put(o, "\"", 1);
}

void out_key(struct json_out *o, const char *key)
{
    put_comma(o);
    put_string(o, key, strlen(key));
    put(o, ":", 1);
    o->needs_comma = false;
}

void out_string(struct json_out *o, const char *s)
{
    if (s == NULL) {
        out_null(o);
        return;
    }
    out_text(o, s, strlen(s));
}

void out_text(struct json_out *o, const char *s, size_t n)
{
    put_comma(o);
    put_string(o, s, n);
    o->needs_comma = true;
}

void out_size(struct json_out *o, uint64_t value)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    put_value(o, text, (size_t)n);
}

void out_int(struct json_out *o, int64_t value)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", (long long)value);
    put_value(o, text, (size_t)n);
}

/* ---- Floats ----------------------------------------------------------------------- */

/* A float within 1e-4 and 1e6 is m / 2^shift; times a power of ten that leaves 9 digits
 * it fits 64 bits, so that it can be printed by whole numbers alone, exactly as printf
 * and strtof would, in a sixth of their time: replies may hold many thousands. */
struct scaled {
    uint64_t m;     /* 24 bits */
    unsigned shift; /* 4 to 37 */
    int exponent;   /* 10^exponent is the largest power not above it, -4 to 5 */
};

static const uint64_t powers_of_ten[] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
};

/* The value with `decimals` places as a whole number, rounded half to even. */
static uint64_t round_scaled(const struct scaled *s, int decimals)
{
    uint64_t exact = s->m * powers_of_ten[decimals];
    uint64_t whole = exact >> s->shift, rest = exact - (whole << s->shift);
    uint64_t half = UINT64_C(1) << (s->shift - 1);
    return whole + (rest > half || (rest == half && (whole & 1) != 0));
}

/* Whether a reader of `number`, with `decimals` places, gets the very same float: it is
 * less than half a step away, and steps below a power of two are half as long. */
static bool reads_back(const struct scaled *s, uint64_t number, int decimals)
{
    uint64_t exact = s->m * powers_of_ten[decimals], got = number << s->shift;
    if (got >= exact) {
        return (got - exact) * 2 < powers_of_ten[decimals];
    }
    uint64_t steps = s->m == UINT64_C(1) << 23 ? 4 : 2;
    return (exact - got) * steps < powers_of_ten[decimals];
}

/* Writes number / 10^decimals without zeros at the end; returns the length. */
static size_t print_decimal(char *text, uint64_t number, int decimals)
{
    char room[24];
    char *first = room + sizeof room; /* written from the end */
    while (decimals > 0 && number % 10 == 0) {
        number /= 10;
        decimals--;
    }
    for (int place = 0; number > 0 || place <= decimals; place++) {
        if (place == decimals && decimals > 0) {
            *--first = '.';
        }
        *--first = (char)('0' + number % 10);
        number /= 10;
    }
    size_t n = (size_t)(room + sizeof room - first);
    memcpy(text, first, n);
    return n;
}

static size_t print_float(char text[32], float value)
{
    static const float tens[] = {1e-3f, 1e-2f, 1e-1f, 1, 10, 100, 1e3f, 1e4f, 1e5f};
    float size = fabsf(value);
    if (!(size >= 0.00010001f && size < 999999)) {
        int n = snprintf(text, 32, "%.7g", (double)value);
        if (strtof(text, NULL) != value) { /* nine digits always do, seven mostly */
            n = snprintf(text, 32, "%.9g", (double)value);
        }
        return (size_t)n;
    }
    int exponent;
    float fraction = frexpf(size, &exponent);
    struct scaled s = {(uint64_t)ldexpf(fraction, 24), (unsigned)(24 - exponent), -4};
    while (s.exponent < 5 && size >= tens[s.exponent + 4]) {
        s.exponent++;
    }
    int decimals = 6 - s.exponent;
    uint64_t number = round_scaled(&s, decimals);
    if (!reads_back(&s, number, decimals)) {
        decimals += 2;
        number = round_scaled(&s, decimals);
    }
    text[0] = '-';
    size_t sign = value < 0 ? 1 : 0;
    return sign + print_decimal(text + sign, number, decimals);
}

void out_float(struct json_out *o, float value)
{
    if (!isfinite(value)) {
        out_null(o);
        return;
    }
    char text[32];
    put_value(o, text, print_float(text, value));
}

void out_double(struct json_out *o, double value)
{
    if (!isfinite(value)) {
        out_null(o);
        return;
    }
    char text[32];
    int n = snprintf(text, sizeof text, "%.9g", value);
    put_value(o, text, (size_t)n);
}

void out_real(struct json_out *o, double value)
{
    if (!isfinite(value)) {
        out_null(o);
        return;
    }
    char text[32];
    int n = snprintf(text, sizeof text, "%.15g", value);
    if (strtod(text, NULL) != value) { /* 17 digits always do, 15 mostly */
        n = snprintf(text, sizeof text, "%.17g", value);
    }
    if (strpbrk(text, ".e") == NULL) { /* or it would be a whole number */
        n += snprintf(text + n, sizeof text - (size_t)n, ".0");
    }
    put_value(o, text, (size_t)n);
}

void out_bool(struct json_out *o, bool value)
{
    put_value(o, value ? "true" : "false", value ? 4 : 5);
}

void out_null(struct json_out *o)
{
    put_value(o, "null", 4);
}

void out_json(struct json_out *o, const char *json, size_t n)
{
    put_value(o, json, n);
}
