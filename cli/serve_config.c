/*
 * serve_config.c - see serve_config.h.
 */
#include "cli/serve_config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "cli/options.h"
#include "cli/suggest.h"

enum {
    FILE_BYTES_MAX = 64 << 10,
    VARIABLE_MAX = 64 /* bytes of "DUET_…" */
};

#define SETTING_TEXT(name_, member_, argument_, fallback_, help_)                      \
    {                                                                                  \
        .name = (name_), .kind = CLI_TEXT, .offset = offsetof(struct cli, member_),    \
        .argument = (argument_), .fallback = (fallback_), .help = (help_)              \
    }
#define SETTING_FLAG(name_, member_, help_)                                            \
    {                                                                                  \
        .name = (name_), .kind = CLI_FLAG, .offset = offsetof(struct cli, member_),    \
        .fallback = "false", .help = (help_)                                           \
    }
#define SETTING_NUMBER(name_, member_, min_, max_, fallback_, help_)                   \
    {                                                                                  \
        .name = (name_), .kind = CLI_NUMBER, .offset = offsetof(struct cli, member_),  \
        .min = (min_), .max = (max_), .argument = "N", .fallback = (fallback_),        \
        .help = (help_)                                                                \
    }

const struct cli_option serve_options[] = {
    CLI_OPTION_TEXT("config", serve.config, "FILE",
                    "settings that are not said here (else $DUET_CONFIG)"),
    CLI_OPTION_FLAG("print-config", 0, serve.print_config,
                    "print all settings and where they come from; serve nothing"),
    SETTING_TEXT("listen", listen, "HOST:PORT", "127.0.0.1:6333",
                 "where (else 127.0.0.1:6333)"),
    SETTING_FLAG("insecure", insecure,
                 "listen on other than this machine without a key"),
    SETTING_TEXT("read-only-api-key-file", serve.read_only_api_key_file, "FILE", NULL,
                 "a second key that may only read is in it"),
    SETTING_TEXT("tls-cert", serve.tls_cert, "FILE", NULL,
                 "HTTPS: the certificate and its chain (PEM)"),
    SETTING_TEXT("tls-key", serve.tls_key, "FILE", NULL, "and its key (PEM)"),
    {
        .name = "max-body",
        .kind = CLI_SIZE,
        .offset = offsetof(struct cli, serve.max_body),
        .min = 1024,
        .max = LIMIT_INFLIGHT_BYTES,
        .argument = "BYTES",
        .fallback = "64M",
        .help = "of one request (else 64M)",
    },
    SETTING_NUMBER("threads", n_threads, 1, LIMIT_THREADS_MAX, NULL,
                   "cores to encode on (else all)"),
    SETTING_TEXT("decode", decode, "exact|fast", "fast",
                 "large JPEGs whole, or shrunk on the way (else fast)"),
    SETTING_NUMBER("grace", serve.grace, 1, 3600, "30",
                   "seconds for requests under way at the end (else 30)"),
    SETTING_TEXT("log", serve.log, "text|json", "text",
                 "how the log is written (else text)"),
    SETTING_TEXT("log-file", serve.log_file, "FILE", NULL, "and where (else stderr)"),
    SETTING_FLAG("access-log", serve.access_log, "log each request"),
    SETTING_NUMBER("slow-query-ms", serve.slow_query_ms, 0, 3600000, "0",
                   "log queries that take so long (else none)"),
    SETTING_TEXT("allow-image-urls", serve.allow_image_urls, "LIST", NULL,
                 "hosts that pictures are fetched from (else none)"),
    SETTING_TEXT("allow-private-image-urls", serve.allow_private_image_urls, "LIST",
                 NULL, "HOST:PORTs allowed at addresses that are not public"),
    CLI_OPTION_END,
};

/* Those of every command that are settings too. */
static const char *const global_settings[] = {"db", "model", "api-key-file"};

static void add_setting(struct serve_config *config, const struct cli_option *option)
{
    config->settings[config->n_settings++] = (struct serve_setting){.option = option};
}

/* The table: what is global first, then the server's own. */
static void list_settings(struct serve_config *config)
{
    for (const struct cli_option *o = options_global; o->name != NULL; o++) {
        for (size_t i = 0; i < sizeof global_settings / sizeof global_settings[0];
             i++) {
            if (strcmp(o->name, global_settings[i]) == 0) {
                add_setting(config, o);
            }
        }
    }
    for (const struct cli_option *o = serve_options; o->name != NULL; o++) {
        bool is_setting =
            strcmp(o->name, "config") != 0 && strcmp(o->name, "print-config") != 0;
        if (is_setting) {
            add_setting(config, o);
        }
    }
}

