/*
 * api_snapshots.c - snapshots of a collection, and of all, as db/duet_snapshot.h keeps
 * them.
 *
 * The work is done before the answer, whatever ?wait= says. A body is bounded, so what
 * is larger comes in parts: PUT …/snapshots/{name}?offset=0&total=N, then recover.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "db/duet_snapshot.h"
#include "net/api.h"
#include "net/multipart.h"

/* The collection in the path; NULL: the route is about the whole database. */
static const char *collection_of(const struct api_call *call)
{
    return strncmp(call->match.route->pattern, "/snapshots", 10) == 0
               ? NULL
               : call->match.params[0];
}

static const char *name_of(const struct api_call *call)
{
    return call->match.params[collection_of(call) != NULL ? 1 : 0];
}

static void write_time(struct json_out *out, int64_t ms)
{
    char text[32];
    struct tm tm;
    time_t seconds = (time_t)(ms / 1000);
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    out_string(out, text);
}

static void write_snapshot(struct json_out *out, const struct duet_snapshot *snapshot)
{
    out_begin(out, '{');
    out_key(out, "name");
    out_string(out, snapshot->name);
    out_key(out, "creation_time");
    write_time(out, snapshot->created_ms);
    out_key(out, "size");
    out_size(out, snapshot->size_bytes);
    out_key(out, "checksum");
    out_string(out, snapshot->sha256[0] != '\0' ? snapshot->sha256 : NULL);
    out_end(out, '}');
}

enum err api_snapshot_create(struct api_call *call)
{
    struct duet_snapshot snapshot;
    TRY(duet_snapshot_create(call->api->db, collection_of(call), &snapshot));
    write_snapshot(&call->out, &snapshot);
    return ERR_OK;
}

enum err api_snapshots_list(struct api_call *call)
{
    struct duet_snapshots list;
    TRY(duet_snapshots_list(call->api->db, collection_of(call), &list));
    out_begin(&call->out, '[');
    for (size_t i = 0; i < list.n; i++) {
        write_snapshot(&call->out, &list.items[i]);
    }
    out_end(&call->out, ']');
    duet_snapshots_release(&list);
    return ERR_OK;
}

enum err api_snapshot_delete(struct api_call *call)
{
    TRY(duet_snapshot_delete(call->api->db, collection_of(call), name_of(call)));
    out_bool(&call->out, true);
    return ERR_OK;
}

enum err api_snapshot_download(struct api_call *call)
{
    struct duet_snapshot_file file;
    TRY(duet_snapshot_locate(call->api->db, collection_of(call), name_of(call), &file));
    call->file_fd = file.fd;
    call->file_bytes = file.size_bytes;
    call->type = "application/octet-stream";
    return ERR_OK;
}

/* A file that is damaged, or of a later version, is the sender's to mend. Closes it. */
static enum err recover(struct api_call *call, int fd, const char *checksum)
{
    enum err result =
        duet_snapshot_recover(call->api->db, collection_of(call), fd, checksum);
    close(fd);
    out_bool(&call->out, true);
    return result == ERR_CORRUPT || result == ERR_VERSION ? ERR_INVALID : result;
}

enum err api_snapshot_recover(struct api_call *call)
{
    static const struct field_rule rules[] = {
        {"location", NULL},
        {"checksum", NULL},
        {"priority", NULL}, /* of replicas; there is one */
        {"api_key", "snapshots are not fetched from URLs"},
        {NULL, NULL},
    };
    struct field root;
    struct duet_snapshot_file file;
    const char *location = NULL;
    const char *checksum = NULL;
    TRY(api_call_json(call, &root));
    TRY(field_check(&root, rules));
    struct field at = field_get(&root, "location");
    struct field sum = field_get(&root, "checksum");
    TRY(field_require(&at));
    TRY(field_string(&at, &location));
    TRY(field_string(&sum, &checksum));
    enum err result =
        duet_snapshot_locate(call->api->db, collection_of(call), location, &file);
    if (result != ERR_OK) {
        return field_prefix(&at, result);
    }
    return recover(call, file.fd, checksum);
}

/* ---- Coming in ------------------------------------------------------------------ */

/* The part "snapshot" of the form. */
static enum err find_snapshot(struct api_call *call, struct multipart_part *part)
{
    struct multipart form;
    TRY(multipart_begin(&form, call->content_type, call->body, call->n_body));
    for (;;) {
        bool more;
        TRY(multipart_next(&form, part, &more));
        FAIL_IF(!more, ERR_INVALID, "the form has no part called \"snapshot\"");
        if (strcmp(part->name, "snapshot") == 0) {
            return ERR_OK;
        }
    }
}

static enum err write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0) {
            return err_errno(errno, "the snapshot");
        }
        bytes += done;
        n -= (size_t)done;
    }
    return ERR_OK;
}

enum err api_snapshot_upload(struct api_call *call)
{
    struct multipart_part part;
    char checksum[65];
    int fd;
    bool checked = api_call_value(call, "checksum", checksum, sizeof checksum);
    TRY(find_snapshot(call, &part));
    TRY(duet_snapshot_scratch(call->api->db, &fd));
    enum err result = write_all(fd, part.bytes, part.n);
    if (result != ERR_OK) {
        close(fd);
        return result;
    }
    return recover(call, fd, checked ? checksum : NULL);
}

enum err api_snapshot_put(struct api_call *call)
{
    char checksum[65];
    bool done;
    struct duet_snapshot_part part = {
        .bytes = call->body, .n = call->n_body, .total = call->n_body};
    TRY(api_call_number(call, "offset", &part.offset));
    TRY(api_call_number(call, "total", &part.total));
    if (api_call_value(call, "checksum", checksum, sizeof checksum)) {
        part.sha256 = checksum;
    }
    TRY(duet_snapshot_put(call->api->db, collection_of(call), name_of(call), &part,
                          &done));
    out_begin(&call->out, '{');
    out_key(&call->out, "received");
    out_size(&call->out, part.offset + part.n);
    out_key(&call->out, "complete");
    out_bool(&call->out, done);
    out_end(&call->out, '}');
    return ERR_OK;
}
