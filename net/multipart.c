/*
 * multipart.c - see multipart.h.
 *
 * A delimiter is CRLF, two hyphens and the boundary; the one before the first part may
 * stand at the very beginning, without its CRLF. A part is what lies between two of
 * them: header lines, an empty line, bytes.
 */
#include "net/multipart.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/utf8.h"

static bool is_token(char c)
{
    return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }
    return p;
}

/* ---- Parameters: ; name="value" ---- */

/* Reads a token or a quoted string into value[size]. Browsers write a quote in a quoted
 * string as %22, others as \"; NULL where there is neither, or it is too long. */
static const char *read_value(const char *p, const char *end, char *value, size_t size)
{
    size_t n = 0;
    bool quoted = p < end && *p == '"';
    p += quoted;
    for (; p < end && (quoted ? *p != '"' : is_token(*p)); p++) {
        if (quoted && *p == '\\' && p + 1 < end && (p[1] == '"' || p[1] == '\\')) {
            p++;
        }
        if (n + 1 >= size || *p == '\0' || *p == '\r' || *p == '\n') {
            return NULL;
        }
        value[n++] = *p;
    }
    value[n] = '\0';
    if (quoted) {
        return p < end ? p + 1 : NULL;
    }
    return n > 0 ? p : NULL;
}

/* The parameter `name` of "type; a=b; c=\"d\"" into value[size]; false where there is
 * none or the line is not so. */
static bool find_parameter(const char *p, const char *end, const char *name,
                           char *value, size_t size)
{
    char key[32];
    char other[MULTIPART_NAME_MAX] = ""; /* of parameters that nobody asked for */
    while (p < end && *p != ';') {
        p++;
    }
    while (p != NULL && p < end && *p == ';') {
        p = read_value(skip_blanks(p + 1, end), end, key, sizeof key);
        if (p == NULL || p >= end || *p != '=') {
            return false;
        }
        bool wanted = strcasecmp(key, name) == 0;
        p = read_value(p + 1, end, wanted ? value : other,
                       wanted ? size : sizeof other);
        if (wanted) {
            return p != NULL;
        }
        p = p == NULL ? NULL : skip_blanks(p, end);
    }
    return false;
}

/* ---- The body ---- */

static bool is_boundary_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("'()+_,-./:=? ", c) != NULL);
}

static enum err read_boundary(struct multipart *m, const char *content_type)
{
    static const char type[] = "multipart/form-data";
    char boundary[MULTIPART_BOUNDARY_MAX + 1];
    size_t n_type = sizeof type - 1;
    bool right = content_type != NULL && strncasecmp(content_type, type, n_type) == 0 &&
                 strchr("; \t", content_type[n_type]) != NULL;
    FAIL_IF(!right, ERR_INVALID,
            "the body must be multipart/form-data, with its boundary");
    right = find_parameter(content_type, content_type + strlen(content_type),
                           "boundary", boundary, sizeof boundary);
    size_t n = right ? strlen(boundary) : 0;
    for (size_t i = 0; right && i < n; i++) {
        right = is_boundary_char(boundary[i]);
    }
    FAIL_IF(!right || n == 0 || boundary[n - 1] == ' ', ERR_INVALID,
            "the boundary of multipart/form-data must be 1 to %d plain characters",
            MULTIPART_BOUNDARY_MAX);
    m->n_delimiter =
        (size_t)snprintf(m->delimiter, sizeof m->delimiter, "\r\n--%s", boundary);
    return ERR_OK;
}

/* What comes behind a delimiter: the next part's first line, or the end. */
static enum err pass_delimiter(struct multipart *m)
{
    if (m->end - m->at >= 2 && memcmp(m->at, "--", 2) == 0) {
        m->at = NULL; /* what may follow is nobody's */
        return ERR_OK;
    }
    m->at = skip_blanks(m->at, m->end);
    FAIL_IF(m->end - m->at < 2 || memcmp(m->at, "\r\n", 2) != 0, ERR_INVALID,
            "a boundary of the form does not end its line");
    m->at += 2;
    return ERR_OK;
}

enum err multipart_begin(struct multipart *m, const char *content_type,
                         const char *body, size_t n)
{
    *m = (struct multipart){.at = NULL};
    TRY(read_boundary(m, content_type));
    FAIL_IF(n == 0, ERR_INVALID, "the form is empty");
    const char *dashes = m->delimiter + 2;
    size_t n_dashes = m->n_delimiter - 2;
    m->end = body + n;
    if (n >= n_dashes && memcmp(body, dashes, n_dashes) == 0) {
        m->at = body + n_dashes;
        return pass_delimiter(m);
    }
    const char *found = memmem(body, n, m->delimiter, m->n_delimiter);
    FAIL_IF(found == NULL, ERR_INVALID, "the form does not have its boundary");
    m->at = found + m->n_delimiter;
    return pass_delimiter(m);
}

