/*
 * http_err.c - see http_err.h.
 *
 * What the client can mend is 4xx, what it cannot is 5xx. A vector of another size
 * (ERR_CONFLICT) is 400, as in the dialect, where 409 is kept for names in use.
 */
#include "net/http_err.h"

#include <stddef.h>

int http_status_of(enum err code)
{
    static const int statuses[] = {
        [ERR_OK] = 200,       [ERR_NOMEM] = 503,     [ERR_INVALID] = 400,
        [ERR_LIMIT] = 400,    [ERR_NOT_FOUND] = 404, [ERR_EXISTS] = 409,
        [ERR_CONFLICT] = 400, [ERR_CORRUPT] = 500,   [ERR_VERSION] = 500,
        [ERR_IO] = 500,       [ERR_FULL] = 507,      [ERR_BUSY] = 503,
        [ERR_TIMEOUT] = 503,  [ERR_CANCELLED] = 503, [ERR_UNSUPPORTED] = 501,
        [ERR_MODEL] = 500,    [ERR_INTERNAL] = 500,
    };
    size_t i = (size_t)code;
    return i < sizeof statuses / sizeof statuses[0] ? statuses[i] : 500;
}

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status) {
            return reasons[i].reason;
        }
    }
    return "Unknown";
}
