/*
 * model_look.c - see duet_model.h, duet_model_look.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "db/duet_model.h"
#include "db/model_manifest.h"
#include "db/model_probe.h"
#include "encoder/model_path.h"

static const double MEASURE_SECONDS = 0.5; /* of pictures, then of texts */

/* ---- Memory, as the system tells it ---------------------------------------------- */

/* A line of /proc/self/status in kilobytes, as bytes; 0 where it is not there. */
static uint64_t status_bytes(const char *key)
{
    char line[256];
    unsigned long long kb = 0;
    FILE *file = fopen("/proc/self/status", "re");
    if (file == NULL) {
        return 0;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) {
            (void)sscanf(line + strlen(key), ": %llu", &kb);
        }
    }
    fclose(file);
    return kb * 1024;
}

/* Files that were counted; a model of both towers in one file has it mapped twice. */
struct counted {
    unsigned long inodes[256];
    size_t n;
};

static bool count_once(struct counted *counted, unsigned long inode)
{
    for (size_t i = 0; i < counted->n; i++) {
        if (counted->inodes[i] == inode) {
            return false;
        }
    }
    if (counted->n < sizeof counted->inodes / sizeof counted->inodes[0]) {
        counted->inodes[counted->n++] = inode;
    }
    return true;
}

/* The bytes of one line of /proc/self/maps, if it is of a file in `folder` that was not
 * counted yet. */
static uint64_t line_bytes(const char *line, const char *folder,
                           struct counted *counted)
{
    unsigned long long first, end;
    unsigned long inode;
    const char *path = strchr(line, '/');
    size_t n = strlen(folder);
    return path != NULL && strncmp(path, folder, n) == 0 && path[n] == '/' &&
                   sscanf(line, "%llx-%llx %*s %*s %*s %lu", &first, &end, &inode) ==
                       3 &&
                   count_once(counted, inode)
               ? end - first
               : 0;
}

/* The bytes of this process's mappings of files in the folder. */
static uint64_t mapped_bytes(const char *folder)
{
    char line[PATH_MAX + 256], real[PATH_MAX];
    struct counted counted = {.n = 0};
    uint64_t n = 0;
    FILE *file = realpath(folder, real) == NULL ? NULL : fopen("/proc/self/maps", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        n += line_bytes(line, real, &counted);
    }
    if (file != NULL) {
        fclose(file);
    }
    return n;
}

/* ---- Speed ----------------------------------------------------------------------- */

typedef enum err probe_one(struct enc *enc, unsigned i, float *vector);

/* How many a second, one after the other on this thread, by the clock. */
static enum err measure(struct enc *enc, probe_one *probe, unsigned n_kinds,
                        double *rate)
{
    float *vector = alloc_array(enc_info(enc)->dim, sizeof *vector);
    enum err result = vector == NULL ? ERR_NOMEM : ERR_OK;
    uint64_t start = clock_monotonic_ns();
    double seconds = 0;
    unsigned n = 0;
    while (result == ERR_OK && seconds < MEASURE_SECONDS) {
        result = probe(enc, n % n_kinds, vector);
        n++;
        seconds = (double)(clock_monotonic_ns() - start) / 1e9;
    }
    *rate = result == ERR_OK ? n / seconds : 0;
    alloc_free(vector);
    return result;
}

/* One picture and one text first: the memory that they take, and the weights read from
 * the disk, which is not to be measured. */
static enum err run(struct enc *enc, bool with_speed, struct duet_model_details *out)
{
    float *vector = alloc_array(enc_info(enc)->dim, sizeof *vector);
    enum err result = vector == NULL ? ERR_NOMEM : probe_picture(enc, 0, vector);
    if (result == ERR_OK) {
        result = probe_text(enc, 0, vector);
    }
    alloc_free(vector);
    TRY(result);
    uint64_t anon = status_bytes("RssAnon");
    out->anon_bytes = anon > out->anon_bytes ? anon - out->anon_bytes : 0;
    out->rss_bytes = status_bytes("VmRSS");
    out->mapped_bytes = mapped_bytes(out->folder);
    if (with_speed) {
        TRY(measure(enc, probe_picture, PROBE_PICTURES, &out->images_per_second));
        TRY(measure(enc, probe_text, PROBE_TEXTS, &out->texts_per_second));
    }
    return ERR_OK;
}

