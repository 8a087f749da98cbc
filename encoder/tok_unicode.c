/*
 * tok_unicode.c - see tok_unicode.h. The tables were made by comparing all 1,112,064
 * code points of utf8proc 2.8 with the crates inside tokenizers 0.23.
 */
#include "encoder/tok_unicode.h"

#include <utf8proc.h>

struct range {
    int32_t first, last;
};

static bool is_in(const struct range *ranges, size_t n, int32_t c)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c > ranges[middle].last) {
            low = middle + 1;
        } else if (c < ranges[middle].first) {
            high = middle;
        } else {
            return true;
        }
    }
    return false;
}

bool tok_is_space(int32_t c)
{
    if (c < 0x80) {
        return c == ' ' || (c >= '\t' && c <= '\r');
    }
    utf8proc_category_t category = utf8proc_category(c);
    return c == 0x85 || category == UTF8PROC_CATEGORY_ZS ||
           category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

bool tok_is_number(int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);
    return category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL ||
           category == UTF8PROC_CATEGORY_NO;
}

/* Circled and squared letters are alphabetic symbols. */
static bool is_letter_symbol(int32_t c)
{
    return (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) ||
           (c >= 0x1f150 && c <= 0x1f169) || (c >= 0x1f170 && c <= 0x1f189);
}

bool tok_is_word(int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_PC:
        return true;
    default:
        return c == 0x200c || c == 0x200d || is_letter_symbol(c);
    }
}

size_t tok_lower(int32_t c, int32_t *out)
{
    if (c == 0x130) { /* I with a dot: the only one whose lower case is two */
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    out[0] = utf8proc_tolower(c);
    return 1;
}

/* Normalization. */

/* Marks and characters with a decomposition that Unicode 9 did not have yet. */
static bool is_younger(int32_t c)
{
    static const struct range younger[] = {
        {0x7fd, 0x7fd},     {0x898, 0x8d3},     {0x9fe, 0x9fe},     {0xafa, 0xaff},
        {0xb55, 0xb55},     {0xc04, 0xc3c},     {0xcf3, 0xd00},     {0xd3b, 0xd3c},
        {0xd81, 0xd81},     {0xeba, 0xeba},     {0xece, 0xece},     {0x1715, 0x1715},
        {0x180f, 0x180f},   {0x1abf, 0x1ace},   {0x1cf7, 0x1cf7},   {0x1df6, 0x1dfa},
        {0x32ff, 0x32ff},   {0xa7f2, 0xa7f4},   {0xa82c, 0xa82c},   {0xa8ff, 0xa8ff},
        {0xab69, 0xab69},   {0x10781, 0x107ba}, {0x10d24, 0x10f85}, {0x11070, 0x11074},
        {0x110c2, 0x110c2}, {0x11145, 0x11146}, {0x111c9, 0x111c9}, {0x111ce, 0x111cf},
        {0x11241, 0x11241}, {0x1133b, 0x1133b}, {0x1145e, 0x1145e}, {0x1182c, 0x11a99},
        {0x11d31, 0x13455}, {0x16f4f, 0x16f4f}, {0x16f7f, 0x16f87}, {0x16fe4, 0x16ff1},
        {0x1cf00, 0x1cf46}, {0x1e030, 0x1e4ef}, {0x1f16c, 0x1f16c}, {0x1fbf0, 0x1fbf9},
    };
    return is_in(younger, sizeof younger / sizeof younger[0], c);
}

size_t tok_decompose(int32_t c, bool compatible, int32_t *out)
{
    int boundary = 0;
    out[0] = c;
    if (c < 0x80 || is_younger(c)) {
        return 1;
    }
    utf8proc_option_t options =
        compatible ? UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT : UTF8PROC_DECOMPOSE;
    utf8proc_ssize_t n =
        utf8proc_decompose_char(c, out, TOK_DECOMPOSE_MAX, options, &boundary);
    return n >= 1 && n <= TOK_DECOMPOSE_MAX ? (size_t)n : 1;
}

int tok_combining_class(int32_t c)
{
    return c < 0x300 || is_younger(c) ? 0 : utf8proc_get_property(c)->combining_class;
}

bool tok_is_combining_mark(int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);
    if (c == 0x1cf2 || c == 0x1cf3) { /* letters since Unicode 12 */
        return true;
    }
    return (category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC ||
            category == UTF8PROC_CATEGORY_ME) &&
           !is_younger(c);
}

