/*
 * cmd_label.c - `duet label`: which of some names fits a picture, without training.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/label_list.h"
#include "cli/ranked.h"

static const struct ranked_words words = {
    .list = "labels", .text = "label", .value = "probability"};

/* By likelihood down; equal ones as they were said, which is how their texts lie. */
static int compare(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->value != y->value) {
        return x->value > y->value ? -1 : 1;
    }
    return x->text < y->text ? -1 : 1;
}

struct label {
    const struct cli *cli;
    struct label_list list;
    struct duet_encoder *encoder;
    struct duet_labels *labels;
    double *likely;       /* [list.n] */
    struct ranked *items; /* [list.n] */
};

static enum err label_one(void *arg, const char *path)
{
    struct label *label = arg;
    const struct cli *cli = label->cli;
    struct duet_input input = duet_input_file(path);
    size_t n = label->list.n;
    TRY(duet_label(label->encoder, label->labels, &input, label->likely));
    for (size_t i = 0; i < n; i++) {
        label->items[i] = (struct ranked){label->list.items[i], label->likely[i]};
    }
    qsort(label->items, n, sizeof *label->items, compare);
    n = cli->k > 0 && cli->k < n ? cli->k : n;
    return ranked_print(cli, path, label->items, n, &words);
}

static enum err prepare(struct label *label)
{
    const struct cli *cli = label->cli;
    struct duet_label_options options = {.labels = label->list.items,
                                         .n_labels = label->list.n,
                                         .templates = cli->templates.items,
                                         .n_templates = cli->templates.n,
                                         .n_threads = (unsigned)cli->n_threads};
    label->likely = alloc_array(label->list.n, sizeof *label->likely);
    label->items = alloc_array(label->list.n, sizeof *label->items);
    if (label->likely == NULL || label->items == NULL) {
        return ERR_NOMEM;
    }
    return duet_labels_make(&label->labels, label->encoder, &options);
}

static enum exit_code run(const struct cli *cli)
{
    struct label label = {.cli = cli};
    enum exit_code code = cli_fail(label_list_read(&label.list, cli));
    if (code == EXIT_DONE) {
        code = cli_open_encoder(&label.encoder, cli);
    }
    if (code == EXIT_DONE) {
        code = cli_fail(prepare(&label));
    }
    if (code == EXIT_DONE) {
        code = cli_each(cli, label_one, &label);
    }
    duet_labels_free(label.labels);
    duet_encoder_close(label.encoder);
    alloc_free(label.items);
    alloc_free(label.likely);
    label_list_release(&label.list);
    return code;
}

static const struct cli_option options[] = {
    CLI_OPTION_TEXT("labels", labels, "LABELS", "the labels, with commas between"),
    CLI_OPTION_TEXT("labels-file", labels_file, "FILE", "the labels, one a line"),
    CLI_OPTION_TEXTS("template", templates, "TEXT",
                     "a sentence with {} for the label; may be said again"),
    CLI_OPTION_NUMBER("count", 'k', k, LIMIT_LABELS_MAX,
                      "how many to print (else all)"),
    CLI_OPTION_NUMBER("threads", 0, n_threads, LIMIT_THREADS_MAX,
                      "how many to work on (else one a core)"),
    CLI_OPTION_TEXT("decode", decode, "exact|fast",
                    "large JPEGs whole, or shrunk on the way (else fast)"),
    CLI_OPTION_END,
};

const struct cli_command cmd_label = {
    .name = "label",
    .arguments = "IMAGE... --labels \"cat,dog\"",
    .summary = "say which of some labels fits a picture",
    .about =
        "Compares a picture with sentences about each label (\"a photo of {}.\" and a\n"
        "few more, in Chinese for Chinese labels; --template says others, {} alone is\n"
        "the bare label) and prints the labels with their probabilities, best first.\n"
        "These add up to 1 over the labels given: a picture of none of them gets one\n"
        "all the same, so give a label for the rest. Models trained with a sigmoid\n"
        "(SigLIP) judge each label by itself.\n"
        "With --json a line is {\"image\", \"labels\": [{\"label\", "
        "\"probability\"}]}.\n",
    .example = "  duet label dog.jpg --labels \"cat,dog,horse\"\n"
               "  duet label *.jpg --labels-file products.txt -k 1 --json\n"
               "  duet label x.jpg --labels 猫,狗 --template \"一只{}\"\n",
    .options = options,
    .min_args = 1,
    .max_args = SIZE_MAX,
    .run = run,
};
