/*
 * running.h - a real server on a free port, on a thread, in front of fake_db.h.
 *
 *     struct running *s = start(&(struct net_server_options){.n_threads = 2});
 *     struct raw_reply reply = raw_ask(s->url, QUERY, HOST, WORDS);
 *     stop(s);
 *
 * One at a time.
 */
#ifndef TESTS_NET_RUNNING_H
#define TESTS_NET_RUNNING_H

#include "net/server.h"
#include "tests/net/fake_db.h"
#include "tests/net/raw_client.h"

#define HOST "Host: localhost\r\n"
#define QUERY "POST /collections/things/points/query"
#define WORDS "{\"query\": {\"text\": \"a dog\"}}"

struct running {
    struct net_server *server;
    const char *url;
    pthread_t thread;
    enum err result;
};

static inline void *running_run(void *arg)
{
    struct running *running = arg;
    running->result = net_server_run(running->server);
    return NULL;
}

static inline struct running *start(const struct net_server_options *options)
{
    static struct running running;
    struct net_server_options with_port = *options;
    with_port.listen = "127.0.0.1:0";
    fake_reset();
    assert_ok(net_server_open(&running.server, NULL, &with_port));
    running.url = net_server_url(running.server);
    assert_int_equal(pthread_create(&running.thread, NULL, running_run, &running), 0);
    return &running;
}

static inline void join(struct running *running)
{
    pthread_join(running->thread, NULL);
    net_server_close(running->server);
    assert_ok(running->result);
}

static inline void stop(struct running *running)
{
    net_server_stop(running->server);
    join(running);
}

#endif
