/*
 * model_test.c - encoder/model.h: what a config.json may say. Each bad one is the good
 * one of tiny_model.h with one passage replaced.
 */
#include "tests/encoder/tiny_model.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "encoder/model.h"

static char folder[] = "/tmp/duet-model-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    tiny_model_remove(folder);
    return 0;
}

/* Writes the good config with the first `from` replaced by `to`. */
static void write_config(const char *from, const char *to)
{
    struct buf config;
    buf_init(&config, 1 << 16);
    const char *at = strstr(tiny_config, from);
    assert_non_null(at);
    assert_ok(buf_append(&config, tiny_config, (size_t)(at - tiny_config)));
    assert_ok(buf_printf(&config, "%s%s", to, at + strlen(from)));
    tiny_write(folder, "config.json", config.data, config.size);
    buf_release(&config);
}

static void assert_refused(const char *from, const char *to, const char *because)
{
    struct model *model = (struct model *)folder;
    write_config(from, to);
    assert_err(model_open(&model, folder), ERR_MODEL);
    assert_null(model);
    assert_non_null(strstr(err_detail(), "config.json"));
    if (strstr(err_detail(), because) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err_detail(), because);
    }
}

static void test_a_good_config_is_read_whole(void **state)
{
    (void)state;
    struct model *model;
    write_config("", "");
    assert_ok(model_open(&model, folder));
    assert_string_equal(model->name, "tiny");
    assert_string_equal(model->space, "tiny-1");
    assert_string_equal(model->licence, "none");
    assert_string_equal(model->folder, folder);
    assert_int_equal(model->dim, 8);
    assert_true(model->logit_scale == 20.0);
    assert_int_equal(model->image.net.size, 32);
    assert_int_equal(model->image.net.n_blocks, 2);
    assert_int_equal(model->image.net.blocks[1].kernel, 5);
    assert_int_equal(model->image.net.blocks[1].stride, 2);
    assert_int_equal(model->image.net.blocks[1].expand, 2);
    assert_int_equal(model->image.net.blocks[1].out, 6);
    assert_int_equal(model->image.net.n_taps, 1);
    assert_int_equal(model->image.net.taps[0], 1);
    assert_true(model->image.preprocess.mean[0] == 0.5f &&
                model->image.preprocess.std[2] == 0.25f);
    assert_int_equal(model->n_texts, 2);
    assert_string_equal(model->texts[1].language, "zh");
    assert_true(model->texts[1].tokenizer.lower_case);
    assert_int_equal(model->texts[1].bert.heads, 2);
    assert_int_equal(model->texts[1].bert.max_tokens, 16);
    assert_int_equal(model->n_files, 9);
    assert_string_equal(model->files[0] + strlen(folder), "/config.json");
    assert_string_equal(model->texts[1].tokenizer.path + strlen(folder),
                        "/vocab-zh.txt");
    model_close(model);
}

static void test_a_folder_without_config_is_named(void **state)
{
    (void)state;
    struct model *model;
    assert_err(model_open(&model, "/tmp/no/such/model"), ERR_MODEL);
    assert_non_null(strstr(err_detail(), "/tmp/no/such/model/config.json"));
}

static void test_what_is_no_json_is_refused(void **state)
{
    (void)state;
    assert_refused("{", "", "not JSON");
    assert_refused(tiny_config, "[]", "JSON object");
    assert_refused("\"tiny-1\"", "\"\xff\"", "UTF-8");
}

static void test_an_unknown_kind_says_what_is_known(void **state)
{
    (void)state;
    assert_refused("\"format\":1", "\"format\":2", "format 2");
    assert_refused("efficientnet-lite", "vit", "image tower: \"architecture\"");
    assert_refused("squash", "crop", "squash");
    assert_refused("bicubic", "nearest", "bicubic");
    assert_refused("\"bert\"", "\"gpt\"", "text tower 0: \"architecture\"");
    assert_refused("\"pool\":\"mean\"", "\"pool\":\"cls\"", "\"pool\"");
}

