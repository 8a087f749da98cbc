/*
 * each_point.c - see each_point.h.
 */
#include "net/each_point.h"

#include <string.h>

bool each_point_is_fault(enum err code)
{
    return code == ERR_INVALID || code == ERR_LIMIT || code == ERR_CONFLICT ||
           code == ERR_NOT_FOUND || code == ERR_UNSUPPORTED;
}

void each_point_init(struct each_point *each, struct duet *db, const char *collection,
                     void (*tell)(void *arg, size_t i,
                                  const struct duet_point_input *point,
                                  enum err result),
                     void *arg)
{
    *each = (struct each_point){
        .db = db, .collection = collection, .tell = tell, .arg = arg};
}

/* "point 0: …", of a request of one point, without its number. */
static enum err drop_number(enum err result)
{
    static const char number[] = "point 0: ";
    char sentence[ERR_DETAIL_MAX];
    memcpy(sentence, err_detail(), sizeof sentence);
    return strncmp(sentence, number, sizeof number - 1) == 0
               ? err_set(result, "%s", sentence + sizeof number - 1)
               : result;
}

static enum err write_one(struct each_point *each, size_t at)
{
    enum err result = duet_upsert(each->db, each->collection, &each->points[at], 1);
    if (each_point_is_fault(result)) {
        result = drop_number(result);
    }
    if (result == ERR_OK || each_point_is_fault(result)) {
        each->tell(each->arg, each->i[at], &each->points[at], result);
        return ERR_OK;
    }
    return result;
}

enum err each_point_flush(struct each_point *each)
{
    size_t n = each->n;
    each->n = 0;
    if (n == 0) {
        return ERR_OK;
    }
    enum err result = duet_upsert(each->db, each->collection, each->points, n);
    if (result != ERR_OK && !each_point_is_fault(result)) {
        return result;
    }
    for (size_t at = 0; at < n; at++) {
        if (result == ERR_OK) {
            each->tell(each->arg, each->i[at], &each->points[at], ERR_OK);
        } else {
            TRY(write_one(each, at));
        }
    }
    return ERR_OK;
}

enum err each_point_add(struct each_point *each, size_t i,
                        const struct duet_point_input *point)
{
    each->i[each->n] = i;
    each->points[each->n++] = *point;
    return each->n == LIMIT_IMPORT_GROUP ? each_point_flush(each) : ERR_OK;
}
