/*
 * api_pages.h - pages of a ranked result that is kept, Duet's own addition:
 *
 *     "duet": {"cursor": true}       in a query: keep its result
 *     "duet": {"cursor": "…"}        in place of a query: another page of it
 *
 *     struct pages_ask pages;
 *     TRY(api_pages_take(&root, &pages));
 *     if (pages.token != NULL) {
 *         return api_pages_next(call, &root, &pages);
 *     }
 *     ... read the rest of the request into `query` ...
 *     api_pages_widen(&pages, &query);
 *     ... search ...
 *     TRY(api_pages_pin(call, &pages, &hits));      // `hits` is the first page then
 *     ... write the points, then in "duet": api_pages_write(out, &pages);
 *
 * One thread at a time; what is taken borrows the JSON.
 */
#ifndef NET_API_PAGES_H
#define NET_API_PAGES_H

#include "net/api.h"

struct pages_ask {
    bool pin;          /* keep the result */
    const char *token; /* of one that is kept; NULL: none */

    /* Filled in on the way. */
    struct duet_page page;
    struct duet_page_info info;
    char made[DUET_PAGES_TOKEN_MAX]; /* the token of a new one */
};

/* Reads "duet.cursor" and takes it out of the request, so that whoever reads the rest
 * without asking here refuses it. ERR_INVALID. */
enum err api_pages_take(const struct field *root, struct pages_ask *pages) ERR_CHECK;

/* Answers a request for a page of a kept result. */
enum err api_pages_next(struct api_call *call, const struct field *root,
                        struct pages_ask *pages) ERR_CHECK;

/* Where the result is to be kept: makes `query` ask for all of it that can be. */
void api_pages_widen(struct pages_ask *pages, struct duet_query *query);

/* Where the result is to be kept: keeps it, and puts the page that was asked for in its
 * place; what else `hits` says stays. */
enum err api_pages_pin(struct api_call *call, struct pages_ask *pages,
                       struct duet_hits *hits) ERR_CHECK;

/* Whether the answer says anything of pages; and that, as members of its "duet". */
bool api_pages_speaks(const struct pages_ask *pages);
void api_pages_write(struct json_out *out, const struct pages_ask *pages);

#endif
