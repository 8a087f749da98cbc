/*
 * hub_choose.c - see hub_repo.h: which files of a repository a model needs.
 *
 * A repository often holds the same weights several times over: for PyTorch, for
 * TensorFlow, for OpenCLIP. One layout is taken whole, and only what safetensors hold.
 * Weights of other kinds are pickles, programs that run when they are loaded.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "db/hub_repo.h"

#define HF_CONFIG "config.json"
#define HF_WEIGHTS "model.safetensors"
#define HF_INDEX "model.safetensors.index.json"
#define CLIP_CONFIG "open_clip_config.json"
#define CLIP_WEIGHTS "open_clip_model.safetensors"

enum layout { LAYOUT_NONE, LAYOUT_HF, LAYOUT_OPENCLIP, LAYOUT_DUET };

enum { DUET_TEXTS_MAX = 8, CHOICE_MAX = LIMIT_HUB_SHARDS + 64 };

/* Beside configuration and weights. */
static const char *const side_files[] = {
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "added_tokens.json",
    "README.md",
};

static bool has(const struct hub_repo *repo, const char *name)
{
    return hub_repo_find(repo, name) != NULL;
}

/* ---- Layouts ------------------------------------------------------------------ */

/* The configuration as JSON; NULL where it is none. */
static struct json_object *parse(const char *text, size_t n)
{
    struct json_object *json = NULL;
    return text != NULL && json_parse(&json, text, n) == ERR_OK ? json : NULL;
}

static enum layout layout_of(const struct hub_repo *repo, struct json_object *config)
{
    bool weights = has(repo, HF_WEIGHTS) || has(repo, HF_INDEX);
    const char *type;
    bool typed = json_get_string(config, "model_type", &type) == ERR_OK;
    if (!typed && json_object_is_type(json_get(config, "format"), json_type_int)) {
        return LAYOUT_DUET;
    }
    if (typed && weights) {
        return LAYOUT_HF;
    }
    if (has(repo, CLIP_CONFIG) && has(repo, CLIP_WEIGHTS)) {
        return LAYOUT_OPENCLIP;
    }
    return weights && has(repo, HF_CONFIG) ? LAYOUT_HF : LAYOUT_NONE;
}

const struct hub_file *hub_repo_config(const struct hub_repo *repo)
{
    const struct hub_file *config = hub_repo_find(repo, HF_CONFIG);
    return config != NULL ? config : hub_repo_find(repo, CLIP_CONFIG);
}

const struct hub_file *hub_repo_index(const struct hub_repo *repo, const char *config,
                                      size_t n_config)
{
    struct json_object *json = parse(config, n_config);
    bool wanted = layout_of(repo, json) == LAYOUT_HF && !has(repo, HF_WEIGHTS);
    json_object_put(json);
    return wanted ? hub_repo_find(repo, HF_INDEX) : NULL;
}

/* ---- Choosing ----------------------------------------------------------------- */

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), n_end = strlen(end);
    return n >= n_end && strcmp(name + n - n_end, end) == 0;
}

static bool is_chosen(const struct hub_choice *choice, const struct hub_file *file)
{
    for (size_t i = 0; i < choice->n; i++) {
        if (choice->files[i] == file) {
            return true;
        }
    }
    return false;
}

/* Takes a file of the top folder once; one that nothing can be checked by is no file
 * for us. */
static enum err take(struct hub_choice *choice, const struct hub_file *file)
{
    if (is_chosen(choice, file)) {
        return ERR_OK;
    }
    bool weights = ends_with(file->name, ".safetensors");
    FAIL_IF(choice->n == CHOICE_MAX, ERR_LIMIT, "the model has more than %d files",
            CHOICE_MAX);
    FAIL_IF(file->sha256[0] == '\0' && file->blob[0] == '\0', ERR_CORRUPT,
            "the hub tells no hash of %s", file->name);
    FAIL_IF(!weights && file->size > LIMIT_HUB_SIDE_FILE_BYTES, ERR_LIMIT,
            "%s: %llu bytes; at most %u", file->name, (unsigned long long)file->size,
            LIMIT_HUB_SIDE_FILE_BYTES);
    choice->files[choice->n++] = file;
    choice->bytes += file->size;
    return ERR_OK;
}

