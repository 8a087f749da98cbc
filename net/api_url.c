/*
 * api_url.c - what the query of a URL says: "a=1&b=two%20words".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/api.h"

/* Where the value of `name` begins in "a=1&b=2", and its length; NULL: nowhere. A name
 * without '=' has an empty value. */
static const char *find_value(const struct api_call *call, const char *name, size_t *n)
{
    size_t n_name = strlen(name);
    const char *p = call->query != NULL ? call->query : "";
    while (*p != '\0') {
        size_t length = strcspn(p, "&");
        if (length >= n_name && strncmp(p, name, n_name) == 0 &&
            (length == n_name || p[n_name] == '=')) {
            size_t skip = n_name + (length > n_name);
            *n = length - skip;
            return p + skip;
        }
        p += length + (p[length] == '&');
    }
    return NULL;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c == '\0' ? NULL : strchr(digits, c >= 'A' ? c | 0x20 : c);
    return found == NULL ? -1 : (int)(found - digits);
}

bool api_call_value(const struct api_call *call, const char *name, char *value,
                    size_t size)
{
    size_t n;
    size_t at = 0;
    const char *text = find_value(call, name, &n);
    for (size_t i = 0; text != NULL && i < n; i++) {
        int c = (unsigned char)text[i];
        if (c == '%' && i + 2 < n && hex_digit(text[i + 1]) >= 0 &&
            hex_digit(text[i + 2]) >= 0) {
            c = hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]);
            i += 2;
        }
        if (at + 1 >= size || c == 0) {
            return false;
        }
        value[at++] = (char)c;
    }
    value[at] = '\0';
    return text != NULL;
}

enum err api_call_number(const struct api_call *call, const char *name, uint64_t *out)
{
    char text[24];
    char *end;
    size_t n;
    if (find_value(call, name, &n) == NULL) {
        return ERR_OK;
    }
    bool sound = api_call_value(call, name, text, sizeof text) && text[0] >= '0' &&
                 text[0] <= '9';
    errno = 0;
    unsigned long long value = sound ? strtoull(text, &end, 10) : 0;
    FAIL_IF(!sound || *end != '\0' || errno != 0, ERR_INVALID,
            "%s: must be a whole number", name);
    *out = value;
    return ERR_OK;
}
