/*
 * model_shrink_test.c - duet_model_quantize and duet_model_prune on a small model of every family and
 * layout, and on the one that comes with the program. Run from the top of the tree.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
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
    struct duet_remade r;
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

/* A quarter of the heads of a model with four is one; the vectors stay near. */
static void pruning_takes_what_matters_least(void **state)
{
    (void)state;
    static const char *const pruned[] = {"clip", "chinese-clip", "siglip", "clip-old"};
    for (size_t i = 0; i < sizeof pruned / sizeof pruned[0]; i++) {
        struct duet_remade r;
        char from[128], to[128];
        snprintf(from, sizeof from, FAMILIES "%s", pruned[i]);
        snprintf(to, sizeof to, "%s/pruned", folder);
        assert_ok(duet_model_prune(from, 0.5, 0, to, &r));
        print_message("%s, half the heads: texts %.4f, pictures %.4f\n", from,
                      r.text_cosine, r.picture_cosine);
        assert_true(r.text_cosine > 0.3 && r.text_cosine < 0.9999);
        assert_true(r.bytes < r.bytes_before);
        assert_ok(folder_remove(to));
        assert_ok(duet_model_prune(from, 0, 0.25, to, &r));
        print_message("%s, a quarter of the channels: texts %.4f, pictures %.4f\n",
                      from, r.text_cosine, r.picture_cosine);
        assert_true(r.text_cosine > 0.8 && r.picture_cosine > 0.8);
        assert_true(r.text_cosine < 0.9999);
        assert_ok(duet_model_verify(to, NULL, NULL));
        assert_ok(folder_remove(to));
    }
}

/* Zeroes the first half of the tensor called `name` in a safetensors file in memory. */
static void zero_half(struct buf *file, const char *name)
{
    char quoted[300];
    unsigned long long header = 0, begin, end;
    memcpy(&header, file->data, sizeof(uint64_t));
    snprintf(quoted, sizeof quoted, "\"%s\":", name);
    const char *at = strstr(file->data + sizeof(uint64_t), quoted);
    assert_non_null(at);
    at = strstr(at, "\"data_offsets\":[");
    assert_int_equal(sscanf(at, "\"data_offsets\":[%llu,%llu]", &begin, &end), 2);
    memset(file->data + sizeof(uint64_t) + header + begin, 0, (end - begin) / 2);
}

/* Of every layer of both towers, of `layers` each. */
static void zero_first_halves(struct buf *file, int layers)
{
    static const char *const towers[] = {"vision_model", "text_model"};
    static const char *const parts[] = {"self_attn.v_proj.weight",
                                        "self_attn.v_proj.bias", "mlp.fc1.weight",
                                        "mlp.fc1.bias"};
    for (int i = 0; i < 2 * layers; i++) {
        for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
            char name[256];
            snprintf(name, sizeof name, "%s.encoder.layers.%d.%s", towers[i % 2], i / 2,
                     parts[p]);
            zero_half(file, name);
        }
    }
}

/* What adds nothing goes, and is not missed: heads whose values are 0, channels that
 * are 0. */
static void what_adds_nothing_is_not_missed(void **state)
{
    (void)state;
    struct duet_remade r;
    struct buf file;
    char from[128], to[128], path[256];
    snprintf(from, sizeof from, "%s/zeros", folder);
    snprintf(to, sizeof to, "%s/pruned", folder);
    assert_ok(file_make_folders(from));
    snprintf(path, sizeof path, "cp " FAMILIES "clip/* %s/", from);
    assert_int_equal(system(path), 0);
    snprintf(path, sizeof path, "%s/model.safetensors", from);
    buf_init(&file, 64 << 20);
    assert_ok(file_read(path, &file));
    zero_first_halves(&file, 2);
    assert_ok(file_write(path, file.data, file.size));
    buf_release(&file);
    assert_ok(duet_model_prune(from, 0.5, 0.5, to, &r));
    assert_true(r.bytes < r.bytes_before);
    assert_true(r.text_cosine_least > 1 - 1e-6 && r.picture_cosine_least > 1 - 1e-6);
    assert_ok(folder_remove(from));
    assert_ok(folder_remove(to));
}

static void not_everything_can_be_pruned(void **state)
{
    (void)state;
    struct duet_remade r;
    char to[128];
    snprintf(to, sizeof to, "%s/pruned", folder);
    assert_err(duet_model_prune(FAMILIES "open-clip", 0.5, 0, to, &r), ERR_UNSUPPORTED);
    assert_err(duet_model_prune(NULL, 0.5, 0, to, &r), ERR_UNSUPPORTED);
    assert_err(duet_model_prune(FAMILIES "clip", 1, 0, to, &r), ERR_INVALID);
    assert_err(duet_model_prune(FAMILIES "clip", 0, 0, to, &r), ERR_INVALID);
    assert_int_equal(access(to, F_OK), -1);
}

/* An int8 model keeps its scales with its rows. */
static void a_quantised_model_can_be_pruned(void **state)
{
    (void)state;
    struct duet_remade plain, both;
    char small[128], to[128];
    snprintf(small, sizeof small, "%s/int8", folder);
    snprintf(to, sizeof to, "%s/both", folder);
    assert_ok(duet_model_prune(FAMILIES "clip", 0.5, 0.25, to, &plain));
    assert_ok(folder_remove(to));
    assert_ok(duet_model_quantize(FAMILIES "clip", DUET_INT8, small, &both));
    assert_ok(duet_model_prune(small, 0.5, 0.25, to, &both));
    assert_true(both.text_cosine > plain.text_cosine - 0.02);
    assert_ok(folder_remove(small));
    assert_ok(folder_remove(to));
}

/* The licence of a model whose card was not published beside it is not lost. */
static void the_licence_stays(void **state)
{
    (void)state;
    struct duet_remade r;
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
    struct duet_remade r;
    assert_err(duet_model_quantize(FAMILIES "clip", DUET_INT8, folder, &r), ERR_EXISTS);
    assert_err(duet_model_quantize(FAMILIES "no-such", DUET_INT8, NULL, &r),
               ERR_NOT_FOUND);
}

/* A model named by its path has no name to go by. */
static void a_path_wants_a_place(void **state)
{
    (void)state;
    struct duet_remade r;
    assert_err(duet_model_quantize(FAMILIES "clip", DUET_INT8, NULL, &r), ERR_INVALID);
    assert_non_null(strstr(err_detail(), "say where"));
}

/* Nothing stays of what could not be finished. */
static void a_broken_model_leaves_nothing(void **state)
{
    (void)state;
    struct duet_remade r;
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
        cmocka_unit_test(pruning_takes_what_matters_least),
        cmocka_unit_test(what_adds_nothing_is_not_missed),
        cmocka_unit_test(not_everything_can_be_pruned),
        cmocka_unit_test(a_quantised_model_can_be_pruned),
        cmocka_unit_test(the_licence_stays),
        cmocka_unit_test(a_folder_that_is_there_is_not_touched),
        cmocka_unit_test(a_path_wants_a_place),
        cmocka_unit_test(a_broken_model_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_all);
}
