/*
 * program_server.h - `duet serve` as a process of its own, for tests with program.h.
 *
 *     char url[SERVER_URL_MAX];
 *     pid_t server = server_start((const char *const[]){"serve", …, NULL}, url);
 *     ...
 *     server_stop(server);       // it must end well, leaks of a sanitizer's build included
 */
#ifndef TESTS_INTEGRATION_PROGRAM_SERVER_H
#define TESTS_INTEGRATION_PROGRAM_SERVER_H

#include <signal.h>
#include <sys/stat.h>

#include "tests/integration/program.h"

enum { SERVER_URL_MAX = 64 };

/* Starts it with these arguments and copies the URL that it says. Its stderr stays in
 * at("server.err"). */
static inline pid_t server_start(const char *const *args, char url[SERVER_URL_MAX])
{
    unlink(at("stderr"));
    pid_t pid = start(args, at("server.out"));
    for (int tries = 0; tries < 6000; tries++) {
        read_text(at("stderr"), ran.err);
        const char *said = strstr(ran.err, " at http");
        if (said != NULL && strchr(said + 4, ' ') != NULL) {
            snprintf(url, SERVER_URL_MAX, "%.*s", (int)strcspn(said + 4, " "),
                     said + 4);
            assert_int_equal(rename(at("stderr"), at("server.err")), 0);
            return pid;
        }
        usleep(10000);
    }
    fail_msg("the server does not start: %s", ran.err);
    return -1;
}

static inline void server_stop(pid_t server)
{
    int status;
    assert_int_equal(kill(server, SIGTERM), 0);
    assert_int_equal(waitpid(server, &status, 0), server);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        read_text(at("server.err"), ran.err);
        fail_msg("the server ended with status %d: %s", status, ran.err);
    }
}

#endif
