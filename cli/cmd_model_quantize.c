/*
 * cmd_model_quantize.c - `duet model quantize`.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cmd_model.h"
#include "cli/print.h"

static void print_json(const struct duet_quantize_result *r)
{
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "folder", print_path_json(r->folder));
    json_object_object_add(object, "bytes_before",
                           json_object_new_uint64(r->bytes_before));
    json_object_object_add(object, "bytes", json_object_new_uint64(r->bytes));
    json_object_object_add(object, "text_cosine",
                           json_object_new_double(r->text_cosine));
    json_object_object_add(object, "text_cosine_least",
                           json_object_new_double(r->text_cosine_least));
    json_object_object_add(object, "picture_cosine",
                           json_object_new_double(r->picture_cosine));
    json_object_object_add(object, "picture_cosine_least",
                           json_object_new_double(r->picture_cosine_least));
    puts(json_text(object));
    json_object_put(object);
}

static void print_human(const struct duet_quantize_result *r)
{
    char before[PRINT_BYTES_MAX], after[PRINT_BYTES_MAX];
    print_text(r->folder);
    printf(": %s of %s\n", print_bytes(after, r->bytes),
           print_bytes(before, r->bytes_before));
    printf("cosine to the original: texts %.5f (least %.5f), pictures %.5f (least "
           "%.5f)\n",
           r->text_cosine, r->text_cosine_least, r->picture_cosine,
           r->picture_cosine_least);
}

enum exit_code cmd_model_quantize(const struct cli *cli)
{
    struct duet_quantize_result result;
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
    if (code != ERR_OK) {
        return cli_fail(code);
    }
    (cli->json ? print_json : print_human)(&result);
    return EXIT_DONE;
}
