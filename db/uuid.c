/*
 * uuid.c - see uuid.h.
 */
#include "db/uuid.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

static void mark_version(uint8_t uuid[16], uint8_t version)
{
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | version << 4);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

enum err uuid_random(uint8_t uuid[16])
{
    if (getrandom(uuid, 16, 0) != 16) { /* 16 bytes come whole or not at all */
        return err_errno(errno, "no random numbers");
    }
    mark_version(uuid, 4);
    return ERR_OK;
}

/* SHA-1 of the space and the name, cut to 16 bytes. */
static bool digest(const uint8_t space[16], const char *name,
                   uint8_t sum[EVP_MAX_MD_SIZE])
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool done = md != NULL && EVP_DigestInit_ex(md, EVP_sha1(), NULL) == 1 &&
                EVP_DigestUpdate(md, space, 16) == 1 &&
                EVP_DigestUpdate(md, name, strlen(name)) == 1 &&
                EVP_DigestFinal_ex(md, sum, NULL) == 1;
    EVP_MD_CTX_free(md);
    return done;
}

enum err uuid_of_name(const uint8_t space[16], const char *name, uint8_t uuid[16])
{
    uint8_t sum[EVP_MAX_MD_SIZE];
    FAIL_IF(!digest(space, name, sum), ERR_INTERNAL,
            "no SHA-1 in this system's OpenSSL");
    memcpy(uuid, sum, 16);
    mark_version(uuid, 5);
    return ERR_OK;
}
