/*
 * api_upload.c - POST /collections/{c}/upload: pictures as a form (multipart/form-data),
 * as browsers and `curl -F` send them. A file is a picture; the fields before it, since
 * the last file, are about it: "id", "text" (its caption), "payload" (a JSON object).
 *
 * Each picture is answered for itself: a bad one costs the others nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "net/api.h"
#include "net/api_point_out.h"
#include "net/each_point.h"
#include "net/multipart.h"

/* One picture and what was said of it. */
struct picture {
    char filename[MULTIPART_NAME_MAX];
    char *text, *payload, *id; /* copies, NULL: not said; owned until told */
    struct duet_named_input vectors[2];
};

struct upload {
    struct api_call *call;
    struct each_point each;
    struct picture pictures[LIMIT_IMPORT_GROUP]; /* those that wait, and one more */
    size_t n_pictures;                           /* done and waiting, in all */
    size_t n_written;
};

/* The picture of a number, or its successor in the same place. */
static struct picture *picture_at(struct upload *u, size_t i)
{
    return &u->pictures[i % LIMIT_IMPORT_GROUP];
}

static void clear(struct picture *p)
{
    alloc_free(p->text);
    alloc_free(p->payload);
    alloc_free(p->id);
    *p = (struct picture){.text = NULL};
}

static void tell(void *arg, size_t i, const struct duet_point_input *point,
                 enum err result)
{
    struct upload *u = arg;
    struct json_out *out = &u->call->out;
    struct picture *p = picture_at(u, i);
    char sentence[ERR_DETAIL_MAX];
    memcpy(sentence, err_detail(), sizeof sentence);
    u->n_written += result == ERR_OK;
    out_begin(out, '{');
    out_key(out, "file");
    out_string(out, p->filename);
    out_key(out, "status");
    out_string(out, result == ERR_OK ? "ok" : "error");
    if (result == ERR_OK) {
        out_key(out, "id");
        point_write_id(out, point->id);
    } else {
        out_key(out, "error");
        out_string(out, sentence);
    }
    out_end(out, '}');
    clear(p);
}

/* ---- The form ------------------------------------------------------------------- */

static enum err keep_field(const struct multipart_part *part, char **out)
{
    FAIL_IF(*out != NULL, ERR_INVALID, "\"%s\" stands twice before a file", part->name);
    FAIL_IF(part->n > LIMIT_PAYLOAD_BYTES, ERR_LIMIT, "\"%s\" has more than %u bytes",
            part->name, LIMIT_PAYLOAD_BYTES);
    FAIL_IF(memchr(part->bytes, '\0', part->n) != NULL, ERR_INVALID,
            "\"%s\" has a NUL byte in it", part->name);
    *out = alloc_dup_n(part->bytes, part->n);
    FAIL_IF(*out == NULL, ERR_NOMEM, "out of memory");
    return ERR_OK;
}

static enum err take_field(struct picture *p, const struct multipart_part *part)
{
    if (strcmp(part->name, "id") == 0) {
        return keep_field(part, &p->id);
    }
    if (strcmp(part->name, "text") == 0) {
        return keep_field(part, &p->text);
    }
    FAIL_IF(strcmp(part->name, "payload") != 0, ERR_INVALID,
            "the field \"%.64s\" is not known here; a file needs a filename",
            part->name);
    return keep_field(part, &p->payload);
}

static enum err make_point(struct upload *u, struct picture *p,
                           const struct multipart_part *part,
                           struct duet_point_input *point)
{
    *point = (struct duet_point_input){
        .payload = p->payload, .vectors = p->vectors, .n_vectors = 1};
    point->n_payload = p->payload != NULL ? strlen(p->payload) : 0;
    p->vectors[0] = (struct duet_named_input){
        .input = {.kind = DUET_INPUT_IMAGE, .bytes = part->bytes, .n = part->n}};
    if (p->text != NULL && p->text[0] != '\0') {
        p->vectors[1] = (struct duet_named_input){.input = duet_input_text(p->text)};
        point->n_vectors = 2;
    }
    if (p->id == NULL || p->id[0] == '\0') {
        return duet_id_of_bytes(u->call->api->db, part->bytes, part->n, &point->id);
    }
    FAIL_IF(duet_id_parse(&point->id, p->id) != ERR_OK, ERR_INVALID,
            "\"id\" must be a whole number or a UUID");
    return ERR_OK;
}

