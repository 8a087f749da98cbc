/*
 * tiny_model.h - a whole model of some 50 KB with seeded random weights, for tests that
 * need a model and do not care what it knows.
 *
 *     char folder[] = "/tmp/duet-test-XXXXXX";
 *     mkdtemp(folder);
 *     tiny_model_write(folder, 1);     // two seeds: two models of the same shape
 *     tiny_model_write_as(folder, 1, (struct tiny_shape){12, "tiny-2"});
 *     ...
 *     tiny_model_remove(folder);
 *
 * Vectors of TINY_DIM numbers; towers for pictures of 32 x 32 and for texts of at most
 * 16 tokens in English and Chinese.
 */
#ifndef TESTS_ENCODER_TINY_MODEL_H
#define TESTS_ENCODER_TINY_MODEL_H

#include "tests/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"

enum { TINY_DIM = 8, TINY_MAX_TOKENS = 16 };

static const char tiny_config[] =
    "{\"format\":1,\"name\":\"tiny\",\"version\":\"1\",\"space\":\"tiny-1\","
    "\"licence\":\"none\",\"dim\":8,\"logit_scale\":20.0,"
    "\"image\":{\"architecture\":\"efficientnet-lite\","
    "\"weights\":\"image.safetensors\",\"head\":\"head-image.safetensors\","
    "\"size\":32,\"resize\":\"squash\",\"interpolation\":\"bicubic\","
    "\"mean\":[0.5,0.5,0.5],\"std\":[0.5,0.5,0.25],\"stem\":4,\"blocks\":["
    "{\"kernel\":3,\"stride\":1,\"expand\":1,\"out\":4},"
    "{\"kernel\":5,\"stride\":2,\"expand\":2,\"out\":6}],"
    "\"features\":8,\"taps\":[1]},"
    "\"text\":[{\"language\":\"en\",\"architecture\":\"bert\","
    "\"weights\":\"text-en.safetensors\",\"head\":\"head-text-en.safetensors\","
    "\"vocab\":\"vocab-en.txt\",\"layers\":1,\"hidden\":8,\"heads\":2,"
    "\"intermediate\":16,\"max_tokens\":16,\"lowercase\":true,"
    "\"layer_norm_eps\":1e-12,\"pool\":\"mean\"},"
    "{\"language\":\"zh\",\"architecture\":\"bert\","
    "\"weights\":\"text-zh.safetensors\",\"head\":\"head-text-zh.safetensors\","
    "\"vocab\":\"vocab-zh.txt\",\"layers\":1,\"hidden\":8,\"heads\":2,"
    "\"intermediate\":16,\"max_tokens\":16,\"lowercase\":true,"
    "\"layer_norm_eps\":1e-12,\"pool\":\"mean\"}]}\n";

static const char tiny_vocabulary[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\ndog\ncat\n##s\nand\n"
                                      "red\nblue\ncar\n狗\n猫\n红\n蓝\n车\n";

enum { TINY_VOCABULARY = 16 };

struct tiny_tensor {
    const char *name;
    size_t shape[4]; /* 0 past the rank */
};

static const struct tiny_tensor tiny_image[] = {
    {"stem.weight", {4, 3, 3, 3}},
    {"stem.bias", {4}},
    {"blocks.0.depthwise.weight", {3, 3, 4}},
    {"blocks.0.depthwise.bias", {4}},
    {"blocks.0.project.weight", {4, 4}},
    {"blocks.0.project.bias", {4}},
    {"blocks.1.expand.weight", {8, 4}},
    {"blocks.1.expand.bias", {8}},
    {"blocks.1.depthwise.weight", {5, 5, 8}},
    {"blocks.1.depthwise.bias", {8}},
    {"blocks.1.project.weight", {6, 8}},
    {"blocks.1.project.bias", {6}},
    {"top.weight", {8, 6}},
    {"top.bias", {8}},
    {NULL, {0}},
};

static const struct tiny_tensor tiny_text[] = {
    {"embeddings.word_embeddings.weight", {TINY_VOCABULARY, 8}},
    {"embeddings.position_embeddings.weight", {TINY_MAX_TOKENS, 8}},
    {"embeddings.token_type_embeddings.weight", {2, 8}},
    {"embeddings.LayerNorm.weight", {8}},
    {"embeddings.LayerNorm.bias", {8}},
    {"encoder.layer.0.attention.self.query.weight", {8, 8}},
    {"encoder.layer.0.attention.self.query.bias", {8}},
    {"encoder.layer.0.attention.self.key.weight", {8, 8}},
    {"encoder.layer.0.attention.self.key.bias", {8}},
    {"encoder.layer.0.attention.self.value.weight", {8, 8}},
    {"encoder.layer.0.attention.self.value.bias", {8}},
    {"encoder.layer.0.attention.output.dense.weight", {8, 8}},
    {"encoder.layer.0.attention.output.dense.bias", {8}},
    {"encoder.layer.0.attention.output.LayerNorm.weight", {8}},
    {"encoder.layer.0.attention.output.LayerNorm.bias", {8}},
    {"encoder.layer.0.intermediate.dense.weight", {16, 8}},
    {"encoder.layer.0.intermediate.dense.bias", {16}},
    {"encoder.layer.0.output.dense.weight", {8, 16}},
    {"encoder.layer.0.output.dense.bias", {8}},
    {"encoder.layer.0.output.LayerNorm.weight", {8}},
    {"encoder.layer.0.output.LayerNorm.bias", {8}},
    {NULL, {0}},
};

static const struct tiny_tensor tiny_head_image[] = {
    {"mean", {14}},
    {"scale", {14}},
    {"linear.weight", {TINY_DIM, 14}},
    {"linear.bias", {TINY_DIM}},
    {NULL, {0}},
};

static const struct tiny_tensor tiny_head_text[] = {
    {"mean", {8}},
    {"scale", {8}},
    {"linear.weight", {TINY_DIM, 8}},
    {"linear.bias", {TINY_DIM}},
    {NULL, {0}},
};

static const char *const tiny_files[] = {
    "config.json",
    "image.safetensors",
    "head-image.safetensors",
    "text-en.safetensors",
    "text-zh.safetensors",
    "head-text-en.safetensors",
    "head-text-zh.safetensors",
    "vocab-en.txt",
    "vocab-zh.txt",
};

static inline void tiny_write(const char *folder, const char *name, const void *bytes,
                              size_t n)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(file_write(path, bytes, n));
}

