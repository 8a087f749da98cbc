/*
 * served.h - the real program as a server, build/duet serve on a free port, and requests
 * to it with any body.
 *
 *     served_start(folder);            // FOLDER/db, the tiny model of FOLDER/models
 *     served_ask(&reply, "GET", "/collections", NULL, NULL, 0);
 *     served_release(&reply);
 *     served_stop();
 *
 * BUILD names the folder of the program.
 */
#ifndef TESTS_INTEGRATION_SERVED_H
#define TESTS_INTEGRATION_SERVED_H

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/json.h"
#include "tests/db/db_test.h"
#include "tests/encoder/tiny_model.h"

enum { SERVED_REPLY_MAX = 128 << 20 };

static struct {
    pid_t pid;
    char url[64];
} served;

/* The first "http://…" that the program says, on whichever stream. */
static inline void served_read_url(int fd)
{
    static char said[4096];
    size_t n = 0;
    char *found = NULL;
    while (found == NULL || strpbrk(found, " \n") == NULL) {
        ssize_t n_read = read(fd, said + n, sizeof said - 1 - n);
        if (n_read <= 0) {
            print_error("the server said no URL: %s\n", said);
            fail();
        }
        n += (size_t)n_read;
        said[n] = '\0';
        found = strstr(said, "http://");
    }
    snprintf(served.url, sizeof served.url, "%.*s", (int)strcspn(found, " \n"), found);
}

/* Makes the model where it is not there yet. */
static inline void served_start(const char *folder)
{
    const char *build = getenv("BUILD");
    char program[256], database[96], models[80], model[96];
    int said[2];
    snprintf(models, sizeof models, "%s/models", folder);
    snprintf(model, sizeof model, "%s/default", models);
    if (mkdir(models, 0700) == 0) {
        assert_int_equal(mkdir(model, 0700), 0);
        tiny_model_write(model, 1);
    }
    setenv("DUET_MODELS", models, 1);
    snprintf(program, sizeof program, "%s/duet", build != NULL ? build : "build");
    snprintf(database, sizeof database, "%s/db", folder);
    assert_int_equal(pipe(said), 0);
    served.pid = fork();
    assert_true(served.pid >= 0);
    if (served.pid == 0) {
        dup2(said[1], STDOUT_FILENO);
        dup2(said[1], STDERR_FILENO);
        close(said[0]);
        execl(program, "duet", "serve", "--listen", "127.0.0.1:0", "--db", database,
              (char *)NULL);
        _exit(127);
    }
    close(said[1]);
    served_read_url(said[0]); /* the pipe stays open: the server may go on talking */
}

static inline void served_stop(void)
{
    int status;
    assert_int_equal(kill(served.pid, SIGTERM), 0);
    assert_int_equal(waitpid(served.pid, &status, 0), served.pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

struct served_reply {
    long status;
    struct buf text;
    struct json_object *json; /* NULL where it is none */
};

static inline size_t served_keep(char *bytes, size_t size, size_t n, void *arg)
{
    return buf_append(arg, bytes, size * n) == ERR_OK ? size * n : 0;
}

/* `type` of the body and `body` may be NULL. */
static inline void served_ask(struct served_reply *reply, const char *method,
                              const char *path, const char *type, const void *body,
                              size_t n)
{
    char target[512], header[256];
    struct curl_slist *headers = NULL;
    CURL *curl = curl_easy_init();
    *reply = (struct served_reply){.status = 0};
    buf_init(&reply->text, SERVED_REPLY_MAX);
    snprintf(target, sizeof target, "%s%s", served.url, path);
    snprintf(header, sizeof header, "Content-Type: %s",
             type != NULL ? type : "application/json");
    headers = curl_slist_append(headers, header);
    headers = curl_slist_append(headers, "Expect:");
    curl_easy_setopt(curl, CURLOPT_URL, target);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, served_keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply->text);
    if (body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    if (curl_easy_perform(curl) == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
    }
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    if (json_parse(&reply->json, reply->text.data, reply->text.size) != ERR_OK) {
        reply->json = NULL;
    }
}

static inline void served_release(struct served_reply *reply)
{
    json_object_put(reply->json);
    buf_release(&reply->text);
}

#endif
