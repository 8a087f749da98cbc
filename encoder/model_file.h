/*
 * model_file.h - maps one file of a model's folder.
 *
 * The one place that turns "no such file", "a folder" or "too large" into ERR_MODEL, so
 * that every reader of model files fails alike. Any thread.
 */
#ifndef ENCODER_MODEL_FILE_H
#define ENCODER_MODEL_FILE_H

#include "base/file.h"

/* Maps `path` read-only. ERR_MODEL names the file where it is missing, empty or not a
 * file at all; ERR_IO where it cannot be read. The map is empty then. */
enum err model_file_map(struct file_map *map, const char *path) ERR_CHECK;

#endif
