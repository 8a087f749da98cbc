/*
 * pages.h - ranked results that are kept for a while, so that their pages fit together.
 *
 *     struct pages pages;
 *     pages_init(&pages);
 *     ... duet_pages_open, duet_pages_read, duet_pages_close ...
 *     pages_release(&pages);
 *
 * At most LIMIT_PAGES_OPEN lists, each of at most LIMIT_K_MAX entries. A list whose time
 * is over is freed by the next call, whatever it asks for; no thread waits for it.
 *
 * Threads: any number may call; a page is copied under the lock, and its points are read
 * without it.
 */
#ifndef DB_PAGES_H
#define DB_PAGES_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct pages_list;

struct pages {
    pthread_mutex_t mutex;    /* over what follows */
    struct pages_list *lists; /* owned, the newest first */
    size_t n_lists;
    uint64_t lifetime_ns; /* since the last use; LIMIT_PAGES_SECONDS, tests say less */
};

void pages_init(struct pages *pages);

/* With no other call under way. Accepts a zeroed one. */
void pages_release(struct pages *pages);

#endif
