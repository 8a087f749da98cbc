/*
 * raw_client.h - HTTP by hand, for tests that must say it wrong, slowly or in part.
 *
 *     int fd = raw_connect(url);
 *     raw_send(fd, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
 *     struct raw_reply reply = raw_read(fd);     // until the server closes
 *     assert_int_equal(reply.status, 200);
 *
 * What hangs for a minute fails.
 */
#ifndef TESTS_NET_RAW_CLIENT_H
#define TESTS_NET_RAW_CLIENT_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct raw_reply {
    int status; /* 0: closed without an answer */
    size_t n;
    char text[64 << 10]; /* head and body, NUL-terminated, cut if longer */
};

static inline int raw_connect(const char *url)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    to.sin_port = htons((uint16_t)strtol(strrchr(url, ':') + 1, NULL, 10));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return -1;
    }
    int on = 1; /* else a second send waits for the first one's delayed ACK */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/* The server may have closed already: what could not be sent is no failure. */
static inline void raw_send_bytes(int fd, const void *bytes, size_t n)
{
    const char *p = bytes;
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        p += sent;
        n -= (size_t)sent;
    }
}

static inline void raw_send(int fd, const char *text)
{
    raw_send_bytes(fd, text, strlen(text));
}

/* One more piece of the reply; false at its end. */
static inline bool raw_read_some(int fd, struct raw_reply *reply)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char bytes[16 << 10];
    assert_int_equal(poll(&wait, 1, 60000), 1);
    ssize_t n = recv(fd, bytes, sizeof bytes, 0);
    if (n <= 0) {
        return false;
    }
    size_t room = sizeof reply->text - 1 - reply->n;
    size_t kept = (size_t)n < room ? (size_t)n : room;
    memcpy(reply->text + reply->n, bytes, kept);
    reply->n += kept;
    reply->text[reply->n] = '\0';
    sscanf(reply->text, "HTTP/1.1 %d", &reply->status);
    return true;
}

/* Reads until the server closes, then closes. */
static inline struct raw_reply raw_read(int fd)
{
    struct raw_reply reply = {0};
    while (raw_read_some(fd, &reply)) {
    }
    close(fd);
    return reply;
}

/* Reads until `text` has come; the connection stays open. */
static inline struct raw_reply raw_read_until(int fd, const char *text)
{
    struct raw_reply reply = {0};
    while (strstr(reply.text, text) == NULL && raw_read_some(fd, &reply)) {
    }
    return reply;
}

/* `headers` are whole lines ("Origin: http://x\r\n"), "Host" among them. */
static inline void raw_send_request(int fd, const char *request_line,
                                    const char *headers, const char *body)
{
    char head[2048];
    snprintf(head, sizeof head, "%s HTTP/1.1\r\n%sContent-Length: %zu\r\n\r\n",
             request_line, headers, strlen(body));
    raw_send(fd, head);
    raw_send(fd, body);
}

/* One whole exchange on a connection of its own. */
static inline struct raw_reply raw_ask(const char *url, const char *request_line,
                                       const char *headers, const char *body)
{
    char lines[1024];
    int fd = raw_connect(url);
    assert_true(fd >= 0);
    snprintf(lines, sizeof lines, "%sConnection: close\r\n", headers);
    raw_send_request(fd, request_line, lines, body);
    return raw_read(fd);
}

#endif
