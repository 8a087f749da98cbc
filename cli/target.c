/*
 * target.c - see target.h.
 */
#include "cli/target.h"

#include <string.h>

#include "base/alloc.h"
#include "cli/remote.h"
#include "cli/remote_points.h"
#include "db/duet_pictures.h"

enum exit_code target_open(struct target *target, const struct cli *cli,
                           struct duet_options options)
{
    *target = (struct target){.cli = cli};
    return cli->url != NULL ? EXIT_DONE : cli_open(&target->db, cli, options);
}

void target_close(struct target *target)
{
    duet_close(target->db);
}

enum err target_search(struct target *target, const struct duet_query *query,
                       struct duet_hits *out)
{
    return target->db == NULL
               ? remote_search(out, target->cli, query)
               : duet_search(target->db, target->cli->collection, query, out);
}

enum err target_get(struct target *target, const struct duet_id *ids, size_t n,
                    struct duet_hits *out)
{
    return target->db == NULL
               ? remote_get(out, target->cli, ids, n, false)
               : duet_get(target->db, target->cli->collection, ids, n, false, out);
}

enum err target_get_whole(struct target *target, const struct duet_id *ids, size_t n,
                          struct duet_hits *out)
{
    return target->db == NULL
               ? remote_get(out, target->cli, ids, n, true)
               : duet_get(target->db, target->cli->collection, ids, n, true, out);
}

enum err target_describe(struct target *target, struct duet_collections *out)
{
    return target->db == NULL
               ? remote_describe(out, target->cli)
               : duet_collections_list(target->db, target->cli->collection, out);
}

enum err target_create(struct target *target, const struct duet_space *spaces, size_t n)
{
    return target->db == NULL
               ? remote_create(target->cli, spaces, n)
               : duet_collection_create(target->db, target->cli->collection, spaces, n);
}

enum err target_upsert(struct target *target, const struct duet_point_input *points,
                       size_t n)
{
    return target->db == NULL
               ? remote_upsert(target->cli, points, n)
               : duet_upsert(target->db, target->cli->collection, points, n);
}

enum err target_scroll(struct target *target, const struct duet_id *from, size_t limit,
                       struct duet_hits *out)
{
    return target->db == NULL
               ? remote_scroll(out, target->cli, from, limit)
               : duet_scroll_where(target->db, target->cli->collection,
                                   target->cli->filter, from, limit, out);
}

enum err target_remove(struct target *target, const struct duet_id *ids, size_t n,
                       size_t *n_removed)
{
    return target->db == NULL
               ? remote_remove(n_removed, target->cli, ids, n)
               : duet_remove(target->db, target->cli->collection, ids, n, n_removed);
}

enum err target_remove_where(struct target *target, size_t *n_removed)
{
    return target->db == NULL ? remote_remove_where(n_removed, target->cli)
                              : duet_remove_where(target->db, target->cli->collection,
                                                  target->cli->filter, n_removed);
}

enum err target_id(struct target *target, const char *argument, struct duet_id *id)
{
    char uuid[DUET_ID_TEXT_MAX];
    if (strchr(argument, '/') == NULL && duet_id_parse(id, argument) == ERR_OK) {
        return ERR_OK;
    }
    if (target->db != NULL) {
        return duet_id_of_file(target->db, argument, id);
    }
    TRY(remote_uuid(uuid, target->cli));
    return duet_id_of_file_in(uuid, argument, id);
}

enum err target_ids(struct target *target, struct duet_id **ids)
{
    const struct cli *cli = target->cli;
    *ids = alloc_array(cli->n_args, sizeof **ids);
    FAIL_IF(*ids == NULL, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < cli->n_args; i++) {
        enum err result = target_id(target, cli->args[i], &(*ids)[i]);
        if (result != ERR_OK) {
            alloc_free(*ids);
            *ids = NULL;
            return result;
        }
    }
    return ERR_OK;
}
