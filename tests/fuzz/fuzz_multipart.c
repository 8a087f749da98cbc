/*
 * fuzz_multipart.c - any form. The first line of the input is the content type, the rest
 * the body. Parts lie in the body, one behind the other, and none holds its delimiter.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void read_form(const char *type, const char *body, size_t n)
{
    struct multipart form;
    struct multipart_part part;
    bool more = true;
    const char *behind = body;
    enum err result = multipart_begin(&form, type, body, n);
    while (result == ERR_OK && more) {
        result = multipart_next(&form, &part, &more);
        if (result == ERR_OK && more) {
            require(part.bytes >= behind && part.n <= n &&
                    part.bytes + part.n <= body + n);
            require(part.name[0] != '\0' && strlen(part.name) < sizeof part.name);
            require(memmem(part.bytes, part.n, form.delimiter, form.n_delimiter) ==
                    NULL);
            behind = part.bytes + part.n;
        }
    }
    require(result == ERR_OK || result == ERR_INVALID || result == ERR_LIMIT ||
            result == ERR_UNSUPPORTED);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char type[512];
    const uint8_t *line = n == 0 ? NULL : memchr(bytes, '\n', n);
    size_t n_type = line == NULL ? 0 : (size_t)(line - bytes);
    if (line == NULL || n_type >= sizeof type) {
        return 0;
    }
    memcpy(type, bytes, n_type);
    type[n_type] = '\0';
    /* A copy of its own, so that a step past its end is seen. */
    size_t n_body = n - n_type - 1;
    char *body = malloc(n_body > 0 ? n_body : 1);
    require(body != NULL);
    memcpy(body, line + 1, n_body);
    read_form(type, body, n_body);
    free(body);
    return 0;
}
