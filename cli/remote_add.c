/*
 * remote_add.c - see remote_add.h.
 *
 * For each picture the server is asked for the point of its id; those that are not there
 * as they should be are gathered into a form, which is sent when it is large enough.
 */
#include "cli/remote_add.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "cli/remote.h"
#include "cli/remote_http.h"
#include "db/duet_pictures.h"

enum {
    FORM_PICTURES = 64,      /* in one request */
    FORM_BYTES = 32 << 20,   /* and bytes, past which it is sent */
    FORM_OVERHEAD = 64 << 10 /* of a body: its heads and boundaries */
};

/* A picture in the form. */
struct sent {
    char *path; /* owned */
    bool is_there;
};

struct adding {
    const struct cli *cli;
    const struct duet_add_options *options;
    struct duet_add_progress progress;
    char uuid[DUET_ID_TEXT_MAX]; /* of the server's database */
    uint64_t start_ns;
    struct remote_form *form; /* NULL: nothing waits */
    size_t n_bytes;
    struct sent sent[FORM_PICTURES]; /* [n_sent] */
    size_t n_sent;
};

/* ---- Telling -------------------------------------------------------------------- */

static enum err tell_progress(struct adding *a)
{
    a->progress.seconds = (double)(clock_monotonic_ns() - a->start_ns) / 1e9;
    a->progress.cpu_seconds = (double)clock_cpu_ns() / 1e9;
    bool go_on = a->options->progress == NULL ||
                 a->options->progress(a->options->arg, &a->progress);
    FAIL_IF(!go_on, ERR_CANCELLED, "stopped");
    return ERR_OK;
}

static void tell_failed(struct adding *a, const char *path, enum err code,
                        const char *reason)
{
    a->progress.n_failed++;
    a->progress.n_done++;
    if (a->options->failed != NULL) {
        a->options->failed(a->options->arg, path, code, reason);
    }
}

/* A callback of the walk. */
static void walk_failed(void *arg, const char *path, enum err code, const char *reason)
{
    tell_failed(arg, path, code, reason);
}

/* ---- Sending -------------------------------------------------------------------- */

static void forget_form(struct adding *a)
{
    for (size_t i = 0; i < a->n_sent; i++) {
        alloc_free(a->sent[i].path);
    }
    a->n_sent = 0;
    a->n_bytes = 0;
    a->form = NULL;
}

static enum err take_outcome(struct adding *a, const struct sent *sent,
                             struct json_object *told)
{
    const char *status = "";
    const char *reason = "";
    TRY(json_get_string(told, "status", &status));
    if (strcmp(status, "ok") != 0) {
        TRY(json_get_string(told, "error", &reason));
        tell_failed(a, sent->path, ERR_INVALID, reason);
        return ERR_OK;
    }
    a->progress.n_done++;
    a->progress.n_added += sent->is_there ? 0 : 1;
    a->progress.n_updated += sent->is_there ? 1 : 0;
    return ERR_OK;
}

static enum err take_outcomes(struct adding *a, struct json_object *answer)
{
    struct json_object *points = json_get(answer, "points");
    FAIL_IF(!json_object_is_type(points, json_type_array) ||
                json_object_array_length(points) != a->n_sent,
            ERR_INTERNAL, "the server tells of other pictures than were sent");
    for (size_t i = 0; i < a->n_sent; i++) {
        TRY(take_outcome(a, &a->sent[i], json_object_array_get_idx(points, i)));
    }
    return ERR_OK;
}

static enum err send_form(struct adding *a)
{
    struct json_object *answer = NULL;
    if (a->form == NULL) {
        return ERR_OK;
    }
    enum err result = remote_form_send(&answer, a->cli, "/upload", a->form);
    if (result == ERR_OK) {
        result = take_outcomes(a, answer);
    }
    json_object_put(answer);
    forget_form(a);
    TRY(result);
    return tell_progress(a);
}

static enum err add_field(struct adding *a, const char *name, const char *text)
{
    a->n_bytes += strlen(text);
    return remote_form_add(a->form, name, NULL, text, strlen(text));
}

static enum err add_to_form(struct adding *a, const struct duet_found_picture *picture,
                            struct duet_id id, const char *payload)
{
    char text[DUET_ID_TEXT_MAX];
    const char *slash = strrchr(picture->path, '/');
    duet_id_format(id, text);
    TRY(add_field(a, "id", text));
    TRY(add_field(a, "payload", payload));
    if (picture->text != NULL) {
        TRY(add_field(a, "text", picture->text));
    }
    a->n_bytes += picture->n;
    return remote_form_add(a->form, "file", slash != NULL ? slash + 1 : picture->path,
                           picture->bytes, picture->n);
}

