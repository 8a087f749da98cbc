/*
 * interrupt.h - ^C during long work: the first one asks it to stop where it can be gone
 * on with, a second one ends the program at once.
 *
 *     interrupt_watch();
 *     ... return !interrupt_seen();   // in a progress callback
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

/* From now on SIGINT and SIGTERM are noted, once each. */
void interrupt_watch(void);

bool interrupt_seen(void);

#endif
