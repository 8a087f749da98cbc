/*
 * walk_test.c - db/walk.h.
 */
#include "tests/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "db/walk.h"

enum { NOBODY = 65534 }; /* the user id */

static char folder[64];          /* where each test makes its files */
static char canonical[PATH_MAX]; /* the same, as walks name it */

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/duet-walk-XXXXXX");
    return mkdtemp(folder) == NULL || realpath(folder, canonical) == NULL;
}

static int teardown(void **state)
{
    char command[256];
    (void)state;
    snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -rf %s", folder, folder);
    return system(command);
}

/* The path of `name` below the test's folder; one of a few static buffers. */
static const char *at(const char *name)
{
    static char paths[8][PATH_MAX + 64];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", canonical, name);
    return path;
}

static void put(const char *name, const char *bytes)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s", at(name));
    *strrchr(path, '/') = '\0';
    assert_ok(file_make_folders(path));
    assert_ok(file_write(at(name), bytes, strlen(bytes)));
}

static const char PPM[] = "P6\n1 1\n255\nabc";

static void walk_folder(struct walk *walk, bool hidden)
{
    const char *paths[] = {folder};
    struct walk_options options = {.paths = paths, .n_paths = 1, .hidden = hidden};
    assert_ok(walk_paths(walk, &options));
}

/* The walk must have found exactly these, in this order. */
static void assert_found(const struct walk *walk, const char *const *names, size_t n)
{
    for (size_t i = 0; i < walk->n && i < n; i++) {
        assert_string_equal(walk->files[i].path, at(names[i]));
    }
    assert_int_equal(walk->n, n);
}

static void test_pictures_are_found_at_any_depth_sorted_by_path(void **state)
{
    (void)state;
    struct walk walk;
    put("b.jpg", "x");
    put("a/z.png", "x");
    put("a/b/c/d.webp", "x");
    put("A.JPEG", "x");
    walk_folder(&walk, false);
    assert_found(&walk, (const char *[]){"A.JPEG", "a/b/c/d.webp", "a/z.png", "b.jpg"},
                 4);
    walk_release(&walk);
}

static void test_other_files_are_told_by_ending_or_first_bytes(void **state)
{
    (void)state;
    struct walk walk;
    put("caption.txt", PPM); /* its ending says that it is none */
    put("picture.dat", PPM); /* its bytes say that it is one */
    put("picture", PPM);
    put("noise.dat", "no picture at all, just words");
    put("empty", "");
    walk_folder(&walk, false);
    assert_found(&walk, (const char *[]){"picture", "picture.dat"}, 2);
    walk_release(&walk);
}

static void test_size_and_time_are_told(void **state)
{
    (void)state;
    struct walk walk;
    put("a.jpg", "12345");
    struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1000000001, .tv_nsec = 7}};
    assert_int_equal(utimensat(AT_FDCWD, at("a.jpg"), times, 0), 0);
    walk_folder(&walk, false);
    assert_int_equal(walk.files[0].size, 5);
    assert_true(walk.files[0].mtime_ns == 1000000001000000007);
    walk_release(&walk);
}

static void test_hidden_files_and_folders_only_when_asked(void **state)
{
    (void)state;
    struct walk walk;
    put("a.jpg", "x");
    put(".b.jpg", "x");
    put(".cache/c.jpg", "x");
    walk_folder(&walk, false);
    assert_found(&walk, (const char *[]){"a.jpg"}, 1);
    walk_release(&walk);
    walk_folder(&walk, true);
    assert_found(&walk, (const char *[]){".b.jpg", ".cache/c.jpg", "a.jpg"}, 3);
    walk_release(&walk);
}

static void test_a_link_to_a_file_leads_to_it_and_counts_once(void **state)
{
    (void)state;
    struct walk walk;
    put("real/a.jpg", "x");
    assert_int_equal(symlink("real/a.jpg", at("link.jpg")), 0);
    assert_int_equal(symlink("nowhere.jpg", at("dangling.jpg")), 0);
    walk_folder(&walk, false);
    assert_found(&walk, (const char *[]){"real/a.jpg"}, 1);
    walk_release(&walk);
}

static void test_a_loop_of_folders_ends(void **state)
{
    (void)state;
    struct walk walk;
    put("a/x.jpg", "x");
    assert_int_equal(symlink("..", at("a/up")), 0);
    assert_int_equal(symlink(".", at("a/self")), 0);
    walk_folder(&walk, false);
    assert_found(&walk, (const char *[]){"a/x.jpg"}, 1);
    walk_release(&walk);
}

static void test_a_database_of_ours_is_passed_over(void **state)
{
    (void)state;
    struct walk walk;
    put("a.jpg", "x");
    put("photos.db/data.mdb", "x");
    put("photos.db/media/ab/thumb.jpg", "x");
    walk_folder(&walk, false);
    assert_found(&walk, (const char *[]){"a.jpg"}, 1);
    walk_release(&walk);
}

