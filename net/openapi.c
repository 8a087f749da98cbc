/*
 * openapi.c - /openapi.json: what the server does, for programs. tools/openapi.py makes
 * net/openapi.json of the dialect's description and of the table of routes.
 */
#include "net/api.h"
#include "net/embed.h"

EMBED(openapi_json, "net/openapi.json");

enum err api_openapi(struct api_call *call)
{
    return buf_append(&call->out.text, openapi_json_begin,
                      (size_t)(openapi_json_end - openapi_json_begin));
}
