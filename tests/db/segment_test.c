/*
 * segment_test.c - sealed segments: db/builder.c, db/segment.c, and the way of
 * db/nearest.c through them.
 */
#include "tests/db/db_test.h"

#include <dirent.h>
#include <sys/stat.h>

#include "base/log.h"
#include "db/db_internal.h"
#include "index/ann.h"

/* Few dimensions: FAISS trains as many tables as half of them, which is slow under the
 * sanitizers. */
enum { DIM = 8, N = 4096, SEAL_AT = 1024, K = 10 };

struct fixture {
    struct test_db t;
    struct test_random random;
    float vectors[N][DIM];
};

static void open_sealing(struct fixture *f, bool write)
{
    struct duet_options o = test_db_options(&f->t);
    o.write = o.create = write;
    o.seal_at = SEAL_AT;
    assert_ok(duet_open(&f->t.db, &o));
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    log_set_level(LOG_ERROR); /* damaged files are warned of */
    f->random = test_random_seeded("segments");
    test_folder_make(f->t.folder);
    open_sealing(f, true);
    test_collection_make(f->t.db, "c", DIM, DUET_COSINE);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    test_db_remove(&f->t);
    free(f);
    return 0;
}

/* Vectors near one of 40 centres, as real ones are; numbers [from, to) of them. */
static void fill_vectors(struct fixture *f, size_t from, size_t to)
{
    static float centres[40][DIM];
    if (from == 0) {
        for (size_t i = 0; i < 40; i++) {
            test_random_unit(&f->random, centres[i], DIM);
        }
    }
    for (size_t i = from; i < to; i++) {
        float noise[DIM];
        double sum = 0;
        test_random_unit(&f->random, noise, DIM);
        const float *centre = centres[test_random_below(&f->random, 40)];
        for (size_t d = 0; d < DIM; d++) {
            f->vectors[i][d] = centre[d] + 0.6f * noise[d];
            sum += (double)f->vectors[i][d] * f->vectors[i][d];
        }
        for (size_t d = 0; d < DIM; d++) {
            f->vectors[i][d] = (float)(f->vectors[i][d] / sqrt(sum));
        }
    }
}

static void write_vectors(struct fixture *f, size_t from, size_t to)
{
    struct db_write *writes = calloc(to - from, sizeof *writes);
    for (size_t i = from; i < to; i++) {
        writes[i - from].id = test_id(i);
        writes[i - from].vectors[0] = f->vectors[i];
    }
    assert_ok(db_write_points(f->t.db, "c", writes, to - from));
    free(writes);
}

static void fill(struct fixture *f, size_t from, size_t to)
{
    fill_vectors(f, from, to);
    write_vectors(f, from, to);
}

static struct duet_space_stats stats_of(struct fixture *f)
{
    struct duet_stats stats;
    assert_ok(duet_stats(f->t.db, "c", &stats));
    return stats.spaces[0];
}

static struct duet_hits search(struct fixture *f, const float *query, bool exact)
{
    struct duet_hits got;
    struct duet_query q = test_query(query, DIM, K);
    q.exact = exact;
    assert_ok(duet_search(f->t.db, "c", &q, &got));
    return got;
}

/* Share of the exact ten that a search of 100 random points finds; *n_candidates is the
 * proof that segments were asked. */
static double recall(struct fixture *f, size_t *n_candidates)
{
    size_t n_common = 0;
    *n_candidates = 0;
    for (size_t i = 0; i < 100; i++) {
        const float *query = f->vectors[test_random_below(&f->random, N)];
        struct duet_hits truth = search(f, query, true);
        struct duet_hits got = search(f, query, false);
        assert_int_equal(truth.n_candidates, 0);
        assert_int_equal(got.n, K);
        *n_candidates += got.n_candidates;
        for (size_t a = 0; a < K; a++) {
            for (size_t b = 0; b < K; b++) {
                n_common += truth.hits[a].id.number == got.hits[b].id.number ? 1 : 0;
            }
        }
        duet_hits_release(&truth);
        duet_hits_release(&got);
    }
    return (double)n_common / (100 * K);
}

/* ---- The files ---- */

static size_t list_segments(struct fixture *f, char last[256])
{
    char path[128];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/segments", f->t.folder);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        if (strstr(e->d_name, ".ann") != NULL) {
            snprintf(last, 256, "%s/%.100s", path, e->d_name);
            n++;
        }
    }
    closedir(folder);
    return n;
}