/* One number in [-1, 1) by Marsaglia's xorshift. */
static inline float tiny_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return (float)*state / 2147483648.0f - 1.0f;
}

/* All tensors as F32, in the order of the table. */
static inline void tiny_write_weights(const char *folder, const char *name,
                                      const struct tiny_tensor *tensors, uint32_t seed)
{
    struct buf header, file;
    size_t n_bytes = 0;
    buf_init(&header, 1 << 16);
    buf_init(&file, 1 << 20);
    for (const struct tiny_tensor *t = tensors; t->name != NULL; t++) {
        size_t begin = n_bytes, n = 1;
        assert_ok(buf_printf(&header, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[",
                             t == tensors ? "{" : ",", t->name));
        for (size_t i = 0; i < 4 && t->shape[i] > 0; i++) {
            assert_ok(buf_printf(&header, "%s%zu", i == 0 ? "" : ",", t->shape[i]));
            n *= t->shape[i];
        }
        n_bytes += n * sizeof(float);
        assert_ok(buf_printf(&header, "],\"data_offsets\":[%zu,%zu]}", begin, n_bytes));
    }
    assert_ok(buf_printf(&header, "}%*s", (int)(7 - header.size % 8), ""));
    uint64_t length = header.size;
    assert_ok(buf_append(&file, &length, sizeof length));
    assert_ok(buf_append(&file, header.data, header.size));
    for (size_t i = 0; i < n_bytes / sizeof(float); i++) {
        float x = tiny_random(&seed);
        assert_ok(buf_append(&file, &x, sizeof x));
    }
    tiny_write(folder, name, file.data, file.size);
    buf_release(&header);
    buf_release(&file);
}

/* The size of its vectors, and the name of their space. */
struct tiny_shape {
    size_t dim;
    const char *space;
};

/* The config with another size and space. */
static inline void tiny_write_config(const char *folder, struct tiny_shape shape)
{
    static const char space[] = "\"space\":\"tiny-1\"";
    static const char dim[] = "\"dim\":8";
    struct buf config;
    const char *at_space = strstr(tiny_config, space);
    const char *at_dim = strstr(tiny_config, dim);
    assert_true(at_space != NULL && at_dim > at_space);
    buf_init(&config, 1 << 16);
    assert_ok(buf_append(&config, tiny_config, (size_t)(at_space - tiny_config)));
    assert_ok(buf_printf(&config, "\"space\":\"%s\"", shape.space));
    at_space += sizeof space - 1;
    assert_ok(buf_append(&config, at_space, (size_t)(at_dim - at_space)));
    assert_ok(buf_printf(&config, "\"dim\":%zu%s", shape.dim, at_dim + sizeof dim - 1));
    tiny_write(folder, "config.json", config.data, config.size);
    buf_release(&config);
}

/* The weights of a head, for vectors of `dim` numbers. */
static inline void tiny_write_head(const char *folder, const char *name,
                                   const struct tiny_tensor *head, size_t dim,
                                   uint32_t seed)
{
    struct tiny_tensor sized[5];
    memcpy(sized, head, sizeof sized);
    sized[2].shape[0] = sized[3].shape[0] = dim; /* linear.weight, linear.bias */
    tiny_write_weights(folder, name, sized, seed);
}

static inline void tiny_model_write_as(const char *folder, uint32_t seed,
                                       struct tiny_shape shape)
{
    tiny_write_config(folder, shape);
    tiny_write(folder, "vocab-en.txt", tiny_vocabulary, sizeof tiny_vocabulary - 1);
    tiny_write(folder, "vocab-zh.txt", tiny_vocabulary, sizeof tiny_vocabulary - 1);
    tiny_write_weights(folder, "image.safetensors", tiny_image, seed);
    tiny_write_head(folder, "head-image.safetensors", tiny_head_image, shape.dim,
                    seed + 1);
    tiny_write_weights(folder, "text-en.safetensors", tiny_text, seed + 2);
    tiny_write_weights(folder, "text-zh.safetensors", tiny_text, seed + 3);
    tiny_write_head(folder, "head-text-en.safetensors", tiny_head_text, shape.dim,
                    seed + 4);
    tiny_write_head(folder, "head-text-zh.safetensors", tiny_head_text, shape.dim,
                    seed + 5);
}

static inline void tiny_model_write(const char *folder, uint32_t seed)
{
    tiny_model_write_as(folder, seed, (struct tiny_shape){TINY_DIM, "tiny-1"});
}

/* Removes the files and the folder. */
static inline void tiny_model_remove(const char *folder)
{
    for (size_t i = 0; i < sizeof tiny_files / sizeof tiny_files[0]; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, tiny_files[i]);
        unlink(path);
    }
    rmdir(folder);
}

#endif
