/*
 * model_use.c - see duet_model.h, duet_model_use.
 *
 * The choice is a link called default in the user's models folder, made under another
 * name and renamed over the old one, so that at any moment "default" is one model or
 * the other. Inside the folder the link is relative: the folder may be moved whole.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "db/duet_model.h"
#include "db/model_probe.h"
#include "encoder/model_path.h"

/* Opens the model and runs it once on either side. */
static enum err try_model(const char *folder)
{
    struct enc *enc;
    TRY(probe_open(&enc, folder));
    enum err result = ERR_NOMEM;
    float *vector = alloc_array(enc_info(enc)->dim, sizeof *vector);
    if (vector != NULL) {
        result = probe_text(enc, 0, vector);
    }
    if (result == ERR_OK) {
        result = probe_picture(enc, 0, vector);
    }
    alloc_free(vector);
    enc_close(enc);
    return result;
}

/* HOME/default may be a link or nothing. */
static enum err check_place(const char *path)
{
    struct stat st;
    FAIL_IF(lstat(path, &st) == 0 && !S_ISLNK(st.st_mode), ERR_EXISTS,
            "%s is a folder and no link, so \"default\" is that model; move it away "
            "first",
            path);
    return ERR_OK;
}

/* Whether "default" is the model in the folder `real`. */
static enum err is_chosen(const char *real, bool *yes)
{
    struct buf folder;
    char chosen[PATH_MAX];
    buf_init(&folder, PATH_MAX);
    enum err result = enc_find_model(ENC_MODEL_DEFAULT, &folder);
    *yes = result == ERR_OK && realpath(folder.data, chosen) != NULL &&
           strcmp(chosen, real) == 0;
    buf_release(&folder);
    return result == ERR_NOT_FOUND ? ERR_OK : result;
}

static enum err switch_link(const char *path, const char *target)
{
    char temporary[PATH_MAX];
    const char *slash = strrchr(path, '/'); /* begins with a dot: no model's name */
    int n = snprintf(temporary, sizeof temporary, "%.*s/.default.%ld",
                     (int)(slash - path), path, (long)getpid());
    FAIL_IF(n < 0 || n >= PATH_MAX, ERR_LIMIT, "%s: a path too long", path);
    unlink(temporary);
    if (symlink(target, temporary) != 0) {
        return err_errno(errno, "%s", temporary);
    }
    if (rename(temporary, path) != 0) {
        int errnum = errno;
        unlink(temporary);
        return err_errno(errnum, "%s", path);
    }
    return ERR_OK;
}

/* What the link says: the way from the user's folder where the model is in it. */
static const char *target_of(const char *home, const char *real)
{
    char canonical[PATH_MAX];
    size_t n = realpath(home, canonical) == NULL ? 0 : strlen(canonical);
    bool inside = n > 0 && strncmp(real, canonical, n) == 0 && real[n] == '/';
    return inside ? real + n + 1 : real;
}

/* The shipped model needs no link, unless another folder's "default" comes before. */
static enum err point_default(const char *home, const char *path, const char *real,
                              bool shipped)
{
    bool chosen = false;
    TRY(file_make_folders(home));
    TRY(check_place(path));
    if (shipped) {
        if (unlink(path) != 0 && errno != ENOENT) {
            return err_errno(errno, "%s", path);
        }
        TRY(is_chosen(real, &chosen));
    }
    if (!chosen) {
        TRY(switch_link(path, target_of(home, real)));
    }
    return file_sync_folder(home);
}

static enum err use_folder(const char *folder, char chosen[DUET_MODEL_PATH_MAX])
{
    struct buf home, name, path;
    char real[PATH_MAX];
    if (realpath(folder, real) == NULL) {
        return err_errno(errno, "%s", folder);
    }
    buf_init(&home, PATH_MAX);
    buf_init(&name, PATH_MAX);
    buf_init(&path, PATH_MAX);
    enum err result = enc_models_home(&home);
    if (result == ERR_OK) {
        result = enc_model_name(real, &name);
    }
    if (result == ERR_OK) {
        result = buf_printf(&path, "%s/%s", home.data, ENC_MODEL_DEFAULT);
    }
    if (result == ERR_OK) {
        result = point_default(home.data, path.data, real,
                               strcmp(name.data, ENC_MODEL_SHIPPED) == 0);
    }
    if (result == ERR_OK) {
        snprintf(chosen, DUET_MODEL_PATH_MAX, "%s", name.data);
    }
    buf_release(&path);
    buf_release(&name);
    buf_release(&home);
    return result;
}

enum err duet_model_use(const char *name, char chosen[DUET_MODEL_PATH_MAX])
{
    struct buf folder;
    chosen[0] = '\0';
    buf_init(&folder, PATH_MAX);
    enum err result = enc_find_model(name, &folder);
    if (result == ERR_OK) {
        result = try_model(folder.data);
    }
    if (result == ERR_OK) {
        result = use_folder(folder.data, chosen);
    }
    buf_release(&folder);
    return result;
}
