/*
 * serve_config.h - the settings of `duet serve`: from the command line, from the
 * environment, from a file, first come first served.
 *
 *     struct serve_config config;
 *     TRY_OUT(serve_config_read(&config, cli));
 *     ... config.cli: as if all of them had been said on the command line ...
 *     serve_config_release(&config);
 *
 * One table has every setting. A setting `tls-cert` is the option --tls-cert, the
 * variable DUET_TLS_CERT and the line `tls-cert = FILE` of the file, which --config or
 * DUET_CONFIG names. A line of the file is a comment after '#', or `KEY = VALUE`; a
 * value with " #" or blanks at its ends goes in double quotes. One thread.
 */
#ifndef CLI_SERVE_CONFIG_H
#define CLI_SERVE_CONFIG_H

#include <stdio.h>

#include "cli/cli.h"

/* The options of `duet serve`, settings and others; ends with one without a name. */
extern const struct cli_option serve_options[];

enum { SERVE_SETTINGS_MAX = 40 };

struct serve_setting {
    const struct cli_option *option;
    enum { FROM_NOWHERE, FROM_DEFAULT, FROM_FILE, FROM_ENVIRONMENT, FROM_COMMAND } from;
    size_t line; /* FROM_FILE */
};

struct serve_config {
    struct cli cli;  /* with all settings in place; strings may point into `file` */
    struct buf file; /* its text, cut into values */
    struct serve_setting settings[SERVE_SETTINGS_MAX]; /* [n_settings] */
    size_t n_settings;
};

/* ERR_INVALID names the file and line, or the variable, that is wrong: a key that is
 * not known or said twice, a value that does not fit, no `KEY = VALUE`. ERR_NOT_FOUND:
 * there is no such file. To be released in any case. */
enum err serve_config_read(struct serve_config *config, const struct cli *cli)
    ERR_CHECK;
void serve_config_release(struct serve_config *config);

/* Prints each setting with where it came from, as a file that says the same; or with
 * `json` as one object a line. Keys are named by their files, never shown. */
void serve_config_print(const struct serve_config *config, FILE *out, bool json);

#endif
