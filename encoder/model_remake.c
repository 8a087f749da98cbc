/*
 * model_remake.c - see model_remake.h.
 */
#include "encoder/model_remake.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"

enum { TEMPORARY_MAX = PATH_MAX + 32, GROUPS_MAX = 2 + 2 * MODEL_TEXTS_MAX };

struct remake {
    struct model *model;
    const struct model_remake *how;
    char folder[TEMPORARY_MAX];              /* being made */
    struct model_weights groups[GROUPS_MAX]; /* files that are one, each once */
    size_t n_groups;
    const char *heads[GROUPS_MAX]; /* groups of one file point in here */
    size_t n_heads;
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* The path of `name` in the new folder, into out[TEMPORARY_MAX]. */
static enum err path_in(const struct remake *r, const char *name, char *out)
{
    int n = snprintf(out, TEMPORARY_MAX, "%s/%s", r->folder, name);
    FAIL_IF(n < 0 || n >= TEMPORARY_MAX, ERR_LIMIT, "%s: the path is too long", name);
    return ERR_OK;
}

/* ---- Weights ---- */

static bool is_weights(const struct remake *r, const char *path)
{
    for (size_t g = 0; g < r->n_groups; g++) {
        for (size_t i = 0; i < r->groups[g].n; i++) {
            if (strcmp(r->groups[g].paths[i], path) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Towers may share their files. */
static void add_group(struct remake *r, struct model_weights weights)
{
    if (weights.n > 0 && !is_weights(r, weights.paths[0])) {
        r->groups[r->n_groups++] = weights;
    }
}

static void add_head(struct remake *r, const char *path)
{
    if (path != NULL) {
        r->heads[r->n_heads] = path;
        add_group(r, (struct model_weights){&r->heads[r->n_heads++], 1});
    }
}

static void list_groups(struct remake *r)
{
    const struct model *model = r->model;
    add_group(r, model->image.weights);
    add_head(r, model->image.head);
    for (size_t i = 0; i < model->n_texts; i++) {
        add_group(r, model->texts[i].weights);
        add_head(r, model->texts[i].head);
    }
}

/* "model-00001-of-00005.safetensors" -> "model.safetensors": the name of what is whole. */
static void whole_name(const char *path, char out[NAME_MAX + 1])
{
    const char *name = base_name(path);
    const char *of = strstr(name, "-of-");
    const char *end = strrchr(name, '.');
    snprintf(out, NAME_MAX + 1, "%s", name);
    if (of != NULL && end != NULL && of - name >= 6 && of[-6] == '-') {
        snprintf(out, NAME_MAX + 1, "%.*s%s", (int)(of - 6 - name), name, end);
    }
}

static enum err write_group(const struct remake *r, struct model_weights group)
{
    char name[NAME_MAX + 1], to[TEMPORARY_MAX];
    whole_name(group.paths[0], name);
    TRY(path_in(r, name, to));
    return r->how->write(r->how->arg, r->model, group, to);
}

/* ---- The other files ---- */

static enum err copy_file(const struct remake *r, const char *path)
{
    struct buf bytes;
    char to[TEMPORARY_MAX];
    TRY(path_in(r, base_name(path), to));
    buf_init(&bytes, LIMIT_MODEL_CONFIG_BYTES);
    enum err result = file_read(path, &bytes);
    if (result == ERR_OK) {
        result = file_write(to, bytes.data, bytes.size);
    }
    buf_release(&bytes);
    return result;
}

static enum err write_config(const struct remake *r, const char *path)
{
    struct buf bytes;
    struct json_object *config = NULL;
    char to[TEMPORARY_MAX];
    TRY(path_in(r, base_name(path), to));
    buf_init(&bytes, LIMIT_MODEL_CONFIG_BYTES);
    enum err result;
    TRY_OUT(file_read(path, &bytes));
    TRY_OUT(json_parse(&config, bytes.data, bytes.size));
    if (r->how->configure != NULL) {
        TRY_OUT(r->how->configure(r->how->arg, r->model, config));
    }
    const char *text = json_object_to_json_string_ext(
        config, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
    result = text == NULL ? ERR_NOMEM : file_write(to, text, strlen(text));
out:
    json_object_put(config);
    buf_release(&bytes);
    return result;
}

static bool is_index(const char *path)
{
    return strstr(base_name(path), ".safetensors.index.json") != NULL;
}

/* The config is the first of a model's files. */
static enum err copy_model_files(const struct remake *r)
{
    TRY(write_config(r, r->model->files[0]));
    for (size_t i = 1; i < r->model->n_files; i++) {
        const char *path = r->model->files[i];
        if (!is_weights(r, path) && !is_index(path)) {
            TRY(copy_file(r, path));
        }
    }
    return ERR_OK;
}

/* What says whose the model is goes where it goes. */
static bool is_notice(const char *name)
{
    static const char *const kinds[] = {"LICENSE", "LICENCE", "README", "NOTICE"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strncmp(name, kinds[i], strlen(kinds[i])) == 0) {
            return true;
        }
    }
    return false;
}

static enum err copy_notices(const struct remake *r)
{
    char path[TEMPORARY_MAX];
    struct stat st;
    enum err result = ERR_OK;
    DIR *folder = opendir(r->model->folder);
    if (folder == NULL) {
        return err_errno(errno, "%s", r->model->folder);
    }
    for (struct dirent *entry = readdir(folder); entry != NULL && result == ERR_OK;
         entry = readdir(folder)) {
        int n = snprintf(path, sizeof path, "%s/%s", r->model->folder, entry->d_name);
        if (is_notice(entry->d_name) && n > 0 && n < TEMPORARY_MAX &&
            stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
            result = copy_file(r, path);
        }
    }
    closedir(folder);
    return result;
}

/* A card where there was none, so that the licence is not lost. */
static enum err write_card(const struct remake *r)
{
    char path[TEMPORARY_MAX];
    struct buf card;
    TRY(path_in(r, "README.md", path));
    if (access(path, F_OK) == 0) {
        return ERR_OK;
    }
    buf_init(&card, 4 * LIMIT_NAME_BYTES + 256);
    enum err result = buf_printf(
        &card, "---\nlicense: \"%.*s\"\n---\nMade of %.*s by `%s`.\n", LIMIT_NAME_BYTES,
        r->model->licence, LIMIT_NAME_BYTES, r->model->name, r->how->made_by);
    if (result == ERR_OK) {
        result = file_write(path, card.data, card.size);
    }
    buf_release(&card);
    return result;
}

/* ---- The folder ---- */

/* What was made of it: plain files only. */
static void remove_folder(const char *path)
{
    char name[2 * TEMPORARY_MAX];
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return;
    }
    for (struct dirent *entry = readdir(folder); entry != NULL;
         entry = readdir(folder)) {
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        unlink(name); /* "." and ".." refuse */
    }
    closedir(folder);
    rmdir(path);
}

static enum err make_folder(struct remake *r, const char *to)
{
    int n = snprintf(r->folder, sizeof r->folder, "%s.%ld", to, (long)getpid());
    FAIL_IF(n < 0 || n >= PATH_MAX, ERR_LIMIT, "%s: the path is too long", to);
    FAIL_IF(access(to, F_OK) == 0, ERR_EXISTS, "%s is there already", to);
    if (mkdir(r->folder, 0755) != 0) {
        return err_errno(errno, "%s", r->folder);
    }
    return ERR_OK;
}

static enum err fill_folder(struct remake *r)
{
    list_groups(r);
    TRY(copy_notices(r));
    TRY(write_card(r));
    TRY(copy_model_files(r));
    for (size_t i = 0; i < r->n_groups; i++) {
        TRY(write_group(r, r->groups[i]));
    }
    return file_sync_folder(r->folder);
}

enum err model_remake(const char *from, const char *to, const struct model_remake *how)
{
    struct remake r = {.how = how};
    TRY(model_open(&r.model, from));
    enum err result = make_folder(&r, to);
    if (result == ERR_OK) {
        result = fill_folder(&r);
        if (result == ERR_OK) {
            result = file_rename_new(r.folder, to);
        }
        if (result != ERR_OK) {
            remove_folder(r.folder);
        }
    }
    model_close(r.model);
    return result;
}