static enum err take_file(struct upload *u, const struct multipart_part *part)
{
    struct duet_point_input point;
    size_t i = u->n_pictures++;
    struct picture *p = picture_at(u, i);
    memcpy(p->filename, part->filename, sizeof p->filename);
    enum err result = make_point(u, p, part, &point);
    if (result != ERR_OK && !each_point_is_fault(result)) {
        return result;
    }
    if (result == ERR_OK) {
        return each_point_add(&u->each, i, &point);
    }
    char sentence[ERR_DETAIL_MAX];
    memcpy(sentence, err_detail(), sizeof sentence);
    TRY(each_point_flush(&u->each));
    err_set(result, "%s", sentence);
    tell(u, i, &point, result);
    return ERR_OK;
}

static enum err read_fields(const struct api_call *call, struct picture *p,
                            size_t *n_files)
{
    struct multipart form;
    struct multipart_part part;
    TRY(multipart_begin(&form, call->content_type, call->body, call->n_body));
    for (;;) {
        bool more;
        TRY(multipart_next(&form, &part, &more));
        if (!more) {
            return ERR_OK;
        }
        if (part.filename[0] != '\0') {
            ++*n_files;
            clear(p);
        } else {
            TRY(take_field(p, &part));
        }
    }
}

/* A form that is wrong is refused before anything of it is written. */
static enum err check_form(const struct api_call *call)
{
    struct picture p = {.text = NULL};
    size_t n_files = 0;
    enum err result = read_fields(call, &p, &n_files);
    bool left = p.id != NULL || p.text != NULL || p.payload != NULL;
    clear(&p);
    TRY(result);
    FAIL_IF(left, ERR_INVALID, "fields stand before the file that they are about");
    FAIL_IF(n_files == 0, ERR_INVALID,
            "the form has no file: each picture is a part with a filename");
    return ERR_OK;
}

static enum err take_form(struct upload *u)
{
    struct multipart form;
    struct multipart_part part;
    struct api_call *call = u->call;
    TRY(multipart_begin(&form, call->content_type, call->body, call->n_body));
    for (;;) {
        bool more;
        TRY(multipart_next(&form, &part, &more));
        if (!more) {
            return each_point_flush(&u->each);
        }
        TRY(part.filename[0] != '\0' ? take_file(u, &part)
                                     : take_field(picture_at(u, u->n_pictures), &part));
    }
}

static enum err run(struct upload *u)
{
    struct json_out *out = &u->call->out;
    uint64_t start_ns = clock_monotonic_ns();
    out_begin(out, '{');
    out_key(out, "points");
    out_begin(out, '[');
    enum err result = take_form(u);
    out_end(out, ']');
    out_end(out, '}');
    if (u->n_written > 0) {
        metrics_upsert(u->call->api->metrics, u->n_written,
                       (double)(clock_monotonic_ns() - start_ns) / 1e9);
    }
    return result;
}

enum err api_upload(struct api_call *call)
{
    struct duet_collections list;
    TRY(check_form(call));
    TRY(duet_collections_list(call->api->db, call->match.params[0], &list));
    duet_collections_release(&list);
    struct upload *u = alloc_zero(1, sizeof *u);
    FAIL_IF(u == NULL, ERR_NOMEM, "out of memory");
    u->call = call;
    each_point_init(&u->each, call->api->db, call->match.params[0], tell, u);
    enum err result = run(u);
    for (size_t i = 0; i < LIMIT_IMPORT_GROUP; i++) {
        clear(&u->pictures[i]);
    }
    alloc_free(u);
    return result;
}
