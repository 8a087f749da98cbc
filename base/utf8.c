/*
 * utf8.c - see utf8.h.
 */
#include "base/utf8.h"

#include <utf8proc.h>

size_t utf8_next(const char *text, size_t n, int32_t *code_point)
{
    if (n == 0) {
        return 0;
    }
    utf8proc_ssize_t step = utf8proc_iterate((const utf8proc_uint8_t *)text,
                                             (utf8proc_ssize_t)n, code_point);
    return step < 0 ? 0 : (size_t)step;
}

bool utf8_valid(const char *text, size_t n)
{
    int32_t code_point;
    for (size_t i = 0; i < n;) {
        size_t step = utf8_next(text + i, n - i, &code_point);
        if (step == 0) {
            return false;
        }
        i += step;
    }
    return true;
}

enum err utf8_append_valid(struct buf *out, const char *text, size_t n)
{
    int32_t code_point;
    for (size_t i = 0; i < n;) {
        size_t step = utf8_next(text + i, n - i, &code_point);
        TRY(step > 0 ? buf_append(out, text + i, step)
                     : buf_append(out, "\xef\xbf\xbd", 3));
        i += step > 0 ? step : 1;
    }
    return ERR_OK;
}

size_t utf8_put(int32_t code_point, char *dst)
{
    return (size_t)utf8proc_encode_char(code_point, (utf8proc_uint8_t *)dst);
}

bool utf8_is_alnum(int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return true;
    default:
        return false;
    }
}

int32_t utf8_lower(int32_t c)
{
    return utf8proc_tolower(c);
}

bool utf8_is_space(int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return true;
    default:
        return (c >= '\t' && c <= '\r') || c == 0x85;
    }
}

bool utf8_is_mark(int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
        return true;
    default:
        return false;
    }
}

/* utf8proc knows no scripts: the blocks of each. */
bool utf8_is_unspaced(int32_t c)
{
    static const struct {
        int32_t first, last;
    } blocks[] = {
        {0x0e00, 0x0eff},   /* Thai, Lao */
        {0x1000, 0x109f},   /* Burmese */
        {0x1780, 0x17ff},   /* Khmer */
        {0x3005, 0x3007},   /* signs among Han: 々, 〆, 〇 */
        {0x3041, 0x30ff},   /* kana */
        {0x31f0, 0x31ff},   /* small katakana */
        {0xa9e0, 0xa9ff},   /* more Burmese */
        {0xaa60, 0xaa7f},   /* more Burmese */
        {0xff66, 0xff9f},   /* half-width katakana */
        {0x1b000, 0x1b16f}, /* old kana */
    };
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        if (c >= blocks[i].first && c <= blocks[i].last) {
            return true;
        }
    }
    return utf8_is_han(c);
}

bool utf8_is_han(int32_t c)
{
    return (c >= 0x2e80 && c <= 0x2fdf) || (c >= 0x3400 && c <= 0x4dbf) ||
           (c >= 0x4e00 && c <= 0x9fff) || (c >= 0xf900 && c <= 0xfaff) ||
           (c >= 0x20000 && c <= 0x3134f);
}

bool utf8_has_han(const char *text, size_t n)
{
    int32_t code_point;
    for (size_t i = 0, step = 1; i < n && step > 0; i += step) {
        step = utf8_next(text + i, n - i, &code_point);
        if (step > 0 && utf8_is_han(code_point)) {
            return true;
        }
    }
    return false;
}
