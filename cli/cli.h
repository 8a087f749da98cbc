/*
 * cli.h - what the commands of the `duet` program share: the options of one run, the
 * table of commands, how errors are told.
 *
 * A command is one file, cmd_NAME.c, that ends with its `struct cli_command`: what help
 * says of it, the options it takes beside the global ones, and the function that runs
 * it. Results go to stdout, everything else to stderr. One thread, but for the database
 * and the server inside their own folders.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "cli/exit_code.h"
#include "db/duet.h"
#include "db/duet_encoder.h"

#define CLI_DB_DEFAULT "./duet.db"

enum { CLI_LIST_MAX = 64, CLI_SAID_MAX = 48 };

/* What an option that may be said again and again has been told. */
struct cli_list {
    const char *items[CLI_LIST_MAX]; /* [n] */
    size_t n;
};

/* What `duet serve` alone takes: serve_config.h. */
struct cli_serve {
    const char *config;
    bool print_config;
    const char *read_only_api_key_file;
    const char *tls_cert, *tls_key;
    size_t max_body; /* bytes */
    size_t grace;    /* seconds */
    const char *log; /* "text" or "json" */
    const char *log_file;
    bool access_log;
    size_t slow_query_ms; /* 0: none is told */
    const char *allow_image_urls, *allow_private_image_urls;
};

/* What the command line of one run says. Strings are argv's or the environment's. */
struct cli {
    /* Of every command. */
    const char *db; /* never NULL */
    const char *collection;
    const char *model; /* NULL: the database's own */
    const char *url;   /* a server to ask instead of `db`; NULL: none */
    const char *api_key_file;
    const char *decode; /* "exact", "fast"; NULL: not said */
    bool json;
    bool quiet;
    bool verbose;
    bool help;

    /* Of some. */
    size_t k; /* 0: not said */
    const char *in;
    const char *image;                                 /* of explain */
    const char *filter;                                /* JSON; NULL: none */
    struct cli_list pictures, also, not, like, unlike; /* of search */
    const char *strategy;
    bool exact;
    const char *jsonl;
    bool prune;
    bool hidden;
    const char *hub;
    const char *to, *out;
    const char *heads, *ffn; /* shares */
    size_t n_threads;        /* 0: not said */
    const char *listen;
    bool insecure;
    const char *texts;
    bool images;
    const char *format;
    const char *labels;
    const char *labels_file;
    struct cli_list templates;
    const char *phrases;
    const char *lang;
    bool dry_run;
    bool drop_missing;
    bool strings;
    bool abort;
    const char *keys;
    const char *ids;
    bool remove;
    struct cli_serve serve;

    const struct cli_option *said[CLI_SAID_MAX]; /* [n_said], each once */
    size_t n_said;

    const char *const *args; /* [n_args], what is no option */
    size_t n_args;
};

/* CLI_SIZE: a number of bytes, with K, M or G behind it for 2^10, 2^20, 2^30. */
enum cli_kind { CLI_FLAG, CLI_TEXT, CLI_TEXTS, CLI_NUMBER, CLI_SIZE };

/* An option: its spelling, and the member of `struct cli` that it sets. */
struct cli_option {
    const char *name; /* "threads"; NULL ends a table */
    char letter;      /* 'k', or 0 */
    enum cli_kind kind;
    size_t offset;        /* of a bool, const char *, struct cli_list or size_t */
    size_t min, max;      /* of a number */
    const char *fallback; /* of a setting (serve_config.h); NULL: none */
    const char *argument; /* "N", in help */
    const char *help;
};

/* How the tables of the commands spell their options. */
#define CLI_OPTION_FLAG(name_, letter_, member, help_)                                 \
    {                                                                                  \
        .name = (name_), .letter = (letter_), .kind = CLI_FLAG,                        \
        .offset = offsetof(struct cli, member), .help = (help_)                        \
    }
#define CLI_OPTION_TEXT(name_, member, argument_, help_)                               \
    {                                                                                  \
        .name = (name_), .kind = CLI_TEXT, .offset = offsetof(struct cli, member),     \
        .argument = (argument_), .help = (help_)                                       \
    }
