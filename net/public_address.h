/*
 * public_address.h - whether an address is one of the public internet. Any thread.
 */
#ifndef NET_PUBLIC_ADDRESS_H
#define NET_PUBLIC_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/*
 * Whether packets to the address leave for the public internet: not this machine, this
 * network, a private or a carrier's one, not many receivers, nothing reserved, and no
 * IPv4 address in the dress of an IPv6 one. What is not known is not public.
 */
bool address_is_public(const struct sockaddr *address);

#endif