/* "tls-cert" into "DUET_TLS_CERT". */
static void name_variable(const char *name, char variable[VARIABLE_MAX])
{
    snprintf(variable, VARIABLE_MAX, "DUET_%s", name);
    for (char *c = variable; *c != '\0'; c++) {
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    }
}

/* ---- The file --------------------------------------------------------------------- */

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t n = strlen(text);
    while (n > 0 && strchr(" \t\r", text[n - 1]) != NULL) {
        n--;
    }
    text[n] = '\0';
    return text;
}

/* Cuts the comment off, and quotes that are around all of the value; NULL where a quote
 * has no end, or something behind it. */
static char *read_value(char *text)
{
    text = trim(text);
    if (text[0] == '"') {
        char *end = strchr(text + 1, '"');
        if (end == NULL) {
            return NULL;
        }
        char *behind = trim(end + 1);
        *end = '\0';
        return behind[0] == '\0' || behind[0] == '#' ? text + 1 : NULL;
    }
    char *comment = strstr(text, " #");
    if (comment != NULL) {
        *comment = '\0';
    }
    return trim(text);
}

static struct serve_setting *find_setting(struct serve_config *config, const char *name)
{
    for (size_t i = 0; i < config->n_settings; i++) {
        if (strcmp(config->settings[i].option->name, name) == 0) {
            return &config->settings[i];
        }
    }
    return NULL;
}

static enum err unknown_key(const struct serve_config *config, const char *key)
{
    const char *names[SERVE_SETTINGS_MAX];
    for (size_t i = 0; i < config->n_settings; i++) {
        names[i] = config->settings[i].option->name;
    }
    const char *nearest = suggest_nearest(key, names, config->n_settings);
    FAIL_IF(nearest != NULL, ERR_INVALID,
            "there is no setting '%.40s'; did you mean '%s'?", key, nearest);
    return err_set(ERR_INVALID, "there is no setting '%.40s'", key);
}

/* One line, without its end; what the command line said is checked and stays. */
static enum err read_line(struct serve_config *config, char *line, size_t number)
{
    line = trim(line);
    if (line[0] == '\0' || line[0] == '#') {
        return ERR_OK;
    }
    char *equals = strchr(line, '=');
    FAIL_IF(equals == NULL, ERR_INVALID, "'%.40s' is not KEY = VALUE", line);
    *equals = '\0';
    const char *key = trim(line);
    const char *value = read_value(equals + 1);
    struct serve_setting *setting = find_setting(config, key);
    if (setting == NULL) {
        return unknown_key(config, key);
    }
    FAIL_IF(value == NULL, ERR_INVALID, "%s: the quotes are not closed at its end",
            key);
    FAIL_IF(setting->line != 0, ERR_INVALID, "%s is set in line %zu already", key,
            setting->line);
    struct cli scratch = config->cli;
    setting->line = number;
    TRY(options_set(&scratch, setting->option, key, value));
    if (setting->from != FROM_COMMAND) {
        config->cli = scratch;
        setting->from = FROM_FILE;
    }
    return ERR_OK;
}

static enum err read_file(struct serve_config *config, const char *path)
{
    TRY(file_read(path, &config->file));
    FAIL_IF(strlen(config->file.data) != config->file.size, ERR_INVALID,
            "%s: this is no text", path);
    char *line = config->file.data;
    for (size_t number = 1; line != NULL; number++) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end = '\0';
        }
        enum err result = read_line(config, line, number);
        if (result != ERR_OK) {
            return err_prefix(result, "%s:%zu", path, number);
        }
        line = end != NULL ? end + 1 : NULL;
    }
    return ERR_OK;
}

/* ---- All together ------------------------------------------------------------------ */

static enum err set_defaults(struct serve_config *config)
{
    for (size_t i = 0; i < config->n_settings; i++) {
        struct serve_setting *setting = &config->settings[i];
        const char *fallback = setting->option->fallback;
        if (options_was_said(&config->cli, setting->option)) {
            setting->from = FROM_COMMAND;
        } else if (fallback != NULL) {
            TRY(options_set(&config->cli, setting->option, setting->option->name,
                            fallback));
            setting->from = FROM_DEFAULT;
        } else if (strcmp(setting->option->name, "db") == 0) {
            setting->from = FROM_DEFAULT; /* every command has one (main.c) */
        }
    }
    return ERR_OK;
}