static void test_a_file_named_itself_and_by_its_folder_counts_once(void **state)
{
    (void)state;
    struct walk walk;
    put("a.jpg", "x");
    put("b", "whatever it is: it was named");
    const char *paths[] = {at("b"), folder, at("a.jpg")};
    assert_ok(walk_paths(&walk, &(struct walk_options){.paths = paths, .n_paths = 3}));
    assert_found(&walk, (const char *[]){"a.jpg", "b"}, 2);
    assert_int_equal(walk.n_roots, 3);
    assert_string_equal(walk.roots[1], canonical);
    walk_release(&walk);
}

static void test_a_missing_path_is_an_error(void **state)
{
    (void)state;
    struct walk walk;
    const char *paths[] = {folder, at("gone")};
    struct walk_options options = {.paths = paths, .n_paths = 2};
    put("a.jpg", "x");
    assert_err(walk_paths(&walk, &options), ERR_NOT_FOUND);
    assert_non_null(strstr(err_detail(), "gone"));
    assert_int_equal(walk.n, 0);
}

static void test_a_device_is_no_picture(void **state)
{
    (void)state;
    struct walk walk;
    const char *paths[] = {"/dev/null"};
    assert_err(walk_paths(&walk, &(struct walk_options){.paths = paths, .n_paths = 1}),
               ERR_INVALID);
}

static void count_failed(void *arg, const char *path, enum err code, const char *reason)
{
    size_t *n = arg;
    assert_string_equal(path, at("closed"));
    assert_int_equal(code, ERR_IO);
    assert_true(reason[0] != '\0');
    (*n)++;
}

static void test_a_folder_that_cannot_be_read_is_told_and_the_rest_found(void **state)
{
    (void)state;
    struct walk walk;
    size_t n_failed = 0;
    const char *paths[] = {folder};
    struct walk_options options = {
        .paths = paths, .n_paths = 1, .failed = count_failed, .arg = &n_failed};
    put("a.jpg", "x");
    put("closed/b.jpg", "x");
    assert_int_equal(chmod(at("closed"), 0), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    bool root = geteuid() == 0;
    assert_true(!root || seteuid(NOBODY) == 0); /* root reads everything */
    enum err result = walk_paths(&walk, &options);
    assert_true(!root || seteuid(0) == 0);
    assert_ok(result);
    assert_found(&walk, (const char *[]){"a.jpg"}, 1);
    assert_int_equal(n_failed, 1);
    walk_release(&walk);
}

/* Stops at the call that `arg` counts down to. */
static bool stop_later(void *arg, size_t n)
{
    size_t *n_left = arg;
    (void)n;
    return (*n_left)-- > 0;
}

static void test_the_caller_can_end_the_walk(void **state)
{
    (void)state;
    struct walk walk;
    const char *paths[] = {folder};
    size_t n_left = 0;
    struct walk_options options = {
        .paths = paths, .n_paths = 1, .found = stop_later, .arg = &n_left};
    put("a/notes.txt", "no picture anywhere: it can be stopped all the same");
    assert_err(walk_paths(&walk, &options), ERR_CANCELLED);
    n_left = 1;
    assert_err(walk_paths(&walk, &options), ERR_CANCELLED);
    assert_int_equal(walk.n, 0);
    n_left = 2;
    assert_ok(walk_paths(&walk, &options));
    walk_release(&walk);
}

static void test_no_memory_is_an_error_wherever_it_happens(void **state)
{
    (void)state;
    struct walk walk;
    put("a/b.jpg", "x");
    put("a/c.jpg", "x");
    assert_int_equal(symlink("a/b.jpg", at("link.jpg")), 0);
    const char *paths[] = {folder};
    struct walk_options options = {.paths = paths, .n_paths = 1};
    enum err result = ERR_NOMEM;
    long n = 0;
    for (; result != ERR_OK && n < 100; n++) {
        alloc_fail_after(n);
        result = walk_paths(&walk, &options);
        alloc_fail_after(-1);
        assert_true(result == ERR_OK || result == ERR_NOMEM);
    }
    assert_in_range(n, 5, 99);
    assert_int_equal(walk.n, 2);
    walk_release(&walk);
}

static void test_canonical_of_a_file_that_is_gone(void **state)
{
    (void)state;
    char path[PATH_MAX + 64];
    char named[PATH_MAX + 64];
    put("a/b.jpg", "x");
    snprintf(named, sizeof named, "%s/a/../a/gone.jpg", folder);
    assert_ok(walk_canonical(path, named));
    assert_string_equal(path, at("a/gone.jpg"));
    assert_err(walk_canonical(path, at("nowhere/x.jpg")), ERR_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pictures_are_found_at_any_depth_sorted_by_path),
        TEST(test_other_files_are_told_by_ending_or_first_bytes),
        TEST(test_size_and_time_are_told),
        TEST(test_hidden_files_and_folders_only_when_asked),
        TEST(test_a_link_to_a_file_leads_to_it_and_counts_once),
        TEST(test_a_loop_of_folders_ends),
        TEST(test_a_database_of_ours_is_passed_over),
        TEST(test_a_file_named_itself_and_by_its_folder_counts_once),
        TEST(test_a_missing_path_is_an_error),
        TEST(test_a_device_is_no_picture),
        TEST(test_a_folder_that_cannot_be_read_is_told_and_the_rest_found),
        TEST(test_the_caller_can_end_the_walk),
        TEST(test_no_memory_is_an_error_wherever_it_happens),
        TEST(test_canonical_of_a_file_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
