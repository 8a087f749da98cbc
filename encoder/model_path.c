/*
 * model_path.c - see model_path.h. The Makefile compiles DUET_MODELS_DIR in.
 */
#include "encoder/model_path.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- The folders of models --------------------------------------------------- */

static enum err visit_n(enc_models_visit *visit, void *arg, const char *folder,
                        size_t n, const char *inside, bool shipped)
{
    struct buf path;
    if (n == 0) {
        return ERR_OK;
    }
    buf_init(&path, PATH_MAX);
    enum err result = buf_printf(&path, "%.*s%s", (int)n, folder, inside);
    if (result == ERR_OK) {
        result = visit(arg, path.data, shipped);
    }
    buf_release(&path);
    return result;
}

/* The variable's value, NULL where it is not set or empty. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* The first folder of $DUET_MODELS, which may begin with colons; 0 where there is
 * none. */
static size_t first_listed(const char **folder)
{
    const char *list = variable("DUET_MODELS");
    *folder = list == NULL ? "" : list + strspn(list, ":");
    return strcspn(*folder, ":");
}

enum err enc_models_home(struct buf *path)
{
    const char *folder;
    size_t n = first_listed(&folder);
    if (n > 0) {
        return buf_append(path, folder, n);
    }
    const char *data = variable("XDG_DATA_HOME");
    if (data != NULL) {
        return buf_printf(path, "%s/duet/models", data);
    }
    const char *home = variable("HOME");
    FAIL_IF(home == NULL, ERR_INVALID,
            "neither DUET_MODELS nor HOME says where the models are");
    return buf_printf(path, "%s/.local/share/duet/models", home);
}

static enum err walk_listed(enc_models_visit *visit, void *arg)
{
    const char *list = getenv("DUET_MODELS");
    while (list != NULL) {
        size_t n = strcspn(list, ":");
        TRY(visit_n(visit, arg, list, n, "", false));
        list = list[n] == ':' ? list + n + 1 : NULL;
    }
    return ERR_OK;
}

/* Where $DUET_MODELS names any, its first is the user's own and was visited. */
static enum err walk_home(enc_models_visit *visit, void *arg)
{
    struct buf home;
    const char *folder;
    if (first_listed(&folder) > 0) {
        return ERR_OK;
    }
    buf_init(&home, PATH_MAX);
    enum err result = ERR_OK;
    if (variable("HOME") != NULL || variable("XDG_DATA_HOME") != NULL) {
        result = enc_models_home(&home);
        if (result == ERR_OK) {
            result = visit(arg, home.data, false);
        }
    }
    buf_release(&home);
    return result;
}

static enum err walk_shipped(enc_models_visit *visit, void *arg)
{
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program);
    const char *slash = n > 0 ? memrchr(program, '/', (size_t)n) : NULL;
    if (slash != NULL) {
        /* PREFIX/bin/duet, or build/duet in the source tree. */
        const char *above = memrchr(program, '/', (size_t)(slash - program));
        size_t n_above = above == NULL ? 0 : (size_t)(above - program);
        TRY(visit_n(visit, arg, program, n_above, "/share/duet/models", true));
        TRY(visit_n(visit, arg, program, n_above, "/encoder/models", true));
    }
    return visit(arg, DUET_MODELS_DIR, true);
}

enum err enc_models_walk(enc_models_visit *visit, void *arg)
{
    TRY(walk_listed(visit, arg));
    TRY(walk_home(visit, arg));
    return walk_shipped(visit, arg);
}

/* ---- Finding a model --------------------------------------------------------- */

static enum err has_file(const char *folder, const char *name, bool *yes)
{
    struct buf path;
    buf_init(&path, PATH_MAX);
    enum err result = buf_printf(&path, "%s/%s", folder, name);
    *yes = result == ERR_OK && access(path.data, F_OK) == 0;
    buf_release(&path);
    return result;
}

enum err enc_is_model(const char *folder, bool *yes)
{
    TRY(has_file(folder, "config.json", yes));
    return *yes ? ERR_OK : has_file(folder, "open_clip_config.json", yes);
}

/* A search under way: each folder is tried as soon as it is known. */
struct search {
    const char *name;
    const char *entry; /* what it is called in a models folder */
    bool shipped_only;
    struct buf found;  /* the model's folder; empty until it is found */
    struct buf looked; /* the folders tried, for the message */
};

/* A link to a model that is gone must not quietly mean the next model of its name. */
static enum err check_link(const char *path)
{
    struct stat st;
    FAIL_IF(lstat(path, &st) == 0 && S_ISLNK(st.st_mode), ERR_NOT_FOUND,
            "%s is a link to a model that is gone ('duet model use NAME' chooses "
            "another)",
            path);
    return ERR_OK;
}

