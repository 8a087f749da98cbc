/*
 * model_list.c - see duet_model.h, duet_model_list.
 *
 * A models folder holds models as NAME and as OWNER/NAME. A folder without a
 * configuration is an owner where it holds folders; else it is a broken model, which is
 * listed with its error and not passed over. Names that begin with a dot (.partial) are
 * no models'.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "db/duet_model.h"
#include "db/model_folder.h"
#include "db/model_probe.h"
#include "encoder/model_path.h"

struct listing {
    struct duet_model_list *list;
    char chosen[PATH_MAX]; /* what "default" is, canonical; "" where it is nothing */
    bool has_chosen;       /* it is in the list */
};

/* ---- One model ----------------------------------------------------------------- */

static enum err take_text(char **dst, const char *text)
{
    *dst = alloc_dup(text);
    return *dst == NULL ? ERR_NOMEM : ERR_OK;
}

/* Whether the model is in the list already, by another way of its models folder. */
static bool is_listed(const struct listing *l, const char *real)
{
    char other[PATH_MAX];
    for (size_t i = 0; i < l->list->n; i++) {
        if (realpath(l->list->items[i].folder, other) != NULL &&
            strcmp(other, real) == 0) {
            return true;
        }
    }
    return false;
}

static bool name_is_taken(const struct listing *l, const char *name)
{
    for (size_t i = 0; i < l->list->n; i++) {
        if (strcmp(l->list->items[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A new entry at the list's end, cleared. */
static enum err add_entry(struct listing *l, struct duet_model_entry **out)
{
    struct duet_model_list *list = l->list;
    struct duet_model_entry *more =
        alloc_resize(list->items, list->n + 1, sizeof *more);
    if (more == NULL) {
        return ERR_NOMEM;
    }
    list->items = more;
    *out = &list->items[list->n++];
    **out = (struct duet_model_entry){0};
    return ERR_OK;
}

static enum err try_opening(struct duet_model_entry *entry)
{
    struct enc *enc;
    enum err result = probe_open(&enc, entry->folder);
    if (result == ERR_NOMEM) {
        return result;
    }
    if (result != ERR_OK) {
        TRY(take_text(&entry->error, err_detail()));
        return take_text(&entry->languages, "");
    }
    entry->dim = enc_info(enc)->dim;
    result = take_text(&entry->languages, enc_info(enc)->languages);
    enc_close(enc);
    return result;
}

static enum err add_model(struct listing *l, const char *folder, const char *name)
{
    struct duet_model_entry *entry;
    char real[PATH_MAX];
    if (realpath(folder, real) == NULL || is_listed(l, real)) {
        return ERR_OK;
    }
    bool shadowed = name_is_taken(l, name);
    TRY(add_entry(l, &entry));
    entry->is_shadowed = shadowed;
    TRY(take_text(&entry->name, name));
    TRY(take_text(&entry->folder, folder));
    entry->bytes = folder_bytes(folder);
    entry->is_default = strcmp(real, l->chosen) == 0;
    l->has_chosen |= entry->is_default;
    return try_opening(entry);
}

/* ---- Folders ------------------------------------------------------------------- */

/* A models folder, or an owner's in it. */
struct place {
    struct listing *listing;
    const char *owner; /* NULL: at the top */
    bool shipped;
};

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static enum err find_folder(void *arg, const char *folder, const char *name)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n > 0 && n < PATH_MAX && name[0] != '.' && is_folder(path)) {
        *(bool *)arg = true;
    }
    return ERR_OK;
}

static enum err visit_entry(void *arg, const char *folder, const char *name);

static enum err visit_folder(const struct place *place, const char *path,
                             const char *name)
{
    bool model, folders = false;
    struct place below = {place->listing, name, place->shipped};
    TRY(enc_is_model(path, &model));
    if (!model && place->owner == NULL) {
        TRY(folder_walk(path, find_folder, &folders));
    }
    if (folders) {
        return folder_walk(path, visit_entry, &below);
    }
    if (!model && folder_bytes(path) == 0) {
        return ERR_OK; /* an owner without models */
    }
    if (place->owner == NULL) {
        bool shipped = place->shipped && strcmp(name, ENC_MODEL_DEFAULT) == 0;
        return add_model(place->listing, path, shipped ? ENC_MODEL_SHIPPED : name);
    }
    char full[PATH_MAX];
    snprintf(full, sizeof full, "%s/%s", place->owner, name);
    return add_model(place->listing, path, full);
}

/* A link called default is no model of its own: what it leads to is marked. */
static enum err visit_entry(void *arg, const char *folder, const char *name)
{
    const struct place *place = arg;
    char path[PATH_MAX];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n < 0 || n >= PATH_MAX || name[0] == '.' || lstat(path, &st) != 0 ||
        (S_ISLNK(st.st_mode) && strcmp(name, ENC_MODEL_DEFAULT) == 0) ||
        !is_folder(path)) {
        return ERR_OK;
    }
    return visit_folder(place, path, name);
}

static enum err visit_models(void *arg, const char *folder, bool shipped)
{
    struct place place = {arg, NULL, shipped};
    return folder_walk(folder, visit_entry, &place);
}

/* ---- The whole ----------------------------------------------------------------- */

/* What "default" is: a model in no models folder is listed as well, and a link that
 * leads nowhere with its error. */
static enum err add_chosen(struct listing *l, const char *error)
{
    struct duet_model_entry *entry;
    if (error == NULL) {
        return l->has_chosen || l->chosen[0] == '\0'
                   ? ERR_OK
                   : add_model(l, l->chosen, l->chosen);
    }
    TRY(add_entry(l, &entry));
    TRY(take_text(&entry->name, ENC_MODEL_DEFAULT));
    TRY(take_text(&entry->folder, ""));
    TRY(take_text(&entry->languages, ""));
    entry->is_default = true;
    return take_text(&entry->error, error);
}

static enum err list_all(struct listing *l)
{
    struct buf folder;
    char error[ERR_DETAIL_MAX];
    buf_init(&folder, PATH_MAX);
    enum err found = enc_find_model(ENC_MODEL_DEFAULT, &folder);
    snprintf(error, sizeof error, "%s", err_detail());
    if (found == ERR_OK && realpath(folder.data, l->chosen) == NULL) {
        l->chosen[0] = '\0';
    }
    buf_release(&folder);
    TRY(enc_models_walk(visit_models, l));
    return add_chosen(l, found == ERR_OK ? NULL : error);
}

enum err duet_model_list(struct duet_model_list *out)
{
    struct listing l = {.list = out};
    *out = (struct duet_model_list){0};
    enum err result = list_all(&l);
    if (result != ERR_OK) {
        duet_model_list_release(out);
    }
    return result;
}

void duet_model_list_release(struct duet_model_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        struct duet_model_entry *entry = &list->items[i];
        alloc_free(entry->name);
        alloc_free(entry->folder);
        alloc_free(entry->error);
        alloc_free(entry->languages);
    }
    alloc_free(list->items);
    *list = (struct duet_model_list){0};
}
