/*
 * model_quantize_test.c - duet_model_quantize on a small model of every family and
 * layout, and on the one that comes with the program. Run from the top of the tree.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "db/duet_model.h"
#include "db/model_folder.h"

#define FAMILIES "tests/golden/families/"

static char folder[] = "/tmp/duet-quantize-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_all(void **state)
{
    (void)state;
    return folder_remove(folder) == ERR_OK ? 0 : -1;
}

static void try_model(const char *from, enum duet_precision precision, double least)
{
    struct duet_quantize_result r;
    char to[128];
    snprintf(to, sizeof to, "%s/made", folder);
    assert_ok(duet_model_quantize(from, precision, to, &r));
    assert_string_equal(r.folder, to);
    assert_true(r.bytes > 0 && r.bytes_before > 0);
    if (r.text_cosine_least < least || r.picture_cosine_least < least) {
        fail_msg("%s: texts %.6f, pictures %.6f", from, r.text_cosine_least,
                 r.picture_cosine_least);
    }
    assert_true(r.text_cosine >= r.text_cosine_least && r.text_cosine < 1 + 1e-6);
    assert_ok(folder_remove(to));
}

static const char *const families[] = {
    "chinese-clip", "clip",      "clip-bf16",        "clip-f16", "clip-f16-open-clip",
    "clip-old",     "open-clip", "open-clip-custom", "siglip",   "siglip2",
};

static void every_family_becomes_int8(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        char from[128];
        snprintf(from, sizeof from, FAMILIES "%s", families[i]);
        try_model(from, DUET_INT8, 0.9990);
    }
}

static void every_family_becomes_fp16(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        char from[128];
        snprintf(from, sizeof from, FAMILIES "%s", families[i]);
        try_model(from, DUET_FP16, 0.99999);
    }
}

static void the_default_model_becomes_int8(void **state)
{
    (void)state;
    try_model(NULL, DUET_INT8, 0.99);
}

/* The licence of a model whose card was not published beside it is not lost. */
static void the_licence_stays(void **state)
{
    (void)state;
    struct duet_quantize_result r;
    struct duet_model_details before, after;
    char to[128];
    snprintf(to, sizeof to, "%s/made", folder);
    assert_ok(duet_model_quantize(FAMILIES "clip", DUET_INT8, to, &r));
    assert_ok(duet_model_look(FAMILIES "clip", false, &before));
    assert_ok(duet_model_look(to, false, &after));
    assert_ok(duet_model_verify(to, NULL, NULL));
    assert_string_equal(after.space, before.space);
    assert_string_not_equal(after.fingerprint, before.fingerprint);
    duet_model_details_release(&before);
    duet_model_details_release(&after);
    assert_ok(folder_remove(to));
}

static void a_folder_that_is_there_is_not_touched(void **state)
{
    (void)state;
    struct duet_quantize_result r;
    assert_err(duet_model_quantize(FAMILIES "clip", DUET_INT8, folder, &r), ERR_EXISTS);
    assert_err(duet_model_quantize(FAMILIES "no-such", DUET_INT8, NULL, &r),
               ERR_NOT_FOUND);
}

/* A model named by its path has no name to go by. */
static void a_path_wants_a_place(void **state)
{
    (void)state;
    struct duet_quantize_result r;
    assert_err(duet_model_quantize(FAMILIES "clip", DUET_INT8, NULL, &r), ERR_INVALID);
    assert_non_null(strstr(err_detail(), "say where"));
}

/* Nothing stays of what could not be finished. */
static void a_broken_model_leaves_nothing(void **state)
{
    (void)state;
    struct duet_quantize_result r;
    char from[128], file[256], to[128];
    size_t n = 0;
    snprintf(from, sizeof from, "%s/broken", folder);
    snprintf(to, sizeof to, "%s/made", folder);
    assert_ok(file_make_folders(from));
    snprintf(file, sizeof file, "cp " FAMILIES "clip/* %s/", from);
    assert_int_equal(system(file), 0);
    snprintf(file, sizeof file, "%s/tokenizer.json", from);
    assert_ok(file_write(file, "{}", 2));
    assert_err(duet_model_quantize(from, DUET_INT8, to, &r), ERR_MODEL);
    assert_int_equal(access(to, F_OK), -1);
    snprintf(file, sizeof file, "ls -A %s | wc -l", folder);
    FILE *list = popen(file, "r");
    assert_int_equal(fscanf(list, "%zu", &n), 1);
    pclose(list);
    assert_int_equal(n, 1); /* "broken" itself */
    assert_ok(folder_remove(from));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_becomes_int8),
        cmocka_unit_test(every_family_becomes_fp16),
        cmocka_unit_test(the_default_model_becomes_int8),
        cmocka_unit_test(the_licence_stays),
        cmocka_unit_test(a_folder_that_is_there_is_not_touched),
        cmocka_unit_test(a_path_wants_a_place),
        cmocka_unit_test(a_broken_model_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_all);
}
