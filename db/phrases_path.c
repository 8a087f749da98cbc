/*
 * phrases_path.c - where the shipped lists of phrases are; see phrases.h. The Makefile
 * compiles DUET_PHRASES_DIR in.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/phrases.h"

enum { LANG_MAX = 16, PLACES_MAX = 4 };

/* The folder above that of the program, as PREFIX of PREFIX/bin/duet and the source
 * tree of build/duet; "" if unknown. */
static void program_prefix(char out[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
    out[n > 0 ? n : 0] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(out, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
    }
}

enum err phrases_find(const char *lang, struct buf *path)
{
    char prefix[PATH_MAX], looked[ERR_DETAIL_MAX / 2] = "";
    const char *wanted = getenv("DUET_PHRASES");
    program_prefix(prefix);
    const char *const places[PLACES_MAX][2] = {{wanted == NULL ? "" : wanted, ""},
                                               {prefix, "/share/duet/phrases"},
                                               {prefix, "/db/phrases"},
                                               {DUET_PHRASES_DIR, ""}};
    size_t n = strlen(lang), start = path->size;
    FAIL_IF(n == 0 || n > LANG_MAX || strspn(lang, "abcdefghijklmnopqrstuvwxyz-") != n,
            ERR_INVALID, "'%.40s' is no language of phrases; say en or zh", lang);
    for (size_t i = 0; i < PLACES_MAX; i++) {
        if (places[i][0][0] == '\0') {
            continue;
        }
        TRY(buf_printf(path, "%s%s/%s.txt", places[i][0], places[i][1], lang));
        if (access(path->data + start, F_OK) == 0) {
            return ERR_OK;
        }
        size_t used = strlen(looked);
        snprintf(looked + used, sizeof looked - used, "%s%s%s", used > 0 ? ", " : "",
                 places[i][0], places[i][1]);
        path->size = start;
        path->data[start] = '\0';
    }
    return err_set(ERR_NOT_FOUND,
                   "no phrases for '%s' in %s (DUET_PHRASES=FOLDER names another "
                   "place)",
                   lang, looked);
}