static enum err try_folder(void *arg, const char *models, bool shipped)
{
    struct search *search = arg;
    bool yes = false;
    if (search->found.size > 0 || (search->shipped_only && !shipped)) {
        return ERR_OK;
    }
    TRY(buf_printf(&search->looked, "%s%s", search->looked.size > 0 ? ", " : "",
                   models));
    TRY(buf_printf(&search->found, "%s/%s", models, search->entry));
    TRY(enc_is_model(search->found.data, &yes));
    if (!yes) {
        TRY(check_link(search->found.data));
        buf_clear(&search->found);
    }
    return ERR_OK;
}

static enum err find_by_name(struct search *search)
{
    TRY(enc_models_walk(try_folder, search));
    FAIL_IF(search->found.size == 0, ERR_NOT_FOUND,
            "no model \"%s\" in %s (DUET_MODELS=FOLDER names another place)",
            search->name, search->looked.data);
    return ERR_OK;
}

/* Whether a name could be NAME or OWNER/NAME: at most one '/', inside, and nothing that
 * begins with a dot. */
static bool may_be_name(const char *name)
{
    const char *slash = strchr(name, '/');
    return name[0] != '.' && name[0] != '/' &&
           (slash == NULL ||
            (slash[1] != '\0' && slash[1] != '.' && strchr(slash + 1, '/') == NULL));
}

enum err enc_find_model(const char *name_or_folder, struct buf *path)
{
    bool yes = false;
    bool shipped = strcmp(name_or_folder, ENC_MODEL_SHIPPED) == 0;
    FAIL_IF(name_or_folder[0] == '\0', ERR_INVALID, "the model's name is empty");
    if (!shipped) {
        TRY(enc_is_model(name_or_folder, &yes));
    }
    if (yes) {
        return buf_append(path, name_or_folder, strlen(name_or_folder));
    }
    FAIL_IF(!may_be_name(name_or_folder), ERR_NOT_FOUND,
            "%s: no model there (a folder with a config.json)", name_or_folder);
    struct search search = {.name = name_or_folder,
                            .entry = shipped ? ENC_MODEL_DEFAULT : name_or_folder,
                            .shipped_only = shipped};
    buf_init(&search.found, PATH_MAX);
    buf_init(&search.looked, 16 * PATH_MAX);
    enum err result = find_by_name(&search);
    if (result == ERR_OK) {
        result = buf_append(path, search.found.data, search.found.size);
    }
    buf_release(&search.looked);
    buf_release(&search.found);
    return result;
}

/* ---- Naming a model ---------------------------------------------------------- */

/* Whether `name` finds the folder whose canonical path is `real`. Not found is no. */
static enum err finds(const char *name, const char *real, bool *yes)
{
    struct buf path;
    char canonical[PATH_MAX];
    buf_init(&path, PATH_MAX);
    enum err result = enc_find_model(name, &path);
    *yes = result == ERR_OK && realpath(path.data, canonical) != NULL &&
           strcmp(canonical, real) == 0;
    buf_release(&path);
    return result == ERR_NOT_FOUND ? ERR_OK : result;
}

/* A folder to be named, and its name when that is known. */
struct naming {
    const char *real;
    struct buf name;
};

/* The part of the path below this models folder, if it finds the model. "default" is
 * no name to keep: a link of that name in an earlier folder may come before it. */
static enum err try_name(void *arg, const char *models, bool shipped)
{
    (void)shipped;
    struct naming *naming = arg;
    char canonical[PATH_MAX];
    bool yes = false;
    if (naming->name.size > 0 || realpath(models, canonical) == NULL) {
        return ERR_OK;
    }
    size_t n = strlen(canonical);
    if (strncmp(naming->real, canonical, n) != 0 || naming->real[n] != '/') {
        return ERR_OK;
    }
    const char *name = naming->real + n + 1;
    if (may_be_name(name) && strcmp(name, ENC_MODEL_DEFAULT) != 0) {
        TRY(finds(name, naming->real, &yes));
    }
    return yes ? buf_append(&naming->name, name, strlen(name)) : ERR_OK;
}

enum err enc_model_name(const char *folder, struct buf *name)
{
    char real[PATH_MAX];
    bool shipped;
    if (realpath(folder, real) == NULL) {
        return err_errno(errno, "%s", folder);
    }
    TRY(finds(ENC_MODEL_SHIPPED, real, &shipped));
    if (shipped) {
        return buf_append(name, ENC_MODEL_SHIPPED, strlen(ENC_MODEL_SHIPPED));
    }
    struct naming naming = {.real = real};
    buf_init(&naming.name, PATH_MAX);
    enum err result = enc_models_walk(try_name, &naming);
    if (result == ERR_OK) {
        const char *best = naming.name.size > 0 ? naming.name.data : real;
        result = buf_append(name, best, strlen(best));
    }
    buf_release(&naming.name);
    return result;
}
