/*
 * cmd_model_shrink.c - `duet model quantize` and `duet model prune`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd_model.h"
#include "cli/print.h"

/* How fast the old model is, and the new one. */
struct speeds {
    double texts_before, texts, pictures_before, pictures; /* a second */
};

static enum err measure(const char *model, double *texts, double *pictures)
{
    struct duet_model_details details;
    enum err result = duet_model_look(model, true, &details);
    if (result == ERR_OK) {
        *texts = details.texts_per_second;
        *pictures = details.images_per_second;
        duet_model_details_release(&details);
    }
    return result;
}

static void add_double(struct json_object *object, const char *key, double value)
{
    json_object_object_add(object, key, json_object_new_double(value));
}

static void print_json(const struct duet_remade *r, const struct speeds *speeds)
{
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "folder", print_path_json(r->folder));
    json_object_object_add(object, "bytes_before",
                           json_object_new_uint64(r->bytes_before));
    json_object_object_add(object, "bytes", json_object_new_uint64(r->bytes));
    add_double(object, "text_cosine", r->text_cosine);
    add_double(object, "text_cosine_least", r->text_cosine_least);
    add_double(object, "picture_cosine", r->picture_cosine);
    add_double(object, "picture_cosine_least", r->picture_cosine_least);
    add_double(object, "texts_per_second_before", speeds->texts_before);
    add_double(object, "texts_per_second", speeds->texts);
    add_double(object, "images_per_second_before", speeds->pictures_before);
    add_double(object, "images_per_second", speeds->pictures);
    puts(json_text(object));
    json_object_put(object);
}

static void print_human(const struct duet_remade *r, const struct speeds *speeds)
{
    char before[PRINT_BYTES_MAX], after[PRINT_BYTES_MAX];
    print_text(r->folder);
    printf(": %s of %s\n", print_bytes(after, r->bytes),
           print_bytes(before, r->bytes_before));
    printf("cosine to the original: texts %.5f (least %.5f), pictures %.5f (least "
           "%.5f)\n",
           r->text_cosine, r->text_cosine_least, r->picture_cosine,
           r->picture_cosine_least);
    printf("a second, on one thread: %.0f texts (was %.0f), %.1f pictures (was %.1f)\n",
           speeds->texts, speeds->texts_before, speeds->pictures,
           speeds->pictures_before);
}

static enum exit_code tell(const struct cli *cli, enum err code,
                           const struct duet_remade *r)
{
    struct speeds speeds = {0};
    if (code == ERR_OK) {
        code = measure(cmd_model_named(cli), &speeds.texts_before,
                       &speeds.pictures_before);
    }
    if (code == ERR_OK) {
        code = measure(r->folder, &speeds.texts, &speeds.pictures);
    }
    if (code != ERR_OK) {
        return cli_fail(code);
    }
    (cli->json ? print_json : print_human)(r, &speeds);
    return EXIT_DONE;
}

enum exit_code cmd_model_quantize(const struct cli *cli)
{
    struct duet_remade result;
    enum duet_precision precision;
    if (cli->to == NULL) {
        return cli_usage("model quantize wants --to int8 or --to fp16");
    }
    if (strcmp(cli->to, "int8") == 0) {
        precision = DUET_INT8;
    } else if (strcmp(cli->to, "fp16") == 0) {
        precision = DUET_FP16;
    } else {
        return cli_usage("--to takes int8 or fp16, not '%s'", cli->to);
    }
    enum err code =
        duet_model_quantize(cmd_model_named(cli), precision, cli->out, &result);
    return tell(cli, code, &result);
}

/* A share such as 0.25; 0 where nothing was said. */
static bool read_share(const char *text, double *share)
{
    char *end;
    *share = text == NULL ? 0 : strtod(text, &end);
    return text == NULL || (end != text && *end == '\0' && *share >= 0 && *share < 1);
}

enum exit_code cmd_model_prune(const struct cli *cli)
{
    struct duet_remade result;
    double heads, ffn;
    if (cli->heads == NULL && cli->ffn == NULL) {
        return cli_usage("model prune wants --heads SHARE, --ffn SHARE, or both");
    }
    if (!read_share(cli->heads, &heads) || !read_share(cli->ffn, &ffn)) {
        return cli_usage("--heads and --ffn take a share of 0 to less than 1, as 0.25");
    }
    enum err code =
        duet_model_prune(cmd_model_named(cli), heads, ffn, cli->out, &result);
    return tell(cli, code, &result);
}
