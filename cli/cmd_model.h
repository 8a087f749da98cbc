/*
 * cmd_model.h - the words behind `duet model`, one function each. All work without a
 * database; `info` asks the one that is there which model made it.
 */
#ifndef CLI_CMD_MODEL_H
#define CLI_CMD_MODEL_H

#include "cli/cli.h"
#include "db/duet_model.h"

enum exit_code cmd_model_list(const struct cli *cli);
enum exit_code cmd_model_info(const struct cli *cli);
enum exit_code cmd_model_pull(const struct cli *cli);
enum exit_code cmd_model_verify(const struct cli *cli);
enum exit_code cmd_model_use(const struct cli *cli);
enum exit_code cmd_model_quantize(const struct cli *cli);
enum exit_code cmd_model_prune(const struct cli *cli);

/* The argument behind the word, else --model, else NULL. */
const char *cmd_model_named(const struct cli *cli);

#endif
