/*
 * model_path_test.c - encoder/model_path.h.
 */
#include "tests/test.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "encoder/model_path.h"

static char folder[] = "/tmp/duet-models-XXXXXX";
static char first[64], second[64]; /* two folders of models */
static char list[256];

static void make_model(const char *models, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", models, name);
    assert_ok(file_make_folders(path));
    snprintf(path, sizeof path, "%s/%s/config.json", models, name);
    assert_ok(file_write(path, "{}", 2));
}

static void remove_model(const char *models, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s/config.json", models, name);
    unlink(path);
    snprintf(path, sizeof path, "%s/%s", models, name);
    rmdir(path);
}

static int make_models(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(first, sizeof first, "%s/first", folder);
    snprintf(second, sizeof second, "%s/second", folder);
    snprintf(list, sizeof list, "::%s:%s:", first, second);
    make_model(first, "both");
    make_model(second, "both");
    make_model(second, "late");
    return setenv("DUET_MODELS", list, 1);
}

static int remove_models(void **state)
{
    (void)state;
    remove_model(first, "both");
    remove_model(second, "both");
    remove_model(second, "late");
    rmdir(first);
    rmdir(second);
    return rmdir(folder);
}

static void assert_found(const char *name, const char *models)
{
    struct buf path;
    char expected[256];
    snprintf(expected, sizeof expected, "%s/%s", models, name);
    buf_init(&path, PATH_MAX);
    assert_ok(enc_find_model(name, &path));
    assert_string_equal(path.data, expected);
    buf_release(&path);
}

static void test_a_name_is_looked_for_in_each_folder_in_order(void **state)
{
    (void)state;
    assert_found("both", first);
    assert_found("late", second);
}

static void test_a_folder_is_taken_as_it_stands(void **state)
{
    (void)state;
    struct buf path;
    char given[256];
    snprintf(given, sizeof given, "%s/late", second);
    buf_init(&path, PATH_MAX);
    assert_ok(enc_find_model(given, &path));
    assert_string_equal(path.data, given);
    buf_release(&path);
}

static void test_a_folder_here_goes_before_a_name(void **state)
{
    (void)state;
    struct buf path;
    char *before = getcwd(NULL, 0);
    buf_init(&path, PATH_MAX);
    assert_int_equal(chdir(second), 0);
    assert_ok(enc_find_model("both", &path));
    assert_int_equal(chdir(before), 0);
    assert_string_equal(path.data, "both");
    buf_release(&path);
    free(before);
}

static void test_not_found_says_where_it_looked(void **state)
{
    (void)state;
    struct buf path;
    buf_init(&path, PATH_MAX);
    assert_err(enc_find_model("nowhere", &path), ERR_NOT_FOUND);
    assert_non_null(strstr(err_detail(), "nowhere"));
    assert_non_null(strstr(err_detail(), first));
    assert_non_null(strstr(err_detail(), second));
    assert_non_null(strstr(err_detail(), "/tests/share/duet/models"));
    assert_err(enc_find_model("no/where", &path), ERR_NOT_FOUND);
    assert_null(strstr(err_detail(), first));
    assert_err(enc_find_model("", &path), ERR_INVALID);
    assert_int_equal(path.size, 0);
    buf_release(&path);
}

static void test_without_the_variable_it_looks_elsewhere(void **state)
{
    (void)state;
    struct buf path;
    buf_init(&path, PATH_MAX);
    unsetenv("DUET_MODELS");
    assert_err(enc_find_model("late", &path), ERR_NOT_FOUND);
    assert_null(strstr(err_detail(), first));
    setenv("DUET_MODELS", list, 1);
    buf_release(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_is_looked_for_in_each_folder_in_order),
        cmocka_unit_test(test_a_folder_is_taken_as_it_stands),
        cmocka_unit_test(test_a_folder_here_goes_before_a_name),
        cmocka_unit_test(test_not_found_says_where_it_looked),
        cmocka_unit_test(test_without_the_variable_it_looks_elsewhere),
    };
    return cmocka_run_group_tests(tests, make_models, remove_models);
}
