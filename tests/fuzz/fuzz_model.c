/*
 * fuzz_model.c - any bytes as one of the JSON files of a published model: its config,
 * its preprocessing, the index of its shards. The first byte says which; the rest of
 * the folder is good. What opens is used.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "encoder/encoder.h"
#include "encoder/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { PATH_BYTES_MAX = 4096, FILE_BYTES_MAX = 1 << 22 };

static const struct target {
    const char *model, *file;
} targets[] = {
    {"clip", "config.json"},
    {"clip", "preprocessor_config.json"},
    {"clip-old", "model.safetensors.index.json"},
    {"open-clip", "open_clip_config.json"},
    {"chinese-clip", "config.json"},
    {"siglip", "config.json"},
    {"siglip", "tokenizer_config.json"},
};

enum { N_TARGETS = sizeof targets / sizeof targets[0] };

static char folders[N_TARGETS][64];

static void need(bool good)
{
    if (!good) {
        abort();
    }
}

static void copy(const char *from_folder, const char *to_folder, const char *name)
{
    char from[2 * PATH_BYTES_MAX], to[2 * PATH_BYTES_MAX];
    struct buf bytes;
    buf_init(&bytes, FILE_BYTES_MAX);
    (void)snprintf(from, sizeof from, "%s/%s", from_folder, name);
    (void)snprintf(to, sizeof to, "%s/%s", to_folder, name);
    need(file_read(from, &bytes) == ERR_OK);
    need(file_write_unsynced(to, bytes.data, bytes.size) == ERR_OK);
    buf_release(&bytes);
}

static void remove_folders(void)
{
    for (size_t i = 0; i < N_TARGETS; i++) {
        DIR *dir = opendir(folders[i]);
        for (struct dirent *e = dir == NULL ? NULL : readdir(dir); e != NULL;
             e = readdir(dir)) {
            char path[2 * PATH_BYTES_MAX];
            (void)snprintf(path, sizeof path, "%s/%s", folders[i], e->d_name);
            (void)unlink(path);
        }
        if (dir != NULL) {
            (void)closedir(dir);
        }
        (void)rmdir(folders[i]);
    }
}

/* One copy of a good model a target, in memory where there is a place for it. */
static void make_folders(void)
{
    for (size_t i = 0; i < N_TARGETS; i++) {
        char model[PATH_BYTES_MAX];
        (void)snprintf(folders[i], sizeof folders[i], "%s/duet-fuzz-XXXXXX",
                       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        need(mkdtemp(folders[i]) != NULL);
        (void)snprintf(model, sizeof model, "tests/golden/families/%s",
                       targets[i].model);
        DIR *dir = opendir(model);
        need(dir != NULL);
        for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
            if (e->d_name[0] != '.') {
                copy(model, folders[i], e->d_name);
            }
        }
        (void)closedir(dir);
    }
    (void)atexit(remove_folders);
}

static void use(struct enc *enc)
{
    uint8_t rgb[3 * 5 * 3] = {1, 2, 3};
    struct img image = {.rgb = rgb, .width = 5, .height = 3};
    float vector[LIMIT_DIM_MAX];
    (void)!enc_text(enc, "a dog", 5, vector, NULL);
    (void)!enc_image(enc, &image, vector);
    enc_close(enc);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct enc *enc;
    char path[PATH_BYTES_MAX];
    if (folders[0][0] == '\0') {
        make_folders();
    }
    if (n == 0) {
        return 0;
    }
    const struct target *target = &targets[bytes[0] % N_TARGETS];
    const char *folder = folders[target - targets];
    (void)snprintf(path, sizeof path, "%s/%s", folder, target->file);
    need(file_write_unsynced(path, bytes + 1, n - 1) == ERR_OK);
    if (enc_open(&enc, folder) == ERR_OK) {
        use(enc);
    }
    return 0;
}
