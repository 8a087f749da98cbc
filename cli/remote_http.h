/*
 * remote_http.h - one request to the server of this run (--url), about its collection.
 *
 *     struct json_object *result;
 *     TRY(remote_ask(&result, cli, "/points/count", "{}"));
 *     ... json_object_put(result);
 *
 * Errors as remote.h has them. One thread.
 */
#ifndef CLI_REMOTE_HTTP_H
#define CLI_REMOTE_HTTP_H

#include "base/json.h"
#include "cli/cli.h"

/* Asks URL/collections/NAME and `route`; `body` NULL: GET, else POST. Hands out the
 * answer's "result" (json_object_put). */
enum err remote_ask(struct json_object **out, const struct cli *cli, const char *route,
                    const char *body) ERR_CHECK;

/* The same by another method. */
enum err remote_ask_by(struct json_object **out, const struct cli *cli,
                       const char *method, const char *route, const char *body)
    ERR_CHECK;

/* As remote_ask; takes over `body`. */
enum err remote_ask_json(struct json_object **out, const struct cli *cli,
                         const char *route, struct json_object *body) ERR_CHECK;

/* PUTs bytes[n] as they are. */
enum err remote_put(struct json_object **out, const struct cli *cli, const char *route,
                    const void *bytes, size_t n) ERR_CHECK;

/* ---- Forms (multipart/form-data) ---- */

struct remote_form;

enum err remote_form_open(struct remote_form **out) ERR_CHECK;
/* Accepts NULL. */
void remote_form_close(struct remote_form *form);

/* Adds a field, or with `filename` a file; the bytes are copied. */
enum err remote_form_add(struct remote_form *form, const char *name,
                         const char *filename, const void *bytes, size_t n) ERR_CHECK;

/* Sends the form, and closes it in any case. */
enum err remote_form_send(struct json_object **out, const struct cli *cli,
                          const char *route, struct remote_form *form) ERR_CHECK;

#endif