static enum err send(struct adding *a, const struct duet_found_picture *picture,
                     struct duet_id id, const char *payload, bool is_there)
{
    if (a->form == NULL) {
        TRY(remote_form_open(&a->form));
    }
    char *path = alloc_dup(picture->path);
    FAIL_IF(path == NULL, ERR_NOMEM, "out of memory");
    a->sent[a->n_sent++] = (struct sent){path, is_there};
    TRY(add_to_form(a, picture, id, payload));
    return a->n_sent == FORM_PICTURES || a->n_bytes >= FORM_BYTES ? send_form(a)
                                                                  : ERR_OK;
}

/* ---- Looking -------------------------------------------------------------------- */

static bool same_json(const char *a, const char *b)
{
    struct json_object *x = NULL;
    struct json_object *y = NULL;
    bool same = json_parse(&x, a, strlen(a)) == ERR_OK &&
                json_parse(&y, b, strlen(b)) == ERR_OK && json_object_equal(x, y) != 0;
    json_object_put(x);
    json_object_put(y);
    return same;
}

/* `stored` is the point that is there; NULL: none. */
static enum err look_at(struct adding *a, const struct duet_found_picture *picture,
                        struct duet_id id, const struct duet_hit *stored)
{
    char *payload;
    TRY(duet_found_payload(picture, stored != NULL ? stored->payload : NULL, &payload));
    bool same = stored != NULL && strcmp(stored->hash, picture->hash) == 0 &&
                same_json(stored->payload, payload);
    a->progress.n_unchanged += same;
    a->progress.n_done += same;
    enum err result = same ? ERR_OK : send(a, picture, id, payload, stored != NULL);
    duet_free(payload);
    return result;
}

static enum err visit(void *arg, const struct duet_found_picture *picture)
{
    struct adding *a = arg;
    struct duet_id id = picture->id;
    struct duet_hits hits;
    TRY(tell_progress(a));
    if (picture->n > LIMIT_BODY_BYTES - FORM_OVERHEAD - LIMIT_PAYLOAD_BYTES) {
        tell_failed(a, picture->path, ERR_LIMIT, "too large for a request");
        return ERR_OK;
    }
    if (a->form != NULL && a->n_bytes + picture->n > FORM_BYTES) {
        TRY(send_form(a));
    }
    if (!picture->has_id) {
        TRY(duet_id_of_file_in(a->uuid, picture->path, &id));
    }
    TRY(remote_get(&hits, a->cli, &id, 1, false));
    enum err result = look_at(a, picture, id, hits.n > 0 ? &hits.hits[0] : NULL);
    duet_hits_release(&hits);
    return result;
}

/* ---- All of it ------------------------------------------------------------------ */

/* Makes the collection where it is not there, as an add does. */
static enum err prepare(struct adding *a)
{
    enum err result = remote_uuid(a->uuid, a->cli);
    if (result == ERR_NOT_FOUND) {
        struct json_object *made;
        TRY(remote_ask_by(&made, a->cli, "PUT", "", "{}"));
        json_object_put(made);
        result = remote_uuid(a->uuid, a->cli);
    }
    return result;
}

static enum err walk(struct adding *a)
{
    struct duet_add_options options = *a->options;
    size_t n_found;
    options.failed = walk_failed;
    options.progress = NULL;
    enum err result = duet_pictures_walk(&options, visit, a, &n_found);
    if (result == ERR_OK) {
        result = send_form(a);
    }
    remote_form_close(a->form);
    forget_form(a);
    a->progress.n_found = a->progress.n_done;
    a->progress.walked = true;
    TRY(result);
    FAIL_IF(a->progress.n_found == 0, ERR_INVALID, "%s: there are no pictures",
            options.n_paths > 0 ? options.paths[0] : options.jsonl);
    return ERR_OK;
}

enum err remote_add(const struct cli *cli, const struct duet_add_options *options,
                    struct duet_add_progress *result)
{
    struct adding *a = alloc_zero(1, sizeof *a);
    FAIL_IF(a == NULL, ERR_NOMEM, "out of memory");
    a->cli = cli;
    a->options = options;
    a->start_ns = clock_monotonic_ns();
    enum err outcome = prepare(a);
    if (outcome == ERR_OK) {
        outcome = walk(a);
    }
    a->progress.seconds = (double)(clock_monotonic_ns() - a->start_ns) / 1e9;
    *result = a->progress;
    alloc_free(a);
    return outcome;
}
