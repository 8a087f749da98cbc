/*
 * model_path_test.c - encoder/model_path.h.
 */
#include "tests/test.h"

#include <limits.h>
#include <stdbool.h>
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
    char path[512];
    snprintf(path, sizeof path, "%s/%s", models, name);
    assert_ok(file_make_folders(path));
    snprintf(path, sizeof path, "%s/%s/config.json", models, name);
    assert_ok(file_write(path, "{}", 2));
}

static void remove_model(const char *models, const char *name)
{
    char path[512];
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
    make_model(second, "owner/late");
    setenv("HOME", folder, 1);
    unsetenv("XDG_DATA_HOME");
    return setenv("DUET_MODELS", list, 1);
}

static int remove_models(void **state)
{
    (void)state;
    remove_model(first, "both");
    remove_model(second, "both");
    remove_model(second, "late");
    remove_model(second, "owner/late");
    remove_model(second, "owner");
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
    assert_non_null(strstr(err_detail(), first));
    assert_err(enc_find_model("./no/where", &path), ERR_NOT_FOUND);
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

static void test_an_owners_model_is_found(void **state)
{
    (void)state;
    struct buf path;
    buf_init(&path, PATH_MAX);
    assert_found("owner/late", second);
    assert_err(enc_find_model("owner/../late", &path), ERR_NOT_FOUND);
    assert_err(enc_find_model("owner/", &path), ERR_NOT_FOUND);
    buf_release(&path);
}

static void test_an_openclip_folder_is_a_model(void **state)
{
    (void)state;
    char config[256], other[256];
    snprintf(config, sizeof config, "%s/late/config.json", second);
    snprintf(other, sizeof other, "%s/late/open_clip_config.json", second);
    assert_int_equal(rename(config, other), 0);
    assert_found("late", second);
    assert_int_equal(rename(other, config), 0);
}

static void assert_named(const char *given, const char *expected)
{
    struct buf name;
    buf_init(&name, PATH_MAX);
    assert_ok(enc_model_name(given, &name));
    assert_string_equal(name.data, expected);
    buf_release(&name);
}

static void test_a_model_is_named_as_it_is_found_again(void **state)
{
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "%s/owner/late", second);
    assert_named(path, "owner/late");
    snprintf(path, sizeof path, "%s/both", first);
    assert_named(path, "both");
    snprintf(path, sizeof path, "%s/both", second); /* its name finds the first */
    assert_named(path, path);
    make_model(second, "default"); /* a link in the first could come before it */
    snprintf(path, sizeof path, "%s/default", second);
    assert_named(path, path);
    remove_model(second, "default");
}

/* The link of 'duet model use'. */
static void link_default(const char *target)
{
    char path[256];
    snprintf(path, sizeof path, "%s/default", first);
    unlink(path);
    if (target != NULL) {
        assert_int_equal(symlink(target, path), 0);
    }
}

static void test_a_linked_default_has_its_targets_name(void **state)
{
    (void)state;
    char path[256];
    link_default("both");
    assert_found("default", first);
    snprintf(path, sizeof path, "%s/default", first);
    assert_named(path, "both");
    link_default(NULL);
}

static void test_a_default_that_leads_nowhere_is_no_other_model(void **state)
{
    (void)state;
    struct buf path;
    buf_init(&path, PATH_MAX);
    make_model(second, "default");
    link_default("gone");
    assert_err(enc_find_model("default", &path), ERR_NOT_FOUND);
    assert_non_null(strstr(err_detail(), "gone"));
    link_default(NULL);
    assert_found("default", second);
    remove_model(second, "default");
    buf_release(&path);
}

static void test_the_shipped_model_is_looked_for_by_the_program_only(void **state)
{
    (void)state;
    struct buf path;
    buf_init(&path, PATH_MAX);
    make_model(first, "duet-default");
    if (enc_find_model("duet-default", &path) == ERR_OK) { /* installed here */
        assert_null(strstr(path.data, first));
    }
    remove_model(first, "duet-default");
    buf_release(&path);
}

static void assert_home(const char *expected)
{
    struct buf home;
    buf_init(&home, PATH_MAX);
    assert_ok(enc_models_home(&home));
    assert_string_equal(home.data, expected);
    buf_release(&home);
}

static void test_the_users_folder(void **state)
{
    (void)state;
    char path[256];
    assert_home(first);
    setenv("DUET_MODELS", ":", 1);
    snprintf(path, sizeof path, "%s/.local/share/duet/models", folder);
    assert_home(path);
    make_model(path, "mine");
    assert_found("mine", path);
    remove_model(path, "mine");
    setenv("XDG_DATA_HOME", "/data", 1);
    assert_home("/data/duet/models");
    unsetenv("XDG_DATA_HOME");
    for (size_t n = strlen(path); n > strlen(folder); n = strlen(path)) {
        assert_int_equal(rmdir(path), 0);
        *strrchr(path, '/') = '\0';
    }
    setenv("DUET_MODELS", list, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_is_looked_for_in_each_folder_in_order),
        cmocka_unit_test(test_a_folder_is_taken_as_it_stands),
        cmocka_unit_test(test_a_folder_here_goes_before_a_name),
        cmocka_unit_test(test_not_found_says_where_it_looked),
        cmocka_unit_test(test_without_the_variable_it_looks_elsewhere),
        cmocka_unit_test(test_an_owners_model_is_found),
        cmocka_unit_test(test_an_openclip_folder_is_a_model),
        cmocka_unit_test(test_a_model_is_named_as_it_is_found_again),
        cmocka_unit_test(test_a_linked_default_has_its_targets_name),
        cmocka_unit_test(test_a_default_that_leads_nowhere_is_no_other_model),
        cmocka_unit_test(test_the_shipped_model_is_looked_for_by_the_program_only),
        cmocka_unit_test(test_the_users_folder),
    };
    return cmocka_run_group_tests(tests, make_models, remove_models);
}