static void test_numbers_out_of_bounds_are_refused(void **state)
{
    (void)state;
    assert_refused("\"dim\":8", "\"dim\":0", "\"dim\"");
    assert_refused("\"dim\":8", "\"dim\":4097", "\"dim\"");
    assert_refused("\"dim\":8", "\"dim\":-8", "\"dim\"");
    assert_refused("\"dim\":8", "\"dim\":8.5", "\"dim\"");
    assert_refused("20.0", "0", "\"logit_scale\"");
    assert_refused("\"size\":32", "\"size\":100000", "\"size\"");
    assert_refused("\"kernel\":5", "\"kernel\":9", "block 1: \"kernel\"");
    assert_refused("\"stride\":2", "\"stride\":3", "\"stride\"");
    assert_refused("\"out\":6", "\"out\":18446744073709551615", "\"out\"");
    assert_refused("\"layers\":1", "\"layers\":1000", "\"layers\"");
    assert_refused("\"max_tokens\":16", "\"max_tokens\":2", "\"max_tokens\"");
    assert_refused("\"max_tokens\":16", "\"max_tokens\":513", "\"max_tokens\"");
    assert_refused("1e-12", "-1", "\"layer_norm_eps\"");
    assert_refused("\"lowercase\":true", "\"lowercase\":1", "\"lowercase\"");
}

static void test_lists_are_bounded_and_typed(void **state)
{
    (void)state;
    assert_refused("[0.5,0.5,0.5]", "[0.5,0.5]", "\"mean\"");
    assert_refused("[0.5,0.5,0.5]", "[0.5,0.5,0.5,0.5]", "\"mean\"");
    assert_refused("[0.5,0.5,0.25]", "[0.5,0.5,0]", "\"std\"");
    assert_refused("[0.5,0.5,0.25]", "[0.5,0.5,\"1\"]", "\"std\"");
    assert_refused("\"taps\":[1]", "\"taps\":[2]", "\"taps\"");
    assert_refused("\"taps\":[1]", "\"taps\":[0,1,1]", "\"taps\"");
    assert_refused("\"taps\":[1]", "\"taps\":[-1]", "\"taps\"");
    assert_refused("\"blocks\":[", "\"blocks\":[],\"unknown\":[", "\"blocks\"");
    assert_refused("\"blocks\":[", "\"blocks\":[7,", "block 0");
    assert_refused("\"text\":[", "\"text\":[],\"unknown\":[", "\"text\"");
    assert_refused("\"text\":[", "\"text\":[{},{},{},{},{},{},{},", "\"text\"");
}

static void test_file_names_may_not_lead_out_of_the_folder(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\"/etc/passwd\"", "\"../x\"", "\"..\"", "\".\"", "\"\"",
        "\"a/b\"",         "7",        "null",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_refused("\"image.safetensors\"", bad[i], "\"weights\"");
        assert_refused("\"vocab-en.txt\"", bad[i], "\"vocab\"");
    }
}

static void test_no_memory_at_any_point_is_an_error_without_leaks(void **state)
{
    (void)state;
    struct model *model = NULL;
    long n = 0;
    write_config("", "");
    for (enum err result = ERR_NOMEM; result != ERR_OK; n++) {
        alloc_fail_after(n);
        result = model_open(&model, folder);
        alloc_fail_after(-1);
        assert_true(result == ERR_NOMEM || result == ERR_OK);
        assert_int_equal(model == NULL, result != ERR_OK);
    }
    assert_true(n > 9);
    model_close(model);
    model_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_config_is_read_whole),
        cmocka_unit_test(test_a_folder_without_config_is_named),
        cmocka_unit_test(test_what_is_no_json_is_refused),
        cmocka_unit_test(test_an_unknown_kind_says_what_is_known),
        cmocka_unit_test(test_numbers_out_of_bounds_are_refused),
        cmocka_unit_test(test_lists_are_bounded_and_typed),
        cmocka_unit_test(test_file_names_may_not_lead_out_of_the_folder),
        cmocka_unit_test(test_no_memory_at_any_point_is_an_error_without_leaks),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
