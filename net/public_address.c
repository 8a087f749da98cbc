/*
 * public_address.c - see public_address.h. Tables from IANA's registries of special-
 * purpose addresses, as of 2025.
 */
#include "net/public_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct range4 {
    uint32_t first;
    unsigned bits;
};

#define IP4(a, b, c, d)                                                                \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

static const struct range4 special4[] = {
    {IP4(0, 0, 0, 0), 8},       /* this network */
    {IP4(10, 0, 0, 0), 8},      /* private */
    {IP4(100, 64, 0, 0), 10},   /* a carrier's own (CGNAT) */
    {IP4(127, 0, 0, 0), 8},     /* loopback */
    {IP4(169, 254, 0, 0), 16},  /* link-local; clouds tell secrets there */
    {IP4(172, 16, 0, 0), 12},   /* private */
    {IP4(192, 0, 0, 0), 24},    /* protocols */
    {IP4(192, 0, 2, 0), 24},    /* documentation */
    {IP4(192, 88, 99, 0), 24},  /* 6to4 relays, given up */
    {IP4(192, 168, 0, 0), 16},  /* private */
    {IP4(198, 18, 0, 0), 15},   /* measurements */
    {IP4(198, 51, 100, 0), 24}, /* documentation */
    {IP4(203, 0, 113, 0), 24},  /* documentation */
    {IP4(224, 0, 0, 0), 4},     /* multicast */
    {IP4(240, 0, 0, 0), 4},     /* reserved, and broadcast */
};

/* Of what IPv6 uses for the internet, 2000::/3, the parts that are something else. */
static const struct range6 {
    uint8_t first[4];
    unsigned bits;
} special6[] = {
    {{0x20, 0x01, 0x00, 0x00}, 23}, /* protocols, Teredo among them */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x20, 0x02, 0x00, 0x00}, 16}, /* 6to4: an IPv4 address inside */
    {{0x3f, 0xff, 0x00, 0x00}, 20}, /* documentation */
};

static bool is_in(uint32_t address, uint32_t first, unsigned bits)
{
    return (address ^ first) >> (32 - bits) == 0;
}

static bool is_public4(uint32_t address)
{
    for (size_t i = 0; i < sizeof special4 / sizeof special4[0]; i++) {
        if (is_in(address, special4[i].first, special4[i].bits)) {
            return false;
        }
    }
    return true;
}

/* Only 2000::/3 is in use: what is mapped (::ffff:0:0/96), translated (64:ff9b::/96),
 * local (fc00::/7, fe80::/10, ::1) or multicast (ff00::/8) is all outside. */
static bool is_public6(const struct in6_addr *address)
{
    uint32_t head;
    memcpy(&head, address->s6_addr, sizeof head);
    head = ntohl(head);
    if (!is_in(head, IP4(0x20, 0, 0, 0), 3)) {
        return false;
    }
    for (size_t i = 0; i < sizeof special6 / sizeof special6[0]; i++) {
        const uint8_t *f = special6[i].first;
        if (is_in(head, IP4(f[0], f[1], f[2], f[3]), special6[i].bits)) {
            return false;
        }
    }
    return true;
}

bool address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)address;
        return is_public4(ntohl(in->sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)address;
        return is_public6(&in6->sin6_addr);
    }
    return false;
}