static void test_a_segment_is_built_and_finds_what_a_scan_finds(void **state)
{
    struct fixture *f = *state;
    size_t n_candidates;
    fill(f, 0, N);
    assert_ok(duet_seal(f->t.db, "c"));
    struct duet_space_stats stats = stats_of(f);
    assert_int_equal(stats.n_segments, 1);
    assert_int_equal(stats.n_sealed, N);
    assert_string_equal(stats.index, "PQ8x4fs");
    assert_true(stats.segment_bytes > 0);
    assert_true(recall(f, &n_candidates) >= 0.98);
    assert_true(n_candidates > 0);
}

static void test_below_the_threshold_nothing_is_sealed(void **state)
{
    struct fixture *f = *state;
    fill(f, 0, SEAL_AT - 1);
    assert_ok(duet_seal(f->t.db, "c"));
    assert_int_equal(stats_of(f).n_segments, 0);
}

static void test_segments_of_like_size_are_merged(void **state)
{
    struct fixture *f = *state;
    size_t n_candidates;
    for (size_t i = 0; i < N; i += SEAL_AT) {
        fill(f, i, i + SEAL_AT);
        assert_ok(duet_seal(f->t.db, "c"));
    }
    struct duet_space_stats stats = stats_of(f);
    assert_int_equal(stats.n_segments, 1); /* 1; 2; 2 and 1; 4: as a counter carries */
    assert_int_equal(stats.n_sealed, N);
    assert_true(recall(f, &n_candidates) >= 0.98);
}

static void test_what_is_written_behind_a_segment_is_found_at_once(void **state)
{
    struct fixture *f = *state;
    fill(f, 0, N - 100);
    assert_ok(duet_seal(f->t.db, "c"));
    fill(f, N - 100, N);
    for (size_t i = N - 100; i < N; i++) {
        struct duet_hits got = search(f, f->vectors[i], false);
        assert_int_equal(got.hits[0].id.number, i);
        duet_hits_release(&got);
    }
}

static void test_what_was_removed_from_a_segment_is_not_found(void **state)
{
    struct fixture *f = *state;
    fill(f, 0, N);
    assert_ok(duet_seal(f->t.db, "c"));
    for (size_t i = 0; i < 100; i++) {
        struct duet_id id = test_id(i);
        assert_ok(duet_remove(f->t.db, "c", &id, 1, NULL));
        struct duet_hits got = search(f, f->vectors[i], false);
        assert_int_equal(got.n, K);
        for (size_t h = 0; h < K; h++) {
            assert_true(got.hits[h].id.number > i);
        }
        duet_hits_release(&got);
    }
    assert_int_equal(stats_of(f).n_sealed, N - 100);
}

static void test_an_updated_point_is_found_where_it_is_now(void **state)
{
    struct fixture *f = *state;
    float away[DIM] = {0};
    fill(f, 0, N);
    assert_ok(duet_seal(f->t.db, "c"));
    away[3] = -1;
    assert_ok(test_upsert(f->t.db, "c", test_id(5), away, DIM, NULL));
    struct duet_hits got = search(f, away, false);
    assert_int_equal(got.hits[0].id.number, 5);
    assert_true(got.hits[0].score > 0.999f);
    duet_hits_release(&got);
    got = search(f, f->vectors[5], false);
    for (size_t h = 0; h < K; h++) {
        assert_int_not_equal(got.hits[h].id.number, 5);
    }
    duet_hits_release(&got);
}

static void test_a_reopened_database_uses_its_segments(void **state)
{
    struct fixture *f = *state;
    size_t n_candidates;
    fill(f, 0, N);
    assert_ok(duet_seal(f->t.db, "c"));
    duet_close(f->t.db);
    open_sealing(f, false);
    assert_true(recall(f, &n_candidates) >= 0.98);
    assert_true(n_candidates > 0);
    assert_int_equal(stats_of(f).n_segments, 1);
}

/* Closes the database and lets `damage` at the only segment file; what a reader then
 * finds is exact, and a writer builds the file anew. */
static void check_damage(struct fixture *f, void (*damage)(const char *path))
{
    char path[256];
    size_t n_candidates;
    fill(f, 0, N);
    assert_ok(duet_seal(f->t.db, "c"));
    duet_close(f->t.db);
    assert_int_equal(list_segments(f, path), 1);
    damage(path);
    open_sealing(f, false);
    assert_true(recall(f, &n_candidates) == 1);
    assert_int_equal(n_candidates, 0);
    duet_close(f->t.db);
    open_sealing(f, true);
    assert_ok(duet_seal(f->t.db, "c"));
    assert_true(recall(f, &n_candidates) >= 0.98);
    assert_true(n_candidates > 0);
    assert_int_equal(stats_of(f).n_sealed, N);
}