int32_t tok_compose(int32_t a, int32_t b)
{
    int32_t pair[2] = {a, b};
    if (b < 0x300) { /* the first character that composes with one before it */
        return -1;
    }
    utf8proc_ssize_t n =
        utf8proc_normalize_utf32(pair, 2, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    return n == 1 && !is_younger(pair[0]) ? pair[0] : -1;
}

/* Grapheme clusters. */

enum {
    PICTURE = 1,     /* an emoji, then only Extend */
    PICTURE_ZWJ = 2, /* and a ZWJ behind those */
    CONSONANT = 4,   /* an Indic consonant, then only Extend */
    LINKER = 8,      /* with a virama among them */
    ODD_FLAGS = 16   /* an odd number of regional indicators */
};

/* Consonants of the scripts in which a virama joins two of them (InCB), of the first
 * plane; elsewhere no cluster of under 6 bytes depends on it. */
static bool is_consonant(int32_t c)
{
    static const struct range consonants[] = {
        {0x915, 0x939}, {0x958, 0x95f}, {0x978, 0x97f}, {0x995, 0x9a8}, {0x9aa, 0x9b0},
        {0x9b2, 0x9b2}, {0x9b6, 0x9b9}, {0x9dc, 0x9dd}, {0x9df, 0x9df}, {0x9f0, 0x9f1},
        {0xa95, 0xaa8}, {0xaaa, 0xab0}, {0xab2, 0xab3}, {0xab5, 0xab9}, {0xaf9, 0xaf9},
        {0xb15, 0xb28}, {0xb2a, 0xb30}, {0xb32, 0xb33}, {0xb35, 0xb39}, {0xb5c, 0xb5d},
        {0xb5f, 0xb5f}, {0xb71, 0xb71}, {0xc15, 0xc28}, {0xc2a, 0xc39}, {0xc58, 0xc5a},
        {0xd15, 0xd3a},
    };
    return is_in(consonants, sizeof consonants / sizeof consonants[0], c);
}

static bool is_linker(int32_t c)
{
    return c == 0x94d || c == 0x9cd || c == 0xacd || c == 0xb4d || c == 0xc4d ||
           c == 0xd4d;
}

void tok_grapheme_begin(struct tok_grapheme *g)
{
    *g = (struct tok_grapheme){.last = -1, .last_class = UTF8PROC_BOUNDCLASS_START};
}

static bool is_picture(int class)
{
    return class == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC ||
           class == UTF8PROC_BOUNDCLASS_E_ZWG;
}

static bool is_control(int class)
{
    return class == UTF8PROC_BOUNDCLASS_CR || class == UTF8PROC_BOUNDCLASS_LF ||
           class == UTF8PROC_BOUNDCLASS_CONTROL;
}

/* GB6 to GB8: syllables of Hangul. */
static bool joins_hangul(int a, int b)
{
    if (a == UTF8PROC_BOUNDCLASS_L) {
        return b == UTF8PROC_BOUNDCLASS_L || b == UTF8PROC_BOUNDCLASS_V ||
               b == UTF8PROC_BOUNDCLASS_LV || b == UTF8PROC_BOUNDCLASS_LVT;
    }
    if (a == UTF8PROC_BOUNDCLASS_LV || a == UTF8PROC_BOUNDCLASS_V) {
        return b == UTF8PROC_BOUNDCLASS_V || b == UTF8PROC_BOUNDCLASS_T;
    }
    return (a == UTF8PROC_BOUNDCLASS_LVT || a == UTF8PROC_BOUNDCLASS_T) &&
           b == UTF8PROC_BOUNDCLASS_T;
}

static bool joins(const struct tok_grapheme *g, int32_t c, int class)
{
    int last = g->last_class;
    if (last == UTF8PROC_BOUNDCLASS_CR && class == UTF8PROC_BOUNDCLASS_LF) {
        return true;
    }
    if (is_control(last) || is_control(class)) {
        return false;
    }
    if (class == UTF8PROC_BOUNDCLASS_EXTEND || class == UTF8PROC_BOUNDCLASS_ZWJ ||
        class == UTF8PROC_BOUNDCLASS_SPACINGMARK ||
        last == UTF8PROC_BOUNDCLASS_PREPEND || joins_hangul(last, class)) {
        return true;
    }
    if (class == UTF8PROC_BOUNDCLASS_REGIONAL_INDICATOR) {
        return (g->flags & ODD_FLAGS) != 0;
    }
    return ((g->flags & PICTURE_ZWJ) != 0 && is_picture(class)) ||
           ((g->flags & LINKER) != 0 && is_consonant(c));
}

/* What the rules will look back at once `c` is read. */
static int next_flags(int flags, int32_t c, int class)
{
    if (class == UTF8PROC_BOUNDCLASS_REGIONAL_INDICATOR) {
        return (flags & ODD_FLAGS) ^ ODD_FLAGS;
    }
    if (is_picture(class)) {
        return PICTURE;
    }
    if (is_consonant(c)) {
        return CONSONANT;
    }
    if (class != UTF8PROC_BOUNDCLASS_EXTEND && class != UTF8PROC_BOUNDCLASS_ZWJ) {
        return 0;
    }
    int kept = flags & (PICTURE | (c == 0x200c ? 0 : CONSONANT | LINKER));
    if (class == UTF8PROC_BOUNDCLASS_ZWJ && (flags & PICTURE) != 0) {
        kept |= PICTURE_ZWJ;
    }
    return (kept & CONSONANT) != 0 && is_linker(c) ? kept | LINKER : kept;
}

bool tok_grapheme_break(struct tok_grapheme *g, int32_t c)
{
    int class = (int)utf8proc_get_property(c)->boundclass;
    bool breaks = g->last >= 0 && !joins(g, c, class);
    g->flags = next_flags(g->flags, c, class);
    g->last = c;
    g->last_class = class;
    return breaks;
}
