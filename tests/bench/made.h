/*
 * made.h - a collection of made points (semi_real.h), as bench_million and bench_growth
 * fill it: point `id` has a payload that tells its number and its bucket, and the base
 * vector of some number. All calls end the program on an error (rig.h).
 */
#ifndef TESTS_BENCH_MADE_H
#define TESTS_BENCH_MADE_H

#include "tests/bench/questions.h"
#include "tests/bench/semi_real.h"

#define MADE_COLLECTION "made"

enum {
    MADE_BATCH = 1000,  /* points of a commit */
    MADE_BUCKETS = 100, /* so that one bucket is 1 % */
    MADE_PAYLOAD_BYTES = 80
};

struct made {
    const char *folder; /* of the database */
    size_t dim;
    struct semi_real source;
};

/* The database, for reading or for writing (made if it is not there); `seal_at` as in
 * duet_options, MADE_NEVER_SEAL to have no segments built. */
#define MADE_NEVER_SEAL (SIZE_MAX / 2)
struct duet *made_open(const struct made *m, bool write, size_t seal_at);

void made_create(const struct made *m, struct duet *db);

/* Point id and the number of its vector. */
struct made_point {
    uint64_t id, number;
};

/* Writes points[n], n at most MADE_BATCH, in one commit; its seconds of wall time, the
 * making of the vectors not among them. */
double made_put(const struct made *m, struct duet *db, const struct made_point *points,
                size_t n);

/* Points first, first + 1, … , each with the vector of its own number, in commits of
 * `batch`; seconds[ceil(n / batch)] get the time of each commit; NULL: not wanted. */
void made_put_range(const struct made *m, struct duet *db, uint64_t first, size_t n,
                    size_t batch, double *seconds);

/* Makes the database with points 0 to n - 1 and no segments; the seconds of all commits
 * together, and of the median one (NULL: not wanted). */
double made_ingest(const struct made *m, size_t n, double *median_s);

/* Builds all segments that are due by default. */
void made_build(const struct made *m);

/* Bytes of vector and payload of a point, without anything around them. */
double made_live_bytes(const struct made *m);

/* The filter of one bucket: 1 % of the points, whatever the query. */
void made_bucket_filter(unsigned bucket, char filter[96]);

enum made_side { MADE_TEXT, MADE_PICTURE, MADE_SIDES };

/* n queries of each side, as vectors. */
void made_questions(const struct made *m, size_t n, struct questions sides[MADE_SIDES]);

/* Bytes of data.mdb and of the segments' files. */
uint64_t made_data_bytes(const struct made *m);
uint64_t made_segment_bytes(const struct made *m);

#endif
