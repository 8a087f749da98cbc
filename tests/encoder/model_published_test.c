/*
 * model_published_test.c - folders as transformers and OpenCLIP write them, with
 * something wrong: each is a good one of tests/golden/families with one passage of one
 * file replaced, and must be refused with a sentence that names what it is.
 */
#include "tests/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "encoder/encoder.h"
#include "encoder/image.h"

enum { PATH_BYTES_MAX = 4096, FILE_BYTES_MAX = 1 << 22 };

static char folder[] = "/tmp/duet-published-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

/* Calls `visit` with the name of every file in `path`. */
static void for_each_file(const char *path, void (*visit)(const char *, const char *))
{
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (e->d_name[0] != '.') {
            visit(path, e->d_name);
        }
    }
    closedir(dir);
}

static const char *path_in(const char *name)
{
    static char path[PATH_BYTES_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void remove_file(const char *path, const char *name)
{
    (void)path;
    assert_int_equal(unlink(path_in(name)), 0);
}

static void copy_file(const char *path, const char *name)
{
    struct buf bytes;
    char from[PATH_BYTES_MAX];
    buf_init(&bytes, FILE_BYTES_MAX);
    snprintf(from, sizeof from, "%s/%s", path, name);
    assert_ok(file_read(from, &bytes));
    assert_ok(file_write_unsynced(path_in(name), bytes.data, bytes.size));
    buf_release(&bytes);
}

static int remove_folder(void **state)
{
    (void)state;
    for_each_file(folder, remove_file);
    return rmdir(folder);
}

/* Makes the folder a copy of a good model. */
static void copy_model(const char *name)
{
    char path[PATH_BYTES_MAX];
    for_each_file(folder, remove_file);
    snprintf(path, sizeof path, "tests/golden/families/%s", name);
    for_each_file(path, copy_file);
}

/* Replaces the first `from` in a file; both are of one length in a binary file. */
static void edit(const char *name, const char *from, const char *to)
{
    struct buf old, new;
    buf_init(&old, FILE_BYTES_MAX);
    buf_init(&new, FILE_BYTES_MAX);
    assert_ok(file_read(path_in(name), &old));
    const char *at = memmem(old.data, old.size, from, strlen(from));
    if (at == NULL) {
        fail_msg("%s has no %s", name, from);
    }
    size_t before = (size_t)(at - old.data), skip = before + strlen(from);
    assert_ok(buf_append(&new, old.data, before));
    assert_ok(buf_append(&new, to, strlen(to)));
    assert_ok(buf_append(&new, old.data + skip, old.size - skip));
    assert_ok(file_write_unsynced(path_in(name), new.data, new.size));
    buf_release(&old);
    buf_release(&new);
}

/* Opens the model and both its towers. */
static enum err use_model(void)
{
    struct enc *enc;
    float vector[64];
    uint8_t grey[3 * 8 * 8];
    struct img image = {.rgb = grey, .width = 8, .height = 8};
    memset(grey, 100, sizeof grey);
    TRY(enc_open(&enc, folder));
    enum err result = enc_text(enc, "a dog", 5, vector, NULL);
    if (result == ERR_OK) {
        result = enc_image(enc, &image, vector);
    }
    enc_close(enc);
    return result;
}

static void assert_refused(const char *because)
{
    assert_err(use_model(), ERR_MODEL);
    if (strstr(err_detail(), because) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err_detail(), because);
    }
}

/* One passage of a good model's file, and what must be said of its replacement. */
struct wrong {
    const char *model, *file, *from, *to, *because;
};

static void check_wrong(const struct wrong *wrong, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        copy_model(wrong[i].model);
        edit(wrong[i].file, wrong[i].from, wrong[i].to);
        assert_refused(wrong[i].because);
    }
}

#define CHECK_WRONG(table) check_wrong(table, sizeof(table) / sizeof((table)[0]))

static void test_good_models_open(void **state)
{
    (void)state;
    static const char *const names[] = {
        "clip",         "clip-old", "open-clip", "open-clip-custom",
        "chinese-clip", "siglip",   "siglip2"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        copy_model(names[i]);
        assert_ok(use_model());
    }
}

