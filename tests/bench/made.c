/*
 * made.c - see made.h.
 */
#include "tests/bench/made.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/bench/rig.h"
#include "tests/index/vectors.h"

struct duet *made_open(const struct made *m, bool write, size_t seal_at)
{
    struct duet *db;
    rig_check(duet_open(&db, &(struct duet_options){.path = m->folder,
                                                    .write = write,
                                                    .create = write,
                                                    .seal_at = seal_at}));
    return db;
}

void made_create(const struct made *m, struct duet *db)
{
    struct duet_space space = {.name = "v", .dim = m->dim, .distance = DUET_COSINE};
    rig_check(duet_collection_create(db, MADE_COLLECTION, &space, 1));
    rig_check(duet_index_create(db, MADE_COLLECTION, "bucket", "\"integer\""));
}

static unsigned bucket_of(uint64_t id)
{
    uint64_t random = id;
    return (unsigned)(vectors_random(&random) % MADE_BUCKETS);
}

double made_put(const struct made *m, struct duet *db, const struct made_point *points,
                size_t n)
{
    static struct duet_point_input inputs[MADE_BATCH];
    static struct duet_named_input vectors[MADE_BATCH];
    static char payloads[MADE_BATCH][MADE_PAYLOAD_BYTES];
    float *values = alloc_array(n * m->dim, sizeof *values);
    for (size_t i = 0; i < n && values != NULL; i++) {
        float *v = values + i * m->dim;
        unsigned long long id = points[i].id;
        semi_real_picture(&m->source, points[i].number, v);
        snprintf(payloads[i], sizeof payloads[i],
                 "{\"path\":\"/photos/%llu.jpg\",\"bucket\":%u}", id, bucket_of(id));
        vectors[i] = (struct duet_named_input){
            "v", {.kind = DUET_INPUT_VECTOR, .vector = v, .n = m->dim}};
        inputs[i] = (struct duet_point_input){
            {.number = id}, payloads[i], strlen(payloads[i]), &vectors[i], 1};
    }
    double start = rig_wall_s();
    rig_check(values == NULL ? ERR_NOMEM : duet_upsert(db, MADE_COLLECTION, inputs, n));
    double seconds = rig_wall_s() - start;
    alloc_free(values);
    return seconds;
}

void made_put_range(const struct made *m, struct duet *db, uint64_t first, size_t n,
                    size_t batch, double *seconds)
{
    struct made_point points[MADE_BATCH];
    for (size_t at = 0; at < n; at += batch) {
        size_t n_here = n - at < batch ? n - at : batch;
        for (size_t i = 0; i < n_here; i++) {
            points[i] = (struct made_point){first + at + i, first + at + i};
        }
        double s = made_put(m, db, points, n_here);
        if (seconds != NULL) {
            seconds[at / batch] = s;
        }
    }
}

double made_ingest(const struct made *m, size_t n, double *median_s)
{
    double sum = 0;
    size_t n_commits = (n + MADE_BATCH - 1) / MADE_BATCH;
    double *seconds = alloc_zero(n_commits, sizeof *seconds);
    if (seconds == NULL) {
        rig_fail("out of memory");
    }
    struct duet *db = made_open(m, true, MADE_NEVER_SEAL);
    made_create(m, db);
    made_put_range(m, db, 0, n, MADE_BATCH, seconds);
    for (size_t i = 0; i < n_commits; i++) {
        sum += seconds[i];
    }
    if (median_s != NULL) {
        *median_s = rig_quantile(seconds, n_commits, 0.5);
    }
    duet_close(db);
    alloc_free(seconds);
    return sum;
}

void made_build(const struct made *m)
{
    struct duet *db = made_open(m, true, 0);
    rig_check(duet_seal(db, MADE_COLLECTION));
    duet_close(db);
}

double made_live_bytes(const struct made *m)
{
    return (double)(m->dim * sizeof(float) +
                    strlen("{\"path\":\"/photos/500000.jpg\",\"bucket\":50}"));
}

void made_bucket_filter(unsigned bucket, char filter[96])
{
    snprintf(filter, 96, "{\"must\":[{\"key\":\"bucket\",\"match\":{\"value\":%u}}]}",
             bucket % MADE_BUCKETS);
}

void made_questions(const struct made *m, size_t n, struct questions sides[MADE_SIDES])
{
    for (size_t side = 0; side < MADE_SIDES; side++) {
        questions_init(&sides[side], n, m->dim, "v");
    }
    for (size_t i = 0; i < n; i++) {
        semi_real_text(&m->source, i, n, sides[MADE_TEXT].vectors + i * m->dim);
        semi_real_picture(&m->source, SEMI_REAL_QUERIES + i,
                          sides[MADE_PICTURE].vectors + i * m->dim);
    }
}

uint64_t made_data_bytes(const struct made *m)
{
    char path[RIG_PATH_BYTES];
    rig_path(path, m->folder, "data.mdb");
    return rig_file_bytes(path);
}

uint64_t made_segment_bytes(const struct made *m)
{
    char path[RIG_PATH_BYTES];
    rig_path(path, m->folder, "segments");
    return rig_file_bytes(path);
}