static void delete_file(const char *path)
{
    assert_int_equal(unlink(path), 0);
}

static void cut_file(const char *path)
{
    assert_int_equal(truncate(path, 1000), 0);
}

static void empty_file(const char *path)
{
    assert_int_equal(truncate(path, 0), 0);
}

static void flip_a_byte(const char *path)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 5000, SEEK_SET), 0);
    int c = fgetc(file);
    assert_int_equal(fseek(file, 5000, SEEK_SET), 0);
    fputc(c ^ 0x40, file);
    fclose(file);
}

static void put_noise(const char *path)
{
    struct test_random r = {99};
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < 20000; i++) {
        fputc((int)(test_random_next(&r) & 0xff), file);
    }
    fclose(file);
}

static enum err read_ones(void *arg, size_t first, size_t n, float *dst)
{
    (void)arg;
    for (size_t i = 0; i < n * DIM; i++) {
        dst[i] = (float)((first * DIM + i) % 7) - 3;
    }
    return ERR_OK;
}

/* A sound file of as many slots, but of another generation: an old one, copied back. */
static void put_another_generation(const char *path)
{
    struct ann *ann;
    struct ann_build_options o = {.dim = DIM, .generation = 4711, .n_threads = 1};
    assert_ok(ann_build(&ann, &o, N, read_ones, NULL));
    assert_ok(ann_save(ann, path));
    ann_close(ann);
}

static void put_a_folder(const char *path)
{
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void remove_the_folder(const char *path)
{
    char folder[256];
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    test_folder_remove(folder);
}

static void test_noise_in_a_segment_file_costs_no_answer(void **state)
{
    check_damage(*state, put_noise);
}

static void test_a_segment_file_of_another_generation_costs_no_answer(void **state)
{
    check_damage(*state, put_another_generation);
}

static void test_a_folder_called_as_a_segment_costs_no_answer(void **state)
{
    check_damage(*state, put_a_folder);
}

static void test_all_segments_missing_cost_no_answer(void **state)
{
    check_damage(*state, remove_the_folder);
}

static void test_a_missing_segment_file_costs_no_answer(void **state)
{
    check_damage(*state, delete_file);
}

static void test_a_truncated_segment_file_costs_no_answer(void **state)
{
    check_damage(*state, cut_file);
}

static void test_an_empty_segment_file_costs_no_answer(void **state)
{
    check_damage(*state, empty_file);
}

static void test_a_flipped_byte_in_a_segment_file_costs_no_answer(void **state)
{
    check_damage(*state, flip_a_byte);
}

static void test_files_that_no_manifest_names_go_at_the_next_opening(void **state)
{
    struct fixture *f = *state;
    char path[256];
    fill(f, 0, SEAL_AT);
    assert_ok(duet_seal(f->t.db, "c"));
    fill(f, SEAL_AT, 2 * SEAL_AT);
    assert_ok(duet_seal(f->t.db, "c"));
    assert_int_equal(list_segments(f, path), 2); /* the merged one, and one in grace */
    snprintf(strstr(path, ".ann"), 32, ".ann.AbCdEf");
    FILE *torn = fopen(path, "w");
    assert_non_null(torn);
    fclose(torn);
    duet_close(f->t.db);
    open_sealing(f, true);
    assert_ok(duet_seal(f->t.db, "c"));
    assert_int_equal(list_segments(f, path), 1);
    assert_int_equal(stats_of(f).n_sealed, 2 * SEAL_AT);
}

static void test_a_dropped_collection_takes_its_segments_along(void **state)
{
    struct fixture *f = *state;
    char path[256];
    struct duet_stats stats;
    fill(f, 0, N);
    assert_ok(duet_seal(f->t.db, "c"));
    assert_ok(duet_collection_drop(f->t.db, "c"));
    assert_err(duet_stats(f->t.db, "c", &stats), ERR_NOT_FOUND);
    duet_close(f->t.db);
    open_sealing(f, true);
    test_collection_make(f->t.db, "c", DIM, DUET_COSINE);
    assert_ok(duet_seal(f->t.db, "c"));
    assert_int_equal(list_segments(f, path), 0);
    assert_int_equal(stats_of(f).n_vectors, 0);
}

static void test_a_segment_of_the_dead_is_given_up(void **state)
{
    struct fixture *f = *state;
    size_t n_candidates;
    fill(f, 0, N);
    assert_ok(duet_seal(f->t.db, "c"));
    fill(f, 0, N); /* the same ids again: every slot of the segment dies */
    assert_ok(duet_seal(f->t.db, "c"));
    struct duet_space_stats stats = stats_of(f);
    assert_int_equal(stats.n_segments, 1);
    assert_int_equal(stats.n_sealed, N);
    assert_true(recall(f, &n_candidates) >= 0.98);
    assert_true(n_candidates > 0);
}

/* Each distance and datatype that the index can compare by; Manhattan is scanned. */
static void test_distances_and_datatypes_are_sealed(void **state)
{
    static const struct {
        enum duet_distance distance;
        enum duet_datatype datatype;
    } cases[] = {{DUET_EUCLID, DUET_FLOAT32},
                 {DUET_EUCLID, DUET_FLOAT16},
                 {DUET_DOT, DUET_FLOAT16},
                 {DUET_COSINE, DUET_FLOAT16},
                 {DUET_MANHATTAN, DUET_FLOAT32}};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct duet_space space = {"v", DIM, cases[i].distance, cases[i].datatype};
        size_t n_candidates;
        bool is_indexed = cases[i].distance != DUET_MANHATTAN;
        assert_ok(duet_collection_drop(f->t.db, "c"));
        assert_ok(duet_collection_create(f->t.db, "c", &space, 1));
        fill(f, 0, N);
        assert_ok(duet_seal(f->t.db, "c"));
        assert_int_equal(stats_of(f).n_segments, is_indexed ? 1 : 0);
        double r = recall(f, &n_candidates);
        print_message("%s %s: recall@10 %.3f\n", duet_distance_name(space.distance),
                      duet_datatype_name(space.datatype), r);
        assert_true(r >= 0.98);
        assert_true((n_candidates > 0) == is_indexed);
    }
}

