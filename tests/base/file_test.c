/*
 * file_test.c - base/file.h.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/duet-file-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static const char *in_folder(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void test_what_was_written_is_read_and_mapped(void **state)
{
    (void)state;
    struct file_map map;
    struct buf bytes;
    assert_ok(file_write(in_folder("a"), "hello", 5));
    assert_ok(file_write_unsynced(in_folder("a"), "hello there!", 12));
    assert_ok(file_write(in_folder("a"), "hello again", 11));
    buf_init(&bytes, 11);
    assert_ok(file_read(in_folder("a"), &bytes));
    assert_string_equal(bytes.data, "hello again");
    buf_release(&bytes);
    assert_ok(file_map_open(&map, in_folder("a"), 11));
    assert_int_equal(map.size, 11);
    assert_memory_equal(map.data, "hello again", 11);
    file_map_close(&map);
}

static void test_limits_are_told(void **state)
{
    (void)state;
    struct file_map map;
    struct buf bytes;
    assert_ok(file_write(in_folder("b"), "12345", 5));
    buf_init(&bytes, 4);
    assert_err(file_read(in_folder("b"), &bytes), ERR_LIMIT);
    assert_int_equal(bytes.size, 0);
    assert_err(file_map_open(&map, in_folder("b"), 4), ERR_LIMIT);
    assert_null(map.data);
    buf_release(&bytes);
}

static void test_short_memory_is_told_from_a_limit(void **state)
{
    (void)state;
    struct buf bytes;
    assert_ok(file_write(in_folder("m"), "12345", 5));
    buf_init(&bytes, 100);
    alloc_fail_after(0);
    enum err result = file_read(in_folder("m"), &bytes);
    alloc_fail_after(-1);
    assert_err(result, ERR_NOMEM);
    buf_release(&bytes);
}

static void test_an_empty_file_is_no_error(void **state)
{
    (void)state;
    struct file_map map;
    assert_ok(file_write(in_folder("empty"), "", 0));
    assert_ok(file_map_open(&map, in_folder("empty"), 0));
    assert_null(map.data);
    file_map_close(&map);
}

static void test_what_is_no_regular_file_is_refused(void **state)
{
    (void)state;
    struct file_map map;
    assert_err(file_map_open(&map, folder, 100), ERR_INVALID);
    assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
    assert_err(file_map_open(&map, in_folder("fifo"), 100), ERR_INVALID);
    assert_err(file_map_open(&map, in_folder("absent"), 100), ERR_NOT_FOUND);
}

static void test_a_failed_write_leaves_no_file(void **state)
{
    (void)state;
    assert_err(file_write(in_folder("absent/x"), "a", 1), ERR_NOT_FOUND);
    assert_int_equal(mkdir(in_folder("taken"), 0700), 0);
    assert_err(file_write(in_folder("taken"), "a", 1), ERR_IO);
    assert_int_equal(rmdir(in_folder("taken")), 0);
}

static void test_the_umask_is_kept(void **state)
{
    (void)state;
    struct stat st;
    mode_t before = umask(077);
    assert_ok(file_write(in_folder("private"), "x", 1));
    umask(022);
    assert_int_equal(stat(in_folder("private"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_ok(file_write(in_folder("private"), "y", 1));
    umask(before);
    assert_int_equal(stat(in_folder("private"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
}

static void test_folders_are_made_with_those_above(void **state)
{
    (void)state;
    struct stat st;
    assert_ok(file_make_folders(in_folder("x/y//z")));
    assert_ok(file_make_folders(in_folder("x/y/z")));
    assert_int_equal(stat(in_folder("x/y/z"), &st), 0);
    assert_ok(file_write(in_folder("plain"), "a", 1));
    assert_err(file_make_folders(in_folder("plain")), ERR_INVALID);
    assert_err(file_make_folders(""), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_read_and_mapped),
        cmocka_unit_test(test_limits_are_told),
        cmocka_unit_test(test_short_memory_is_told_from_a_limit),
        cmocka_unit_test(test_an_empty_file_is_no_error),
        cmocka_unit_test(test_what_is_no_regular_file_is_refused),
        cmocka_unit_test(test_a_failed_write_leaves_no_file),
        cmocka_unit_test(test_the_umask_is_kept),
        cmocka_unit_test(test_folders_are_made_with_those_above),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