static void test_other_architectures_are_named(void **state)
{
    (void)state;
    static const struct wrong wrong[] = {
        {"clip", "config.json", "\"model_type\": \"clip\"", "\"model_type\": \"blip\"",
         "\"blip\""},
        {"siglip", "config.json", "\"model_type\": \"siglip\"",
         "\"model_type\": \"siglip2\"", "NaFlex"},
        {"clip", "config.json", "\"model_type\": \"clip\"", "\"model_kind\": \"clip\"",
         "model_type"},
        {"clip", "config.json", "\"hidden_act\": \"quick_gelu\"",
         "\"hidden_act\": \"silu\"", "silu"},
        {"open-clip", "open_clip_config.json", "\"layers\": 2",
         "\"layers\": [3, 4, 6, 3]", "only transformers"},
        {"open-clip", "open_clip_config.json", "\"image_size\": 40,",
         "\"image_size\": 40, \"timm_model_name\": \"vit_base\",", "timm_model_name"},
        {"open-clip", "open_clip_config.json", "\"heads\": 2,",
         "\"heads\": 2, \"hf_model_name\": \"roberta\",", "hf_model_name"},
        {"open-clip", "open_clip_config.json", "\"heads\": 2,",
         "\"heads\": 2, \"no_causal_mask\": true,", "no_causal_mask"},
        {"open-clip", "open_clip_config.json", "\"embed_dim\": 24,",
         "\"embed_dim\": 24, \"multimodal_cfg\": {},", "multimodal_cfg"},
    };
    CHECK_WRONG(wrong);
}

static void test_numbers_out_of_bounds_are_refused(void **state)
{
    (void)state;
    static const struct wrong wrong[] = {
        {"clip", "config.json", "\"projection_dim\": 24", "\"projection_dim\": 0",
         "projection_dim"},
        {"clip", "config.json", "\"hidden_size\": 32", "\"hidden_size\": 1e9",
         "hidden_size"},
        {"clip", "config.json", "\"num_hidden_layers\": 2",
         "\"num_hidden_layers\": 99999", "num_hidden_layers"},
        {"clip", "config.json", "\"num_attention_heads\": 2",
         "\"num_attention_heads\": 5", "5 heads"},
        {"clip", "config.json", "\"patch_size\": 12", "\"patch_size\": 49",
         "patches of 49"},
        {"clip", "config.json", "\"max_position_embeddings\": 20",
         "\"max_position_embeddings\": 2", "max_position_embeddings"},
        {"clip", "config.json", "\"layer_norm_eps\": 1e-05", "\"layer_norm_eps\": -1",
         "layer_norm_eps"},
        {"open-clip", "open_clip_config.json", "\"head_width\": 16",
         "\"head_width\": 160", "head_width"},
        {"open-clip-custom", "open_clip_config.json", "\"mlp_ratio\": 2.5",
         "\"mlp_ratio\": 1e300", "mlp_ratio"},
    };
    CHECK_WRONG(wrong);
}

static void test_preprocessing_that_is_not_known_is_refused(void **state)
{
    (void)state;
    static const char file[] = "preprocessor_config.json";
    static const struct wrong wrong[] = {
        {"clip-old", file, "\"resample\": 3", "\"resample\": 1", "resample"},
        {"clip-old", file, "\"do_center_crop\": true", "\"do_center_crop\": false",
         "different shapes"},
        {"clip-old", file, "\"crop_size\": 40", "\"crop_size\": 41", "41 pixels"},
        {"clip-old", file, "\"size\": 44", "\"size\": 30", "larger"},
        {"clip-old", file, "\"do_normalize\": true", "\"do_normalize\": false",
         "do_normalize"},
        {"clip-old", file, "\"image_std\": [\n  0.26862954", "\"image_std\": [\n  0.0",
         "image_std"},
        {"chinese-clip", file, "\"height\": 48", "\"height\": 47", "no square"},
        {"clip-old", file, "\"do_resize\": true", "\"do_pad\": true", "do_pad"},
        {"clip-old", file, "\"do_resize\": true", "\"use_square_size\": true",
         "use_square_size"},
        {"clip-old", file, "\"do_resize\": true", "\"rescale_offset\": true",
         "rescale_offset"},
        {"clip", file, "\"shortest_edge\": 48",
         "\"shortest_edge\": 48, \"longest_edge\": 60", "longest_edge"},
        {"open-clip", "open_clip_config.json", "\"bicubic\"", "\"random\"", "random"},
        {"open-clip", "open_clip_config.json", "\"shortest\"", "\"longest\"",
         "longest"},
    };
    CHECK_WRONG(wrong);
}

