/*
 * datetime.c - see datetime.h.
 */
#include "db/datetime.h"

#include <string.h>

struct scanner {
    const char *at;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take(struct scanner *s, char c)
{
    if (*s->at != c) {
        return false;
    }
    s->at++;
    return true;
}

/* A number of `min` to `max` digits that is at most `limit`. */
static bool take_number(struct scanner *s, int min, int max, int limit, int *out)
{
    int n = 0;
    *out = 0;
    while (n < max && is_digit(*s->at)) {
        *out = *out * 10 + (*s->at++ - '0');
        n++;
    }
    return n >= min && *out <= limit;
}

/* Days from 1970 to the first of March of year 0 and on: Howard Hinnant's
 * days_from_civil, in which a year begins in March so that the leap day is its last. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date(struct scanner *s, struct datetime *out)
{
    int year, month, day;
    if (!take_number(s, 4, 4, 9999, &year) || !take(s, '-') ||
        !take_number(s, 1, 2, 12, &month) || !take(s, '-') ||
        !take_number(s, 1, 2, 31, &day)) {
        return false;
    }
    if (month < 1 || day < 1 || day > days_in(year, month)) {
        return false;
    }
    out->seconds = days_of(year, month, day) * 86400;
    return true;
}

/* The digits behind a point, at least one. */
static bool take_fraction(struct scanner *s, struct datetime *out)
{
    int32_t unit = 100000000;
    if (!is_digit(*s->at)) {
        return false;
    }
    for (; is_digit(*s->at); s->at++, unit /= 10) {
        out->nanos += (*s->at - '0') * unit;
    }
    return true;
}

/* "Z", "UTC", "+01:00", "+0100" or "+01"; nothing is fine as well. */
static bool take_zone(struct scanner *s, struct datetime *out)
{
    int hours, minutes = 0;
    bool blank = *s->at == ' ';
    if (*s->at == '\0' || take(s, 'Z') || take(s, 'z')) {
        return true;
    }
    if (strcmp(s->at, " UTC") == 0) {
        s->at += 4;
        return true;
    }
    s->at += blank ? 1 : 0;
    bool west = *s->at == '-';
    if (!take(s, '-') && !take(s, '+')) {
        return false;
    }
    if (!take_number(s, 2, 2, 23, &hours)) {
        return false;
    }
    if (*s->at != '\0') {
        (void)take(s, ':');
        if (!take_number(s, 2, 2, 59, &minutes)) {
            return false;
        }
    }
    int offset = (hours * 60 + minutes) * 60;
    out->seconds += west ? offset : -offset;
    return true;
}

static bool take_time(struct scanner *s, struct datetime *out)
{
    int hour, minute, second;
    if (!take_number(s, 1, 2, 23, &hour) || !take(s, ':') ||
        !take_number(s, 1, 2, 59, &minute)) {
        return false;
    }
    out->seconds += (hour * 60 + minute) * 60;
    if (!take(s, ':')) {
        return true; /* a zone may not follow here: the end is looked for */
    }
    if (!take_number(s, 1, 2, 60, &second)) { /* 60: a leap second */
        return false;
    }
    out->seconds += second;
    if (take(s, '.') && !take_fraction(s, out)) {
        return false;
    }
    return take_zone(s, out);
}

bool datetime_parse(const char *text, struct datetime *out)
{
    struct scanner s = {text + strspn(text, " \t\n\r\v\f")};
    *out = (struct datetime){0};
    if (!take_date(&s, out)) {
        return false;
    }
    if (*s.at == '\0') {
        return true;
    }
    if (!take(&s, 'T') && !take(&s, 't') && !take(&s, ' ')) {
        return false;
    }
    return take_time(&s, out) && *s.at == '\0';
}

int datetime_compare(struct datetime a, struct datetime b)
{
    if (a.seconds != b.seconds) {
        return a.seconds < b.seconds ? -1 : 1;
    }
    return (a.nanos > b.nanos) - (a.nanos < b.nanos);
}
