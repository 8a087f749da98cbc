/*
 * cmd_serve.c - `duet serve`: the database over HTTP, until ^C or SIGTERM.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/notify.h"
#include "cli/serve_config.h"
#include "net/server.h"

static struct net_server *running; /* set before the handlers are */

static void on_stop(int number)
{
    (void)number;
    net_server_stop(running);
}

static void on_reload(int number)
{
    (void)number;
    net_server_reload(running);
}

static void set_handlers(void (*stop)(int), void (*hang_up)(int))
{
    const struct sigaction stopping = {.sa_handler = stop};
    const struct sigaction hanging_up = {.sa_handler = hang_up};
    sigaction(SIGINT, &stopping, NULL);
    sigaction(SIGTERM, &stopping, NULL);
    sigaction(SIGHUP, &hanging_up, NULL);
}

/* --threads says on how many cores the database encodes; 0: not said. */
static unsigned count_workers(const struct cli *cli)
{
    size_t n = NET_WORKERS_A_CORE * cli->n_threads;
    return n > LIMIT_THREADS_MAX ? LIMIT_THREADS_MAX : (unsigned)n;
}

struct keys {
    const char *key, *read_only; /* NULL: none */
    struct buf file, read_only_file;
};

static enum err read_keys(struct keys *keys, const struct cli *cli)
{
    buf_init(&keys->file, CLI_API_KEY_MAX);
    buf_init(&keys->read_only_file, CLI_API_KEY_MAX);
    TRY(cli_api_key(&keys->key, cli, &keys->file));
    return cli_read_key(&keys->read_only, cli->serve.read_only_api_key_file,
                        "DUET_READ_ONLY_API_KEY", &keys->read_only_file);
}

static void keys_release(struct keys *keys)
{
    buf_release(&keys->file);
    buf_release(&keys->read_only_file);
}

static enum err check_log(const struct cli *cli)
{
    const char *log = cli->serve.log;
    FAIL_IF(strcmp(log, "json") != 0 && strcmp(log, "text") != 0, ERR_INVALID,
            "--log wants text or json, not '%.40s'", log);
    return ERR_OK;
}

static enum err serve(const struct cli *cli, struct duet *db, const struct keys *keys)
{
    const struct net_server_options options = {
        .listen = cli->listen,
        .api_key = keys->key,
        .read_only_api_key = keys->read_only,
        .insecure = cli->insecure,
        .n_threads = count_workers(cli),
        .max_body = cli->serve.max_body,
        .drain_seconds = (unsigned)cli->serve.grace,
        .tls_cert = cli->serve.tls_cert,
        .tls_key = cli->serve.tls_key,
        .log_json = strcmp(cli->serve.log, "json") == 0,
        .log_requests = cli->serve.access_log,
        .log_file = cli->serve.log_file,
        .slow_query_ms = cli->serve.slow_query_ms,
        .allow_image_urls = cli->serve.allow_image_urls,
        .allow_private_image_urls = cli->serve.allow_private_image_urls,
    };
    TRY(net_server_open(&running, db, &options));
    set_handlers(on_stop, on_reload);
    if (!cli->quiet) {
        const char *url = net_server_url(running);
        cli_tell("serving %s at %s (page: %s/dashboard); ^C stops", cli->db, url, url);
    }
    notify_systemd("READY=1");
    enum err result = net_server_run(running);
    notify_systemd("STOPPING=1");
    set_handlers(SIG_DFL, SIG_IGN);
    net_server_close(running);
    return result;
}

/* With all settings in place. */
static enum exit_code serve_database(const struct cli *cli)
{
    struct keys keys;
    struct duet *db;
    char url[LIMIT_NAME_BYTES];
    snprintf(url, sizeof url, "http%s://%s", cli->serve.tls_cert != NULL ? "s" : "",
             cli->listen);
    enum err result = read_keys(&keys, cli);
    if (result == ERR_OK) {
        result = check_log(cli);
    }
    enum exit_code code = cli_fail(result);
    if (code == EXIT_DONE) {
        struct duet_options options = {.write = true, .create = true, .url = url};
        code = cli_open(&db, cli, options);
    }
    if (code == EXIT_DONE) {
        code = cli_fail(serve(cli, db, &keys));
        duet_close(db);
    }
    keys_release(&keys);
    return code;
}

static enum exit_code run(const struct cli *cli)
{
    struct serve_config config;
    if (cli->url != NULL) {
        return cli_usage("serve works on a database here, not on --url");
    }
    enum exit_code code = cli_fail(serve_config_read(&config, cli));
    if (code == EXIT_DONE && cli->serve.print_config) {
        serve_config_print(&config, stdout, cli->json);
    } else if (code == EXIT_DONE) {
        code = serve_database(&config.cli);
    }
    serve_config_release(&config);
    return code;
}

const struct cli_command cmd_serve = {
    .name = "serve",
    .arguments = "",
    .summary = "answer over HTTP, with a page to search in",
    .about =
        "Serves the database (made if it is not there) in the dialect of Qdrant, and\n"
        "a page at /dashboard. It is the one writer while it runs: add pictures\n"
        "through it, or stop it first; searching beside it works. ^C and SIGTERM\n"
        "let the requests under way end; SIGHUP reads the certificate again and\n"
        "begins the log's file anew.\n"
        "\n"
        "Whatever is not said here is taken from the environment (--tls-cert from\n"
        "DUET_TLS_CERT) and then from the file of --config (tls-cert = FILE). Keys\n"
        "may also stand in DUET_API_KEY and DUET_READ_ONLY_API_KEY.\n",
    .example = "  duet serve --listen 127.0.0.1:6333\n"
               "  duet --url http://127.0.0.1:6333 search \"a red car\"\n"
               "  duet serve --config /etc/duet/duet.conf --print-config\n",
    .options = serve_options,
    .run = run,
};