static enum err take_if_there(struct hub_choice *choice, const struct hub_repo *repo,
                              const char *name)
{
    const struct hub_file *file = hub_repo_find(repo, name);
    return file == NULL ? ERR_OK : take(choice, file);
}

/* A file that another one names. */
static enum err take_named(struct hub_choice *choice, const struct hub_repo *repo,
                           struct json_object *name)
{
    const char *text =
        json_object_is_type(name, json_type_string) ? json_object_get_string(name) : "";
    const struct hub_file *file = hub_repo_find(repo, text);
    FAIL_IF(file == NULL || strchr(text, '/') != NULL, ERR_CORRUPT,
            "the model needs a file '%.100s' that the hub does not list", text);
    return take(choice, file);
}

static enum err take_side_files(struct hub_choice *choice, const struct hub_repo *repo)
{
    for (size_t i = 0; i < sizeof side_files / sizeof side_files[0]; i++) {
        TRY(take_if_there(choice, repo, side_files[i]));
    }
    for (size_t i = 0; i < repo->n; i++) {
        const char *name = repo->files[i].name;
        bool licence =
            strncmp(name, "LICENSE", 7) == 0 || strncmp(name, "LICENCE", 7) == 0;
        if (licence && strchr(name, '/') == NULL) {
            TRY(take(choice, &repo->files[i]));
        }
    }
    return ERR_OK;
}

/* The shards that the index maps tensors to. */
static enum err take_shards(struct hub_choice *choice, const struct hub_repo *repo,
                            const struct hub_texts *texts)
{
    struct json_object *index = parse(texts->index, texts->n_index);
    struct json_object *map = json_get(index, "weight_map");
    enum err result = ERR_OK;
    size_t n_before = choice->n;
    if (json_object_is_type(map, json_type_object)) {
        json_object_object_foreach(map, tensor, shard)
        {
            (void)tensor;
            const char *name = json_object_is_type(shard, json_type_string)
                                   ? json_object_get_string(shard)
                                   : "";
            result = ends_with(name, ".safetensors")
                         ? take_named(choice, repo, shard)
                         : err_set(ERR_CORRUPT, "%s names '%.100s' as weights",
                                   HF_INDEX, name);
            if (result != ERR_OK) {
                break;
            }
        }
    }
    json_object_put(index);
    if (result == ERR_OK && choice->n == n_before) {
        return err_set(ERR_CORRUPT, "%s names no files", HF_INDEX);
    }
    return result;
}

static enum err take_hf(struct hub_choice *choice, const struct hub_repo *repo,
                        const struct hub_texts *texts)
{
    TRY(take_if_there(choice, repo, HF_CONFIG));
    TRY(take_side_files(choice, repo));
    if (has(repo, HF_WEIGHTS)) {
        return take_if_there(choice, repo, HF_WEIGHTS);
    }
    TRY(take_if_there(choice, repo, HF_INDEX));
    return take_shards(choice, repo, texts);
}

static enum err take_openclip(struct hub_choice *choice, const struct hub_repo *repo)
{
    TRY(take_if_there(choice, repo, CLIP_CONFIG));
    TRY(take_side_files(choice, repo));
    return take_if_there(choice, repo, CLIP_WEIGHTS);
}

static enum err take_tower(struct hub_choice *choice, const struct hub_repo *repo,
                           struct json_object *tower)
{
    static const char *const keys[] = {"vocab", "head", "weights"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct json_object *name = json_get(tower, keys[i]);
        if (name != NULL) {
            TRY(take_named(choice, repo, name));
        }
    }
    return ERR_OK;
}

