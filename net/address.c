/*
 * address.c - see address.h.
 */
#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connections that the kernel holds for us while we are busy or at our own cap. */
enum { BACKLOG = 512 };

enum err address_parse(struct address *out, const char *text)
{
    const char *colon = strrchr(text, ':');
    FAIL_IF(colon == NULL, ERR_INVALID, "\"%s\" is no HOST:PORT", text);
    const char *host = text;
    size_t n_host = (size_t)(colon - text);
    if (n_host >= 2 && host[0] == '[' && host[n_host - 1] == ']') {
        host++;
        n_host -= 2;
    } else {
        FAIL_IF(memchr(host, ':', n_host) != NULL, ERR_INVALID,
                "\"%s\": an IPv6 address goes in brackets, as in [::1]:6333", text);
    }
    FAIL_IF(n_host >= sizeof out->host, ERR_INVALID, "the host name is too long");
    const char *port = colon + 1;
    size_t n_port = strlen(port);
    FAIL_IF(n_port == 0 || n_port >= sizeof out->port ||
                strspn(port, "0123456789") != n_port || strtol(port, NULL, 10) > 65535,
            ERR_INVALID, "\"%s\": the port must be 0 to 65535", text);
    memcpy(out->host, host, n_host);
    out->host[n_host] = '\0';
    memcpy(out->port, port, n_port + 1);
    return ERR_OK;
}

static bool is_loopback_address(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)sa;
        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *in6 = (const void *)sa;
    return sa->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

/* An address family that the kernel lacks gives -1 with errno set, as all failures. */
static int open_socket(const struct addrinfo *info)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) {
        return fd;
    }
    int errnum = errno;
    close(fd);
    errno = errnum;
    return -1;
}

/* A URL with the numbers that were got, so that "localhost:0" can be asked at once. */
static enum err format_url(int fd, char *url)
{
    struct sockaddr_storage got;
    socklen_t n = sizeof got;
    char host[INET6_ADDRSTRLEN + 16], port[8];
    if (getsockname(fd, (struct sockaddr *)&got, &n) != 0) {
        return err_errno(errno, "asking for the port");
    }
    int failed = getnameinfo((struct sockaddr *)&got, n, host, sizeof host, port,
                             sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    FAIL_IF(failed != 0, ERR_IO, "asking for the port: %s", gai_strerror(failed));
    snprintf(url, ADDRESS_URL_MAX,
             got.ss_family == AF_INET6 ? "http://[%s]:%s" : "http://%s:%s", host, port);
    return ERR_OK;
}

static enum err listen_error(const struct address *address, int errnum)
{
    if (errnum == EADDRINUSE) {
        return err_set(ERR_BUSY, "%s:%s is in use by another program", address->host,
                       address->port);
    }
    return err_errno(errnum, "listening on %s:%s", address->host, address->port);
}

enum err address_listen(const struct address *address, int *fd, bool *is_loopback,
                        char *url)
{
    *fd = -1;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *info;
    int failed = getaddrinfo(address->host[0] != '\0' ? address->host : NULL,
                             address->port, &hints, &info);
    FAIL_IF(failed != 0, ERR_INVALID, "the address %s: %s", address->host,
            gai_strerror(failed));
    int got = open_socket(info);
    int errnum = errno;
    *is_loopback = is_loopback_address(info->ai_addr);
    freeaddrinfo(info);
    if (got < 0) {
        return listen_error(address, errnum);
    }
    enum err result = format_url(got, url);
    if (result != ERR_OK) {
        close(got);
        return result;
    }
    *fd = got;
    return ERR_OK;
}
