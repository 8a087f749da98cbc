/*
 * model_path.h - where a model named on the command line or in a database is.
 *
 *     struct buf folder;
 *     buf_init(&folder, PATH_MAX);
 *     TRY_OUT(enc_find_model("default", &folder));
 *     TRY_OUT(enc_open(&enc, folder.data));
 *
 * A models folder holds models as NAME and as OWNER/NAME. There are, in the order of
 * looking: each folder of $DUET_MODELS (a list with ':'); the user's own
 * ($XDG_DATA_HOME/duet/models, else ~/.local/share/duet/models); those that came with
 * the program (PREFIX/share/duet/models of PREFIX/bin/duet, and where `make install`
 * put them). A model is a folder with a config.json or an open_clip_config.json.
 *
 * "default" is what the user made it: a link of that name in a models folder, or the
 * model that came with the program, which is always called "duet-default" as well.
 *
 * Any thread.
 */
#ifndef ENCODER_MODEL_PATH_H
#define ENCODER_MODEL_PATH_H

#include <stdbool.h>

#include "base/buffer.h"

#define ENC_MODEL_DEFAULT "default"
#define ENC_MODEL_SHIPPED "duet-default" /* looked for by the program only */

/*
 * Appends the folder of `name_or_folder` to `path`. A path to a model is taken as it
 * stands; else a NAME or OWNER/NAME is looked for. ERR_NOT_FOUND lists where it looked,
 * or says that the link "default" leads nowhere; `path` is then as it was.
 */
enum err enc_find_model(const char *name_or_folder, struct buf *path) ERR_CHECK;

/*
 * Appends the name that finds the model in `folder` now and after "default" has become
 * another: "duet-default", a NAME or OWNER/NAME in a models folder, else the whole
 * path (also of a folder that is called default). ERR_NOT_FOUND where there is none.
 */
enum err enc_model_name(const char *folder, struct buf *name) ERR_CHECK;

/* Appends the user's models folder, which need not be there yet: the first of
 * $DUET_MODELS, else as above. ERR_INVALID where no variable tells. */
enum err enc_models_home(struct buf *path) ERR_CHECK;

/* Called for each models folder, there or not; anything but ERR_OK ends the walk and is
 * its result. */
typedef enum err enc_models_visit(void *arg, const char *folder, bool shipped);
enum err enc_models_walk(enc_models_visit *visit, void *arg) ERR_CHECK;

/* Whether the folder is a model, by the files that it holds. */
enum err enc_is_model(const char *folder, bool *yes) ERR_CHECK;

#endif
