/*
 * tok_chars.c - see tok_chars.h.
 *
 * The reference (the BertNormalizer of Hugging Face tokenizers) carries the categories
 * of Unicode 8 of 2015, and weights were trained on what it gave. utf8proc knows newer
 * ones, so the table below lists where that shows: characters that Unicode 8 did not
 * have and that are a mark, a control or punctuation today are ordinary there. It was
 * made by comparing all 1,112,064 code points.
 */
#include "encoder/tok_chars.h"

#include <stdbool.h>
#include <utf8proc.h>

struct class_range {
    int32_t first, last;
    enum tok_class as;
};

static const struct class_range exceptions[] = {
    {0x061d, 0x061d, TOK_ORDINARY},      {0x07fd, 0x07fd, TOK_ORDINARY},
    {0x0890, 0x08e2, TOK_ORDINARY},      {0x09fd, 0x09fe, TOK_ORDINARY},
    {0x0a76, 0x0a76, TOK_ORDINARY},      {0x0afa, 0x0aff, TOK_ORDINARY},
    {0x0b55, 0x0b55, TOK_ORDINARY},      {0x0c04, 0x0c3c, TOK_ORDINARY},
    {0x0c77, 0x0c77, TOK_ORDINARY},      {0x0c84, 0x0c84, TOK_ORDINARY},
    {0x0d00, 0x0d00, TOK_ORDINARY},      {0x0d3b, 0x0d3c, TOK_ORDINARY},
    {0x0d81, 0x0d81, TOK_ORDINARY},      {0x0eba, 0x0eba, TOK_ORDINARY},
    {0x0ece, 0x0ece, TOK_ORDINARY},      {0x166d, 0x166d, TOK_PUNCTUATION},
    {0x1734, 0x1734, TOK_MARK},          {0x180f, 0x1886, TOK_ORDINARY},
    {0x1abf, 0x1ace, TOK_ORDINARY},      {0x1b7d, 0x1b7e, TOK_ORDINARY},
    {0x1df6, 0x1dfb, TOK_ORDINARY},      {0x2e43, 0x2e5d, TOK_ORDINARY},
    {0xa82c, 0xa82c, TOK_ORDINARY},      {0xa8c5, 0xa8c5, TOK_ORDINARY},
    {0xa8ff, 0xa8ff, TOK_ORDINARY},      {0xa9bd, 0xa9bd, TOK_ORDINARY},
    {0x10d24, 0x10d27, TOK_ORDINARY},    {0x10eab, 0x10f89, TOK_ORDINARY},
    {0x11070, 0x11074, TOK_ORDINARY},    {0x110c2, 0x110cd, TOK_ORDINARY},
    {0x111c9, 0x111c9, TOK_PUNCTUATION}, {0x111cf, 0x111cf, TOK_ORDINARY},
    {0x1123e, 0x11241, TOK_ORDINARY},    {0x1133b, 0x1133b, TOK_ORDINARY},
    {0x11438, 0x1145e, TOK_ORDINARY},    {0x11660, 0x1166c, TOK_ORDINARY},
    {0x116b9, 0x116b9, TOK_ORDINARY},    {0x1182f, 0x1183b, TOK_ORDINARY},
    {0x11938, 0x11fff, TOK_ORDINARY},    {0x12ff1, 0x13455, TOK_ORDINARY},
    {0x16e97, 0x16e9a, TOK_ORDINARY},    {0x16f4f, 0x16f4f, TOK_ORDINARY},
    {0x16fe2, 0x16fe4, TOK_ORDINARY},    {0x1cf00, 0x1cf46, TOK_ORDINARY},
    {0x1e000, 0x1e4ef, TOK_ORDINARY},    {0x1e944, 0x1e95f, TOK_ORDINARY},
};

static const struct class_range *find_exception(int32_t c)
{
    size_t low = 0, high = sizeof exceptions / sizeof exceptions[0];
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c > exceptions[middle].last) {
            low = middle + 1;
        } else if (c < exceptions[middle].first) {
            high = middle;
        } else {
            return &exceptions[middle];
        }
    }
    return NULL;
}

/* The blocks that BERT calls Chinese: Japanese kanji are in them, kana are not. The
 * reference begins extension E at 2B920, not at 2B820; so do we. */
static bool is_chinese(int32_t c)
{
    static const int32_t blocks[][2] = {
        {0x4e00, 0x9fff},   {0x3400, 0x4dbf},   {0x20000, 0x2a6df}, {0x2a700, 0x2b73f},
        {0x2b740, 0x2b81f}, {0x2b920, 0x2ceaf}, {0xf900, 0xfaff},   {0x2f800, 0x2fa1f},
    };
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        if (c >= blocks[i][0] && c <= blocks[i][1]) {
            return true;
        }
    }
    return false;
}

/* BERT counts all of ASCII's symbols as punctuation, also $ + < = > ^ ` | and ~. */
static enum tok_class ascii_class(int32_t c)
{
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        return TOK_SPACE;
    }
    if (c < ' ' || c == 0x7f) {
        return TOK_DROPPED;
    }
    bool digit = c >= '0' && c <= '9';
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return digit || letter ? TOK_ORDINARY : TOK_PUNCTUATION;
}

enum tok_class tok_char_class(int32_t c)
{
    if (c < 0x80) {
        return ascii_class(c);
    }
    if (is_chinese(c)) {
        return TOK_CHINESE;
    }
    const struct class_range *exception = find_exception(c);
    if (exception != NULL) {
        return exception->as;
    }
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return TOK_SPACE;
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CO: /* private use; the unassigned ones stay */
        return TOK_DROPPED;
    case UTF8PROC_CATEGORY_MN:
        return TOK_MARK;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
        return TOK_PUNCTUATION;
    default:
        return c == 0xfffd ? TOK_DROPPED : TOK_ORDINARY;
    }
}

size_t tok_char_fold(int32_t c, int32_t *out)
{
    if (c < 0x80) {
        out[0] = c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
        return 1;
    }
    const struct class_range *exception = find_exception(c);
    if (exception != NULL) { /* not in Unicode 8: has no decomposition there */
        out[0] = c;
        return 1;
    }
    int boundary = 0;
    utf8proc_ssize_t n =
        utf8proc_decompose_char(c, out, TOK_FOLD_MAX, UTF8PROC_DECOMPOSE, &boundary);
    if (n < 1 || n > TOK_FOLD_MAX) {
        out[0] = c;
        return 1;
    }
    /* Simple lower case is the full one here: U+0130, the only character that has
     * another, has lost its dot to the decomposition. */
    for (utf8proc_ssize_t i = 0; i < n; i++) {
        out[i] = utf8proc_tolower(out[i]);
    }
    return (size_t)n;
}
