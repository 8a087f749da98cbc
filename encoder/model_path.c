/*
 * model_path.c - see model_path.h. The Makefile compiles DUET_MODELS_DIR in.
 */
#include "encoder/model_path.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A search under way: each folder is tried as soon as it is known. */
struct search {
    const char *name;
    struct buf found;  /* the model's folder; empty until it is found */
    struct buf looked; /* the folders tried, for the message */
};

static enum err is_model(const char *folder, bool *yes)
{
    struct buf config;
    buf_init(&config, PATH_MAX);
    enum err result = buf_printf(&config, "%s/config.json", folder);
    *yes = result == ERR_OK && access(config.data, F_OK) == 0;
    buf_release(&config);
    return result;
}

/* Tries `models`/`inside`/`name`, unless the model is found already. */
static enum err try_folder(struct search *search, const char *models, size_t n,
                           const char *inside)
{
    bool yes = false;
    if (search->found.size > 0 || n == 0) {
        return ERR_OK;
    }
    TRY(buf_printf(&search->looked, "%s%.*s%s", search->looked.size > 0 ? ", " : "",
                   (int)n, models, inside));
    TRY(buf_printf(&search->found, "%.*s%s/%s", (int)n, models, inside, search->name));
    TRY(is_model(search->found.data, &yes));
    if (!yes) {
        buf_clear(&search->found);
    }
    return ERR_OK;
}

static enum err try_environment(struct search *search)
{
    const char *list = getenv("DUET_MODELS");
    while (list != NULL) {
        size_t n = strcspn(list, ":");
        TRY(try_folder(search, list, n, ""));
        list = list[n] == ':' ? list + n + 1 : NULL;
    }
    return ERR_OK;
}

static enum err try_beside_program(struct search *search)
{
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program);
    const char *slash = n > 0 ? memrchr(program, '/', (size_t)n) : NULL;
    if (slash == NULL) {
        return ERR_OK;
    }
    /* PREFIX/bin/duet, or build/duet in the source tree. */
    const char *above = memrchr(program, '/', (size_t)(slash - program));
    size_t n_above = above == NULL ? 0 : (size_t)(above - program);
    TRY(try_folder(search, program, n_above, "/share/duet/models"));
    return try_folder(search, program, n_above, "/encoder/models");
}

static enum err find_by_name(struct search *search)
{
    TRY(try_environment(search));
    TRY(try_beside_program(search));
    TRY(try_folder(search, DUET_MODELS_DIR, strlen(DUET_MODELS_DIR), ""));
    FAIL_IF(search->found.size == 0, ERR_NOT_FOUND,
            "no model \"%s\" in %s (DUET_MODELS=FOLDER names another place)",
            search->name, search->looked.data);
    return ERR_OK;
}

enum err enc_find_model(const char *name_or_folder, struct buf *path)
{
    bool yes;
    FAIL_IF(name_or_folder[0] == '\0', ERR_INVALID, "the model's name is empty");
    TRY(is_model(name_or_folder, &yes));
    if (yes) {
        return buf_append(path, name_or_folder, strlen(name_or_folder));
    }
    FAIL_IF(strchr(name_or_folder, '/') != NULL, ERR_NOT_FOUND,
            "%s: no model there (a folder with a config.json)", name_or_folder);
    struct search search = {.name = name_or_folder};
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
