/*
 * hub_choose_test.c - what of a repository is pulled, and lists of files that no honest
 * hub would send: db/hub_repo.c, db/hub_choose.c, by way of whole pulls.
 */
#include "tests/db/pull_fixture.h"

/* ---- Models as they are published --------------------------------------------------- */

static void test_every_family_is_pulled_and_passes_its_checks(void **state)
{
    (void)state;
    static const char *const families[] = {
        "clip",   "clip-bf16", "clip-f16",  "clip-old",         "chinese-clip",
        "siglip", "siglip2",   "open-clip", "open-clip-custom",
    };
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "tests/golden/families/%s", families[i]);
        fake_hub_clear(&hub);
        fake_hub_add_folder(&hub, path);
        print_message("%s\n", families[i]);
        assert_ok(pull());
        assert_installed();
        assert_ok(duet_model_verify("owner/tiny", NULL, NULL));
        assert_non_null(strstr(notes, "vectors.safetensors")); /* no part of it */
        assert_false(is_there("owner/tiny/vectors.safetensors"));
        notes[0] = '\0';
        test_folder_remove(at("owner"));
    }
}

/* ---- Hostile lists ---------------------------------------------------------------- */

static void test_hostile_names_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {
        "../evil",
        "a\xc2\x9b"
        "31m",
        "a\xe2\x80\xae.txt",
        "/etc/evil",
        "a/../../evil",
        "a\nb",
        "a\x1b[2Jb",
        "a\\..\\b",
        "",
        "a//b",
        "./a",
        "a/.",
        "\xff\xfe",
        "..",
        "a/..",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct fake_file *f = &hub.files[0];
        char kept[300];
        strcpy(kept, f->name);
        snprintf(f->name, sizeof f->name, "%s", names[i]);
        assert_not_installed(ERR_CORRUPT, "list of files");
        strcpy(f->name, kept);
    }
}

static void test_answers_that_are_no_list_are_refused(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "",
        "[]",
        "{\"sha\":\"main\",\"siblings\":[]}",
        "{\"sha\":\"" FAKE_COMMIT "\"}",
        "{\"sha\":\"" FAKE_COMMIT "\",\"siblings\":[7]}",
        "{\"sha\":\"" FAKE_COMMIT "\",\"siblings\":[{\"rfilename\":\"a\"}]}",
        "{\"sha\":\"" FAKE_COMMIT
        "\",\"siblings\":[{\"rfilename\":\"a\",\"size\":-1}]}",
        "{\"sha\":\"" FAKE_COMMIT "\",\"siblings\":[{\"rfilename\":\"a\",\"size\":1},"
        "{\"rfilename\":\"a\",\"size\":1}]}",
        "{\"sha\":\"../../../../../../../../../../../../../../x\",\"siblings\":[]}",
        "{\"sha\":\"" FAKE_COMMIT
        "\",\"siblings\":[{\"rfilename\":\"a\",\"size\":99999999999999}]}",
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        hub.raw_api = answers[i];
        assert_not_installed(ERR_CORRUPT, "list of files");
    }
    hub.raw_api = "{\"sha\":\"" FAKE_COMMIT "\",\"siblings\":[]}";
    assert_not_installed(ERR_UNSUPPORTED, "config.json");
}

static void test_names_of_models_are_checked(void **state)
{
    (void)state;
    static const char *const names[] = {"tiny",      "a/b/c", "/b",         "a/",
                                        "../b",      "a/..",  "a--b/c",     "a/b?c",
                                        "default/x", ".a/b",  "a/.partial", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct duet_pull_options o = options();
        o.name = names[i];
        assert_err(duet_model_pull(&o, &done), ERR_INVALID);
    }
    assert_int_equal(hub.n_requests, 0);
}

/* A model in Hugging Face's layout, in several files. No family is known here, so that
 * it ends with ERR_MODEL where all else is right. */
static void serve_shards(size_t n, const char *last)
{
    static const char config[] = "{\"model_type\":\"clip\"}";
    char name[64];
    struct buf index;
    buf_init(&index, 1 << 16);
    fake_hub_clear(&hub);
    (void)fake_hub_add(&hub, "config.json", config, sizeof config - 1);
    assert_ok(buf_printf(&index, "{\"weight_map\":{\"last\":\"%s\"", last));
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "model-%zu.safetensors", i);
        assert_ok(
            buf_printf(&index, ",\"t%zu\":\"%s\",\"u%zu\":\"%s\"", i, name, i, name));
        (void)fake_hub_add(&hub, name, name, strlen(name));
    }
    assert_ok(buf_printf(&index, "}}"));
    (void)fake_hub_add(&hub, "model.safetensors.index.json", index.data, index.size);
    (void)fake_hub_add(&hub, "pytorch_model.bin", "x", 1);
    (void)fake_hub_add(&hub, "onnx/model.onnx", "x", 1);
    buf_release(&index);
}

