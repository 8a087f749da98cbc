/*
 * model_folder.h - folders of models as a whole: their size, their removal, one put in
 * place of another. No state; any thread.
 */
#ifndef DB_MODEL_FOLDER_H
#define DB_MODEL_FOLDER_H

#include <stdint.h>

#include "base/error.h"

/* The bytes of all files in it and below; 0 where there is none. */
uint64_t folder_bytes(const char *path);

/* Removes it with all that is in it; links are removed, not followed. Nothing there is
 * no error. */
enum err folder_remove(const char *path) ERR_CHECK;

/* Called for each entry but "." and ".."; anything but ERR_OK ends the walk and is its
 * result. */
typedef enum err folder_visit(void *arg, const char *folder, const char *name);

/* The entries, in the order of their names. A folder that is not there has none. */
enum err folder_walk(const char *path, folder_visit *visit, void *arg) ERR_CHECK;

/*
 * Puts `made` where `path` is, durably: whoever opens `path` finds the old folder or the
 * new one. What was there lies in `made` afterwards, where nothing was `made` is gone.
 * (Where the file system cannot exchange two names, there is a moment without either.)
 */
enum err folder_install(const char *made, const char *path) ERR_CHECK;

#endif