/* ---- One part ---- */

static enum err read_disposition(const char *p, const char *end,
                                 struct multipart_part *part)
{
    static const char kind[] = "form-data";
    bool sound = (size_t)(end - p) >= sizeof kind - 1 &&
                 strncasecmp(p, kind, sizeof kind - 1) == 0 &&
                 find_parameter(p, end, "name", part->name, sizeof part->name) &&
                 part->name[0] != '\0';
    FAIL_IF(!sound, ERR_INVALID, "a part of the form has no name");
    if (!find_parameter(p, end, "filename", part->filename, sizeof part->filename)) {
        part->filename[0] = '\0';
    }
    FAIL_IF(!utf8_valid(part->name, strlen(part->name)) ||
                !utf8_valid(part->filename, strlen(part->filename)),
            ERR_INVALID, "a name in the form is not UTF-8");
    return ERR_OK;
}

static bool is_header(const char *line, const char *colon, const char *name)
{
    return (size_t)(colon - line) == strlen(name) &&
           strncasecmp(line, name, strlen(name)) == 0;
}

static enum err read_header(const char *line, const char *end,
                            struct multipart_part *part)
{
    const char *colon = memchr(line, ':', (size_t)(end - line));
    FAIL_IF(colon == NULL, ERR_INVALID, "a header in the form has no colon");
    const char *value = skip_blanks(colon + 1, end);
    if (is_header(line, colon, "Content-Disposition")) {
        return read_disposition(value, end, part);
    }
    if (is_header(line, colon, "Content-Type")) {
        snprintf(part->type, sizeof part->type, "%.*s", (int)(end - value), value);
        return ERR_OK;
    }
    if (is_header(line, colon, "Content-Transfer-Encoding")) {
        size_t n = (size_t)(end - value);
        bool plain = (n == 6 && strncasecmp(value, "binary", n) == 0) ||
                     (n == 4 && (strncasecmp(value, "8bit", n) == 0 ||
                                 strncasecmp(value, "7bit", n) == 0));
        FAIL_IF(!plain, ERR_UNSUPPORTED,
                "parts of a form must come as they are, without a transfer encoding");
    }
    return ERR_OK;
}

/* The lines up to the empty one, behind which m->at is then. */
static enum err read_headers(struct multipart *m, struct multipart_part *part)
{
    const char *begin = m->at;
    for (;;) {
        const char *line_end = memmem(m->at, (size_t)(m->end - m->at), "\r\n", 2);
        FAIL_IF(line_end == NULL, ERR_INVALID, "a part of the form is cut short");
        FAIL_IF(line_end - begin > LIMIT_FORM_HEAD_BYTES, ERR_LIMIT,
                "the headers of a part of the form have more than %d bytes",
                LIMIT_FORM_HEAD_BYTES);
        const char *line = m->at;
        m->at = line_end + 2;
        if (line == line_end) {
            return ERR_OK;
        }
        TRY(read_header(line, line_end, part));
    }
}

enum err multipart_next(struct multipart *m, struct multipart_part *part, bool *more)
{
    *part = (struct multipart_part){.n = 0};
    *more = m->at != NULL;
    if (!*more) {
        return ERR_OK;
    }
    FAIL_IF(m->n_parts++ >= LIMIT_FORM_PARTS, ERR_LIMIT,
            "the form has more than %d parts", LIMIT_FORM_PARTS);
    TRY(read_headers(m, part));
    FAIL_IF(part->name[0] == '\0', ERR_INVALID, "a part of the form has no name");
    part->bytes = m->at;
    const char *found = NULL;
    /* An empty part's delimiter shares its CRLF with the empty line. */
    if ((size_t)(m->end - m->at) + 2 >= m->n_delimiter) {
        found = memmem(m->at - 2, (size_t)(m->end - m->at) + 2, m->delimiter,
                       m->n_delimiter);
    }
    FAIL_IF(found == NULL, ERR_INVALID, "the part '%.64s' of the form does not end",
            part->name);
    part->n = found > m->at ? (size_t)(found - m->at) : 0;
    m->at = found + m->n_delimiter;
    return pass_delimiter(m);
}