static enum err take_duet(struct hub_choice *choice, const struct hub_repo *repo,
                          struct json_object *config)
{
    struct json_object *texts = json_get(config, "text");
    TRY(take_if_there(choice, repo, HF_CONFIG));
    TRY(take_if_there(choice, repo, "expected.json"));
    TRY(take_side_files(choice, repo));
    TRY(take_tower(choice, repo, json_get(config, "image")));
    size_t n = json_object_is_type(texts, json_type_array)
                   ? json_object_array_length(texts)
                   : 0;
    for (size_t i = 0; i < n && i < DUET_TEXTS_MAX; i++) {
        TRY(take_tower(choice, repo, json_object_array_get_idx(texts, i)));
    }
    return ERR_OK;
}

/* ---- What is not taken -------------------------------------------------------- */

static bool is_weights(const char *name)
{
    static const char *const ends[] = {".safetensors", ".bin",  ".pt",   ".pth",
                                       ".h5",          ".onnx", ".ckpt", ".msgpack"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (ends_with(name, ends[i])) {
            return true;
        }
    }
    return strcmp(name, CLIP_CONFIG) == 0;
}

static enum err tell_left_out(struct hub_choice *choice, const struct hub_repo *repo)
{
    size_t n_more = 0;
    for (size_t i = 0; i < repo->n; i++) {
        const char *name = repo->files[i].name;
        if (!is_weights(name) || is_chosen(choice, &repo->files[i])) {
            continue;
        }
        if (choice->left_out.size > 200) {
            n_more++;
            continue;
        }
        TRY(buf_printf(&choice->left_out, "%s%s", choice->left_out.size > 0 ? ", " : "",
                       name));
    }
    return n_more == 0 ? ERR_OK
                       : buf_printf(&choice->left_out, " and %zu more", n_more);
}

/* No layout: why, and what can be done. */
static enum err refuse(const struct hub_repo *repo)
{
    for (size_t i = 0; i < repo->n; i++) {
        const char *name = repo->files[i].name;
        FAIL_IF(strchr(name, '/') == NULL &&
                    (ends_with(name, ".bin") || ends_with(name, ".pt")),
                ERR_UNSUPPORTED,
                "its weights are there only as %.60s, which is a program when loaded; "
                "convert it where PyTorch is: python3 -c 'import torch, "
                "safetensors.torch as s; s.save_file({k: v.contiguous().clone() for k, "
                "v in torch.load(\"%.60s\", weights_only=True).items()}, "
                "\"%s\")', and put the result beside the repository's other files",
                name, name,
                strncmp(name, "open_clip", 9) == 0 ? CLIP_WEIGHTS : HF_WEIGHTS);
    }
    FAIL_IF(hub_repo_config(repo) == NULL, ERR_UNSUPPORTED,
            "it has neither config.json nor open_clip_config.json: no model that duet "
            "reads");
    return err_set(ERR_UNSUPPORTED, "it has no weights that duet reads (safetensors)");
}

static enum err choose(const struct hub_repo *repo, const struct hub_texts *texts,
                       struct json_object *config, struct hub_choice *choice)
{
    switch (layout_of(repo, config)) {
    case LAYOUT_HF:
        return take_hf(choice, repo, texts);
    case LAYOUT_OPENCLIP:
        return take_openclip(choice, repo);
    case LAYOUT_DUET:
        return take_duet(choice, repo, config);
    case LAYOUT_NONE:
        break;
    }
    return refuse(repo);
}

enum err hub_choose(const struct hub_repo *repo, const struct hub_texts *texts,
                    struct hub_choice *choice)
{
    *choice = (struct hub_choice){0};
    buf_init(&choice->left_out, 16384);
    choice->files = alloc_zero(CHOICE_MAX, sizeof *choice->files);
    if (choice->files == NULL) {
        return ERR_NOMEM;
    }
    struct json_object *config = parse(texts->config, texts->n_config);
    enum err result = choose(repo, texts, config, choice);
    json_object_put(config);
    if (result == ERR_OK) {
        result = tell_left_out(choice, repo);
    }
    if (result != ERR_OK) {
        hub_choice_release(choice);
    }
    return result;
}

void hub_choice_release(struct hub_choice *choice)
{
    alloc_free(choice->files);
    buf_release(&choice->left_out);
    choice->files = NULL;
    choice->n = 0;
    choice->bytes = 0;
}
