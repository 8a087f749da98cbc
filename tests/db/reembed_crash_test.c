/*
 * reembed_crash_test.c - a process that dies right before or right after any change of
 * any file while it makes the vectors of a collection again. The collection is whole
 * after each, of one model or of the other, sound, and the next run goes on.
 */
#include "tests/db/faults.h"
#include "tests/db/steps.h"

#include <fcntl.h>

#include "base/log.h"
#include "db/db_internal.h"
#include "tests/db/process.h"
#include "tests/encoder/tiny_model.h"

enum { N_POINTS = 40, OTHER_DIM = 12, POINTS_OF_A_RUN_MAX = 5000 };

static struct {
    char model[64], other[64];
    char folder[64],
        made[64]; /* of databases: the one a child works on, and its model */
    char database[96];
    long point;
    bool after;
    bool aborts; /* the child gives a run up that was stopped, instead */
} run;

static struct duet_options options_with(const char *model)
{
    return (struct duet_options){.path = run.database,
                                 .write = true,
                                 .model = model,
                                 .n_threads = 1,
                                 .seal_at = 64};
}

static bool stop_at_once(void *arg, const struct duet_reembed_progress *now)
{
    (void)arg;
    return !now->surveyed;
}

static enum err reembed_all(struct duet *db)
{
    struct duet_reembed_options o = {.model = run.other};
    return duet_reembed(db, "c", &o, NULL);
}

static void work_and_die(void *arg)
{
    struct duet *db;
    struct duet_options o = options_with(NULL);
    (void)arg;
    faults_watch(run.folder);
    faults_kill_at(run.point, run.after);
    CHILD_CHECK(duet_open(&db, &o) == ERR_OK);
    CHILD_CHECK((run.aborts ? duet_reembed_abort(db, "c") : reembed_all(db)) == ERR_OK);
    duet_close(db);
}

/* Every point with both of its vectors, of the size that its model makes. */
static bool is_whole(struct duet *db)
{
    struct duet_collections list;
    struct duet_hits hits;
    struct duet_id ids[N_POINTS];
    assert_ok(duet_collections_list(db, "c", &list));
    bool is_new = strcmp(list.items[0].model_space, "tiny-2") == 0;
    size_t dim = is_new ? OTHER_DIM : TINY_DIM;
    duet_collections_release(&list);
    for (size_t i = 0; i < N_POINTS; i++) {
        ids[i] = test_id(i + 1);
    }
    assert_ok(duet_get(db, "c", ids, N_POINTS, true, &hits));
    assert_int_equal(hits.n, N_POINTS);
    for (size_t i = 0; i < N_POINTS; i++) {
        assert_int_equal(hits.hits[i].n_vectors, 2);
        assert_int_equal(hits.hits[i].vectors[0].dim, dim);
        assert_int_equal(hits.hits[i].vectors[1].dim, dim);
    }
    duet_hits_release(&hits);
    return is_new;
}

static void check(void)
{
    struct duet *db;
    struct duet_options o = options_with(NULL);
    assert_ok(duet_open(&db, &o));
    assert_ok(duet_seal(db, "c"));
    is_whole(db);
    check_sound(db, true);
    assert_ok(reembed_all(db));
    assert_true(is_whole(db));
    assert_ok(duet_seal(db, "c"));
    check_sound(db, true);
    duet_close(db);
}

static void put_points(struct duet *db)
{
    static const char *const texts[] = {"dog", "red cat", "blue car"};
    struct duet_named_input inputs[N_POINTS][2];
    struct duet_point_input points[N_POINTS];
    for (size_t i = 0; i < N_POINTS; i++) {
        inputs[i][0] =
            (struct duet_named_input){"image", duet_input_text(texts[i % 3])};
        inputs[i][1] = (struct duet_named_input){"text", duet_input_text(texts[i % 2])};
        points[i] = (struct duet_point_input){
            .id = test_id(i + 1), .vectors = inputs[i], .n_vectors = 2};
    }
    assert_ok(duet_upsert(db, "c", points, N_POINTS));
}

/* The database that each child gets a copy of; `begun`: with shadows, partly filled. */
static void make_database(bool begun)
{
    struct duet *db;
    struct duet_reembed_options stopped = {.model = run.other,
                                           .progress = stop_at_once};
    steps_folder_make(run.made);
    snprintf(run.database, sizeof run.database, "%s/a.db", run.made);
    struct duet_options o = options_with(run.model);
    o.create = true;
    assert_ok(duet_open(&db, &o));
    assert_ok(duet_collection_create(db, "c", NULL, 0));
    put_points(db);
    if (begun) {
        assert_err(duet_reembed(db, "c", &stopped, NULL), ERR_CANCELLED);
    }
    duet_close(db);
}

/* Children that die before (or after) each change in turn. */
static void die_everywhere(bool begun)
{
    long n = 0;
    make_database(begun);
    for (int after = 0; after < 2; after++) {
        bool died = true;
        run.after = after == 1;
        for (run.point = 0; died && run.point < POINTS_OF_A_RUN_MAX;
             run.point += SPARSE) {
            steps_folder_make(run.folder);
            snprintf(run.database, sizeof run.database, "%s/a.db", run.folder);
            steps_folder_copy(run.made, run.folder);
            died = child_run_until_killed(work_and_die, NULL);
            check();
            test_folder_remove(run.folder);
            n++;
        }
        assert_false(died);
    }
    print_message("%ld deaths\n", n - 2);
    assert_true(n > 20 / SPARSE);
    test_folder_remove(run.made);
}

static void test_dying_while_vectors_are_made_again(void **state)
{
    (void)state;
    run.aborts = false;
    die_everywhere(false);
}

static void test_dying_while_that_is_given_up(void **state)
{
    (void)state;
    run.aborts = true;
    die_everywhere(true);
}

static int set_up(void **state)
{
    (void)state;
    steps_folder_make(run.model);
    steps_folder_make(run.other);
    tiny_model_write(run.model, 1);
    tiny_model_write_as(run.other, 77, (struct tiny_shape){OTHER_DIM, "tiny-2"});
    log_set_level(LOG_ERROR);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tiny_model_remove(run.model);
    tiny_model_remove(run.other);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dying_while_vectors_are_made_again),
        cmocka_unit_test(test_dying_while_that_is_given_up),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
