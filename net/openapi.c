/*
 * openapi.c - /openapi.json: what the server does, for programs. tools/openapi.py makes
 * net/openapi.json of the dialect's description and of the table of routes.
 */
#include "net/api.h"
#include "net/embed.h"

EMBED(openapi_json, "net/openapi.json");

static enum err append(struct buf *text, const char *begin, const char *end)
{
    return buf_append(text, begin, (size_t)(end - begin));
}

enum err api_openapi(struct api_call *call)
{
    return append(&call->out.text, openapi_json_begin, openapi_json_end);
}