/* What the model in the folder makes of one text and of one picture. */
struct vectors {
    float text[64], picture[64];
};

static void read_vectors(struct vectors *out)
{
    struct enc *enc;
    uint8_t rgb[3 * 60 * 60];
    struct img image = {.rgb = rgb, .width = 60, .height = 60};
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < sizeof rgb; i++) {
        rgb[i] = (uint8_t)(i * i / 50);
    }
    assert_ok(enc_open(&enc, folder));
    assert_true(enc_info(enc)->dim <= 64);
    assert_ok(enc_text(enc, "A dog, and 3 cats", 17, out->text, NULL));
    assert_ok(enc_image(enc, &image, out->picture));
    enc_close(enc);
}

/* Published configs leave out much. */
static void test_a_key_left_out_means_its_default(void **state)
{
    (void)state;
    static const char open_clip[] = "open_clip_config.json";
    static const struct {
        const char *model, *file, *key;
    } keys[] = {
        {"clip", "config.json", "\"hidden_act\": \"quick_gelu\","},
        {"clip", "config.json", "\"layer_norm_eps\": 1e-05,"},
        {"clip", "preprocessor_config.json", "\"resample\": 3,"},
        {"clip", "preprocessor_config.json",
         "\"rescale_factor\": 0.00392156862745098,"},
        {"chinese-clip", "config.json", "\"hidden_act\": \"gelu\","},
        {"chinese-clip", "config.json", "\"hidden_act\": \"quick_gelu\","},
        {"chinese-clip", "config.json", "\"layer_norm_eps\": 1e-12,"},
        {"siglip", "config.json", "\"hidden_act\": \"gelu_pytorch_tanh\","},
        {"siglip", "config.json", "\"layer_norm_eps\": 1e-06,"},
        {"siglip", "config.json", "\"patch_size\": 16,"},
        {"open-clip", open_clip, "\"quick_gelu\": false,"},
        {"open-clip", open_clip, ",\n  \"interpolation\": \"bicubic\""},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct vectors before, after;
        copy_model(keys[i].model);
        read_vectors(&before);
        edit(keys[i].file, keys[i].key, "");
        read_vectors(&after);
        if (memcmp(&before, &after, sizeof before) != 0) {
            fail_msg("%s: without %s it is another model", keys[i].model, keys[i].key);
        }
    }
}

/* Of the two that many published configs have of each part; the second is whole. */
static void test_the_second_form_of_a_part_counts(void **state)
{
    (void)state;
    struct vectors before, after;
    static const char *const names[] = {"clip", "chinese-clip"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        copy_model(names[i]);
        read_vectors(&before);
        edit("config.json", "\"text_config\": {",
             "\"text_config\": {\"hidden_size\": 8, \"hidden_act\": \"silu\"},\n"
             "\"text_config_dict\": {");
        edit("config.json", "\"vision_config\": {",
             "\"vision_config\": {\"patch_size\": 1, \"hidden_act\": \"silu\"},\n"
             "\"vision_config_dict\": {");
        read_vectors(&after);
        assert_memory_equal(&before, &after, sizeof before);
    }
    copy_model("clip");
    edit("config.json", "\"text_config\": {",
         "\"text_config_dict\": {\"hidden_size\": 32},\n\"text_config\": {");
    assert_refused("49408 x 32"); /* the default vocabulary, not the first form's */
}

/* Pixels twice as large, and means and deviations too, are the same pixels. */
static void test_the_rescale_factor_counts(void **state)
{
    (void)state;
    static const char file[] = "preprocessor_config.json";
    struct vectors before, after;
    double dot = 0;
    copy_model("siglip");
    read_vectors(&before);
    edit(file, "0.00392156862745098", "0.00784313725490196");
    for (size_t i = 0; i < 6; i++) {
        edit(file, "0.5", "1.0");
    }
    read_vectors(&after);
    for (size_t i = 0; i < 64; i++) {
        dot += (double)before.picture[i] * after.picture[i];
    }
    assert_true(dot > 0.99999);
}

