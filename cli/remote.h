/*
 * remote.h - the commands' questions put to a server (--url) instead of a database.
 *
 *     struct duet_hits hits;
 *     TRY(remote_search(&hits, cli, &query));
 *     ...
 *     duet_hits_release(&hits);
 *
 * The server is ours or one that speaks the same dialect; a picture travels as base64.
 * The key is taken from --api-key-file or $DUET_API_KEY.
 *
 * Errors of all: ERR_TIMEOUT where the server cannot be reached or answers too late,
 * ERR_INTERNAL where it answers what is not understood, else what its status means
 * (404: ERR_NOT_FOUND and so on) with its own sentence.
 */
#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H

#include "base/json.h"
#include "cli/cli.h"

enum err remote_search(struct duet_hits *hits, const struct cli *cli,
                       const struct duet_query *query) ERR_CHECK;
/* With `vectors` those of each point, too. */
enum err remote_get(struct duet_hits *hits, const struct cli *cli,
                    const struct duet_id *ids, size_t n, bool vectors) ERR_CHECK;
enum err remote_scroll(struct duet_hits *hits, const struct cli *cli,
                       const struct duet_id *from, size_t limit) ERR_CHECK;
enum err remote_remove(size_t *n_removed, const struct cli *cli,
                       const struct duet_id *ids, size_t n) ERR_CHECK;

/* By the filter of this run. */
enum err remote_remove_where(size_t *n_removed, const struct cli *cli) ERR_CHECK;

/* What the server says of the collection, as duet_stats and duet_indexes_list (released
 * by remote_indexes_release); *told is NULL then. A server that is not ours knows less:
 * then *told is all that it says (json_object_put). */
enum err remote_stats(struct duet_stats *stats, struct duet_indexes *indexes,
                      struct json_object **told, const struct cli *cli) ERR_CHECK;
void remote_indexes_release(struct duet_indexes *indexes);

/* How many points match the filter of this run. */
enum err remote_count_where(size_t *n, const struct cli *cli) ERR_CHECK;

/* The UUID of the server's database. ERR_NOT_FOUND: there is no such collection;
 * ERR_UNSUPPORTED: the server is none of ours. */
enum err remote_uuid(char uuid[DUET_ID_TEXT_MAX], const struct cli *cli) ERR_CHECK;

#endif
