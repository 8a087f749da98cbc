/*
 * base64.c - see base64.h. The decoding is libcrypto's EVP_DecodeBlock. It forgives
 * white space at both ends and padding in odd places, so those are refused first.
 */
#include "net/base64.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include "base/alloc.h"

static size_t count_padding(const char *text, size_t n)
{
    size_t n_padding = 0;
    while (n_padding < n && text[n - 1 - n_padding] == '=') {
        n_padding++;
    }
    return n_padding;
}

static bool is_base64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           c == '+' || c == '/';
}

static enum err check_alphabet(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        FAIL_IF(!is_base64(text[i]), ERR_INVALID,
                "not base64: a foreign character at byte %zu", i);
    }
    return ERR_OK;
}

enum err base64_decode(const char *text, size_t n, unsigned char **bytes,
                       size_t *n_bytes)
{
    *bytes = NULL;
    *n_bytes = 0;
    FAIL_IF(n == 0, ERR_INVALID, "not base64: it is empty");
    FAIL_IF(n % 4 != 0, ERR_INVALID, "not base64: its length is not a multiple of 4");
    FAIL_IF(n > INT_MAX, ERR_LIMIT, "base64 of more than 2 GiB");
    size_t n_padding = count_padding(text, n);
    FAIL_IF(n_padding > 2, ERR_INVALID, "not base64: too much padding");
    TRY(check_alphabet(text, n - n_padding));
    unsigned char *out = alloc_array(n / 4 * 3, 1);
    FAIL_IF(out == NULL, ERR_NOMEM, "out of memory");
    int n_decoded = EVP_DecodeBlock(out, (const unsigned char *)text, (int)n);
    if (n_decoded < 0) {
        alloc_free(out);
        return err_set(ERR_INVALID, "not base64");
    }
    *bytes = out;
    *n_bytes = (size_t)n_decoded - n_padding;
    return ERR_OK;
}

enum err base64_find(const char *text, size_t n, const char **base64, size_t *n_base64)
{
    static const char scheme[] = "data:";
    static const char mark[] = ";base64";
    *base64 = text;
    *n_base64 = n;
    if (n < sizeof scheme - 1 || strncasecmp(text, scheme, sizeof scheme - 1) != 0) {
        return ERR_OK;
    }
    const char *comma = memchr(text, ',', n);
    FAIL_IF(comma == NULL, ERR_INVALID, "a data URI without a comma");
    size_t n_head = (size_t)(comma - text);
    FAIL_IF(n_head < sizeof mark - 1 ||
                strncasecmp(comma - (sizeof mark - 1), mark, sizeof mark - 1) != 0,
            ERR_INVALID, "a data URI that is not base64");
    *base64 = comma + 1;
    *n_base64 = n - n_head - 1;
    return ERR_OK;
}