static void test_weights_that_do_not_fit_are_named(void **state)
{
    (void)state;
    static const struct wrong wrong[] = {
        {"clip", "config.json", "\"hidden_size\": 48", "\"hidden_size\": 96",
         "vision_model.embeddings.patch_embedding.weight"},
        {"clip", "model.safetensors", "vision_model.pre_layrnorm.weight",
         "vision_model.pre_layrnorm.weighX", "vision_model.pre_layrnorm.weight"},
        {"clip", "model.safetensors", "\"logit_scale\"", "\"logit_scalf\"",
         "logit_scale"},
        {"siglip", "model.safetensors", "vision_model.head.probe",
         "vision_model.head.prube", "probe"},
        {"chinese-clip", "config.json", "\"type_vocab_size\": 2",
         "\"type_vocab_size\": 1", "type_vocab_size"},
        {"clip-old", "model.safetensors.index.json", "model-00002-of-00005.safetensors",
         "model-00009-of-00005.safetensors", "model-00009"},
        {"clip-old", "model.safetensors.index.json", "model-00002-of-00005.safetensors",
         "../../etc/passwd", "plain name"},
        {"clip-old", "model.safetensors.index.json", "\"weight_map\"", "\"weight_mop\"",
         "weight_map"},
    };
    CHECK_WRONG(wrong);
}

static void test_tokenizers_must_fit_their_towers(void **state)
{
    (void)state;
    static const struct wrong wrong[] = {
        {"chinese-clip", "vocab.txt", "[MASK]", "[MASK]\nmore\nthan\nthat",
         "text tower"},
        {"clip", "config.json", "\"eos_token_id\": 791", "\"eos_token_id\": 790",
         "eos_token_id"},
        {"siglip", "tokenizer_config.json", "\"pad_token\": \"</s>\"",
         "\"pad_token\": \"<none>\"", "<none>"},
    };
    CHECK_WRONG(wrong);
}

static void test_other_ways_of_bert_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *config, *because;
    } wrong[] = {
        {"{\"do_lower_case\": true, \"strip_accents\": false}", "strip_accents"},
        {"{\"do_lower_case\": false, \"strip_accents\": true}", "strip_accents"},
        {"{\"tokenize_chinese_chars\": false}", "tokenize_chinese_chars"},
        {"{\"do_basic_tokenize\": false}", "do_basic_tokenize"},
        {"{\"do_lower_case\": 3}", "tokenizer_config.json"},
    };
    static const char good[] = "{\"do_lower_case\": true, \"strip_accents\": null}";
    copy_model("chinese-clip");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_ok(file_write_unsynced(path_in("tokenizer_config.json"), wrong[i].config,
                                      strlen(wrong[i].config)));
        assert_refused(wrong[i].because);
    }
    assert_ok(
        file_write_unsynced(path_in("tokenizer_config.json"), good, sizeof good - 1));
    assert_ok(use_model());
}

/* Where the first number of a tensor of model.safetensors stands in the file. */
static size_t place_of(const struct buf *file, const char *tensor)
{
    static const char key[] = "\"data_offsets\":[";
    uint64_t header;
    memcpy(&header, file->data, sizeof header);
    const char *at = memmem(file->data, file->size, tensor, strlen(tensor));
    assert_non_null(at);
    at = strstr(at, key);
    assert_non_null(at);
    return sizeof header + header + strtoul(at + strlen(key), NULL, 10);
}

static void read_space(char *space, size_t size)
{
    struct enc *enc;
    assert_ok(enc_open(&enc, folder));
    snprintf(space, size, "%s", enc_info(enc)->space);
    enc_close(enc);
}

/* Whether the space has another name once the tensor's first number is another. */
static bool names_space(const char *model, const char *tensor)
{
    struct buf bytes;
    char before[100], after[100];
    buf_init(&bytes, FILE_BYTES_MAX);
    copy_model(model);
    read_space(before, sizeof before);
    assert_ok(file_read(path_in("model.safetensors"), &bytes));
    bytes.data[place_of(&bytes, tensor) + 2] ^= 0x20; /* a high bit of the fraction */
    assert_ok(
        file_write_unsynced(path_in("model.safetensors"), bytes.data, bytes.size));
    read_space(after, sizeof after);
    buf_release(&bytes);
    return strcmp(before, after) != 0;
}

