/*
 * id.c - the ids of points: duet_id_format, duet_id_parse, duet_id_compare.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "db/db_internal.h"

void duet_id_format(struct duet_id id, char text[DUET_ID_TEXT_MAX])
{
    if (!id.is_uuid) {
        snprintf(text, DUET_ID_TEXT_MAX, "%llu", (unsigned long long)id.number);
        return;
    }
    static const char digits[] = "0123456789abcdef";
    char *at = text;
    for (size_t i = 0; i < DB_UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *at++ = '-';
        }
        *at++ = digits[id.uuid[i] >> 4];
        *at++ = digits[id.uuid[i] & 15];
    }
    *at = '\0';
}

static enum err bad_id(const char *text)
{
    return err_set(ERR_INVALID,
                   "'%.64s' is no id: neither a number up to 2^64-1 nor a UUID", text);
}

/* Digits only, so not strtoull, which takes signs and blanks. */
static bool parse_number(const char *text, uint64_t *number)
{
    uint64_t value = 0;
    for (const char *c = text; *c != '\0'; c++) {
        unsigned digit = (unsigned)(*c - '0');
        if (digit > 9 || value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *number = value;
    return text[0] != '\0';
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *found = c == '\0' ? NULL : strchr(digits, c);
    if (found == NULL) {
        return -1;
    }
    int i = (int)(found - digits);
    return i < 16 ? i : i - 6;
}

/* 32 hex digits, with hyphens before bytes 4, 6, 8 and 10 or with none. */
static bool parse_uuid(const char *text, uint8_t uuid[DB_UUID_BYTES])
{
    bool hyphens = strlen(text) == 36;
    for (size_t i = 0; i < DB_UUID_BYTES; i++) {
        if (hyphens && (i == 4 || i == 6 || i == 8 || i == 10)) {
            if (*text++ != '-') {
                return false;
            }
        }
        int high = hex_digit(text[0]);
        int low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0) {
            return false;
        }
        uuid[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    return *text == '\0';
}

enum err duet_id_parse(struct duet_id *out, const char *text)
{
    static const char urn[] = "urn:uuid:";
    *out = (struct duet_id){.number = 0};
    if (parse_number(text, &out->number) && strlen(text) < 32) {
        return ERR_OK;
    }
    *out = (struct duet_id){.is_uuid = true};
    bool is_urn = strncmp(text, urn, sizeof urn - 1) == 0;
    if (!parse_uuid(is_urn ? text + sizeof urn - 1 : text, out->uuid)) {
        *out = (struct duet_id){.number = 0};
        return bad_id(text);
    }
    return ERR_OK;
}

int duet_id_compare(struct duet_id a, struct duet_id b)
{
    if (a.is_uuid != b.is_uuid) {
        return a.is_uuid ? 1 : -1;
    }
    if (a.is_uuid) {
        return memcmp(a.uuid, b.uuid, DB_UUID_BYTES);
    }
    return (a.number > b.number) - (a.number < b.number);
}