/* ---- What it says of itself -------------------------------------------------------- */

static enum err take(char **dst, const char *text)
{
    *dst = alloc_dup(text == NULL ? "" : text);
    return *dst == NULL ? ERR_NOMEM : ERR_OK;
}

static enum err take_info(struct enc *enc, struct duet_model_details *out)
{
    const struct enc_info *info = enc_info(enc);
    const char *fingerprint;
    TRY(enc_fingerprint(enc, &fingerprint));
    TRY(take(&out->title, info->name));
    TRY(take(&out->space, info->space));
    TRY(take(&out->languages, info->languages));
    TRY(take(&out->family, info->family));
    TRY(take(&out->tokenizer, info->tokenizer));
    TRY(take(&out->preprocessing, info->preprocessing));
    TRY(take(&out->fingerprint, fingerprint));
    out->dim = info->dim;
    out->image_size = info->image_size;
    out->max_tokens = info->max_tokens;
    out->logit_scale = info->logit_scale;
    return ERR_OK;
}

/* The hub's word on the licence goes before the configuration's, which of most families
 * has none. */
static enum err take_origin(const struct enc *enc, struct duet_model_details *out)
{
    struct manifest manifest;
    enum err result = manifest_read(&manifest, out->folder);
    if (result == ERR_NOMEM) {
        return result;
    }
    result = take(&out->repository, manifest.repository);
    if (result == ERR_OK) {
        result = take(&out->revision, manifest.revision);
    }
    if (result == ERR_OK) {
        bool said = manifest.licence != NULL && manifest.licence[0] != '\0';
        result = take(&out->licence, said ? manifest.licence : enc_info(enc)->licence);
    }
    manifest_release(&manifest);
    return result;
}

static enum err name_it(const char *name, struct duet_model_details *out)
{
    struct buf folder, found;
    buf_init(&folder, PATH_MAX);
    buf_init(&found, PATH_MAX);
    enum err result = enc_find_model(name == NULL ? ENC_MODEL_DEFAULT : name, &folder);
    if (result == ERR_OK) {
        result = enc_model_name(folder.data, &found);
    }
    if (result == ERR_OK) {
        result = take(&out->folder, folder.data);
    }
    if (result == ERR_OK) {
        result = take(&out->name, found.data);
    }
    buf_release(&found);
    buf_release(&folder);
    return result;
}

static enum err look(const char *name, bool with_speed, struct duet_model_details *out)
{
    struct enc *enc;
    TRY(name_it(name, out));
    out->anon_bytes = status_bytes("RssAnon");
    TRY(probe_open(&enc, out->folder));
    enum err result = run(enc, with_speed, out);
    if (result == ERR_OK) {
        result = take_info(enc, out);
    }
    if (result == ERR_OK) {
        result = take_origin(enc, out);
    }
    enc_close(enc);
    return result;
}

enum err duet_model_look(const char *name, bool measure_speed,
                         struct duet_model_details *out)
{
    *out = (struct duet_model_details){0};
    enum err result = look(name, measure_speed, out);
    if (result != ERR_OK) {
        duet_model_details_release(out);
    }
    return result;
}

void duet_model_details_release(struct duet_model_details *details)
{
    char *const owned[] = {
        details->name,        details->folder,     details->title,
        details->space,       details->licence,    details->languages,
        details->family,      details->tokenizer,  details->preprocessing,
        details->fingerprint, details->repository, details->revision};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) {
        alloc_free(owned[i]);
    }
    *details = (struct duet_model_details){0};
}