/* Trainings that leave most of a model alone (LoRA, a locked tower) still make another
 * space of it; another temperature does not. */
static void test_every_layer_names_the_space(void **state)
{
    (void)state;
    static const struct {
        const char *model, *tensor;
    } parts[] = {
        {"clip", "vision_model.embeddings.class_embedding\""},
        {"clip", "vision_model.encoder.layers.0.self_attn.q_proj.weight\""},
        {"clip", "vision_model.encoder.layers.1.self_attn.v_proj.weight\""},
        {"clip", "text_model.encoder.layers.0.self_attn.v_proj.weight\""},
        {"clip", "text_model.encoder.layers.1.mlp.fc2.bias\""},
        {"clip", "text_model.final_layer_norm.weight\""},
        {"clip", "\"visual_projection.weight\""},
        {"clip", "\"text_projection.weight\""},
        {"siglip", "vision_model.head.mlp.fc2.weight\""},
        {"siglip", "text_model.head.bias\""},
        {"chinese-clip", "text_model.encoder.layer.1.attention.self.value.weight\""},
        {"chinese-clip", "\"text_projection.weight\""},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!names_space(parts[i].model, parts[i].tensor)) {
            fail_msg("%s: %s is not in the space's name", parts[i].model,
                     parts[i].tensor);
        }
    }
    assert_false(names_space("clip", "\"logit_scale\""));
}

static void test_a_config_may_name_the_space(void **state)
{
    (void)state;
    char space[100];
    copy_model("clip-bf16");
    edit("config.json", "{", "{\"duet_space\": \"clip-of-old\",");
    read_space(space, sizeof space);
    assert_string_equal(space, "clip-of-old");
    edit("config.json", "\"clip-of-old\"", "\"\"");
    assert_refused("duet_space");
    edit("config.json", "\"duet_space\": \"\"", "\"duet_space\": 3");
    assert_refused("duet_space");
}

static void test_the_activation_names_the_space(void **state)
{
    (void)state;
    char before[100], after[100];
    copy_model("open-clip");
    read_space(before, sizeof before);
    edit("open_clip_config.json", "\"quick_gelu\": false", "\"quick_gelu\": true");
    read_space(after, sizeof after);
    assert_string_not_equal(before, after);
}

/* A file that a folder needs, and what must be said when it is not there. */
static void test_missing_files_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *model, *file, *because;
    } missing[] = {
        {"clip", "model.safetensors", "no model.safetensors"},
        {"clip", "preprocessor_config.json", "no preprocessor_config.json"},
        {"clip", "tokenizer.json", "no vocab.json, and no tokenizer.json"},
        {"clip", "config.json", "config.json"},
        {"clip-old", "merges.txt", "no merges.txt"},
        {"clip-old", "model-00003-of-00005.safetensors", "model-00003"},
        {"chinese-clip", "vocab.txt", "no vocab.txt"},
        {"siglip", "tokenizer.json", "spiece.model"},
        {"open-clip", "tokenizer.json", "no tokenizer.json"},
    };
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        copy_model(missing[i].model);
        remove_file(folder, missing[i].file);
        if (strcmp(missing[i].because, "no vocab.txt") == 0) {
            assert_err(use_model(), ERR_MODEL);
            continue;
        }
        assert_refused(missing[i].because);
    }
}

static void test_a_pickle_alone_says_how_to_convert(void **state)
{
    (void)state;
    copy_model("clip");
    char from[PATH_BYTES_MAX];
    snprintf(from, sizeof from, "%s", path_in("model.safetensors"));
    assert_int_equal(rename(from, path_in("pytorch_model.bin")), 0);
    assert_refused("docs/MODELS.md");
    assert_non_null(strstr(err_detail(), "pytorch_model.bin"));
}

