/*
 * cmd_model.c - `duet model`: which models there are, and which one turns pictures and
 * words into vectors. The words behind it are in cmd_model_*.c.
 */
#include "cli/cmd_model.h"

#include <string.h>

#include "cli/suggest.h"

static const struct {
    const char *name;
    size_t min_args, max_args; /* behind the word */
    enum exit_code (*run)(const struct cli *cli);
} words[] = {
    {"list", 0, 0, cmd_model_list},   {"info", 0, 1, cmd_model_info},
    {"pull", 1, 1, cmd_model_pull},   {"verify", 0, 1, cmd_model_verify},
    {"use", 1, 1, cmd_model_use},     {"quantize", 0, 1, cmd_model_quantize},
    {"prune", 0, 1, cmd_model_prune},
};

enum { N_WORDS = sizeof words / sizeof words[0] };

const char *cmd_model_named(const struct cli *cli)
{
    return cli->n_args > 1 ? cli->args[1] : cli->model;
}

static enum exit_code unknown(const char *word)
{
    const char *names[N_WORDS];
    for (size_t i = 0; i < N_WORDS; i++) {
        names[i] = words[i].name;
    }
    const char *nearest = suggest_nearest(word, names, N_WORDS);
    if (nearest != NULL) {
        return cli_usage("there is no 'model %s'; did you mean 'model %s'?", word,
                         nearest);
    }
    return cli_usage("there is no 'model %s', but list, info, pull, verify, "
                     "use, quantize and prune",
                     word);
}

static enum exit_code run(const struct cli *cli)
{
    const char *word = cli->n_args == 0 ? "info" : cli->args[0];
    size_t n = cli->n_args == 0 ? 0 : cli->n_args - 1;
    if (cli->url != NULL) {
        return cli_usage("model works on the models here, not on --url");
    }
    for (size_t i = 0; i < N_WORDS; i++) {
        if (strcmp(words[i].name, word) != 0) {
            continue;
        }
        if (n < words[i].min_args) {
            return cli_usage("model %s wants a name", word);
        }
        if (n > words[i].max_args) {
            return cli_usage("model %s takes no '%s'", word,
                             cli->args[words[i].max_args + 1]);
        }
        return words[i].run(cli);
    }
    return unknown(word);
}

static const struct cli_option options[] = {
    CLI_OPTION_TEXT("hub", hub, "URL",
                    "pull from there (else $DUET_HUB, else $HF_ENDPOINT)"),
    CLI_OPTION_TEXT("to", to, "int8|fp16", "what quantize makes of the weights"),
    CLI_OPTION_TEXT("heads", heads, "SHARE", "of the heads, that prune takes away"),
    CLI_OPTION_TEXT("ffn", ffn, "SHARE", "of the feed-forward channels, likewise"),
    CLI_OPTION_TEXT("out", out, "FOLDER",
                    "where the smaller model goes (else the models folder)"),
    CLI_OPTION_END,
};

const struct cli_command cmd_model = {
    .name = "model",
    .arguments = "[list | info [NAME] | pull OWNER/NAME[@REVISION] | verify [NAME] |\n"
                 "                  use NAME | quantize [NAME] --to int8|fp16 |\n"
                 "                  prune [NAME] --heads SHARE --ffn SHARE]",
    .summary = "list, fetch, check, choose and shrink models",
    .about =
        "list    prints the models that are here, the broken ones too.\n"
        "info    tells what a model is and how fast it is here; without a name the "
        "one\n"
        "        that made the database, else the default.\n"
        "pull    fetches a model from a hub (huggingface.co) into the models folder: "
        "the\n"
        "        first of $DUET_MODELS, else ~/.local/share/duet/models. What was cut\n"
        "        off is gone on with. For private and gated models set HF_TOKEN.\n"
        "verify  checks files, weights and vectors of a model.\n"
        "use     makes a model the default for what is new; databases keep theirs\n"
        "        until 'duet reembed' makes their vectors again.\n"
        "        'use duet-default' returns to the one that ships with duet, which is\n"
        "        for evaluation and research: see its licence.\n"
        "quantize, prune\n"
        "        write a model again, smaller, as NAME-int8, NAME-fp16 or NAME-pruned, "
        "and\n"
        "        tell how near its vectors are to the original's, and how fast it is.\n"
        "        A quantised model searches databases of its original.\n",
    .example = "  duet model\n"
               "  duet model pull openai/clip-vit-base-patch32\n"
               "  duet model use openai/clip-vit-base-patch32\n"
               "  duet model quantize openai/clip-vit-base-patch32 --to int8\n",
    .options = options,
    .max_args = 2,
    .run = run,
};
