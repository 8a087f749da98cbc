/*
 * tok_regex.c - see tok_regex.h.
 */
#include "encoder/tok_regex.h"

#include <oniguruma.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"

struct tok_regex {
    regex_t *onig;
};

static int start_error; /* ONIG_NORMAL, or why the library could not start */

static void start_library(void)
{
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
    start_error = onig_initialize(encodings, 1);
    onig_set_retry_limit_in_match(LIMIT_REGEX_RETRIES);
    onig_set_retry_limit_in_search(10 * LIMIT_REGEX_RETRIES);
    onig_set_match_stack_limit_size(LIMIT_REGEX_RETRIES);
    onig_set_parse_depth_limit(LIMIT_REGEX_BYTES / 16);
}

/* What a pattern may hold. */

/* Where a character class, which begins at `at`, has ended. */
static size_t skip_class(const char *p, size_t n, size_t at)
{
    size_t depth = 0;
    do {
        depth += p[at] == '[';
        depth -= p[at] == ']';
        at += p[at] == '\\' ? 2 : 1;
    } while (at < n && depth > 0);
    return at;
}

static enum err check_escape(char c)
{
    FAIL_IF(strchr("gGkKX123456789", c) != NULL && c != '\0', ERR_UNSUPPORTED,
            "the regex escape \\%c is not supported", c);
    return ERR_OK;
}

/* Of "(" at p[at]: whether it opens a look-ahead; refuses what is not taken. */
static enum err check_group(const char *p, size_t n, size_t at, bool *look)
{
    *look = false;
    if (at + 1 >= n || (p[at + 1] != '?' && p[at + 1] != '*')) {
        return ERR_OK;
    }
    char kind = at + 2 < n ? p[at + 2] : '\0';
    *look = p[at + 1] == '?' && (kind == '=' || kind == '!');
    FAIL_IF(!*look &&
                (p[at + 1] == '*' || kind == '\0' || strchr(":im-", kind) == NULL),
            ERR_UNSUPPORTED, "the regex group (%c%c is not supported", p[at + 1], kind);
    return ERR_OK;
}

/* One pass over the pattern; `look` is the nesting within look-ahead. */
static enum err check_pattern(const char *p, size_t n)
{
    size_t look = 0;
    for (size_t at = 0; at < n;) {
        if (p[at] == '\\') {
            TRY(check_escape(at + 1 < n ? p[at + 1] : '\0'));
            at += 2;
            continue;
        }
        if (p[at] == '[') {
            at = skip_class(p, n, at);
            continue;
        }
        if (p[at] == '(') {
            bool opens;
            TRY(check_group(p, n, at, &opens));
            look += look > 0 || opens;
        }
        look -= p[at] == ')' && look > 0;
        FAIL_IF(look > 0 && strchr("*+{", p[at]) != NULL && p[at] != '\0',
                ERR_UNSUPPORTED, "a regex with a quantifier in its look-ahead");
        at++;
    }
    return ERR_OK;
}

static enum err compile(struct tok_regex *regex, const char *pattern, size_t n)
{
    OnigErrorInfo info;
    const OnigUChar *p = (const OnigUChar *)pattern;
    int code = onig_new(&regex->onig, p, p + n, ONIG_OPTION_NONE, ONIG_ENCODING_UTF8,
                        ONIG_SYNTAX_ONIGURUMA, &info);
    if (code != ONIG_NORMAL) {
        OnigUChar text[ONIG_MAX_ERROR_MESSAGE_LEN];
        regex->onig = NULL;
        (void)onig_error_code_to_str(text, code, &info);
        return err_set(code == ONIGERR_MEMORY ? ERR_NOMEM : ERR_MODEL,
                       "the regex \"%.80s\": %s", pattern, (const char *)text);
    }
    return ERR_OK;
}

enum err tok_regex_open(struct tok_regex **out, const char *pattern, size_t n)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    *out = NULL;
    (void)pthread_once(&once, start_library);
    FAIL_IF(start_error != ONIG_NORMAL, ERR_INTERNAL, "Oniguruma does not start: %d",
            start_error);
    FAIL_IF(n > LIMIT_REGEX_BYTES, ERR_MODEL, "a regex of %zu bytes", n);
    FAIL_IF(!utf8_valid(pattern, n), ERR_MODEL, "a regex that is not UTF-8");
    TRY(check_pattern(pattern, n));
    struct tok_regex *regex = alloc_zero(1, sizeof *regex);
    if (regex == NULL) {
        return ERR_NOMEM;
    }
    enum err result = compile(regex, pattern, n);
    if (result != ERR_OK) {
        tok_regex_close(regex);
        return result;
    }
    *out = regex;
    return ERR_OK;
}

