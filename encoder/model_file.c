/*
 * model_file.c - see model_file.h.
 */
#include "encoder/model_file.h"

#include "base/limits.h"

enum err model_file_map(struct file_map *map, const char *path)
{
    enum err result = file_map_open(map, path, LIMIT_MODEL_FILE_BYTES);
    if (result == ERR_OK && map->size == 0) {
        return err_set(ERR_MODEL, "%s: the file is empty", path);
    }
    if (result == ERR_NOT_FOUND || result == ERR_INVALID || result == ERR_LIMIT) {
        return ERR_MODEL; /* the detail names the file already */
    }
    return result;
}
