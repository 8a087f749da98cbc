/*
 * model_path.h - where a model named on the command line or in a database is.
 *
 *     struct buf folder;
 *     buf_init(&folder, PATH_MAX);
 *     TRY_OUT(enc_find_model("default", &folder));
 *     TRY_OUT(enc_open(&enc, folder.data));
 *
 * Any thread.
 */
#ifndef ENCODER_MODEL_PATH_H
#define ENCODER_MODEL_PATH_H

#include "base/buffer.h"

/*
 * Appends the folder of `name_or_folder` to `path`. What has a '/' in it, or is a
 * folder with a config.json, is taken as it stands. A plain name ("default" is there in
 * every installation) is looked for in each folder of $DUET_MODELS (a list with ':'),
 * by the program (PREFIX/share/duet/models of PREFIX/bin/duet), and where `make
 * install` put the models. ERR_NOT_FOUND lists where it looked; `path` is then as it
 * was.
 */
enum err enc_find_model(const char *name_or_folder, struct buf *path) ERR_CHECK;

#endif
