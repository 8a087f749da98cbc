/*
 * remote_add.h - `duet add` into a server's collection (--url): the pictures are found,
 * looked at and described here, as an add does it, and encoded there.
 *
 * A picture gets the id that it would get in the server's own database from its path
 * here, so that a second run sends only what is new or changed; told by the content's
 * hash and by the payload. One thread.
 */
#ifndef CLI_REMOTE_ADD_H
#define CLI_REMOTE_ADD_H

#include "cli/cli.h"

/* As duet_add, with options->progress and failed; prune is not done. Errors as
 * remote.h. */
enum err remote_add(const struct cli *cli, const struct duet_add_options *options,
                    struct duet_add_progress *result) ERR_CHECK;

#endif
