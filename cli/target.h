/*
 * target.h - what a command asks: a database here, or a server (--url). Both answer
 * alike.
 *
 *     struct target target;
 *     enum exit_code code = target_open(&target, cli, (struct duet_options){0});
 *     if (code == EXIT_DONE) {
 *         code = cli_fail(target_search(&target, &query, &hits));
 *         ...
 *         target_close(&target);
 *     }
 */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include "cli/cli.h"

struct target {
    const struct cli *cli;
    struct duet *db; /* NULL: the server at cli->url is asked */
};

/* Opens the database; a server is only noted. Tells of an error. */
enum exit_code target_open(struct target *target, const struct cli *cli,
                           struct duet_options options);
void target_close(struct target *target);

/* As the functions of duet.h with these names, in the collection of this run; a scroll
 * takes the run's filter, if there is one. Hits are
 * released by duet_hits_release. */
enum err target_search(struct target *target, const struct duet_query *query,
                       struct duet_hits *out) ERR_CHECK;
enum err target_get(struct target *target, const struct duet_id *ids, size_t n,
                    struct duet_hits *out) ERR_CHECK;
enum err target_scroll(struct target *target, const struct duet_id *from, size_t limit,
                       struct duet_hits *out) ERR_CHECK;
/* With vectors. */
enum err target_get_whole(struct target *target, const struct duet_id *ids, size_t n,
                          struct duet_hits *out) ERR_CHECK;
/* The collection of this run; duet_collections_release. A server calls it as we do. */
enum err target_describe(struct target *target, struct duet_collections *out) ERR_CHECK;
/* As duet_collection_create and duet_upsert. */
enum err target_create(struct target *target, const struct duet_space *spaces, size_t n)
    ERR_CHECK;
enum err target_upsert(struct target *target, const struct duet_point_input *points,
                       size_t n) ERR_CHECK;
/* With the filter of this run. */
enum err target_remove_where(struct target *target, size_t *n_removed) ERR_CHECK;
enum err target_remove(struct target *target, const struct duet_id *ids, size_t n,
                       size_t *n_removed) ERR_CHECK;

/* The id that an argument means: an id as text, else the path of a picture that was added,
 * into the server's database too. ERR_INVALID, ERR_NOT_FOUND. */
enum err target_id(struct target *target, const char *argument, struct duet_id *id)
    ERR_CHECK;

/*
 * Those that the arguments of this run mean. *ids is [cli->n_args],
 * alloc_free. ERR_INVALID, ERR_NOT_FOUND; *ids is NULL then.
 */
enum err target_ids(struct target *target, struct duet_id **ids) ERR_CHECK;

#endif
