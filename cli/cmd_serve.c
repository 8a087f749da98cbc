/*
 * cmd_serve.c - `duet serve`: the database over HTTP, until ^C or SIGTERM.
 */
#include <signal.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "net/server.h"

static struct net_server *server_to_stop; /* set before the handler is */

static void on_signal(int number)
{
    (void)number;
    net_server_stop(server_to_stop);
}

/* --threads says on how many cores the database encodes; 0: not said. */
static unsigned count_workers(const struct cli *cli)
{
    size_t n = NET_WORKERS_A_CORE * cli->n_threads;
    return n > LIMIT_THREADS_MAX ? LIMIT_THREADS_MAX : (unsigned)n;
}

static enum err serve(const struct cli *cli, struct duet *db, const char *api_key)
{
    struct net_server_options options = {
        .listen = cli->listen,
        .api_key = api_key,
        .insecure = cli->insecure,
        .n_threads = count_workers(cli),
    };
    struct sigaction action = {.sa_handler = on_signal};
    TRY(net_server_open(&server_to_stop, db, &options));
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (!cli->quiet) {
        const char *url = net_server_url(server_to_stop);
        cli_tell("serving %s at %s (page: %s/dashboard); ^C stops", cli->db, url, url);
    }
    enum err result = net_server_run(server_to_stop);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    net_server_close(server_to_stop);
    return result;
}

static enum exit_code run(const struct cli *cli)
{
    struct buf file;
    struct duet *db;
    const char *api_key;
    char url[LIMIT_NAME_BYTES];
    if (cli->url != NULL) {
        return cli_usage("serve works on a database here, not on --url");
    }
    snprintf(url, sizeof url, "http://%s",
             cli->listen != NULL ? cli->listen : "127.0.0.1:6333");
    buf_init(&file, CLI_API_KEY_MAX);
    enum exit_code code = cli_fail(cli_api_key(&api_key, cli, &file));
    if (code == EXIT_DONE) {
        struct duet_options options = {.write = true, .create = true, .url = url};
        code = cli_open(&db, cli, options);
    }
    if (code == EXIT_DONE) {
        code = cli_fail(serve(cli, db, api_key));
        duet_close(db);
    }
    buf_release(&file);
    return code;
}

static const struct cli_option options[] = {
    CLI_OPTION_TEXT("listen", listen, "HOST:PORT", "where (else 127.0.0.1:6333)"),
    CLI_OPTION_FLAG("insecure", 0, insecure,
                    "listen on other than this machine without a key"),
    CLI_OPTION_NUMBER("threads", 0, n_threads, LIMIT_THREADS_MAX,
                      "cores to encode on (else all)"),
    CLI_OPTION_TEXT("decode", decode, "exact|fast",
                    "large JPEGs whole, or shrunk on the way (else fast)"),
    CLI_OPTION_END,
};

const struct cli_command cmd_serve = {
    .name = "serve",
    .arguments = "",
    .summary = "answer over HTTP, with a page to search in",
    .about =
        "Serves the database (made if it is not there) in the dialect of Qdrant, and\n"
        "a page at /dashboard. It is the one writer while it runs: add pictures\n"
        "through it, or stop it first; searching beside it works. ^C and SIGTERM\n"
        "let the requests under way end.\n",
    .example = "  duet serve --listen 127.0.0.1:6333\n"
               "  duet --url http://127.0.0.1:6333 search \"a red car\"\n",
    .options = options,
    .run = run,
};