static void test_shards_come_as_the_index_says(void **state)
{
    (void)state;
    serve_shards(3, "model-1.safetensors");
    assert_not_installed(ERR_MODEL, "all files came");
    for (int i = 0; i < 3; i++) {
        char path[300];
        snprintf(path, sizeof path,
                 ".partial/owner--tiny@" FAKE_COMMIT "/model-%d.safetensors", i);
        assert_true(is_there(path));
    }
    assert_false(is_there(".partial/owner--tiny@" FAKE_COMMIT "/pytorch_model.bin"));
    assert_non_null(strstr(notes, "pytorch_model.bin"));
    assert_non_null(strstr(notes, "onnx/model.onnx"));
    assert_int_equal(hub.n_large, 3);
}

static void test_an_index_of_what_is_not_there_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"model-9.safetensors", "../model.safetensors",
                                        "/etc/passwd", "config.json", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        serve_shards(2, names[i]);
        assert_not_installed(ERR_CORRUPT, "");
    }
    assert_int_equal(hub.n_large, 0);
}

static void test_more_than_the_disk_holds_is_refused_before(void **state)
{
    (void)state;
    serve_shards(30, "model-0.safetensors");
    for (size_t i = 0; i < hub.n_files; i++) {
        if (hub.files[i].large) {
            hub.files[i].listed_size = 64ll << 30;
        }
    }
    assert_not_installed(ERR_FULL, "free on the disk"); /* 2 TB */
    assert_int_equal(hub.n_large, 0);
}

static void test_a_list_without_hashes_is_refused(void **state)
{
    (void)state;
    hub.raw_api = "{\"sha\":\"" FAKE_COMMIT "\",\"siblings\":["
                  "{\"rfilename\":\"config.json\",\"size\":10}]}";
    assert_not_installed(ERR_CORRUPT, "no hash");
}

static void test_weights_that_are_pickles_are_refused_before(void **state)
{
    (void)state;
    static const char config[] = "{\"model_type\":\"clip\"}";
    fake_hub_clear(&hub);
    (void)fake_hub_add(&hub, "config.json", config, sizeof config - 1);
    (void)fake_hub_add(&hub, "pytorch_model.bin", "x", 1);
    assert_not_installed(ERR_UNSUPPORTED, "pytorch_model.bin");
    assert_detail("save_file");
    assert_detail("weights_only=True");
    assert_detail("model.safetensors");
    assert_int_equal(hub.n_requests, 2);
}

static void test_the_openclip_layout_is_taken_where_it_is_the_only_one(void **state)
{
    (void)state;
    fake_hub_clear(&hub);
    (void)fake_hub_add(&hub, "open_clip_config.json", "{}", 2);
    (void)fake_hub_add(&hub, "open_clip_model.safetensors", "x", 1);
    (void)fake_hub_add(&hub, "open_clip_pytorch_model.bin", "x", 1);
    assert_not_installed(ERR_MODEL, "all files came");
    assert_true(
        is_there(".partial/owner--tiny@" FAKE_COMMIT "/open_clip_model.safetensors"));
}

static void test_one_layout_is_taken_where_there_are_two(void **state)
{
    (void)state;
    static const char config[] = "{\"model_type\":\"clip\"}";
    fake_hub_clear(&hub);
    (void)fake_hub_add(&hub, "config.json", config, sizeof config - 1);
    (void)fake_hub_add(&hub, "model.safetensors", "x", 1);
    (void)fake_hub_add(&hub, "open_clip_config.json", "{}", 2);
    (void)fake_hub_add(&hub, "open_clip_model.safetensors", "x", 1);
    (void)fake_hub_add(&hub, "LICENSE.txt", "x", 1);
    assert_not_installed(ERR_MODEL, "all files came");
    assert_true(is_there(".partial/owner--tiny@" FAKE_COMMIT "/model.safetensors"));
    assert_true(is_there(".partial/owner--tiny@" FAKE_COMMIT "/LICENSE.txt"));
    assert_false(
        is_there(".partial/owner--tiny@" FAKE_COMMIT "/open_clip_model.safetensors"));
    assert_non_null(strstr(notes, "open_clip_model.safetensors"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_family_is_pulled_and_passes_its_checks),
        TEST(test_hostile_names_are_refused),
        TEST(test_answers_that_are_no_list_are_refused),
        TEST(test_names_of_models_are_checked),
        TEST(test_shards_come_as_the_index_says),
        TEST(test_an_index_of_what_is_not_there_is_refused),
        TEST(test_more_than_the_disk_holds_is_refused_before),
        TEST(test_a_list_without_hashes_is_refused),
        TEST(test_weights_that_are_pickles_are_refused_before),
        TEST(test_the_openclip_layout_is_taken_where_it_is_the_only_one),
        TEST(test_one_layout_is_taken_where_there_are_two),
    };
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
