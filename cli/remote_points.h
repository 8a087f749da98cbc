/*
 * remote_points.h - collections and points with their vectors, to a server (--url): what
 * export and import need. Errors as remote.h. One thread.
 */
#ifndef CLI_REMOTE_POINTS_H
#define CLI_REMOTE_POINTS_H

#include "cli/cli.h"

/* As duet_collections_list of the one collection, duet_collections_release; without its
 * metadata. */
enum err remote_describe(struct duet_collections *out, const struct cli *cli) ERR_CHECK;

/* As duet_collection_create. */
enum err remote_create(const struct cli *cli, const struct duet_space *spaces, size_t n)
    ERR_CHECK;

/* As duet_upsert, of vectors. */
enum err remote_upsert(const struct cli *cli, const struct duet_point_input *points,
                       size_t n) ERR_CHECK;

#endif