/* Bytes are not stored at unit length, but compared so. */
static void test_bytes_are_sealed(void **state)
{
    struct fixture *f = *state;
    for (int d = DUET_COSINE; d <= DUET_EUCLID; d++) {
        struct duet_space space = {"v", DIM, (enum duet_distance)d, DUET_UINT8};
        size_t n_candidates;
        assert_ok(duet_collection_drop(f->t.db, "c"));
        assert_ok(duet_collection_create(f->t.db, "c", &space, 1));
        fill_vectors(f, 0, N);
        for (size_t i = 0; i < N; i++) {
            for (size_t k = 0; k < DIM; k++) {
                float x = 128 + 300 * f->vectors[i][k];
                f->vectors[i][k] = floorf(x < 0 ? 0 : x > 255 ? 255 : x);
            }
        }
        write_vectors(f, 0, N);
        assert_ok(duet_seal(f->t.db, "c"));
        double r = recall(f, &n_candidates);
        print_message("%s uint8: recall@10 %.3f\n", duet_distance_name(space.distance),
                      r);
        assert_true(r >= 0.98);
        assert_true(n_candidates > 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_segment_is_built_and_finds_what_a_scan_finds),
        TEST(test_distances_and_datatypes_are_sealed),
        TEST(test_bytes_are_sealed),
        TEST(test_below_the_threshold_nothing_is_sealed),
        TEST(test_segments_of_like_size_are_merged),
        TEST(test_what_is_written_behind_a_segment_is_found_at_once),
        TEST(test_what_was_removed_from_a_segment_is_not_found),
        TEST(test_an_updated_point_is_found_where_it_is_now),
        TEST(test_a_reopened_database_uses_its_segments),
        TEST(test_a_missing_segment_file_costs_no_answer),
        TEST(test_a_truncated_segment_file_costs_no_answer),
        TEST(test_an_empty_segment_file_costs_no_answer),
        TEST(test_a_flipped_byte_in_a_segment_file_costs_no_answer),
        TEST(test_noise_in_a_segment_file_costs_no_answer),
        TEST(test_a_segment_file_of_another_generation_costs_no_answer),
        TEST(test_a_folder_called_as_a_segment_costs_no_answer),
        TEST(test_all_segments_missing_cost_no_answer),
        TEST(test_files_that_no_manifest_names_go_at_the_next_opening),
        TEST(test_a_segment_of_the_dead_is_given_up),
        TEST(test_a_dropped_collection_takes_its_segments_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
