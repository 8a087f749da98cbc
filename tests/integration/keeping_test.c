/*
 * keeping_test.c - verify, repair, backup, restore and compact of the real program: exit
 * codes, lines, and that one's output is the other's input.
 */
#include "tests/integration/program.h"

static void add_three(void)
{
    put_picture("a.ppm", 1);
    put_picture("b.ppm", 2);
    put_picture("c.ppm", 3);
    RUN("add", pictures);
    assert_status(0);
}

/* Deletes the thumbnail of one of the pictures. */
static int drop_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    bool is_jpeg = flag == FTW_F && strstr(path, ".jpg") != NULL;
    return is_jpeg && unlink(path) == 0 ? 1 : 0;
}

static void test_verify_tells_and_repair_mends(void **state)
{
    (void)state;
    char media[128];
    add_three();
    RUN("verify");
    assert_status(0);
    assert_non_null(strstr(ran.out, "3 points"));
    assert_non_null(strstr(ran.out, "sound"));
    snprintf(media, sizeof media, "%s/media", database);
    assert_int_equal(nftw(media, drop_one, 16, FTW_PHYS), 1);
    RUN("verify", "--json");
    assert_status(7);
    assert_non_null(strstr(ran.out, "\"kind\":\"derived\""));
    assert_non_null(strstr(ran.out, "\"derived\":1"));
    RUN("repair", "--dry-run");
    assert_status(0);
    assert_non_null(strstr(ran.out, "thumbnail"));
    RUN("verify");
    assert_status(7);
    RUN("repair");
    assert_status(0);
    RUN("verify");
    assert_status(0);
    RUN("repair");
    assert_non_null(strstr(ran.out, "nothing to do"));
}

static void test_a_backup_is_restored_elsewhere(void **state)
{
    (void)state;
    static char listed[OUTPUT_MAX];
    const char *backup = at("photos.duet");
    const char *copy = at("copy.db");
    add_three();
    RUN("backup", backup);
    assert_status(0);
    assert_non_null(strstr(ran.out, "3 points, 3 pictures"));
    RUN("backup", backup);
    assert_one_error(6, "is there already");
    RUN("restore", backup);
    assert_one_error(6, "is there already");
    RUN("restore", backup, "--db", copy);
    assert_status(0);
    RUN("ls", "--json");
    strcpy(listed, ran.out);
    RUN("ls", "--json", "--db", copy);
    assert_string_equal(ran.out, listed);
    RUN("verify", "--db", copy);
    assert_status(0);
    assert_int_equal(truncate(backup, 1000), 0);
    RUN("restore", backup, "--db", at("none.db"));
    assert_one_error(7, "cut short");
    assert_int_equal(access(at("none.db"), F_OK), -1);
    RUN("restore", at("no such file"), "--db", at("none.db"));
    assert_one_error(3, "no such file");
}

static void test_a_backup_goes_through_a_pipe(void **state)
{
    (void)state;
    add_three();
    RUN("backup", "-");
    assert_status(0);
    assert_non_null(strstr(ran.err, "3 points"));
    assert_int_equal(rename(at("stdout"), at("piped.duet")), 0);
    RUN("restore", at("piped.duet"), "--db", at("piped.db"));
    assert_status(0);
    RUN("verify", "--db", at("piped.db"));
    assert_status(0);
}

static void test_compact_keeps_what_is_there(void **state)
{
    (void)state;
    add_three();
    char path[160];
    snprintf(path, sizeof path, "%s/a.ppm", pictures);
    RUN("rm", path);
    assert_status(0);
    RUN("compact", "--json");
    assert_status(0);
    assert_non_null(strstr(ran.out, "\"bytes_before\":"));
    RUN("verify");
    assert_status(0);
    assert_non_null(strstr(ran.out, "2 points"));
    RUN("search", "dog");
    assert_status(0);
}

static void test_a_database_that_is_not_there_is_told(void **state)
{
    (void)state;
    RUN("verify");
    assert_one_error(3, "no database");
    RUN("repair");
    assert_one_error(3, "no database");
    RUN("compact");
    assert_one_error(3, "no database");
    RUN("backup", at("x"));
    assert_one_error(3, "no database");
}

int main(void)
{
    if (!find_program()) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(test_verify_tells_and_repair_mends),
        TEST(test_a_backup_is_restored_elsewhere),
        TEST(test_a_backup_goes_through_a_pipe),
        TEST(test_compact_keeps_what_is_there),
        TEST(test_a_database_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, setup_models, teardown_models);
}
