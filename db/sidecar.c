/*
 * sidecar.c - see sidecar.h.
 */
#include "db/sidecar.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/utf8.h"

static const char TRANSLATION_MARK[] = ".utf8=";

/* 0 means that there are no notes, so bytes never hash to it. */
static uint64_t hash_of(const char *bytes, size_t n)
{
    uint64_t hash = XXH3_64bits(bytes, n);
    return hash == 0 ? 1 : hash;
}

void sidecar_release(struct sidecar *notes)
{
    alloc_free(notes->text);
    json_object_put(notes->captions);
    json_object_put(notes->payload);
    *notes = (struct sidecar){0};
}

/* ---- Text ---------------------------------------------------------------------- */

/* A line without its end; `n` may shrink to 0. */
static size_t trimmed(const char **line, size_t n)
{
    while (n > 0 && strchr(" \t\r", (*line)[n - 1]) != NULL) {
        n--;
    }
    while (n > 0 && strchr(" \t", (*line)[0]) != NULL) {
        (*line)++;
        n--;
    }
    return n;
}

/* The length of LANG in "LANG.utf8=…", or 0 where the line is no such one. */
static size_t language_bytes(const char *line, size_t n)
{
    size_t n_mark = sizeof TRANSLATION_MARK - 1;
    size_t i = 0;
    while (i < n &&
           (line[i] == '_' || line[i] == '@' || line[i] == '-' ||
            (line[i] >= '0' && line[i] <= '9') || (line[i] >= 'a' && line[i] <= 'z') ||
            (line[i] >= 'A' && line[i] <= 'Z'))) {
        i++;
    }
    bool marked = n - i >= n_mark && memcmp(line + i, TRANSLATION_MARK, n_mark) == 0;
    return marked ? i : 0;
}

static enum err add_translation(struct sidecar *out, const char *line,
                                size_t n_language, size_t n)
{
    size_t n_head = n_language + sizeof TRANSLATION_MARK - 1;
    const char *text = line + n_head;
    size_t n_text = trimmed(&text, n - n_head);
    if (n_text == 0) {
        return ERR_OK;
    }
    if (out->captions == NULL) {
        out->captions = json_object_new_object();
    }
    char *language = alloc_dup_n(line, n_language);
    struct json_object *value = json_object_new_string_len(text, (int)n_text);
    if (language == NULL || out->captions == NULL || value == NULL) {
        alloc_free(language);
        json_object_put(value);
        return err_set(ERR_NOMEM, "out of memory");
    }
    json_object_object_add(out->captions, language, value);
    alloc_free(language);
    return ERR_OK;
}

static enum err read_line(struct sidecar *out, const char *line, size_t n)
{
    n = trimmed(&line, n);
    size_t n_language = language_bytes(line, n);
    if (n_language > 0) {
        return add_translation(out, line, n_language, n);
    }
    if (n > 0 && out->text == NULL) {
        out->text = alloc_dup_n(line, n);
        FAIL_IF(out->text == NULL, ERR_NOMEM, "out of memory");
    }
    return ERR_OK;
}

enum err sidecar_parse_text(struct sidecar *out, const char *bytes, size_t n)
{
    *out = (struct sidecar){.hash = hash_of(bytes, n)};
    if (n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) { /* a byte-order mark */
        bytes += 3;
        n -= 3;
    }
    if (!utf8_valid(bytes, n) || memchr(bytes, '\0', n) != NULL) {
        *out = (struct sidecar){0};
        return err_set(ERR_INVALID, "the text is not UTF-8");
    }
    while (n > 0) {
        const char *end = memchr(bytes, '\n', n);
        size_t n_line = end == NULL ? n : (size_t)(end - bytes);
        enum err result = read_line(out, bytes, n_line);
        if (result != ERR_OK) {
            sidecar_release(out);
            return result;
        }
        size_t step = end == NULL ? n_line : n_line + 1;
        bytes += step;
        n -= step;
    }
    return ERR_OK;
}

/* ---- JSON ---------------------------------------------------------------------- */

static enum err read_caption(struct sidecar *out, struct json_object *object)
{
    static const char *const keys[] = {"text", "caption", "title"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct json_object *value = json_get(object, keys[i]);
        if (!json_object_is_type(value, json_type_string)) {
            continue;
        }
        const char *text = json_object_get_string(value);
        size_t n = trimmed(&text, strlen(text));
        if (n > 0) {
            out->text = alloc_dup_n(text, n);
            FAIL_IF(out->text == NULL, ERR_NOMEM, "out of memory");
            return ERR_OK;
        }
    }
    return ERR_OK;
}

/* The member as an object of its own, or NULL where there is none. */
static enum err take_object(struct json_object **out, struct json_object *object,
                            const char *key)
{
    struct json_object *value = json_get(object, key);
    if (value == NULL) {
        return ERR_OK;
    }
    FAIL_IF(!json_object_is_type(value, json_type_object), ERR_INVALID,
            "\"%s\" must be an object", key);
    *out = json_object_get(value);
    return ERR_OK;
}

static enum err read_object(struct sidecar *out, struct json_object *object)
{
    TRY(read_caption(out, object));
    TRY(take_object(&out->captions, object, "captions"));
    return take_object(&out->payload, object, "payload");
}

enum err sidecar_parse_json(struct sidecar *out, const char *bytes, size_t n)
{
    struct json_object *object;
    *out = (struct sidecar){0};
    TRY(json_parse(&object, bytes, n));
    out->hash = hash_of(bytes, n);
    enum err result = read_object(out, object);
    json_object_put(object);
    if (result != ERR_OK) {
        sidecar_release(out);
    }
    return result;
}

/* ---- Files --------------------------------------------------------------------- */

/* The picture's path with another ending, into path[PATH_MAX]; false if it would not
 * fit. */
static bool path_with_ending(char *path, const char *picture_path, const char *ending)
{
    const char *slash = strrchr(picture_path, '/');
    const char *name = slash == NULL ? picture_path : slash + 1;
    const char *dot = strrchr(name, '.');
    size_t n = dot == NULL || dot == name ? strlen(picture_path)
                                          : (size_t)(dot - picture_path);
    int written = snprintf(path, PATH_MAX, "%.*s%s", (int)n, picture_path, ending);
    return written > 0 && written < PATH_MAX;
}

enum err sidecar_read(struct sidecar *out, const char *picture_path)
{
    static const struct {
        const char *ending;
        enum err (*parse)(struct sidecar *out, const char *bytes, size_t n);
    } kinds[] = {{".json", sidecar_parse_json}, {".txt", sidecar_parse_text}};
    char path[PATH_MAX];
    *out = (struct sidecar){0};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct buf bytes;
        if (!path_with_ending(path, picture_path, kinds[i].ending)) {
            continue;
        }
        buf_init(&bytes, LIMIT_PAYLOAD_BYTES);
        enum err result = file_read(path, &bytes);
        if (result == ERR_OK) {
            result = kinds[i].parse(out, bytes.data, bytes.size);
            result = result == ERR_OK ? ERR_OK : err_prefix(result, "%s", path);
        }
        buf_release(&bytes);
        if (result != ERR_NOT_FOUND) {
            return result;
        }
    }
    return ERR_OK;
}
