/*
 * api_unsupported.c - routes of the dialect that are not done: 501 with a sentence.
 */
#include <string.h>

#include "net/api.h"

/* Why what begins so, behind the collection's name, is not meant to be done. */
static const struct {
    const char *part; /* of the pattern */
    const char *reason;
} reasons[] = {
    {"/shards", "a collection is one shard, on one machine"},
    {"/cluster", "there is no cluster: one machine serves"},
    {"/optimizations", "segments are built by themselves, see /metrics"},
    {"/issues", "there are none to be listed, see the log"},
    {"/quotas", "quotas are not kept"},
    {"/locks", "writes can't be locked; stop who writes instead"},
};

enum err api_unsupported(struct api_call *call)
{
    const struct route *route = call->match.route;
    const char *reason = NULL;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (strstr(route->pattern, reasons[i].part) != NULL) {
            reason = reasons[i].reason;
            break;
        }
    }
    return err_set(ERR_UNSUPPORTED, "%s %s is not supported%s%s", route->method,
                   route->pattern, reason == NULL ? " yet" : ": ",
                   reason == NULL ? "" : reason);
}