/* OpenCLIP's weights are taken where transformers' are missing. */
static void test_a_folder_of_both_layouts_opens_by_what_is_there(void **state)
{
    (void)state;
    struct enc *enc;
    copy_model("open-clip");
    copy_file("tests/golden/families/clip-old", "config.json");
    assert_ok(use_model());
    copy_model("clip");
    copy_file("tests/golden/families/open-clip", "open_clip_config.json");
    copy_file("tests/golden/families/open-clip", "open_clip_model.safetensors");
    assert_ok(enc_open(&enc, folder));
    assert_int_equal(enc_info(enc)->image_size, 48); /* not OpenCLIP's 40 */
    enc_close(enc);
}

static void test_cut_weights_are_refused_at_any_length(void **state)
{
    (void)state;
    struct buf bytes;
    buf_init(&bytes, FILE_BYTES_MAX);
    copy_model("siglip");
    assert_ok(file_read(path_in("model.safetensors"), &bytes));
    for (size_t n = 0; n < bytes.size; n += n < 12000 ? 997 : 30011) {
        assert_ok(file_write_unsynced(path_in("model.safetensors"), bytes.data, n));
        assert_err(use_model(), ERR_MODEL);
    }
    buf_release(&bytes);
}

static void test_the_card_and_the_manifest_tell_name_and_licence(void **state)
{
    (void)state;
    static const char card[] = "---\nlanguage: en\nlicense: \"mit\"\n---\n# A model\n";
    static const char manifest[] =
        "{\"repo\":\"some/body\",\"licence\":\"apache-2.0\"}";
    struct enc *enc;
    copy_model("clip");
    assert_ok(enc_open(&enc, folder));
    assert_string_equal(enc_info(enc)->name, strrchr(folder, '/') + 1);
    assert_string_equal(enc_info(enc)->licence, "unknown: see the model's card");
    enc_close(enc);
    assert_ok(file_write_unsynced(path_in("README.md"), card, sizeof card - 1));
    assert_ok(enc_open(&enc, folder));
    assert_string_equal(enc_info(enc)->licence, "mit");
    enc_close(enc);
    assert_ok(file_write_unsynced(path_in("duet.json"), manifest, sizeof manifest - 1));
    assert_ok(enc_open(&enc, folder));
    assert_string_equal(enc_info(enc)->name, "some/body");
    assert_string_equal(enc_info(enc)->licence, "apache-2.0");
    enc_close(enc);
}

static void test_no_memory_at_any_point_is_an_error_without_leaks(void **state)
{
    (void)state;
    static const char *const names[] = {"clip-old", "open-clip", "chinese-clip",
                                        "siglip"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        copy_model(names[i]);
        enum err result = ERR_NOMEM;
        for (long n = 0; result != ERR_OK; n += 1 + n / 40) {
            alloc_fail_after(n);
            result = use_model();
            alloc_fail_after(-1);
            assert_true(result == ERR_OK || result == ERR_NOMEM);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_models_open),
        cmocka_unit_test(test_other_architectures_are_named),
        cmocka_unit_test(test_numbers_out_of_bounds_are_refused),
        cmocka_unit_test(test_preprocessing_that_is_not_known_is_refused),
        cmocka_unit_test(test_a_key_left_out_means_its_default),
        cmocka_unit_test(test_the_second_form_of_a_part_counts),
        cmocka_unit_test(test_the_rescale_factor_counts),
        cmocka_unit_test(test_other_ways_of_bert_are_refused),
        cmocka_unit_test(test_weights_that_do_not_fit_are_named),
        cmocka_unit_test(test_tokenizers_must_fit_their_towers),
        cmocka_unit_test(test_every_layer_names_the_space),
        cmocka_unit_test(test_a_config_may_name_the_space),
        cmocka_unit_test(test_the_activation_names_the_space),
        cmocka_unit_test(test_missing_files_are_named),
        cmocka_unit_test(test_a_pickle_alone_says_how_to_convert),
        cmocka_unit_test(test_a_folder_of_both_layouts_opens_by_what_is_there),
        cmocka_unit_test(test_cut_weights_are_refused_at_any_length),
        cmocka_unit_test(test_the_card_and_the_manifest_tell_name_and_licence),
        cmocka_unit_test(test_no_memory_at_any_point_is_an_error_without_leaks),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