#define CLI_OPTION_TEXTS(name_, member, argument_, help_)                              \
    {                                                                                  \
        .name = (name_), .kind = CLI_TEXTS, .offset = offsetof(struct cli, member),    \
        .argument = (argument_), .help = (help_)                                       \
    }
#define CLI_OPTION_NUMBER(name_, letter_, member, max_, help_)                         \
    {                                                                                  \
        .name = (name_), .letter = (letter_), .kind = CLI_NUMBER,                      \
        .offset = offsetof(struct cli, member), .min = 1, .max = (max_),               \
        .argument = "N", .help = (help_)                                               \
    }
/* Of all that look for points: it means the same to each. */
#define CLI_OPTION_FILTER(help_) CLI_OPTION_TEXT("filter", filter, "JSON", help_)
#define CLI_OPTION_END                                                                 \
    {                                                                                  \
        .name = NULL                                                                   \
    }

struct cli_command {
    const char *name;
    const char *arguments; /* "PATH...", as help prints them */
    const char *summary;   /* one line */
    const char *about;     /* some lines */
    const char *example;   /* some lines, as typed */
    const struct cli_option *options;
    size_t min_args, max_args;
    enum exit_code (*run)(const struct cli *cli);
};

extern const struct cli_command cmd_add, cmd_search, cmd_get, cmd_rm, cmd_ls, cmd_stats,
    cmd_model, cmd_serve, cmd_version, cmd_help, cmd_embed, cmd_label, cmd_describe,
    cmd_verify, cmd_repair, cmd_backup, cmd_restore, cmd_compact, cmd_export,
    cmd_import, cmd_eval, cmd_explain, cmd_reembed, cmd_index, cmd_snapshot;

/* All commands in the order of help; NULL ends the table. */
extern const struct cli_command *const cli_commands[];

/* The command of that name, or NULL with a sentence and the nearest name on stderr. */
const struct cli_command *cli_command_find(const char *name);

/* Opens the database of this run; of `options` the caller sets what is not said on the
 * command line (write, create, url). Tells of an error; on failure *db is NULL and the
 * result is not EXIT_DONE. */
enum exit_code cli_open(struct duet **db, const struct cli *cli,
                        struct duet_options options);

/* Opens the database of this run for reading, calls `use` and closes it; refuses --url.
 */
enum exit_code cli_read_database(const struct cli *cli,
                                 enum exit_code (*use)(const struct cli *cli,
                                                       struct duet *db));

/* Opens the model of this run by itself, without a database; refuses --url. Tells of an
 * error; on failure *encoder is NULL and the result is not EXIT_DONE. */
enum exit_code cli_open_encoder(struct duet_encoder **encoder, const struct cli *cli);

/* Calls `one` for each argument, while stdout takes what is printed. One that fails is
 * told and does not hinder the others; one by itself has its own exit code. */
enum exit_code cli_each(const struct cli *cli,
                        enum err (*one)(void *arg, const char *argument), void *arg);

enum { CLI_API_KEY_MAX = 4096 };

/* The first line of the file at `path`, or where that is NULL the environment's
 * `variable`; *key is NULL where there is neither, and may point into `file` (a buf of
 * CLI_API_KEY_MAX). */
enum err cli_read_key(const char **key, const char *path, const char *variable,
                      struct buf *file) ERR_CHECK;

/* The server's key: the first line of --api-key-file, else $DUET_API_KEY; *key is NULL
 * where there is neither, and may point into `file` (a buf of CLI_API_KEY_MAX). */
enum err cli_api_key(const char **key, const struct cli *cli, struct buf *file)
    ERR_CHECK;

/* Writes "duet: …" as one line to stderr. What could steer a terminal (a file may be
 * called anything) is written as '?'. */
void cli_tell(const char *fmt, ...) ERR_PRINTF(1, 2);

/* Tells the detail of `code` on stderr ("duet: …") and returns its exit code; nothing
 * is said of ERR_OK and ERR_CANCELLED. */
enum exit_code cli_fail(enum err code);

/* Tells of a wrong command line on stderr and returns EXIT_USAGE. */
enum exit_code cli_usage(const char *fmt, ...) ERR_PRINTF(1, 2);

#endif