void tok_regex_close(struct tok_regex *regex)
{
    if (regex != NULL) {
        onig_free(regex->onig);
        alloc_free(regex);
    }
}

/* Searching. */

static uint64_t thread_time_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* What a search may have cost at most, in characters looked at, between two looks at
 * the clock: some hundredths of a second. */
enum { UNCHECKED_MAX = 1 << 24 };

/* A rest of the text that may be searched at once: its square is less than that. */
enum { WHOLE_MAX = 4000 };

/* Counts a search from n_starts places, each of which may go to the end of the text,
 * n_rest bytes away, and looks at the clock once enough of them are counted. */
static enum err check_clock(struct tok_clock *clock, size_t n_starts, size_t n_rest)
{
    if (clock->end_ns == 0) {
        clock->end_ns = thread_time_ns() + LIMIT_REGEX_SECONDS * 1000000000ull;
    }
    clock->unchecked += (uint64_t)(n_starts + 1) * (n_rest + 1);
    if (clock->unchecked < UNCHECKED_MAX) {
        return ERR_OK;
    }
    clock->unchecked = 0;
    FAIL_IF(thread_time_ns() > clock->end_ns, ERR_MODEL,
            "the tokenizer's regexes need more than %d seconds for this text",
            LIMIT_REGEX_SECONDS);
    return ERR_OK;
}

void tok_search_begin(struct tok_search *s, const struct tok_regex *regex,
                      struct tok_clock *clock, const char *text, size_t n)
{
    *s = (struct tok_search){regex, clock, text, n, 0, SIZE_MAX};
}

/* The length of the character at `at`; 1 at the end. */
static size_t char_step(const struct tok_search *s, size_t at)
{
    int32_t c;
    size_t step = utf8_next(s->text + at, s->n - at, &c);
    return step == 0 ? 1 : step;
}

static enum err check_code(int code)
{
    FAIL_IF(code == ONIGERR_MEMORY, ERR_NOMEM, "out of memory");
    FAIL_IF(code < 0 && code != ONIG_MISMATCH, ERR_MODEL,
            "a regex of the tokenizer costs too much on this text (%d)", code);
    return ERR_OK;
}

/* Tries one place after the other while much of the text is left, so that the clock is
 * looked at in between; *at is where it ended. (Oniguruma's own search knows an end of
 * the places to try, but lets no match go past that end either.) */
static enum err search_slowly(const struct tok_search *s, size_t *at,
                              OnigRegion *region, bool *found)
{
    const OnigUChar *text = (const OnigUChar *)s->text;
    while (!*found && s->n - *at > WHOLE_MAX) {
        int code = onig_match(s->regex->onig, text, text + s->n, text + *at, region,
                              ONIG_OPTION_NONE);
        TRY(check_code(code));
        TRY(check_clock(s->clock, 1, s->n - *at));
        *found = code >= 0;
        *at += *found ? 0 : char_step(s, *at);
    }
    return ERR_OK;
}

/* The first match that begins at `at` or later. */
static enum err search(const struct tok_search *s, size_t at, OnigRegion *region,
                       bool *found)
{
    const OnigUChar *text = (const OnigUChar *)s->text;
    *found = false;
    TRY(search_slowly(s, &at, region, found));
    if (*found) {
        return ERR_OK;
    }
    int code = onig_search(s->regex->onig, text, text + s->n, text + at, text + s->n,
                           region, ONIG_OPTION_NONE);
    TRY(check_code(code));
    *found = code >= 0;
    return check_clock(s->clock, *found ? (size_t)code - at : s->n - at, s->n - at);
}

enum err tok_search_next(struct tok_search *s, bool *found, size_t *begin, size_t *end)
{
    enum err result = ERR_OK;
    OnigRegion region;
    onig_region_init(&region);
    *found = false;
    while (s->at <= s->n && result == ERR_OK) {
        result = search(s, s->at, &region, found);
        if (result != ERR_OK || !*found) {
            break;
        }
        *begin = (size_t)region.beg[0];
        *end = (size_t)region.end[0];
        if (*begin < *end || *end != s->last_end) {
            s->at = s->last_end = *end;
            break;
        }
        s->at += char_step(s, s->at); /* an empty one right behind another */
        *found = false;
    }
    onig_region_free(&region, 0);
    return result;
}
