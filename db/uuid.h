/*
 * uuid.h - 16 random bytes, and 16 bytes made of a name (RFC 4122). Any thread.
 */
#ifndef DB_UUID_H
#define DB_UUID_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A version 4 UUID from the system's random numbers. ERR_IO. */
enum err uuid_random(uint8_t uuid[16]) ERR_CHECK;

/* The version 5 UUID of `name` in the name space `space` (section 4.3). ERR_INTERNAL
 * where the system's library has no SHA-1. */
enum err uuid_of_name(const uint8_t space[16], const char *name, uint8_t uuid[16])
    ERR_CHECK;

#endif