static enum err read_environment(struct serve_config *config)
{
    for (size_t i = 0; i < config->n_settings; i++) {
        struct serve_setting *setting = &config->settings[i];
        char variable[VARIABLE_MAX];
        name_variable(setting->option->name, variable);
        const char *value = getenv(variable);
        if (setting->from != FROM_COMMAND && value != NULL && value[0] != '\0') {
            TRY(options_set(&config->cli, setting->option, variable, value));
            setting->from = FROM_ENVIRONMENT;
        }
    }
    return ERR_OK;
}

enum err serve_config_read(struct serve_config *config, const struct cli *cli)
{
    memset(config, 0, sizeof *config);
    config->cli = *cli;
    buf_init(&config->file, FILE_BYTES_MAX);
    list_settings(config);
    const char *path = cli->serve.config;
    if (path == NULL) {
        path = getenv("DUET_CONFIG");
    }
    TRY(set_defaults(config));
    if (path != NULL && path[0] != '\0') {
        TRY(read_file(config, path));
        config->cli.serve.config = path;
    }
    return read_environment(config);
}

void serve_config_release(struct serve_config *config)
{
    buf_release(&config->file);
}

/* ---- Printing ---------------------------------------------------------------------- */

/* The value as a line of the file would say it; "" where it is not set. */
static const char *format_value(const struct cli *cli, const struct cli_option *option,
                                char room[24])
{
    const char *member = (const char *)cli + option->offset;
    const char *text;
    switch (option->kind) {
    case CLI_FLAG:
        return *(const bool *)(const void *)member ? "true" : "false";
    case CLI_NUMBER:
    case CLI_SIZE:
        snprintf(room, 24, "%zu", *(const size_t *)(const void *)member);
        return room;
    default:
        text = *(const char *const *)(const void *)member;
        return text != NULL ? text : "";
    }
}

static void format_origin(const struct serve_config *config,
                          const struct serve_setting *setting, char *room, size_t n)
{
    char variable[VARIABLE_MAX];
    switch (setting->from) {
    case FROM_COMMAND:
        snprintf(room, n, "--%s", setting->option->name);
        break;
    case FROM_ENVIRONMENT:
        name_variable(setting->option->name, variable);
        snprintf(room, n, "$%s", variable);
        break;
    case FROM_FILE:
        snprintf(room, n, "%s:%zu", config->cli.serve.config, setting->line);
        break;
    case FROM_DEFAULT:
        snprintf(room, n, "default");
        break;
    default:
        snprintf(room, n, "not set");
    }
}

static void print_setting(FILE *out, const char *name, const char *value,
                          const char *origin)
{
    bool is_set = strcmp(origin, "not set") != 0;
    bool quoted = is_set && (value[0] == '\0' || strpbrk(value, " \t#") != NULL);
    char line[4400];
    snprintf(line, sizeof line, "%s%s =%s%s%s%s", is_set ? "" : "# ", name,
             is_set ? " " : "", quoted ? "\"" : "", is_set ? value : "",
             quoted ? "\"" : "");
    fprintf(out, "%-40s  # %s\n", line, origin);
}

static void print_json(FILE *out, const char *name, const char *value,
                       const char *origin)
{
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "name", json_object_new_string(name));
    json_object_object_add(object, "value", json_object_new_string(value));
    json_object_object_add(object, "from", json_object_new_string(origin));
    fprintf(out, "%s\n", json_text(object));
    json_object_put(object);
}

/* Keys in the environment itself; one in a file comes first (cli_read_key). */
static void print_keys(const struct serve_config *config, FILE *out, bool json)
{
    const struct {
        const char *name, *variable, *file;
    } keys[] = {
        {"api-key", "DUET_API_KEY", config->cli.api_key_file},
        {"read-only-api-key", "DUET_READ_ONLY_API_KEY",
         config->cli.serve.read_only_api_key_file},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (keys[i].file != NULL || getenv(keys[i].variable) == NULL) {
            continue;
        }
        if (json) {
            char origin[VARIABLE_MAX + 1];
            snprintf(origin, sizeof origin, "$%s", keys[i].variable);
            print_json(out, keys[i].name, "not shown", origin);
        } else {
            fprintf(out, "# %s is not shown %*s# $%s\n", keys[i].name,
                    (int)(27 - strlen(keys[i].name)), "", keys[i].variable);
        }
    }
}

void serve_config_print(const struct serve_config *config, FILE *out, bool json)
{
    for (size_t i = 0; i < config->n_settings; i++) {
        const struct serve_setting *setting = &config->settings[i];
        char room[24], origin[4200];
        const char *value = setting->from == FROM_NOWHERE
                                ? ""
                                : format_value(&config->cli, setting->option, room);
        format_origin(config, setting, origin, sizeof origin);
        (json ? print_json : print_setting)(out, setting->option->name, value, origin);
    }
    print_keys(config, out, json);
}
